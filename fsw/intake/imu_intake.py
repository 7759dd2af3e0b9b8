"""From inertial sums to increments: what was gained between two samples that arrived.

The instrument tells its sums since it was switched on, as Apollo's accelerometers did with their
pulse counters, and flight software takes differences: what a lost sample told, the next one tells
too, over a longer interval. Sums wrap; a difference is right as long as it is below half of what
32 bits count, 1,024 m/s and 16 rad.

The instrument counts its intervals, so how much time has passed is known twice: by the count and
by the stamps. A clock that jumps is found by that and put right, and the increment keeps its
length. A sample that contradicts its predecessor is refused; when several in a row do so, the
instrument has begun anew, and the hole is bridged with the last force and rate. So is one that it
did not count: an instrument that was away goes on counting where it stopped, but its samples arrive
too late to be of the time that the count says.

Once the clock map holds the jump, stamps are right as they are, and the repair is taken back.
"""

from fsw.filter.buffers import (
    BRIDGED,
    CLIPPED,
    FREE_FALL,
    IMU_SLOTS,
    SUMMED,
    newest_imu_ns,
    push_imu,
)
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i32, i64, record, u8, u16, u32
from fsw.intake.clock_sync import to_flight_ns
from fsw.interface.events import EventCode, post_event
from fsw.interface.messages import ANGLE_COUNT_RAD, VELOCITY_COUNT_MPS
from fsw.mathlib.units import seconds_to_ns
from fsw.mathlib.vectors import load3, norm3, scale3

INERTIAL_PARAMS = record(
    "InertialParams",
    "What an inertial increment must look like.",
    force_max_mps2=f64(
        "mean specific force beyond which an increment is refused", default=1e4, lo=1.0, hi=1e5
    ),
    rate_max_radps=f64(
        "mean rate beyond which an increment is refused", default=50.0, lo=0.1, hi=1e3
    ),
    stamp_tolerance_s=f64(
        "stamps may be off by this from the count of intervals", default=0.025, lo=1e-4, hi=1e3
    ),
    away_s=f64(
        "a sample whose stamp was repaired arrives within this, or the instrument was away",
        default=0.05,
        lo=1e-3,
        hi=1e3,
    ),
    refused_max=i64(
        "samples refused in a row after which the instrument is taken to have begun anew",
        default=5,
        lo=1,
        hi=255,
    ),
    bridge_max_s=f64(
        "the last force and rate are trusted for this long across a hole; then what was commanded",
        default=1.0,
        lo=0.0,
        hi=10.0,
    ),
    free_fall_max_mps2=f64(
        "specific force below which a quiet vehicle is in free fall", default=0.02, lo=0.0, hi=1.0
    ),
    zero_samples=i64(
        "increments in a row whose velocity is exactly zero, not even noise, that forbid a descent;"
        " 0: zeros are believed",
        default=500,
        lo=0,
        hi=1_000_000,
    ),
)

INERTIAL = record(
    "Inertial",
    "Where the sums stood, and what became of the samples.",
    t_ns=i64("end of the newest sample taken, flight clock"),
    stamp_ns=i64("its stamp, clock repaired"),
    shift_ns=i64("added to stamps, because the instrument's clock has jumped"),
    delta_v_mps=f64("velocity gained in the increments of this tick"),
    zeros=i64("increments in a row whose velocity was exactly zero"),
    velocity_B=i32("sums of the newest sample taken, in counts", 3),
    angle_B=i32("sums of the newest sample taken, in counts", 3),
    refused=u32("samples refused: not new, marked invalid, or beyond what can be"),
    gaps=u32("increments over more than one interval"),
    saturated=u32("increments with a clipped axis"),
    seq=u16("count of the newest sample taken"),
    refused_in_a_row=u8("samples that contradicted the newest one taken, since then"),
    begun=u8("1 once a sample was taken"),
)


@kernel
def take_imu(
    inertial, history, timebase, params, sample, now_ns, punctual, quiet, thrust_accel_mps2, outbox
):
    """Append to the ring what was gained since the last sample.

    punctual is 1 when the sample has come since the last tick, 0 when it may have waited for long;
    quiet is 1 when neither engine nor thrusters can have acted in the latest intervals;
    thrust_accel_mps2 is the specific force along z_B that the engine should have given in them.
    """
    if int(sample.valid) != 1 or int(sample.dt_ns) <= 0:
        inertial.refused = int(inertial.refused) + 1
    elif int(history.imu_count) == 0:
        _begin(inertial, history, timebase, params, sample, now_ns, punctual)
    elif int(inertial.refused_in_a_row) >= int(params.refused_max):
        _begin_anew(inertial, history, timebase, params, sample, now_ns, thrust_accel_mps2, outbox)
    else:
        _take_next(
            inertial,
            history,
            timebase,
            params,
            sample,
            now_ns,
            punctual,
            quiet,
            thrust_accel_mps2,
            outbox,
        )


@kernel
def _keep(inertial, sample, stamp_ns, t_ns):
    """The sums of this sample are what the next one is held against."""
    inertial.t_ns = t_ns
    inertial.stamp_ns = stamp_ns
    for i in range(3):
        inertial.velocity_B[i] = sample.velocity_B[i]
        inertial.angle_B[i] = sample.angle_B[i]
    inertial.seq = sample.seq
    inertial.begun = 1
    inertial.refused_in_a_row = 0


@kernel
def _begin(inertial, history, timebase, params, sample, now_ns, punctual):
    """The first sample only tells where the sums stand."""
    stamp_ns = int(sample.t_ns) + int(inertial.shift_ns)
    t_ns = to_flight_ns(timebase, stamp_ns)
    ahead_ns = t_ns - now_ns
    unknown = int(timebase.count) == 0 and punctual == 1
    old = unknown and -ahead_ns > seconds_to_ns(float(params.away_s))
    if old or ahead_ns > seconds_to_ns(float(params.stamp_tolerance_s)):
        t_ns, stamp_ns = _of_now(inertial, timebase, sample, now_ns)
    push_imu(history, t_ns, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), FREE_FALL)
    _keep(inertial, sample, stamp_ns, t_ns)


@kernel
def _of_now(inertial, timebase, sample, now_ns):
    """(time, stamp as repaired) of a sample that nobody knows the clock of: it is of now."""
    stamp_ns = int(sample.t_ns)
    inertial.shift_ns = now_ns - to_flight_ns(timebase, stamp_ns)
    return (now_ns, stamp_ns + int(inertial.shift_ns))


@kernel
def _begin_anew(inertial, history, timebase, params, sample, now_ns, thrust_accel_mps2, outbox):
    """Bridge to a sample whose sums have nothing to do with the last ones."""
    inertial.shift_ns = 0
    stamp_ns = int(sample.t_ns)
    t_ns = to_flight_ns(timebase, stamp_ns)
    last_ns = newest_imu_ns(history, t_ns)
    ahead_ns = t_ns - now_ns
    if t_ns <= last_ns or ahead_ns > seconds_to_ns(float(params.stamp_tolerance_s)):
        at_ns = max(now_ns, last_ns + int(sample.dt_ns))
        t_ns, stamp_ns = _of_now(inertial, timebase, sample, at_ns)
    _bridge(history, params, t_ns, float(t_ns - last_ns) * 1e-9, thrust_accel_mps2)
    post_event(
        outbox, EventCode.IMU_RESTARTED, float(t_ns - last_ns) * 1e-9, float(inertial.refused)
    )
    _keep(inertial, sample, stamp_ns, t_ns)


@kernel
def imu_clock_stepped(inertial, step_ns):
    """The map has come to hold that step_ns was added to the clock: no repair is due for it."""
    inertial.stamp_ns = int(inertial.stamp_ns) + step_ns
    inertial.shift_ns = 0


@kernel
def imu_clock_mapped(inertial):
    """There is a clock map at last: what stood in for one is taken back."""
    inertial.stamp_ns = int(inertial.stamp_ns) - int(inertial.shift_ns)
    inertial.shift_ns = 0


@kernel
def _take_next(
    inertial, history, timebase, params, sample, now_ns, punctual, quiet, thrust_accel_mps2, outbox
):
    """The increment between the last sample and this one."""
    intervals = (int(sample.seq) - int(inertial.seq)) & 0xFFFF
    elapsed_ns = intervals * int(sample.dt_ns)
    elapsed_s = float(elapsed_ns) * 1e-9
    dv = _gained(sample.velocity_B, inertial.velocity_B, VELOCITY_COUNT_MPS)
    dtheta = _gained(sample.angle_B, inertial.angle_B, ANGLE_COUNT_RAD)
    shift_ns = int(inertial.shift_ns)
    stamp_ns = int(sample.t_ns) + shift_ns
    off_ns = stamp_ns - (int(inertial.stamp_ns) + elapsed_ns)
    jumped = abs(off_ns) > seconds_to_ns(float(params.stamp_tolerance_s))
    if jumped:
        shift_ns = shift_ns - off_ns
        stamp_ns = stamp_ns - off_ns
    t_ns = to_flight_ns(timebase, stamp_ns)
    if (
        intervals == 0
        or intervals > 0x7FFF
        or (jumped and int(inertial.refused_in_a_row) > 0)
        or t_ns <= newest_imu_ns(history, t_ns)
        or norm3(dv) > float(params.force_max_mps2) * elapsed_s
        or norm3(dtheta) > float(params.rate_max_radps) * elapsed_s
    ):
        inertial.refused = int(inertial.refused) + 1
        inertial.refused_in_a_row = min(int(inertial.refused_in_a_row) + 1, 255)
        return
    if jumped and punctual == 1 and now_ns - t_ns > seconds_to_ns(float(params.away_s)):
        _begin_anew(inertial, history, timebase, params, sample, now_ns, thrust_accel_mps2, outbox)
        return
    if jumped:
        inertial.shift_ns = shift_ns
        post_event(outbox, EventCode.IMU_CLOCK_REPAIRED, float(shift_ns) * 1e-9, elapsed_s)
    flags = _flags(inertial, params, sample, dv, elapsed_s, intervals, quiet, outbox)
    _keep(inertial, sample, stamp_ns, t_ns)
    _watch_zeros(inertial, params, dv, outbox)
    if int(inertial.zeros) > 0 and int(params.zero_samples) > 0 and thrust_accel_mps2 > 0.0:
        # exactly nothing under a burning engine is no measurement: what was commanded tells more
        dv = (0.0, 0.0, thrust_accel_mps2 * elapsed_s)
        flags = flags | BRIDGED
    push_imu(history, t_ns, dv, dtheta, flags)
    inertial.delta_v_mps = float(inertial.delta_v_mps) + norm3(dv)


@kernel
def _gained(now, before, worth):
    """Difference of two sums of 32 bits that wrap, times what a count is worth."""
    return (
        float(_wrapped(int(now[0]) - int(before[0]))) * worth,
        float(_wrapped(int(now[1]) - int(before[1]))) * worth,
        float(_wrapped(int(now[2]) - int(before[2]))) * worth,
    )


@kernel
def _wrapped(counts):
    return ((counts + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@kernel
def _flags(inertial, params, sample, dv, elapsed_s, intervals, quiet, outbox):
    """What the increment is, besides its size; reports what it has to."""
    flags = 0
    if intervals > 1:
        flags = SUMMED
        inertial.gaps = int(inertial.gaps) + 1
        missed_s = elapsed_s - float(int(sample.dt_ns)) * 1e-9
        post_event(outbox, EventCode.IMU_GAP, missed_s, float(inertial.gaps))
    elif quiet == 1 and norm3(dv) <= float(params.free_fall_max_mps2) * elapsed_s:
        flags = FREE_FALL
    if int(sample.saturated) == 1:
        flags = flags | CLIPPED
        if int(inertial.saturated) == 0:
            post_event(outbox, EventCode.IMU_SATURATED, 1.0, 0.0)
        inertial.saturated = int(inertial.saturated) + 1
    return flags


@kernel
def _watch_zeros(inertial, params, dv, outbox):
    """Count increments without any velocity: even free fall leaves bias and noise in them.

    Luna-25 (2023) burnt past its mark because accelerometers that were never switched on read
    zero, which looks like a reading.
    """
    if dv[0] != 0.0 or dv[1] != 0.0 or dv[2] != 0.0:
        inertial.zeros = 0
        return
    inertial.zeros = int(inertial.zeros) + 1
    if int(inertial.zeros) == int(params.zero_samples):
        post_event(outbox, EventCode.IMU_ZERO, float(int(inertial.zeros)), 0.0)


@kernel
def _bridge(history, params, end_ns, gap_s, thrust_accel_mps2):
    """Fill a hole up to end_ns with the last force and rate, as far as they can be trusted.

    Beyond that the engine has pushed as it was told, and the vehicle does not turn.
    """
    last = (int(history.imu_count) - 1) % IMU_SLOTS
    before = (int(history.imu_count) - 2) % IMU_SLOTS
    share = 0.0
    trusted_s = min(gap_s, float(params.bridge_max_s))
    if int(history.imu_count) > 1:
        span_s = float(int(history.imu_t_ns[last]) - int(history.imu_t_ns[before])) * 1e-9
        if span_s > 0.0:
            share = trusted_s / span_s
    dv = scale3(load3(history.imu_dv_B_mps[last]), share)
    dv = (dv[0], dv[1], dv[2] + (gap_s - trusted_s) * thrust_accel_mps2)
    dtheta = scale3(load3(history.imu_dtheta_B_rad[last]), share)
    push_imu(history, end_ns, dv, dtheta, BRIDGED)
