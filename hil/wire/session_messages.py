"""Messages between the bench and the ends of a session: records of their own.

The flight software never sees these. The clock's question and answer are flight traffic all the
same, since a flight computer asks them of its sensors in flight: its link layer makes a
ClockExchange of them. Every message begins with `t_ns`, its sender's clock.

Either end of a session may be a board. Both meet and begin alike:

    Hello, Hello       role and schema; `kept`: a core has survived a restart
    Block ...          the regions that this role flies with, in any order
    Arm                sensor board only, before faults are loaded: an unarmed one refuses them
    Begin, Ready       CRC-32 of each region sent, and how to start from them

A flight computer holds params, core and history. To begin anew it needs params; to fly on from a
saved state, all three; after a restart, params alone, when it has kept its core: then the first
Tick has the action `resume`, which in real time it takes itself. A sensor board has region `board`
and begins with it as it is, so that one that has restarted goes on from what the bench sends it.

In a tick a flight computer is sent flight messages and Tick, and answers with flight messages and
Done. A sensor board is sent RangeTruth and StatusTruth when one is due, RangeCommand when there
is one, and SensorTruth, which has their number and grants the tick; it answers with the
sensors' flight messages and SensorDone. In lockstep a tick that was not answered whole is sent
again, by the same `t_ns`, and a tick that was flown already is answered with the same bytes. In
real time nothing is sent again: a sensor board stamps its messages with its own clock, and answers
ClockQuestion with it.
"""

from fsw.framework.codes import Code, with_first
from fsw.framework.record import i64, record, u8, u16, u32, u64
from sim.evaluation.flight_view import FLIGHT_VIEW
from sim.evaluation.verdict import RunVerdict
from sim.faults.records import ComputerAction

HOPS = record(
    "Hops",
    "Times of one command, from sample to actuator, in real time; all on the flight clock.",
    t_ns=i64("newest sample behind it: when it was measured"),
    sent_t_ns=i64("when that was sent; -1 where unknown"),
    received_t_ns=i64("when that was received"),
    begun_t_ns=i64("when the tick that fused it really began"),
    commanded_t_ns=i64("when the command was handed to the line"),
    applied_t_ns=i64("when the command took effect; -1 where unknown"),
    late_ns=i64("how long after its due time the tick began"),
    overruns=u32("ticks skipped so far because one took too long"),
    tick=u32("tick of the flight software"),
)

# requests for the sensors' clock: often before flight time 0 and in the first second, then at 1 Hz
QUICK_ASK_NS = 20_000_000
FIRST_TICKS, FIRST_ASK_TICKS, ASK_TICKS = 100, 10, 100

BLOCK_BYTES = 128


class Role(Code):
    """Roles of an end."""

    BENCH = 0
    FLIGHT_COMPUTER = 1
    SENSORS = 2


ROLE_TITLES: dict[int, str] = {
    Role.BENCH: "bench",
    Role.FLIGHT_COMPUTER: "flight computer",
    Role.SENSORS: "sensor board",
}


def role_title(role: int) -> str:
    """Name of a role in messages and errors."""
    return ROLE_TITLES.get(role, f"unknown role {role}")


class Pace(Code):
    """Source of time: the bench's grants, or each end's clock."""

    LOCKSTEP = 0
    REALTIME = 1


class Region(Code):
    """Memory regions that are loaded and read back."""

    PARAMS = 0
    CORE = 1
    HISTORY = 2
    BOARD = 3


class StartFrom(Code):
    """What a flight starts from."""

    ANEW = 0
    LOADED = 1
    KEPT = 2


class ReadyResult(Code):
    """Answers to Begin."""

    STARTED = 0
    INCOMPLETE = 1
    DIFFERS = 2
    NOT_ARMED = 3
    NOTHING_KEPT = 4


class DoneResult(Code):
    """Outcomes of a tick."""

    STEPPED = 0
    INCOMPLETE = 1


class EndReason(Code):
    """Reasons for the end of a session."""

    FINISHED = 0
    INTERRUPTED = 1
    SILENT = 2
    REFUSED = 3


EndVerdict = with_first("EndVerdict", "UNKNOWN", RunVerdict)

WANT_CORE_HASH, WANT_HISTORY_HASH = 1, 2
WANT_BOARD_HASH = 1

# --- flight traffic ----------------------------------------------------------------------

CLOCK_QUESTION = record(
    "ClockQuestion",
    "Request for the time of the sensors' clock.",
    t_ns=i64("when it was asked, flight clock"),
    seq=u16("counts questions, wraps at 65536"),
    spare=u8("zero", 6),
)

CLOCK_ANSWER = record(
    "ClockAnswer",
    "Answer to a ClockQuestion, with its fields.",
    t_ns=i64("when the answer was sent, sensor clock"),
    t_received_ns=i64("when the question was received, sensor clock"),
    t_question_ns=i64("t_ns of the question, flight clock"),
    seq=u16("sequence number of the question"),
    spare=u8("zero", 6),
)

# --- bench traffic -----------------------------------------------------------------------

HELLO = record(
    "Hello",
    "Identifies an end and its schema.",
    t_ns=i64("when it was sent"),
    schema=u64("first eight bytes of the schema hash"),
    boot=u64("another number after every start of this end"),
    version=u8("version of the software, ASCII, padded with zeros", 12),
    role=u8("role of the sender", codes=Role),
    asks=u8("1 when an answer is wanted"),
    records=u8("1 when this end keeps a log and needs truth and hops for it"),
    kept=u8("1 when this end still has the core of a flight that a restart interrupted"),
)

BLOCK = record(
    "Block",
    "A piece of a memory region, loaded into an end or read back from it.",
    t_ns=i64("when it was sent"),
    offset=u32("where in the region the piece begins"),
    size=u32("bytes of the whole region"),
    region=u8("which region", codes=Region),
    length=u8("bytes of data that count"),
    spare=u8("zero", 6),
    data=u8("the piece, padded with zeros", BLOCK_BYTES),
)

BLOCK_REQUEST = record(
    "BlockRequest",
    "Request for some bytes of a region.",
    t_ns=i64("when it was sent"),
    offset=u32("where they begin"),
    length=u32("how many"),
    region=u8("which region", codes=Region),
    spare=u8("zero", 7),
)

BEGIN = record(
    "Begin",
    "Begin with the regions sent.",
    t_ns=i64("when it was sent"),
    start_in_ns=i64("flight time 0 is this long after arrival; real time only"),
    params_crc=u32("CRC-32 of params; 0 when not sent"),
    core_crc=u32("CRC-32 of core; 0 when not sent"),
    history_crc=u32("CRC-32 of history; 0 when not sent"),
    board_crc=u32("CRC-32 of board; 0 when not sent"),
    regions=u8("which were sent: bit i for region i"),
    start=u8("from nothing, from what was loaded, or from the core that was kept", codes=StartFrom),
    pace=u8("source of time", codes=Pace),
    spare=u8("zero", 5),
)

READY = record(
    "Ready",
    "Answer to Begin.",
    t_ns=i64("when it was sent"),
    result=u8("outcome", codes=ReadyResult),
    spare=u8("zero", 7),
)

ARM = record(
    "Arm",
    "Let a sensor board play faults, or forbid it; cleared by a restart.",
    t_ns=i64("when it was sent"),
    armed=u8("1 to let it"),
    spare=u8("zero", 7),
)

TICK = record(
    "Tick",
    "Lockstep: the messages of this tick are sent; answer with Done. Real time: action of a fault.",
    t_ns=i64("time of the tick, flight clock"),
    tick=u32("counts ticks from 0"),
    messages=u8("flight messages sent for this tick"),
    missed_ticks=u8("ticks that the flight software did not get before this one"),
    wants=u8("bit 0: hash of core, bit 1: hash of history"),
    action=u8("action of the flight computer", codes=ComputerAction),
)

DONE = record(
    "Done",
    "Lockstep: the tick is over, or some of its messages are missing and are to be sent again.",
    t_ns=i64("time of the tick, flight clock"),
    core_hash=u64("hash of core after the tick; 0 when not requested"),
    history_hash=u64("hash of history after the tick; 0 when not requested"),
    view=FLIGHT_VIEW("the flight software after the tick"),
    tick=u32("the tick granted"),
    messages=u8("flight messages sent in this tick"),
    result=u8("outcome", codes=DoneResult),
    spare=u8("zero", 2),
)

SENSOR_DONE = record(
    "SensorDone",
    "A sensor board's tick is over, or some of its messages are missing.",
    t_ns=i64("time of the tick, from SensorTruth"),
    board_hash=u64("hash of the board's record after the tick; 0 when not requested"),
    stamp_ns=i64("stamp of the samples taken in this tick, board's clock; t_ns in lockstep"),
    received_ns=i64("when SensorTruth had come, board's clock; 0 in lockstep"),
    sent_ns=i64("when this was sent, board's clock; 0 in lockstep"),
    messages=u8("flight messages sent in this tick"),
    result=u8("outcome", codes=DoneResult),
    spare=u8("zero", 6),
)

TIMING = record(
    "Timing",
    "Real time: times of one tick of the flight computer, all on the flight clock.",
    t_ns=i64("when the tick was due"),
    received_ns=i64("when its newest inertial sample arrived"),
    begun_ns=i64("when the tick began"),
    fused_ns=i64("when the flight software had finished its step"),
    commanded_ns=i64("when the command was handed to the line"),
    offset_ns=i64("sensor clock minus flight clock, as the flight computer estimates it"),
    bound_ns=i64("bound on the error of that offset"),
    view=FLIGHT_VIEW("the flight software after the tick"),
    tick=u32("counts ticks of the flight software"),
    missed_ticks=u32("ticks skipped since the start"),
    imu_seq=u16("sequence number of that inertial sample"),
    has_imu=u8("1 when one arrived for this tick"),
    spare=u8("zero", 5),
)

END = record(
    "End",
    "The session is over.",
    t_ns=i64("when it was sent"),
    reason=u8("why", codes=EndReason),
    verdict=u8("verdict of the flight, where the truth is known", codes=EndVerdict),
    spare=u8("zero", 6),
)
