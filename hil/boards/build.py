"""Builds a board's image: kernels and C shell, linked for the STM32F405, F407 and F446.

What a build makes depends on nothing but the sources, the compilers and the settings here, so it
is kept under their hash, and two builds give the same bytes wherever they are made.
"""

import contextlib
import fcntl
import functools
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from fsw.framework.kernel_cache import cache_problem, cache_root, kernels_hash
from hil.boards.c_headers import records_header, table_header
from hil.boards.kernel_object import build_in_process_of_its_own, payload_named
from hil.boards.toolchain import COMPILER, need_tools
from hil.platform.errors import BenchError

FIRMWARE = Path(__file__).parents[1] / "firmware"
PAYLOADS = ("flight", "sensors")
COMPILE_LIMIT_S = 900.0
KEPT_BUILDS = 12
FLASH_BYTES, RAM_BYTES = 512 * 1024, 128 * 1024

WARNINGS = (
    "-Wall -Wextra -Werror -Wdouble-promotion -Wconversion -Wsign-conversion -Wshadow -Wundef"
    " -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-align -Wcast-qual"
    " -Wwrite-strings -Wvla"
).split()
TARGET = "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=softfp".split()
CODE = (
    "-std=gnu11 -O2 -g -ffreestanding -fno-tree-loop-distribute-patterns -fno-math-errno"
    " -ffp-contract=off -fno-common -ffunction-sections -fdata-sections"
).split()
LINK = (
    "-nostdlib -nostartfiles -static"
    " -Wl,--gc-sections -Wl,--build-id=none -Wl,--no-warn-rwx-segments"
).split()

# what the compiled kernels may call: double arithmetic, 64-bit division, memory, and these
RENAMED = {
    "__adddf3": "f64_add",
    "__subdf3": "f64_subtract",
    "__divdf3": "f64_divide",
    "sqrt": "f64_root",
}
ALLOWED = {
    *"__muldf3 __eqdf2 __nedf2 __ltdf2 __ledf2 __gtdf2 __gedf2".split(),
    *"__unorddf2 __extendsfdf2 __truncdfsf2 __fixdfdi __fixdfsi __fixunsdfsi".split(),
    *"__fixsfdi __floatdidf __floatsidf __floatundidf __floatunsidf".split(),
    *"__floatdisf __floatundisf".split(),
    *"__divdi3 __moddi3 __udivdi3 __umoddi3 memset memcpy __aeabi_unwind_cpp_pr0".split(),
    *RENAMED.values(),
}


class BuildFailed(BenchError):
    """A compiler or linker refused; the message is its first complaint."""


@dataclass(frozen=True)
class Image:
    """A built image, and what it takes of the chip."""

    payload: str
    elf: Path
    binary: Path
    flash_bytes: int
    ram_bytes: int


def build(payload: str) -> Image:
    """The image of a payload, built when it is not there yet.

    Raises ToolsMissing or BuildFailed, one line.
    """
    need_tools(COMPILER)
    kernels = kernels_object(payload)
    folder = _builds() / f"{payload}-{_image_hash(payload)[:16]}"
    with _alone():
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                made = Path(scratch) / payload
                made.mkdir()
                link(payload, kernels, made)
                made.rename(folder)
                _drop_stale(payload)
    return _image(payload, folder)


def kernels_object(payload: str, for_host: bool = False) -> Path:
    """The payload's compiled kernels; compiled when they are not there yet.

    Those for a board are checked for what they call; those for this machine are for tests.
    """
    where = "host" if for_host else "board"
    path = _builds() / f"{payload}-{_object_hash(payload)[:16]}-{where}.o"
    with _alone():
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
                made = Path(scratch) / "kernels.o"
                build_in_process_of_its_own(_compile, payload, made, where)
                if not for_host:
                    renames = [f"--redefine-sym={old}={new}" for old, new in RENAMED.items()]
                    _run(["arm-none-eabi-objcopy", *renames, str(made)])
                    check_symbols(made)
                made.rename(path)
    return path


def link(payload: str, kernels: Path, folder: Path) -> None:
    """Compile the shell for a payload and link both into `folder`."""
    write_headers(payload, folder)
    maps = [f"-ffile-prefix-map={FIRMWARE}=firmware", f"-ffile-prefix-map={folder}=generated"]
    sources = sorted(str(path) for path in FIRMWARE.glob("*.c"))
    elf, script = folder / f"{payload}.elf", FIRMWARE / "board.ld"
    command = [COMPILER, *TARGET, *CODE, *WARNINGS, *maps, f"-I{folder}", f"-I{FIRMWARE}"]
    _run([*command, *LINK, f"-T{script}", *sources, str(kernels), "-lgcc", "-o", str(elf)])
    binary = folder / f"{payload}.bin"
    _run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(binary)])


def write_headers(payload: str, folder: Path) -> None:
    """Write what is generated for a payload."""
    (folder / "records.h").write_text(records_header())
    (folder / "table.h").write_text(table_header(payload_named(payload)))


def symbols(elf: Path) -> dict[str, int]:
    """Addresses of an image's symbols."""
    lines = _run(["arm-none-eabi-nm", str(elf)]).splitlines()
    return {line.split()[-1]: int(line.split()[0], 16) for line in lines if len(line.split()) == 3}


def check_symbols(path: Path) -> None:
    """Refuse an object that calls what no board has, an allocator or a libm for example."""
    called = {line.split()[-1] for line in _run(["arm-none-eabi-nm", "-u", str(path)]).splitlines()}
    if called - ALLOWED:
        raise BuildFailed(f"the kernels call what no board has: {', '.join(called - ALLOWED)}")


def _image(payload: str, folder: Path) -> Image:
    elf, binary = folder / f"{payload}.elf", folder / f"{payload}.bin"
    at = symbols(elf)
    ram = max(at["bss_end"], at["kept_end"]) - at["stack_begin"]
    return Image(payload, elf, binary, binary.stat().st_size, ram)


def _object_hash(payload: str) -> str:
    parts = [
        kernels_hash(f"hil.boards.{payload}_payload"),
        kernels_hash("hil.boards.kernel_object"),
    ]
    return _hash(parts + [version("numba"), version("llvmlite"), repr(RENAMED)])


def _image_hash(payload: str) -> str:
    parts = [_object_hash(payload), records_header(), table_header(payload_named(payload))]
    parts += [f"{path.name}\n{path.read_text()}" for path in sorted(FIRMWARE.glob("*.[chl]*"))]
    return _hash([*parts, *TARGET, *CODE, *WARNINGS, *LINK, _compiler_version()])


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def _compiler_version() -> str:
    return _run([COMPILER, "-dumpfullversion"])


def _compile(command: list[str], env: dict[str, str]) -> None:
    _run(command, env)


def _builds() -> Path:
    """Where builds are kept."""
    if problem := cache_problem():
        raise BuildFailed(problem)
    folder = Path(cache_root() or "") / "boards"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process builds at a time; the others wait for it, and find what it has built."""
    with (_builds() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _drop_stale(payload: str) -> None:
    """Keep the few most recent builds of a payload: branches and parallel checkouts share them."""
    builds = sorted(_builds().glob(f"{payload}-*"), key=lambda path: path.stat().st_mtime)
    for stale in builds[:-KEPT_BUILDS]:
        if stale.is_dir():
            shutil.rmtree(stale, ignore_errors=True)
        else:
            stale.unlink(missing_ok=True)


def _run(command: list[str], env: dict[str, str] | None = None) -> str:
    # from one place always: debug information names the folder
    done = subprocess.run(
        command, env=env, timeout=COMPILE_LIMIT_S, capture_output=True, text=True, cwd=FIRMWARE
    )
    if done.returncode != 0:
        complaints = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise BuildFailed(f"{Path(command[0]).name}: {(complaints or last)[0].strip()}")
    return done.stdout
