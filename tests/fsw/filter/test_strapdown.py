"""Law: the strapdown against motions that have a closed form."""

import math

import numpy as np
import pytest

from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.mathlib.vectors import store3, store4
from fsw.models.onboard import MOON_BELIEF
from tests.fsw.byhand import about, cross_matrix, matrix_about, matrix_of

S = 1_000_000_000
ROUND = MOON_BELIEF.new(j2=0.0)
ATTITUDE = about((0.6, 0.0, -0.8), 1.1)


def state(r, v, q=(1.0, 0.0, 0.0, 0.0)):
    made = NOMINAL.new()
    store3(made.r_BM_I_m, tuple(float(part) for part in r))
    store3(made.v_BM_I_mps, tuple(float(part) for part in v))
    store4(made.q_IB, q)
    return made


def move(moon, nominal, steps, duration_s, rate_radps=(0.0, 0.0, 0.0), force_mps2=(0.0, 0.0, 0.0)):
    """Equal steps under a constant body rate and specific force; their total delta-v."""
    dt_s = duration_s / steps
    dtheta = tuple(float(part * dt_s) for part in rate_radps)
    dv = tuple(float(part * dt_s) for part in force_mps2)
    delta_v = np.zeros(3)
    for n in range(steps):
        end_ns = round((n + 1) * dt_s * S)
        delta_v += strapdown(nominal, moon, end_ns, dv, dtheta)
    return delta_v


# --- constant rotation and thrust, far from any mass -------------------------------------

NOWHERE = MOON_BELIEF.new(gm_m3ps2=0.0)
RATE = np.array([0.05, -0.12, 0.2])
FORCE = np.array([0.3, -0.2, 2.5])


def turned_force(t_s):
    """(velocity, position) from a force fixed in a body that turns steadily.

    Integrals of the matrix exp([w x] s) over time, once and twice, with K = [w x] / |w|.
    """
    w = float(np.linalg.norm(RATE))
    K = cross_matrix(RATE / w)
    a = w * t_s
    once = np.eye(3) * t_s + (1.0 - math.cos(a)) / w * K + (t_s - math.sin(a) / w) * K @ K
    twice = (
        np.eye(3) * t_s**2 / 2.0
        + (t_s - math.sin(a) / w) / w * K
        + (t_s**2 / 2.0 - (1.0 - math.cos(a)) / w**2) * K @ K
    )
    R = matrix_of(ATTITUDE)
    return R @ once @ FORCE, R @ twice @ FORCE


def spin_errors(steps, t_s=4.0):
    """Errors of position, velocity and attitude after a spin under thrust."""
    r0, v0 = np.array([2e6, 1e5, -3e5]), np.array([100.0, -50.0, 20.0])
    nominal = state(r0, v0, ATTITUDE)
    move(NOWHERE, nominal, steps, t_s, RATE, FORCE)
    dv, dr = turned_force(t_s)
    w = float(np.linalg.norm(RATE))
    R = matrix_of(ATTITUDE) @ matrix_about(RATE / w, w * t_s)
    return (
        np.linalg.norm(nominal.r_BM_I_m - (r0 + v0 * t_s + dr)),
        np.linalg.norm(nominal.v_BM_I_mps - (v0 + dv)),
        np.abs(matrix_of(nominal.q_IB) - R).max(),
    )


def test_a_turning_thrusting_body_follows_the_closed_form():
    position, velocity, attitude = spin_errors(400)
    assert position < 1e-5 and velocity < 5e-6 and attitude < 1e-12


def test_errors_shrink_with_the_square_of_the_step():
    coarse, fine = spin_errors(20), spin_errors(40)
    for k in (0, 1):
        assert 3.8 < coarse[k] / fine[k] < 4.2


def test_the_velocity_gained_is_returned_in_inertial_components():
    for moon in (NOWHERE, ROUND):  # gravity is no specific force
        nominal = state((2e6, 0.0, 0.0), (0.0, 0.0, 0.0), ATTITUDE)
        delta_v = move(moon, nominal, 400, 4.0, RATE, FORCE)
        assert np.allclose(delta_v, turned_force(4.0)[0], rtol=0.0, atol=5e-6)


def test_the_attitude_stays_a_unit_quaternion():
    nominal = state((2e6, 0.0, 0.0), (0.0, 0.0, 0.0), ATTITUDE)
    move(NOWHERE, nominal, 3000, 30.0, RATE, FORCE)
    assert abs(np.linalg.norm(nominal.q_IB) - 1.0) < 4e-16


def test_the_end_time_is_exact():
    nominal = state((2e6, 0.0, 0.0), (1.0, 0.0, 0.0))
    nominal.t_ns = 7
    strapdown(nominal, NOWHERE, 10_000_007, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert nominal.t_ns == 10_000_007
    assert nominal.r_BM_I_m[0] == pytest.approx(2e6 + 0.01, abs=1e-9)


# --- free fall ---------------------------------------------------------------------------


def kepler(r_perilune, eccentricity, t_s):
    """(position, velocity) after perilune, in the plane of motion with perilune on x."""
    gm = ROUND.gm_m3ps2
    a = r_perilune / (1.0 - eccentricity)
    n = math.sqrt(gm / a**3)
    E = n * t_s
    for _ in range(50):
        E = n * t_s + eccentricity * math.sin(E)
    b = a * math.sqrt(1.0 - eccentricity**2)
    rate = n / (1.0 - eccentricity * math.cos(E))
    r = np.array([a * (math.cos(E) - eccentricity), b * math.sin(E), 0.0])
    v = np.array([-a * math.sin(E) * rate, b * math.cos(E) * rate, 0.0])
    return r, v


PERILUNE_M, ECCENTRICITY = 1.7574e6, 0.0222
PLANE = matrix_about((0.36, 0.48, 0.8), 0.7)


def fall_errors(steps, t_s):
    r0, v0 = kepler(PERILUNE_M, ECCENTRICITY, 0.0)
    nominal = state(PLANE @ r0, PLANE @ v0)
    move(ROUND, nominal, steps, t_s)
    r, v = kepler(PERILUNE_M, ECCENTRICITY, t_s)
    return (
        np.linalg.norm(nominal.r_BM_I_m - PLANE @ r),
        np.linalg.norm(nominal.v_BM_I_mps - PLANE @ v),
    )


def test_free_fall_follows_keplers_arc():
    position, velocity = fall_errors(1000, 10.0)
    assert position < 1e-6 and velocity < 1e-7


def test_free_fall_converges_with_the_square_of_the_step():
    coarse, fine = fall_errors(50, 400.0), fall_errors(100, 400.0)
    for k in (0, 1):
        assert 3.8 < coarse[k] / fine[k] < 4.2
    assert fine[0] < 5.0
