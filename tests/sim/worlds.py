"""Worlds that tests of the truth start from, and a kernel that flies them."""

import numpy as np

from fsw.framework.kernel import kernel
from fsw.interface.messages import ACTUATOR_COMMAND
from sim.plant.initial_conditions import place
from sim.plant.terrain import settle_terrain
from sim.plant.tick import advance, obey, sense
from sim.plant.truth_observer import observe_surroundings
from sim.plant.vehicle import step_vehicle
from sim.plant.world import DISPERSIONS, WORLD
from sim.sensors.records import TICK_MESSAGES


def undispersed_world(seed=1, flat=True):
    """A world without dispersions, on the equator at the prime meridian; flat by default."""
    world = WORLD.new(seed=seed)
    world.board.seed = seed
    for name in DISPERSIONS.fields:
        world.dispersions[name] = 0.0
    if flat:
        world.terrain.noise_height_m = 0.0
        world.terrain.crater_share = 0.0
    return world


def above_site(world, footpads_m, v_up_mps=0.0, v_east_mps=0.0, propellant_kg=40.0):
    """Put the vehicle upright over the site, footpads so high, moving so over the ground."""
    place(world)
    settle_terrain(world, 0.0)
    moon, truth = world.moon, world.truth
    radius = moon.radius_m + world.errors.site_height_m + footpads_m
    radius += world.vehicle.footpad_below_m
    full = world.vehicle.propellant_full_kg
    radius += world.vehicle.cm_rise_m * (1.0 - propellant_kg / full)
    truth.propellant_kg = propellant_kg
    truth.r_BM_I_m = (radius, 0.0, 0.0)
    truth.v_BM_I_mps = (v_up_mps, moon.omega_radps * radius + v_east_mps, 0.0)
    # x_B east (inertial y), y_B north (inertial z), z_B up (inertial x)
    truth.q_IB = (0.5, 0.5, 0.5, 0.5)
    truth.omega_BI_B_radps = (0.0, moon.omega_radps, 0.0)
    observe_surroundings(world)
    return world


@kernel
def fly(world, messages, command, ticks):
    """Fly with one command held."""
    for _ in range(ticks):
        sense(world, messages)
        advance(world)
        command.t_ns = int(world.t_ns)
        obey(world, command)


@kernel
def coast(world, steps, dt):
    """Integrate the vehicle alone, far from the ground."""
    for _ in range(steps):
        step_vehicle(world, False, 0.0, dt)


def flown(world, seconds, throttle=0.0, torque=(0.0, 0.0, 0.0)):
    """Fly the world for some seconds under one command."""
    command = ACTUATOR_COMMAND.new(throttle=throttle, engine_on=int(throttle > 0.0))
    command.torque_B_Nm = torque
    fly(world, TICK_MESSAGES.new(), command, int(round(100 * seconds)))
    return world


def copy_of(row):
    """An independent copy of a record."""
    fresh = np.array([row], row.dtype).view(np.recarray)
    return fresh[0]


def vector(field):
    """A vector field as a plain array of its own."""
    return np.array(field, float)
