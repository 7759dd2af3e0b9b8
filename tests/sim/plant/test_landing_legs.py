"""Legs against physics: weight, energy, friction, tipping; and what the touchdown record keeps."""

import numpy as np
import pytest

from sim.plant.truth_observer import observe_truth
from sim.plant.world import TRUTH_L
from tests.sim.worlds import above_site, flown, undispersed_world, vector

# on the equator, where the oblate term adds to gravity
GRAVITY = 4.9028001e12 / 1.7374e6**2 * (1.0 + 1.5 * 2.0323e-4)
ALL_LEGS = 0b1111


def felt(world):
    """Specific force of the last tick [m/s^2]."""
    return vector(world.sensor_inbox.truth.dv_B_mps) / 0.01


def test_a_lander_dropped_on_its_legs_settles_on_its_weight():
    world = flown(above_site(undispersed_world(), 0.5), 15.0)
    mass = 380.0
    assert world.truth.legs == ALL_LEGS
    assert felt(world)[2] * mass == pytest.approx(mass * GRAVITY, rel=1e-5)
    stroke = mass * GRAVITY / (4.0 * world.vehicle.leg_stiffness_Npm)
    assert world.truth.clearance_m == pytest.approx(-stroke, abs=1e-4)
    assert world.touchdown.settled_t_ns > 0
    assert world.touchdown.struck_t_ns == -1


def test_free_fall_is_felt_by_nothing():
    world = flown(above_site(undispersed_world(), 100.0), 5.0)
    assert np.all(felt(world) == 0.0)


def test_first_contact_has_the_speed_of_the_fall():
    world = flown(above_site(undispersed_world(), 0.5, v_up_mps=-1.0, v_east_mps=0.4), 5.0)
    touchdown = world.touchdown
    assert touchdown.v_down_mps == pytest.approx(np.sqrt(1.0 + 2.0 * GRAVITY * 0.5), abs=3e-3)
    assert touchdown.v_horizontal_mps == pytest.approx(0.4, abs=1e-3)
    fall_s = (touchdown.v_down_mps - 1.0) / GRAVITY
    assert touchdown.first_t_ns * 1e-9 == pytest.approx(fall_s, abs=2e-3)
    assert touchdown.miss_m == pytest.approx(0.4 * fall_s, abs=2e-3)
    assert touchdown.worst_v_down_mps >= touchdown.v_down_mps


def test_without_damper_and_friction_it_bounces_back_to_where_it_fell_from():
    world = undispersed_world()
    world.vehicle.leg_damping_Nspm = 0.0
    world.vehicle.friction = 0.0
    above_site(world, 0.5)
    highest = 0.0
    for _ in range(200):
        flown(world, 0.02)
        if world.touchdown.contacts == 1 and world.truth.legs == 0:
            highest = max(highest, world.truth.clearance_m)
    assert highest == pytest.approx(0.5, abs=2e-3)
    assert world.touchdown.contacts == 2


def test_the_ground_under_a_footpad_moves_with_the_moon_within_a_tick():
    world = undispersed_world()
    world.terrain.slope_east = 0.1  # the ground moves 46 mm a tick, on this slope 4.6 mm upwards
    flown(above_site(world, 0.1), 10.0)
    world.touchdown.worst_stroke_m = 0.0
    flown(world, 0.2)
    assert world.touchdown.worst_stroke_m == pytest.approx(-world.truth.clearance_m, abs=3e-4)


def on_a_slope(slope, friction, seconds):
    world = undispersed_world()
    world.terrain.slope_east = slope
    world.terrain.slope_reach_m = 1e5
    world.vehicle.friction = friction
    above_site(world, 0.3)
    flown(world, seconds)
    seen = TRUTH_L.new()
    observe_truth(seen, world)
    return seen


def test_friction_holds_a_lander_on_a_slope():
    seen = on_a_slope(0.1, 0.6, 12.0)
    creep = undispersed_world().vehicle.slip_mps * 0.1 / 0.6
    assert seen.v_horizontal_mps < 1.5 * creep
    assert seen.tilt_rad == pytest.approx(np.arctan(0.1), abs=0.01)


def test_without_friction_it_slides_down_with_g_sine_slope():
    early, late = on_a_slope(0.1, 0.0, 10.0), on_a_slope(0.1, 0.0, 12.0)
    slope = np.arctan(0.1)
    gained = (late.v_horizontal_mps - early.v_horizontal_mps) / 2.0 / np.cos(slope)
    assert gained == pytest.approx(GRAVITY * np.sin(slope), rel=0.02)


def test_sideways_speed_tips_it_over_and_a_slow_drift_does_not():
    drift = flown(above_site(undispersed_world(), 0.2, v_up_mps=-1.0, v_east_mps=0.8), 6.0)
    skid = flown(above_site(undispersed_world(), 0.2, v_up_mps=-1.0, v_east_mps=6.0), 6.0)
    assert np.degrees(drift.touchdown.rest_tilt_rad) < 1.0
    assert np.degrees(skid.touchdown.worst_tilt_rad) > 60.0
    assert skid.touchdown.struck_t_ns > 0


def test_it_rests_on_rough_ground_without_drifting_from_the_turning_moon():
    world = above_site(undispersed_world(flat=False), 1.0)
    flown(world, 20.0)
    seen = TRUTH_L.new()
    observe_truth(seen, world)
    assert world.touchdown.settled_t_ns > 0
    assert np.linalg.norm(seen.r_BL_L_m[:2]) < 0.3
    assert bin(world.truth.legs).count("1") >= 3


def test_a_fast_fall_ends_with_a_struck_hull_and_finite_numbers():
    world = flown(above_site(undispersed_world(), 30.0, v_up_mps=-30.0), 4.0)
    assert world.touchdown.v_down_mps > 30.0
    assert world.touchdown.struck_t_ns > world.touchdown.first_t_ns > 0
    assert np.all(np.isfinite(vector(world.truth.r_BM_I_m)))
