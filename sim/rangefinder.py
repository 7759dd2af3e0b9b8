"""The laser rangefinder: where the beam meets the ground, and what the instrument makes of it.

Two halves, so that a sensor board can be the instrument while the plant casts the ray: `cast`
fills a RangeTruth from the world, `measure_range` makes a RangeSample of it and sees no world.

Link budget: ground that fills the beam returns power in proportion to albedo * cos(incidence)
/ range**2 (extended Lambertian target). The return, as a multiple of what gives even odds, is
    s = albedo / reference * cos(incidence) * (reach / range)**2 * 10**(-loss / 10)
        / (1 + (closing speed / closing_mps)**2)
and the probability of detection s**4 / (1 + s**4): near certain at half the reach, near nothing
at twice. Every die is thrown for every sample; decisions follow.
"""

from math import sqrt

from fsw.elementary import exp, floor_int, sin_cos, to_int
from fsw.frames import DEG
from fsw.kernel import kernel
from fsw.linear import (
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
from sim.dice import STREAM_RANGE, gauss, stream_key, uniform
from sim.moon import ground_velocity, q_LI_true
from sim.terrain import albedo_at, clearance_m, ground_normal
from sim.vehicle import centre_of_mass_B
from sim.world import TICK_NS

NEVER_NS = -1
# natural logarithm of 10, over 10: decibels to an exponent
DB = 0.23025850929940458
# a sample draws so many dice of its stream
DRAWS = 8
# rise over run of the steepest ground that a march cannot step through
STEEPEST = 1.2
# least step: what is thinner along the beam may be passed through
LEAST_STEP_M = 0.1
# a beam that grazes the ground needs about a hundred steps, one from above a dozen
MARCH_STEPS = 400
REFINE_STEPS = 40
# the crossing is found to this clearance; far below the quantum
CLOSE_ENOUGH_M = 1e-3
# width of the beam's footprint over the range, and at least
BEAM_WIDTH = 0.002
FOOTPRINT_M = 0.5


@kernel
def boresight_B(cant_deg):
    """Unit vector of the beam in body components: from -z_B towards +x_B."""
    s, c = sin_cos(cant_deg * DEG)
    return (s, 0.0, -c)


@kernel
def march(world, origin, beam, reach_m):
    """Distance along a ray in site axes to where it first meets the ground; 0 for never [m].

    Clearance shrinks along the ray by `down + STEEPEST * level` a metre at most, so steps of
    clearance over that pass through no ground; once below, the crossing is closed in upon. A
    ray that starts below the ground meets nothing.
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
    return _refine(world, origin, beam, s_above, above, s_below, below)


@kernel
def _refine(world, origin, beam, s_above, above, s_below, below):
    """Crossing between a point above and one below the ground, by the Illinois rule."""
    s = s_below
    side = 0
    for _ in range(REFINE_STEPS):
        if above - below < 1e-12:
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
    """Fill world.told.beam for the boresight of now."""
    truth = world.truth
    out = world.told.beam
    parameters = world.board.sensors.range
    q_IB = load4(truth.q_IB)
    arm_B = (0.0, 0.0, -float(parameters.below_m))
    arm_B = sub3(arm_B, centre_of_mass_B(world, float(truth.propellant_kg)))
    arm_I = rotate(q_IB, arm_B)
    beam_I = rotate(q_IB, boresight_B(float(parameters.cant_deg)))
    origin_I = add3(load3(truth.r_BM_I_m), arm_I)
    q_LI = q_LI_true(world, int(world.t_ns))
    origin = rotate(q_LI, origin_I)
    beam = rotate(q_LI, beam_I)
    slant = march(world, origin, beam, float(parameters.max_m))
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
    out.closing_mps = closing / max(float(out.cos_incidence), 0.05)


@kernel
def return_strength(parameters, truth, loss_db):
    """Return as a multiple of what gives even odds of detection, loss_db below its budget."""
    slant = max(float(truth.slant_m), 0.1)
    ratio = float(parameters.reach_m) / slant
    closing = float(truth.closing_mps) / float(parameters.closing_mps)
    surface = float(truth.albedo) * float(truth.cos_incidence) / float(parameters.reference_albedo)
    loss = exp(-DB * (float(parameters.loss_db) + loss_db))
    return surface * ratio * ratio * loss / (1.0 + closing * closing)


@kernel
def detection_probability(strength):
    """Odds of a detection, from the return's strength."""
    s2 = strength * strength
    s4 = s2 * s2
    return s4 / (1.0 + s4)


@kernel
def measure_range(parameters, state, seed, truth, loss_db, sample):
    """One RangeSample from where the beam truly met the ground.

    parameters: Rangefinder; state: RangeState; truth: RangeTruth; loss_db: of the link, on top of
    its budget.
    """
    count = int(state.count)
    key = stream_key(seed, STREAM_RANGE)
    first = DRAWS * count
    noise = gauss(key, first)
    seen = uniform(key, first + 1)
    kind = uniform(key, first + 2)
    extent = uniform(key, first + 3)
    state.count = count + 1

    slant = float(truth.slant_m)
    shortest = float(parameters.min_m)
    longest = float(parameters.max_m)
    measured = slant + noise * (float(parameters.sigma_m) + float(parameters.sigma_share) * slant)
    if kind < float(parameters.false_share):
        measured = shortest + (slant - shortest) * extent
    elif kind < float(parameters.false_share) + float(parameters.multiple_share):
        measured = measured + float(parameters.multiple_m) * extent
    quantum = float(parameters.quantum_m)
    measured = float(floor_int(measured / quantum + 0.5)) * quantum

    strength = return_strength(parameters, truth, loss_db)
    detected = slant > 0.0 and seen < detection_probability(strength)
    in_limits = shortest <= measured and measured <= longest and slant >= shortest
    sample.t_ns = int(truth.t_ns)
    sample.seq = count & 0xFFFF
    sample.valid = 0
    sample.range_m = 0.0
    sample.quality = 0
    if detected and in_limits:
        sample.valid = 1
        sample.range_m = measured
        sample.quality = to_int(255.0 * strength / (1.0 + strength), 1.0, 255.0)


@kernel
def is_sampling(parameters, state, t_ns):
    """True in the ticks in which the instrument takes a sample."""
    ready = int(state.ready_t_ns)
    if ready < 0 or t_ns < ready:
        return False
    return (t_ns // TICK_NS) % int(parameters.period_ticks) == 0


@kernel
def switch_range(parameters, state, t_ns, on, after_s):
    """Power for the instrument, off or on; it is ready after its warm-up and after_s more."""
    if not on:
        state.ready_t_ns = NEVER_NS
        return
    state.cycles = int(state.cycles) + 1
    wait_s = after_s + float(parameters.warmup_s)
    ticks = to_int(wait_s * 1e9 / float(TICK_NS) + 0.5, 0.0, 1e9)
    state.ready_t_ns = t_ns + ticks * TICK_NS
