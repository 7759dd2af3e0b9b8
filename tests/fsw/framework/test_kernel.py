"""Table: an edit recompiles the kernels that depend on it, and nobody else's.

The kernels under test are those of small packages written for the purpose: in process, in a
room of their own, where hashes are enough; and in processes of their own, where the compiler
and its cache on disk take part.
"""

import importlib
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from fsw.framework import kernel_cache
from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import cache_root, kernels_hash
from fsw.framework.record import REGISTRY, f32, record, u8, u32

ROOT = Path(__file__).parents[3]
KERNEL = "from fsw.framework.kernel import kernel\n"
SOURCES = {
    "__init__": "",
    "base": KERNEL + "STEP = 1.0\n\n@kernel\ndef base(x):\n    return x + STEP\n",
    "middle": KERNEL
    + "from {room}.base import base\n\n@kernel\ndef middle(x):\n    return base(x)\n",
    "top": KERNEL
    + "from {room} import middle\nm = middle.middle\n\n@kernel\ndef top(x):\n    return m(x)\n",
    "apart": KERNEL + "import math\n\n@kernel\ndef apart(x):\n    return x * 2.0\n",
}


def write(folder, room):
    for name, text in SOURCES.items():
        (folder / f"{name}.py").write_text(text.replace("{room}", room))


def edit(folder, name, old, new):
    path = folder / f"{name}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# --- hashes ------------------------------------------------------------------------------


def forget():
    """What the kernel module has read of the sources."""
    importlib.invalidate_caches()
    for cached in (kernel_cache.source_of, kernel_cache._our_imports):
        cached.cache_clear()


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A room of five modules: top imports middle imports base; apart imports none of them."""
    folder = tmp_path / "leadline_room"
    folder.mkdir()
    write(folder, folder.name)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(kernel_cache, "ROOMS", (*kernel_cache.ROOMS, folder.name))
    forget()
    yield folder
    forget()
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def hashes(room):
    forget()
    return {
        name: kernels_hash(f"{room.name}.{name}") for name in ("base", "middle", "top", "apart")
    }


def changed(before, after):
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("base", "STEP = 1.0", "STEP = 2.0", {"base", "middle", "top"}),
        ("middle", "return base(x)", "return -base(x)", {"middle", "top"}),
        ("top", "return m(x)", "return -m(x)", {"top"}),
        ("apart", "x * 2.0", "x * 3.0", {"apart"}),
    ],
)
def test_an_edit_changes_the_hash_of_those_who_import_it_and_of_no_other(
    room, name, old, new, expected
):
    before = hashes(room)
    edit(room, name, old, new)
    assert changed(before, hashes(room)) == expected


def test_undoing_an_edit_brings_the_hash_back(room):
    before = hashes(room)
    edit(room, "base", "1.0", "2.0")
    edit(room, "base", "2.0", "1.0")
    assert hashes(room) == before


def test_a_relative_import_counts_like_an_absolute_one(room):
    edit(room, "middle", f"from {room.name}.base", "from .base")
    edit(room, "top", f"from {room.name} import", "from . import")
    before = hashes(room)
    edit(room, "base", "1.0", "2.0")
    assert changed(before, hashes(room)) == {"base", "middle", "top"}


def test_modules_outside_the_rooms_do_not_count(room, tmp_path):
    before = hashes(room)
    (tmp_path / "math.py").write_text("nothing = 1\n")
    assert hashes(room) == before


def test_the_cache_folder_follows_the_hash(room, monkeypatch, tmp_path):
    monkeypatch.setenv("LEADLINE_CACHE", str(tmp_path / "cache"))
    assert cache_root() == tmp_path / "cache"
    name = f"{room.name}.middle"
    folders = []
    for step in ("1.0", "2.0"):
        edit(room, "base", "STEP = 1.0", f"STEP = {step}")
        forget()
        folders.append(kernel_cache.module_folder.__wrapped__(name))
        assert folders[-1].parent == tmp_path / "cache" / name
    assert folders[0] != folders[1]


def test_the_builds_used_last_are_kept(room, monkeypatch, tmp_path):
    monkeypatch.setenv("LEADLINE_CACHE", str(tmp_path / "cache"))
    name = f"{room.name}.base"
    home = tmp_path / "cache" / name
    for age in range(12):
        build = home / f"build{age:02}"
        build.mkdir(parents=True)
        os.utime(build, (1000 - age, 1000 - age))
    kernel_cache.module_folder.__wrapped__(name)
    kept = sorted(path.name for path in home.iterdir())
    assert kept == [f"build{age:02}" for age in range(kernel_cache.BUILDS_KEPT - 1)]


def test_a_function_outside_the_rooms_is_compiled_without_a_cache():
    module = types.ModuleType("elsewhere")
    exec("def twice(x):\n    return 2.0 * x\n", module.__dict__)
    assert kernel(module.twice)(4.0) == 8.0


NARROW = record(
    "Narrow", "Narrow fields.", a=f32("a"), n=u32("n", 2), k=u8("k"), spare=u8("zero", 3)
)
del REGISTRY["Narrow"]  # not part of the project's own dictionary


@kernel
def _product(narrow):
    return float(narrow.a) * float(narrow.a)


@kernel
def _below(narrow):
    return int(narrow.n[0]) - int(narrow.n[1]), (int(narrow.k) + 1) * 16843009


def test_a_narrow_field_is_widened_to_64_bits_on_load():
    narrow = NARROW.new(a=0.1, n=(3, 5), k=255)
    assert _product(narrow) == float(narrow.a) ** 2 != float(narrow.a * narrow.a)
    assert _below(narrow) == (-2, 4311810304)


# --- the compiler and its cache ----------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    """A tree with a flight room of its own, and the real kernel module in it."""
    folder = tmp_path / "fsw"
    folder.mkdir()
    write(folder, "fsw")
    shutil.copytree(ROOT / "fsw" / "framework", folder / "framework")
    return tmp_path


def run(tree, code, interpret="0"):
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "LEADLINE_CACHE": str(tree / "cache"),
        "LEADLINE_INTERPRET": interpret,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


CALL_BOTH = """
import fsw.top, fsw.apart
from fsw.framework import kernel_cache
assert kernel_cache.__file__.startswith({tree!r})
print(fsw.top.top(3.0), fsw.apart.apart(3.0), kernel_cache.is_compiled("fsw.top"))
"""


def test_a_compiled_caller_sees_the_edit_of_a_callee_in_another_file(tree):
    code = CALL_BOTH.format(tree=str(tree))

    def builds(name):
        return len(list((tree / "cache" / f"fsw.{name}").iterdir()))

    assert run(tree, code) == ["4.0", "6.0", "True"]
    assert (builds("top"), builds("apart")) == (1, 1)
    edit(tree / "fsw", "base", "STEP = 1.0", "STEP = 5.0")
    assert run(tree, code) == ["8.0", "6.0", "True"]
    assert (builds("top"), builds("apart")) == (2, 1)


def test_interpreted_kernels_are_plain_functions(tree):
    code = (
        "import types, sys, fsw.top\n"
        "from fsw.framework.kernel_cache import is_compiled\n"
        "assert type(fsw.top.top) is types.FunctionType\n"
        "print(fsw.top.top(3.0), is_compiled('fsw.top'))"
    )
    assert run(tree, code, interpret="1") == ["4.0", "True"]
    assert not (tree / "cache").exists()


TOP = "import fsw.top; print(fsw.top.top(3.0))"


def compiled_files(tree):
    return sorted((tree / "cache").rglob("*.kernel"))


def test_a_second_process_compiles_nothing(tree):
    assert run(tree, TOP) == ["4.0"]
    before = {path: path.stat().st_mtime_ns for path in compiled_files(tree)}
    assert len(before) == 3
    assert run(tree, TOP) == ["4.0"]
    assert {path: path.stat().st_mtime_ns for path in compiled_files(tree)} == before


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 5000, None])
def test_a_damaged_file_of_the_cache_is_compiled_again(tree, damage):
    assert run(tree, TOP) == ["4.0"]
    sound = {path: path.read_bytes() for path in compiled_files(tree)}
    for path, content in sound.items():
        flipped = bytes([*content[:-9], content[-9] ^ 1, *content[-8:]])
        path.write_bytes(flipped if damage is None else damage)
    assert run(tree, TOP) == ["4.0"]
    assert [len(path.read_bytes()) > 100 for path in compiled_files(tree)] == [True] * 3


def test_a_folder_that_cannot_be_used_keeps_nothing_and_nothing_else_is_used(tree):
    (tree / "cache").write_text("a file, no folder")
    code = TOP + "; from fsw.framework.kernel_cache import cache_problem; print(cache_problem())"
    assert " ".join(run(tree, code)).startswith(f"4.0 compiled kernels are not kept: {tree}/cache")
    edit(tree / "fsw", "base", "STEP = 1.0", "STEP = 5.0")
    assert run(tree, TOP) == ["8.0"]
    assert list(tree.rglob("*.nb?")) == list(tree.rglob("*.kernel")) == []


NO_HOME = """
import os, pathlib
del os.environ["LEADLINE_CACHE"]
def no_home():
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = no_home
"""
READ_ONLY = """
import pathlib
def refuse(*arguments):
    raise OSError(30, "Read-only file system")
pathlib.Path.write_bytes = refuse
"""


def test_without_a_home_nothing_is_kept(tree):
    problem = "from fsw.framework import kernel_cache; print(kernel_cache.cache_problem())"
    printed = run(tree, f"{NO_HOME}{TOP}; {problem}")
    assert printed[0] == "4.0" and " ".join(printed[1:]).startswith("no home folder")
    assert compiled_files(tree) == []


def test_a_cache_that_can_only_be_read_is_used(tree):
    assert run(tree, READ_ONLY + TOP) == ["4.0"]
    assert compiled_files(tree) == []
    assert run(tree, TOP) == ["4.0"]
    before = {path: path.stat().st_mtime_ns for path in compiled_files(tree)}
    assert run(tree, READ_ONLY + TOP) == ["4.0"]
    assert {path: path.stat().st_mtime_ns for path in compiled_files(tree)} == before != {}


def test_two_checkouts_share_what_one_has_compiled(tree, tmp_path_factory):
    assert run(tree, TOP) == ["4.0"]
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(tree, other, dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in compiled_files(other)}
    assert run(other, TOP) == ["4.0"]
    assert {path: path.stat().st_mtime_ns for path in compiled_files(other)} == before
