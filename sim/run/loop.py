"""The in-process loop: truth and flight software, tick by tick, in one kernel.

One tick is the same on every path: a serial session calls `sense_tick` and `move_tick` too, with
a wire in place of `step`. A command computed in tick n acts from tick n + 1.
"""

from typing import Any

import numpy as np

from fsw.executive.state import PARAMS, STATE
from fsw.executive.step import step
from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED
from fsw.framework.record import i64, record
from fsw.interface.mailbox import MAILBOX, collect, empty_mailbox
from fsw.interface.messages import EVENT, INBOX, OUTBOX
from sim.evaluation.flight_view import FLIGHT_VIEW, observe_flight
from sim.evaluation.monitor import MONITOR, watch
from sim.faults.injection_events import log_injections
from sim.faults.records import ComputerAction
from sim.plant.plant_faults import flies, take_missed
from sim.plant.tick import advance, obey, obey_range_command, sense
from sim.plant.truth_observer import observe_truth
from sim.plant.world import WORLD
from sim.sensors.records import TICK_MESSAGES
from sim.sensors.transport_delay import clear_messages, deliver

EVENT_SLOTS = 4096

EVENT_LOG = record(
    "EventLog",
    "Events of a run, oldest first; a full log keeps the first ones.",
    events=EVENT("events", EVENT_SLOTS),
    n=i64("events kept"),
    lost=i64("events dropped because the log was full"),
)

RUN = record(
    "Run",
    "One run in process: truth, flight software, and the messages between them.",
    world=WORLD("truth"),
    params=PARAMS("flight parameters"),
    state=STATE("state of the flight software"),
    mailbox=MAILBOX("messages waiting for a tick"),
    messages=TICK_MESSAGES("messages that reach the flight computer in the tick"),
    inbox=INBOX("inputs of the flight software"),
    outbox=OUTBOX("its outputs"),
    flight=FLIGHT_VIEW("the part of the flight software's state that the monitor reads"),
    monitor=MONITOR("figures of the run"),
    log=EVENT_LOG("events"),
)


@kernel
def sense_tick(run):
    """First part of a tick: from measurement to the flight software's inbox.

    True when the flight software runs in this tick. Messages wait while it stalls, and are lost
    while it restarts.
    """
    now_ns = int(run.world.t_ns)
    computer = run.world.computer
    sense(run.world, run.messages)
    log_injections(run.log, run.world)
    if int(computer.action) == ComputerAction.AWAY:
        clear_messages(run.messages)
    elif int(computer.action) == ComputerAction.RESUME:
        empty_mailbox(run.mailbox)
    deliver(run.mailbox, run.messages, now_ns)
    missed = take_missed(computer)
    if not flies(computer):
        clear_outbox(run.outbox)
        return False
    collect(run.inbox, run.mailbox, now_ns, missed)
    run.inbox.resumed = 1 if int(computer.action) == ComputerAction.RESUME else 0
    return True


@kernel
def clear_outbox(outbox):
    """Mark every output as absent, in a tick in which the flight software does not run."""
    outbox.n_events = 0
    outbox.n_acks = 0
    outbox.has_range_command = 0
    outbox.has_telemetry = 0


@kernel
def move_tick(run, commanded):
    """Last part of a tick: truth moves, then takes the outbox's commands where there are any.

    `run.flight` is the FlightView after the tick. True while the run goes on.
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
        observe_flight(run.flight, run.state.core)
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
def observe_run(truths, runs):
    """Write the current truth into an array of one TruthL."""
    observe_truth(truths[0], runs[0].world)


@kernel
def _keep_events(log, outbox):
    for i in range(int(outbox.n_events)):
        n = int(log.n)
        if n < EVENT_SLOTS:
            log.events[n] = outbox.events[i]
            log.n = n + 1
        else:
            log.lost = int(log.lost) + 1


def as_rows(run: Any) -> np.ndarray:
    """The array of one, over the same memory, that `fly_ticks` takes."""
    rows = run.base  # the record is a view into it
    return rows if INTERPRETED else rows.view(RUN.dtype, np.ndarray)
