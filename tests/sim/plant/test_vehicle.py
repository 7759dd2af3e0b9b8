"""The rigid body against physics: orbits, tops, rockets, and the integrator's own order."""

import numpy as np
import pytest

from fsw.models.gravity import gravity_mps2
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.plant.initial_conditions import place, transfer_orbit
from sim.plant.world import StartKind
from tests.sim.worlds import coast, copy_of, undispersed_world, vector


def in_orbit(**start):
    world = undispersed_world()
    world.start.kind = StartKind.ORBIT
    world.start.altitude_m = 1e5
    for name, value in start.items():
        world.start[name] = value
    place(world)
    return world


def kepler(r0, v0, gm, t):
    """Position after t on a two-body ellipse, by Kepler's equation (Battin, section 4.3)."""
    r, v2, rv = np.linalg.norm(r0), v0 @ v0, r0 @ v0
    a = 1.0 / (2.0 / r - v2 / gm)
    mean = np.sqrt(gm / a**3) * t
    ec, es = 1.0 - r / a, rv / np.sqrt(gm * a)
    e = mean
    for _ in range(60):
        f = e - ec * np.sin(e) + es * (1.0 - np.cos(e)) - mean
        e -= f / (1.0 - ec * np.cos(e) + es * np.sin(e))
    c = a / r * (np.cos(e) - 1.0) + 1.0
    g = t + np.sqrt(a**3 / gm) * (np.sin(e) - e)
    return c * r0 + g * v0


def test_a_low_orbit_closes_within_a_metre():
    world = in_orbit()
    world.moon.j2 = 0.0
    r0, v0 = vector(world.truth.r_BM_I_m), vector(world.truth.v_BM_I_mps)
    steps = int(2.0 * transfer_orbit(world)[1] * 100)
    coast(world, steps, 0.01)
    expected = kepler(r0, v0, world.moon.gm_m3ps2, steps * 0.01)
    assert np.linalg.norm(vector(world.truth.r_BM_I_m) - expected) < 0.01


def test_an_orbit_in_coarse_steps_converges_with_the_fourth_order():
    start = in_orbit()
    start.moon.j2 = 0.0
    r0, v0 = vector(start.truth.r_BM_I_m), vector(start.truth.v_BM_I_mps)
    expected = kepler(r0, v0, start.moon.gm_m3ps2, 3200.0)
    errors = []
    for dt in (200.0, 100.0, 50.0):
        world = copy_of(start)
        coast(world, int(3200.0 / dt), dt)
        errors.append(np.linalg.norm(vector(world.truth.r_BM_I_m) - expected))
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all((orders > 3.7) & (orders < 5.2))


def test_the_transfer_orbit_has_its_perilune_at_pdi():
    world = in_orbit(downrange_m=4e5)
    world.moon.j2 = 0.0
    wait_s = transfer_orbit(world)[1]
    coast(world, int(wait_s), 1.0)
    coast(world, 1, wait_s - int(wait_s))
    r = vector(world.truth.r_BM_I_m)
    angle = world.moon.omega_radps * wait_s  # the site has moved on meanwhile
    site = np.array([np.cos(angle), np.sin(angle), 0.0])
    assert np.linalg.norm(r) - world.moon.radius_m == pytest.approx(2e4, abs=0.5)
    away = np.arccos(r @ site / np.linalg.norm(r)) * world.moon.radius_m
    assert away == pytest.approx(4e5, abs=2.0)


def test_gravity_is_the_slope_of_the_oblate_potential():
    moon = undispersed_world().moon

    def potential(r):
        n = np.linalg.norm(r)
        s = r[2] / n
        oblate = 0.5 * moon.j2 * (moon.gravity_radius_m / n) ** 2 * (3.0 * s * s - 1.0)
        return -moon.gm_m3ps2 / n * (1.0 - oblate)

    r = np.array([1.1e6, -0.7e6, 1.2e6])
    slope = [(potential(r + d) - potential(r - d)) / 200.0 for d in 100.0 * np.eye(3)]
    assert np.allclose(gravity_mps2(moon, tuple(r)), -np.array(slope), atol=2e-9)


def test_the_oblate_moon_turns_the_node_at_the_secular_rate():
    world = undispersed_world()
    gm, radius = world.moon.gm_m3ps2, 1.8374e6
    tilt = np.radians(50.0)
    speed = np.sqrt(gm / radius)
    world.truth.r_BM_I_m = (radius, 0.0, 0.0)
    world.truth.v_BM_I_mps = (0.0, speed * np.cos(tilt), speed * np.sin(tilt))
    n = np.sqrt(gm / radius**3)
    per_orbit = int(2.0 * np.pi / n)

    def mean_node():
        nodes = []
        for _ in range(per_orbit // 10):
            h = np.cross(vector(world.truth.r_BM_I_m), vector(world.truth.v_BM_I_mps))
            nodes.append(np.arctan2(h[0], -h[1]))
            coast(world, 10, 1.0)
        return np.mean(nodes)

    first = mean_node()
    coast(world, 9 * per_orbit, 1.0)
    rate = (mean_node() - first) / (10.0 * per_orbit)
    ratio = world.moon.gravity_radius_m / radius
    assert rate == pytest.approx(-1.5 * n * world.moon.j2 * ratio**2 * np.cos(tilt), rel=0.01)


def test_a_free_top_keeps_its_angular_momentum_and_energy():
    world = undispersed_world()
    inertia = np.array([420.0, 300.0, 180.0])
    world.vehicle.inertia_full_kgm2 = inertia
    world.vehicle.inertia_dry_kgm2 = inertia
    world.truth.r_BM_I_m = (1.8e6, 0.0, 0.0)
    world.truth.omega_BI_B_radps = (0.05, 0.2, -0.1)

    def momentum_and_energy():
        w = vector(world.truth.omega_BI_B_radps)
        return turned(world.truth.q_IB, inertia * w), 0.5 * w @ (inertia * w)

    momentum, energy = momentum_and_energy()
    coast(world, 100_000, 0.01)
    after, energy_after = momentum_and_energy()
    assert np.linalg.norm(after - momentum) < 1e-9 * np.linalg.norm(momentum)
    assert abs(energy_after - energy) < 1e-9 * energy


def turned(q, v):
    """q v q* as a matrix written out by hand."""
    w, x, y, z = (float(part) for part in q)
    matrix = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(matrix) @ v


def burning(thrust_N=1600.0):
    world = undispersed_world()
    world.truth.r_BM_I_m = (1.8e6, 0.0, 0.0)
    world.truth.propellant_kg = 380.0
    world.truth.thrust_N = thrust_N
    world.actuators.thrust_target_N = thrust_N
    return world


def test_a_burn_obeys_the_rocket_equation():
    world = burning()
    world.moon.gm_m3ps2 = 0.0
    world.errors.isp = 1.01
    coast(world, 50_000, 0.01)
    mass_ratio = 720.0 / (340.0 + world.truth.propellant_kg)
    expected = 315.0 * 1.01 * STANDARD_GRAVITY_MPS2 * np.log(mass_ratio)
    assert np.linalg.norm(world.truth.v_BM_I_mps) == pytest.approx(expected, rel=1e-9)


def test_thrust_off_axis_turns_the_vehicle_by_arm_times_force():
    world = burning()
    world.errors.thrust_axis_B_rad = (1e-3, 0.0)
    world.errors.cm_B_m = (0.0, 2e-3)
    coast(world, 1, 0.01)
    # full tanks: engine 0.8 m below the centre of mass; lateral offset turns about x
    torque = np.array([-2e-3 * 1600.0, -0.8 * 1e-3 * 1600.0, 0.0])
    expected = torque / np.array([420.0, 420.0, 300.0]) * 0.01
    assert np.allclose(vector(world.truth.omega_BI_B_radps)[:2], expected[:2], rtol=1e-3)


def test_inertia_follows_the_propellant():
    for propellant, inertia in ((380.0, 420.0), (190.0, 325.0), (0.0, 230.0)):
        world = burning(0.0)
        world.truth.propellant_kg = propellant
        world.actuators.torque_B_Nm = (40.0, 0.0, 0.0)
        coast(world, 1, 1e-3)
        assert world.truth.omega_BI_B_radps[0] == pytest.approx(0.04 / inertia, rel=1e-5)


def test_the_integrator_converges_with_the_fourth_order():
    world = burning(100.0)
    world.truth.omega_BI_B_radps = (0.4, 0.3, -0.2)
    world.actuators.thrust_target_N = 1600.0
    world.actuators.torque_B_Nm = (5.0, -10.0, 2.0)
    world.vehicle.inertia_full_kgm2 = (420.0, 300.0, 200.0)

    def ended(dt):
        run = copy_of(world)
        coast(run, int(round(8.0 / dt)), dt)
        truth = run.truth
        return np.concatenate([truth.v_BM_I_mps, truth.q_IB, truth.omega_BI_B_radps])

    best = ended(1.0 / 256.0)
    errors = [np.linalg.norm(ended(dt) - best) for dt in (1.0 / 8.0, 1.0 / 16.0, 1.0 / 32.0)]
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all((orders > 3.8) & (orders < 4.3))
