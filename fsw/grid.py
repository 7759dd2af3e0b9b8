"""The fixed grid: covariance and fusion live at every 100 ms of stamp time.

Between grid points the increments move only the nominal state. A range is fused at the first
grid point at or after its stamp, against the nominal state at the stamp itself, with its row
of H carried back. Everything here is a function of stamps: the increments, the set of ranges
and the start fix every bit, whatever the order in which the ranges came. That is what makes a
late range exactly as good as a punctual one: restore the checkpoint before it, redo the grid.
"""

from math import sqrt

from fsw.covariance import (
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
    fuse_vertical,
    project,
    propagate,
    variance_along,
)
from fsw.frames import q_FI_at
from fsw.gravity import tidal_tensor_scale
from fsw.history import (
    BRIDGED,
    CLIPPED,
    FREE_FALL,
    IMU_SLOTS,
    PREDICTIONS,
    RANGE_SLOTS,
    SUMMED,
    first_range_after,
)
from fsw.kernel import kernel
from fsw.linear import (
    add3,
    add_scaled3,
    dot3,
    load3,
    load4,
    norm3,
    quat_mul,
    quat_of_rotation,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
    sub3,
    unit3,
)
from fsw.range_model import predict_range
from fsw.record import f64, i64, record
from fsw.strapdown import NOMINAL, strapdown
from fsw.trust import (
    BAD_GEOMETRY,
    CROWDED,
    FUSED_LATE,
    FUSED_NOW,
    RANGE_TRUST,
    REJECTED,
    STALE_REPEAT,
    challenge,
    challenger_has_won,
    count_crowning,
    is_stale,
    judge,
    learn_scatter,
    range_variance_m2,
    returns_to_rival,
    set_verdict,
)

GRID_NS = 100_000_000
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
    quiet_s=f64(
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
    quiet_dv_B_mps=f64("velocity gained in free fall since the last calibration", 3),
    quiet_s=f64("time of that"),
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
    grid.trust.challenger_samples = 0
    grid.trust.rival_since_ns = -1
    store3(grid.footprint_F_m, (0.0, 0.0, 0.0))
    store3(grid.quiet_dv_B_mps, (0.0, 0.0, 0.0))
    grid.quiet_s = 0.0


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
    tide, up = tidal_tensor_scale(moon, load3(grid.nominal.r_BM_I_m))
    q_IB = load4(grid.nominal.q_IB)
    dv_I, dv_z, dth_y, forced_s, gap2, clipped_s = _move_nominal(
        grid, history, moon, vehicle, t1_ns
    )
    dt = float(t1_ns - t0_ns) * 1e-9
    step = (dt, forced_s, dv_z, dth_y, tide, up[0], up[1], up[2], dv_I[0], dv_I[1], dv_I[2])
    propagate(grid.P, q_IB, step)
    _add_process_noise(grid.P, params, dt, forced_s, gap2, clipped_s)
    for i in range(N_STATES):
        history.dx[i] = 0.0
    fused = _fuse_ranges(grid, history, site, params, trust_params, counts)
    _turn_away_the_crowd(history, t0_ns, t1_ns, counts)
    _falsify(grid, history, moon, vehicle, trust_params)
    _calibrate_in_free_fall(grid, history, params)
    _carry_hypotheses(grid, history.dx)
    _inject(grid.nominal, history.dx)
    _watch_raised_altitude(grid, trust_params)
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
                seen = _predict_until(grid, history, moon, vehicle, j, stop_ns, seen)
                dv, dth = increment_until(history, j, nominal, stop_ns)
                flags = int(history.imu_flags[j % IMU_SLOTS])
                if flags & FREE_FALL:
                    _note_quiet(grid, history, j, stop_ns, dt)
                else:
                    forced_s = forced_s + dt
                    grid.quiet_s = 0.0
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
def _share(history, j, from_ns, to_ns):
    """Part of increment j that falls between two times inside it."""
    end_ns = int(history.imu_t_ns[j % IMU_SLOTS])
    if j == 0 or int(history.imu_count) - j >= IMU_SLOTS:
        return 1.0
    begin_ns = int(history.imu_t_ns[(j - 1) % IMU_SLOTS])
    if end_ns <= begin_ns:
        return 1.0
    return float(to_ns - from_ns) / float(end_ns - begin_ns)


@kernel
def increment_until(history, j, nominal, to_ns):
    """(dv_B, dtheta_B) of increment j from the nominal state's time on, bias removed.

    In free fall the accelerometer feels nothing but its bias and noise, so it counts as zero.
    """
    slot = j % IMU_SLOTS
    from_ns = int(nominal.t_ns)
    share = _share(history, j, from_ns, to_ns)
    dt = float(to_ns - from_ns) * 1e-9
    turned = scale3(load3(history.imu_dtheta_B_rad[slot]), share)
    dth = add_scaled3(turned, load3(nominal.gyro_bias_B_radps), -dt)
    if int(history.imu_flags[slot]) & FREE_FALL:
        return ((0.0, 0.0, 0.0), dth)
    gained = scale3(load3(history.imu_dv_B_mps[slot]), share)
    return (add_scaled3(gained, load3(nominal.accel_bias_B_mps2), -dt), dth)


@kernel
def _note_quiet(grid, history, j, stop_ns, dt):
    """Sum what the accelerometers feel in free fall: raw, so that it shows their bias."""
    if float(grid.quiet_s) == 0.0:
        store3(grid.quiet_dv_B_mps, (0.0, 0.0, 0.0))
    share = _share(history, j, int(grid.nominal.t_ns), stop_ns)
    felt = scale3(load3(history.imu_dv_B_mps[j % IMU_SLOTS]), share)
    store3(grid.quiet_dv_B_mps, add3(load3(grid.quiet_dv_B_mps), felt))
    grid.quiet_s = float(grid.quiet_s) + dt


@kernel
def _predict_until(grid, history, moon, vehicle, j, stop_ns, seen):
    """Predict every range whose stamp is not after stop_ns; the increment in work is j.

    Returns the count of the first range not looked at.
    """
    for _ in range(PREDICTIONS):
        if seen < int(history.range_end) and int(history.grid_predictions) < PREDICTIONS:
            if int(history.ranges[seen % RANGE_SLOTS].t_ns) <= stop_ns:
                _predict(grid, history, moon, vehicle, j, seen)
                seen = seen + 1
    return seen


@kernel
def _predict(grid, history, moon, vehicle, j, entry_count):
    """Expected range, its row and closing speed, from the nominal state moved to the stamp."""
    n = int(history.grid_predictions)
    out = history.predictions[n]
    then = history.at_stamp
    history.at_stamp = grid.nominal
    t_ns = int(history.ranges[entry_count % RANGE_SLOTS].t_ns)
    if t_ns > int(then.t_ns):
        dv, dth = increment_until(history, j, then, t_ns)
        strapdown(moon, then, t_ns, dv, dth)
    hits, range_m, d_r, d_theta, d_h, hit_I = predict_range(moon, vehicle, then)
    lag = float((int(grid.k) + 1) * GRID_NS - t_ns) * 1e-9
    out.entry = entry_count
    out.hits = hits
    out.range_m = range_m
    out.closing_mps = -dot3(d_r, load3(then.v_BM_I_mps))  # the ground's own motion is level
    store3(out.hit_F_m, rotate(q_FI_at(float(moon.omega_radps), t_ns), hit_I))
    for i in range(3):
        out.H[R0 + i] = d_r[i]
        out.H[V0 + i] = -lag * d_r[i]
        out.H[TH0 + i] = d_theta[i]
    out.H[HT] = d_h
    history.grid_predictions = n + 1


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
def _fuse_ranges(grid, history, site, params, trust_params, counts):
    """Judge and fuse the ranges of this step, in order of stamp. Returns how many were fused."""
    fused = 0
    for n in range(int(history.grid_predictions)):
        expected = history.predictions[n]
        entry = history.ranges[int(expected.entry) % RANGE_SLOTS]
        verdict = BAD_GEOMETRY
        if int(expected.hits) == 1:
            verdict = _fuse_range(grid, history, expected, entry, site, params, trust_params)
        if verdict == FUSED_NOW:
            fused = fused + 1
            if int(entry.late) == 1:
                verdict = FUSED_LATE
        set_verdict(counts, entry, verdict)
    return fused


@kernel
def _turn_away_the_crowd(history, t0_ns, t1_ns, counts):
    """Give the ranges beyond what one grid step takes their verdict."""
    first = first_range_after(history, t0_ns) + PREDICTIONS
    for count in range(first, first_range_after(history, t1_ns)):
        set_verdict(counts, history.ranges[count % RANGE_SLOTS], CROWDED)


@kernel
def _fuse_range(grid, history, expected, entry, site, params, trust_params):
    """Judge one range and fuse it when it is believed; returns the verdict.

    The ground may have risen or fallen along the footprint's way since the last fused range.
    That variance belongs to this sample, and enters P only with it: a rejection inflates
    nothing.
    """
    H = expected.H
    PHt = history.PHt
    innovation = float(entry.range_m) - float(expected.range_m)
    for j in range(N_STATES):
        innovation = innovation - H[j] * history.dx[j]
    ground = _ground_variance(grid, expected, site, params)
    # a sample that is true is as long as expected; a false one is no better for being short
    length = min(float(expected.range_m), float(entry.range_m))
    R = range_variance_m2(trust_params, length, float(expected.closing_mps))
    trust = grid.trust
    t_ns = int(entry.t_ns)
    if is_stale(trust, trust_params, float(entry.range_m), float(expected.range_m)):
        return STALE_REPEAT
    noise = learn_scatter(trust, trust_params, innovation, R)
    S = project(grid.P, H, PHt) + ground * H[HT] * H[HT] + noise
    verdict = judge(trust, trust_params, t_ns, innovation, S, R)
    if verdict == REJECTED:
        claim = float(grid.nominal.terrain_m) + history.dx[HT] + innovation / H[HT]
        if abs(claim - float(site.height_m)) <= float(trust_params.relief_m):
            verdict = _hear_claim(grid, history, expected, entry, claim, trust_params)
    if verdict == FUSED_NOW:
        grid.P[HT, HT] += ground
        PHt[HT] += ground * H[HT]
        up = unit3(load3(grid.nominal.r_BM_I_m))
        rate_doubt = float(trust_params.rate_doubt_mps)
        fuse_vertical(grid.P, history.dx, PHt, S, innovation, up, rate_doubt, history.K)
        store3(grid.footprint_F_m, load3(expected.hit_F_m))
    return verdict


@kernel
def _hear_claim(grid, history, expected, entry, claim_m, trust_params):
    """Let a rejected sample speak for its ground, and crown the challenger when it has won."""
    trust = grid.trust
    t_ns = int(entry.t_ns)
    slope = expected.H[HT]
    doubt = range_variance_m2(trust_params, float(entry.range_m), float(expected.closing_mps))
    hit = load3(expected.hit_F_m)
    verdict = challenge(trust, trust_params, t_ns, claim_m, doubt / (slope * slope), hit)
    if challenger_has_won(trust, trust_params, t_ns):
        _crown_challenger(grid, history, trust_params, t_ns)
        store3(grid.footprint_F_m, hit)
    return verdict


@kernel
def altitude_variance(P, up):
    """Variance of the altitude above the ground under the beam, for a unit vector up."""
    along = 0.0
    for i in range(3):
        along = along + up[i] * P[R0 + i, HT]
    total = P[HT, HT] + variance_along(P, R0, up)
    return max(total - 2.0 * along, 0.0)


@kernel
def _set_ground(grid, history, terrain_m, variance_m2):
    """Put the ground elsewhere: a new terrain state that is tied to height, as a range ties it.

    The claim was terrain = height - range, so its error is that of the height and its own.
    """
    P = grid.P
    up = unit3(load3(grid.nominal.r_BM_I_m))
    for j in range(N_ALL):
        tied = up[0] * P[R0, j] + up[1] * P[R0 + 1, j] + up[2] * P[R0 + 2, j]
        if j != HT:
            P[HT, j] = tied
            P[j, HT] = tied
    height = up[0] * P[R0, HT] + up[1] * P[R0 + 1, HT] + up[2] * P[R0 + 2, HT]
    P[HT, HT] = height + variance_m2
    history.dx[HT] = terrain_m - float(grid.nominal.terrain_m)


@kernel
def _crown_challenger(grid, history, trust_params, t_ns):
    """The challenger's ground becomes ours, and what we believed before the rival.

    Where the challenger claims what the rival has, the belief between them was the fault, and
    nobody is left as rival.
    """
    trust = grid.trust
    ours = float(grid.nominal.terrain_m) + history.dx[HT]
    variance = altitude_variance(grid.P, unit3(load3(grid.nominal.r_BM_I_m)))
    returned = returns_to_rival(trust)
    _set_ground(
        grid, history, float(trust.challenger_terrain_m), float(trust.challenger_variance_m2)
    )
    if returned:
        trust.rival_since_ns = -1
    else:
        _make_rival(trust, trust_params, ours, variance, t_ns)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    count_crowning(trust, trust_params, t_ns)


@kernel
def _carry_hypotheses(grid, dx):
    """Keep the other grounds under the inertial height, which a range is about to move."""
    trust = grid.trust
    up = unit3(load3(grid.nominal.r_BM_I_m))
    rise = dot3(up, (dx[R0], dx[R0 + 1], dx[R0 + 2]))
    trust.raised_m = float(trust.raised_m) + rise - dx[HT]
    trust.rival_terrain_m = float(trust.rival_terrain_m) + rise
    trust.challenger_terrain_m = float(trust.challenger_terrain_m) + rise


@kernel
def _watch_raised_altitude(grid, trust_params):
    """An altitude that ranges raise under a footprint at rest: a range that drifts.

    Within the gate a slow liar takes the altitude along. Against a young and an old reference,
    ranges may have raised it by what the footprint's way and a plausible slope allow, and by
    what the descent rate was uncertain; beyond that the altitude without them becomes the rival.
    """
    trust = grid.trust
    footprint = load3(grid.footprint_F_m)
    if int(trust.locked) == 0 or dot3(footprint, footprint) == 0.0:
        return
    t_ns = int(grid.nominal.t_ns)
    up = unit3(load3(grid.nominal.r_BM_I_m))
    variance = altitude_variance(grid.P, up)
    rate_sigma = sqrt(max(variance_along(grid.P, V0, up), 0.0))
    for n in range(2):
        was = trust.reference_F_m[n]
        taken_ns = int(trust.reference_t_ns[n])
        age_s = float(t_ns - taken_ns) * 1e-9
        way = norm3(sub3(footprint, load3(was)))
        allowed = float(trust_params.plausible_m) + float(trust_params.plausible_slope) * way
        allowed = allowed + 4.0 * (sqrt(variance) + rate_sigma * age_s)
        raised = float(trust.raised_m) - float(trust.reference_raised_m[n])
        implausible = taken_ns > 0 and raised > allowed
        if implausible:
            ground = float(grid.nominal.terrain_m) + raised
            _make_rival(trust, trust_params, ground, variance, t_ns)
        if taken_ns == 0 or implausible or age_s > float(trust_params.plausible_s[n]):
            trust.reference_t_ns[n] = t_ns
            trust.reference_raised_m[n] = trust.raised_m
            store3(was, footprint)


@kernel
def _make_rival(trust, trust_params, terrain_m, variance_m2, t_ns):
    """Keep a ground alive as the rival, unless a higher one is alive already.

    A liar that moves on in steps must not push the last sound altitude out.
    """
    if int(trust.rival_since_ns) >= 0 and float(trust.rival_terrain_m) > terrain_m:
        return
    doubt = float(trust_params.rival_doubt_m)
    trust.rival_terrain_m = terrain_m
    trust.rival_variance_m2 = variance_m2 + doubt * doubt
    trust.rival_since_ns = t_ns


@kernel
def _falsify(grid, history, moon, vehicle, trust_params):
    """Fly until an altitude is proved wrong: well below zero, and no contact.

    A rival that is dead is forgotten. When it is ours, the rival takes its place; without one
    the ground is where the footpads are or lower, and a lock is sought anew.
    """
    trust = grid.trust
    nominal = grid.nominal
    footpads = float(moon.radius_m) + float(vehicle.footpad_below_cm_m)
    height = norm3(load3(nominal.r_BM_I_m)) - footpads
    margin = float(trust_params.condemn_m)
    sigmas = float(trust_params.condemn_sigma)
    rival_sigma = sqrt(float(trust.rival_variance_m2))
    rival = int(trust.rival_since_ns) >= 0
    if rival and height - float(trust.rival_terrain_m) < -(sigmas * rival_sigma + margin):
        trust.rival_since_ns = -1
        rival = False
    up = unit3(load3(nominal.r_BM_I_m))
    sigma = sqrt(altitude_variance(grid.P, up))
    ours = height - float(nominal.terrain_m) - history.dx[HT]
    if ours >= -(sigmas * sigma + margin):
        return
    trust.condemned = min(int(trust.condemned) + 1, 65535)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    trust.challenger_samples = 0
    if rival:
        _set_ground(grid, history, float(trust.rival_terrain_m), float(trust.rival_variance_m2))
        trust.rival_since_ns = -1
        return
    wide = float(trust_params.widen_m)
    _set_ground(grid, history, height, wide * wide)
    trust.locked = 0
    trust.lock_count = 0


@kernel
def _ground_variance(grid, expected, site, params):
    """Variance of the ground's height over the footprint's way since the last fused range."""
    last = load3(grid.footprint_F_m)
    if dot3(last, last) == 0.0:
        return 0.0
    way = norm3(sub3(load3(expected.hit_F_m), last))
    slope = float(site.slope_rms)
    return slope * slope * way * float(params.slope_length_m)


@kernel
def _calibrate_in_free_fall(grid, history, params):
    """Fuse the mean of what the accelerometers felt in free fall: their own bias."""
    quiet = float(grid.quiet_s)
    if quiet < float(params.quiet_s):
        return
    noise = float(params.accel_noise_mps2)
    R = noise * noise / quiet
    felt = scale3(load3(grid.quiet_dv_B_mps), 1.0 / quiet)
    for axis in range(3):
        row = BA0 + axis
        for i in range(N_ALL):
            history.PHt[i] = grid.P[i, row]
        innovation = felt[axis] - grid.nominal.accel_bias_B_mps2[axis] - history.dx[row]
        fuse(grid.P, history.dx, history.PHt, history.PHt[row] + R, innovation)
    grid.quiet_s = 0.0


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
