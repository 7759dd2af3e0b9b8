"""Responsiveness: whether the flight software fuses truthful ranges and reports missing inputs.

Figures of a run, gathered from truth and from the flight software's outputs; the limits are those
of sim.evaluation.requirements. *Neglect* is the time for which ranges have been truthful and
consistent, with no fault open, and none of them fused. *Silence* is the time for which an
instrument has sent nothing and no event has reported it.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.events import EventCode
from fsw.interface.modes import Mode, engine_may_run
from sim.evaluation.truthful_ranges import LAST_USE_M, truthful_row
from sim.faults.table import FAULT_SLOTS
from sim.plant.plant_faults import flies

# ranges further apart than this are no consistent stream
GAP_NS = 500_000_000

RESPONSIVENESS = record(
    "Responsiveness",
    "Truthful ranges not fused, age of fused ranges, and missing inputs not reported.",
    truthful_since_ns=i64("ranges are truthful, with no fault open, since then; -1", default=-1),
    truthful_ns=i64("time at which the last truthful range arrived", default=-1),
    fused_t_ns=i64("newest time-tag fused", default=-1),
    fused_ns=i64("time at which it was fused", default=-1),
    neglect_s=f64("longest neglect so far"),
    fused_age_s=f64("greatest age of a range when it was fused as the newest"),
    range_silence_s=f64("longest time without a fused range and without an event that reports it"),
    imu_missing_ticks=i64("ticks without an increment"),
    imu_silence_ticks=i64("most of them without an event that reports it"),
    unreported=i64("restarts and missed ticks that no event reported"),
    range_reported=u8("1 while an event has reported that ranges are missing"),
    imu_reported=u8("1 once an event has reported that increments are missing"),
    spare=u8("zero", 6),
)


@kernel
def note_responsiveness(responsiveness, truthful, world, view, inbox, outbox):
    """Update Responsiveness after a tick; truthful: TruthfulRanges, view: FlightView."""
    now_ns = int(world.t_ns)
    if not flies(world.computer):
        responsiveness.truthful_since_ns = -1
        return
    _note_events(responsiveness, inbox, outbox)
    if int(view.mode) == Mode.STANDBY or int(world.touchdown.first_t_ns) >= 0:
        return
    _note_fused(responsiveness, view, now_ns)
    _note_neglect(responsiveness, truthful, world, view, inbox, now_ns)
    _note_silence(responsiveness, view, inbox, now_ns)


@kernel
def _note_events(responsiveness, inbox, outbox):
    """Note missing inputs that this tick's events report, and lost ticks that they do not."""
    restarted = False
    missed = False
    for i in range(int(outbox.n_events)):
        code = int(outbox.events[i].code)
        if code == EventCode.RANGE_SILENT:
            responsiveness.range_reported = 1
        elif code == EventCode.RANGE_RESUMED:
            responsiveness.range_reported = 0
        elif code == EventCode.IMU_SILENT:
            responsiveness.imu_reported = 1
        elif code == EventCode.RESTARTED:
            restarted = True
        elif code == EventCode.MISSED_TICKS:
            missed = True
    if int(inbox.resumed) == 1 and not restarted:
        responsiveness.unreported = int(responsiveness.unreported) + 1
    if int(inbox.missed_ticks) > 0 and not missed:
        responsiveness.unreported = int(responsiveness.unreported) + 1


@kernel
def _note_fused(responsiveness, view, now_ns):
    stamp_ns = int(view.fused_t_ns)
    if stamp_ns > int(responsiveness.fused_t_ns):
        responsiveness.fused_t_ns = stamp_ns
        responsiveness.fused_ns = now_ns
        age_s = float(now_ns - stamp_ns) * 1e-9
        responsiveness.fused_age_s = max(float(responsiveness.fused_age_s), age_s)


@kernel
def _note_neglect(responsiveness, truthful, world, view, inbox, now_ns):
    """Time for which truthful ranges have arrived, with no fault open, and none was fused."""
    false_range = False
    for i in range(int(inbox.n_ranges)):
        if truthful_row(truthful, world, inbox.ranges[i]) >= 0:
            responsiveness.truthful_ns = now_ns
            if int(responsiveness.truthful_since_ns) < 0:
                responsiveness.truthful_since_ns = now_ns
        elif int(inbox.ranges[i].valid) == 1:
            false_range = True
    gap = now_ns - int(responsiveness.truthful_ns) > GAP_NS
    low = float(world.truth.clearance_m) < LAST_USE_M
    if false_range or gap or low or _fault_is_open(world) or not engine_may_run(int(view.mode)):
        responsiveness.truthful_since_ns = -1
    if int(responsiveness.truthful_since_ns) < 0:
        return
    since_ns = max(int(responsiveness.truthful_since_ns), int(responsiveness.fused_ns))
    neglect_s = float(now_ns - since_ns) * 1e-9
    responsiveness.neglect_s = max(float(responsiveness.neglect_s), neglect_s)


@kernel
def _fault_is_open(world):
    for i in range(FAULT_SLOTS):
        if i < int(world.board.n_faults) and int(world.board.fault_memory[i].open) == 1:
            return True
    return False


@kernel
def _note_silence(responsiveness, view, inbox, now_ns):
    """Time for which range and inertial unit have been silent and no event has reported it."""
    flying = engine_may_run(int(view.mode))
    if flying and int(view.locked) == 1 and int(responsiveness.range_reported) == 0:
        silence_s = float(now_ns - int(view.fused_t_ns)) * 1e-9
        responsiveness.range_silence_s = max(float(responsiveness.range_silence_s), silence_s)
    responsiveness.imu_missing_ticks = int(responsiveness.imu_missing_ticks) + 1
    if int(inbox.n_imus) > 0:
        responsiveness.imu_missing_ticks = 0
        responsiveness.imu_reported = 0
    if int(responsiveness.imu_reported) == 0:
        most = max(int(responsiveness.imu_silence_ticks), int(responsiveness.imu_missing_ticks))
        responsiveness.imu_silence_ticks = most
