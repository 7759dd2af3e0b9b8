"""Intake: what arrives is checked, mapped to flight time and put where it belongs.

Facts of arrival live here and in the counters: late, duplicate, from the future, silent. None
of them enters the estimate; that is decided on the grid, by stamps.
"""

from fsw.cadence import seconds_to_ns
from fsw.events import EV_IMU_GAP, EV_IMU_SATURATED, EV_RANGE_FIRST_VALID, post_event
from fsw.grid import GRID_NS
from fsw.history import (
    BRIDGED,
    CLIPPED,
    FREE_FALL,
    IMU_SLOTS,
    insert_range,
    newest_imu_ns,
    push_imu,
)
from fsw.kernel import kernel
from fsw.linear import dot3, load3, norm3, scale3
from fsw.record import f64, i64, record, u8, u32
from fsw.timebase import to_flight_ns
from fsw.trust import (
    CLOCK_FAULT,
    DUPLICATE,
    INHIBITED,
    INVALID,
    OUT_OF_RANGE,
    PENDING,
    TOO_OLD,
    VERDICT_NAMES,
)

NEVER = 1 << 62

INTAKE_PARAMS = record(
    "IntakeParams",
    "What an inertial increment must look like.",
    dv_max_mps=f64(
        "velocity gain beyond which an increment is refused", default=100.0, lo=0.01, hi=1e4
    ),
    dtheta_max_rad=f64("turn beyond which an increment is refused", default=0.5, lo=1e-4, hi=3.0),
    gap_min_s=f64(
        "a hole between increments longer than this is bridged", default=0.001, lo=1e-5, hi=1.0
    ),
    bridge_max_s=f64(
        "the last force and rate are trusted for this long across a gap",
        default=1.0,
        lo=0.0,
        hi=10.0,
    ),
    free_fall_max_mps2=f64(
        "specific force below which a quiet vehicle is in free fall", default=0.02, lo=0.0, hi=1.0
    ),
)

INTAKE = record(
    "Intake",
    "Counters and arrival facts of the sensors.",
    dirty_k=i64("earliest grid point that a late range has made wrong"),
    anchor_t_ns=i64("start of the grid: nothing older can be fused"),
    newest_range_t_ns=i64("newest stamp of a range taken; -1 before the first"),
    verdicts=u32("samples per verdict since the start", len(VERDICT_NAMES)),
    imu_refused=u32("increments refused: out of order, not finite, marked invalid"),
    imu_gaps=u32("gaps bridged"),
    imu_saturated=u32("increments with a clipped axis"),
    valid_seen=u8("1 once a range called itself valid"),
    inhibited=u8("1 while the ground keeps ranges from being used"),
    spare=u8("zero", 6),
)


@kernel
def take_imu(intake, history, timebase, params, sample, quiet, outbox):
    """Append one increment to the ring, bridging a gap before it.

    quiet is 1 when neither engine nor thrusters can have acted during it.
    """
    dv = load3(sample.dv_B_mps)
    dtheta = load3(sample.dtheta_B_rad)
    t_ns = to_flight_ns(timebase, int(sample.t_ns))
    begin_ns = t_ns - int(sample.dt_ns)
    last_ns = newest_imu_ns(history, begin_ns)
    if not _plausible(sample, params, dv, dtheta) or t_ns <= last_ns:
        intake.imu_refused = int(intake.imu_refused) + 1
        return
    gap_s = float(begin_ns - last_ns) * 1e-9
    if int(history.imu_count) == 0:
        push_imu(history, begin_ns, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), FREE_FALL)
    elif gap_s > float(params.gap_min_s):
        _bridge(history, params, begin_ns, gap_s)
        intake.imu_gaps = int(intake.imu_gaps) + 1
        post_event(outbox, EV_IMU_GAP, gap_s, float(intake.imu_gaps))
    flags = 0
    dt = float(int(sample.dt_ns)) * 1e-9
    if quiet == 1 and norm3(dv) <= float(params.free_fall_max_mps2) * dt:
        flags = FREE_FALL
    if int(sample.saturated) == 1:
        flags = flags | CLIPPED
        if int(intake.imu_saturated) == 0:
            post_event(outbox, EV_IMU_SATURATED, 1.0, 0.0)
        intake.imu_saturated = int(intake.imu_saturated) + 1
    push_imu(history, t_ns, dv, dtheta, flags)


@kernel
def _plausible(sample, params, dv, dtheta):
    """Marked valid and of a sane size; a NaN or an infinity fails the comparison."""
    dv_max = float(params.dv_max_mps)
    dtheta_max = float(params.dtheta_max_rad)
    return (
        int(sample.valid) == 1
        and dot3(dv, dv) < dv_max * dv_max
        and dot3(dtheta, dtheta) < dtheta_max * dtheta_max
        and int(sample.dt_ns) > 0
    )


@kernel
def _bridge(history, params, begin_ns, gap_s):
    """Fill a gap with the last force and rate, as far as they can be trusted."""
    last = (int(history.imu_count) - 1) % IMU_SLOTS
    before = (int(history.imu_count) - 2) % IMU_SLOTS
    span_s = float(int(history.imu_t_ns[last]) - int(history.imu_t_ns[before])) * 1e-9
    share = 0.0
    if int(history.imu_count) > 1 and span_s > 0.0:
        share = min(gap_s, float(params.bridge_max_s)) / span_s
    dv = scale3(load3(history.imu_dv_B_mps[last]), share)
    dtheta = scale3(load3(history.imu_dtheta_B_rad[last]), share)
    push_imu(history, begin_ns, dv, dtheta, BRIDGED)


@kernel
def take_range(
    intake, history, params, sample, t_ns, trusted, now_ns, computed_k, cursor_k, outbox
):
    """Put one range into the ring, or refuse it with a verdict.

    t_ns is its stamp in flight time, trusted is 0 when that cannot be believed. computed_k is
    the newest grid point ever computed, cursor_k the one that the grid stands at: behind it, in
    a replay, there is nothing to redo.
    """
    verdict = PENDING
    range_m = float(sample.range_m)
    if int(sample.valid) != 1:
        verdict = INVALID
    elif not (float(params.range_min_m) <= range_m <= float(params.range_max_m)):
        verdict = OUT_OF_RANGE
    elif trusted == 0 or t_ns > now_ns + seconds_to_ns(float(params.future_s)):
        verdict = CLOCK_FAULT
    elif now_ns - t_ns > seconds_to_ns(float(params.reach_s)):
        verdict = TOO_OLD
    elif t_ns <= int(intake.anchor_t_ns):
        verdict = TOO_OLD
    elif int(intake.inhibited) == 1:
        verdict = INHIBITED
    if verdict == PENDING:
        verdict = _insert(intake, history, t_ns, range_m, int(sample.seq), computed_k, cursor_k)
        if int(intake.valid_seen) == 0:
            intake.valid_seen = 1
            post_event(outbox, EV_RANGE_FIRST_VALID, range_m, float(now_ns - t_ns) * 1e-9)
    intake.verdicts[verdict] = int(intake.verdicts[verdict]) + 1


@kernel
def _insert(intake, history, t_ns, range_m, seq, computed_k, cursor_k):
    """Sort a range into the ring; a late one marks the grid from its point on as wrong."""
    k = (t_ns + GRID_NS - 1) // GRID_NS
    late = 0
    if k <= computed_k:
        late = 1
    place = insert_range(history, t_ns, range_m, seq, late)
    if place == -1:
        return DUPLICATE
    if place == -2:
        return TOO_OLD
    if k <= cursor_k:
        intake.dirty_k = min(int(intake.dirty_k), k)
    intake.newest_range_t_ns = max(int(intake.newest_range_t_ns), t_ns)
    return PENDING
