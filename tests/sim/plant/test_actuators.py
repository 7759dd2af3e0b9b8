"""Throttle: dead time, lag, limits, and what happens without commands. Thrusters: pulses."""

import numpy as np
import pytest

from fsw.interface.messages import ACTUATOR_COMMAND
from sim.plant.tick import advance, obey
from tests.sim.worlds import above_site, undispersed_world, vector

FULL_N = 1600.0


def high_up(**vehicle):
    world = undispersed_world()
    for name, value in vehicle.items():
        world.vehicle[name] = value
    return above_site(world, 5000.0, propellant_kg=300.0)


def histories(world, ticks, throttle=0.0, torque=(0.0, 0.0, 0.0), engine_on=None, commands=10**9):
    """Thrust and torque in every tick under one command, held for the first `commands` ticks."""
    on = int(throttle > 0.0) if engine_on is None else engine_on
    command = ACTUATOR_COMMAND.new(throttle=throttle, engine_on=on)
    command.torque_B_Nm = torque
    thrust, torques = [], []
    for tick in range(ticks):
        if tick < commands:
            obey(world, command)
        advance(world)
        thrust.append(float(world.truth.thrust_N))
        torques.append(vector(world.actuators.torque_B_Nm))
    return np.array(thrust), np.array(torques)


def test_thrust_waits_out_the_transport_delay_and_then_follows_its_lag():
    thrust, _ = histories(high_up(), 120, throttle=1.0)
    t = 0.01 * np.arange(1, 121)
    expected = FULL_N * (1.0 - np.exp(-np.maximum(t - 0.05, 0.0) / 0.2))
    assert np.all(thrust[:5] == 0.0)
    assert np.allclose(thrust, expected, atol=0.01)


@pytest.mark.parametrize("commanded, held", [(0.02, 0.1), (0.5, 0.5), (1.7, 1.0)])
def test_throttle_is_held_between_its_limits(commanded, held):
    thrust, _ = histories(high_up(), 400, throttle=commanded)
    assert thrust[-1] == pytest.approx(held * FULL_N, rel=1e-6)


def test_a_cut_engine_goes_out_altogether():
    world = high_up()
    histories(world, 200, throttle=0.5)
    thrust, _ = histories(world, 300, throttle=0.5, engine_on=0)
    assert thrust[4] == pytest.approx(0.5 * FULL_N, rel=1e-3)
    assert thrust[25] == pytest.approx(0.5 * FULL_N * np.exp(-0.21 / 0.2), rel=1e-3)
    assert thrust[-1] == 0.0


def test_overdue_commands_are_held_and_then_replaced_by_a_hover():
    world = high_up()
    histories(world, 200, throttle=1.0, torque=(40.0, 0.0, 0.0))
    thrust, torque = histories(world, 400, commands=0)
    assert np.all(torque[:19, 0] == 40.0) and np.all(torque[21:] == 0.0)
    assert thrust[23] == pytest.approx(FULL_N, rel=1e-3)
    assert thrust[30] < 0.9 * FULL_N
    assert world.actuators.holding == 1
    weight = (340.0 + world.truth.propellant_kg) * 1.625
    assert thrust[-1] == pytest.approx(weight, rel=1e-3)
    histories(world, 1, throttle=0.5)
    assert world.actuators.holding == 0


def test_an_engine_that_never_ran_is_not_lit_by_silence():
    thrust, _ = histories(high_up(), 100, commands=1)
    assert np.all(thrust == 0.0)


def test_dry_tanks_end_thrust_and_torque_and_are_noted():
    world = above_site(undispersed_world(), 5000.0, propellant_kg=0.5)
    thrust, torque = histories(world, 400, throttle=1.0)
    dry = world.touchdown.dry_t_ns // 10_000_000
    assert 0 < dry < 400
    assert np.all(thrust[dry:] == 0.0)
    assert 0.0 <= world.truth.propellant_kg < 0.01


def test_every_pulse_is_at_least_as_long_as_the_shortest():
    _, torque = histories(high_up(rcs_min_on_s=0.004), 2000, torque=(3.0, -1.7, 0.9))
    for axis, most in enumerate((40.0, 40.0, 20.0)):
        fired = np.abs(torque[torque[:, axis] != 0.0, axis])
        assert len(fired) > 0
        assert fired.min() >= 0.4 * most * (1.0 - 1e-6)


def test_pulses_give_the_commanded_torque_on_average():
    _, torque = histories(high_up(), 4000, torque=(4.0, -13.0, 20.0))
    assert np.allclose(torque.mean(axis=0), (4.0, -13.0, 20.0), atol=0.02)
    assert set(np.abs(torque[:, 0]).round(6)) == {0.0, 40.0}


def test_torque_is_limited_and_not_owed_beyond_a_tick():
    world = high_up()
    _, torque = histories(world, 100, torque=(500.0, 0.0, 0.0))
    assert np.all(torque[:, 0] == 40.0)
    _, torque = histories(world, 10)
    assert np.all(torque[1:, 0] == 0.0)


def test_thrusters_turn_the_vehicle_and_use_propellant_but_do_not_push():
    world = high_up()
    before = float(world.truth.propellant_kg)
    histories(world, 100, torque=(40.0, 0.0, 0.0))
    inertia = 230.0 + 190.0 * 300.0 / 380.0
    assert world.truth.omega_BI_B_radps[0] == pytest.approx(40.0 / inertia, rel=1e-3)
    assert before - world.truth.propellant_kg == pytest.approx(40.0 / (220.0 * 9.80665), rel=1e-6)
    assert np.all(vector(world.sensor_inbox.truth.dv_B_mps) == 0.0)
