"""The braking equations against closed forms of the rocket equation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.executive.state import PARAMS
from fsw.guidance.braking_law import (
    Aim,
    State,
    falling_accel,
    first_guess,
    steer,
    thrust_moments,
)
from fsw.models.onboard import MOON_BELIEF, SITE_BELIEF
from fsw.navigation.estimate import ESTIMATE

ON_THE_MOON, WEIGHTLESS = PARAMS.new(), PARAMS.new()
WEIGHTLESS.moon.gm_m3ps2 = WEIGHTLESS.moon.omega_radps = 0.0
MOON = MOON_BELIEF.new()
NORTH = SITE_BELIEF.new(latitude_deg=30.0, height_m=-1200.0)
TAU_S, T_S, ACCEL = 1400.0, 600.0, 2.1
EAST = (1.0, 0.0, 0.0)


def estimate_at(r, v):
    return ESTIMATE.new(r_BL_L_m=r, v_BL_L_mps=v)


def straight_burn(direction=EAST):
    """(estimate, gate) that even thrust against `direction` joins in T_S, in closed form.

    v gains a tau ln(tau/(tau - t)); the distance is its integral.
    """
    gain = ACCEL * TAU_S * math.log(TAU_S / (TAU_S - T_S))
    shed = ACCEL * TAU_S * (T_S - (TAU_S - T_S) * math.log(TAU_S / (TAU_S - T_S)))
    direction = np.array(direction)
    v_gate = 40.0
    v = (v_gate + gain) * direction
    r = -((v_gate + gain) * T_S - shed) * direction
    return estimate_at(r, v), State((0.0, 0.0, 0.0), tuple(v_gate * direction))


@given(st.floats(1.0, 900.0), st.floats(1000.0, 2000.0))
def test_moments_are_those_of_even_thrust(t, tau):
    t = min(t, 0.5 * tau)
    m0 = tau * math.log(tau / (tau - t))
    m1 = tau * (m0 - t)
    assert thrust_moments(t, tau) == pytest.approx((m0, m1, tau * (m1 - 0.5 * t * t)), rel=4e-4)


def test_a_straight_burn_is_found_from_a_guess_far_off():
    estimate, gate = straight_burn()
    aim = Aim(gate, EAST, TAU_S, 10.0)
    t, accel, mean, short = steer(WEIGHTLESS, estimate, aim, (450.0, 0.0), 30)
    assert t == pytest.approx(T_S, rel=1e-4)
    assert accel == pytest.approx((-ACCEL, 0.0, 0.0), rel=1e-3, abs=1e-6)
    assert mean == pytest.approx(ACCEL, rel=1e-3)
    assert short == 0.0


def test_the_time_to_go_converges_within_the_steps_of_a_cold_start():
    estimate, gate = straight_burn()
    state = State(tuple(estimate.r_BL_L_m), tuple(estimate.v_BL_L_mps))
    last = (first_guess(state, gate), 0.0)
    t, *_ = steer(WEIGHTLESS, estimate, Aim(gate, EAST, TAU_S, 10.0), last, 3)
    assert t == pytest.approx(T_S, rel=0.02)


def flown_to_the_gate(estimate, gate, accel_max, dt=0.1):
    """Fly the demanded thrust in weightless space; returns (r, v, throttle extremes, short)."""
    r, v = np.array(estimate.r_BL_L_m), np.array(estimate.v_BL_L_mps)
    t, short, tau, demanded = 0.0, 0.0, TAU_S, []
    t = first_guess(State(tuple(r), tuple(v)), gate)
    while t > 2.0:
        e = estimate_at(r, v)
        full = accel_max * TAU_S / tau
        t, accel, _, short = steer(WEIGHTLESS, e, Aim(gate, EAST, tau, full), (t, short), 1)
        push = np.array(accel) * min(1.0, full / np.linalg.norm(accel))
        demanded.append(np.linalg.norm(push) / full)
        r, v = r + dt * v + 0.5 * dt * dt * push, v + dt * push
        tau -= dt * np.linalg.norm(push) / full * accel_max / ACCEL
        t -= dt
    return r + t * v, v, (min(demanded), max(demanded)), short


def test_the_gate_is_reached_from_beside_the_straight_line():
    estimate, gate = straight_burn()
    estimate.r_BL_L_m += (0.0, 4000.0, 15000.0)
    r, v, throttle, short = flown_to_the_gate(estimate, gate, 1.05 * ACCEL)
    assert np.linalg.norm(r) < 10.0
    assert np.linalg.norm(v - gate.v_L_mps) < 2.5 * ACCEL * 2.0
    assert short == 0.0
    assert throttle[1] - throttle[0] < 0.08


def test_where_thrust_falls_short_the_gate_slides_downrange_only():
    estimate, gate = straight_burn()
    estimate.r_BL_L_m += (0.0, 4000.0, 15000.0)
    r, v, throttle, short = flown_to_the_gate(estimate, gate, 0.97 * ACCEL)
    assert short == 1.0
    assert throttle[0] > 0.97
    assert 3000.0 < r[0] < 40000.0
    assert abs(r[1]) < 20.0
    assert abs(r[2]) < 20.0
    assert np.linalg.norm(v - gate.v_L_mps) < 2.5 * ACCEL * 2.0


def test_falling_is_gravity_less_coriolis():
    r, v = np.array([3e5, -2e4, 1e4]), np.array([-900.0, 300.0, -50.0])
    centre = r + [0.0, 0.0, 1.7374e6 - 1200.0]
    lat = math.radians(30.0)
    spin = 2.6616995e-6 * np.array([0.0, math.cos(lat), math.sin(lat)])
    expected = -4.9028001e12 * centre / np.linalg.norm(centre) ** 3 - 2.0 * np.cross(spin, v)
    assert falling_accel(MOON, NORTH, tuple(r), tuple(v)) == pytest.approx(tuple(expected))


@given(st.floats(-2e6, 2e6), st.floats(-2e4, 2e5), st.floats(-2e3, 2e3), st.floats(0.5, 2000.0))
def test_no_state_makes_the_equations_blow_up(x, z, v, t):
    estimate = estimate_at((x, 0.0, z), (v, 0.0, 0.0))
    gate = State((-250.0, 0.0, 3900.0), (20.0, 0.0, -75.0))
    aim = Aim(gate, EAST, 1390.0, 2.2)
    t, accel, mean, _ = steer(ON_THE_MOON, estimate, aim, (t, 0.0), 3)
    assert all(math.isfinite(value) for value in (t, *accel, mean))
    assert t > 0.0
