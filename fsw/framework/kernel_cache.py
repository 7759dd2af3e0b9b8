"""Where compiled kernels are kept.

Numba's own on-disk cache is keyed on the file of the kernel alone, so an edit in a callee that
lives in another file would go unnoticed; where its folder cannot be used it falls back to another
one; and a damaged file of it ends the program. Here each module has a folder of its own, named by
the hash of its source and of every module of ours that it imports, transitively: an edit recompiles
its callers and nothing else, and compiled code is never taken from anywhere else. A folder holds a
file for each kernel and argument types, written beside and renamed, that begins with the SHA-256 of
its content: a damaged one is compiled again, and processes, machines and checkouts can share the
folder. A folder that can only be read is used as it is; without any, nothing is kept.
"""

import ast
import contextlib
import functools
import hashlib
import importlib.util
import os
import pickle
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numba
from numba.core import caching
from numba.core.serialize import dumps

ROOMS = ("fsw", "sim", "hil", "tools")
INTERPRETED = os.environ.get("LEADLINE_INTERPRET", "") not in ("", "0")
BUILDS_KEPT = 8  # of a module: branches and checkouts share the folder
DIGEST_BYTES = hashlib.sha256().digest_size


def cache_root() -> Path | None:
    """Folder that holds the compiled kernels of every module; None where there is no home."""
    if chosen := os.environ.get("LEADLINE_CACHE"):
        return Path(chosen)
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(base) / "leadline"


@functools.cache
def cache_problem() -> str:
    """Why compiled kernels cannot be kept, in one line; empty where they can."""
    root = cache_root()
    if root is None:
        return "no home folder to keep compiled kernels in; LEADLINE_CACHE names another one"
    try:
        root.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=root).close()
    except OSError as error:
        why = (error.strerror or "unusable").lower()
        return f"compiled kernels are not kept: {root}: {why}; LEADLINE_CACHE names another folder"
    return ""


def is_compiled(module_name: str) -> bool:
    """True when the kernels of a module have been compiled before, as they are now."""
    if INTERPRETED:
        return True
    folder = module_folder(module_name)
    return folder is not None and any(folder.glob("*.kernel"))


def kernels_hash(module_name: str) -> str:
    """SHA-256 of a module's source and of all modules of the rooms that it imports, in hex."""
    digest = hashlib.sha256()
    for name in imported_modules(module_name):
        digest.update(name.encode() + b"\0" + source_of(name) + b"\0")
    return digest.hexdigest()


@functools.cache
def module_folder(module_name: str) -> Path | None:
    """Folder of a module's compiled kernels, as its source is now; None where none can be."""
    root = cache_root()
    if root is None:
        return None
    home = root / module_name
    folder = home / kernels_hash(module_name)[:16]
    with contextlib.suppress(OSError):
        os.utime(folder)  # used now: the builds that are kept are those used last
        return folder
    _drop_old_builds(home)
    return folder


def _drop_old_builds(home: Path) -> None:
    with contextlib.suppress(OSError):
        builds = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in builds[: 1 - BUILDS_KEPT]:
            shutil.rmtree(old, ignore_errors=True)


class KernelCache(caching.FunctionCache):
    """Numba's cache of one function, kept in the folder of the function's module."""

    def __init__(self, function: Any) -> None:
        self._name = repr(function)
        self._py_func = function
        self._impl = _Implementation(function)
        self._cache_path = ""
        self._cache_file = _KernelFiles(module_folder(function.__module__), function.__qualname__)
        self.enable()


class _Folder(caching._CacheLocator):
    """What Numba asks of a folder before it serialises; `_KernelFiles` does the rest."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        return cls()

    def ensure_cache_path(self) -> None:
        pass

    def get_cache_path(self) -> str:
        return ""

    def get_source_stamp(self) -> str:
        return ""

    def get_disambiguator(self) -> str:
        return ""


class _Implementation(caching.CompileResultCacheImpl):
    _locator_classes = [_Folder]


class _KernelFiles:
    """The compiled versions of one kernel, a file for each key: types, processor, bytecode."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self._folder = folder
        self._name = name

    def flush(self) -> None:
        """Forget every version."""
        for path in self._folder.glob(f"{self._name}-*.kernel") if self._folder else ():
            path.unlink(missing_ok=True)

    def load(self, key: Any) -> Any:
        """What was saved under a key; None where there is nothing sound."""
        path = self._path(key)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, data = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None

    def save(self, key: Any, compiled: Any) -> None:
        """Keep what was compiled, where that is possible."""
        path = self._path(key)
        if path is None:
            return
        data = dumps(compiled)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(hashlib.sha256(data).digest() + data)
            beside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path | None:
        version = ".".join(map(str, sys.version_info[:2]))
        name = hashlib.sha256(f"{numba.__version__} {version} {key}".encode()).hexdigest()
        return self._folder / f"{self._name}-{name[:24]}.kernel" if self._folder else None


# --- sources -----------------------------------------------------------------------------


def imported_modules(module_name: str) -> list[str]:
    """A module and all of our modules that it imports, transitively, in order of name."""
    seen: set[str] = set()
    waiting = [module_name]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_our_imports(name))
    return sorted(seen)


@functools.cache
def source_of(module_name: str) -> bytes:
    """Source of a module; empty for one without a file."""
    spec = importlib.util.find_spec(module_name)
    if spec is None or spec.origin is None:
        return b""
    return Path(spec.origin).read_bytes()


@functools.cache
def _our_imports(module_name: str) -> tuple[str, ...]:
    names: set[str] = set()
    spec = importlib.util.find_spec(module_name)
    package = spec.parent if spec else None
    for node in ast.walk(ast.parse(source_of(module_name))):
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
