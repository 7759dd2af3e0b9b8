"""What the bench and the ends of a session say to each other: records of their own.

The flight software never sees these. The clock's question and answer are flight traffic all the
same, since a flight computer asks them of its sensors in flight: its link layer makes a
ClockExchange of them. Every message begins with `t_ns`, its sender's clock.
"""

from fsw.modes import MODE_NAMES
from fsw.record import f64, i64, record, u8, u16, u32, u64
from sim.fault_state import COMPUTER_ACTIONS
from sim.verdict import VERDICT_NAMES

BLOCK_BYTES = 128

ROLE_NAMES = ("bench", "flight_computer", "sensors")
ROLE_BENCH, ROLE_FLIGHT_COMPUTER, ROLE_SENSORS = range(3)

PACE_NAMES = ("lockstep", "realtime")
PACE_LOCKSTEP, PACE_REALTIME = range(2)

REGION_NAMES = ("params", "core", "history")
REGION_PARAMS, REGION_CORE, REGION_HISTORY = range(3)

READY_NAMES = ("started", "params_incomplete", "params_differ")
READY_STARTED, READY_PARAMS_INCOMPLETE, READY_PARAMS_DIFFER = range(3)

DONE_NAMES = ("stepped", "incomplete")
DONE_STEPPED, DONE_INCOMPLETE = range(2)

END_NAMES = ("finished", "interrupted", "silent", "refused")
END_FINISHED, END_INTERRUPTED, END_SILENT, END_REFUSED = range(4)

END_VERDICT_NAMES = ("unknown", *VERDICT_NAMES)

WANT_CORE_HASH, WANT_HISTORY_HASH = 1, 2

# --- flight traffic ----------------------------------------------------------------------

CLOCK_QUESTION = record(
    "ClockQuestion",
    "What time is it with you?",
    t_ns=i64("when it was asked, flight clock"),
    seq=u16("counts questions, wraps at 65536"),
    spare=u8("zero", 6),
)

CLOCK_ANSWER = record(
    "ClockAnswer",
    "The answer, with what the question said.",
    t_ns=i64("when the answer was sent, sensor clock"),
    t_received_ns=i64("when the question was received, sensor clock"),
    t_question_ns=i64("t_ns of the question, flight clock"),
    seq=u16("sequence number of the question"),
    spare=u8("zero", 6),
)

# --- bench traffic -----------------------------------------------------------------------

HELLO = record(
    "Hello",
    "Who speaks, and by which records.",
    t_ns=i64("when it was sent"),
    schema=u64("first eight bytes of the schema hash"),
    boot=u64("another number after every start of this end"),
    version=u8("version of the software, ASCII, padded with zeros", 13),
    role=u8("who speaks", codes=ROLE_NAMES),
    asks=u8("1 when an answer is wanted"),
    records=u8("1 when this end keeps a log and wants truth and hops for it"),
)

BLOCK = record(
    "Block",
    "A piece of a memory region: parameters on their way up, core and history on their way down.",
    t_ns=i64("when it was sent"),
    offset=u32("where in the region the piece begins"),
    size=u32("bytes of the whole region"),
    region=u8("which region", codes=REGION_NAMES),
    length=u8("bytes of data that count"),
    spare=u8("zero", 6),
    data=u8("the piece, padded with zeros", BLOCK_BYTES),
)

BLOCK_REQUEST = record(
    "BlockRequest",
    "Send me these bytes of a region.",
    t_ns=i64("when it was sent"),
    offset=u32("where they begin"),
    length=u32("how many"),
    region=u8("which region", codes=REGION_NAMES),
    spare=u8("zero", 7),
)

BEGIN = record(
    "Begin",
    "Begin to fly with the parameters sent.",
    t_ns=i64("when it was sent"),
    start_in_ns=i64("flight time 0 is so long after this arrives; real time only"),
    params_crc=u32("CRC-32 of the parameter record"),
    pace=u8("who moves time", codes=PACE_NAMES),
    spare=u8("zero", 3),
)

READY = record(
    "Ready",
    "Answer to Begin.",
    t_ns=i64("when it was sent"),
    params_crc=u32("CRC-32 of the parameters received"),
    result=u8("what became of it", codes=READY_NAMES),
    spare=u8("zero", 3),
)

TICK = record(
    "Tick",
    "Lockstep: the messages of this tick are sent; answer with Done. Real time: a fault's order.",
    t_ns=i64("time of the tick, flight clock"),
    tick=u32("counts ticks from 0"),
    messages=u8("flight messages sent for this tick"),
    missed_ticks=u8("ticks that the flight software did not get before this one"),
    wants=u8("bit 0: hash of core, bit 1: hash of history"),
    action=u8("what the flight computer does with it", codes=COMPUTER_ACTIONS),
)

FLIGHT_VIEW = record(
    "FlightView",
    "What the judge of a run, who sits with the truth, looks at in the flight software.",
    a_d_mps2=f64("deceleration that guidance counts on"),
    mode=u8("flight mode", codes=MODE_NAMES),
    locked=u8("1 once ranges are fused"),
    engine_cut=u8("1 once guidance has cut the engine for good"),
    spare=u8("zero", 5),
)

DONE = record(
    "Done",
    "Lockstep: the tick is over, or some of its messages are missing and shall be sent again.",
    t_ns=i64("time of the tick, flight clock"),
    core_hash=u64("hash of core after the tick; 0 when not asked for"),
    history_hash=u64("hash of history after the tick; 0 when not asked for"),
    view=FLIGHT_VIEW("the flight software after the tick"),
    tick=u32("the tick granted"),
    messages=u8("flight messages sent in this tick"),
    result=u8("what became of it", codes=DONE_NAMES),
    spare=u8("zero", 2),
)

TIMING = record(
    "Timing",
    "Real time: how one tick of the flight computer went. All times by the flight clock.",
    t_ns=i64("when the tick was due"),
    received_ns=i64("when its newest inertial sample arrived"),
    begun_ns=i64("when the tick began"),
    fused_ns=i64("when the flight software had done its step"),
    commanded_ns=i64("when the command was handed to the line"),
    offset_ns=i64("sensor clock minus flight clock, as the flight computer believes"),
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
    reason=u8("why", codes=END_NAMES),
    verdict=u8("how the flight ended, where the truth is known", codes=END_VERDICT_NAMES),
    spare=u8("zero", 6),
)
