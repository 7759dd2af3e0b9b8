"""Guidance flown: to the gate, to the ground, out of it; and for any estimate."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.executive.state import PARAMS
from fsw.guidance.abort import orbit_in_reach
from fsw.guidance.dispatch import GUIDANCE, guide
from fsw.interface.modes import Cue, Mode
from fsw.navigation.estimate import ESTIMATE
from tests.fsw.pointmass import GM, RADIUS_M, STEP_S, descent, fly, new_craft, on_orbit

PARAM = PARAMS.new()
DISPERSED = [
    {},
    {"thrust": 0.97},
    {"thrust": 1.05},
    {"mass_kg": 731.0},
    {"mass_kg": 709.0},
    {"r_error_m": (900.0, -900.0, 450.0)},
    {"r_error_m": (-900.0, 900.0, -450.0)},
]


def when(kept, mode):
    """First kept moment of a mode."""
    return kept[np.argmax(kept.mode == mode)]


@pytest.mark.parametrize("dispersion", DISPERSED)
def test_braking_ends_at_the_gate(dispersion):
    there = when(descent(**dispersion), Mode.APPROACH)
    assert there.r_L_m + there.r_error_m == pytest.approx((-250.0, 0.0, 3900.0), abs=60.0)
    assert there.v_L_mps == pytest.approx((20.0, 0.0, -75.0), abs=4.0)


@pytest.mark.parametrize("dispersion", DISPERSED)
def test_the_descent_ends_softly_above_the_site(dispersion):
    end = descent(**dispersion)[-1]
    place = end.r_L_m + end.r_error_m
    assert end.height_m <= 0.0
    assert np.hypot(*place[:2]) < 20.0
    assert np.hypot(*end.v_L_mps[:2]) < 0.1
    assert end.v_L_mps[2] == pytest.approx(-1.2, abs=0.2)
    assert end.mass_kg - 340.0 > 30.0


def test_the_vehicle_is_upright_below_2700_m():
    kept = descent()
    low = kept[(kept.mode >= Mode.APPROACH) & (kept.height_m < 2700.0)]
    assert min(low.guidance.thrust_dir_L[:, 2]) > math.cos(math.radians(15.0))


def test_the_stopping_margin_never_runs_out_in_the_descent():
    kept = descent()
    down = kept[(kept.mode == Mode.APPROACH) | (kept.mode == Mode.DESCENT)]
    assert min(down.guidance.stopping_margin_m) > 0.0
    assert max(down.guidance.assured) == 0


def test_short_thrust_lands_downrange_and_still_softly():
    kept = descent(thrust=0.9)
    there = when(kept, Mode.APPROACH)
    assert there.guidance.short == 1
    assert there.r_L_m[0] > 5000.0
    assert there.v_L_mps == pytest.approx((20.0, 0.0, -75.0), abs=6.0)
    assert kept[-1].v_L_mps == pytest.approx((0.0, 0.0, -1.2), abs=0.3)
    assert kept[-1].mass_kg > 340.0


def test_ignition_waits_for_the_throttle_and_follows_no_clock():
    late, early = (fly(new_craft(*on_orbit(angle)), last_mode=Mode.COAST) for angle in (0.36, 0.39))
    moved_s = early[-1].t_s - late[-1].t_s
    assert moved_s == pytest.approx(0.03 * (1.7374e6 + 20e3) / 1684.0, abs=0.3)
    throttle = late.guidance.even_throttle
    assert max(throttle[:-1]) < PARAM.guidance.ignition_throttle <= throttle[-1]


def one_run(estimate, mode, guidance=None, params=PARAM, scale=1.0):
    guidance = GUIDANCE.new() if guidance is None else guidance
    guide(guidance, params, estimate, mode, scale, STEP_S)
    return guidance


def falling(height_m, v_down_mps=30.0, place=(0.0, 0.0), drift=(0.0, 0.0)):
    """An estimate above the site, upright."""
    made = ESTIMATE.new(q_LB=(1.0, 0.0, 0.0, 0.0), up_L=(0.0, 0.0, 1.0), mass_kg=390.0)
    made.r_BL_L_m = (*place, height_m)
    made.v_BL_L_mps = (*drift, -v_down_mps)
    made.altitude_m = made.altitude_lo_m = height_m
    made.v_down_mps = v_down_mps
    return made


def test_no_ignition_when_flying_away_or_far_off():
    away = falling(20e3, 0.0, (-5.6e5, 0.0), (-1684.0, 0.0))
    far = falling(20e3, 0.0, (-9e5, 0.0), (1684.0, 0.0))
    for estimate in (away, far):
        guidance = GUIDANCE.new()
        for _ in range(30):
            assert int(one_run(estimate, Mode.COAST, guidance).cue) != Cue.IGNITION_POINT
    assert float(guidance.even_throttle) == 0.0


def test_far_off_the_attitude_is_held():
    far = falling(100e3, 0.0, (-9e5, 0.0), (1684.0, 0.0))
    far.q_LB = (0.6, 0.0, 0.8, 0.0)
    guidance = one_run(far, Mode.COAST)
    assert tuple(guidance.thrust_dir_L) == pytest.approx((0.96, 0.0, -0.28))
    assert tuple(guidance.side_L) == (0.0, 1.0, 0.0)


def test_pitching_up_needs_no_roll():
    kept = descent()
    burning = kept[kept.mode > Mode.COAST].guidance
    assert np.ptp(burning.side_L, axis=0) == pytest.approx(0.0, abs=1e-6)
    assert burning[-1].side_L == pytest.approx(np.cross(burning[-1].downrange_L, (0.0, 0.0, 1.0)))


@pytest.mark.parametrize(
    ("mode", "lean_deg"), [(Mode.APPROACH, 50.0), (Mode.DESCENT, 12.0), (Mode.TERMINAL, 4.0)]
)
def test_thrust_leans_no_further_than_the_phase_allows(mode, lean_deg):
    estimate = falling(10.0, 1.2, drift=(40.0, -30.0))
    p = PARAMS.new()
    p.guidance.decel_approach_mps2 = 5.0
    guidance = GUIDANCE.new()
    for _ in range(200):
        one_run(estimate, mode, guidance, params=p)
    lean = math.degrees(math.acos(guidance.thrust_dir_L[2]))
    assert lean == pytest.approx(lean_deg, abs=0.5)
    assert guidance.thrust_dir_L[0] < 0.0 < guidance.thrust_dir_L[1]


@pytest.mark.parametrize(
    ("mode", "height_m", "cue"),
    [
        (Mode.DESCENT, 11.9, Cue.LOW),
        (Mode.DESCENT, 12.1, Cue.NONE),
        (Mode.APPROACH, 11.9, Cue.NONE),
        (Mode.TERMINAL, 11.9, Cue.NONE),
        (Mode.TERMINAL, 24.1, Cue.HIGH),
    ],
)
def test_low_and_high_turn_on_the_terminal_height(mode, height_m, cue):
    estimate = falling(height_m, 1.2, drift=(9.0, 0.0))
    assert int(one_run(estimate, mode).cue) == cue


def test_approach_that_is_low_ends_once_its_drift_is_shed():
    assert int(one_run(falling(11.9, 1.2, drift=(3.9, 0.0)), Mode.APPROACH).cue) == Cue.LOW


@pytest.mark.parametrize(("forward_mps", "cue"), [(21.0, Cue.NONE), (19.0, Cue.NEAR_GATE)])
def test_braking_ends_where_it_is_as_slow_as_at_the_gate(forward_mps, cue):
    guidance = GUIDANCE.new(t_go_s=40.0, gate_m=3900.0)
    estimate = falling(9e3, 80.0, place=(-900.0, 0.0), drift=(forward_mps, 0.0))
    assert int(one_run(estimate, Mode.BRAKING, guidance).cue) == cue


@pytest.mark.parametrize(("forward_mps", "cue"), [(400.0, Cue.NONE), (200.0, Cue.NEAR_GATE)])
def test_a_gate_out_of_reach_ends_braking_once_slow_enough(forward_mps, cue):
    guidance = GUIDANCE.new(t_go_s=20.0, gate_m=3900.0)
    estimate = falling(9e3, 10.0, place=(-900.0, 0.0), drift=(forward_mps, 0.0))
    assert int(one_run(estimate, Mode.BRAKING, guidance).cue) == cue


def test_braking_pushes_upwards_first_where_the_ground_has_come_up():
    far = falling(9e3, 80.0, place=(-20e3, 0.0), drift=(400.0, 0.0))
    near = falling(9e3, 80.0, place=(-20e3, 0.0), drift=(400.0, 0.0))
    near.altitude_lo_m = 1500.0
    free, held = (one_run(e, Mode.BRAKING, GUIDANCE.new(t_go_s=90.0)) for e in (far, near))
    assert (int(free.assured), int(held.assured)) == (0, 1)
    full = 1600.0 / 390.0
    assert held.a_cmd_L_mps2[2] > free.a_cmd_L_mps2[2] + 1.0
    assert np.linalg.norm(held.a_cmd_L_mps2) <= full * (1.0 + 1e-9)
    assert held.a_cmd_L_mps2[0] <= 0.0


def test_braking_never_thrusts_downwards_for_a_gate_below():
    guidance = GUIDANCE.new(t_go_s=10.0, gate_m=3900.0)
    one_run(falling(9e3, 20.0, place=(-2e3, 0.0), drift=(300.0, 0.0)), Mode.BRAKING, guidance)
    assert guidance.a_brake_L_mps2[2] < 0.0
    assert guidance.a_cmd_L_mps2[2] == 0.0


def test_the_time_to_go_of_a_failed_engine_stays_finite():
    guidance = GUIDANCE.new(t_go_s=100.0, gate_m=3900.0)
    estimate = falling(12e3, 60.0, place=(-40e3, 0.0), drift=(600.0, 0.0))
    for _ in range(3000):
        one_run(estimate, Mode.BRAKING, guidance, scale=0.05)
    assert 0.0 < float(guidance.t_go_s) <= 2000.0
    assert finite(guidance)


@pytest.mark.parametrize(("sigma_m", "gate_m"), [(200.0, 3900.0), (800.0, 5000.0), (9e3, 7000.0)])
def test_the_gate_is_raised_by_the_uncertainty_of_the_altitude(sigma_m, gate_m):
    estimate = falling(20e3, 0.0, (-3e5, 0.0), (1684.0, 0.0))
    estimate.altitude_lo_m = 20e3 - 3.0 * sigma_m
    assert float(one_run(estimate, Mode.COAST).gate_m) == pytest.approx(gate_m)


def test_approach_goes_down_no_faster_than_it_sheds_its_drift():
    for drift, fastest in ((100.0, 14.0), (10.0, 75.0)):
        guidance = one_run(falling(1500.0, 20.0, drift=(drift, 0.0)), Mode.APPROACH)
        assert float(guidance.v_cmd_mps) == pytest.approx(fastest, abs=14.0)
        assert float(guidance.v_cmd_mps) <= fastest


def test_late_uncertainty_does_not_raise_the_gate_out_of_reach():
    estimate = falling(12e3, 80.0, place=(-8e3, 0.0), drift=(220.0, 0.0))
    estimate.altitude_lo_m = 7e3
    guidance = GUIDANCE.new(t_go_s=60.0, gate_m=3900.0)
    for _ in range(600):
        guidance.t_go_s = 60.0
        one_run(estimate, Mode.BRAKING, guidance)
    # at a rate of 0.05 m/s2 times the time to go, and as far as the doubt asks for
    assert guidance.gate_m == pytest.approx(3900.0 + 0.05 * 60.0 * 60.0, rel=0.01)
    assert int(one_run(estimate, Mode.COAST, guidance).gate_m) == 7000


@pytest.mark.parametrize(
    ("place", "drift"),
    [((300.0, -200.0), (4.0, 3.0)), ((-50.0, 20.0), (-10.0, 8.0)), ((3000.0, 0.0), (12.0, 0.0))],
)
def test_a_displaced_descent_ends_without_drift(place, drift):
    start = new_craft((*place, 2500.0), (*drift, -75.0), mode=Mode.DESCENT, mass_kg=398.0)
    kept = fly(start)
    assert np.hypot(*kept[-1].v_L_mps[:2]) < 0.3
    runout_m = np.hypot(*drift) ** 2 / (2.0 * 0.3)
    assert np.hypot(*kept[-1].r_L_m[:2]) < np.hypot(*place) + runout_m - 50.0
    low = kept[kept.height_m < 5.0]
    assert min(low.guidance.thrust_dir_L[:, 2]) > math.cos(math.radians(4.1))


def test_an_abort_from_braking_climbs_to_orbital_speed():
    braking = descent()
    slow = braking[np.argmax(np.linalg.norm(braking.v_L_mps, axis=1) < 1200.0)].copy()
    assert orbit_in_reach(PARAM.moon, PARAM.vehicle, slow.estimate)
    slow.mode = Mode.ABORT
    kept = fly(slow)
    assert min(kept.height_m) > 10e3
    assert kept[-1].guidance.engine_cut == 1
    circular = math.sqrt(GM / (RADIUS_M + kept[-1].height_m))
    assert np.linalg.norm(kept[-1].v_L_mps) > circular
    assert kept[-1].mass_kg > 340.0


def test_orbit_is_out_of_reach_from_the_gate():
    assert not orbit_in_reach(PARAM.moon, PARAM.vehicle, falling(3900.0, 75.0, drift=(20.0, 0.0)))


numbers = st.floats(-1e7, 1e7)
triples = st.one_of(st.just((0.0, 0.0, 0.0)), st.tuples(numbers, numbers, numbers))
# finite beliefs, sane or not, by field of the estimate
beliefs = st.fixed_dictionaries(
    {
        "r_BL_L_m": triples,
        "v_BL_L_mps": triples,
        "q_LB": st.sampled_from([(1, 0, 0, 0), (0, 1, 0, 0), (0.5, 0.5, -0.5, 0.5)]),
        "up_L": st.sampled_from([(0, 0, 1), (0, 0, -1), (0.6, 0, 0.8)]),
        "altitude_m": numbers,
        "altitude_lo_m": numbers,
        "v_down_mps": numbers,
        "mass_kg": st.floats(0.0, 1e4),
    }
)


def finite(record):
    flat = np.concatenate(
        [np.ravel(record[name]) for name in record.dtype.names if name != "spare"]
    )
    return bool(np.all(np.isfinite(flat.astype(float))))


@given(st.lists(beliefs, min_size=1, max_size=4), st.sampled_from(range(len(Mode))))
def test_for_any_estimate_commands_stay_within_limits(estimates, mode):
    guidance = GUIDANCE.new()
    before = None
    for belief in estimates:
        estimate = ESTIMATE.new(**belief)
        one_run(estimate, mode, guidance)
        full = 1600.0 / max(float(estimate.mass_kg), 170.0)
        now = np.array(guidance.thrust_dir_L)
        assert finite(guidance)
        assert 0.0 <= float(guidance.throttle) <= 1.0
        assert 0.0 <= float(guidance.accel_mps2) <= full * (1.0 + 1e-12)
        assert np.linalg.norm(now) == pytest.approx(1.0)
        if before is not None:
            turned = np.linalg.norm(now - before)
            assert turned <= math.radians(4.0) * STEP_S * 1.01
        before = now


@pytest.mark.parametrize("mode", [Mode.LANDED, 0])
def test_an_idle_engine_is_commanded_no_thrust(mode):
    assert float(one_run(falling(0.0, 0.0), mode).accel_mps2) == 0.0
