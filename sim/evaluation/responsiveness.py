"""Does the flight software heed what it is told, and does it say when it is told nothing?

Facts along a run, gathered from truth and from what leaves the flight software;
sim.evaluation.verdict says how much of each is too much. *Neglect* is how long ranges have been
truthful and consistent, with no fault open, and none of them fused. *Silence* is how long an
instrument has said nothing without an event that tells of it.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.events import EventCode
from fsw.interface.modes import Mode, engine_may_run
from sim.evaluation.truthful_ranges import LAST_USE_M, truthful_row
from sim.faults.table import FAULT_SLOTS
from sim.plant.plant_faults import flies

# ranges further apart than this do not make a stream that could be consistent
GAP_NS = 500_000_000

ATTENTION = record(
    "Attention",
    "What was told to the flight software, what it made of it, and what it said of silence.",
    truthful_since_ns=i64("ranges have been truthful, no fault open, since then; -1", default=-1),
    truthful_ns=i64("when the last truthful range arrived", default=-1),
    fused_t_ns=i64("newest stamp ever fused", default=-1),
    fused_ns=i64("when it was fused", default=-1),
    neglect_s=f64("longest neglect so far"),
    fused_age_s=f64("greatest age of a range when it was fused as the newest"),
    range_silence_s=f64("longest time without a fused range that no event tells of"),
    imu_missing_ticks=i64("ticks without an increment"),
    imu_silence_ticks=i64("most of them that no event tells of"),
    unsaid=i64("restarts and missed ticks that no event tells of"),
    range_reported=u8("1 while an event has told that ranges are silent"),
    imu_reported=u8("1 once an event has told that increments are missing"),
    spare=u8("zero", 6),
)


@kernel
def note_attention(attention, knowledge, world, view, inbox, outbox):
    """After each tick."""
    now_ns = int(world.t_ns)
    if not flies(world.computer):
        attention.truthful_since_ns = -1
        return
    _note_events(attention, inbox, outbox)
    if int(view.mode) == Mode.STANDBY or int(world.touchdown.first_t_ns) >= 0:
        return
    _note_fused(attention, view, now_ns)
    _note_neglect(attention, knowledge, world, view, inbox, now_ns)
    _note_silence(attention, view, inbox, now_ns)


@kernel
def _note_events(attention, inbox, outbox):
    """Which silences this tick tells of in events, and what it ought to have told and did not."""
    restarted = False
    missed = False
    for i in range(int(outbox.n_events)):
        code = int(outbox.events[i].code)
        if code == EventCode.RANGE_SILENT:
            attention.range_reported = 1
        elif code == EventCode.RANGE_RESUMED:
            attention.range_reported = 0
        elif code == EventCode.IMU_SILENT:
            attention.imu_reported = 1
        elif code == EventCode.RESTARTED:
            restarted = True
        elif code == EventCode.MISSED_TICKS:
            missed = True
    if int(inbox.resumed) == 1 and not restarted:
        attention.unsaid = int(attention.unsaid) + 1
    if int(inbox.missed_ticks) > 0 and not missed:
        attention.unsaid = int(attention.unsaid) + 1


@kernel
def _note_fused(attention, view, now_ns):
    stamp_ns = int(view.fused_t_ns)
    if stamp_ns > int(attention.fused_t_ns):
        attention.fused_t_ns = stamp_ns
        attention.fused_ns = now_ns
        age_s = float(now_ns - stamp_ns) * 1e-9
        attention.fused_age_s = max(float(attention.fused_age_s), age_s)


@kernel
def _note_neglect(attention, knowledge, world, view, inbox, now_ns):
    """How long truthful ranges have come in, since no fault is open, without one being fused."""
    lies = False
    for i in range(int(inbox.n_ranges)):
        if truthful_row(knowledge, world, inbox.ranges[i]) >= 0:
            attention.truthful_ns = now_ns
            if int(attention.truthful_since_ns) < 0:
                attention.truthful_since_ns = now_ns
        elif int(inbox.ranges[i].valid) == 1:
            lies = True
    gap = now_ns - int(attention.truthful_ns) > GAP_NS
    low = float(world.truth.clearance_m) < LAST_USE_M
    if lies or gap or low or _fault_is_open(world) or not engine_may_run(int(view.mode)):
        attention.truthful_since_ns = -1
    if int(attention.truthful_since_ns) < 0:
        return
    since_ns = max(int(attention.truthful_since_ns), int(attention.fused_ns))
    neglect_s = float(now_ns - since_ns) * 1e-9
    attention.neglect_s = max(float(attention.neglect_s), neglect_s)


@kernel
def _fault_is_open(world):
    for i in range(FAULT_SLOTS):
        if i < int(world.board.n_faults) and int(world.board.fault_memory[i].open) == 1:
            return True
    return False


@kernel
def _note_silence(attention, view, inbox, now_ns):
    """How long range and inertial unit have been silent while no event told of it."""
    flying = engine_may_run(int(view.mode))
    if flying and int(view.locked) == 1 and int(attention.range_reported) == 0:
        silence_s = float(now_ns - int(view.fused_t_ns)) * 1e-9
        attention.range_silence_s = max(float(attention.range_silence_s), silence_s)
    attention.imu_missing_ticks = int(attention.imu_missing_ticks) + 1
    if int(inbox.n_imus) > 0:
        attention.imu_missing_ticks = 0
        attention.imu_reported = 0
    if int(attention.imu_reported) == 0:
        most = max(int(attention.imu_silence_ticks), int(attention.imu_missing_ticks))
        attention.imu_silence_ticks = most
