"""The flight software as a board's payload: its memory, and its doors.

What hil.ends.flight_host, hil.ends.flight_lockstep and hil.ends.flight_realtime do in Python around
the flight software, these kernels do on a board, by the same rules.
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
from hil.wire.packets import message_of
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

APID_IMU = message_of(IMU_SAMPLE).apid
APID_RANGE = message_of(RANGE_SAMPLE).apid
APID_CONTACT = message_of(CONTACT_SAMPLE).apid
APID_PROPULSION = message_of(PROPULSION_STATUS).apid
APID_COMMAND = message_of(GROUND_COMMAND).apid
APID_NAV_UPDATE = message_of(NAV_UPDATE).apid
APID_CLOCK_ANSWER = message_of(CLOCK_ANSWER).apid

FLIGHT_BOARD = record(
    "FlightBoard",
    "All memory of a board that flies.",
    params=PARAMS("flight parameters"),
    state=STATE("the flight software's memory"),
    mailbox=MAILBOX("messages that wait for a tick"),
    inbox=INBOX("into the flight software"),
    outbox=OUTBOX("out of it"),
    imu=IMU_SAMPLE("as it came"),
    range=RANGE_SAMPLE("as it came"),
    contact=CONTACT_SAMPLE("as it came"),
    propulsion=PROPULSION_STATUS("as it came"),
    command=GROUND_COMMAND("as it came"),
    nav_update=NAV_UPDATE("as it came"),
    clock_answer=CLOCK_ANSWER("as it came"),
    exchange=CLOCK_EXCHANGE("the quickest one since the last tick"),
    question=CLOCK_QUESTION("to the sensors"),
    seen=FLIGHT_VIEW("the flight software after the last tick flown"),
    grant=TICK("the tick in work; in real time what a fault makes of the next one"),
    done=DONE("answer to it"),
    timing=TIMING("real time: how it went"),
    has_exchange=i64("1 when there is one"),
    imu_rx_ns=i64("when the newest increment arrived"),
    has_imu=i64("1 when one has arrived since the last tick"),
    realtime=i64("1 when this board's clock moves time"),
    stalled=i64("ticks not flown since the last one that was"),
    missed=i64("ticks skipped by the pacer since the start"),
    questions=i64("questions asked"),
    ask_ns=i64("when the next one is due"),
)


@kernel
def start(board, how, armed, realtime):
    """Begin anew, or from the core and history that lie there already.

    In real time the first tick of a board that has kept its core resumes; in lockstep the bench
    grants it as one that does.
    """
    board.realtime = realtime
    board.ask_ns = -(1 << 62)
    board.grant.action = ComputerAction.STEP
    if how == StartFrom.KEPT and realtime == 1:
        board.grant.action = ComputerAction.RESUME
    if how == StartFrom.ANEW:
        boot(board.state, board.params)
    return int(ReadyResult.STARTED)


@kernel
def grant(board, tick, now_ns, missed):
    """Open a tick. By the clock it is flown as the bench's last order, if any, has it."""
    order = board.grant
    if tick >= 0:
        board.missed = int(board.missed) + missed
        _obey(board, order, missed)
        order.t_ns = now_ns
        order.tick = tick
    if int(order.action) == ComputerAction.RESUME:
        empty_mailbox(board.mailbox)
    return int(order.messages)


@kernel
def _obey(board, order, missed):
    """Count what a fault makes this computer miss."""
    action = int(order.action)
    order.messages = 0
    order.missed_ticks = 0
    if action == ComputerAction.SKIP or action == ComputerAction.AWAY:
        board.stalled = int(board.stalled) + 1 + missed
        return
    if action == ComputerAction.STEP:
        order.missed_ticks = min(missed + int(board.stalled), 255)
    board.stalled = 0


@kernel
def post(board, apid, now_ns):
    """Put a message that arrived at now_ns into the mailbox."""
    if apid == APID_RANGE:
        post_range(board.mailbox, board.range, now_ns)
    elif apid == APID_IMU:
        post_imu(board.mailbox, board.imu)
        board.imu_rx_ns = now_ns
        board.has_imu = 1
    elif apid == APID_CONTACT:
        post_contact(board.mailbox, board.contact)
    elif apid == APID_PROPULSION:
        post_propulsion(board.mailbox, board.propulsion)
    elif apid == APID_COMMAND:
        post_command(board.mailbox, board.command)
    elif apid == APID_NAV_UPDATE:
        post_nav_update(board.mailbox, board.nav_update)
    elif apid == APID_CLOCK_ANSWER:
        _take_clock(board, now_ns)
    return 0


@kernel
def _take_clock(board, now_ns):
    """Keep the quickest exchange since the last tick that took one."""
    answer, kept = board.clock_answer, board.exchange
    away_ns = int(answer.t_ns) - int(answer.t_received_ns)
    travel_ns = now_ns - int(answer.t_question_ns) - away_ns
    kept_away_ns = int(kept.t_remote_tx_ns) - int(kept.t_remote_rx_ns)
    kept_ns = int(kept.t_rx_ns) - int(kept.t_ns) - kept_away_ns
    if int(board.has_exchange) == 0 or travel_ns < kept_ns:
        kept.t_ns = answer.t_question_ns
        kept.t_remote_rx_ns = answer.t_received_ns
        kept.t_remote_tx_ns = answer.t_ns
        kept.t_rx_ns = now_ns
        board.has_exchange = 1


@kernel
def tick(board, whole):
    """Fly the tick, or decline it when messages are missing. 1 when it was flown."""
    order, done = board.grant, board.done
    done.t_ns = order.t_ns
    done.tick = order.tick
    done.result = DoneResult.STEPPED if whole == 1 else DoneResult.INCOMPLETE
    action = int(order.action)
    if whole == 0 or action == ComputerAction.SKIP or action == ComputerAction.AWAY:
        if int(board.realtime) == 1:
            order.action = ComputerAction.STEP
        return 0
    if int(board.has_exchange) == 1:
        post_clock(board.mailbox, board.exchange)
        board.has_exchange = 0
    collect(board.inbox, board.mailbox, int(order.t_ns), int(order.missed_ticks))
    board.inbox.resumed = 1 if action == ComputerAction.RESUME else 0
    step(board.state, board.params, board.inbox, board.outbox)
    observe_flight(board.seen, board.state.core)
    done.view = board.seen  # Numba reads no field of that name, but writes it
    order.action = ComputerAction.STEP
    return 1


@kernel
def report(board, begun_ns, stepped_ns, sent_ns):
    """Say how a tick in real time went."""
    timing = board.timing
    timebase = board.state.core.navigation.timebase
    due_ns = int(board.grant.t_ns)
    timing.t_ns = due_ns
    timing.begun_ns = begun_ns
    timing.fused_ns = stepped_ns
    timing.commanded_ns = sent_ns
    timing.offset_ns = sensor_clock_ahead_ns(timebase, due_ns)
    timing.bound_ns = timebase_bound_ns(timebase, board.params.navigation.timebase, due_ns)
    timing.received_ns = int(board.imu_rx_ns) * int(board.has_imu)
    timing.imu_seq = int(board.imu.seq) * int(board.has_imu)
    timing.has_imu = board.has_imu
    board.has_imu = 0
    timing.view = board.seen
    timing.tick = board.grant.tick
    timing.missed_ticks = board.missed
    return 0


@kernel
def ask(board, now_ns):
    """Ask for the sensors' clock often at first, then once a second."""
    if now_ns < int(board.ask_ns):
        return 0
    wait_ns = ASK_TICKS * TICK_NS
    if now_ns < 0:
        wait_ns = QUICK_ASK_NS
    elif now_ns < FIRST_TICKS * TICK_NS:
        wait_ns = FIRST_ASK_TICKS * TICK_NS
    board.ask_ns = now_ns + wait_ns
    board.question.t_ns = now_ns
    board.question.seq = int(board.questions) & 0xFFFF
    board.questions = int(board.questions) + 1
    return 1


FLIGHT_PAYLOAD = Payload(
    name="flight",
    role=Role.FLIGHT_COMPUTER,
    paces_itself=True,
    memory=FLIGHT_BOARD,
    regions={"params": "params", "core": "state.core", "history": "state.history"},
    kept="core",
    inputs=(
        "imu",
        "range",
        "contact",
        "propulsion",
        "command",
        "nav_update",
        "clock_answer",
    ),
    box="outbox",
    outputs=OUTBOX_SLOTS,
    grant="grant",
    done="done",
    timing="timing",
    reply="",
    question="question",
    hashes={WANT_CORE_HASH: ("core", "core_hash"), WANT_HISTORY_HASH: ("history", "history_hash")},
    doors={
        "start": start,
        "grant": grant,
        "post": post,
        "step": tick,
        "report": report,
        "ask": ask,
    },
)
