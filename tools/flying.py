"""`leadline fly`: one descent in process, with its timeline, its verdict and its log."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.text import Text

from fsw.events import SEVERITY_NAMES
from fsw.kernel import is_compiled
from hil.clock import NS_PER_S
from hil.recorder import Recorder
from hil.tap import Tap
from sim.clairvoyant import judge_survival
from sim.fault_state import COMPUTER_RESUME, COMPUTER_STEP
from sim.injections import injection_of
from sim.loop import Result, as_rows, fly, observe_run
from sim.narration import event_detail, event_name, event_severity
from sim.scenario import Scenario, check_seed, load
from sim.verdict import margins_record
from sim.world import TICK_NS, TRUTH_L
from tools.console import console, emit
from tools.report import Timeline, verdict_panel
from tools.stopwatch import Stopwatch
from tools.warming import warm

TRUTH_TICKS = 10
FLYING = (COMPUTER_STEP, COMPUTER_RESUME)

RunHook = Callable[[Any], None]
ResultHook = Callable[[Result], None]


def fly_once(
    name: str,
    seed: int | None,
    overrides: tuple[tuple[str, str], ...],
    params: str | None,
    log: str | None,
    as_json: bool,
) -> int:
    """Fly, tell, and return the exit status."""
    scenario = load(name, overrides, params)
    seed = seed_of(scenario, seed)
    out = console(as_json)
    timeline = Timeline(out)
    stopwatch = Stopwatch()
    with recorded(scenario, seed, log) as (begin, record, finish):

        def start(run: Any) -> None:
            begin(run)
            stopwatch.start()

        out.print(announcement(scenario, seed))
        say_if_compiling(out, "sim.loop")
        warm()
        result = fly(scenario, seed, teller(timeline), record, start)
        wall_s = stopwatch.seconds()
        finish(result)
    timeline.close()
    return conclude(out, scenario, result_figures(scenario, result, wall_s), as_json)


def seed_of(scenario: Scenario, asked: int | None) -> int:
    """The seed that was asked for, else the scenario's own. Raises InputError for none of ours."""
    seed = scenario.seed if asked is None else asked
    check_seed(seed)
    return seed


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


def say_if_compiling(out: Console, module: str) -> None:
    """Tell whoever waits at a terminal why the first time takes a while."""
    if out.is_terminal and not is_compiled(module):
        out.print("compiling the kernels, which happens once ...")


def teller(timeline: Timeline) -> Any:
    """What hands an Event record to the timeline."""

    def tell(event: Any) -> None:
        timeline(*event_words(event))

    return tell


def event_words(event: Any) -> tuple[float, str, str, str]:
    """An Event record as (time [s], name, severity, detail)."""
    code = int(event.code)
    severity = SEVERITY_NAMES[event_severity(code)]
    detail = event_detail(code, float(event.a), float(event.b))
    return float(event.t_ns) / NS_PER_S, event_name(code), severity, detail


def result_figures(scenario: Scenario, result: Result, wall_s: float) -> dict[str, Any]:
    """The object that --json prints; a lost run is judged by a witness, which takes a flight."""
    told = (event_words(event) for event in result.events)
    return {
        "version": version("leadline"),
        "scenario": result.scenario,
        "seed": result.seed,
        "params": result.params,
        "verdict": result.verdict,
        "time_s": float(result.time_s),
        "touchdown": None if result.touchdown is None else asdict(result.touchdown),
        "propellant_left_kg": result.propellant_left_kg,
        "events": [{"t_s": t, "name": name, "detail": detail} for t, name, _, detail in told],
        "range": {
            "first_valid_alt_m": result.first_valid_alt_m,
            "first_fused_alt_m": result.first_fused_alt_m,
            "verdicts": result.range_verdicts,
        },
        "worst_stopping_margin_m": result.worst_stopping_margin_m,
        "margins": result.margins,
        "clairvoyant": asdict(judge_survival(scenario, result)),
        "state_sha256": result.state_sha256,
        "wall_s": wall_s,
    }


def log_description(scenario: Scenario, seed: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """What a log says of its run: pairs of text, and the scenario's file as it was read."""
    changes = "\n".join(f"{key} = {value}" for key, value in scenario.overrides)
    pairs = {
        "version": version("leadline"),
        "scenario": scenario.name,
        "seed": str(seed),
        "params": scenario.params_name,
        "set": changes,
    }
    return pairs, {"scenario.toml": scenario.text.encode()}


@contextlib.contextmanager
def recorded(
    scenario: Scenario, seed: int, log: str | None
) -> Iterator[tuple[RunHook, RunHook | None, ResultHook]]:
    """What is called at the start, at every tick and at the end, so that a run is recorded.

    What was recorded is kept, however the run ends.
    """
    if log is None:
        yield lambda run: None, None, lambda result: None
        return
    recording: list[_Recording] = []

    def begin(run: Any) -> None:
        recording.append(_Recording(recorder, run))

    def record(run: Any) -> None:
        recording[0].tick()

    def finish(result: Result) -> None:
        recording[0].finish(result)

    with Recorder(log, *log_description(scenario, seed), wait=True) as recorder:
        yield begin, record, finish


class _Recording:
    """Records a run in process: every tick, and the truth at 10 Hz."""

    def __init__(self, recorder: Recorder, run: Any) -> None:
        self._tap = Tap(recorder, run.state, run.params, run.inbox, run.outbox)
        self._rows = as_rows(run)
        self._ticks = self._rows["world"]["tick"]
        self._truths = TRUTH_L.array(1)
        self._truth = self._truths[0]
        self._actions = self._rows["world"]["computer"]["action"]
        self._log, self._event_count = run.log, self._rows["log"]["n"]
        self._told = 0
        self._recorder = recorder

    def tick(self) -> None:
        """Record the tick that was just flown, what faults did in it, and ten truths a second."""
        if self._event_count[0] != self._told:
            self._record_injections()
        if self._ticks[0] % TRUTH_TICKS == 0:
            observe_run(self._rows, self._truths)
            self._recorder.append("truth", int(self._truth.t_ns) - TICK_NS, self._truth)
        if self._actions[0] in FLYING:
            self._tap.record()

    def finish(self, result: Result) -> None:
        """Record how far the run stayed within its requirements."""
        t_ns = int(self._ticks[0]) * TICK_NS
        self._recorder.append("margins", t_ns, margins_record(t_ns, result.margins))

    def _record_injections(self) -> None:
        count = int(self._event_count[0])
        for event in self._log.events[self._told : count]:
            injection = injection_of(event)
            if injection is not None:
                self._recorder.append("injection", int(event.t_ns), injection)
        self._told = count
