"""The flight software as a payload: its memory, and its entries.

A flight board and the host's flight computer run these kernels alike.
"""

from fsw.executive.state import PARAMS, STATE
from fsw.executive.step import boot, step
from fsw.framework.kernel import kernel
from fsw.framework.record import i64, record
from fsw.intake.clock_sync import sensor_clock_ahead_ns, timebase_bound_ns
from fsw.interface.mailbox import (
    MAILBOX,
    collect,
    empty_mailbox,
    post_clock,
    post_command,
    post_contact,
    post_imu,
    post_nav_update,
    post_propulsion,
    post_range,
)
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    CONTACT_SAMPLE,
    GROUND_COMMAND,
    IMU_SAMPLE,
    INBOX,
    NAV_UPDATE,
    OUTBOX,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
)
from fsw.interface.timing import TICK_NS
from hil.boards.payload import Payload
from hil.wire.messages import apid_of, flight_inputs
from hil.wire.session_messages import (
    ASK_TICKS,
    CLOCK_ANSWER,
    CLOCK_QUESTION,
    DONE,
    FIRST_ASK_TICKS,
    FIRST_TICKS,
    QUICK_ASK_NS,
    TICK,
    TIMING,
    WANT_CORE_HASH,
    WANT_HISTORY_HASH,
    DoneResult,
    ReadyResult,
    Role,
    StartFrom,
)
from hil.wire.slots import OUTBOX_SLOTS
from sim.evaluation.flight_view import FLIGHT_VIEW, observe_flight
from sim.faults.records import ComputerAction

APID_IMU = apid_of(IMU_SAMPLE)
APID_RANGE = apid_of(RANGE_SAMPLE)
APID_CONTACT = apid_of(CONTACT_SAMPLE)
APID_PROPULSION = apid_of(PROPULSION_STATUS)
APID_COMMAND = apid_of(GROUND_COMMAND)
APID_NAV_UPDATE = apid_of(NAV_UPDATE)
APID_CLOCK = apid_of(CLOCK_ANSWER)

FLIGHT_BOARD = record(
    "FlightBoard",
    "All memory of an end that runs the flight software.",
    params=PARAMS("flight parameters"),
    state=STATE("the flight software's memory"),
    mailbox=MAILBOX("messages that wait for a tick"),
    inbox=INBOX("inputs of the flight software"),
    outbox=OUTBOX("its outputs"),
    **{m.topic: m.record("the one received last") for m in flight_inputs()},
    exchange=CLOCK_EXCHANGE("the one with the shortest round trip since the last tick"),
    question=CLOCK_QUESTION("to the sensors"),
    flight_view=FLIGHT_VIEW("the flight software after the last tick flown"),
    grant=TICK("the tick in progress; in real time a fault's action for the next one"),
    done=DONE("answer to it"),
    timing=TIMING("real time: times of the last tick"),
    has_exchange=i64("1 when exchange is present"),
    imu_rx_ns=i64("when the newest increment arrived"),
    has_imu=i64("1 when one has arrived since the last tick"),
    realtime=i64("1 when this end's clock grants the ticks"),
    stalled=i64("ticks not flown since the last one that was"),
    missed=i64("ticks that the flight software did not get since the start"),
    questions=i64("questions asked"),
    ask_ns=i64("when the next question is due"),
)


@kernel
def start(memory, how, armed, realtime):
    """Begin anew, or from the core and history that are in memory already.

    In real time the first tick after a restart with a kept core resumes; in lockstep the bench's
    grant says so.
    """
    memory.realtime = realtime
    memory.ask_ns = -(1 << 62)
    memory.grant.action = ComputerAction.STEP
    if how == StartFrom.KEPT and realtime == 1:
        memory.grant.action = ComputerAction.RESUME
    if how == StartFrom.ANEW:
        boot(memory.state, memory.params)
    return int(ReadyResult.STARTED)


@kernel
def grant(memory, tick, now_ns, missed):
    """Open a tick. By the clock, the bench's last Tick, if any, gives its action."""
    order = memory.grant
    if tick >= 0:
        memory.missed = int(memory.missed) + missed
        _count_missed(memory, order, missed)
        order.t_ns = now_ns
        order.tick = tick
    if int(order.action) == ComputerAction.RESUME:
        empty_mailbox(memory.mailbox)
    return int(order.messages)


@kernel
def _count_missed(memory, order, missed):
    """Set the order's missed_ticks: ticks that a fault or the pacer has skipped before it."""
    action = int(order.action)
    order.messages = 0
    order.missed_ticks = 0
    if action == ComputerAction.SKIP or action == ComputerAction.AWAY:
        memory.stalled = int(memory.stalled) + 1 + missed
        return
    if action == ComputerAction.STEP:
        order.missed_ticks = min(missed + int(memory.stalled), 255)
    memory.stalled = 0


@kernel
def post(memory, apid, now_ns):
    """Put the message that arrived at now_ns into the mailbox."""
    if apid == APID_RANGE:
        post_range(memory.mailbox, memory.range, now_ns)
    elif apid == APID_IMU:
        post_imu(memory.mailbox, memory.imu)
        memory.imu_rx_ns = now_ns
        memory.has_imu = 1
    elif apid == APID_CONTACT:
        post_contact(memory.mailbox, memory.contact)
    elif apid == APID_PROPULSION:
        post_propulsion(memory.mailbox, memory.propulsion)
    elif apid == APID_COMMAND:
        post_command(memory.mailbox, memory.command)
    elif apid == APID_NAV_UPDATE:
        post_nav_update(memory.mailbox, memory.nav_update)
    elif apid == APID_CLOCK:
        _take_clock(memory, now_ns)
    return 0


@kernel
def _take_clock(memory, now_ns):
    """Keep the exchange with the shortest round trip since the last tick that used one."""
    answer, kept = memory.clock, memory.exchange
    away_ns = int(answer.t_ns) - int(answer.t_received_ns)
    travel_ns = now_ns - int(answer.t_question_ns) - away_ns
    kept_away_ns = int(kept.t_remote_tx_ns) - int(kept.t_remote_rx_ns)
    kept_ns = int(kept.t_rx_ns) - int(kept.t_ns) - kept_away_ns
    if int(memory.has_exchange) == 0 or travel_ns < kept_ns:
        kept.t_ns = answer.t_question_ns
        kept.t_remote_rx_ns = answer.t_received_ns
        kept.t_remote_tx_ns = answer.t_ns
        kept.t_rx_ns = now_ns
        memory.has_exchange = 1


@kernel
def tick(memory, whole):
    """Fly the tick, or refuse it when messages are missing. 1 when it was flown."""
    order, done = memory.grant, memory.done
    done.t_ns = order.t_ns
    done.tick = order.tick
    done.result = DoneResult.STEPPED if whole == 1 else DoneResult.INCOMPLETE
    action = int(order.action)
    if whole == 0 or action == ComputerAction.SKIP or action == ComputerAction.AWAY:
        if int(memory.realtime) == 1:
            order.action = ComputerAction.STEP
        return 0
    if int(memory.has_exchange) == 1:
        post_clock(memory.mailbox, memory.exchange)
        memory.has_exchange = 0
    if int(memory.realtime) == 0:
        memory.missed = int(memory.missed) + int(order.missed_ticks)
    collect(memory.inbox, memory.mailbox, int(order.t_ns), int(order.missed_ticks))
    memory.inbox.resumed = 1 if action == ComputerAction.RESUME else 0
    step(memory.state, memory.params, memory.inbox, memory.outbox)
    observe_flight(memory.flight_view, memory.state.core)
    done.view = memory.flight_view  # Numba writes a field of that name but cannot read it
    order.action = ComputerAction.STEP
    return 1


@kernel
def report(memory, begun_ns, stepped_ns, sent_ns):
    """Fill Timing for a tick in real time."""
    timing = memory.timing
    timebase = memory.state.core.navigation.timebase
    due_ns = int(memory.grant.t_ns)
    timing.t_ns = due_ns
    timing.begun_ns = begun_ns
    timing.fused_ns = stepped_ns
    timing.commanded_ns = sent_ns
    timing.offset_ns = sensor_clock_ahead_ns(timebase, due_ns)
    timing.bound_ns = timebase_bound_ns(timebase, memory.params.navigation.timebase, due_ns)
    timing.received_ns = int(memory.imu_rx_ns) * int(memory.has_imu)
    timing.imu_seq = int(memory.imu.seq) * int(memory.has_imu)
    timing.has_imu = memory.has_imu
    memory.has_imu = 0
    timing.view = memory.flight_view
    timing.tick = memory.grant.tick
    timing.missed_ticks = memory.missed
    return 0


@kernel
def ask(memory, now_ns):
    """Ask for the sensors' clock: every 20 ms before flight time 0, later once a second."""
    if now_ns < int(memory.ask_ns):
        return 0
    wait_ns = ASK_TICKS * TICK_NS
    if now_ns < 0:
        wait_ns = QUICK_ASK_NS
    elif now_ns < FIRST_TICKS * TICK_NS:
        wait_ns = FIRST_ASK_TICKS * TICK_NS
    memory.ask_ns = now_ns + wait_ns
    memory.question.t_ns = now_ns
    memory.question.seq = int(memory.questions) & 0xFFFF
    memory.questions = int(memory.questions) + 1
    return 1


FLIGHT_PAYLOAD = Payload(
    name="flight",
    role=Role.FLIGHT_COMPUTER,
    paces_itself=True,
    memory=FLIGHT_BOARD,
    regions={"params": "params", "core": "state.core", "history": "state.history"},
    kept="core",
    inputs=tuple(message.topic for message in flight_inputs()),
    outbox="outbox",
    outputs=OUTBOX_SLOTS,
    grant="grant",
    done="done",
    timing="timing",
    reply="",
    question="question",
    hashes={WANT_CORE_HASH: ("core", "core_hash"), WANT_HISTORY_HASH: ("history", "history_hash")},
    entries={
        "start": start,
        "grant": grant,
        "post": post,
        "step": tick,
        "report": report,
        "ask": ask,
    },
)
