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
from sim.evaluation.monitor import NO_MARGIN_M
from sim.evaluation.requirements import margins_of
from sim.evaluation.survivability_bound import Moment, moment_of
from sim.evaluation.verdict import RunVerdict, Touchdown, touchdown_of, verdict
from sim.faults.reader import refuse_wire_faults
from sim.run.loop import RUN, as_rows, fly_ticks
from sim.run.trajectory import SAMPLE_TICKS, Sampler, Trajectory
from sim.scenario.load import Scenario, build

# ticks flown in one call of the kernel
CHUNK_TICKS = 1000

# flight time after which a run times out; `orbit` takes little more than an hour
TIMEOUT_S = 7200.0


@dataclass(frozen=True)
class Result:
    """Outcome of a run.

    Altitudes are true clearances, None where there was none; `margins` are those of
    sim.evaluation.requirements; `onset` and `first_truthful` are the moments from which
    survivability is evaluated, `truthful_s` is the time covered by truthful ranges.

    `event_records` are the Event records in order, `events` the same in words. `trajectory` is None
    unless the run was sampled.
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
    first_truthful: Moment | None
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
    *,
    on_event: Callable[[Any], None] | None = None,
    on_tick: Callable[[Any], None] | None = None,
    on_start: Callable[[Any], None] | None = None,
    sampled: bool = False,
) -> Result:
    """Fly one descent in process. Raises InputError for a scenario that needs a wire.

    `sampled` keeps the trajectory in the result.

    `on_event` is called with every Event as it occurs, `on_start` with the Run record before the
    first tick, `on_tick` with it after every tick, which slows the run to a call a tick.
    """
    refuse_wire_faults(scenario.world)
    run = new_run(scenario, seed)
    if on_start:
        on_start(run)
    rows = as_rows(run)
    kept = rows["log"]["n"]  # a view: reading a field of a record costs more than a tick
    reported = 0
    going = True
    sampler = Sampler(run) if sampled else None
    chunk = 1 if on_tick else SAMPLE_TICKS if sampler else CHUNK_TICKS
    while going:
        going = bool(fly_ticks(rows, chunk))
        if on_tick:
            on_tick(run)
        if sampler:
            sampler.after_ticks(last=not going)
        if on_event and kept[0] > reported:
            for event in run.log.events[reported : kept[0]]:
                on_event(event)
            reported = int(kept[0])
    result = evaluate_run(scenario, seed, run)
    return replace(result, trajectory=sampler.trajectory()) if sampler else result


def evaluate_run(scenario: Scenario, seed: int, run: Any) -> Result:
    """The Result of a run that is over."""
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
        onset=moment_of(run.world, monitor.truthful.onset),
        first_truthful=moment_of(run.world, monitor.truthful.first),
        truthful_s=float(monitor.truthful.truthful_s),
    )


def verdict_counts(core: Any) -> dict[str, int]:
    """Range samples per verdict, those that occurred."""
    counts = core.navigation.intake.verdicts
    return {name: int(n) for name, n in zip(RangeVerdict.labels(), counts, strict=True) if n}


def _height(value: float) -> float | None:
    return float(value) if value >= 0 else None


def _margin(value: float) -> float | None:
    return float(value) if value < NO_MARGIN_M else None
