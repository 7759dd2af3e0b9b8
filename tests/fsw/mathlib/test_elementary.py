"""Law: each elementary function keeps the error that it states, over the domain that it states."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsw.mathlib.elementary import (
    LARGEST,
    SMALLEST_NORMAL,
    atan2,
    exp,
    floor_int,
    log,
    nearest_int,
    power_of_two,
    sin_cos,
    to_int,
)

# what the standard library itself may be wrong by, relative
LIBRARY = 1.2e-16

finite = st.floats(allow_nan=False, allow_infinity=False)


def neighbours(x):
    return (math.nextafter(x, -math.inf), x, math.nextafter(x, math.inf))


# --- sine and cosine ---------------------------------------------------------------------


def assert_sine_and_cosine(x):
    s, c = sin_cos(x)
    assert abs(s - math.sin(x)) < 4e-16
    assert abs(c - math.cos(x)) < 4e-16


@given(st.floats(-1e5, 1e5) | st.floats(-7.0, 7.0))
@example(0.0)
@example(1e-300)
@example(-1e5)
@example(1e5)
def test_sine_and_cosine_are_good_to_4e_16(x):
    assert_sine_and_cosine(x)


def test_sine_and_cosine_hold_where_octants_and_quadrants_meet():
    for k in [*range(-40, 41), 63_660, -63_660, 63_661, -63_659]:
        for x in neighbours(k * math.pi / 4.0):
            assert_sine_and_cosine(x)


def test_sine_of_a_tiny_angle_is_the_angle():
    for x in (0.0, 5e-324, 1e-160, -1e-9):
        assert sin_cos(x) == (x, 1.0)


# --- arc tangent -------------------------------------------------------------------------


@given(finite, finite)
@example(0.0, -1.0)
@example(-1.0, 0.0)
@example(1.0, 0.0)
@example(5e-324, 5e-324)
@example(LARGEST, -LARGEST)
@example(-LARGEST, 5e-324)
def test_arc_tangent_is_good_to_1e_15_in_every_quadrant(y, x):
    if not (y == 0.0 and math.copysign(1.0, y) < 0.0) and not (x == 0.0 and y == 0.0):
        assert abs(atan2(y, x) - math.atan2(y, x)) < 1e-15


@given(st.floats(-math.pi, math.pi), st.floats(1e-3, 1e3))
def test_arc_tangent_finds_the_angle_of_a_direction(angle, length):
    y, x = length * math.sin(angle), length * math.cos(angle)
    assert abs(atan2(y, x) - math.atan2(y, x)) < 1e-15


def test_the_origin_has_the_angle_zero_and_the_cut_belongs_to_plus_pi():
    assert [atan2(y, x) for y in (0.0, -0.0) for x in (0.0, -0.0)] == [0.0] * 4
    assert atan2(0.0, -1.0) == math.pi
    assert atan2(-0.0, -1.0) == math.pi


# --- powers, exponential, logarithm ------------------------------------------------------


def test_powers_of_two_are_exact():
    assert [power_of_two(k) for k in range(-1022, 1023)] == [
        math.ldexp(1.0, k) for k in range(-1022, 1023)
    ]


@given(st.floats(-700.0, 700.0))
@example(0.0)
@example(700.0)
@example(-700.0)
@example(1e-300)
@example(0.5 * math.log(2.0))
@example(-0.5 * math.log(2.0))
def test_the_exponential_is_good_to_1e_15_relative(x):
    assert abs(exp(x) / math.exp(x) - 1.0) < 1e-15 + LIBRARY


def test_the_exponential_is_clamped_instead_of_overflowing():
    assert exp(1e300) == exp(math.inf) == exp(700.0)
    assert exp(-1e300) == exp(-math.inf) == exp(-700.0) > 0.0


@given(st.floats(SMALLEST_NORMAL, LARGEST) | st.floats(0.5, 2.0))
@example(1.0)
@example(SMALLEST_NORMAL)
@example(LARGEST)
@example(math.sqrt(2.0))
@example(math.sqrt(0.5))
def test_the_logarithm_is_good_to_1e_15(x):
    exact = math.log(x)
    assert abs(log(x) - exact) < (1e-15 + LIBRARY) * max(1.0, abs(exact))


def test_the_logarithm_holds_about_every_power_of_two():
    for k in range(-1021, 1024):
        for x in neighbours(math.ldexp(1.0, k)):
            exact = math.log(x)
            assert abs(log(x) - exact) < (1e-15 + LIBRARY) * max(1.0, abs(exact))


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -math.inf, math.nan, 5e-324, 2e-308])
def test_the_logarithm_of_zero_is_finite(x):
    assert log(x) == -745.0


def test_the_logarithm_of_infinity_is_that_of_the_largest_number():
    assert log(math.inf) == log(LARGEST) < 710.0


# --- to integers -------------------------------------------------------------------------


@given(st.floats(), st.integers(-(2**53), 2**53), st.integers(0, 2**53))
@example(math.nan, -5, 10)
@example(math.inf, -5, 10)
@example(-math.inf, -5, 10)
@example(-4.9, -5, 10)
def test_to_int_clamps_first_and_truncates_then(x, lo, span):
    hi = lo + span
    found = to_int(x, float(lo), float(hi))
    assert lo <= found <= hi
    if math.isnan(x):
        assert found == lo
    elif lo <= x <= hi:
        assert found == int(x)
    else:
        assert found == (lo if x < lo else hi)


@given(st.floats(-(2.0**53) + 1.0, 2.0**53 - 1.0))
@example(-0.5)
@example(-1.0)
@example(-5e-324)
@example(0.9999999999999999)
def test_floor_int_is_the_floor(x):
    assert floor_int(x) == math.floor(x)


@given(st.floats(-(2.0**52) + 1.0, 2.0**52 - 1.0))
def test_nearest_int_is_nowhere_further_than_a_half(x):
    assert abs(float(nearest_int(x)) - x) <= 0.5 + 2.0**-52


def test_nearest_int_rounds_halves_upwards():
    assert [nearest_int(k + 0.5) for k in (-3.0, -1.0, 0.0, 1.0, 1e9)] == [-2, 0, 1, 2, 10**9 + 1]
