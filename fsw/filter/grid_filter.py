"""The fixed grid: covariance and fusion live at every 100 ms of stamp time.

Between grid points the increments move only the nominal state. A range is fused at the first
grid point at or after its stamp, against the nominal state at the stamp itself, with its row
of H carried back. Everything here is a function of stamps: the increments, the set of ranges
and the start fix every bit, whatever the order in which the ranges came. That is what makes a
late range exactly as good as a punctual one: restore the checkpoint before it, redo the grid.
"""

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
    add_noise,
    fuse,
    propagate,
)
from fsw.filter.imu_increments import increment_share, increment_until
from fsw.filter.range_gate import RANGE_TRUST
from fsw.filter.range_update import fuse_ranges, mark_excess_samples, predict_until
from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.filter.terrain_hypotheses import (
    carry_grounds,
    check_against_contact,
    watch_raised_altitude,
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

# of what is unknown in a bridged hole, this share is unknown where only the sum is known
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
        "way over which the slope of the ground persists", default=30.0, lo=0.1, hi=1e5
    ),
    free_fall_s=f64(
        "free fall that is averaged for one accelerometer calibration",
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


@kernel
def anchor(grid, k, nominal, sigmas, params, site):
    """Begin a new grid at point k: state from outside, covariance from its sigmas.

    sigmas = (radial_m, horizontal_m, velocity_mps, attitude_rad). Biases keep what has been
    learnt about them; all correlations are dropped.
    """
    first = int(grid.k) < 0
    for i in range(N_ALL):
        for j in range(N_ALL):
            if i != j or i < BG0 or first:
                grid.P[i, j] = 0.0
    _spread_position(grid.P, unit3(load3(nominal.r_BM_I_m)), sigmas[0], sigmas[1])
    add_noise(grid.P, V0, sigmas[2] * sigmas[2])
    add_noise(grid.P, TH0, sigmas[3] * sigmas[3])
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
    for i in range(3):
        P[R0 + i, R0 + i] += horizontal_m * horizontal_m
        for j in range(3):
            P[R0 + i, R0 + j] += (radial_m * radial_m - horizontal_m * horizontal_m) * up[i] * up[j]


@kernel
def _begin_biases(P, params, site):
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
def grid_step(grid, history, moon, vehicle, site, params, trust_params, counts):
    """Advance the filter by one grid point; the increments up to it are in the ring.

    counts holds the samples per verdict. Returns how many ranges were fused.
    """
    t0_ns = int(grid.nominal.t_ns)
    t1_ns = (int(grid.k) + 1) * GRID_NS
    tide, was_up = tidal_tensor_scale(moon, load3(grid.nominal.r_BM_I_m))
    q_IB = load4(grid.nominal.q_IB)
    dv_I, dv_z, dth_y, forced_s, gap2, clipped_s = _move_nominal(
        grid, history, moon, vehicle, t1_ns
    )
    dt = float(t1_ns - t0_ns) * 1e-9
    step = (dt, forced_s, dv_z, dth_y, tide) + was_up + dv_I
    propagate(grid.P, q_IB, step)
    _add_process_noise(grid.P, params, dt, forced_s, gap2, clipped_s)
    for i in range(N_STATES):
        history.dx[i] = 0.0
    up = unit3(load3(grid.nominal.r_BM_I_m))
    fused = fuse_ranges(grid, history, site, params, trust_params, up, counts)
    mark_excess_samples(history, t0_ns, t1_ns, counts)
    check_against_contact(grid, history, moon, vehicle, up, trust_params)
    _calibrate_in_free_fall(grid, history, params)
    carry_grounds(grid, history.dx, up)
    _inject(grid.nominal, history.dx)
    watch_raised_altitude(grid, up, trust_params)
    grid.k = int(grid.k) + 1
    return fused


@kernel
def _move_nominal(grid, history, moon, vehicle, t1_ns):
    """Carry the nominal state to the grid point, predicting each range on the way.

    Returns the velocity gained (inertial), its part along z_B, the angle turned about y_B, the
    time under force, the summed squares of bridged gaps and the time clipped.
    """
    nominal = grid.nominal
    seen = first_range_after(history, int(nominal.t_ns))
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
                seen = predict_until(grid, history, moon, vehicle, j, stop_ns, seen)
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
                total = add3(total, strapdown(moon, nominal, stop_ns, dv, dth))
                dv_z = dv_z + dv[2]
                dth_y = dth_y + dth[1]
            if end_ns <= t1_ns:
                j = j + 1
    grid.imu_next = j
    return (total, dv_z, dth_y, forced_s, gap2, clipped_s)


@kernel
def _accumulate_free_fall(grid, history, j, stop_ns, dt):
    """Sum what the accelerometers feel in free fall: raw, so that it shows their bias."""
    if float(grid.free_fall_s) == 0.0:
        store3(grid.free_fall_dv_B_mps, (0.0, 0.0, 0.0))
    share = increment_share(history, j, int(grid.nominal.t_ns), stop_ns)
    felt = scale3(load3(history.imu_dv_B_mps[j % IMU_SLOTS]), share)
    store3(grid.free_fall_dv_B_mps, add3(load3(grid.free_fall_dv_B_mps), felt))
    grid.free_fall_s = float(grid.free_fall_s) + dt


@kernel
def _add_process_noise(P, params, dt, forced_s, gap2, clipped_s):
    """White noise of the instruments; in gaps and while clipped, what cannot be known."""
    accel = float(params.accel_noise_mps2)
    gyro = float(params.gyro_noise_radps)
    gap_accel = float(params.gap_accel_sigma_mps2)
    gap_rate = float(params.gap_rate_sigma_radps)
    blind2 = gap2 + clipped_s * clipped_s
    add_noise(P, V0, accel * accel * forced_s + gap_accel * gap_accel * blind2)
    add_noise(P, TH0, gyro * gyro * dt + gap_rate * gap_rate * blind2)


@kernel
def _calibrate_in_free_fall(grid, history, params):
    """Fuse the mean of what the accelerometers felt in free fall: their own bias."""
    quiet = float(grid.free_fall_s)
    if quiet < float(params.free_fall_s):
        return
    noise = float(params.accel_noise_mps2)
    R = noise * noise / quiet
    felt = scale3(load3(grid.free_fall_dv_B_mps), 1.0 / quiet)
    for axis in range(3):
        row = BA0 + axis
        for i in range(N_ALL):
            history.PHt[i] = grid.P[i, row]
        innovation = felt[axis] - grid.nominal.accel_bias_B_mps2[axis] - history.dx[row]
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
