"""Law: the range expected, by triangles; its row, by differences of the range itself."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fsw.filter.range_model import beam_B, predict_range
from fsw.filter.strapdown import NOMINAL
from fsw.models.onboard import MOON_BELIEF, VEHICLE_BELIEF
from tests.fsw.byhand import about, turned

MOON = MOON_BELIEF.new()
VEHICLE = VEHICLE_BELIEF.new()
RADIUS_M = float(MOON.radius_m)
BELOW_M = float(VEHICLE.range_below_cm_m)
Y = (0.0, 1.0, 0.0)
UPRIGHT_ON_X = about(Y, 0.5 * math.pi)  # body z to inertial x, body x to inertial -z


def over_x(height_m, q=UPRIGHT_ON_X, terrain_m=0.0):
    """A vehicle above the point where the inertial x axis leaves the ground."""
    return NOMINAL.new(r_BM_I_m=(RADIUS_M + height_m, 0.0, 0.0), q_IB=q, terrain_m=terrain_m)


def leaning(tilt_deg):
    """Upright on x, then tilted about inertial y: a positive tilt sends the beam towards +z_I."""
    return turned(UPRIGHT_ON_X, (0.0, math.radians(tilt_deg), 0.0))


def range_of(nominal, vehicle=VEHICLE):
    hits, range_m, *_ = predict_range(MOON, vehicle, nominal)
    assert hits == 1
    return range_m


# --- by hand -----------------------------------------------------------------------------


def test_straight_down_the_range_is_the_height_of_the_instrument_above_the_ground():
    assert range_of(over_x(1000.0)) == pytest.approx(1000.0 - BELOW_M, abs=1e-6)
    assert range_of(over_x(1000.0, terrain_m=-120.0)) == pytest.approx(1120.0 - BELOW_M, abs=1e-6)


@pytest.mark.parametrize("tilt_deg", [-40.0, -5.0, 3.0, 30.0, 55.0])
def test_a_tilted_beam_is_a_triangle_with_the_moons_centre(tilt_deg):
    tilt = math.radians(tilt_deg)
    # the beam runs through the centre of mass: R^2 = d^2 + l^2 - 2 d l cos(tilt)
    d = RADIUS_M + 5000.0
    along = d * math.cos(tilt)
    whole = along - math.sqrt(along**2 - (d**2 - RADIUS_M**2))
    assert range_of(over_x(5000.0, leaning(tilt_deg))) == pytest.approx(whole - BELOW_M, abs=1e-5)


def test_the_point_hit_lies_on_the_ground_where_the_beam_points():
    hits, range_m, _, _, _, hit = predict_range(MOON, VEHICLE, over_x(5000.0, leaning(30.0), 40.0))
    assert hits == 1
    assert math.hypot(*hit) == pytest.approx(RADIUS_M + 40.0, abs=1e-6)
    # z_B tilted towards -z_I sends the beam, which is -z_B, towards +z_I
    assert hit[2] == pytest.approx((range_m + BELOW_M) * 0.5, rel=1e-6)
    assert hit[1] == 0.0


def test_a_canted_beam_leans_towards_body_x():
    vehicle = VEHICLE_BELIEF.new(range_cant_deg=20.0)
    origin, direction = beam_B(vehicle)
    assert origin == (0.0, 0.0, -BELOW_M)
    expected = (math.sin(math.radians(20.0)), 0.0, -math.cos(math.radians(20.0)))
    assert direction == pytest.approx(expected, abs=1e-15)
    hits, range_m, _, _, _, hit = predict_range(MOON, vehicle, over_x(500.0))
    assert hits == 1
    assert range_m == pytest.approx((500.0 - BELOW_M) / math.cos(math.radians(20.0)), rel=1e-4)
    assert hit[2] < 0.0  # body x points to -z_I


# --- what cannot be seen -----------------------------------------------------------------


@pytest.mark.parametrize("tilt_deg", [80.0, 90.0, 120.0, 180.0, -100.0])
def test_a_beam_past_the_horizon_or_upwards_hits_nothing(tilt_deg):
    nothing = (0.0, 0.0, 0.0)
    seen = predict_range(MOON, VEHICLE, over_x(20e3, leaning(tilt_deg)))
    assert seen == (0, 0.0, nothing, nothing, 0.0, nothing)


def test_a_beam_that_grazes_the_ground_is_not_used():
    # from low down the angle to the normal is the tilt: cos 72.5 deg is 0.3
    assert predict_range(MOON, VEHICLE, over_x(30.0, leaning(72.3)))[0] == 1
    assert predict_range(MOON, VEHICLE, over_x(30.0, leaning(72.8)))[0] == 0


def test_from_high_up_it_is_the_angle_at_the_ground_that_counts():
    # at 400 km a tilt of 45 deg meets the ground at asin(d/R sin 45 deg) = 60.5 deg; 55 deg at 75.5
    assert predict_range(MOON, VEHICLE, over_x(400e3, leaning(45.0)))[0] == 1
    assert predict_range(MOON, VEHICLE, over_x(400e3, leaning(52.0)))[0] == 0


# --- the row -----------------------------------------------------------------------------

tilts = st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7), st.floats(-3.0, 3.0))


def anywhere(height_m, tilt, terrain_m):
    """A vehicle above a place off every axis, leaning any way."""
    up = np.array([0.36, 0.48, 0.8])
    across = np.cross(up, (0.0, 0.0, 1.0))
    axis = np.cross((0.0, 0.0, 1.0), up)
    upright = about(axis / np.linalg.norm(axis), math.acos(0.8))
    lean = turned(upright, tilt[2] * up)
    lean = turned(lean, tilt[0] * across / np.linalg.norm(across))
    lean = turned(lean, tilt[1] * np.cross(up, across / np.linalg.norm(across)))
    return NOMINAL.new(r_BM_I_m=(RADIUS_M + height_m) * up, q_IB=lean, terrain_m=terrain_m)


def moved(nominal, axis=None, by=0.0, turn=None, terrain=0.0):
    copy = NOMINAL.from_bytes(nominal.tobytes())
    if axis is not None:
        copy.r_BM_I_m[axis] += by
    if turn is not None:
        copy.q_IB = turned(copy.q_IB, turn)
    copy.terrain_m = float(copy.terrain_m) + terrain
    return copy


@given(st.floats(5.0, 20e3), tilts, st.floats(-500.0, 500.0), st.floats(-20.0, 20.0))
def test_the_row_is_how_the_range_changes(height_m, tilt, terrain_m, cant_deg):
    vehicle = VEHICLE_BELIEF.new(range_cant_deg=cant_deg)
    nominal = anywhere(height_m + terrain_m, tilt, terrain_m)
    hits, range_m, d_r, d_theta, d_terrain, _ = predict_range(MOON, vehicle, nominal)
    assume(hits == 1 and abs(1.0 / d_terrain) > 0.4)

    def slope(change, step):
        plus, minus = (range_of(moved(nominal, **change(s)), vehicle) for s in (step, -step))
        return (plus - minus) / (2.0 * step)

    for i in range(3):
        found = slope(lambda s, i=i: {"axis": i, "by": s}, 1e-2)
        assert d_r[i] == pytest.approx(found, abs=1e-5)
        turn = np.eye(3)[i]
        found = slope(lambda s, turn=turn: {"turn": s * turn}, 1e-5)
        # the instrument's half metre from the centre of mass is left out
        assert d_theta[i] == pytest.approx(found, abs=2.0 * BELOW_M / 0.4 + 1e-4 * range_m)
    assert d_terrain == pytest.approx(slope(lambda s: {"terrain": s}, 1e-2), abs=1e-5)
    assert d_terrain <= -1.0 + 1e-12


def test_a_higher_vehicle_measures_more_and_higher_ground_less():
    _, _, d_r, _, d_terrain, _ = predict_range(MOON, VEHICLE, over_x(1000.0))
    assert d_r == pytest.approx((1.0, 0.0, 0.0), abs=1e-9)
    assert d_terrain == pytest.approx(-1.0, abs=1e-9)
