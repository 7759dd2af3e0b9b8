"""IMU intake: from the instrument's integrals to increments between two samples that arrived.

The instrument sends its integrals since power-on, as Apollo's accelerometers did with their pulse
counters, and flight software takes differences: a lost sample loses no information, the next
increment covers a longer interval. Integrals wrap; a difference is right as long as it is below
half of what 32 bits count, 1,024 m/s and 16 rad.

The instrument counts its intervals, so elapsed time is known twice: by the count and by the
stamps. A clock that jumps is detected by comparing them and repaired, and the increment keeps its
length. A sample that contradicts its predecessor is refused; after several in a row the instrument
is taken to have restarted, and the gap is bridged with the last force and rate. An uncounted gap
is bridged too: an instrument that paused resumes its count where it stopped, but its samples
arrive too late to be of the time that the count implies.

Once the clock map includes the jump, stamps need no repair, and the repair is taken back.
"""

from typing import NamedTuple

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
from fsw.framework.record import U8_MAX, f64, i32, i64, record, u8, u16, u32
from fsw.intake.clock_sync import to_flight_ns
from fsw.interface.events import EventCode, post_event
from fsw.interface.messages import ANGLE_COUNT_RAD, VELOCITY_COUNT_MPS
from fsw.mathlib.units import seconds_to_ns
from fsw.mathlib.vectors import load3, norm3, scale3

# half of what the 16-bit count of intervals holds: beyond it the sample is older than the last
INTERVALS_MAX = 0x7FFF

# what the 32-bit integrals hold
ALL_32_BITS, HALF_OF_32_BITS = 0xFFFFFFFF, 0x80000000

INERTIAL_PARAMS = record(
    "InertialParams",
    "Limits on an inertial increment.",
    force_max_mps2=f64(
        "mean specific force beyond which an increment is refused", default=1e4, lo=1.0, hi=1e5
    ),
    rate_max_radps=f64(
        "mean rate beyond which an increment is refused", default=50.0, lo=0.1, hi=1e3
    ),
    stamp_tolerance_s=f64(
        "difference allowed between stamps and the count of intervals",
        default=0.025,
        lo=1e-4,
        hi=1e3,
    ),
    away_s=f64(
        "age at arrival beyond which a sample with a repaired stamp follows a pause",
        default=0.05,
        lo=1e-3,
        hi=1e3,
    ),
    refused_max=i64(
        "samples refused in a row after which the instrument is taken to have restarted",
        default=5,
        lo=1,
        hi=255,
    ),
    bridge_max_s=f64(
        "time for which the last force and rate bridge a gap; then commanded thrust does",
        default=1.0,
        lo=0.0,
        hi=10.0,
    ),
    free_fall_max_mps2=f64(
        "specific force below which an unpowered vehicle is in free fall",
        default=0.02,
        lo=0.0,
        hi=1.0,
    ),
    zero_samples=i64(
        "increments in a row with a velocity of exactly zero, without noise, that forbid a descent;"
        " 0 to accept zeros",
        default=500,
        lo=0,
        hi=1_000_000,
    ),
)

INERTIAL = record(
    "Inertial",
    "Integrals of the newest sample taken, and counts of samples.",
    t_ns=i64("end of the newest sample taken, flight clock"),
    stamp_ns=i64("its stamp, clock repaired"),
    shift_ns=i64("repair added to stamps after the instrument's clock has jumped"),
    delta_v_mps=f64("delta-v in the increments of this tick"),
    zeros=i64("increments in a row whose velocity was exactly zero"),
    velocity_B=i32("integrals of the newest sample taken, in counts", 3),
    angle_B=i32("integrals of the newest sample taken, in counts", 3),
    refused=u32("samples refused: not new, marked invalid, or beyond the limits"),
    gaps=u32("increments over more than one interval"),
    saturated=u32("increments with a clipped axis"),
    seq=u16("count of the newest sample taken"),
    refused_in_a_row=u8("samples refused since the newest one taken"),
    begun=u8("1 once a sample was taken"),
)


class Increment(NamedTuple):
    """Differences between a sample and the newest one taken: intervals, delta-v and angle."""

    intervals: int
    elapsed_s: float
    dv_B_mps: tuple[float, float, float]
    dtheta_B_rad: tuple[float, float, float]


class SampleTime(NamedTuple):
    """Time of a sample: flight clock, stamp after repair, and the repair that this takes."""

    t_ns: int
    stamp_ns: int
    shift_ns: int


@kernel
def take_imu(nav, history, params, sample, tick, outbox):
    """Append to the ring the increment since the last sample; tick as in fsw.interface.timing."""
    inertial = nav.inertial
    if int(sample.valid) != 1 or int(sample.dt_ns) <= 0:
        inertial.refused = int(inertial.refused) + 1
    elif int(history.imu_count) == 0:
        _begin(nav, history, params, sample, tick)
    elif int(inertial.refused_in_a_row) >= int(params.refused_max):
        _restart(nav, history, params, sample, tick, outbox)
    else:
        _take_next(nav, history, params, sample, tick, outbox)


@kernel
def _keep(inertial, sample, stamp_ns, t_ns):
    """Keep the sample's integrals as the reference for the next one."""
    inertial.t_ns = t_ns
    inertial.stamp_ns = stamp_ns
    for i in range(3):
        inertial.velocity_B[i] = sample.velocity_B[i]
        inertial.angle_B[i] = sample.angle_B[i]
    inertial.seq = sample.seq
    inertial.begun = 1
    inertial.refused_in_a_row = 0


@kernel
def _begin(nav, history, params, sample, tick):
    """The first sample gives the reference integrals and no increment."""
    inertial = nav.inertial
    stamp_ns = int(sample.t_ns) + int(inertial.shift_ns)
    t_ns = to_flight_ns(nav.timebase, stamp_ns)
    ahead_ns = t_ns - tick.now_ns
    unmapped = int(nav.timebase.count) == 0 and tick.punctual
    old = unmapped and -ahead_ns > seconds_to_ns(float(params.away_s))
    if old or ahead_ns > seconds_to_ns(float(params.stamp_tolerance_s)):
        t_ns, stamp_ns = _shift_to(inertial, nav.timebase, sample, tick.now_ns)
    push_imu(history, t_ns, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), FREE_FALL)
    _keep(inertial, sample, stamp_ns, t_ns)


@kernel
def _shift_to(inertial, timebase, sample, at_ns):
    """(time, repaired stamp) of a sample of an unknown clock, which is taken to be of at_ns."""
    stamp_ns = int(sample.t_ns)
    inertial.shift_ns = at_ns - to_flight_ns(timebase, stamp_ns)
    return (at_ns, stamp_ns + int(inertial.shift_ns))


@kernel
def _restart(nav, history, params, sample, tick, outbox):
    """Bridge the gap to a sample whose integrals do not continue the last ones."""
    inertial = nav.inertial
    inertial.shift_ns = 0
    stamp_ns = int(sample.t_ns)
    t_ns = to_flight_ns(nav.timebase, stamp_ns)
    last_ns = newest_imu_ns(history, t_ns)
    ahead_ns = t_ns - tick.now_ns
    if t_ns <= last_ns or ahead_ns > seconds_to_ns(float(params.stamp_tolerance_s)):
        at_ns = max(tick.now_ns, last_ns + int(sample.dt_ns))
        t_ns, stamp_ns = _shift_to(inertial, nav.timebase, sample, at_ns)
    gap_s = float(t_ns - last_ns) * 1e-9
    _bridge(history, params, t_ns, gap_s, tick.thrust_accel_mps2)
    post_event(outbox, EventCode.IMU_RESTARTED, gap_s, float(inertial.refused))
    _keep(inertial, sample, stamp_ns, t_ns)


@kernel
def imu_clock_stepped(inertial, step_ns):
    """The clock map now includes a step of step_ns: the repair for it is taken back."""
    inertial.stamp_ns = int(inertial.stamp_ns) + step_ns
    inertial.shift_ns = 0


@kernel
def imu_clock_mapped(inertial):
    """The first clock map: the repair that replaced it is taken back."""
    inertial.stamp_ns = int(inertial.stamp_ns) - int(inertial.shift_ns)
    inertial.shift_ns = 0


@kernel
def _take_next(nav, history, params, sample, tick, outbox):
    """Append the increment between the last sample and this one, or refuse the sample."""
    inertial = nav.inertial
    increment = _increment(inertial, sample)
    time = _sample_time(nav, params, sample, increment.intervals * int(sample.dt_ns))
    jumped = time.shift_ns != int(inertial.shift_ns)
    if _contradicts(inertial, params, increment, jumped) or time.t_ns <= newest_imu_ns(
        history, time.t_ns
    ):
        inertial.refused = int(inertial.refused) + 1
        inertial.refused_in_a_row = min(int(inertial.refused_in_a_row) + 1, U8_MAX)
        return
    paused = tick.now_ns - time.t_ns > seconds_to_ns(float(params.away_s))
    if jumped and tick.punctual and paused:
        _restart(nav, history, params, sample, tick, outbox)
        return
    if jumped:
        inertial.shift_ns = time.shift_ns
        repaired_s = float(time.shift_ns) * 1e-9
        post_event(outbox, EventCode.IMU_CLOCK_REPAIRED, repaired_s, increment.elapsed_s)
    flags = _flags(inertial, params, sample, increment, tick.unpowered, outbox)
    _keep(inertial, sample, time.stamp_ns, time.t_ns)
    _count_zeros(inertial, params, increment.dv_B_mps, outbox)
    dv = increment.dv_B_mps
    zeros_refused = int(inertial.zeros) > 0 and int(params.zero_samples) > 0
    if zeros_refused and tick.thrust_accel_mps2 > 0.0:
        # exactly zero under a burning engine is no measurement: commanded thrust is nearer
        dv = (0.0, 0.0, tick.thrust_accel_mps2 * increment.elapsed_s)
        flags = flags | BRIDGED
    push_imu(history, time.t_ns, dv, increment.dtheta_B_rad, flags)
    inertial.delta_v_mps = float(inertial.delta_v_mps) + norm3(dv)


@kernel
def _increment(inertial, sample):
    """Differences between this sample and the newest one taken."""
    intervals = (int(sample.seq) - int(inertial.seq)) & 0xFFFF
    return Increment(
        intervals,
        float(intervals * int(sample.dt_ns)) * 1e-9,
        _difference(sample.velocity_B, inertial.velocity_B, VELOCITY_COUNT_MPS),
        _difference(sample.angle_B, inertial.angle_B, ANGLE_COUNT_RAD),
    )


@kernel
def _sample_time(nav, params, sample, elapsed_ns):
    """Time of a sample; a stamp that contradicts the count of intervals is moved to the count."""
    inertial = nav.inertial
    shift_ns = int(inertial.shift_ns)
    stamp_ns = int(sample.t_ns) + shift_ns
    off_ns = stamp_ns - (int(inertial.stamp_ns) + elapsed_ns)
    if abs(off_ns) > seconds_to_ns(float(params.stamp_tolerance_s)):
        shift_ns = shift_ns - off_ns
        stamp_ns = stamp_ns - off_ns
    return SampleTime(to_flight_ns(nav.timebase, stamp_ns), stamp_ns, shift_ns)


@kernel
def _contradicts(inertial, params, increment, jumped):
    """True for a sample that cannot follow the last one: count, or mean force or rate."""
    return (
        increment.intervals == 0
        or increment.intervals > INTERVALS_MAX
        or (jumped and int(inertial.refused_in_a_row) > 0)
        or norm3(increment.dv_B_mps) > float(params.force_max_mps2) * increment.elapsed_s
        or norm3(increment.dtheta_B_rad) > float(params.rate_max_radps) * increment.elapsed_s
    )


@kernel
def _difference(now, before, count):
    """Difference of two integrals of 32 bits that wrap, times the value of a count."""
    return (
        float(_wrapped(int(now[0]) - int(before[0]))) * count,
        float(_wrapped(int(now[1]) - int(before[1]))) * count,
        float(_wrapped(int(now[2]) - int(before[2]))) * count,
    )


@kernel
def _wrapped(counts):
    """A difference of counts as a signed number of 32 bits."""
    return ((counts + HALF_OF_32_BITS) & ALL_32_BITS) - HALF_OF_32_BITS


@kernel
def _flags(inertial, params, sample, increment, unpowered, outbox):
    """Flags of the increment for the ring; reports gaps and clipped axes."""
    flags = 0
    dv_mps = norm3(increment.dv_B_mps)
    if increment.intervals > 1:
        flags = SUMMED
        inertial.gaps = int(inertial.gaps) + 1
        missed_s = increment.elapsed_s - float(int(sample.dt_ns)) * 1e-9
        post_event(outbox, EventCode.IMU_GAP, missed_s, float(inertial.gaps))
    elif unpowered and dv_mps <= float(params.free_fall_max_mps2) * increment.elapsed_s:
        flags = FREE_FALL
    if int(sample.saturated) == 1:
        flags = flags | CLIPPED
        if int(inertial.saturated) == 0:
            post_event(outbox, EventCode.IMU_SATURATED, 1.0, 0.0)
        inertial.saturated = int(inertial.saturated) + 1
    return flags


@kernel
def _count_zeros(inertial, params, dv, outbox):
    """Count increments without any velocity: even free fall leaves bias and noise in them.

    Luna-25 (2023) overburnt because accelerometers that were never switched on read zero, which
    looks like a reading.
    """
    if dv[0] != 0.0 or dv[1] != 0.0 or dv[2] != 0.0:
        inertial.zeros = 0
        return
    inertial.zeros = int(inertial.zeros) + 1
    if int(inertial.zeros) == int(params.zero_samples):
        post_event(outbox, EventCode.IMU_ZERO, float(int(inertial.zeros)), 0.0)


@kernel
def _bridge(history, params, end_ns, gap_s, thrust_accel_mps2):
    """Fill a gap up to end_ns with the last force and rate, for up to bridge_max_s.

    Beyond that the engine is taken to give the commanded thrust, and the vehicle not to turn.
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
