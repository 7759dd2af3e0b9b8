"""The inertial unit: ideal increments carry the truth, noise has its specified size."""

import numpy as np
import pytest

from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.framework.kernel import kernel
from fsw.interface.messages import ACTUATOR_COMMAND, IMU_SAMPLE
from fsw.interface.timing import TICK_NS
from fsw.mathlib.vectors import load3
from sim.plant.tick import advance, obey
from sim.sensors.imu import measure_imu, report_imu
from sim.sensors.records import IMU_ERRORS, IMU_READING, IMU_STATE, SENSOR_BOARD, SENSOR_TRUTH
from tests.sim.worlds import above_site, undispersed_world, vector
from tests.sums import gained

DEG = np.pi / 180.0
UG = 9.80665e-6
N = 200_000


@kernel
def record_readings(turns, gains, board, truth):
    for i in range(len(turns)):
        measure_imu(board, truth)
        for k in range(3):
            turns[i, k] = float(board.imu_reading.dtheta_B_rad[k])
            gains[i, k] = float(board.imu_reading.dv_B_mps[k])


def measured(n=N, seed=1, errors=None, dtheta=(0.0, 0.0, 0.0), dv=(0.0, 0.0, 0.0), **imu):
    imu = {"gyro_drift_degphprth": 0.0, "accel_drift_ugprth": 0.0, **imu}
    truth = SENSOR_TRUTH.new(dtheta_B_rad=dtheta, dv_B_mps=dv)
    turns, gains = np.zeros((n, 3)), np.zeros((n, 3))
    board = SENSOR_BOARD.new(seed=seed)
    board.imu_reading.dt_ns = TICK_NS
    for name, value in imu.items():
        board.sensors.imu[name] = value
    if errors is not None:
        board.imu_errors = errors
    record_readings(turns, gains, board, truth)
    return turns, gains, board


NOISELESS = {"gyro_walk_degprth": 0.0, "accel_walk_ugprtHz": 0.0}


def test_white_noise_has_the_specified_density():
    turns, gains, _ = measured()
    angle = 0.002 * DEG / 60.0 * np.sqrt(0.01)
    velocity = 10.0 * UG * np.sqrt(0.01)
    assert np.allclose(turns.std(axis=0) / angle, 1.0, atol=0.01)
    assert np.allclose(gains.std(axis=0) / velocity, 1.0, atol=0.01)


def test_angle_error_grows_with_the_square_root_of_time():
    turns, _, _ = measured()
    for seconds in (1, 10):
        sums = turns.reshape(-1, 100 * seconds, 3).sum(axis=1)
        walk = 0.002 * DEG / 60.0 * np.sqrt(seconds)
        spread = 4.0 / np.sqrt(2.0 * sums.size)
        assert sums.std() / walk == pytest.approx(1.0, abs=spread)


def test_axes_and_instruments_are_independent():
    turns, gains, _ = measured()
    correlations = np.corrcoef(np.hstack([turns, gains]).T) - np.eye(6)
    assert np.abs(correlations).max() < 4.5 / np.sqrt(N)
    assert abs(np.corrcoef(turns[1:, 0], turns[:-1, 0])[0, 1]) < 4.5 / np.sqrt(N)


def test_bias_scale_and_misalignment_are_what_was_drawn():
    errors = IMU_ERRORS.new()
    errors.gyro_bias_radps = (1e-3, 0.0, 0.0)
    errors.accel_bias_mps2 = (0.0, 2e-2, 0.0)
    errors.gyro_matrix[4] = 1.01
    errors.accel_matrix[2] = 0.02
    turns, gains, _ = measured(
        1000, errors=errors, dtheta=(0.0, 1e-3, 0.0), dv=(0.0, 0.0, 0.02), **NOISELESS
    )
    assert np.allclose(turns.mean(axis=0), (1e-5, 1.01e-3, 0.0), atol=1e-9)
    assert np.allclose(gains.mean(axis=0), (4e-4, 2e-4, 0.02), atol=1e-8)


def test_a_bias_walks_with_the_specified_rate():
    def bias_after(seed, n):
        _, _, board = measured(n, seed, gyro_drift_degphprth=0.6, accel_drift_ugprth=3.0)
        errors = board.imu_errors
        return vector(errors.gyro_bias_radps), vector(errors.accel_bias_mps2)

    for seconds in (10, 40):
        ends = np.array([bias_after(seed, 100 * seconds) for seed in range(200)])
        root_hours = np.sqrt(seconds / 3600.0)
        expected = (0.6 * DEG / 3600.0 * root_hours, 3.0 * UG * root_hours)
        assert np.allclose(ends.std(axis=(0, 2)) / expected, 1.0, atol=0.12)


def test_the_walk_of_a_bias_has_a_random_stream_of_its_own():
    noises, walks = [], []
    for seed in range(400):
        turns, gains, board = measured(1, seed, gyro_drift_degphprth=1.0, accel_drift_ugprth=1.0)
        errors = board.imu_errors
        noises.append(np.hstack([turns[0], gains[0]]))
        walks.append(np.hstack([errors.gyro_bias_radps, errors.accel_bias_mps2]))
    across = np.corrcoef(np.array(noises).T, np.array(walks).T)[:6, 6:]
    assert np.abs(across).max() < 4.5 / np.sqrt(400)


def test_rounding_is_carried_and_never_adds_up():
    dv = (0.0123456789, -3e-8, 1e-9)
    _, gains, _ = measured(10_000, dv=dv, **NOISELESS, velocity_quantum_mps=1e-4)
    assert np.allclose(gains.sum(axis=0), 1e4 * np.array(dv), atol=1e-4)
    assert np.abs(gains / 1e-4 - np.round(gains / 1e-4)).max() < 1e-3


def test_an_axis_beyond_its_limit_is_clipped_and_flagged():
    turns, _, board = measured(5, dtheta=(0.0, -0.05, 0.0), rate_max_radps=3.0)
    assert turns[-1, 1] == pytest.approx(-0.03)
    assert board.imu_reading.saturated == 1
    assert measured(5, dtheta=(0.0, -0.01, 0.0), rate_max_radps=3.0)[2].imu_reading.saturated == 0


def test_a_strapdown_on_ideal_increments_recovers_the_truth():
    world = above_site(undispersed_world(), 8000.0, v_up_mps=-60.0, propellant_kg=300.0)
    truth = world.truth
    world.errors.thrust_axis_B_rad = (2e-3, -1e-3)
    nominal = NOMINAL.new(r_BM_I_m=truth.r_BM_I_m, v_BM_I_mps=truth.v_BM_I_mps, q_IB=truth.q_IB)
    rng = np.random.default_rng(4)
    turned = 0.0
    for tick in range(6000):
        if tick % 100 == 0:
            command = ACTUATOR_COMMAND.new(throttle=rng.uniform(0.3, 1.0), engine_on=1)
            command.torque_B_Nm = rng.uniform(-20.0, 20.0, 3) - 20.0 * vector(
                truth.omega_BI_B_radps
            )
        obey(world, command)
        advance(world)
        ideal = world.sensor_inbox.truth
        ideal.t_ns = world.t_ns
        move(world.moon, nominal, ideal)
        turned += float(np.linalg.norm(ideal.dtheta_B_rad))
    assert turned > 3.0
    assert np.abs(vector(nominal.v_BM_I_mps) - vector(truth.v_BM_I_mps)).max() < 1e-3
    assert np.abs(vector(nominal.r_BM_I_m) - vector(truth.r_BM_I_m)).max() < 0.02
    assert np.abs(vector(nominal.q_IB) - vector(truth.q_IB)).max() < 1e-10


@kernel
def move(moon, nominal, ideal):
    strapdown(nominal, moon, int(ideal.t_ns), load3(ideal.dv_B_mps), load3(ideal.dtheta_B_rad))


def test_integrals_report_every_reading_to_half_a_count_however_large_they_grow():
    state, samples, dvs = IMU_STATE.new(velocity_B_mps=(2047.0, 0.0, -2047.9)), [], []
    rng = np.random.default_rng(3)
    for n in range(300):
        dv = rng.normal(0.0, 0.02, 3) + (0.016, 0.0, -0.016)
        state.count = n + 1
        sample = IMU_SAMPLE.new()
        report_imu(sample, state, IMU_READING.new(t_ns=n, dt_ns=TICK_NS, dv_B_mps=dv))
        samples.append(sample)
        dvs.append(dv)
    reported, _ = gained(samples)
    assert np.abs(reported - dvs[1:]).max() < 2.0**-20
    assert np.abs(reported.sum(axis=0) - np.sum(dvs[1:], axis=0)).max() < 2.0**-20
    assert [int(s.seq) for s in samples] == list(range(1, 301))
