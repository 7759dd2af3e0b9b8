"""The plant: one tick of truth, in the order that every path keeps.

    sense(world, arrivals)      what arrives in the tick that begins now
    advance(world)              truth moves to the next tick under the command in force
    obey(world, actuators)      the command computed meanwhile is in force from there on

Near the ground the tick is cut into ten steps, since a leg's spring is stiffer than a tick.
"""

from fsw.kernel import kernel
from fsw.linear import (
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
from fsw.messages import RANGE_POWER_CYCLE, RANGE_POWER_OFF, RANGE_POWER_ON
from sim.actuators import drive, take_command
from sim.delivery import arrive, lose_arrivals, range_latency_ns, send_range
from sim.dice import STREAM_GAUGE, gauss, stream_key
from sim.fault_plant import settle_faults
from sim.fault_range import fault_range
from sim.fault_sensors import fault_imu, fault_legs, is_sent
from sim.fault_table import SENSOR_CONTACT, SENSOR_IMU, SENSOR_PROPULSION
from sim.faults import NOTHING
from sim.ground import uplink
from sim.imu import measure_imu, tell_imu
from sim.legs import leg_load
from sim.moon import ground_velocity
from sim.observe import look, motion_over_ground, note_contact, note_rest
from sim.rangefinder import cast, is_sampling, measure_range, switch_range
from sim.vehicle import centre_of_mass_B, mass_kg, step_vehicle
from sim.world import LEGS, TICK_NS, TICK_S

STATUS_TICKS = 100
# contacts are sent at every tick below this clearance, else with the status
CONTACT_M = 30.0
FINE_STEPS = 10
FINE_NS = TICK_NS // FINE_STEPS
# footpads this close to the ground, plus what two ticks may bring, may touch it in this tick
REACH_M = 0.3
REACH_S = 2.0 * TICK_S
# off and on again takes so long, the warm-up not counted
CYCLE_S = 1.0


@kernel
def sense(world, arrivals):
    """Fill `arrivals` with all that reaches the flight computer in the tick at world.t_ns."""
    lose_arrivals(arrivals)
    settle_faults(world)
    _sense_imu(world, arrivals)
    _sense_range(world, arrivals)
    _sense_status(world, arrivals)
    uplink(world, arrivals)


@kernel
def _sense_imu(world, arrivals):
    seed = int(world.seed)
    count = int(world.imu_state.count)
    state = world.imu_state
    reading = world.imu_reading
    t_ns = int(world.t_ns)
    reading.t_ns = t_ns
    reading.dt_ns = TICK_NS
    if int(world.tick) > 0:  # at first the sums are told as they stand: nothing was gained yet
        measure_imu(world.sensors.imu, world.errors.imu, state, seed, world.imu_truth, reading)
        n = int(world.n_faults)
        fault_imu(world.faults, world.fault_memory, n, seed, count, t_ns, reading)
    tell_imu(state, reading, arrivals.imus[0])
    arrivals.n_imus = 1
    if not _is_heard(world, SENSOR_IMU, count):
        arrivals.n_imus = 0


@kernel
def _is_heard(world, sensor, count):
    """True when the faults let message number `count` of a sensor through."""
    n = int(world.n_faults)
    if n == 0:
        return True
    t_ns = int(world.t_ns)
    sent = is_sent(world.faults, world.fault_memory, n, int(world.seed), sensor, count, t_ns)
    return sent and int(world.effects.silent) == 0


@kernel
def _sense_range(world, arrivals):
    if is_sampling(world):
        count = int(world.range_state.count)
        parameters = world.sensors.range
        seed = int(world.seed)
        cast(world)
        sample = arrivals.ranges[0]
        loss_db = float(world.effects.loss_db)
        measure_range(parameters, world.range_state, seed, world.range_truth, loss_db, sample)
        due_ns = int(world.t_ns) + range_latency_ns(parameters, seed, count)
        due_ns, copy_ns = fault_range(
            world.faults,
            world.fault_memory,
            int(world.n_faults),
            seed,
            count,
            int(world.range_state.cycles),
            int(world.t_ns),
            sample,
            due_ns,
        )
        if due_ns != NOTHING and int(world.effects.silent) == 0:
            send_range(world.delivery, sample, due_ns)
            if copy_ns != NOTHING:
                send_range(world.delivery, sample, copy_ns)
    arrive(world.delivery, arrivals, int(world.t_ns))


@kernel
def _sense_status(world, arrivals):
    status_due = int(world.tick) % STATUS_TICKS == 0
    _sense_contact(world, arrivals, status_due)
    if not status_due:
        return
    count = int(world.statuses_sent)
    propellant = float(world.truth.propellant_kg)
    noise = gauss(stream_key(int(world.seed), STREAM_GAUGE), count)
    mass = mass_kg(world, propellant) + noise * float(world.vehicle.gauge_sigma_kg)
    arrivals.propulsion.t_ns = int(world.t_ns)
    arrivals.propulsion.seq = count & 0xFFFF
    arrivals.propulsion.mass_kg = mass
    arrivals.propulsion.tank_pressure_Pa = float(world.vehicle.tank_pressure_Pa)
    arrivals.propulsion.ready = 0
    if int(world.vehicle.propulsion_ready) == 1 and propellant > 0.0:
        arrivals.propulsion.ready = 1
    if int(world.effects.not_ready) == 1:
        arrivals.propulsion.ready = 0
    arrivals.has_propulsion = 1
    if not _is_heard(world, SENSOR_PROPULSION, count):
        arrivals.has_propulsion = 0
    world.statuses_sent = count + 1


@kernel
def _sense_contact(world, arrivals, status_due):
    """The switches speak with the status, near the ground in every tick, and when they change."""
    t_ns = int(world.t_ns)
    legs = int(world.truth.legs)
    legs = fault_legs(world.faults, world.fault_memory, int(world.n_faults), t_ns, legs)
    near = float(world.truth.clearance_m) < CONTACT_M
    if not status_due and not near and legs == int(world.legs_told):
        return
    world.legs_told = legs
    arrivals.contact.t_ns = t_ns
    arrivals.contact.seq = int(world.contacts_sent) & 0xFFFF
    arrivals.contact.legs = legs
    arrivals.has_contact = 1
    if not _is_heard(world, SENSOR_CONTACT, int(world.tick)):
        arrivals.has_contact = 0
    world.contacts_sent = int(world.contacts_sent) + 1


@kernel
def _feel_legs(world, elapsed_s):
    """Bits of the legs that touch at this moment of the tick; keeps the deepest stroke."""
    truth = world.truth
    cm = centre_of_mass_B(world, float(truth.propellant_kg))
    r = load3(truth.r_BM_I_m)
    v = load3(truth.v_BM_I_mps)
    q = load4(truth.q_IB)
    omega = load3(truth.omega_BI_B_radps)
    bits = 0
    for i in range(LEGS):
        _, _, depth = leg_load(world, i, elapsed_s, cm, r, v, q, omega)
        if depth > 0.0:
            bits = bits | (1 << i)
            touchdown = world.touchdown
            touchdown.worst_stroke_m = max(float(touchdown.worst_stroke_m), depth)
    return bits


@kernel
def _step_near_ground(world):
    """One tick in fine steps, with the legs; returns the velocity gained from felt forces."""
    gain = (0.0, 0.0, 0.0)
    dt = float(FINE_NS) * 1e-9
    for k in range(FINE_STEPS):
        # contact begins within the step, so the motion before it is what it begins with
        motion = motion_over_ground(world)
        gain = add3(gain, step_vehicle(world, True, float(k) * dt, dt))
        bits = _feel_legs(world, float(k + 1) * dt)
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
    """Ideal inertial increments of the tick that has just been flown."""
    out = world.imu_truth
    q_after = load4(world.truth.q_IB)
    turn = rotation_vector(quat_mul(quat_conj(q_before), q_after))
    q_mid = quat_mul(q_before, quat_of_rotation(scale3(turn, 0.5)))
    store3(out.dtheta_B_rad, turn)
    store3(out.dv_B_mps, unrotate(q_mid, gain_I))
    out.t_ns = int(world.t_ns)
    out.dt_ns = TICK_NS


@kernel
def _may_touch(world):
    truth = world.truth
    if float(truth.clearance_m) > 1000.0:
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
    look(world)
    note_rest(world)


@kernel
def obey(world, actuators):
    """Take an ActuatorCommand; it is in force from the tick at world.t_ns on."""
    take_command(world, actuators)


@kernel
def obey_range_command(world, range_command):
    """Take a RangeCommand: power for the rangefinder on, off, or off and on again."""
    action = int(range_command.action)
    if action == RANGE_POWER_OFF:
        switch_range(world, False, 0.0)
    elif action == RANGE_POWER_CYCLE:
        switch_range(world, True, CYCLE_S)
    elif action == RANGE_POWER_ON and int(world.range_state.ready_t_ns) < 0:
        switch_range(world, True, 0.0)
