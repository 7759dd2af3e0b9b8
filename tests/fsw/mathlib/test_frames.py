"""Law: frames and gravity by hand: matrices of the almanac, and a potential's gradient."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsw.mathlib.frames import q_FI_at, q_FL_at, up_at
from fsw.models.gravity import gravity_mps2, tidal_tensor_scale
from fsw.models.onboard import MOON_BELIEF
from tests.fsw.byhand import inertial_to_fixed, local_to_fixed, matrix_of

S = 1_000_000_000
MOON = MOON_BELIEF.new()

latitudes = st.floats(-89.0, 89.0)
longitudes = st.floats(-360.0, 360.0)
times_ns = st.integers(0, 10_000 * S)


@given(st.floats(0.0, 1e-4), times_ns)
def test_the_moon_turns_eastwards_about_its_pole(omega, t_ns):
    found = matrix_of(q_FI_at(omega, t_ns))
    assert np.allclose(found, inertial_to_fixed(omega, t_ns), rtol=0.0, atol=1e-14)


def test_a_star_over_the_prime_meridian_moves_westwards_in_the_fixed_frame():
    quarter_ns = 100 * S
    omega = 0.5 * math.pi / 100.0
    assert np.allclose(matrix_of(q_FI_at(omega, quarter_ns)) @ (1.0, 0.0, 0.0), (0.0, -1.0, 0.0))


@given(latitudes, longitudes)
@example(0.0, 0.0)
@example(89.0, 180.0)
@example(-89.0, -180.0)
@example(0.0, 180.0)
def test_the_local_frame_is_east_north_up(latitude, longitude):
    expected = local_to_fixed(latitude, longitude)
    found = matrix_of(q_FL_at(latitude, longitude))
    assert np.allclose(found, expected, rtol=0.0, atol=1e-14)
    assert np.allclose(up_at(latitude, longitude), expected[:, 2], rtol=0.0, atol=1e-15)


# --- gravity -----------------------------------------------------------------------------


def potential(moon, r):
    """Vallado, section 8.6: V = -GM/r [1 - J2 (R/r)^2 (3 s^2 - 1) / 2]."""
    size = np.linalg.norm(r)
    s = r[2] / size
    oblate = moon.j2 * (moon.gravity_radius_m / size) ** 2 * (1.5 * s * s - 0.5)
    return -moon.gm_m3ps2 / size * (1.0 - oblate)


def gradient(function, r, step):
    columns = []
    for axis in np.eye(3):
        columns.append((function(r + step * axis) - function(r - step * axis)) / (2.0 * step))
    return np.array(columns).T


def place(latitude, longitude, height):
    return (MOON.radius_m + height) * local_to_fixed(latitude, longitude)[:, 2]


def as_tuple(a):
    return tuple(float(part) for part in a)


@given(latitudes, longitudes, st.floats(-5e3, 1e6))
@example(0.0, 0.0, 0.0)
@example(89.0, 0.0, 0.0)
@example(-45.0, 120.0, 2e4)
def test_gravity_is_minus_the_gradient_of_the_potential(latitude, longitude, height):
    moon = MOON_BELIEF.new(j2=0.02)  # a hundred Moons, so that its sign and shape show
    r = place(latitude, longitude, height)
    expected = -gradient(lambda at: potential(moon, at), r, 50.0)
    assert np.allclose(gravity_mps2(moon, as_tuple(r)), expected, rtol=0.0, atol=1e-8)


def test_gravity_of_the_moon_is_that_of_the_almanac():
    # 1.6243 m/s^2 at the mean radius, a little more inwards at the equator's J2 bulge
    g = gravity_mps2(MOON, (float(MOON.radius_m), 0.0, 0.0))
    assert g[0] == pytest.approx(-1.6243 * (1.0 + 1.5 * 2.0323e-4), abs=1e-4)
    assert g[1:] == (0.0, 0.0)


@given(latitudes, longitudes, st.floats(-5e3, 1e6))
def test_the_tide_is_the_gradient_of_central_gravity(latitude, longitude, height):
    moon = MOON_BELIEF.new(j2=0.0)
    r = place(latitude, longitude, height)
    k, u = tidal_tensor_scale(moon, as_tuple(r))
    expected = gradient(lambda at: np.array(gravity_mps2(moon, as_tuple(at))), r, 100.0)
    found = k * (3.0 * np.outer(u, u) - np.eye(3))
    assert np.allclose(found, expected, rtol=0.0, atol=1e-6 * k)


@pytest.mark.parametrize("r", [(0.0, 0.0, 0.0), (0.5, -0.5, 0.5), (5e-324, 0.0, 0.0)])
def test_at_the_moons_centre_gravity_is_zero(r):
    assert gravity_mps2(MOON, r) == (0.0, 0.0, 0.0)
    assert tidal_tensor_scale(MOON, r) == (0.0, (0.0, 0.0, 0.0))
