"""Cache of compiled kernels on disk.

Numba's on-disk cache is keyed on the file of the kernel alone, so an edit in a callee that
lives in another file would go unnoticed. Each module therefore has a cache folder of its
own, named by the hash of its source and of every module of the rooms that it imports,
transitively: an edit recompiles its callers and nothing else.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no flock; two processes must not share its cache
    fcntl = None  # type: ignore[assignment]

ROOMS = ("fsw", "sim", "hil", "tools")
INTERPRETED = os.environ.get("LEADLINE_INTERPRET", "") not in ("", "0")


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


def cache_root() -> Path:
    """Folder that holds the compiled kernels of every module."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LEADLINE_CACHE") or Path(base) / "leadline")


def is_compiled(module_name: str) -> bool:
    """True when the kernels of a module have been compiled before, as they are now."""
    return INTERPRETED or any(_module_folder(module_name).rglob("*.nbi"))


def kernels_hash(module_name: str) -> str:
    """SHA-256 of a module's source and of all modules of the rooms that it imports, in hex."""
    digest = hashlib.sha256()
    for name in sorted(_closure(module_name)):
        digest.update(name.encode() + b"\0" + _source(name) + b"\0")
    return digest.hexdigest()


@contextlib.contextmanager
def cache_folder(module_name: str) -> Iterator[None]:
    """While this is open, Numba keeps what it compiles in the module's own folder."""
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
