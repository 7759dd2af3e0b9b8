"""The survivability bound: its closed form against integration, what it excludes and what not."""

import math
from dataclasses import replace

import pytest

from sim.evaluation.survivability_bound import (
    Moment,
    heights_to_stop,
    moment_of,
    unsurvivable_reason,
)
from sim.evaluation.truthful_ranges import MOMENT
from sim.evaluation.verdict import LANDED_LIMITS
from sim.plant.world import WORLD

# the default vehicle with 60 kg left, plumb above the ground
HOVER = Moment(
    t_s=0.0,
    height_m=1000.0,
    v_down_mps=40.0,
    v_horizontal_mps=0.0,
    mass_kg=400.0,
    propellant_kg=60.0,
    thrust_N=1600.0,
    exhaust_mps=3089.1,
    gravity_mps2=1.62,
    radius_m=1.738e6,
)


def burn(moment, v_mps, until_slow, dt=2e-3):
    """Full thrust by Runge-Kutta steps: (height lost, propellant used, speed) until slow or dry."""
    flow = moment.thrust_N / moment.exhaust_mps
    height_lost, t = 0.0, 0.0

    def rise(s):
        return moment.gravity_mps2 - moment.thrust_N / (moment.mass_kg - flow * s)

    while flow * t < moment.propellant_kg:
        if until_slow and v_mps <= LANDED_LIMITS.v_down_mps:
            break
        a, b, c = rise(t), rise(t + 0.5 * dt), rise(t + dt)
        height_lost += v_mps * dt + (a + 2.0 * b) * dt * dt / 6.0
        v_mps += (a + 4.0 * b + c) * dt / 6.0
        t += dt
    return height_lost, flow * t, v_mps


@pytest.mark.parametrize("v_down", [5.0, 30.0, 66.0, 83.0])
@pytest.mark.parametrize("mass", [360.0, 410.0])
def test_the_least_height_is_what_integration_falls(v_down, mass):
    moment = replace(HOVER, v_down_mps=v_down, mass_kg=mass, propellant_kg=120.0)
    fallen, _, _ = burn(moment, v_down, until_slow=True)
    assert heights_to_stop(moment).least_m == pytest.approx(fallen, rel=1e-3, abs=0.02)


@pytest.mark.parametrize("propellant", [10.0, 20.0, 40.0])
def test_from_the_greatest_height_the_tanks_are_dry_at_touchdown(propellant):
    moment = replace(HOVER, propellant_kg=propellant)
    highest = heights_to_stop(moment).greatest_m
    low, high = moment.v_down_mps, 500.0
    for _ in range(40):  # speed at which a burn that empties the tanks ends at the limit
        middle = 0.5 * (low + high)
        _, _, left = burn(moment, middle, until_slow=False, dt=0.02)
        low, high = (middle, high) if left < LANDED_LIMITS.v_down_mps else (low, middle)
    braked, _, _ = burn(moment, low, until_slow=False, dt=0.02)
    fallen = (low**2 - moment.v_down_mps**2) / (2.0 * moment.gravity_mps2)
    assert highest == pytest.approx(fallen + braked, rel=5e-3)


def test_published_stops_are_met():
    # 500 kg, c = 2890 m/s: 1305 m from 66 m/s at twice the Moon's weight, to a standstill
    moment = replace(HOVER, mass_kg=500.0, propellant_kg=300.0, exhaust_mps=2890.0)
    doubled = replace(moment, thrust_N=2.0 * 500.0 * 1.62, v_down_mps=66.0)
    assert heights_to_stop(doubled).least_m == pytest.approx(1305.0, abs=1.5)


def test_a_fall_that_nothing_stops_is_excluded():
    reason = unsurvivable_reason(replace(HOVER, height_m=900.0, v_down_mps=120.0))
    assert reason is not None and "120.0 m/s" in reason and "900 m" in reason


def test_what_landers_are_flown_at_is_not_excluded():
    for height, speed in ((3000.0, 75.0), (900.0, 40.0), (100.0, 10.0), (0.0, 1.2)):
        assert unsurvivable_reason(replace(HOVER, height_m=height, v_down_mps=speed)) is None


def test_the_edge_is_the_height_of_the_closed_form():
    least = heights_to_stop(HOVER).least_m
    assert unsurvivable_reason(replace(HOVER, height_m=least * 0.999)) is not None
    assert unsurvivable_reason(replace(HOVER, height_m=least * 1.001)) is None


def test_too_little_propellant_for_the_descent_is_excluded():
    light = replace(HOVER, propellant_kg=8.0, v_down_mps=1.0)
    reason = unsurvivable_reason(replace(light, height_m=3000.0))
    assert reason is not None and "propellant lasts" in reason
    assert unsurvivable_reason(replace(light, height_m=300.0)) is None
    assert "from any height" in unsurvivable_reason(replace(light, v_down_mps=200.0))


def test_falling_is_landing_from_where_it_stays_slow():
    dead = replace(HOVER, thrust_N=0.0, v_down_mps=0.0)
    assert unsurvivable_reason(replace(dead, height_m=1.2)) is None
    assert unsurvivable_reason(replace(dead, height_m=1.3)) is not None


def test_a_lost_engine_counts_with_the_thrust_that_is_left():
    assert unsurvivable_reason(replace(HOVER, thrust_N=1200.0)) is None
    assert unsurvivable_reason(replace(HOVER, thrust_N=400.0)) is not None  # less than the weight


def test_an_orbit_is_no_fall_and_its_speed_must_be_paid():
    orbit = replace(
        HOVER,
        height_m=20_000.0,
        v_down_mps=0.0,
        v_horizontal_mps=1680.0,
        mass_kg=720.0,
        propellant_kg=380.0,
    )
    assert unsurvivable_reason(orbit) is None
    assert unsurvivable_reason(replace(orbit, propellant_kg=290.0)) is not None
    assert unsurvivable_reason(replace(orbit, thrust_N=0.0)) is not None


def test_horizontal_speed_is_paid_from_the_same_tanks():
    plumb = replace(HOVER, propellant_kg=15.0, height_m=1000.0)
    leaning = replace(plumb, v_horizontal_mps=95.0)
    assert unsurvivable_reason(plumb) is None and unsurvivable_reason(leaning) is not None
    budget = HOVER.exhaust_mps * math.log(400.0 / 385.0)
    assert budget > 95.0  # enough for either, not for both


def test_the_ground_in_question_is_the_lowest_flown_over():
    world, kept = WORLD.new(), MOMENT.new()
    kept.t_ns, kept.height_m, kept.clearance_m = 0, 501.2, 400.0  # ground at 100 m
    for at_the_end, height in ((100.0, 400.0), (300.0, 400.0), (-50.0, 550.0)):
        world.truth.ground_m, world.errors.site_height_m = at_the_end, 150.0
        assert moment_of(world, kept).height_m == pytest.approx(height)
    kept.t_ns = -1
    assert moment_of(world, kept) is None


def test_nothing_is_excluded_that_integration_lands():
    """Braking early, late and in between: whatever touches down in limits is left alone."""
    for v_down in (10.0, 40.0, 70.0):
        for wait_s in (0.0, 5.0, 15.0):
            moment = replace(HOVER, v_down_mps=v_down)
            v = v_down + moment.gravity_mps2 * wait_s
            fallen = v_down * wait_s + 0.5 * moment.gravity_mps2 * wait_s**2
            braked, used, left = burn(moment, v, until_slow=True)
            if left <= LANDED_LIMITS.v_down_mps and used <= moment.propellant_kg:
                assert unsurvivable_reason(replace(moment, height_m=fallen + braked + 0.1)) is None


def test_no_height_is_no_number_where_nothing_can_be_stopped():
    stop = heights_to_stop(replace(HOVER, v_down_mps=900.0))
    assert math.isnan(stop.least_m) and math.isnan(stop.greatest_m)
