"""Initial conditions: geometry of the start, and errors with the specified deviations."""

import numpy as np
import pytest

from sim.plant.initial_conditions import prepare
from sim.plant.world import DISPERSIONS, WORLD
from tests.sim.worlds import undispersed_world, vector

ARCSEC = np.pi / 180.0 / 3600.0
N = 300


def prepared(world):
    prepare(world)
    return world


@pytest.fixture(scope="module")
def many():
    return [prepared(WORLD.new(seed=seed)) for seed in range(N)]


def spread(samples):
    """Standard deviation about zero, and the most by which chance moves it (1 in 10,000)."""
    samples = np.array(samples)
    return np.sqrt((samples**2).mean()), 4.0 / np.sqrt(2.0 * samples.size)


def test_pdi_starts_level_before_the_site_at_the_specified_height_and_speed():
    world = undispersed_world()
    world.site.latitude_deg = 20.0
    world.site.longitude_deg = 60.0
    world.start.azimuth_deg = 90.0
    prepared(world)
    r, v = vector(world.truth.r_BM_I_m), vector(world.truth.v_BM_I_mps)
    lat, lon = np.radians(20.0), np.radians(60.0)
    site = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    radius = world.moon.radius_m
    assert np.linalg.norm(r) == pytest.approx(radius + 2e4, abs=1e-6)
    assert np.linalg.norm(v) == pytest.approx(1680.0)
    assert r @ v == pytest.approx(0.0, abs=1e-3)
    angle = 4.6e5 / radius
    assert np.allclose(r / np.linalg.norm(r), np.cos(angle) * site - np.sin(angle) * east)


def test_crossrange_moves_the_track_to_the_left():
    straight, beside = undispersed_world(), undispersed_world()
    beside.start.crossrange_m = 5000.0
    prepared(straight), prepared(beside)
    moved = vector(beside.truth.r_BM_I_m) - vector(straight.truth.r_BM_I_m)
    assert moved[2] == pytest.approx(5000.0, rel=0.05)  # heading east, left is north


def test_thrust_points_backwards_and_pitching_up_turns_about_y():
    world = prepared(undispersed_world())
    w, x, y, z = (float(part) for part in world.truth.q_IB)
    x_B = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)])
    z_B = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    r, v = vector(world.truth.r_BM_I_m), vector(world.truth.v_BM_I_mps)
    up, forward = r / np.linalg.norm(r), v / np.linalg.norm(v)
    assert np.allclose(z_B, -forward)
    assert np.allclose(x_B, -up)
    assert np.allclose(np.cross(z_B, x_B), np.cross(forward, up))


def test_without_dispersions_the_truth_is_what_the_ground_sends():
    world = prepared(undispersed_world())
    for field in ("r_BM_I_m", "v_BM_I_mps", "q_IB"):
        assert np.array_equal(world.truth[field], world.uplink.nominal[field])


def test_state_errors_have_the_specified_deviations(many):
    radial, horizontal, velocity, attitude = [], [], [], []
    for world in many:
        nominal = world.uplink.nominal
        up = vector(nominal.r_BM_I_m) / np.linalg.norm(nominal.r_BM_I_m)
        along = vector(nominal.v_BM_I_mps) / np.linalg.norm(nominal.v_BM_I_mps)
        moved = vector(world.truth.r_BM_I_m) - vector(nominal.r_BM_I_m)
        radial.append(moved @ up)
        horizontal += [moved @ along, moved @ np.cross(up, along)]
        velocity.append(vector(world.truth.v_BM_I_mps) - vector(nominal.v_BM_I_mps))
        attitude.append(2.0 * small_turn(nominal.q_IB, world.truth.q_IB))
    for samples, sigma in (
        (radial, 150.0),
        (horizontal, 300.0),
        (velocity, 0.05),
        (attitude, 10.0 * ARCSEC),
    ):
        found, chance = spread(samples)
        assert found / sigma == pytest.approx(1.0, abs=chance)
    assert many[0].uplink.nominal.sigma_attitude_rad == pytest.approx(10.0 * ARCSEC)


def small_turn(q, p):
    """Vector part of q* p, by hand."""
    w, u = float(q[0]), vector(q[1:])
    return w * vector(p[1:]) - float(p[0]) * u - np.cross(u, vector(p[1:]))


def test_vehicle_and_instrument_errors_have_the_specified_deviations(many):
    def drawn(pick):
        return [pick(world) for world in many]

    off_diagonal = [1, 2, 3, 5, 6, 7]
    for samples, sigma in (
        (drawn(lambda w: w.errors.thrust - 1.0), 0.01),
        (drawn(lambda w: w.errors.isp - 1.0), 0.005),
        (drawn(lambda w: w.errors.mass - 1.0), 0.005),
        (
            drawn(lambda w: vector(w.board.imu_errors.gyro_bias_radps)),
            0.005 * 3600.0 * ARCSEC / 3600.0,
        ),
        (drawn(lambda w: vector(w.board.imu_errors.accel_bias_mps2)), 5.0 * 9.80665e-6),
        (drawn(lambda w: vector(w.board.imu_errors.gyro_matrix)[::4] - 1.0), 30e-6),
        (drawn(lambda w: vector(w.board.imu_errors.accel_matrix)[off_diagonal]), 10.0 * ARCSEC),
        (drawn(lambda w: w.errors.site_height_m), 30.0),
        (drawn(lambda w: vector(w.errors.slope)), 0.01),
    ):
        found, chance = spread(samples)
        assert found / sigma == pytest.approx(1.0, abs=chance)


def test_the_mass_error_holds_for_propellant_too(many):
    for world in many[:5]:
        assert world.truth.propellant_kg == pytest.approx(380.0 * world.errors.mass)


@pytest.mark.parametrize("name", ["thrust", "altitude_m", "site_height_m"])
def test_one_dispersion_changes_no_other_draw(name):
    world, other = WORLD.new(seed=7), WORLD.new(seed=7)
    other.dispersions[name] = 0.0
    prepared(world), prepared(other)
    assert np.array_equal(world.board.imu_errors.gyro_matrix, other.board.imu_errors.gyro_matrix)
    assert np.array_equal(world.truth.v_BM_I_mps, other.truth.v_BM_I_mps)
    assert world.errors.isp == other.errors.isp


def test_a_world_without_dispersions_is_without_errors():
    assert set(DISPERSIONS.fields) == set(undispersed_world().dispersions.dtype.names)
    world = prepared(undispersed_world())
    errors = world.errors
    assert (errors.thrust, errors.isp, errors.mass) == (1.0, 1.0, 1.0)
    assert np.array_equal(world.board.imu_errors.accel_matrix, np.eye(3).ravel())
