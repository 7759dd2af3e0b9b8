"""Engine controller and thruster valves, between the command and the forces.

Engine: a command waits `transport_s` in a delay line (whole ticks), is held between
`throttle_min` and full thrust, and thrust follows it with the first-order lag `lag_s`; cutting
the engine has the same dead time and lag. A command older than `hold_s` is no longer held: the
controller then gives a thrust of one lunar g and no torque until the next command.

Thrusters: pairs without net force, whose valves open for `rcs_min_on_s` at least. The commanded
torque is integrated; a pulse is fired once the integral reaches the shortest pulse, as wide as the
integral and the tick allow, and the rest is kept. So the mean torque is right in the long run, and
no pulse is shorter than the valves allow; where the shortest pulse is as long as a tick, a valve is
open or shut for a whole tick. At most one tick's impulse is kept.
"""

from fsw.framework.kernel import kernel
from fsw.interface.timing import TICK_S
from fsw.mathlib.elementary import nearest_int
from fsw.mathlib.vectors import clamp
from sim.plant.vehicle import engine_flow_kgps, mass_kg
from sim.plant.world import DELAY_SLOTS

LUNAR_GRAVITY_MPS2 = 1.625

# thrust below which a cut engine is out
THRUST_OUT_N = 0.1

# of the shortest pulse, so that rounding of the integral does not postpone one
PULSE_TOLERANCE = 1.0 - 1e-9


@kernel
def take_command(world, command):
    """Take an ActuatorCommand; it is in force from the tick that begins now."""
    actuators = world.actuators
    throttle = 0.0
    if int(command.engine_on) == 1:
        lowest = float(world.vehicle.throttle_min)
        throttle = clamp(float(command.throttle), lowest, 1.0)
    actuators.throttle[int(world.tick) % DELAY_SLOTS] = throttle
    actuators.command_t_ns = int(world.t_ns)
    actuators.mode = int(command.mode)
    actuators.holding = 0
    for i in range(3):
        most = float(world.vehicle.rcs_torque_Nm[i])
        actuators.torque_wanted_Nm[i] = clamp(float(command.torque_B_Nm[i]), -most, most)


@kernel
def _hold_command(world):
    """Hold the last command in a tick without one; once it is overdue, thrust for one lunar g."""
    actuators = world.actuators
    tick = int(world.tick)
    age_s = float(int(world.t_ns) - int(actuators.command_t_ns)) * 1e-9
    burning = float(actuators.throttle[(tick - 1) % DELAY_SLOTS]) > 0.0
    actuators.throttle[tick % DELAY_SLOTS] = actuators.throttle[(tick - 1) % DELAY_SLOTS]
    if int(actuators.command_t_ns) < 0 or age_s < float(world.vehicle.hold_s):
        return
    actuators.holding = 1
    for i in range(3):
        actuators.torque_wanted_Nm[i] = 0.0
    if burning:
        weight = mass_kg(world, float(world.truth.propellant_kg)) * LUNAR_GRAVITY_MPS2
        share = weight / float(world.vehicle.thrust_max_N)
        actuators.throttle[tick % DELAY_SLOTS] = clamp(
            share, float(world.vehicle.throttle_min), 1.0
        )


@kernel
def throttle_now(world):
    """Throttle at the end of the delay line in this tick."""
    delay = nearest_int(float(world.vehicle.transport_s) / TICK_S)
    return float(world.actuators.throttle[(int(world.tick) - delay) % DELAY_SLOTS])


@kernel
def _drive_engine(world):
    """Set the thrust target of this tick: delay line, this run's thrust, faults, tanks."""
    truth = world.truth
    effects = world.effects
    throttle = throttle_now(world)
    if float(effects.throttle) >= 0.0:
        throttle = float(effects.throttle)
    full = float(world.vehicle.thrust_max_N) * float(world.errors.thrust)
    target = throttle * full * float(effects.thrust)
    if float(truth.propellant_kg) <= engine_flow_kgps(world, full) * TICK_S:
        target = 0.0
        truth.thrust_N = 0.0
        if int(world.touchdown.dry_t_ns) < 0:
            world.touchdown.dry_t_ns = int(world.t_ns)
    if target == 0.0 and float(truth.thrust_N) < THRUST_OUT_N:
        truth.thrust_N = 0.0
    world.actuators.thrust_target_N = target
    most = full * float(effects.thrust)
    share = float(truth.thrust_N) / most if most > 0.0 else 0.0
    for i in range(3):
        world.actuators.side_torque_B_Nm[i] = float(effects.torque_B_Nm[i]) * share


@kernel
def _drive_thrusters(world):
    """Set the pulses of this tick, as mean torque over it."""
    actuators = world.actuators
    has_propellant = float(world.truth.propellant_kg) > 0.0
    for i in range(3):
        most = float(world.vehicle.rcs_torque_Nm[i]) * float(world.effects.rcs[i])
        tick_worth = most * TICK_S
        owed = float(actuators.torque_owed_Nms[i]) + float(actuators.torque_wanted_Nm[i]) * TICK_S
        fired = 0.0
        shortest = most * float(world.vehicle.rcs_min_on_s) * PULSE_TOLERANCE
        if has_propellant and abs(owed) >= shortest:
            fired = clamp(owed, -tick_worth, tick_worth)
        actuators.torque_owed_Nms[i] = clamp(owed - fired, -tick_worth, tick_worth)
        actuators.torque_B_Nm[i] = fired / TICK_S


@kernel
def drive(world):
    """Set thrust target and thruster pulses of the tick that begins at t_ns."""
    if int(world.actuators.command_t_ns) != int(world.t_ns):
        _hold_command(world)
    _drive_engine(world)
    _drive_thrusters(world)
