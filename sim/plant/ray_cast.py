"""Rays cast over the terrain: slant range, incidence and albedo of the ground in the beam."""

from math import sqrt
from typing import NamedTuple

from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import (
    add3,
    add_scaled3,
    clamp,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    rotate,
    sub3,
    unit3,
)
from sim.plant.moon import ground_velocity, q_LI_true
from sim.plant.terrain import albedo_at, clearance_m, ground_normal
from sim.plant.vehicle import centre_of_mass_B
from sim.sensors.rangefinder import boresight_B

# rise over run of the steepest ground that a march cannot step through
STEEPEST = 1.2

# least step: ground thinner than this along the beam may be stepped through
LEAST_STEP_M = 0.1

# a beam that grazes the ground needs about a hundred steps, one from above a dozen
MARCH_STEPS = 400
REFINE_STEPS = 40

# clearance to which the crossing is found: far below the rangefinder's quantum
CLOSE_ENOUGH_M = 1e-3

# difference of clearances below which an interval cannot be divided
SAME_M = 1e-12

# least cosine of incidence for the closing speed, at 87 degrees: no division by zero
LEAST_COSINE = 0.05

# width of the beam's footprint over the range, and its least width
BEAM_WIDTH = 0.002
FOOTPRINT_M = 0.5


class RayPoint(NamedTuple):
    """A point of a ray: distance from its origin, clearance above the ground [m]."""

    distance_m: float
    clearance_m: float


@kernel
def march(world, origin, beam, reach_m):
    """Distance along a ray in site axes to where it first meets the ground; 0 for never [m].

    Clearance shrinks along the ray by `down + STEEPEST * level` a metre at most, so steps of
    clearance over that pass through no ground; the crossing lies in the first step that ends
    below it. A ray that starts below the ground meets nothing.
    """
    down = abs(dot3(unit3(origin), beam))
    stride = 1.0 / (down + STEEPEST * sqrt(max(1.0 - down * down, 0.0)))
    start = _skip_sky(world, origin, beam)
    if start < 0.0 or start > reach_m:
        return 0.0
    s_above = start
    above = clearance_m(world, add_scaled3(origin, beam, s_above))
    if above <= 0.0:
        return 0.0
    s_below = s_above
    below = above
    for _ in range(MARCH_STEPS):
        s_below = s_above + max(stride * above, LEAST_STEP_M)
        below = clearance_m(world, add_scaled3(origin, beam, s_below))
        if below <= 0.0 or s_below > reach_m:
            break
        s_above = s_below
        above = below
    if below > 0.0:
        return 0.0
    return _crossing_m(world, origin, beam, RayPoint(s_above, above), RayPoint(s_below, below))


@kernel
def _crossing_m(world, origin, beam, last_above, first_below):
    """Distance at which a ray crosses the ground between two RayPoints, by the Illinois rule."""
    s_above = last_above.distance_m
    above = last_above.clearance_m
    s_below = first_below.distance_m
    below = first_below.clearance_m
    s = s_below
    side = 0
    for _ in range(REFINE_STEPS):
        if above - below < SAME_M:
            break
        s = s_above + (s_below - s_above) * above / (above - below)
        f = clearance_m(world, add_scaled3(origin, beam, s))
        if abs(f) < CLOSE_ENOUGH_M:
            break
        if f > 0.0:
            s_above = s
            above = f
            if side == 1:
                below = 0.5 * below
            side = 1
        else:
            s_below = s
            below = f
            if side == -1:
                above = 0.5 * above
            side = -1
    return s


@kernel
def _skip_sky(world, origin, beam):
    """Distance at which a ray enters the sphere that holds all ground; -1 when it misses it."""
    top = float(world.moon.radius_m) + float(world.errors.relief_m)
    b = dot3(origin, beam)
    # height above that sphere times the sum of both radii: no loss of digits near the ground
    r = norm3(origin)
    c = (r - top) * (r + top)
    if c <= 0.0:
        return 0.0
    d = b * b - c
    if b >= 0.0 or d <= 0.0:
        return -1.0
    return c / (-b + sqrt(d))


@kernel
def cast(world):
    """Fill world.sensor_inbox.beam for the current boresight."""
    truth = world.truth
    out = world.sensor_inbox.beam
    params = world.board.sensors.range
    q_IB = load4(truth.q_IB)
    arm_B = (0.0, 0.0, -float(params.below_m))
    arm_B = sub3(arm_B, centre_of_mass_B(world, float(truth.propellant_kg)))
    arm_I = rotate(q_IB, arm_B)
    beam_I = rotate(q_IB, boresight_B(float(params.cant_deg)))
    origin_I = add3(load3(truth.r_BM_I_m), arm_I)
    q_LI = q_LI_true(world, int(world.t_ns))
    origin = rotate(q_LI, origin_I)
    beam = rotate(q_LI, beam_I)
    slant = march(world, origin, beam, float(params.max_m))
    out.t_ns = int(world.t_ns)
    out.slant_m = slant
    out.cos_incidence = 0.0
    out.albedo = 0.0
    out.closing_mps = 0.0
    if slant <= 0.0:
        return
    place = add_scaled3(origin, beam, slant)
    normal = ground_normal(world, place, max(FOOTPRINT_M, BEAM_WIDTH * slant))
    out.cos_incidence = clamp(-dot3(normal, beam), 0.0, 1.0)
    out.albedo = albedo_at(world, place)
    turning = rotate(q_IB, cross3(load3(truth.omega_BI_B_radps), arm_B))
    speed = add3(load3(truth.v_BM_I_mps), turning)
    speed = sub3(speed, ground_velocity(world, add_scaled3(origin_I, beam_I, slant)))
    # rate at which the distance along the beam shrinks over ground as steep as it is there
    closing = -dot3(rotate(q_LI, speed), normal)
    out.closing_mps = closing / max(float(out.cos_incidence), LEAST_COSINE)
