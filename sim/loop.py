"""The in-process loop: truth and flight software, tick by tick, in one kernel.

One tick is the same on every path: a serial session calls `sense_tick` and `move_tick` too, with
a wire in place of `step`. A command computed in tick n acts from tick n + 1.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsw.executive import boot, step
from fsw.kernel import INTERPRETED, kernel
from fsw.mailbox import MAILBOX, collect, empty_mailbox
from fsw.messages import EVENT, INBOX, OUTBOX
from fsw.modes import MODE_NAMES
from fsw.record import i64, record
from fsw.state import PARAMS, STATE
from fsw.trust import VERDICT_NAMES as RANGE_VERDICT_NAMES
from sim.certificate import Moment, moment_of
from sim.delivery import deliver, lose_arrivals
from sim.fault_plant import flies, take_missed
from sim.fault_rows import refuse_wire_faults
from sim.fault_state import COMPUTER_AWAY, COMPUTER_RESUME
from sim.flight_view import FLIGHT_VIEW, look
from sim.injections import keep_injections
from sim.observe import observe
from sim.plant import advance, obey, obey_range_command, sense
from sim.scenario import Scenario, build
from sim.verdict import MONITOR, Touchdown, margins_of, touchdown_of, verdict, watch
from sim.world import ARRIVALS, TICK_NS, WORLD

EVENT_SLOTS = 4096
CHUNK_TICKS = 1000
TIMEOUT_S = 7200.0

EVENT_LOG = record(
    "EventLog",
    "Events of a run, oldest first; a full log keeps the first ones.",
    events=EVENT("events", EVENT_SLOTS),
    n=i64("events kept"),
    lost=i64("events that found no room"),
)

RUN = record(
    "Run",
    "One run in process: truth, flight software, and what passes between them.",
    world=WORLD("truth"),
    params=PARAMS("flight parameters"),
    state=STATE("flight software's memory"),
    mailbox=MAILBOX("messages that wait for a tick"),
    arrivals=ARRIVALS("messages that arrive in the tick"),
    inbox=INBOX("into the flight software"),
    outbox=OUTBOX("out of it"),
    flight=FLIGHT_VIEW("what the judge looks at in the flight software"),
    monitor=MONITOR("what the run is judged by"),
    log=EVENT_LOG("events"),
)


@kernel
def sense_tick(run):
    """First part of a tick: what arrives in it, up to the flight software's inbox.

    True when the flight software gets the tick: messages wait for one that stalls, and are lost on
    one that restarts.
    """
    now_ns = int(run.world.t_ns)
    computer = run.world.computer
    sense(run.world, run.arrivals)
    keep_injections(run.world, run.log)
    if int(computer.action) == COMPUTER_AWAY:
        lose_arrivals(run.arrivals)
    elif int(computer.action) == COMPUTER_RESUME:
        empty_mailbox(run.mailbox)
    deliver(run.arrivals, run.mailbox, now_ns)
    missed = take_missed(computer)
    if not flies(computer):
        silence(run.outbox)
        return False
    collect(run.mailbox, run.inbox, now_ns, missed)
    run.inbox.resumed = 1 if int(computer.action) == COMPUTER_RESUME else 0
    return True


@kernel
def silence(outbox):
    """Nothing is said in a tick that the flight software does not get."""
    outbox.n_events = 0
    outbox.n_acks = 0
    outbox.has_range_command = 0
    outbox.has_telemetry = 0


@kernel
def move_tick(run, commanded):
    """Last part of a tick: truth moves, then obeys the outbox's command where there is one.

    `run.flight` is what the flight software looks like after the tick. True while the run goes on.
    """
    world = run.world
    advance(world)
    if commanded:
        obey(world, run.outbox.actuators)
    if int(run.outbox.has_range_command) == 1:
        obey_range_command(world, run.outbox.range_command)
    _keep_events(run.log, run.outbox)
    return watch(run.monitor, world, run.flight, run.params, run.inbox, run.outbox)


@kernel
def fly_tick(run):
    """One tick of truth and flight software. True while the run goes on."""
    flown = sense_tick(run)
    if flown:
        step(run.state, run.params, run.inbox, run.outbox)
        look(run.state.core, run.flight)
    return move_tick(run, flown)


@kernel
def fly_ticks(runs, count):
    """Up to `count` ticks of the run in an array of one. True while it goes on.

    Numba knows an array's type by a pointer, but compares every name in a record of this size at
    each call, which would cost more than the tick.
    """
    run = runs[0]
    for _ in range(count):
        if not fly_tick(run):
            return False
    return True


@kernel
def observe_run(runs, truths):
    """Write what is true now into an array of one TruthL."""
    observe(runs[0].world, truths[0])


@kernel
def _keep_events(log, outbox):
    for i in range(int(outbox.n_events)):
        n = int(log.n)
        if n < EVENT_SLOTS:
            log.events[n] = outbox.events[i]
            log.n = n + 1
        else:
            log.lost = int(log.lost) + 1


@dataclass(frozen=True)
class Result:
    """What became of a run."""

    scenario: str
    seed: int
    params: str
    verdict: str
    time_s: float
    touchdown: Touchdown | None
    propellant_left_kg: float
    events: list[Any]
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


def new_run(scenario: Scenario, seed: int) -> Any:
    """A run at its first tick: world placed and dispersed, flight software booted."""
    world, params = build(scenario, seed)
    run = RUN.new()
    run.world = world
    run.params = params
    run.monitor.t_limit_ns = int(TIMEOUT_S * 1e9)
    boot(run.state, run.params)
    return run


def as_rows(run: Any) -> np.ndarray:
    """The array of one, over the same memory, that `fly_ticks` wants of a run."""
    rows = run.base  # the record is a view into it
    return rows if INTERPRETED else rows.view(RUN.dtype, np.ndarray)


def fly(
    scenario: Scenario,
    seed: int,
    on_event: Callable[[Any], None] | None = None,
    on_tick: Callable[[Any], None] | None = None,
    on_start: Callable[[Any], None] | None = None,
) -> Result:
    """Fly one descent in process.

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
    chunk = 1 if on_tick else CHUNK_TICKS
    while going:
        going = bool(fly_ticks(rows, chunk))
        if on_tick:
            on_tick(run)
        if on_event and kept[0] > told:
            for event in run.log.events[told : kept[0]]:
                on_event(event)
            told = int(kept[0])
    return judge(scenario, seed, run)


def judge(scenario: Scenario, seed: int, run: Any) -> Result:
    """The result of a run that is over."""
    core, monitor = run.state.core, run.monitor
    return Result(
        scenario=scenario.name,
        seed=seed,
        params=scenario.params_name,
        verdict=verdict(run.world, int(core.executive.mode)),
        time_s=float(run.world.tick * TICK_NS / 1e9),
        touchdown=touchdown_of(run.world),
        propellant_left_kg=float(run.world.truth.propellant_kg),
        events=list(run.log.events[: int(run.log.n)]),
        first_valid_alt_m=_height(monitor.first_valid_m),
        first_fused_alt_m=_height(monitor.first_fused_m),
        range_verdicts=verdict_counts(core),
        worst_stopping_margin_m=_margin(monitor.worst_margin_m),
        margins=margins_of(run.world, monitor),
        state_sha256=hashlib.sha256(core.tobytes()).hexdigest(),
        mode=MODE_NAMES[int(core.executive.mode)],
        onset=moment_of(run.world, monitor.knowledge.onset),
        informed=moment_of(run.world, monitor.knowledge.informed),
        truthful_s=float(monitor.knowledge.truthful_s),
    )


def verdict_counts(core: Any) -> dict[str, int]:
    """Range samples per verdict, those that occurred."""
    counts = core.navigation.intake.verdicts
    return {name: int(n) for name, n in zip(RANGE_VERDICT_NAMES, counts, strict=True) if n}


def _height(value: float) -> float | None:
    return float(value) if value >= 0 else None


def _margin(value: float) -> float | None:
    return float(value) if value < 1e9 else None
