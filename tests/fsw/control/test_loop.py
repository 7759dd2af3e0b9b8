"""Attitude and throttle on a rigid body with delays, and for any command."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.control.attitude import attitude_wanted
from fsw.control.loop import CONTROL, control
from fsw.executive.state import PARAMS
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.dispatch import GUIDANCE
from fsw.interface.messages import ACTUATOR_COMMAND
from fsw.interface.modes import Mode, engine_may_run
from fsw.mathlib.vectors import (
    add_scaled3,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    quat_mul,
    quat_of_rotation,
    rotate,
    scale3,
    store3,
    store4,
)
from fsw.models.vehicle import inertia_at
from fsw.navigation.estimate import ESTIMATE

TICK_S = 0.01
DEAD_TICKS = 5
INERTIA = (400.0, 410.0, 280.0)
PARAM = PARAMS.new()

BODY = record(
    "RigidBody",
    "A rigid body with an engine beside its centre of mass, and the control that flies it.",
    offset_Nm=f64("disturbance torque", 3),
    thrust_share=f64("thrust as a share of full"),
    thrust=f64("true over believed full thrust", default=1.0),
    queue=f64("throttle on its way to the engine", DEAD_TICKS),
    mode=i64("flight mode", default=Mode.BRAKING),
    estimate=ESTIMATE("estimate"),
    control=CONTROL("control"),
    guidance=GUIDANCE("guidance"),
    actuators=ACTUATOR_COMMAND("command"),
    params=PARAMS("parameters"),
)


@kernel
def turn(body, kept):
    """Fly as many ticks as `kept` has rows; torque acts one tick after it was computed."""
    e = body.estimate
    for n in range(len(kept)):
        torque = load3(body.control.torque_B_Nm)
        control(body, body.params, int(body.mode), TICK_S)
        kept[n] = body
        omega = load3(e.omega_BL_B_radps)
        momentum = (INERTIA[0] * omega[0], INERTIA[1] * omega[1], INERTIA[2] * omega[2])
        total = add_scaled3(torque, cross3(omega, momentum), -1.0)
        total = add_scaled3(total, load3(body.offset_Nm), 1.0)
        rate = (total[0] / INERTIA[0], total[1] / INERTIA[1], total[2] / INERTIA[2])
        omega = add_scaled3(omega, rate, TICK_S)
        store3(e.omega_BL_B_radps, omega)
        store4(e.q_LB, quat_mul(load4(e.q_LB), quat_of_rotation(scale3(omega, TICK_S))))
        arrived = float(body.queue[n % DEAD_TICKS])
        body.queue[n % DEAD_TICKS] = float(body.actuators.throttle)
        lag = (arrived - float(body.thrust_share)) * TICK_S / 0.2
        body.thrust_share = float(body.thrust_share) + lag
        push = float(body.thrust_share) * float(body.thrust) * 1600.0 / float(e.mass_kg)
        e.f_B_mps2[2] = push


def new_body(thrust_dir=(0.0, 0.0, 1.0), **values):
    """Upright at rest, with a commanded thrust direction."""
    body = BODY.new(**values)
    body.estimate.q_LB = (1.0, 0.0, 0.0, 0.0)
    body.estimate.mass_kg = 600.0
    body.guidance.thrust_dir_L = thrust_dir
    body.guidance.side_L = (0.0, 1.0, 0.0)
    body.guidance.accel_mps2 = 2.0
    return body


def flown(body, seconds):
    kept = BODY.array(round(seconds / TICK_S))
    turn(body, kept)
    return kept


def leaning(degrees, azimuth=0.0):
    s = math.sin(math.radians(degrees))
    return (s * math.cos(azimuth), s * math.sin(azimuth), math.cos(math.radians(degrees)))


def off_by_deg(kept, direction):
    """Angle between body z and a direction, over time [deg]."""
    z = np.array([rotate(tuple(q), (0.0, 0.0, 1.0)) for q in kept.estimate.q_LB])
    return np.degrees(np.arccos(np.clip(z @ np.array(direction), -1.0, 1.0)))


@pytest.mark.parametrize("degrees", [2.0, 20.0, 60.0, 150.0])
def test_a_step_settles_without_overshoot_under_the_rate_limit(degrees):
    wanted = leaning(degrees, 0.7)
    kept = flown(new_body(wanted, offset_Nm=(3.0, -3.0, 1.0)), degrees / 4.0 + 12.0)
    limit = math.radians(float(PARAM.control.rate_max_degps))
    assert np.linalg.norm(kept.estimate.omega_BL_B_radps, axis=1).max() < 1.05 * limit
    upright = off_by_deg(kept, (0.0, 0.0, 1.0))
    assert upright.max() < degrees + 0.3
    assert off_by_deg(kept, wanted)[-200:].max() < 0.15


def test_a_roll_of_half_a_turn_is_made_too():
    body = new_body()
    body.guidance.side_L = (0.0, -1.0, 0.0)
    kept = flown(body, 60.0)
    assert abs(kept[-1].estimate.q_LB[3]) == pytest.approx(1.0, abs=1e-3)


def test_opposite_thrust_is_reached():
    kept = flown(new_body((0.0, 0.0, -1.0)), 60.0)
    assert off_by_deg(kept, (0.0, 0.0, -1.0))[-1] < 0.2


def test_both_signs_of_a_quaternion_are_the_same_attitude():
    plus, minus = new_body(leaning(20.0)), new_body(leaning(20.0))
    minus.estimate.q_LB = (-1.0, 0.0, 0.0, 0.0)
    assert np.array_equal(flown(plus, 1.0).actuators, flown(minus, 1.0).actuators)


def test_the_observer_estimates_the_engines_torque_and_resets_with_the_engine():
    body = new_body(offset_Nm=(4.0, -3.0, 0.5))
    kept = flown(body, 15.0)
    found = kept[-500:].control.disturbance_B_Nm.mean(axis=0)
    assert found == pytest.approx((4.0, -3.0, 0.5), abs=0.15)
    body.mode = Mode.COAST
    assert not flown(body, 0.1)[-1].control.disturbance_B_Nm.any()


def test_a_coast_fires_few_pulses():
    body = new_body(leaning(10.0), mode=Mode.COAST)
    kept = flown(body, 300.0)
    assert off_by_deg(kept, leaning(10.0))[-1] < 1.0
    assert kept[3000:].control.fired.mean() < 0.01


def test_a_small_angle_is_left_alone_in_coast_and_turned_off_under_thrust():
    fired = {
        mode: flown(new_body(leaning(0.4), mode=mode), 5.0) for mode in (Mode.COAST, Mode.BRAKING)
    }
    assert not fired[Mode.COAST].control.fired.any()
    assert off_by_deg(fired[Mode.BRAKING], leaning(0.4))[-1] < 0.1


def test_pulses_are_worth_firing_and_add_up():
    body = new_body(offset_Nm=(4.0, 0.0, 0.0))
    kept = flown(body, 20.0)
    torque = kept.control.torque_B_Nm
    worth = np.array([0.4, 0.4, 0.2]) / TICK_S
    fired = torque != 0.0
    assert np.all(np.abs(torque)[fired] >= np.broadcast_to(worth * 0.999, torque.shape)[fired])
    assert torque[-1000:, 0].mean() == pytest.approx(-4.0, abs=0.2)
    assert np.array_equal(kept.control.fired == 1, fired.any(axis=1))
    assert np.array_equal(kept.actuators.torque_B_Nm, torque.astype(np.float32))


def test_inertia_follows_mass_between_full_and_dry():
    vehicle = PARAM.vehicle
    assert inertia_at(vehicle, 720.0) == (420.0, 420.0, 300.0)
    assert inertia_at(vehicle, 100.0) == (230.0, 230.0, 160.0)
    assert inertia_at(vehicle, 530.0) == pytest.approx((325.0, 325.0, 230.0))


# --- throttle ----------------------------------------------------------------------------


def test_thrust_answers_faster_than_its_lag_and_does_not_overshoot():
    body = new_body(mode=Mode.DESCENT)
    flown(body, 3.0)
    before = float(body.thrust_share)
    body.guidance.accel_mps2 = 1.2
    share = flown(body, 2.0).thrust_share
    done = (before - share) / (before - 1.2 * 600.0 / 1600.0)
    assert np.argmax(done > 0.632) * TICK_S < 0.2 + DEAD_TICKS * TICK_S
    assert done.max() < 1.01


@pytest.mark.parametrize(("true", "found"), [(0.95, 0.95), (1.04, 1.04), (1.3, 1.12)])
def test_thrust_scale_is_found_within_its_bounds(true, found):
    kept = flown(new_body(thrust=true), 30.0)
    assert kept[-1].control.thrust.scale == pytest.approx(found, abs=2e-3)
    assert not kept.control.thrust.lost.any()
    if found == true:
        assert kept[-1].estimate.f_B_mps2[2] == pytest.approx(2.0, rel=5e-3)


@pytest.mark.parametrize("mode", range(len(Mode)))
def test_the_engine_burns_in_powered_modes_only_and_not_after_its_work(mode):
    body = new_body(mode=mode)
    flown(body, 0.1)
    assert int(body.actuators.engine_on) == int(engine_may_run(mode))
    assert (float(body.actuators.throttle) > 0.0) == engine_may_run(mode)
    body.guidance.engine_cut = 1
    flown(body, 0.1)
    assert int(body.actuators.engine_on) == 0
    assert float(body.actuators.throttle) == 0.0


@pytest.mark.parametrize("mode", [Mode.STANDBY, Mode.LANDED])
def test_thrusters_rest_on_the_ground(mode):
    body = new_body(leaning(30.0))
    flown(body, 0.5)
    body.mode = mode
    kept = flown(body, 0.5)
    assert not kept.actuators.torque_B_Nm.any()
    assert not kept.control.fired.any()


# --- for any estimate and command -----------------------------------------------------------------

parts = st.floats(-1.0, 1.0)
directions = st.tuples(parts, parts, parts)


@given(directions, directions)
def test_the_attitude_wanted_points_the_thrust(direction, side):
    q = attitude_wanted(direction, side)
    assert math.sqrt(sum(part * part for part in q)) == pytest.approx(1.0)
    size = norm3(direction)
    if size > 1e-6:
        assert dot3(rotate(q, (0.0, 0.0, 1.0)), direction) == pytest.approx(size)


@pytest.mark.parametrize("z", [(0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (0.0, 0.0, 0.0)])
def test_degenerate_directions_still_give_an_attitude(z):
    for side in ((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0)):
        q = attitude_wanted(z, side)
        assert math.sqrt(sum(part * part for part in q)) == pytest.approx(1.0)


@given(
    st.lists(st.tuples(directions, directions, st.floats(-1e3, 1e3)), min_size=1, max_size=5),
    st.floats(0.0, 1e4),
    st.sampled_from(range(len(Mode))),
)
def test_for_any_estimate_commands_stay_within_limits(inputs, mass_kg, mode):
    body = new_body(mode=mode)
    body.estimate.mass_kg = mass_kg
    for direction, rate, number in inputs:
        body.guidance.thrust_dir_L = direction
        body.guidance.accel_mps2 = abs(number)
        body.estimate.omega_BL_B_radps = rate
        body.estimate.f_B_mps2 = (0.0, 0.0, number)
        control(body, body.params, mode, TICK_S)
        assert np.all(np.abs(body.actuators.torque_B_Nm) <= (40.0, 40.0, 20.0))
        throttle = float(body.actuators.throttle)
        assert throttle == 0.0 or 0.1 <= throttle + 1e-7 <= 1.0 + 2e-7
        assert np.all(np.isfinite(body.control.unfired_B_Nms))
        assert 0.05 <= float(body.control.thrust.scale) <= 1.12
