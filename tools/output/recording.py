"""Recording of a flight in process, and the description that a log has of its run."""

import contextlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from fsw.interface.timing import TICK_NS
from hil.log.recorder import Recorder
from hil.log.tick_recorder import Tap
from sim.evaluation.requirements import margins_record
from sim.faults.injection_events import injection_of
from sim.faults.records import ComputerAction
from sim.plant.world import TRUTH_L
from sim.run.fly import Result
from sim.run.loop import as_rows, observe_run
from sim.scenario.load import Scenario

TRUTH_TICKS = 10
FLYING = (ComputerAction.STEP, ComputerAction.RESUME)

RunHook = Callable[[Any], None]
ResultHook = Callable[[Result], None]


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
        self._events_recorded = 0
        self._recorder = recorder

    def tick(self) -> None:
        """Record the tick just flown, its fault injections, and the truth at 10 Hz."""
        if self._event_count[0] != self._events_recorded:
            self._record_injections()
        if self._ticks[0] % TRUTH_TICKS == 0:
            observe_run(self._truths, self._rows)
            self._recorder.append("truth", int(self._truth.t_ns) - TICK_NS, self._truth)
        if self._actions[0] in FLYING:
            self._tap.record()

    def finish(self, result: Result) -> None:
        """Record how far the run stayed within its requirements."""
        t_ns = int(self._ticks[0]) * TICK_NS
        self._recorder.append("margins", t_ns, margins_record(t_ns, result.margins))

    def _record_injections(self) -> None:
        count = int(self._event_count[0])
        for event in self._log.events[self._events_recorded : count]:
            injection = injection_of(event)
            if injection is not None:
                self._recorder.append("injection", int(event.t_ns), injection)
        self._events_recorded = count


def log_description(scenario: Scenario, seed: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """Description of a run for its log: pairs of text, and the scenario's file as it was read."""
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
    """Hooks to call at the start, at every tick and at the end, so that a run is recorded.

    The log keeps what was recorded when the run fails or is interrupted.
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
