"""`leadline search`: look for a fault that should have been survived, and write the least one."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.common.errors import InputError
from tools.cli.fly import announce_compiling
from tools.cli.request import Request
from tools.output.console import console, emit
from tools.output.searching import Progress, SearchResult, require_hypothesis, search_faults

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


def search(
    request: Request,
    *,
    faults: str | None,
    anywhere: bool,
    budget: str,
    jobs: int,
    out_folder: str,
    as_json: bool,
) -> int:
    """Search for as long as the budget lasts; 1 when something was found, 0 when nothing was."""
    require_hypothesis()
    budget_s, out, place = seconds(budget), console(as_json), _folder(out_folder)
    begun: list[Progress] = []
    announce_compiling(out, "sim.run.loop")
    with out.status("searching") as status:

        def begin(progress: Progress) -> None:
            begun.append(progress)
            about = f"{request.scenario}, parameters {progress.hunt.preset}"
            out.print(f"{about}: searching for {budget_s:g} s, seed {progress.hunt.seed}")

        result = search_faults(
            request.scenario,
            params=request.params,
            faults=faults,
            anywhere=anywhere,
            seed=request.seed or 0,
            budget_s=budget_s,
            jobs=jobs,
            on_begin=begin,
            on_progress=lambda progress: status.update(f"searching: {progress.words()}"),
        )
    failure = _write(out, result, place)
    if failure is None:
        out.print(f"nothing found; {begun[0].words()}")
    if as_json:
        emit(_figures(request, result, failure))
    return 1 if result.found else 0


def _figures(
    request: Request, result: SearchResult, failure: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "version": version("leadline"),
        "scenario": request.scenario,
        "params": result.params,
        "seed": result.seed,
        "budget_s": result.budget_s,
        "runs": result.runs,
        "worst": {"margin": result.worst_margin, "requirement": result.worst_requirement},
        "found": result.found,
        "failure": failure,
        "wall_s": result.wall_s,
    }


def _write(out: Console, result: SearchResult, place: Path) -> dict[str, Any] | None:
    """Write what was found as a scenario, print it, and return it for --json."""
    counterexample = result.counterexample
    if counterexample is None:
        return None
    path = counterexample.write(place)
    out.print(counterexample.sentence)
    out.print(f"written to {path}")
    out.print(f"replay it: leadline fly {path}   or: leadline hil {path}", style="dim")
    return {
        "file": str(path),
        "sentence": counterexample.sentence,
        "faults": counterexample.case.faults,
        "seed": counterexample.case.seed,
        "verdict": counterexample.result.verdict,
        "margins": counterexample.result.margins,
        "weaker": counterexample.weaker,
        "replay": f"leadline fly {path}",
    }


def seconds(budget: str) -> float:
    """`90`, `60s`, `10m` or `1h` in seconds. Raises InputError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", budget)
    if not match or float(match[1]) <= 0.0:
        raise InputError(f"--budget: expected a time such as 60s, 10m or 1h, not '{budget}'")
    return float(match[1]) * UNITS[match[2]]


def _folder(folder: str) -> Path:
    """The folder for what is found, made before the search begins. Raises InputError."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: {(error.strerror or 'unusable').lower()}") from error
    return path
