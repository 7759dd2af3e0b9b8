"""The stopping-distance law against integration and closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.guidance.stopping_distance import (
    DESCENT_PARAMS,
    Fall,
    assured_thrust,
    descent_command,
    lowest_altitude,
    profile_decel,
    speed_curve,
    stoppable_speed,
    stopping_distance,
    stopping_margin,
    usable_decel,
    v_cap,
)

G = 1.62
PARAMS = DESCENT_PARAMS.new()
heights = st.floats(0.0, 2e4)
TOUCHDOWN = (float(PARAMS.v_touchdown_mps), 0.0)
speeds = st.floats(0.0, 300.0)
decels = st.floats(0.02, 10.0)
delays = st.floats(0.0, 2.0)


def integrated_stop_m(v, a_d, t_d, dt=1e-4):
    """Height covered by waiting t_d at v, then slowing at a_d to rest."""
    h = v * t_d
    while v > 0.0:
        h += v * dt - 0.5 * a_d * dt * dt
        v -= a_d * dt
    return h


@pytest.mark.parametrize(("v", "a_d", "t_d"), [(83.0, 1.5, 0.4), (5.0, 0.3, 0.0), (40.0, 3.0, 1.0)])
def test_the_distance_is_what_integration_covers(v, a_d, t_d):
    assert stopping_distance(v, a_d, t_d) == pytest.approx(integrated_stop_m(v, a_d, t_d), abs=0.02)


def rocket_stop_m(v0, thrust_N, mass_kg, c):
    """Closed form at full thrust with falling mass: height to rest."""
    tau = mass_kg * c / thrust_N
    lo, hi = 0.0, 0.999 * tau
    for _ in range(200):
        t = 0.5 * (lo + hi)
        lo, hi = (t, hi) if v0 + G * t + c * math.log(1.0 - t / tau) > 0.0 else (lo, t)
    return v0 * t + 0.5 * G * t * t - c * (t + (tau - t) * math.log(1.0 - t / tau))


@pytest.mark.parametrize(
    ("ratio", "v", "known_m"), [(1.5, 66.0, 2524), (2.0, 83.0, 2049), (2.5, 150.0, 4420)]
)
def test_falling_mass_only_helps_the_law(ratio, v, known_m):
    mass = 500.0
    thrust = ratio * G * mass
    true_m = rocket_stop_m(v, thrust, mass, 2890.0)
    assert true_m == pytest.approx(known_m, abs=1.0)
    assert stopping_distance(v, thrust / mass - G, 0.0) > true_m
    assert stopping_distance(v, usable_decel(PARAMS, thrust / mass, G), 0.4) > true_m


def test_deceleration_counted_on_is_the_share_of_the_spare_one():
    assert usable_decel(PARAMS, 4.0, G) == pytest.approx(0.7 * (0.95 * 4.0 - G))
    assert usable_decel(PARAMS, 0.0, G) > 0.0
    as_flown = DESCENT_PARAMS.new(decel_max_mps2=1.0)
    assert usable_decel(as_flown, 4.0, G) == 1.0


@given(st.floats(0.01, 2e4), decels, delays)
def test_at_the_stoppable_speed_no_margin_is_left(h, a_d, t_d):
    v = stoppable_speed(h, a_d, t_d)
    assert abs(stopping_margin(h, v, a_d, t_d)) < 1e-6 * max(h, 1.0)


@given(heights, heights, decels)
def test_the_cap_rises_with_height_and_never_ends_below_touchdown_speed(h1, h2, a_d):
    low, high = v_cap(PARAMS, min(h1, h2), a_d), v_cap(PARAMS, max(h1, h2), a_d)
    assert float(PARAMS.v_touchdown_mps) <= low <= high


@given(st.floats(-1e4, 2e4), decels, st.floats(1.2, 300.0))
def test_the_curve_that_is_flown_lies_inside_the_cap(h, a_d, limit):
    wanted, _ = descent_command(PARAMS, Fall(limit, h, a_d, G), limit, TOUCHDOWN)
    assert wanted <= min(v_cap(PARAMS, h, a_d), limit)


def test_the_cap_ends_at_touchdown_speed_at_the_margin_height():
    h_m, v_td = float(PARAMS.h_margin_m), float(PARAMS.v_touchdown_mps)
    assert v_cap(PARAMS, h_m, 1.5) == pytest.approx(v_td)
    assert v_cap(PARAMS, h_m + 1.0, 1.5) > 1.1 * v_td


@given(st.floats(5.0, 1e4), decels, delays)
def test_the_profile_follows_its_own_curve(h, a_d, t_d):
    v = stoppable_speed(h, a_d, t_d)
    slope = (stoppable_speed(h + 0.01, a_d, t_d) - stoppable_speed(h - 0.01, a_d, t_d)) / 0.02
    assert profile_decel(v, v, a_d, t_d) == pytest.approx(v * slope, rel=1e-3, abs=1e-6)


def test_uncertainty_and_latency_lower_the_altitude():
    assert lowest_altitude(PARAMS, 1000.0, 50.0, 8.0) == 1000.0 - 3.0 * 50.0 - 8.0


@given(
    st.floats(20.0, 5000.0),
    st.floats(0.0, 1.0),
    st.floats(2.5, 5.0),
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=8),
)
def test_assurance_keeps_the_margin_for_any_command(h, share, full, asked):
    """At 10 Hz behind lag and dead time, with any nominal thrust; full thrust over mass constant.

    Dead time, lag and period are what t_d and the height reserved stand for: the margin above
    the ground itself stays positive, to 2 % and 0.4 m/s of touchdown speed.
    """
    a_d = usable_decel(PARAMS, full, G)
    v = share * v_cap(PARAMS, h, a_d)
    thrust, wanted, dead = G, G, [G] * 5
    for k in range(4000):
        if k % 10 == 0:
            nominal = min(asked[(k // 100) % len(asked)], full)
            wanted = min(assured_thrust(PARAMS, Fall(v, h, a_d, G), nominal, 1.2), full)
        dead.append(wanted)
        thrust += (dead.pop(0) - thrust) * 0.01 / 0.2
        v += (G - thrust) * 0.01
        h -= v * 0.01
        if h < 0.0 or v < 0.0:
            break
        spent = stopping_distance(v, a_d, 0.4)
        assert h + stopping_distance(1.6, a_d, 0.4) > 0.98 * spent
    assert h > 0.0 or v < 1.6


def test_assurance_leaves_a_safe_descent_alone():
    a_d = usable_decel(PARAMS, 4.0, G)
    for h in (15.0, 100.0, 1000.0, 3000.0):
        v, _ = descent_command(PARAMS, Fall(75.0, h, a_d, G), 75.0, TOUCHDOWN)
        _, decel = descent_command(PARAMS, Fall(v, h, a_d, G), 75.0, TOUCHDOWN)
        assert assured_thrust(PARAMS, Fall(v, h, a_d, G), G + decel, 1.2) == G + decel


@given(st.floats(1.0, 1e4), st.floats(0.0, 30.0), decels, delays)
def test_a_curve_slows_to_its_last_speed_at_its_end(h, v_end, a_d, t_s):
    assert speed_curve(v_end, v_end, 0.0, a_d, t_s)[0] == pytest.approx(v_end, abs=1e-6)
    v, decel = speed_curve(v_end, v_end, h, a_d, t_s)
    spent_m = stopping_distance(v, a_d, t_s) - stopping_distance(v_end, a_d, t_s)
    assert spent_m == pytest.approx(h, rel=1e-6, abs=1e-6)
    assert 0.0 <= decel <= a_d


def test_nothing_is_slowed_below_the_floor():
    wanted = descent_command(PARAMS, Fall(30.0, -500.0, 1.5, G), 75.0, (15.0, 0.3))
    assert wanted == (15.0, 0.3)
    assert assured_thrust(PARAMS, Fall(15.0, -500.0, 1.5, G), 1.0, 15.0) == 1.0
    assert assured_thrust(PARAMS, Fall(16.0, -500.0, 1.5, G), 1.0, 15.0) > G
