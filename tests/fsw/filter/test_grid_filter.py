"""Law: one grid step, and what gaps, clipping and odd rates of increments do to it."""

import math

import numpy as np
import pytest

from fsw.executive.state import PARAMS
from fsw.filter.buffers import (
    FREE_FALL,
    GRID_NS,
    HISTORY,
    IMU_SLOTS,
    RANGE_SLOTS,
    clear_history,
    insert_range,
    push_imu,
)
from fsw.filter.covariance import BA0, BG0, HT, N_ALL, N_STATES, R0, TH0, V0
from fsw.filter.grid_filter import GRID, Sigmas, anchor, grid_step
from fsw.filter.strapdown import NOMINAL
from fsw.interface.verdicts import RangeVerdict
from tests.fsw.byhand import (
    about,
    joseph_update,
    matrix_of,
    random_covariance,
    turned,
    vector_of,
    vertical_gain,
)

MS = 1_000_000
NOTHING = (0.0, 0.0, 0.0)
UPRIGHT_ON_X = about((0.0, 1.0, 0.0), 0.5 * math.pi)
HEIGHT_M, DOWN_MPS, ACROSS_MPS = 1500.0, 200.0, 30.0
BELOW_M = 0.5


class Bench:
    """A grid and its rings above the inertial x axis; falling fast, locked by default."""

    def __init__(self, k=0, params=None, q=UPRIGHT_ON_X, locked=1):
        self.params = params if params is not None else PARAMS.new()
        self.grid, self.history = GRID.new(k=-1), HISTORY.new()
        self.counts = np.zeros(len(RangeVerdict), np.uint32)
        clear_history(self.history)
        radius_m = float(self.params.moon.radius_m)
        start = NOMINAL.new(
            t_ns=k * GRID_NS,
            r_BM_I_m=(radius_m + HEIGHT_M, 0.0, 0.0),
            v_BM_I_mps=(-DOWN_MPS, ACROSS_MPS, 0.0),
            q_IB=q,
        )
        sigmas = Sigmas(100.0, 50.0, 0.1, 1e-4)
        anchor(self.grid, k, start, sigmas, self.params.navigation.filter, self.params.site)
        self.grid.trust.locked = locked
        self.begin_ns = k * GRID_NS
        push_imu(self.history, self.begin_ns, NOTHING, NOTHING, FREE_FALL)

    def push(self, count, dt_ms=10, dv=NOTHING, dtheta=NOTHING, flags=0):
        """Append equal increments."""
        end_ns = int(self.history.imu_t_ns[(int(self.history.imu_count) - 1) % IMU_SLOTS])
        for _ in range(count):
            end_ns += dt_ms * MS
            push_imu(self.history, end_ns, dv, dtheta, flags)

    def see(self, after_ns, range_m, seq=0):
        """Put a range into the ring, stamped after the start."""
        place = insert_range(self.history, self.begin_ns + after_ns, range_m, seq, 0)
        self.counts[0] += 1
        return place

    def step(self):
        return grid_step(self.grid, self.history, self.params, self.counts)

    def expected(self, n=0):
        """What was expected of the nth range of the last step."""
        return self.history.predictions[n]

    def row(self, n=0):
        """Its row of H, padded for the considered parameters."""
        return np.concatenate([self.expected(n).H, np.zeros(N_ALL - N_STATES)])

    def gain(self, P, R, n=0):
        """Gain of the nth range of the last step: height, terrain, a doubtful descent rate."""
        up = np.array(self.grid.nominal.r_BM_I_m) / np.linalg.norm(self.grid.nominal.r_BM_I_m)
        doubt = float(self.params.navigation.trust.rate_doubt_mps)
        return vertical_gain(P, self.row(n), R, up, doubt)


def noiseless():
    params = PARAMS.new()
    for name in params.navigation.filter.dtype.names:
        if "noise" in name:
            params.navigation.filter[name] = 0.0
    return params


# --- a range at its stamp ------------------------------------------------------------


def height_of_instrument(t_s, push_mps2, radius_m, gm_m3ps2):
    """Range straight down at a time: uniform acceleration, over a sphere the beam moves across."""
    x0 = radius_m + HEIGHT_M
    pull = push_mps2 - gm_m3ps2 / (x0 - 0.5 * DOWN_MPS * t_s) ** 2
    x = x0 - DOWN_MPS * t_s + 0.5 * pull * t_s * t_s
    y = ACROSS_MPS * t_s
    return x - BELOW_M - math.sqrt(radius_m**2 - y**2)


@pytest.mark.parametrize("stamp_us", [1, 10_000, 13_700, 53_700, 96_300, 99_999, 100_000])
@pytest.mark.parametrize("k", [0, 12_345])
def test_a_range_is_compared_with_the_state_at_its_stamp(stamp_us, k):
    bench = Bench(k)
    bench.push(11, dv=(0.0, 0.0, 0.03))
    moon = bench.params.moon
    exact = height_of_instrument(stamp_us * 1e-6, 3.0, float(moon.radius_m), float(moon.gm_m3ps2))
    bench.see(stamp_us * 1000, exact)
    assert bench.step() == 1
    # falling at 200 m/s, a millisecond of confusion would be 0.2 m
    assert bench.expected().range_m == pytest.approx(exact, abs=2e-5)
    assert abs(bench.grid.trust.last_innovation_m) < 2e-4


def test_each_of_several_ranges_is_compared_at_its_stamp():
    bench = Bench()
    bench.push(10, dv=(0.0, 0.0, 0.03))
    moon = bench.params.moon
    for seq, stamp_us in enumerate([3_000, 3_100, 47_900, 50_000, 99_000]):
        exact = height_of_instrument(
            stamp_us * 1e-6, 3.0, float(moon.radius_m), float(moon.gm_m3ps2)
        )
        bench.see(stamp_us * 1000, exact, seq)
    assert bench.step() == 5
    for n in range(5):
        entry = bench.history.ranges[int(bench.expected(n).entry)]
        assert bench.expected(n).range_m == pytest.approx(float(entry.range_m), abs=2e-4)


def test_ranges_of_the_next_step_are_left_to_it():
    bench = Bench()
    bench.push(20)
    bench.see(100 * MS, 1480.0)
    bench.see(100 * MS + 1, 1480.0)
    bench.step()
    assert int(bench.history.grid_predictions) == 1
    bench.step()
    assert int(bench.history.grid_predictions) == 1
    assert int(bench.expected().entry) == 1


def test_the_row_belongs_to_the_state_at_the_grid_point():
    stamp_ns, lag_s = 53_700_000, 0.0463
    tilted = turned(UPRIGHT_ON_X, (0.0, 0.3, -0.2))

    def expected_range(error):
        """Range expected when the state at the grid point is off by this error."""
        bench = Bench(q=tilted)
        nominal = bench.grid.nominal
        nominal.r_BM_I_m += error[R0 : R0 + 3] - 0.1 * error[V0 : V0 + 3]
        nominal.v_BM_I_mps += error[V0 : V0 + 3]
        nominal.q_IB = turned(nominal.q_IB, error[TH0 : TH0 + 3])
        nominal.terrain_m = float(nominal.terrain_m) + error[HT]
        bench.push(10, flags=FREE_FALL)
        bench.see(stamp_ns, 1600.0)
        bench.step()
        return float(bench.expected().range_m), np.array(bench.expected().H)

    _, row = expected_range(np.zeros(N_STATES))
    for j in [*range(9), HT]:
        error = np.zeros(N_STATES)
        error[j] = 1e-5 if j in range(TH0, BG0) else 0.1
        slope = (expected_range(error)[0] - expected_range(-error)[0]) / (2.0 * error[j])
        tolerance = 2.0 if j in range(TH0, BG0) else 1e-6
        assert row[j] == pytest.approx(slope, abs=tolerance), j
    assert row[V0 : V0 + 3] == pytest.approx(-lag_s * row[R0 : R0 + 3])
    assert np.all(row[BG0:HT] == 0.0)


def test_the_footprint_is_kept_on_the_moon_that_turns_underneath():
    k = 600_000  # a minute short of 17 hours: the Moon has turned by 9 degrees
    bench = Bench(k)
    bench.push(10)
    bench.see(50 * MS, 1490.0)
    assert bench.step() == 1
    omega, t_s = float(bench.params.moon.omega_radps), k * 0.1 + 0.05
    s, c = math.sin(omega * t_s), math.cos(omega * t_s)
    radius_m = float(bench.params.moon.radius_m)
    across = ACROSS_MPS * 0.05
    hit_I = (math.sqrt(radius_m**2 - across**2), across)
    hit_F = (c * hit_I[0] + s * hit_I[1], -s * hit_I[0] + c * hit_I[1], 0.0)
    assert bench.grid.footprint_F_m == pytest.approx(hit_F, abs=1e-6)


# --- covariance over one step ------------------------------------------------------------

# sizes that make every block of the transition show: each feeds its neighbour by about one
WIDE = np.concatenate(
    [
        np.full(3, 0.1),
        np.full(3, 1.0),
        np.full(3, 5.0),
        np.full(3, 50.0),
        np.full(3, 10.0),
        [1.0],
        np.full(3, 10.0),
        np.full(3, 1000.0),
    ]
)
NUDGES = np.repeat([10.0, 0.1, 1e-4, 1e-4, 1e-2, 1.0, 1e-3], [3, 3, 3, 3, 3, 1, 6])
PUSHED = (0, 2, 4, 5, 7, 9)  # about the middle of the step, as the filter takes it
DV, DTHETA = np.array([0.002, -0.003, 0.03]), np.array([1e-4, 6e-4, -2e-4])


def after_one_step(error, P=None):
    """A step of six increments under thrust and four in free fall, begun with this error."""
    bench = Bench(params=noiseless(), q=turned(UPRIGHT_ON_X, (0.4, -0.7, 0.2)))
    nominal = bench.grid.nominal
    nominal.r_BM_I_m += error[0:3]
    nominal.v_BM_I_mps += error[3:6]
    nominal.q_IB = turned(nominal.q_IB, error[6:9])
    nominal.gyro_bias_B_radps += error[9:12]
    nominal.accel_bias_B_mps2 += error[12:15]
    dv, dtheta = DV - error[16:19] * DV[2], DTHETA - error[19:22] * DTHETA[1]
    if P is not None:
        bench.grid.P[:] = P
    for n in range(10):
        if n in PUSHED:
            bench.push(1, dv=as_tuple(dv), dtheta=as_tuple(dtheta))
        else:
            bench.push(1, dv=(1e-6, 1e-6, 1e-6), dtheta=as_tuple(dtheta), flags=FREE_FALL)
    bench.step()
    return bench.grid


def as_tuple(a):
    return tuple(float(part) for part in a)


def differences():
    """The transition of a grid step, by central differences of the step itself."""
    phi = np.eye(N_ALL)
    for j in range(N_ALL):
        error = np.zeros(N_ALL)
        error[j] = NUDGES[j]
        plus, minus = after_one_step(error).nominal, after_one_step(-error).nominal
        turn = vector_of(matrix_of(plus.q_IB) @ matrix_of(minus.q_IB).T)
        moved = (plus.r_BM_I_m - minus.r_BM_I_m, plus.v_BM_I_mps - minus.v_BM_I_mps, turn)
        phi[:9, j] = np.concatenate(moved) / (2.0 * error[j])
    return phi


def test_a_step_carries_the_covariance_as_it_carries_errors():
    P = random_covariance(np.random.default_rng(5), WIDE)
    phi = differences()
    for column in (slice(9, 12), slice(19, 22)):
        phi[:6, column] = 0.0  # velocity from a gyroscope's error within one step is left out
    expected = phi @ P @ phi.T
    found = np.array(after_one_step(np.zeros(N_ALL), P).P)
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((found - expected) / size).max() < 0.01


def test_process_noise_grows_with_time_and_force():
    free, forced = Bench(), Bench()
    for bench, flags in ((free, FREE_FALL), (forced, 0)):
        bench.grid.P[:] = 0.0
        bench.push(10, dv=(0.0, 0.0, 0.02), flags=flags)
        bench.step()
    noise_params = free.params.navigation.filter
    accel2 = 0.1 * float(noise_params.accel_noise_mps2) ** 2
    gyro2 = 0.1 * float(noise_params.gyro_noise_radps) ** 2
    assert np.diag(free.grid.P)[:9] == pytest.approx([0.0] * 6 + [gyro2] * 3, rel=1e-9)
    assert np.diag(forced.grid.P)[:9] == pytest.approx(
        [0.0] * 3 + [accel2] * 3 + [gyro2] * 3, rel=1e-9
    )


# --- fusing ------------------------------------------------------------------------------

REAL = np.concatenate(
    [
        np.full(3, 30.0),
        np.full(3, 0.5),
        np.full(3, 2e-3),
        np.full(3, 1e-6),
        np.full(3, 1e-4),
        [20.0],
        np.full(6, 1e-4),
    ]
)
WAY_M = 400.0


def ready_to_fuse(seed=0):
    """A bench with correlated errors, whose last footprint lies 400 m from where it looks."""
    bench = Bench()
    bench.params.navigation.trust.stamp_sigma_s = 0.01
    bench.grid.P[:] = random_covariance(np.random.default_rng(seed), REAL)
    bench.grid.footprint_F_m = (float(bench.params.moon.radius_m), 0.0, WAY_M)
    bench.push(10, dv=(0.0, 0.0, 0.02))
    return bench


def variance_of_a_range(range_m):
    """Instrument, roughness within the beam, and a stamp uncertain by 10 ms at 200 m/s."""
    return (0.5 + 0.002 * range_m) ** 2 + 0.15**2 + (0.01 * DOWN_MPS) ** 2


GROUND_M2 = 0.05**2 * WAY_M * 30.0


def test_a_fused_range_is_a_vertical_update_with_the_grounds_own_step_in_it():
    blind, seeing = ready_to_fuse(), ready_to_fuse()
    blind.step()
    seeing.see(100 * MS, 1470.0)
    assert seeing.step() == 1
    P = np.array(blind.grid.P)
    P[HT, HT] += GROUND_M2
    expected = float(seeing.expected().range_m)
    R = variance_of_a_range(min(expected, 1470.0))
    innovation = 1470.0 - expected
    gain = seeing.gain(P, R)
    posterior = joseph_update(P, seeing.row(), R, gain)
    assert np.abs((seeing.grid.P - posterior) / np.outer(REAL, REAL)).max() < 1e-4
    S = seeing.row() @ P @ seeing.row() + R
    assert seeing.grid.trust.last_nis == pytest.approx(innovation**2 / S, rel=1e-4)
    before, after = blind.grid.nominal, seeing.grid.nominal
    moved = np.concatenate(
        [
            after.r_BM_I_m - before.r_BM_I_m,
            after.v_BM_I_mps - before.v_BM_I_mps,
            vector_of(matrix_of(after.q_IB) @ matrix_of(before.q_IB).T),
            after.gyro_bias_B_radps - before.gyro_bias_B_radps,
            after.accel_bias_B_mps2 - before.accel_bias_B_mps2,
            [after.terrain_m - before.terrain_m],
        ]
    )
    assert moved / REAL[:16] == pytest.approx(gain[:16] * innovation / REAL[:16], abs=1e-4)


def test_before_the_first_footprint_there_is_no_ground_variance():
    blind, seeing = ready_to_fuse(), ready_to_fuse()
    for bench in (blind, seeing):
        bench.grid.footprint_F_m = NOTHING
    seeing.see(100 * MS, 1470.0)
    blind.step()
    seeing.step()
    expected = float(seeing.expected().range_m)
    S = seeing.row() @ blind.grid.P @ seeing.row() + variance_of_a_range(min(expected, 1470.0))
    assert seeing.grid.trust.last_nis == pytest.approx((1470.0 - expected) ** 2 / S, rel=1e-4)


def test_a_second_range_in_a_step_includes_the_first_ones_update():
    one, two = ready_to_fuse(), ready_to_fuse()
    one.see(60 * MS, 1475.0)
    two.see(60 * MS, 1475.0)
    two.see(90 * MS, 1481.0)
    assert (one.step(), two.step()) == (1, 2)
    first, second = float(two.expected(0).range_m), float(two.expected(1).range_m)
    assert first == float(one.expected().range_m)
    P0 = np.array(ready_to_fuse_and_step().grid.P)
    P0[HT, HT] += GROUND_M2
    gain = two.gain(P0, variance_of_a_range(first))
    P1 = joseph_update(P0, two.row(0), variance_of_a_range(first), gain)
    dx = gain * (1475.0 - first)
    path_m = ACROSS_MPS * 0.03
    P1[HT, HT] += 0.05**2 * path_m * 30.0
    R = variance_of_a_range(second)
    P2 = joseph_update(P1, two.row(1), R, two.gain(P1, R, 1))
    assert np.abs((two.grid.P - P2) / np.outer(REAL, REAL)).max() < 1e-4
    innovation = 1481.0 - second - two.row(1) @ dx
    assert two.grid.trust.last_innovation_m == pytest.approx(innovation, abs=1e-2)


def ready_to_fuse_and_step():
    bench = ready_to_fuse()
    bench.step()
    return bench


def test_a_rejected_range_leaves_no_trace_in_the_estimate():
    blind, fooled = ready_to_fuse(), ready_to_fuse()
    fooled.see(70 * MS, 400.0)
    assert (blind.step(), fooled.step()) == (0, 0)
    assert fooled.counts[RangeVerdict.REJECTED] == 1
    assert fooled.grid.P.tobytes() == blind.grid.P.tobytes()
    assert fooled.grid.nominal.tobytes() == blind.grid.nominal.tobytes()
    assert fooled.grid.footprint_F_m.tobytes() == blind.grid.footprint_F_m.tobytes()


def test_a_hundred_rejections_inflate_nothing():
    blind, fooled = ready_to_fuse(), ready_to_fuse()
    for k in range(15):
        for bench in (blind, fooled):
            bench.push(10, dv=(0.0, 0.0, 0.02))
        for n in range(8):  # no two alike, so that they are no hypothesis either
            fooled.see(k * 100 * MS + (n + 1) * 10 * MS, 4000.0 + 2000.0 * n + k)
        blind.step()
        fooled.step()
    assert fooled.counts[RangeVerdict.REJECTED] == 120
    assert fooled.grid.P.tobytes() == blind.grid.P.tobytes()


def test_ranges_beyond_a_steps_capacity_are_marked_excess():
    bench = Bench()
    bench.push(20)
    for n in range(12):
        bench.see((8 * n + 1) * MS, HEIGHT_M - BELOW_M - 0.2 * (8 * n + 1), n)
    bench.see(150 * MS, 1470.0, 12)
    assert bench.step() == 8
    assert (
        bench.counts[RangeVerdict.FUSED_NOW],
        bench.counts[RangeVerdict.EXCESS],
        bench.counts[0],
    ) == (8, 4, 1)
    verdicts = [int(bench.history.ranges[n % RANGE_SLOTS].verdict) for n in range(13)]
    assert verdicts == [RangeVerdict.FUSED_NOW] * 8 + [RangeVerdict.EXCESS] * 4 + [0]
    assert bench.step() == 1
    assert (
        bench.counts[RangeVerdict.FUSED_NOW],
        bench.counts[RangeVerdict.EXCESS],
        bench.counts[0],
    ) == (9, 4, 0)


# --- free fall calibrates ----------------------------------------------------------------

BIAS = np.array([7e-5, -6e-5, 9e-5])


def fall(seconds, bias, flags, dt_ms=50, free_fall_s=1.0):
    """Free fall seen through a noisy, biased instrument, at 20 Hz by default."""
    bench = Bench()
    noise_params = bench.params.navigation.filter
    noise_params.free_fall_s = free_fall_s
    bench.grid.nominal.v_BM_I_mps = (10.0, 1650.0, 0.0)
    rng = np.random.default_rng(3)
    dt_s = dt_ms * 1e-3
    noise = float(noise_params.accel_noise_mps2) * math.sqrt(dt_s)
    pushed_ms = 0
    for k in range(round(seconds * 10)):
        while pushed_ms < 100 * (k + 1):
            dv = bias * dt_s + noise * rng.standard_normal(3)
            bench.push(1, dt_ms=dt_ms, dv=as_tuple(dv), flags=flags)
            pushed_ms += dt_ms
        bench.step()
    return bench


@pytest.mark.parametrize(("dt_ms", "free_fall_s"), [(50, 1.0), (50, 5.0), (30, 1.0), (70, 2.0)])
def test_free_fall_calibrates_the_accelerometers(dt_ms, free_fall_s):
    bench = fall(60.0, BIAS, FREE_FALL, dt_ms, free_fall_s)
    sigma = np.sqrt(np.diag(bench.grid.P)[BA0 : BA0 + 3])
    found = np.array(bench.grid.nominal.accel_bias_B_mps2)
    assert np.all(np.abs(found - BIAS) < 3.0 * sigma)
    # averaging: noise over the root of time, and the sigma at the start as a measurement
    noise, start = 9.80665e-5, 4.903e-5
    assert sigma == pytest.approx(1.0 / math.sqrt(60.0 / noise**2 + 1.0 / start**2), rel=0.05)
    assert np.all(np.abs(found) > 2.5 * sigma)


def test_in_free_fall_no_bias_moves_the_estimate():
    plain, biased = fall(5.0, 0.0 * BIAS, FREE_FALL), fall(5.0, 100.0 * BIAS, FREE_FALL)
    assert biased.grid.nominal.r_BM_I_m.tobytes() == plain.grid.nominal.r_BM_I_m.tobytes()
    assert biased.grid.nominal.v_BM_I_mps.tobytes() == plain.grid.nominal.v_BM_I_mps.tobytes()


def test_under_thrust_nothing_is_calibrated():
    bench = fall(10.0, BIAS, 0)
    start2 = float(bench.params.navigation.filter.accel_bias_sigma_mps2) ** 2
    assert np.all(bench.grid.nominal.accel_bias_B_mps2 == 0.0)
    assert np.diag(bench.grid.P)[BA0 : BA0 + 3] == pytest.approx([start2] * 3, rel=1e-12)


def test_free_fall_interrupted_by_thrust_restarts_the_average():
    bench = Bench()
    for _ in range(10):
        bench.push(18, dt_ms=50, dv=(1e-5, 0.0, 0.0), flags=FREE_FALL)  # 0.9 s
        bench.push(2, dt_ms=50, dv=(0.0, 0.0, 0.1))
        for _ in range(10):
            bench.step()
    assert np.all(bench.grid.nominal.accel_bias_B_mps2 == 0.0)


# --- anchoring ---------------------------------------------------------------------------


def test_an_uplinked_state_spreads_position_radially_and_across():
    bench = Bench()
    bench.grid.k = -1
    up = np.array([0.48, -0.6, 0.64])
    start = NOMINAL.new(r_BM_I_m=1.75e6 * up, q_IB=UPRIGHT_ON_X)
    site = bench.params.site
    sigmas = Sigmas(300.0, 40.0, 0.2, 1e-3)
    anchor(bench.grid, 7, start, sigmas, bench.params.navigation.filter, site)
    P = np.array(bench.grid.P)
    across = np.cross(up, (0.0, 0.0, 1.0))
    across /= np.linalg.norm(across)
    assert up @ P[:3, :3] @ up == pytest.approx(300.0**2)
    assert across @ P[:3, :3] @ across == pytest.approx(40.0**2)
    assert up @ P[:3, :3] @ across == pytest.approx(0.0, abs=1e-6)
    assert P[3:9, 3:9] == pytest.approx(np.diag([0.04] * 3 + [1e-6] * 3))
    assert P[HT, HT] == float(site.height_sigma_m) ** 2
    noise = bench.params.navigation.filter
    tilt2, scale2 = float(noise.misalignment_sigma_rad) ** 2, float(noise.scale_sigma) ** 2
    assert np.diag(P)[16:] == pytest.approx([tilt2, tilt2, scale2, tilt2, scale2, tilt2])


def test_a_second_uplink_keeps_what_was_learnt_of_biases_and_terrain():
    bench = ready_to_fuse_and_step()
    bench.grid.nominal.gyro_bias_B_radps = (1e-6, 2e-6, 3e-6)
    bench.grid.nominal.accel_bias_B_mps2 = BIAS
    bench.grid.nominal.terrain_m = 12.5
    learnt = np.diag(bench.grid.P)[9:].copy()
    start = NOMINAL.new(r_BM_I_m=(1.75e6, 0.0, 0.0), q_IB=UPRIGHT_ON_X)
    sigmas = Sigmas(1.0, 2.0, 3.0, 4.0)
    anchor(bench.grid, 9, start, sigmas, bench.params.navigation.filter, bench.params.site)
    nominal = bench.grid.nominal
    assert nominal.gyro_bias_B_radps.tolist() == [1e-6, 2e-6, 3e-6]
    assert nominal.accel_bias_B_mps2.tolist() == BIAS.tolist()
    assert nominal.terrain_m == 12.5
    expected = np.diag(np.concatenate([[1.0, 4.0, 4.0], [9.0] * 3, [16.0] * 3, learnt]))
    assert bench.grid.P == pytest.approx(expected)
    assert (int(bench.grid.trust.locked), int(bench.grid.k)) == (0, 9)
