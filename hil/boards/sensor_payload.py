"""The sensors as a payload: its memory, and its entries.

The work is done by sim.sensors.sensor_suite, the kernels that the simulator uses too. The bench
sends the truth, and each SensorTruth grants a tick in both paces; in real time stamps are by this
end's own clock, and ClockQuestions are answered with it.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import i64, record
from fsw.interface.messages import RANGE_COMMAND
from hil.boards.payload import Payload
from hil.wire.messages import apid_of
from hil.wire.session_messages import (
    CLOCK_ANSWER,
    CLOCK_QUESTION,
    SENSOR_DONE,
    WANT_BOARD_HASH,
    DoneResult,
    ReadyResult,
    Role,
)
from hil.wire.slots import ARRIVALS_SLOTS, SENSOR_INBOX_SLOTS
from sim.sensors.records import RANGE_TRUTH, SENSOR_BOARD, SENSOR_INBOX, STATUS_TRUTH, TICK_MESSAGES
from sim.sensors.sensor_suite import is_allowed, tick_board

APID_BEAM = apid_of(RANGE_TRUTH)
APID_STATUS = apid_of(STATUS_TRUTH)
APID_RANGE_COMMAND = apid_of(RANGE_COMMAND)
APID_QUESTION = apid_of(CLOCK_QUESTION)

SENSORS_BOARD = record(
    "SensorsBoard",
    "All memory of an end that plays the sensors.",
    board=SENSOR_BOARD("the sensors' memory"),
    inbox=SENSOR_INBOX("truth from the bench, and commands"),
    arrivals=TICK_MESSAGES("samples for the flight software"),
    question=CLOCK_QUESTION("the one received last"),
    answer=CLOCK_ANSWER("to it"),
    done=SENSOR_DONE("answer to the tick in progress"),
    realtime=i64("1 when stamps are by this end's clock"),
)


@kernel
def start(memory, how, armed, realtime):
    """Begin with the board as it was loaded; one with faults is refused unless armed."""
    memory.realtime = realtime
    if is_allowed(memory.board, armed == 1) == 1:
        return int(ReadyResult.STARTED)
    return int(ReadyResult.NOT_ARMED)


@kernel
def grant(memory, tick, now_ns, missed):
    """Open a tick that SensorTruth grants."""
    memory.done.received_ns = now_ns * int(memory.realtime)
    return int(memory.inbox.truth.messages)


@kernel
def post(memory, apid, now_ns):
    """Take the message that arrived at now_ns; a ClockQuestion is answered at once."""
    if apid == APID_BEAM:
        memory.inbox.has_beam = 1
    elif apid == APID_STATUS:
        memory.inbox.has_status = 1
    elif apid == APID_RANGE_COMMAND:
        memory.inbox.has_range_command = 1
    elif apid == APID_QUESTION:
        answer, question = memory.answer, memory.question
        answer.t_ns = now_ns
        answer.t_received_ns = now_ns
        answer.t_question_ns = question.t_ns
        answer.seq = question.seq
        return 1
    return 0


@kernel
def tick(memory, whole):
    """Sample, or refuse the tick when messages are missing. 1 when it ran."""
    inbox, done = memory.inbox, memory.done
    done.t_ns = inbox.truth.t_ns
    done.result = DoneResult.STEPPED if whole == 1 else DoneResult.INCOMPLETE
    if whole == 0:
        return 0
    clock_ns = int(done.received_ns) if int(memory.realtime) == 1 else -1
    tick_board(memory.board, inbox, memory.arrivals, clock_ns)
    done.stamp_ns = done.t_ns
    if int(memory.realtime) == 1:
        done.stamp_ns = int(done.t_ns) + int(memory.board.clock_offset_ns)
    return 1


@kernel
def report(memory, begun_ns, stepped_ns, sent_ns):
    """Store when the samples of the tick were sent."""
    memory.done.sent_ns = sent_ns
    return 0


@kernel
def ask(memory, now_ns):
    """Never: sensors have no question."""
    return 0


SENSORS_PAYLOAD = Payload(
    name="sensors",
    role=Role.SENSORS,
    paces_itself=False,
    memory=SENSORS_BOARD,
    regions={"board": "board"},
    kept="",
    inputs=(*(f"inbox.{slot.member}" for slot in SENSOR_INBOX_SLOTS), "question"),
    outbox="arrivals",
    outputs=ARRIVALS_SLOTS,
    grant="inbox.truth",
    done="done",
    timing="done",
    reply="answer",
    question="",
    hashes={WANT_BOARD_HASH: ("board", "board_hash")},
    entries={
        "start": start,
        "grant": grant,
        "post": post,
        "step": tick,
        "report": report,
        "ask": ask,
    },
)
