"""Flying a mutant, and saying what its test made of it."""

import ast
import functools
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tokenize
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

from fsw.framework.kernel_cache import cache_root, imported_modules, source_of
from tests.mutants.table import Mutant

ROOT = Path(__file__).parents[2]
WHAT_FLIES = ("fsw", "sim", "hil", "tools", "tests", "pyproject.toml")
FLY = """
from sim.run.fly import fly
from sim.scenario.load import load
print(fly(load("nominal"), 0).verdict)
"""
LIMIT_S = 1200.0
# how pytest words a failure that the test itself has asked for
ASSERTED = ("AssertionError", "assert ", "Failed: DID NOT RAISE")
KILLED, SURVIVED, BROKEN = "killed", "survived", "broken"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant; `end` is killed, survived, or broken with the reason in `why`."""

    end: str
    flown: str
    why: str
    wall_s: float


def key_of(mutant: Mutant) -> str:
    """Hash of all that a result rests on: the break, its test, and the sources of the kernels."""
    module = mutant.file.removesuffix(".py").replace("/", ".")
    test = ROOT / mutant.test.partition("::")[0]
    flown = {*imported_modules("sim.run.loop"), *imported_modules(module)}
    parts = (
        repr(mutant),
        *(code_of(source_of(name)) for name in sorted(flown)),
        code_of(test.read_bytes()),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@functools.cache
def code_of(source: bytes) -> str:
    """A source without comments, docstrings and empty lines."""
    lines = source.decode().splitlines()
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            first = node.body[0]
            for row in range(first.lineno, (first.end_lineno or first.lineno) + 1):
                lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def broken_source(mutant: Mutant) -> str:
    """The file's text with the break in it. Raises ValueError unless the line occurs once."""
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    if text.count(mutant.line) != 1:
        raise ValueError(
            f"{mutant.name}: {mutant.file} has this {text.count(mutant.line)} times,"
            f" not once: {mutant.line.strip()}"
        )
    return text.replace(mutant.line, mutant.broken)


def warm() -> None:
    """Compile what is not broken, so that every mutant finds it in its copy of the cache."""
    subprocess.run([sys.executable, "-c", FLY], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def judge_in_place(mutant: Mutant) -> Outcome:
    """The test of a mutant on the unbroken tree, which it must pass."""
    with tempfile.TemporaryDirectory() as folder:
        return _judge(mutant, ROOT, Path(folder), dict(os.environ))


def judge(mutant: Mutant) -> Outcome:
    """Break a copy of the tree, fly it, and run the test that must notice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = folder / "tree"
        _copy_tree(tree)
        (tree / mutant.file).write_text(broken_source(mutant), encoding="utf-8")
        _copy_cache(folder / "cache")
        return _judge(mutant, tree, folder, {**os.environ, "LEADLINE_CACHE": f"{folder}/cache"})


def _judge(mutant: Mutant, tree: Path, folder: Path, environment: dict[str, str]) -> Outcome:
    begun = time.monotonic()
    flight = _run(tree, environment, "-c", FLY)
    flown = flight.stdout.strip()
    if flight.returncode != 0:
        return Outcome(BROKEN, "", f"does not fly: {_last_line(flight.stderr)}", 0.0)
    report = folder / "report.xml"
    test = _run(
        tree, environment, "-m", "pytest", mutant.test, "-p", "no:cacheprovider",
        "-p", "tests.mutants.unshrunk", f"--junitxml={report}",
    )  # fmt: skip
    end, why = verdict_of(mutant, report) if report.exists() else (BROKEN, _last_line(test.stdout))
    return Outcome(end, flown, why, round(time.monotonic() - begun, 1))


def _run(tree: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=tree, env=environment, capture_output=True, text=True,
        timeout=LIMIT_S,
    )  # fmt: skip


def verdict_of(mutant: Mutant, report: Path) -> tuple[str, str]:
    """(end, why) from pytest's report: only failed assertions of the named test kill."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    wanted = mutant.test.rpartition("::")[2]
    strangers = [c.get("name", "") for c in cases if c.get("name", "").partition("[")[0] != wanted]
    if not cases or strangers:
        return BROKEN, f"{wanted} did not run, but {strangers or 'nothing'}"
    errors = [_message(found) for case in cases for found in case.iter("error")]
    said = [_message(found) for case in cases for found in case.iter("failure")]
    others = errors + [text for text in said if not text.startswith(ASSERTED)]
    if others:
        return BROKEN, others[0]
    return (KILLED, said[0]) if said else (SURVIVED, "")


def _message(found: ElementTree.Element) -> str:
    said = " ".join(found.get("message", "").split())
    return re.sub(r"/[\w./-]+/", "", said)[:120]  # no folder of this machine


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["nothing said"])[-1]


def _copy_tree(tree: Path) -> None:
    skip = shutil.ignore_patterns("__pycache__", ".*")
    tree.mkdir()
    for name in WHAT_FLIES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=skip)
        else:
            shutil.copy2(ROOT / name, tree / name)


def _copy_cache(target: Path) -> None:
    """The compiled kernels of what is not broken.

    Files get a second name instead of a copy where the file system allows it: they are only ever
    replaced as a whole.
    """
    root = cache_root()
    if root is not None and root.exists():
        shutil.copytree(root, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
