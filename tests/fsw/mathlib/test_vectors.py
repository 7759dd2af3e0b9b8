"""Law: vectors and quaternions against matrices written out by hand."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    clamp,
    cross3,
    dot3,
    norm3,
    quat_between,
    quat_conj,
    quat_mul,
    quat_of_axes,
    quat_of_rotation,
    quat_unit,
    rotate,
    scale3,
    sub3,
    unit3,
    unrotate,
)
from tests.fsw.byhand import about, matrix_about

parts = st.floats(-1e3, 1e3)
vectors = st.tuples(parts, parts, parts)
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _length(a):
    return math.sqrt(sum(x * x for x in a))


def _direction(a):
    return tuple(x / _length(a) for x in a)


directions = (
    st.tuples(*[st.floats(-1.0, 1.0)] * 3).filter(lambda a: _length(a) > 0.1).map(_direction)
)
angles = st.floats(-2.0 * math.pi, 2.0 * math.pi)
turns = st.tuples(directions, angles)


def assert_same_rotation(p, q, tolerance):
    sign = 1.0 if sum(a * b for a, b in zip(p, q, strict=True)) > 0.0 else -1.0
    assert max(abs(a - sign * b) for a, b in zip(p, q, strict=True)) < tolerance


# --- vectors -----------------------------------------------------------------------------


@given(vectors, vectors, parts)
def test_vector_arithmetic_is_that_of_arrays(a, b, s):
    u, v = np.array(a), np.array(b)
    assert np.array_equal(add3(a, b), u + v)
    assert np.array_equal(sub3(a, b), u - v)
    assert np.array_equal(scale3(a, s), u * s)
    assert np.array_equal(add_scaled3(a, b, s), u + v * s)
    assert np.allclose(cross3(a, b), np.cross(u, v), rtol=0.0, atol=1e-9)
    assert abs(dot3(a, b) - u @ v) < 1e-9
    assert abs(norm3(a) - np.linalg.norm(u)) <= 1e-12 * norm3(a)


def test_the_cross_product_is_right_handed():
    assert (cross3(X, Y), cross3(Y, Z), cross3(Z, X)) == (Z, X, Y)


@given(vectors.filter(lambda a: _length(a) > 1e-100))
def test_a_unit_vector_has_length_one_and_keeps_the_direction(a):
    u = unit3(a)
    assert abs(_length(u) - 1.0) < 1e-14
    assert abs(dot3(u, a) / _length(a) - 1.0) < 1e-14


@pytest.mark.parametrize("tiny", [0.0, -0.0, 5e-324, 1e-200])
def test_the_unit_vector_of_zero_is_zero(tiny):
    assert unit3((tiny, 0.0, tiny)) == (0.0, 0.0, 0.0)
    assert quat_unit((0.0, tiny, tiny, 0.0)) == (1.0, 0.0, 0.0, 0.0)


@given(parts, parts, parts)
def test_clamp_keeps_within_the_limits(x, a, b):
    lo, hi = min(a, b), max(a, b)
    assert clamp(x, lo, hi) == min(max(x, lo), hi)


# --- rotations ---------------------------------------------------------------------------


@given(turns, vectors)
def test_rotate_is_the_rotation_matrix_and_unrotate_its_transpose(turn, v):
    q, R = about(*turn), matrix_about(*turn)
    assert np.allclose(rotate(q, v), R @ v, rtol=0.0, atol=1e-11)
    assert np.allclose(unrotate(q, v), R.T @ v, rtol=0.0, atol=1e-11)


def test_a_quarter_turn_about_z_takes_x_to_y():
    q = about(Z, 0.5 * math.pi)
    assert np.allclose(rotate(q, X), Y, atol=1e-15)
    assert np.allclose(rotate(q, Y), (-1.0, 0.0, 0.0), atol=1e-15)
    assert np.allclose(unrotate(q, Y), X, atol=1e-15)


@given(turns, turns, vectors)
def test_a_product_applies_its_right_factor_first(first, second, v):
    q_AC = quat_mul(about(*second), about(*first))
    R_AC = matrix_about(*second) @ matrix_about(*first)
    assert np.allclose(rotate(q_AC, v), R_AC @ v, rtol=0.0, atol=1e-11)


def test_hamiltons_rule_holds():
    i, j, k = (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)
    assert (quat_mul(i, j), quat_mul(j, k), quat_mul(k, i)) == (k, i, j)
    assert quat_mul(i, i) == quat_mul(j, j) == quat_mul(k, k) == (-1.0, 0.0, 0.0, 0.0)


@given(turns)
def test_the_conjugate_undoes_a_rotation(turn):
    assert_same_rotation(
        quat_mul(about(*turn), quat_conj(about(*turn))), (1.0, 0.0, 0.0, 0.0), 1e-14
    )


@given(turns, st.floats(1e-3, 1e3))
def test_a_normalised_quaternion_keeps_its_rotation(turn, length):
    q = about(*turn)
    assert np.allclose(quat_unit(tuple(x * length for x in q)), q, rtol=0.0, atol=1e-14)


@given(directions, st.floats(0.0, 0.1))
@example(Z, 0.1)
@example(X, 0.0)
def test_the_quaternion_of_a_small_rotation_is_good_to_3e_11(axis, angle):
    q = quat_of_rotation(scale3(axis, angle))
    error = max(abs(a - b) for a, b in zip(q, about(axis, angle), strict=True))
    # the first dropped term goes with the fifth power
    assert error < 3e-11 * (angle / 0.1) ** 5 + 3e-16
    assert abs(_length(q) - 1.0) < 3e-16


# --- rotations from vectors --------------------------------------------------------------


@given(directions, directions)
@example(X, X)
@example(X, Y)
def test_the_shortest_rotation_takes_one_vector_to_the_other(a, b):
    q = quat_between(a, b)
    assert abs(_length(q) - 1.0) < 1e-14
    assert _length(sub3(rotate(q, a), b)) < 3e-6
    if dot3(a, b) > -0.99:
        assert _length(sub3(rotate(q, a), b)) < 1e-13
    assert abs(dot3(q[1:], a)) < 1e-8  # about an axis across a: no twist
    assert q[0] >= 0.0


@given(directions)
@example(X)
@example(Y)
@example(Z)
@example((-1.0, 0.0, 0.0))
@example(_direction((0.9, 0.1, 0.42)))
def test_opposite_vectors_are_half_a_turn_apart(a):
    q = quat_between(a, scale3(a, -1.0))
    assert abs(_length(q) - 1.0) < 1e-12
    assert _length(add3(rotate(q, a), a)) < 1e-12


@given(turns)
@example((X, math.pi))
@example((Y, math.pi))
@example((Z, math.pi))
@example((_direction((1.0, 1.0, 1.0)), math.pi))
@example((X, 0.0))
def test_the_axes_of_a_frame_give_its_attitude(turn):
    R = matrix_about(*turn)
    x, y, z = (tuple(float(part) for part in column) for column in R.T)
    assert_same_rotation(quat_of_axes(x, y, z), about(*turn), 1e-12)


@pytest.mark.parametrize("angle", [0.1, 2.0, 2.9, 3.3, -2.5])
@pytest.mark.parametrize("axis", [X, Y, Z, (0.8, 0.6, 0.0), (0.0, 0.6, -0.8), (-0.6, 0.0, 0.8)])
def test_every_branch_of_the_attitude_from_axes_agrees(axis, angle):
    R = matrix_about(axis, angle)
    x, y, z = (tuple(float(part) for part in column) for column in R.T)
    assert_same_rotation(quat_of_axes(x, y, z), about(axis, angle), 1e-14)
