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

from fsw.framework.kernel import kernel
from fsw.interface.timing import TICK_NS
from fsw.mathlib.elementary import exp, floor_int, sin_cos, to_int
from fsw.mathlib.frames import DEG
from sim.common.random_streams import Stream, gauss, stream_key, uniform

NEVER_NS = -1

# natural logarithm of 10, over 10: decibels to an exponent
DB = 0.23025850929940458

# a sample draws so many dice of its stream
DRAWS = 8


@kernel
def boresight_B(cant_deg):
    """Unit vector of the beam in body components: from -z_B towards +x_B."""
    s, c = sin_cos(cant_deg * DEG)
    return (s, 0.0, -c)


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
    key = stream_key(seed, Stream.RANGE)
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
