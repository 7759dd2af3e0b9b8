"""One flight in process, from a scenario and a random seed to its result."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fsw.executive.step import boot
from fsw.interface.modes import Mode
from fsw.interface.timing import TICK_NS
from fsw.interface.verdicts import RangeVerdict
from sim.evaluation.event_text import FlightEvent, event_words
from sim.evaluation.requirements import margins_of
from sim.evaluation.survivability_bound import Moment, moment_of
from sim.evaluation.verdict import RunVerdict, Touchdown, touchdown_of, verdict
from sim.faults.reader import refuse_wire_faults
from sim.run.loop import RUN, as_rows, fly_ticks
from sim.run.trajectory import SAMPLE_TICKS, Sampler, Trajectory
from sim.scenario.load import Scenario, build

CHUNK_TICKS = 1000
TIMEOUT_S = 7200.0


@dataclass(frozen=True)
class Result:
    """How a run ended. Counts, times and hashes are those of the whole run.

    `event_records` are the Event records in order; `events` are the same in words. `margins` has
    one figure per requirement: 1 comfortable, 0 at the limit, negative broken, None where it does
    not apply. `trajectory` is None unless the run was sampled.
    """

    scenario: str
    seed: int
    params: str
    verdict: str
    time_s: float
    touchdown: Touchdown | None
    propellant_left_kg: float
    event_records: list[Any]
    first_valid_alt_m: float | None
    first_fused_alt_m: float | None
    range_verdicts: dict[str, int]
    worst_stopping_margin_m: float | None
    margins: dict[str, float | None]
    state_sha256: str
    mode: str
    onset: Moment | None
    informed: Moment | None
    truthful_s: float
    trajectory: Trajectory | None = None

    @cached_property
    def events(self) -> list[FlightEvent]:
        """The events in words: (t_s, name, severity, detail)."""
        return [event_words(event) for event in self.event_records]

    @property
    def landed(self) -> bool:
        """True for the verdict `landed`."""
        return self.verdict == RunVerdict.LANDED.label


def new_run(scenario: Scenario, seed: int) -> Any:
    """A run at its first tick: world placed and dispersed, flight software booted."""
    world, params = build(scenario, seed)
    run = RUN.new()
    run.world = world
    run.params = params
    run.monitor.t_limit_ns = int(TIMEOUT_S * 1e9)
    boot(run.state, run.params)
    return run


def fly(
    scenario: Scenario,
    seed: int,
    on_event: Callable[[Any], None] | None = None,
    on_tick: Callable[[Any], None] | None = None,
    on_start: Callable[[Any], None] | None = None,
    *,
    sampled: bool = False,
) -> Result:
    """Fly one descent in process; `sampled` keeps the trajectory in the result.

    `on_event` is handed every Event as it comes; `on_tick` is handed the run after every tick,
    for recording, and costs a call a tick; `on_start` is handed it before the first one.
    """
    refuse_wire_faults(scenario.world)
    run = new_run(scenario, seed)
    if on_start:
        on_start(run)
    rows = as_rows(run)
    kept = rows["log"]["n"]  # a view: looking into a record costs more than a tick
    told = 0
    going = True
    sampler = Sampler(run) if sampled else None
    chunk = 1 if on_tick else SAMPLE_TICKS if sampler else CHUNK_TICKS
    while going:
        going = bool(fly_ticks(rows, chunk))
        if on_tick:
            on_tick(run)
        if sampler:
            sampler.after_ticks(last=not going)
        if on_event and kept[0] > told:
            for event in run.log.events[told : kept[0]]:
                on_event(event)
            told = int(kept[0])
    result = evaluate_run(scenario, seed, run)
    return replace(result, trajectory=sampler.trajectory()) if sampler else result


def evaluate_run(scenario: Scenario, seed: int, run: Any) -> Result:
    """The result of a run that is over."""
    core, monitor = run.state.core, run.monitor
    return Result(
        scenario=scenario.name,
        seed=seed,
        params=scenario.params_name,
        verdict=verdict(run.world, int(core.executive.mode)).label,
        time_s=float(run.world.tick * TICK_NS / 1e9),
        touchdown=touchdown_of(run.world),
        propellant_left_kg=float(run.world.truth.propellant_kg),
        event_records=list(run.log.events[: int(run.log.n)]),
        first_valid_alt_m=_height(monitor.first_valid_m),
        first_fused_alt_m=_height(monitor.first_fused_m),
        range_verdicts=verdict_counts(core),
        worst_stopping_margin_m=_margin(monitor.worst_margin_m),
        margins=margins_of(run.world, monitor),
        state_sha256=hashlib.sha256(core.tobytes()).hexdigest(),
        mode=Mode.label_of(int(core.executive.mode)),
        onset=moment_of(run.world, monitor.knowledge.onset),
        informed=moment_of(run.world, monitor.knowledge.informed),
        truthful_s=float(monitor.knowledge.truthful_s),
    )


def verdict_counts(core: Any) -> dict[str, int]:
    """Range samples per verdict, those that occurred."""
    counts = core.navigation.intake.verdicts
    return {name: int(n) for name, n in zip(RangeVerdict.labels(), counts, strict=True) if n}


def _height(value: float) -> float | None:
    return float(value) if value >= 0 else None


def _margin(value: float) -> float | None:
    return float(value) if value < 1e9 else None
