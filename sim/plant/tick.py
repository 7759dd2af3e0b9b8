"""The plant: one tick of truth, in the order that every path keeps.

    sense(world, messages)      messages that reach the flight computer in this tick
    advance(world)              truth moves to the next tick under the command in force
    obey(world, actuators)      the command computed in this tick is in force from there on

Near the ground the tick is cut into ten steps, since a leg's spring is stiffer than a tick.
"""

from fsw.framework.kernel import kernel
from fsw.interface.timing import TICK_NS, TICK_S
from fsw.mathlib.vectors import (
    add3,
    dot3,
    load3,
    load4,
    norm3,
    quat_conj,
    quat_mul,
    quat_of_rotation,
    scale3,
    store3,
    sub3,
    unrotate,
)
from sim.plant.actuators import drive, take_command
from sim.plant.ground_station import uplink
from sim.plant.landing_legs import leg_load
from sim.plant.moon import ground_velocity
from sim.plant.plant_faults import set_fault_effects
from sim.plant.ray_cast import cast
from sim.plant.truth_observer import (
    motion_over_ground,
    note_contact,
    note_rest,
    observe_surroundings,
)
from sim.plant.vehicle import centre_of_mass_B, mass_kg, step_vehicle, vehicle_state
from sim.plant.world import LEGS
from sim.sensors.rangefinder import is_sampling
from sim.sensors.sensor_suite import command_rangefinder, sense_board
from sim.sensors.transport_delay import clear_messages

# period of the propulsion status
STATUS_TICKS = 100
FINE_STEPS = 10
FINE_NS = TICK_NS // FINE_STEPS

# footpads may touch the ground in this tick within this clearance plus two ticks of motion; no
# vehicle is fast enough to do so from the last one
REACH_M = 0.3
REACH_S = 2.0 * TICK_S
NO_REACH_M = 1000.0


@kernel
def sense(world, messages):
    """Fill `messages` with those that reach the flight computer in the tick at world.t_ns."""
    clear_messages(messages)
    _fill_sensor_inbox(world.sensor_inbox, world)
    sense_board(world.board, world.sensor_inbox, messages)
    set_fault_effects(world)
    uplink(world, messages)


@kernel
def _fill_sensor_inbox(inbox, world):
    """Write the true inputs of the sensors in this tick; `advance` has written the increments."""
    t_ns = int(world.t_ns)
    truth = inbox.truth
    truth.t_ns = t_ns
    truth.clearance_m = float(world.truth.clearance_m)
    truth.legs = int(world.truth.legs)
    truth.mode = int(world.actuators.mode)
    inbox.has_beam = 0
    inbox.has_status = 0
    if is_sampling(world.board.sensors.range, world.board.range_state, t_ns):
        cast(world)
        inbox.has_beam = 1
    if int(world.tick) % STATUS_TICKS == 0:
        _fill_status(inbox.status, world)
        inbox.has_status = 1
    truth.messages = int(inbox.has_beam) + int(inbox.has_status)


@kernel
def _fill_status(status, world):
    propellant = float(world.truth.propellant_kg)
    status.t_ns = int(world.t_ns)
    status.mass_kg = mass_kg(world, propellant)
    status.gauge_sigma_kg = float(world.vehicle.gauge_sigma_kg)
    status.tank_pressure_Pa = float(world.vehicle.tank_pressure_Pa)
    status.ready = 0
    if int(world.vehicle.propulsion_ready) == 1 and propellant > 0.0:
        status.ready = 1


@kernel
def _touching_legs(world, elapsed_s):
    """Bits of the legs that touch elapsed_s into the tick; keeps the deepest stroke."""
    state = vehicle_state(world)
    cm = centre_of_mass_B(world, state.propellant_kg)
    bits = 0
    for i in range(LEGS):
        _, _, depth = leg_load(world, i, elapsed_s, cm, state)
        if depth > 0.0:
            bits = bits | (1 << i)
            touchdown = world.touchdown
            touchdown.worst_stroke_m = max(float(touchdown.worst_stroke_m), depth)
    return bits


@kernel
def _step_near_ground(world):
    """One tick in fine steps, with the legs; returns the velocity gained but for gravity."""
    gain = (0.0, 0.0, 0.0)
    dt = float(FINE_NS) * 1e-9
    for k in range(FINE_STEPS):
        # contact begins within the step, with the motion before it
        motion = motion_over_ground(world)
        gain = add3(gain, step_vehicle(world, True, float(k) * dt, dt))
        bits = _touching_legs(world, float(k + 1) * dt)
        if bits != 0 and int(world.truth.legs) == 0:
            note_contact(world, int(world.t_ns) + (k + 1) * FINE_NS, motion)
        world.truth.legs = bits
    return gain


@kernel
def rotation_vector(q):
    """Rotation vector of a unit quaternion near one, by the series of asin [rad].

    2 asin(s) / s to s**6: relative error below 1e-11 for turns up to 0.1 rad.
    """
    sign = 1.0 if q[0] >= 0.0 else -1.0
    u = (q[1] * sign, q[2] * sign, q[3] * sign)
    s2 = dot3(u, u)
    k = 1.0 + s2 * (1.0 / 6.0 + s2 * (3.0 / 40.0 + s2 * (15.0 / 336.0)))
    return scale3(u, 2.0 * k)


@kernel
def _keep_increments(world, q_before, gain_I):
    """Write the ideal inertial increments of the tick that has just been flown."""
    out = world.sensor_inbox.truth
    q_after = load4(world.truth.q_IB)
    turn = rotation_vector(quat_mul(quat_conj(q_before), q_after))
    q_mid = quat_mul(q_before, quat_of_rotation(scale3(turn, 0.5)))
    store3(out.dtheta_B_rad, turn)
    store3(out.dv_B_mps, unrotate(q_mid, gain_I))


@kernel
def _may_touch(world):
    truth = world.truth
    if float(truth.clearance_m) > NO_REACH_M:
        return False
    r = load3(truth.r_BM_I_m)
    speed = norm3(sub3(load3(truth.v_BM_I_mps), ground_velocity(world, r)))
    return float(truth.clearance_m) < REACH_M + REACH_S * speed


@kernel
def advance(world):
    """Move the truth by one tick."""
    drive(world)
    q_before = load4(world.truth.q_IB)
    if _may_touch(world):
        gain = _step_near_ground(world)
    else:
        world.truth.legs = 0
        gain = step_vehicle(world, False, 0.0, TICK_S)
    world.tick = int(world.tick) + 1
    world.t_ns = int(world.t_ns) + TICK_NS
    _keep_increments(world, q_before, gain)
    observe_surroundings(world)
    note_rest(world)


@kernel
def obey(world, actuators):
    """Take an ActuatorCommand; it is in force from the tick at world.t_ns on."""
    take_command(world, actuators)


@kernel
def obey_range_command(world, range_command):
    """Take a RangeCommand; it is in force from the tick at world.t_ns on."""
    command_rangefinder(world.board, range_command, int(world.t_ns))
