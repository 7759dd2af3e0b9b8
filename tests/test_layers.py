"""The layout of the rooms: sub-packages in layers, no circles, pure kernel files.

Each rule is a function from source text to the breaches that it sees, so that every rule can
be shown to bite on a few lines that break it.
"""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

from fsw.framework.kernel_cache import ROOMS, kernels_hash
from tests.layers import LAYERS, table
from tests.test_house import imports, kernels, sources

ROOT = Path(__file__).parent.parent
FILES_IN_A_SUB_PACKAGE = range(2, 13)
# what a kernel file and all that it imports may take from outside: nothing that touches a machine
PURE = {"__future__", "collections", "dataclasses", "enum", "functools", "math", "numpy", "typing"}
COMPILER = "fsw.framework"


def module_of(path):
    """Dotted name of a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def layer_of(module):
    """Sub-package that a module lies in."""
    return ".".join(module.split(".")[:2])


def imported_files(texts):
    """Module -> the modules of `texts` that it imports, anywhere in it."""
    known = {module_of(path) for path in texts}
    graph = {}
    for path, text in texts.items():
        named = imports(path, text) & known
        graph[module_of(path)] = {name for name in named if name.count(".") >= 2}
    return graph


def breaches_of_layers(texts):
    """Imports of a sub-package that does not stand before the importing one."""
    found = []
    for module, imported in imported_files(texts).items():
        for name in sorted(imported):
            here, there = layer_of(module), layer_of(name)
            if here != there and LAYERS.index(here) < LAYERS.index(there):
                found.append(f"{module} imports {name}")
    return found


def circles(texts):
    """Files that import themselves by way of others."""
    graph = imported_files(texts)
    return sorted(module for module in graph if module in _reached(graph, module))


def _reached(graph, start):
    seen, waiting = set(), [start]
    while waiting:
        for name in graph.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def strangers(paths):
    """Files that lie in no sub-package of the list; packages and their docstrings aside."""
    return [
        path
        for path in paths
        if layer_of(module_of(path)) not in LAYERS and not _is_room_init(path)
    ]


def _is_room_init(path):
    return path in {f"{room}/__init__.py" for room in ROOMS}


def more_than_a_docstring(text):
    """True when an `__init__` file holds anything but one docstring."""
    body = ast.parse(text).body
    return len(body) != 1 or ast.get_docstring(ast.parse(text)) is None


def impure(texts):
    """Kernel files that reach an edge of the program: `file: module that imports it: what`."""
    graph = imported_files(texts)
    outside = {
        module_of(path): {name.split(".")[0] for name in imports(path, text)} - {*ROOMS, *PURE}
        for path, text in texts.items()
    }
    found = []
    for path, text in texts.items():
        module = module_of(path)
        if not kernels(ast.parse(text)):
            continue
        for name in sorted({module, *_reached(graph, module)}):
            if layer_of(name) != COMPILER and outside[name]:
                found.append(f"{module}: {name}: {', '.join(sorted(outside[name]))}")
    return found


@cache
def files():
    """Path -> text of every source file of the rooms."""
    return sources()


def test_sub_packages_import_only_what_stands_before_them():
    assert breaches_of_layers(files()) == []


def test_no_file_imports_itself_by_way_of_others():
    assert circles(files()) == []


def test_every_file_lies_in_a_layer_and_every_layer_exists():
    assert strangers(files()) == []
    sizes = {layer: 0 for layer in LAYERS}
    for path in files():
        if not path.endswith("__init__.py"):
            sizes[layer_of(module_of(path))] += 1
    wrong = {layer: n for layer, n in sizes.items() if n not in FILES_IN_A_SUB_PACKAGE}
    assert wrong == {}


def test_an_init_file_is_one_docstring():
    inits = {path: text for path, text in files().items() if path.endswith("__init__.py")}
    assert len(inits) == len(LAYERS) + len(ROOMS)
    assert [path for path, text in inits.items() if more_than_a_docstring(text)] == []


def test_a_kernel_file_imports_only_kernel_and_record_files():
    assert impure(files()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fsw/filter/a.py", "from fsw.guidance.b import f"),
        ("fsw/filter/a.py", "def f():\n    from fsw.guidance import b"),
        ("fsw/filter/a.py", "from ..guidance.b import f"),
        ("sim/run/a.py", "import hil.log.c"),
    ],
)
def test_an_import_from_a_later_layer_is_seen(path, text):
    others = {"fsw/guidance/b.py": "", "hil/log/c.py": ""}
    assert breaches_of_layers({path: text, **others})
    assert not breaches_of_layers({"tools/cli/a.py": text.replace("..", "fsw."), **others})


def test_a_circle_is_seen_within_a_sub_package_too():
    two = {
        "hil/bench/a.py": "from hil.bench.b import f",
        "hil/bench/b.py": "def g():\n    from hil.bench import a",
        "hil/bench/c.py": "from hil.bench.b import f",
    }
    assert circles(two) == ["hil.bench.a", "hil.bench.b"]


def test_a_file_outside_of_every_layer_is_seen():
    assert strangers(["fsw/a.py", "fsw/other/a.py", "fsw/filter/a.py", "fsw/__init__.py"]) == [
        "fsw/a.py",
        "fsw/other/a.py",
    ]


@pytest.mark.parametrize(
    "text", ["", "import a", '"""Doc."""\nfrom a import b', '"""Doc."""\nX = 1']
)
def test_more_than_a_docstring_is_seen(text):
    assert more_than_a_docstring(text)
    assert not more_than_a_docstring('"""Doc."""\n')


def test_a_kernel_file_that_reaches_a_file_of_the_machine_is_seen():
    kernel = "from {} import f\n@kernel\ndef g(x):\n    return x\n"
    texts = {
        "sim/run/a.py": kernel.format("sim.run.b"),
        "sim/run/b.py": "from sim.run.c import f",
        "sim/run/c.py": "def f():\n    import tomllib",
        "sim/run/d.py": kernel.format("math"),
    }
    assert impure(texts) == ["sim.run.a: sim.run.c: tomllib"]


NOT_COMPILED = ("sim/scenario/", "sim/campaign/", "hil/log/", "tools/")


def test_a_comment_in_files_around_the_kernels_changes_no_kernels_hash():
    graph = imported_files(files())
    with_kernels = {module_of(p) for p, t in files().items() if kernels(ast.parse(t))}
    around = {
        module_of(path)
        for path in files()
        if path.startswith(NOT_COMPILED) and module_of(path) not in with_kernels
    }
    in_hashes = set().union(*({m, *_reached(graph, m)} for m in with_kernels))
    record_files = {m for m in around & in_hashes if _is_record_file(m)}
    assert around & in_hashes - record_files == set()


def _is_record_file(module):
    return " = record(" in files()[module.replace(".", "/") + ".py"]


def test_kernels_of_the_loop_depend_on_no_file_around_them():
    graph = imported_files(files())
    loop = {"sim.run.loop", *_reached(graph, "sim.run.loop")}
    assert [name for name in sorted(loop) if name.replace(".", "/").startswith(NOT_COMPILED)] == []
    assert len(kernels_hash("sim.run.loop")) == 64


def test_the_readme_shows_every_sub_package():
    assert table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_package_finder_takes_every_room():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["setuptools"]["packages"]["find"]["include"] == [f"{r}*" for r in ROOMS]
