"""The vehicle: a rigid body whose mass, inertia and centre of mass follow the propellant.

State: position and velocity of the centre of mass and attitude against the inertial frame,
body rate, propellant, thrust. Integrated together by the classical Runge-Kutta method of fourth
order. Left out, as far below the dispersions: the tide's torque, sloshing, the inertia's own
rate of change (jet damping about cancels it), and the centre of mass moving in the body.

What an ideal inertial unit feels comes out of the same stages: the velocity gained from all
forces but gravity. So a strapdown with the same gravity recovers the truth.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    cross3,
    load3,
    load4,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
)
from fsw.models.gravity import gravity_mps2
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.plant.landing_legs import support


@kernel
def mass_kg(world, propellant_kg):
    """Mass of the vehicle."""
    return float(world.vehicle.dry_mass_kg) * float(world.errors.mass) + propellant_kg


@kernel
def fill_share(world, propellant_kg):
    """Propellant over full tanks, both with this run's mass error."""
    return propellant_kg / (float(world.vehicle.propellant_full_kg) * float(world.errors.mass))


@kernel
def centre_of_mass_B(world, propellant_kg):
    """Centre of mass of now from that with full tanks on the axis, in body components [m]."""
    rise = float(world.vehicle.cm_rise_m) * (1.0 - fill_share(world, propellant_kg))
    return (float(world.errors.cm_B_m[0]), float(world.errors.cm_B_m[1]), rise)


@kernel
def inertia_kgm2(world, propellant_kg):
    """Principal moments of inertia, linear in the propellant."""
    share = fill_share(world, propellant_kg)
    dry = load3(world.vehicle.inertia_dry_kgm2)
    full = load3(world.vehicle.inertia_full_kgm2)
    return add_scaled3(scale3(dry, 1.0 - share), full, share)


@kernel
def thrust_B_N(world, thrust_N):
    """Force of the main engine, whose axis is off z_B by two small angles."""
    ax = float(world.errors.thrust_axis_B_rad[0])
    ay = float(world.errors.thrust_axis_B_rad[1])
    return (thrust_N * ax, thrust_N * ay, thrust_N * (1.0 - 0.5 * (ax * ax + ay * ay)))


@kernel
def thruster_flow_kgps(world):
    """Propellant that the thrusters use for the mean torque of this tick; pairs, no net force."""
    torque = load3(world.actuators.torque_B_Nm)
    force = (abs(torque[0]) + abs(torque[1]) + abs(torque[2])) / float(world.vehicle.rcs_arm_m)
    return force / (float(world.vehicle.rcs_isp_s) * STANDARD_GRAVITY_MPS2)


@kernel
def engine_flow_kgps(world, thrust_N):
    """Propellant that the main engine uses."""
    isp = float(world.vehicle.isp_s) * float(world.errors.isp)
    return thrust_N / (isp * STANDARD_GRAVITY_MPS2)


@kernel
def _rates(world, near, elapsed_s, r, v, q, w, propellant, thrust):
    """Time derivatives: (specific force_I, gravity_I, q, omega, propellant, thrust)."""
    vehicle = world.vehicle
    mass = mass_kg(world, propellant)
    cm = centre_of_mass_B(world, propellant)
    push_B = thrust_B_N(world, thrust)
    engine = (-cm[0], -cm[1], -float(vehicle.engine_below_m) - cm[2])
    torque = add3(load3(world.actuators.torque_B_Nm), cross3(engine, push_B))
    torque = add3(torque, load3(world.actuators.side_torque_B_Nm))
    force = rotate(q, push_B)
    if near:
        load, turn = support(world, elapsed_s, cm, r, v, q, w)
        force = add3(force, load)
        torque = add3(torque, turn)
    inertia = inertia_kgm2(world, propellant)
    spin = (inertia[0] * w[0], inertia[1] * w[1], inertia[2] * w[2])
    gyro = cross3(w, spin)
    w_dot = (
        (torque[0] - gyro[0]) / inertia[0],
        (torque[1] - gyro[1]) / inertia[1],
        (torque[2] - gyro[2]) / inertia[2],
    )
    q_dot = (
        -0.5 * (q[1] * w[0] + q[2] * w[1] + q[3] * w[2]),
        0.5 * (q[0] * w[0] + q[2] * w[2] - q[3] * w[1]),
        0.5 * (q[0] * w[1] + q[3] * w[0] - q[1] * w[2]),
        0.5 * (q[0] * w[2] + q[1] * w[1] - q[2] * w[0]),
    )
    flow = engine_flow_kgps(world, thrust) + thruster_flow_kgps(world)
    thrust_dot = (float(world.actuators.thrust_target_N) - thrust) / (
        float(vehicle.lag_s) + float(world.effects.lag_s)
    )
    return (
        scale3(force, 1.0 / mass),
        gravity_mps2(world.moon, r),
        q_dot,
        w_dot,
        -flow,
        thrust_dot,
    )


@kernel
def _along(q, q_dot, dt):
    """q + q_dot dt."""
    return (
        q[0] + q_dot[0] * dt,
        q[1] + q_dot[1] * dt,
        q[2] + q_dot[2] * dt,
        q[3] + q_dot[3] * dt,
    )


@kernel
def _mean3(a, b, c, d):
    """Weighted mean of the four stages."""
    return scale3(add3(add3(a, d), scale3(add3(b, c), 2.0)), 1.0 / 6.0)


@kernel
def _mean(a, b, c, d):
    return (a + 2.0 * (b + c) + d) / 6.0


@kernel
def step_vehicle(world, near, elapsed_s, dt):
    """Move the vehicle by dt seconds under the actuators in force.

    near: True where footpads may meet the ground; elapsed_s: since the planes under them were
    laid. Returns the velocity gained from all forces but gravity, in inertial components.
    """
    truth = world.truth
    r = load3(truth.r_BM_I_m)
    v = load3(truth.v_BM_I_mps)
    q = load4(truth.q_IB)
    w = load3(truth.omega_BI_B_radps)
    p = float(truth.propellant_kg)
    thrust = float(truth.thrust_N)
    h = 0.5 * dt

    f1, g1, q1, w1, p1, t1 = _rates(world, near, elapsed_s, r, v, q, w, p, thrust)
    a1 = add3(f1, g1)
    v2 = add_scaled3(v, a1, h)
    r2 = add_scaled3(r, v, h)
    f2, g2, q2, w2, p2, t2 = _rates(
        world, near, elapsed_s + h, r2, v2, _along(q, q1, h), add_scaled3(w, w1, h), p + p1 * h,
        thrust + t1 * h,
    )  # fmt: skip
    a2 = add3(f2, g2)
    v3 = add_scaled3(v, a2, h)
    r3 = add_scaled3(r, v2, h)
    f3, g3, q3, w3, p3, t3 = _rates(
        world, near, elapsed_s + h, r3, v3, _along(q, q2, h), add_scaled3(w, w2, h), p + p2 * h,
        thrust + t2 * h,
    )  # fmt: skip
    a3 = add3(f3, g3)
    v4 = add_scaled3(v, a3, dt)
    r4 = add_scaled3(r, v3, dt)
    f4, g4, q4, w4, p4, t4 = _rates(
        world, near, elapsed_s + dt, r4, v4, _along(q, q3, dt), add_scaled3(w, w3, dt),
        p + p3 * dt, thrust + t3 * dt,
    )  # fmt: skip

    gain = scale3(_mean3(f1, f2, f3, f4), dt)
    fall = scale3(_mean3(g1, g2, g3, g4), dt)
    store3(truth.r_BM_I_m, add_scaled3(r, _mean3(v, v2, v3, v4), dt))
    store3(truth.v_BM_I_mps, add3(v, add3(gain, fall)))
    q_dot = (
        _mean(q1[0], q2[0], q3[0], q4[0]),
        _mean(q1[1], q2[1], q3[1], q4[1]),
        _mean(q1[2], q2[2], q3[2], q4[2]),
        _mean(q1[3], q2[3], q3[3], q4[3]),
    )
    store4(truth.q_IB, quat_unit(_along(q, q_dot, dt)))
    store3(truth.omega_BI_B_radps, add_scaled3(w, _mean3(w1, w2, w3, w4), dt))
    truth.propellant_kg = max(p + _mean(p1, p2, p3, p4) * dt, 0.0)
    truth.thrust_N = max(thrust + _mean(t1, t2, t3, t4) * dt, 0.0)
    return gain
