"""Grid filter: covariance and fusion on a fixed grid, every 100 ms of stamp time.

Between grid points the increments move only the nominal state. A range is fused at the first
grid point at or after its stamp, against the nominal state at the stamp itself, with its row
of H carried back. Everything here is a function of stamps: the increments, the set of ranges
and the start determine every bit, for every order of arrival. So a late range is exactly as good
as a punctual one: restore the checkpoint before it, and redo the grid.
"""

from typing import NamedTuple

from fsw.filter.buffers import (
    BRIDGED,
    CLIPPED,
    FREE_FALL,
    GRID_NS,
    IMU_SLOTS,
    SUMMED,
    first_range_after,
)
from fsw.filter.covariance import (
    BA0,
    BG0,
    CA0,
    CG0,
    HT,
    N_ALL,
    N_STATES,
    R0,
    TH0,
    V0,
    Step,
    add_noise,
    fuse,
    propagate,
)
from fsw.filter.imu_increments import increment_share, increment_until
from fsw.filter.range_gate import RANGE_TRUST
from fsw.filter.range_update import fuse_ranges, mark_excess_samples, predict_until
from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.filter.terrain_hypotheses import (
    check_against_contact,
    monitor_raised_altitude,
    move_hypotheses,
)
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.mathlib.vectors import (
    add3,
    load3,
    load4,
    quat_mul,
    quat_of_rotation,
    quat_unit,
    scale3,
    store3,
    store4,
    unit3,
)
from fsw.models.gravity import tidal_tensor_scale

MAX_INCREMENTS = 64
"""Increments that one grid step may hold: 400 Hz and as many bridged gaps fit."""

# over several intervals only the sum of force is known: share of a bridged gap's uncertainty
SUMMED_SHARE = 0.05

FILTER_PARAMS = record(
    "FilterParams",
    "Noise that the navigation filter expects.",
    accel_noise_mps2=f64(
        "accelerometer white noise, per root hertz", default=9.80665e-5, lo=0.0, hi=1.0
    ),
    gyro_noise_radps=f64(
        "gyroscope angle random walk, per root hertz", default=5.8178e-7, lo=0.0, hi=1.0
    ),
    accel_bias_sigma_mps2=f64("accelerometer bias at the start", default=4.903e-5, lo=0.0, hi=1.0),
    gyro_bias_sigma_radps=f64("gyroscope bias at the start", default=2.4241e-8, lo=0.0, hi=1.0),
    misalignment_sigma_rad=f64(
        "misalignment of either instrument, considered", default=4.8481e-5, lo=0.0, hi=1.0
    ),
    scale_sigma=f64("scale error of either instrument, considered", default=3.0e-5, lo=0.0, hi=1.0),
    gap_accel_sigma_mps2=f64(
        "specific force unknown in a bridged gap", default=1.0, lo=0.0, hi=100.0
    ),
    gap_rate_sigma_radps=f64(
        "angular rate unknown in a bridged gap", default=0.01, lo=0.0, hi=10.0
    ),
    slope_length_m=f64(
        "distance over which the slope of the ground persists", default=30.0, lo=0.1, hi=1e5
    ),
    free_fall_s=f64(
        "free fall averaged for one accelerometer calibration",
        default=1.0,
        lo=0.1,
        hi=100.0,
    ),
)

GRID = record(
    "Grid",
    "The filter at its latest grid point.",
    k=i64("index of the grid point: its time over 100 ms"),
    imu_next=i64("count of the first increment that ends after it"),
    nominal=NOMINAL("estimate"),
    trust=RANGE_TRUST("range trust"),
    footprint_F_m=f64("point last hit by the beam, Moon-fixed; zero before the first", 3),
    free_fall_dv_B_mps=f64("velocity gained in free fall since the last calibration", 3),
    free_fall_s=f64("time of that"),
    P=f64("covariance of the error, states and considered parameters", (N_ALL, N_ALL)),
)


class Sigmas(NamedTuple):
    """Standard deviations of a state from outside: position, velocity, attitude."""

    radial_m: float
    horizontal_m: float
    velocity_mps: float
    attitude_rad: float


class Motion(NamedTuple):
    """What moved the nominal state over one grid step.

    dv_I_mps: delta-v of specific force, inertial; dv_z_B_mps: its part along z_B. dtheta_y_B_rad:
    angle about y_B. forced_s: time under force. gap_s2: sum of the squared lengths of bridged
    gaps. clipped_s: time with a clipped axis.
    """

    dv_I_mps: tuple[float, float, float]
    dv_z_B_mps: float
    dtheta_y_B_rad: float
    forced_s: float
    gap_s2: float
    clipped_s: float


@kernel
def anchor(grid, k, nominal, sigmas, params, site):
    """Begin a new grid at point k: state from outside, covariance from its sigmas.

    Biases keep what has been learnt about them; all correlations are dropped. Writes biases and
    terrain of `nominal` too, which the grid then copies.
    """
    first = int(grid.k) < 0
    for i in range(N_ALL):
        for j in range(N_ALL):
            if i != j or i < BG0 or first:
                grid.P[i, j] = 0.0
    _spread_position(grid.P, unit3(load3(nominal.r_BM_I_m)), sigmas.radial_m, sigmas.horizontal_m)
    add_noise(grid.P, V0, sigmas.velocity_mps * sigmas.velocity_mps)
    add_noise(grid.P, TH0, sigmas.attitude_rad * sigmas.attitude_rad)
    if first:
        _begin_biases(grid.P, params, site)
        nominal.terrain_m = site.height_m
    else:
        store3(nominal.gyro_bias_B_radps, load3(grid.nominal.gyro_bias_B_radps))
        store3(nominal.accel_bias_B_mps2, load3(grid.nominal.accel_bias_B_mps2))
        nominal.terrain_m = grid.nominal.terrain_m
    grid.nominal = nominal
    grid.k = k
    grid.trust.last_fused_t_ns = -1
    grid.trust.lock_count = 0
    grid.trust.locked = 0
    grid.trust.candidate_samples = 0
    grid.trust.alternate_since_ns = -1
    store3(grid.footprint_F_m, (0.0, 0.0, 0.0))
    store3(grid.free_fall_dv_B_mps, (0.0, 0.0, 0.0))
    grid.free_fall_s = 0.0


@kernel
def _spread_position(P, up, radial_m, horizontal_m):
    """Add position variance, apart along and across a unit vector up."""
    for i in range(3):
        P[R0 + i, R0 + i] += horizontal_m * horizontal_m
        for j in range(3):
            P[R0 + i, R0 + j] += (radial_m * radial_m - horizontal_m * horizontal_m) * up[i] * up[j]


@kernel
def _begin_biases(P, params, site):
    """Variances of biases, considered parameters and terrain at the start."""
    add_noise(P, BG0, float(params.gyro_bias_sigma_radps) * float(params.gyro_bias_sigma_radps))
    add_noise(P, BA0, float(params.accel_bias_sigma_mps2) * float(params.accel_bias_sigma_mps2))
    tilt2 = float(params.misalignment_sigma_rad) * float(params.misalignment_sigma_rad)
    scale2 = float(params.scale_sigma) * float(params.scale_sigma)
    add_noise(P, CA0, tilt2)
    add_noise(P, CG0, tilt2)
    P[CA0 + 2, CA0 + 2] = scale2
    P[CG0 + 1, CG0 + 1] = scale2
    P[HT, HT] = float(site.height_sigma_m) * float(site.height_sigma_m)


@kernel
def grid_step(grid, history, params, counts):
    """Advance the filter by one grid point; the increments up to it are in the ring.

    params: all parameters; counts: samples per verdict. Returns how many ranges were fused.
    """
    t0_ns = int(grid.nominal.t_ns)
    t1_ns = (int(grid.k) + 1) * GRID_NS
    tide, was_up = tidal_tensor_scale(params.moon, load3(grid.nominal.r_BM_I_m))
    q_IB = load4(grid.nominal.q_IB)
    motion = _move_nominal(grid, history, params, t1_ns)
    dt = float(t1_ns - t0_ns) * 1e-9
    step = Step(
        dt,
        motion.forced_s,
        motion.dv_z_B_mps,
        motion.dtheta_y_B_rad,
        tide,
        was_up,
        motion.dv_I_mps,
    )
    propagate(grid.P, q_IB, step)
    _add_process_noise(grid.P, params.navigation.filter, motion, dt)
    for i in range(N_STATES):
        history.dx[i] = 0.0
    up = unit3(load3(grid.nominal.r_BM_I_m))
    fused = fuse_ranges(grid, history, params, up, counts)
    mark_excess_samples(history, t0_ns, t1_ns, counts)
    check_against_contact(grid, history, params, up)
    _calibrate_in_free_fall(grid, history, params.navigation.filter)
    move_hypotheses(grid, history.dx, up)
    _inject(grid.nominal, history.dx)
    monitor_raised_altitude(grid, params.navigation.trust, up)
    grid.k = int(grid.k) + 1
    return fused


@kernel
def _move_nominal(grid, history, params, t1_ns):
    """Propagate the nominal state to the grid point, predicting each range at its stamp."""
    nominal = grid.nominal
    first = first_range_after(history, int(nominal.t_ns))
    history.grid_predictions = 0
    total = (0.0, 0.0, 0.0)
    dv_z = 0.0
    dth_y = 0.0
    forced_s = 0.0
    gap2 = 0.0
    clipped_s = 0.0
    j = int(grid.imu_next)
    for _ in range(MAX_INCREMENTS):
        if int(nominal.t_ns) < t1_ns and j < int(history.imu_count):
            end_ns = int(history.imu_t_ns[j % IMU_SLOTS])
            stop_ns = min(end_ns, t1_ns)
            dt = float(stop_ns - int(nominal.t_ns)) * 1e-9
            if dt > 0.0:
                first = predict_until(history, grid, params, j, stop_ns, first)
                dv, dth = increment_until(history, j, nominal, stop_ns)
                flags = int(history.imu_flags[j % IMU_SLOTS])
                if flags & FREE_FALL:
                    _accumulate_free_fall(grid, history, j, stop_ns, dt)
                else:
                    forced_s = forced_s + dt
                    grid.free_fall_s = 0.0
                if flags & BRIDGED:
                    gap2 = gap2 + dt * dt
                elif flags & SUMMED:
                    gap2 = gap2 + SUMMED_SHARE * SUMMED_SHARE * dt * dt
                if flags & CLIPPED:
                    clipped_s = clipped_s + dt
                total = add3(total, strapdown(nominal, params.moon, stop_ns, dv, dth))
                dv_z = dv_z + dv[2]
                dth_y = dth_y + dth[1]
            if end_ns <= t1_ns:
                j = j + 1
    grid.imu_next = j
    return Motion(total, dv_z, dth_y, forced_s, gap2, clipped_s)


@kernel
def _accumulate_free_fall(grid, history, j, stop_ns, dt):
    """Sum the accelerometers' raw output in free fall, which is their bias."""
    if float(grid.free_fall_s) == 0.0:
        store3(grid.free_fall_dv_B_mps, (0.0, 0.0, 0.0))
    share = increment_share(history, j, int(grid.nominal.t_ns), stop_ns)
    measured = scale3(load3(history.imu_dv_B_mps[j % IMU_SLOTS]), share)
    store3(grid.free_fall_dv_B_mps, add3(load3(grid.free_fall_dv_B_mps), measured))
    grid.free_fall_s = float(grid.free_fall_s) + dt


@kernel
def _add_process_noise(P, params, motion, dt_s):
    """White noise of the instruments, and the unknown force and rate in gaps and clipped time."""
    accel = float(params.accel_noise_mps2)
    gyro = float(params.gyro_noise_radps)
    gap_accel = float(params.gap_accel_sigma_mps2)
    gap_rate = float(params.gap_rate_sigma_radps)
    unknown_s2 = motion.gap_s2 + motion.clipped_s * motion.clipped_s
    add_noise(P, V0, accel * accel * motion.forced_s + gap_accel * gap_accel * unknown_s2)
    add_noise(P, TH0, gyro * gyro * dt_s + gap_rate * gap_rate * unknown_s2)


@kernel
def _calibrate_in_free_fall(grid, history, params):
    """Fuse the mean output of the accelerometers in free fall as a measurement of their bias."""
    averaged_s = float(grid.free_fall_s)
    if averaged_s < float(params.free_fall_s):
        return
    noise = float(params.accel_noise_mps2)
    R = noise * noise / averaged_s
    measured = scale3(load3(grid.free_fall_dv_B_mps), 1.0 / averaged_s)
    for axis in range(3):
        row = BA0 + axis
        for i in range(N_ALL):
            history.PHt[i] = grid.P[i, row]
        innovation = measured[axis] - grid.nominal.accel_bias_B_mps2[axis] - history.dx[row]
        fuse(grid.P, history.dx, history.PHt, history.PHt[row] + R, innovation)
    grid.free_fall_s = 0.0


@kernel
def _inject(nominal, dx):
    """Move the nominal state by the error estimate."""
    for i in range(3):
        nominal.r_BM_I_m[i] += dx[R0 + i]
        nominal.v_BM_I_mps[i] += dx[V0 + i]
        nominal.gyro_bias_B_radps[i] += dx[BG0 + i]
        nominal.accel_bias_B_mps2[i] += dx[BA0 + i]
    nominal.terrain_m = float(nominal.terrain_m) + dx[HT]
    turn = quat_of_rotation((dx[TH0], dx[TH0 + 1], dx[TH0 + 2]))
    store4(nominal.q_IB, quat_unit(quat_mul(turn, load4(nominal.q_IB))))
