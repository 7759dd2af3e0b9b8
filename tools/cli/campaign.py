"""`leadline campaign`: many runs, their figures, and what is kept of them."""

from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim.campaign.coverage import coverage
from sim.campaign.executors import Row, executor
from sim.campaign.runner import PAIRS, fly_row
from sim.campaign.sampling import Plan, make_plan
from sim.campaign.spec import read_spec
from sim.campaign.statistics import Tally, summary, tally, tally_by_block, tally_by_kind
from sim.campaign.store import Store
from sim.common.errors import InputError
from sim.evaluation.verdict import RunVerdict
from sim.scenario.schema import DEFAULT
from tools.cli.fly import announce_compiling
from tools.cli.request import Request
from tools.output.compile_warmup import warm
from tools.output.console import console, emit
from tools.output.stopwatch import Stopwatch

SHORT = {"landed": "landed", "hard_landing": "hard", "out_of_propellant": "no propellant"}
NOTHING_KEPT = "nothing is kept of it; --out DIR keeps rows and failures"


def fly_campaign(
    request: Request,
    *,
    runs: int | None,
    jobs: int,
    out_folder: str | None,
    resume: bool,
    as_json: bool,
) -> int:
    """Fly a campaign, report, and return the exit status. The request's scenario is its spec."""
    if resume and out_folder is None:
        raise InputError("--resume: needs --out, the folder of what was begun")
    plan = _plan(request, runs)
    crew, out = executor(jobs), console(as_json)
    store = Store(out_folder, plan, resume) if out_folder else None
    rows = store.rows if store else {}
    out.print(f"{plan.spec.name}: {plan.runs} runs, seed {plan.seed}, parameters {plan.params}")
    out.print(plan.spec.doc if store else NOTHING_KEPT, style="italic")
    announce_compiling(out, "sim.run.loop")
    warm()  # workers find everything compiled
    stopwatch = Stopwatch()
    try:
        with _progress(out) as bar:
            task = bar.add_task("flying", total=plan.runs, completed=len(rows))

            def keep(row: Row) -> None:
                store.keep(row) if store else rows.update({row["index"]: row})
                bar.update(task, completed=len(rows))

            missing = [index for index in range(plan.runs) if index not in rows]
            crew.run(plan, fly_row, missing, keep)
    finally:
        if store:
            store.close()
    return _conclude(out, plan, rows, store, stopwatch.seconds(), as_json)


def fly_alone(request: Request, index: int, *, runs: int | None, as_json: bool) -> int:
    """Fly a single run of a campaign once more, and show its row."""
    plan = _plan(request, runs)
    if not 0 <= index < plan.runs:
        raise InputError(f"--row: expected a number from 0 to {plan.runs - 1}, not {index}")
    out = console(as_json)
    row = fly_row(plan, index)
    for key, value in row.items():
        out.print(f"{key:<26} {value}", markup=False)
    if as_json:
        emit(row)
    return 0


def _plan(request: Request, runs: int | None) -> Plan:
    spec = read_spec(request.scenario)
    return make_plan(
        spec,
        runs=runs,
        seed=request.seed,
        overrides=request.overrides,
        params=request.params or DEFAULT,
    )


def _conclude(
    out: Console, plan: Plan, rows: dict[int, Row], store: Store | None, wall_s: float, json: bool
) -> int:
    ordered = [rows[index] for index in sorted(rows)]
    covered = coverage(plan.spec, ordered)
    figures = {
        "version": version("leadline"),
        "campaign": plan.spec.name,
        "scenario": plan.spec.scenario,
        "params": plan.params,
        "seed": plan.seed,
        **summary(ordered),
        "unvisited_cells": len(covered["unvisited"]),
        "wall_s": wall_s,
        "failures": store.failures() if store else [],
    }
    if store:
        store.write("summary.json", figures)
        store.write("coverage.json", covered)
    _show(out, ordered, covered)
    if store:
        out.print(f"{store.folder}: rows, summary, coverage, {len(figures['failures'])} failures")
    rate = len(rows) / wall_s if wall_s > 0.0 else 0.0
    out.print(f"{len(rows)} runs in {wall_s:.1f} s, {rate:.1f} a second")
    if json:
        emit(figures)
    return 0


def _progress(out: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=out, disable=not out.is_terminal)


def _show(out: Console, rows: list[Row], covered: dict[str, Any]) -> None:
    """Tables by kind and by block, and how much of the fault space was visited."""
    out.print(_table("runs with one fault, by its kind", tally_by_kind(rows)))
    out.print(_table("by block", {**tally_by_block(rows), "all": tally(rows)}))
    if any(row["block"].endswith(PAIRS) for row in rows):
        out.print("-pairs: two faults at once; the kinds above are of runs with one")
    cells = len(covered["cells"]) + len(covered["unvisited"])
    if cells:
        out.print(f"coverage: {len(covered['cells'])} of {cells} cells visited")


def _table(title: str, tallies: dict[str, Tally]) -> Table:
    verdicts = [
        name for name in RunVerdict.labels() if any(name in t.verdicts for t in tallies.values())
    ]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    heads = ["runs", *(SHORT.get(name, name.replace("_", " ")) for name in verdicts)]
    heads += ["survivable", "landed of them", "95 %", "hedging", "navigation", "other", "open"]
    for head in heads:
        table.add_column(head, justify="right")
    for name, t in tallies.items():
        counts = [str(t.verdicts.get(verdict, "")) for verdict in verdicts]
        losses = [str(count or "") for count in t.losses.values()]
        table.add_row(
            name, str(t.n), *counts, str(t.survivable), *_share(t), *losses, str(t.open or "")
        )
    return table


def _share(t: Tally) -> tuple[str, str]:
    if not t.survivable:
        return "-", ""
    low, high = t.interval_95
    return f"{t.share_landed_of_survivable:.1%}", f"{low:.1%} - {high:.1%}"
