"""`leadline fly`: one descent in process, with its timeline, its verdict and its log."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.text import Text

from fsw.framework.kernel_cache import is_compiled
from sim.evaluation.event_text import event_words
from sim.run.fly import Result, fly
from sim.run.survivability import evaluate_survivability
from sim.scenario.load import Scenario
from tools.cli.request import Request
from tools.output.compile_warmup import warm
from tools.output.console import console, emit
from tools.output.flight_report import Timeline, verdict_panel
from tools.output.recording import recorded
from tools.output.stopwatch import Stopwatch


def fly_once(request: Request, *, log: str | None, as_json: bool) -> int:
    """Fly, report, and return the exit status."""
    scenario, seed = request.read()
    out = console(as_json)
    timeline = Timeline(out)
    stopwatch = Stopwatch()
    with recorded(scenario, seed, log) as (begin, record, finish):

        def start(run: Any) -> None:
            begin(run)
            stopwatch.start()

        out.print(announcement(scenario, seed))
        announce_compiling(out, "sim.run.loop")
        warm()
        result = fly(
            scenario, seed, on_event=event_printer(timeline), on_tick=record, on_start=start
        )
        wall_s = stopwatch.seconds()
        finish(result)
    timeline.close()
    return conclude(out, scenario, result_figures(scenario, result, wall_s), as_json)


def announcement(scenario: Scenario, seed: int) -> Text:
    """The lines above a timeline."""
    title = Text(scenario.name, style="bold")
    about = f"  seed {seed}, parameters {scenario.params_name}, leadline {version('leadline')}\n"
    return title.append(about, style="not bold dim").append(scenario.doc, style="not bold italic")


def conclude(out: Console, scenario: Scenario, figures: dict[str, Any], as_json: bool) -> int:
    """Show the verdict, print the object, and return the exit status."""
    as_expected = figures["verdict"] in ("landed", scenario.expect_verdict)
    out.print(verdict_panel(figures, as_expected))
    if as_json:
        emit(figures)
    return 0 if as_expected else 1


def announce_compiling(out: Console, module: str) -> None:
    """Print on a terminal why the first run takes a minute."""
    if out.is_terminal and not is_compiled(module):
        out.print("compiling the kernels, which happens once ...")


def event_printer(timeline: Timeline) -> Any:
    """A hook that prints Event records on the timeline."""

    def show(event: Any) -> None:
        timeline(*event_words(event))

    return show


def result_figures(scenario: Scenario, result: Result, wall_s: float) -> dict[str, Any]:
    """The object that --json prints; judging a lost run takes another flight."""
    return {
        "version": version("leadline"),
        "scenario": result.scenario,
        "seed": result.seed,
        "params": result.params,
        "verdict": result.verdict,
        "time_s": float(result.time_s),
        "touchdown": None if result.touchdown is None else asdict(result.touchdown),
        "propellant_left_kg": result.propellant_left_kg,
        "events": [{"t_s": e.t_s, "name": e.name, "detail": e.detail} for e in result.events],
        "range": {
            "first_valid_alt_m": result.first_valid_alt_m,
            "first_fused_alt_m": result.first_fused_alt_m,
            "verdicts": result.range_verdicts,
        },
        "worst_stopping_margin_m": result.worst_stopping_margin_m,
        "margins": result.margins,
        "survivability": asdict(evaluate_survivability(scenario, result)),
        "state_sha256": result.state_sha256,
        "wall_s": wall_s,
    }
