"""The wheel, installed beside the locked packages and used from a folder of somebody's own.

That folder has packages named `sim` and `tools`, which must not be taken for Leadline's. Nothing is
ever written into the installation.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from fsw.framework.kernel_cache import ROOMS, cache_root
from hil.boards.toolchain import missing_tools

ROOT = Path(__file__).parents[2]
SHORT = ("--set", "vehicle.propulsion_ready=0", "--set", "expect.verdict=not_begun")
JUNK = 'raise RuntimeError("not one of ours")\n'
LIMIT_S = 900
BUILD = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir")
needs_board = pytest.mark.skipif(bool(missing_tools()), reason="needs QEMU and a cross compiler")
USER = """\
import leadline
flight = leadline.fly("nominal", seed=0)
reveal_type(flight)
reveal_type(leadline.load("nominal", {"start.propellant_kg": 370.0}))
reveal_type(leadline.fly_many)
leadline.fly(seed="zero")
"""


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    done = subprocess.run(command, env=without_paths(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def without_paths():
    """This environment without the paths that lead Python to a checkout."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools")):
        pytest.skip("needs pip and setuptools to build a wheel")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves folders behind
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if not name.startswith("tests/") and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    pip(*BUILD, str(folder), str(source))
    return next(folder.glob("leadline-*.whl"))


def cache_name(folder):
    return f"{folder.name}_{hashlib.sha1(str(folder).encode()).hexdigest()}"


class Installed:
    """The wheel in an environment of its own."""

    def __init__(self, folder, wheel):
        self.home = home = folder / "environment"
        self.cache = folder / "cache"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
        self.python = home / "bin" / "python"
        self.packages = next(home.glob("lib/python*/site-packages"))
        pip("--python", self.python, "install", "-q", "--no-deps", "--no-compile", wheel)
        locked = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.packages / "locked.pth").write_text("\n".join(sorted(locked)) + "\n")
        self._lend_kernels()
        subprocess.run([self.python, "-m", "compileall", "-q", self.packages], check=True)

    def _lend_kernels(self):
        """Copy what was compiled of this checkout to where the installed files look for it.

        Numba names a folder by the hash of the one that holds the source, and compares the
        source's time.
        """
        names = {}
        for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
            twin = self.packages / path.relative_to(ROOT)
            time_ns = path.stat().st_mtime_ns
            os.utime(twin, ns=(time_ns, time_ns))
            names[cache_name(path.parent)] = cache_name(twin.parent)
        for kept in cache_root().glob("*/*/*"):
            if kept.name in names:
                place = self.cache / kept.relative_to(cache_root())
                shutil.copytree(kept, place.with_name(names[kept.name]))
        if (cache_root() / "boards").exists():
            shutil.copytree(cache_root() / "boards", self.cache / "boards")

    def files(self):
        """Every file's hash."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.home.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    def run(self, folder, *command, **environment):
        return subprocess.run(
            [self.home / "bin" / command[0], *command[1:]],
            cwd=folder,
            env={**without_paths(), "LEADLINE_CACHE": str(self.cache), **environment},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel installed, at the end without a changed file."""
    environment = Installed(tmp_path_factory.mktemp("installed"), wheel)
    before = environment.files()
    yield environment
    assert environment.files() == before


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with packages of its own that have the names of ours."""
    for name in ("sim", "tools"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(JUNK)
    return tmp_path


@pytest.fixture
def leadline(installed, elsewhere):
    """Run the installed command there: status, standard output, standard error."""

    def run(*arguments, **environment):
        done = installed.run(elsewhere, "leadline", *arguments, **environment)
        return done.returncode, done.stdout, done.stderr

    return run


def test_the_wheel_holds_every_file_of_the_rooms(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(
        ["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert tracked - held == set()
    assert {"leadline.py", "leadline-stubs/__init__.pyi"} <= held
    assert not [name for name in held if name.startswith("tests/")]


def test_the_stub_is_the_module_itself(wheel):
    archive = zipfile.ZipFile(wheel)
    assert archive.read("leadline-stubs/__init__.pyi") == archive.read("leadline.py")


def test_the_command_flies(leadline):
    status, out, err = leadline("fly", "--json")
    assert (status, json.loads(out)["verdict"]) == (0, "landed"), err


def test_it_knows_its_version(leadline):
    assert leadline("--version")[:2] == (0, "leadline 0.1.0\n")


@pytest.mark.parametrize("spec", ["faults", str(ROOT / "sim" / "campaigns" / "faults.toml")])
def test_a_campaign_is_flown_by_name_and_by_path(leadline, elsewhere, spec):
    out_folder = elsewhere / "results"
    status, out, err = leadline("campaign", spec, "-n", "4", "--out", out_folder, "--json")
    assert (status, json.loads(out)["n"]) == (0, 4), err


def test_a_search_runs_for_its_budget(leadline, elsewhere):
    pytest.importorskip("hypothesis")
    status, out, err = leadline("search", "--budget", "15s", "--faults", "delayed", "--json")
    assert status in (0, 1) and json.loads(out)["runs"] > 0, err
    assert (elsewhere / "found").is_dir()


@needs_board
def test_a_session_with_an_emulated_board_is_flown(leadline):
    status, out, err = leadline("hil", "nominal", *SHORT, "--sensors", "qemu", "--json")
    assert (status, json.loads(out)["verdict"]) == (0, "not_begun"), err


@needs_board
def test_the_images_are_built_into_the_folder_of_the_caller(leadline, elsewhere):
    status, out, err = leadline("board", "build", "flight", "--json")
    assert status == 0, err
    assert (elsewhere / json.loads(out)["images"]["flight"]["bin"]).exists()


def test_what_boards_need_is_named_in_one_line_where_it_is_missing(leadline, installed):
    for command in (("board", "build"), ("hil", "--sensors", "qemu")):
        status, _, err = leadline(*command, PATH=str(installed.home / "bin"))
        last = err.splitlines()[-1]
        assert status == 2 and last.startswith("leadline: arm-none-eabi-gcc")
        assert "gcc-arm-none-eabi" in last and "qemu.org" in last


def test_python_imports_and_flies_in_a_folder_with_a_sim_of_its_own(installed, elsewhere):
    code = "import leadline; print(leadline.fly('nominal').verdict, leadline.__file__)"
    done = installed.run(elsewhere, "python", "-c", code)
    verdict, _, path = done.stdout.strip().partition(" ")
    assert verdict == "landed" and Path(path).is_relative_to(installed.home), done.stderr


def test_workers_find_the_right_packages_too(installed, elsewhere):
    script = elsewhere / "sweep.py"
    script.write_text(
        "import leadline\n"
        "if __name__ == '__main__':\n"
        "    print([f.verdict for f in leadline.fly_many('nominal', (0, 1), jobs=2)])\n"
    )
    done = installed.run(elsewhere, "python", script)
    assert done.stdout == "['landed', 'landed']\n", done.stderr


def test_a_package_that_hides_ours_is_named_in_one_line(installed, elsewhere):
    (elsewhere / "sim" / "__init__.py").write_text("")
    done = installed.run(elsewhere, "python", "-c", "import sim, leadline")
    assert done.stderr.splitlines()[-1].startswith("ImportError: leadline: package 'sim' of ")


def test_a_type_checker_sees_the_types_from_outside(installed, tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", installed.python, "user.py"],
        cwd=tmp_path,
        env=without_paths(),
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert 'Revealed type is "sim.run.fly.Result"' in lines[0]
    assert 'Revealed type is "sim.scenario.load.Scenario"' in lines[1]
    assert "list[sim.run.fly.Result]" in lines[2]
    assert [line.partition(": ")[0] for line in lines if "error" in line][:-1] == ["user.py:6"] * 2
