"""Speeds below which no law slows the descent: without ranges, and when propellant is short."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.executive.state import PARAMS
from fsw.guidance.blind_descent import (
    descent_floor,
    descent_time,
    hold_speed,
    is_blind,
    search_plan,
    touch_speed,
)
from fsw.guidance.stopping_distance import stopping_distance
from fsw.models.propulsion import delta_v_left
from fsw.navigation.estimate import ESTIMATE

G = 1.62
FULL_N, EXHAUST_MPS, DRY_KG = 1600.0, 3089.1, 340.0
PARAM = PARAMS.new()
STEP_S = 0.1


def estimate_at(height_m, sigma_m, mass_kg=400.0, v_down=15.0, sigma_v=0.25, age_s=-1.0):
    """An estimate; without ranges unless an age is given."""
    made = ESTIMATE.new(mass_kg=mass_kg, range_age_s=age_s, v_down_mps=v_down)
    made.altitude_m = made.altitude_hi_m = made.altitude_blind_m = height_m
    made.altitude_lo_m = height_m - float(PARAM.descent.k_sigma) * sigma_m
    made.sigma_altitude_m = made.sigma_blind_m = sigma_m
    made.sigma_v_down_mps = sigma_v
    return made


def floor(estimate, params=PARAM):
    accel = FULL_N / float(estimate.mass_kg)
    return descent_floor(params, estimate, accel, G)[0]


def descend_blind(height_m, sigma_m, kg, until_m=-1e4, params=PARAM):
    """Descend at the floor's speed from an estimated height; rows of (height, speed, kg left)."""
    rows, mass = [], DRY_KG + kg
    v = floor(estimate_at(height_m, sigma_m, mass), params)
    while mass > DRY_KG and height_m > until_m:
        before = v
        v = floor(estimate_at(height_m, sigma_m, mass, v), params)
        height_m -= v * STEP_S
        mass *= math.exp(-(G * STEP_S + before - v) / EXHAUST_MPS)
        rows.append((height_m, v, mass - DRY_KG))
    return np.array(rows)


def test_delta_v_left_is_the_rocket_equation():
    left = delta_v_left(PARAM.vehicle, 400.0)
    assert left == pytest.approx(EXHAUST_MPS * math.log(400.0 / DRY_KG), rel=1e-9)
    assert delta_v_left(PARAM.vehicle, 300.0) == 0.0


@pytest.mark.parametrize(
    ("age_s", "blind"), [(-1.0, True), (0.0, False), (2.9, False), (3.1, True)]
)
def test_blind_is_no_range_yet_or_none_for_long(age_s, blind):
    assert is_blind(PARAM.letdown, estimate_at(500.0, 50.0, age_s=age_s)) == blind


def test_the_hold_speed_stops_from_a_lock_at_its_height():
    for mass in (350.0, 400.0):
        accel = FULL_N / mass
        v = hold_speed(PARAM.letdown, accel, G)
        lock_m = float(PARAM.letdown.lock_height_m)
        assert stopping_distance(v, 0.95 * accel - G, 0.4) < lock_m


def test_the_touch_speed_leaves_room_for_its_own_error():
    for sigma_v in (0.1, 0.25, 0.5):
        v = touch_speed(PARAM.letdown, estimate_at(100.0, 200.0, sigma_v=sigma_v))
        assert v + 0.8 * sigma_v < 2.0
    assert touch_speed(PARAM.letdown, estimate_at(100.0, 200.0, sigma_v=9.0)) == 1.0


@pytest.mark.parametrize("sigma_m", [50.0, 150.0, 240.0, 500.0, 800.0])
def test_propellant_lasts_to_a_ground_three_sigma_below(sigma_m):
    flown = descend_blind(3.0 * sigma_m, sigma_m, kg=52.0, until_m=-3.0 * sigma_m)
    assert flown[-1, 0] <= -3.0 * sigma_m
    assert flown[-1, 2] * EXHAUST_MPS / DRY_KG > flown[-1, 1]  # enough to stop


@pytest.mark.parametrize("sigma_m", [50.0, 150.0, 240.0, 500.0, 800.0, 1100.0, 3000.0])
def test_a_first_range_at_300_m_always_stops(sigma_m):
    flown = descend_blind(3.0 * sigma_m, sigma_m, kg=52.0)
    for _, v, kg in flown[flown[:, 2] > 5.0]:
        accel = FULL_N / (DRY_KG + kg)
        # half a second until the first lock
        assert v * 0.5 + stopping_distance(v, 0.95 * accel - G, 0.4) < 300.0


def test_kilometres_up_the_floor_is_never_slow():
    flown = descend_blind(2400.0, 800.0, kg=52.0)
    assert min(flown[flown[:, 0] > 500.0][:, 1]) > 10.0


def test_the_estimated_ground_is_met_at_touch_speed_in_the_middle_of_the_window():
    flown = descend_blind(700.0, 240.0, kg=52.0)
    slow = flown[flown[:, 1] < 1.9]
    assert slow[:, 0].max() == pytest.approx(-slow[:, 0].min(), abs=40.0)
    assert np.ptp(slow[:, 0]) > 200.0
    outside = flown[(flown[:, 0] > slow[:, 0].max() + 150.0)]
    assert outside[:, 1] == pytest.approx(15.0, abs=0.5)
    below = flown[(flown[:, 0] < slow[:, 0].min() - 5.0) & (flown[:, 2] > 3.0)]
    assert min(below[:, 1]) >= 14.0


def test_more_propellant_makes_the_window_wider():
    widths = []
    for kg in (30.0, 40.0, 50.0):
        flown = descend_blind(700.0, 240.0, kg)
        slow = flown[(flown[:, 1] < 1.9) & (flown[:, 0] > -300.0)]
        widths.append(np.ptp(slow[:, 0]) if len(slow) else 0.0)
    assert widths[0] < widths[1] < widths[2]


def test_a_window_that_would_be_too_narrow_is_left_out():
    flown = descend_blind(2400.0, 800.0, kg=52.0, until_m=-2200.0)
    assert min(flown[:, 1]) > 10.0
    # 20 s to spare would be 17 m to either side of the estimates ground
    search, top_m = search_plan(PARAM.letdown, estimate_at(2400.0, 800.0), 340.0, 28.0, 1.5)
    assert search == pytest.approx(4800.0 / 340.0)
    assert top_m < -1e6


def test_far_below_the_estimated_ground_the_descent_continues():
    assert floor(estimate_at(-3000.0, 200.0, mass_kg=350.0)) >= 15.0
    assert floor(estimate_at(-3000.0, 200.0, mass_kg=341.0, v_down=1.0)) >= 1.0


def test_a_small_uncertainty_leaves_the_terminal_descent_unchanged():
    assert floor(estimate_at(5.0, 1.0, v_down=1.2)) == pytest.approx(1.2)
    assert floor(estimate_at(13.0, 1.0, v_down=1.2)) == pytest.approx(1.2)


def test_with_ranges_and_propellant_the_floor_is_touchdown_speed():
    for height in (10.0, 100.0, 1000.0):
        estimate = estimate_at(height, 0.5, mass_kg=380.0, v_down=1.0, age_s=0.1)
        assert floor(estimate) <= max(1.2, height / 150.0)


def test_with_little_propellant_and_ranges_the_descent_is_faster():
    plenty = floor(estimate_at(100.0, 0.5, mass_kg=380.0, v_down=1.0, age_s=0.1))
    little = floor(estimate_at(100.0, 0.5, mass_kg=344.0, v_down=1.0, age_s=0.1))
    assert plenty == pytest.approx(1.2)
    assert 4.0 < little < math.sqrt(2.0 * 0.9 * (0.95 * FULL_N / 344.0 - G) * 100.0)
    low = floor(estimate_at(1.0, 0.1, mass_kg=341.0, v_down=1.0, age_s=0.1))
    assert low <= 2.0


def test_without_a_clock_the_floor_is_touchdown_speed_for_any_mass():
    as_flown = PARAMS.new()
    as_flown.letdown.clock = 0.0
    as_flown.descent.k_sigma = 0.0
    for mass in (341.0, 400.0):
        for height in (-100.0, 5.0, 3000.0):
            assert floor(estimate_at(height, 240.0, mass), as_flown) == 1.2


estimates = st.builds(
    estimate_at,
    st.floats(-1e7, 1e7),
    st.floats(0.0, 1e6),
    st.floats(0.0, 1e4),
    st.floats(-1e4, 1e4),
    st.floats(0.0, 1e4),
    st.sampled_from([-1.0, 0.1, 50.0]),
)


@given(estimates, st.floats(1e-3, 100.0))
def test_for_any_estimate_the_floor_is_a_speed_within_reach(estimate, accel):
    p = PARAM
    v, decel = descent_floor(p, estimate, accel, G)
    assert math.isfinite(v) and math.isfinite(decel)
    assert v >= 1.2 and decel >= 0.0
    assert descent_time(p.letdown, p.vehicle, estimate, G) >= 1.0
    search, top_m = search_plan(p.letdown, estimate, 100.0, 20.0, 1.5)
    assert 1.5 <= search <= 20.0 and math.isfinite(top_m)
