"""`leadline margin`: how much delay, jitter and dropout, and how late a first range, still land."""

from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sim.campaign.delay_margins import measure, survey_of
from sim.campaign.executors import Row, executor
from sim.common.errors import InputError
from sim.scenario.load import check_seed
from sim.scenario.schema import AS_FLOWN, DEFAULT
from tools.cli.fly import announce_compiling
from tools.cli.request import Request
from tools.output.compile_warmup import warm
from tools.output.console import console, emit


def find_margins(request: Request, *, count: int, jobs: int, as_json: bool) -> int:
    """Find every margin for `count` seeds, show them, and return the exit status."""
    if count < 1:
        raise InputError(f"-n: expected at least 1 seed, not {count}")
    first = request.seed or 0
    seeds = tuple(range(first, first + count))
    check_seed(seeds[0])
    check_seed(seeds[-1])
    presets = (request.params,) if request.params else (DEFAULT, AS_FLOWN)
    survey = survey_of(request.scenario, request.overrides, seeds, presets)
    crew, out = executor(jobs), console(as_json)
    announce_compiling(out, "sim.run.loop")
    warm()
    rows: list[Row] = []
    with Progress(console=out, disable=not out.is_terminal) as bar:
        task = bar.add_task("bisecting", total=len(survey.probes))

        def keep(row: Row) -> None:
            rows.append(row)
            bar.advance(task)

        crew.run(survey, measure, range(len(survey.probes)), keep)
    rows.sort(key=lambda row: row["index"])
    _show(out, request.scenario, seeds, presets, rows)
    if as_json:
        emit(_figures(request.scenario, seeds, rows))
    return 0


def _figures(scenario: str, seeds: tuple[int, ...], rows: list[Row]) -> dict[str, Any]:
    margins = [{key: value for key, value in row.items() if key != "index"} for row in rows]
    return {
        "version": version("leadline"),
        "scenario": scenario,
        "seeds": list(seeds),
        "margins": margins,
    }


def _show(
    out: Console, scenario: str, seeds: tuple[int, ...], presets: tuple[str, ...], rows: list[Row]
) -> None:
    title = f"{scenario}: what still lands, of seeds {seeds[0]} to {seeds[-1]}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("phase")
    for preset in presets:
        table.add_column(preset, justify="right")
    lines: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        lines.setdefault((row["quantity"], row["phase"]), []).append(_margin(row))
    for (quantity, phase), margins in lines.items():
        table.add_row(quantity, phase, *margins)
    out.print(table)


def _margin(row: Row) -> str:
    if row["margin"] is None:
        return "nothing lands"
    sign = ">= " if row["beyond"] and row["unit"] == "s" else "<= " if row["beyond"] else ""
    return f"{sign}{row['margin']:.3g} {row['unit']}"
