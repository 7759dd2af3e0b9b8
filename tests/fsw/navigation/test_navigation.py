"""Table: uplinked states, stamps of another clock, and the estimate in the site's frame."""

import math

import numpy as np
import pytest

from fsw.executive.state import PARAMS
from fsw.interface.messages import RANGE_SAMPLE
from tests.fsw.byhand import about, inertial_to_fixed, local_to_fixed, matrix_of
from tests.fsw.computer import TICK_NS, Computer, above_the_site, names, state_vector

S = 1_000_000_000


# --- uplinked states ---------------------------------------------------------------------


def taken(now_ticks, **fields):
    """Whether an uplink is taken; where it is not, navigation must not have changed."""
    computer = Computer()
    computer.ticks(3)
    computer.n = now_ticks
    update = above_the_site(1000.0)
    for name, value in fields.items():
        update[name] = value
    before = computer.core.navigation.tobytes()
    events = names(computer.tick(nav_update=update))
    untouched = computer.core.navigation.tobytes() == before
    assert ("nav_updated" in events) == (not untouched)
    return not untouched


@pytest.mark.parametrize(
    ("t_ns", "expected"), [(0, True), (5 * S, True), (-1, False), (5 * S + 1, False)]
)
def test_an_uplinked_state_is_at_most_five_seconds_old(t_ns, expected):
    assert taken(500, t_ns=t_ns) == expected


def test_an_uplinked_state_that_is_too_old_is_refused():
    assert taken(600, t_ns=S)
    assert not taken(600, t_ns=S - 1)


def corrupted(vector, place, value):
    found = np.array(above_the_site(1000.0)[vector])
    found[place] = value
    return {vector: found}


@pytest.mark.parametrize(
    "fields",
    [
        *[corrupted("r_BM_I_m", 1, bad) for bad in (math.nan, math.inf, -math.inf, 1e300, 7e7)],
        *[corrupted("v_BM_I_mps", 2, bad) for bad in (math.nan, math.inf, 1e5)],
        *[corrupted("q_IB", 3, bad) for bad in (math.nan, -math.inf, 0.5)],
        {"q_IB": (0.0, 0.0, 0.0, 0.0)},
        {"r_BM_I_m": (0.0, 0.0, 0.0)},
        {"r_BM_I_m": (1000.0, 0.0, 0.0)},
        {"sigma_radial_m": math.nan},
        {"sigma_horizontal_m": -1.0},
        {"sigma_velocity_mps": math.inf},
        {"sigma_attitude_rad": 4.0},
    ],
)
def test_an_implausible_uplinked_state_is_refused(fields):
    assert not taken(500, t_ns=5 * S, **fields)


def test_an_uplinked_state_is_carried_back_to_the_grid_and_forward_to_now():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0, v_down_mps=50.0))
    computer.n = 20
    epoch_ns = 140_000_000
    update = above_the_site(900.0, v_down_mps=80.0)
    update.t_ns = epoch_ns
    computer.tick(nav_update=update)
    grid = computer.core.navigation.grid.nominal
    assert int(grid.t_ns) == 100_000_000
    radius = float(computer.params.moon.radius_m)
    g = float(computer.params.moon.gm_m3ps2) / radius**2
    back_s = 0.04
    height = float(grid.r_BM_I_m[0]) - radius
    assert height == pytest.approx(900.0 + 80.0 * back_s - 0.5 * g * back_s**2, abs=1e-4)
    assert grid.v_BM_I_mps[0] == pytest.approx(-80.0 + g * back_s, abs=1e-3)


# --- stamps of another clock -------------------------------------------------------------


def test_stamps_of_a_mapped_clock_are_turned_into_flight_time():
    computer = Computer()
    computer.tick(nav_update=above_the_site(1000.0))
    computer.core.navigation.timebase.count = 1
    computer.core.navigation.timebase.offset_ns = 1000 * S
    computer.n = 100
    stamp_ns = 950_000_000
    computer.tick(ranges=[RANGE_SAMPLE.new(t_ns=1000 * S + stamp_ns, range_m=900.0, valid=1)])
    history = computer.state.history
    assert int(history.range_end) - int(history.range_first) == 1
    assert int(history.ranges[0].t_ns) == stamp_ns


# --- the estimate ------------------------------------------------------------------------

LATITUDE, LONGITUDE, HEIGHT_M, TICK = 34.0, -71.0, 250.0, 6000


def at_the_site(r_L, v_L, q_LB):
    """The flight software's estimate, a minute into the flight, of a state given in L."""
    made = PARAMS.new()
    made.site.latitude_deg, made.site.longitude_deg = LATITUDE, LONGITUDE
    made.site.height_m = HEIGHT_M
    t_ns = TICK * TICK_NS
    omega = float(made.moon.omega_radps)
    R_IL = inertial_to_fixed(omega, t_ns).T @ local_to_fixed(LATITUDE, LONGITUDE)
    centre = np.array([0.0, 0.0, float(made.moon.radius_m) + HEIGHT_M])
    r_I = R_IL @ (np.array(r_L) + centre)
    v_I = R_IL @ np.array(v_L) + np.cross((0.0, 0.0, omega), r_I)
    computer = Computer(made=made)
    computer.n = TICK
    R_IB = R_IL @ matrix_of(q_LB)
    computer.tick(nav_update=state_vector(r_I, v_I, t_ns, quaternion_of(R_IB)))
    return computer.core.estimate, made


def quaternion_of(R):
    """Eigenvector of the rotation: its axis, and the angle from the trace; away from half turns."""
    w = 0.5 * math.sqrt(1.0 + np.trace(R))
    v = np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]]) / (4.0 * w)
    return (w, *v)


PLACE, SPEED = (120.0, -340.0, 900.0), (15.0, -7.0, -22.0)
LEAN = about((0.6, 0.8, 0.0), 0.4)


def test_the_estimate_is_given_in_the_frame_of_a_site_that_turns_with_the_moon():
    estimate, _ = at_the_site(PLACE, SPEED, LEAN)
    assert int(estimate.t_ns) == TICK * TICK_NS
    assert estimate.r_BL_L_m == pytest.approx(PLACE, abs=1e-6)
    assert estimate.v_BL_L_mps == pytest.approx(SPEED, abs=1e-8)
    assert np.abs(matrix_of(estimate.q_LB) - matrix_of(LEAN)).max() < 1e-12


def test_the_altitude_is_that_of_the_footpads_above_the_ground_below():
    estimate, made = at_the_site(PLACE, SPEED, LEAN)
    radius = float(made.moon.radius_m) + HEIGHT_M
    distance = math.hypot(PLACE[0], PLACE[1], PLACE[2] + radius)
    up = np.array([PLACE[0], PLACE[1], PLACE[2] + radius]) / distance
    assert estimate.altitude_m == pytest.approx(distance - radius - 1.2, abs=1e-6)
    assert estimate.up_L == pytest.approx(up, abs=1e-12)
    assert estimate.v_down_mps == pytest.approx(-up @ np.array(SPEED), abs=1e-9)


def test_the_altitude_is_as_uncertain_as_height_and_ground_together():
    estimate, made = at_the_site(PLACE, SPEED, LEAN)
    ground = float(made.site.height_sigma_m)
    assert estimate.sigma_altitude_m == pytest.approx(math.hypot(100.0, ground), rel=1e-9)
    assert estimate.sigma_v_down_mps == pytest.approx(0.1, rel=1e-9)
    assert estimate.range_age_s == -1.0
