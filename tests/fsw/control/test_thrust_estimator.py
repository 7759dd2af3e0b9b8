"""Thrust gauged on a rigid body: believed when it is lost, and when it comes back."""

import numpy as np
import pytest

from fsw.control.loop import control
from fsw.control.thrust_estimator import THRUST, THRUST_PARAMS, ThrustReading, estimate_thrust
from fsw.interface.modes import Mode
from tests.fsw.control.test_loop import TICK_S, flown, new_body

PARAMS = THRUST_PARAMS.new()


@pytest.mark.parametrize("left", [0.8, 0.55, 0.3])
def test_lost_thrust_is_detected_within_a_second_and_a_half(left):
    body = new_body(mode=Mode.DESCENT)
    flown(body, 10.0)
    body.thrust = left
    kept = flown(body, 6.0)
    lost = kept.control.thrust.lost
    assert 0.5 < np.argmax(lost == 1) * TICK_S < 1.5
    assert kept[-1].control.thrust.scale == pytest.approx(left, abs=0.02)


def test_a_slow_decline_is_followed_beyond_the_bounds_of_the_slow_estimate():
    body = new_body(mode=Mode.DESCENT)
    for left in np.linspace(1.0, 0.5, 60):
        body.thrust = left
        kept = flown(body, 0.5)
    assert int(kept[-1].control.thrust.lost) == 1
    assert kept[-1].control.thrust.scale == pytest.approx(0.5, abs=0.03)


def test_a_recovered_engine_is_used_fully_again():
    body = new_body(mode=Mode.DESCENT)
    body.thrust = 0.6
    flown(body, 5.0)
    body.thrust = 1.0
    kept = flown(body, 5.0)
    assert int(kept[-1].control.thrust.lost) == 0
    kept = flown(body, 20.0)
    assert kept[-1].control.thrust.scale == pytest.approx(1.0, abs=0.02)


def test_no_throttling_looks_like_a_loss():
    body = new_body(mode=Mode.DESCENT)
    flown(body, 2.0)
    for n in range(40):
        body.guidance.accel_mps2 = (0.3, 2.6)[n % 2]
        assert not flown(body, (0.2, 0.7, 1.5)[n % 3]).control.thrust.lost.any()


def test_a_dip_of_a_quarter_of_a_second_is_no_loss():
    body = new_body(mode=Mode.DESCENT)
    flown(body, 5.0)
    body.thrust = 0.5
    kept = flown(body, 0.25)
    body.thrust = 1.0
    assert not kept.control.thrust.lost.any()
    assert not flown(body, 3.0).control.thrust.lost.any()


def test_a_failed_accelerometer_is_no_failed_engine():
    body = new_body(mode=Mode.DESCENT)
    flown(body, 5.0)
    before = float(body.control.thrust.scale)
    for _ in range(300):
        body.estimate.f_B_mps2 = (0.0, 0.0, 0.0)
        control(body, body.params, Mode.DESCENT, TICK_S)
    assert int(body.control.thrust.lost) == 0
    assert float(body.control.thrust.scale) == before


def test_a_failed_engine_is_estimated_at_the_least_scale():
    thrust = THRUST.new()
    for _ in range(500):
        estimate_thrust(thrust, PARAMS, ThrustReading(1e-6, 0.6, True, 0.06), TICK_S)
    assert int(thrust.lost) == 1
    assert float(thrust.scale) == pytest.approx(float(PARAMS.least))


def test_with_a_loss_limit_of_one_no_loss_is_ever_detected():
    thrust, blunt = THRUST.new(), THRUST_PARAMS.new(loss=1.0)
    for _ in range(2000):
        estimate_thrust(thrust, blunt, ThrustReading(0.2, 0.6, True, 0.06), TICK_S)
    assert int(thrust.lost) == 0
    assert float(thrust.scale) == pytest.approx(0.88)
