"""How a plain Python function becomes a flight kernel.

A kernel is written in the flight subset: no allocation, no exception, no recursion, no
clock, bounded loops, float64 and int64 arithmetic, `+ - * /` and a correctly rounded sqrt.
What is left is so small that every machine computes it alike, and that is the point: the
same source runs interpreted under a debugger (`LEADLINE_INTERPRET=1`), compiled on the host
by Numba, and compiled for a microcontroller, and ends with the same bits.

Numba's on-disk cache is keyed on the file of the kernel alone, so an edit in a callee that
lives in another file would go unnoticed. Each module therefore has a cache folder of its
own, named by the hash of its source and of every module of ours that it imports,
transitively: an edit recompiles its callers and nobody else.

`float(x)` and `int(x)` are how a kernel widens a narrow field. To Numba they mean no such thing:
the float of a float32 stays one, and a difference of two unsigned integers wraps around. Here
they give 64 bits, as they do in Python.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.core.typing.builtins
import numba.cpython.builtins
from numba.core import caching, types
from numba.core.typing.templates import signature
from numba.extending import intrinsic

try:
    import fcntl
except ModuleNotFoundError:  # Windows: nobody waits for anybody
    fcntl = None  # type: ignore[assignment]

ROOMS = ("fsw", "sim", "hil", "tools")
INTERPRETED = os.environ.get("LEADLINE_INTERPRET", "") not in ("", "0")

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


@intrinsic
def _cast_int(_context: Any, x: Any) -> Any:
    """What Numba's int() does, but always to int64."""

    def convert(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], sig.return_type)

    return types.int64(x), convert


_narrow_float = numba.core.typing.builtins.Float.generic


def _wide_float(self: Any, args: Any, kws: Any) -> Any:
    """What Numba's float() means, but always float64."""
    return signature(types.float64, *_narrow_float(self, args, kws).args)


_save = caching.IndexDataCacheFile.save


def _save_alone(self: Any, key: Any, data: Any) -> None:
    """What Numba's save() does, by one process at a time.

    It reads an index, takes the next number and writes both: of two processes that compile
    a kernel for different arguments, one would end with the other's machine code.
    """
    with open(Path(self._cache_path) / "lock", "wb") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        _save(self, key, data)


caching.IndexDataCacheFile.save = _save_alone
numba.cpython.builtins.cast_int = _cast_int
numba.core.typing.builtins.Float.generic = _wide_float


def kernel(function: Kernel) -> Kernel:
    """Compile a flight-subset function for the host, or leave it as it is when interpreting.

    `error_model="numpy"` keeps exceptions out of the machine code; fastmath stays off, since
    it would let the compiler reorder sums and contract multiply-adds.
    """
    if INTERPRETED:
        return function
    module = inspect.getmodule(function)
    if module is None or module.__name__.partition(".")[0] not in ROOMS:
        return numba.njit(error_model="numpy")(function)
    with _cache_folder(module.__name__):
        return numba.njit(error_model="numpy", cache=True)(function)


def cache_root() -> Path:
    """Folder that holds the compiled kernels of every module."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LEADLINE_CACHE") or Path(base) / "leadline")


def is_compiled(module_name: str) -> bool:
    """True when the kernels of a module have been compiled before, as they are now."""
    return INTERPRETED or any(_module_folder(module_name).rglob("*.nbi"))


def kernels_hash(module_name: str) -> str:
    """SHA-256 of a module's source and of all of our modules that it imports, in hex."""
    digest = hashlib.sha256()
    for name in sorted(_closure(module_name)):
        digest.update(name.encode() + b"\0" + _source(name) + b"\0")
    return digest.hexdigest()


@contextlib.contextmanager
def _cache_folder(module_name: str) -> Iterator[None]:
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_module_folder(module_name))
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@functools.cache
def _module_folder(module_name: str) -> Path:
    home = cache_root() / module_name
    folder = home / kernels_hash(module_name)[:16]
    if not folder.exists():
        _drop_stale(home)
    return folder


def _drop_stale(home: Path, keep: int = 4) -> None:
    """Keep the few most recent builds of a module: branches and parallel checkouts share them."""
    with contextlib.suppress(OSError):
        builds = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
        for stale in builds[:-keep]:
            shutil.rmtree(stale, ignore_errors=True)


@functools.cache
def _source(module_name: str) -> bytes:
    spec = importlib.util.find_spec(module_name)
    if spec is None or spec.origin is None:
        return b""
    return Path(spec.origin).read_bytes()


def _closure(module_name: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module_name]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_our_imports(name))
    return seen


@functools.cache
def _our_imports(module_name: str) -> tuple[str, ...]:
    names: set[str] = set()
    spec = importlib.util.find_spec(module_name)
    package = spec.parent if spec else None
    for node in ast.walk(ast.parse(_source(module_name))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            stem = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names.add(stem)
            names.update(f"{stem}.{alias.name}" for alias in node.names)
    return tuple(sorted(name for name in names if _is_ours(name)))


def _is_ours(name: str) -> bool:
    if name.partition(".")[0] not in ROOMS:
        return False
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
