"""Four legs: each a spring and damper along the ground's normal, with Coulomb friction.

A footpad below the ground is pushed back by N = k depth - c depth_rate, never drawn in.
Friction opposes slip with mu N, regularised linearly below `slip_mps`: a lander on a
slope creeps at slip_mps * tan(slope) / mu, which is millimetres a second. The ground under a
footpad is its tangent plane of this tick; the plane turns with the Moon, 4.6 m/s at the equator.
"""

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    rotate,
    scale3,
    store3,
    sub3,
    unrotate,
)
from sim.plant.moon import at_height, ground_velocity, q_LI_true
from sim.plant.terrain import ground_height_m, ground_normal
from sim.plant.world import LEGS

HALF_SQRT = 0.7071067811865476

# legs lie between the body axes, in this order
LEG_X = (HALF_SQRT, -HALF_SQRT, -HALF_SQRT, HALF_SQRT)
LEG_Y = (HALF_SQRT, HALF_SQRT, -HALF_SQRT, -HALF_SQRT)

# length over which the ground's slope is taken: about the size of a footpad
FOOTPRINT_M = 0.3

# more than any clearance near the ground
FAR_M = 1e9


@kernel
def footpad_B(vehicle, cm_B, i):
    """Footpad i from the current centre of mass, in body components [m]."""
    radius = float(vehicle.footpad_radius_m)
    return (
        LEG_X[i] * radius - cm_B[0],
        LEG_Y[i] * radius - cm_B[1],
        -float(vehicle.footpad_below_m) - cm_B[2],
    )


@kernel
def leg_load(world, i, elapsed_s, cm_B, state):
    """(arm_I, force_I, depth) of leg i in a VehicleState, elapsed_s into the tick [m, N, m]."""
    vehicle = world.vehicle
    pad_B = footpad_B(vehicle, cm_B, i)
    arm_I = rotate(state.q_IB, pad_B)
    pad_I = add3(state.r_BM_I_m, arm_I)
    normal = load3(world.legs[i].normal_I)
    plane = load3(world.legs[i].ground_I_m)
    plane = add_scaled3(plane, ground_velocity(world, plane), elapsed_s)
    depth = dot3(sub3(plane, pad_I), normal)
    if depth <= 0.0:
        return (arm_I, (0.0, 0.0, 0.0), depth)
    pad_v = add3(state.v_BM_I_mps, rotate(state.q_IB, cross3(state.omega_BI_B_radps, pad_B)))
    slip = sub3(pad_v, ground_velocity(world, pad_I))
    rise = dot3(slip, normal)
    push = float(vehicle.leg_stiffness_Npm) * depth - float(vehicle.leg_damping_Nspm) * rise
    if push <= 0.0:
        return (arm_I, (0.0, 0.0, 0.0), depth)
    slip = add_scaled3(slip, normal, -rise)
    drag = float(vehicle.friction) * push / max(norm3(slip), float(vehicle.slip_mps))
    return (arm_I, add_scaled3(scale3(normal, push), slip, -drag), depth)


@kernel
def support(world, elapsed_s, cm_B, state):
    """(force_I, torque_B) of all legs on the vehicle in a VehicleState [N, N m]."""
    force = (0.0, 0.0, 0.0)
    torque_I = (0.0, 0.0, 0.0)
    for i in range(LEGS):
        arm, load, _ = leg_load(world, i, elapsed_s, cm_B, state)
        force = add3(force, load)
        torque_I = add3(torque_I, cross3(arm, load))
    return (force, unrotate(state.q_IB, torque_I))


@kernel
def observe_footpads(world, cm_B):
    """Lay the tangent plane under every footpad; returns the least clearance of a footpad [m]."""
    truth = world.truth
    q_LI = q_LI_true(world, int(world.t_ns))
    r_I = load3(truth.r_BM_I_m)
    q_IB = load4(truth.q_IB)
    least = FAR_M
    for i in range(LEGS):
        pad_I = add3(r_I, rotate(q_IB, footpad_B(world.vehicle, cm_B, i)))
        pad = rotate(q_LI, pad_I)
        ground = at_height(world, pad, ground_height_m(world, pad))
        normal = ground_normal(world, pad, FOOTPRINT_M)
        store3(world.legs[i].ground_I_m, unrotate(q_LI, ground))
        store3(world.legs[i].normal_I, unrotate(q_LI, normal))
        least = min(least, dot3(sub3(pad, ground), normal))
    return least
