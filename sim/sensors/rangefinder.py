"""The laser rangefinder: one sample from the true geometry of its beam.

The plant casts the ray (sim.plant.ray_cast) and fills a RangeTruth; `measure_range` fills a
RangeSample from it without access to the world, so that it runs on a sensor board too.

Link budget: ground that fills the beam returns power in proportion to albedo * cos(incidence)
/ range**2 (extended Lambertian target). The return, as a multiple of the one detected with
probability 0.5, is
    s = albedo / reference * cos(incidence) * (reach / range)**2 * 10**(-loss / 10)
        / (1 + (closing speed / closing_mps)**2)
and the probability of detection s**4 / (1 + s**4): nearly 1 at half the reach, nearly 0 at twice
the reach. Every sample makes all of its draws, whether it uses them or not.
"""

from fsw.framework.kernel import kernel
from fsw.interface.timing import TICK_NS
from fsw.mathlib.elementary import exp, floor_int, sin_cos, to_int
from fsw.mathlib.frames import DEG
from sim.common.random_streams import Stream, gauss, stream_key, uniform
from sim.faults.windows import NEVER_NS

# natural logarithm of 10, over 10: decibels to an exponent
DB = 0.23025850929940458

# slant range below which the link budget stays constant: no division by zero
LEAST_SLANT_M = 0.1

# quality of a sample, in a byte: 0 is kept for no return
QUALITY_MAX = 255.0

# draws of the stream for each sample
DRAWS = 8


@kernel
def boresight_B(cant_deg):
    """Unit vector of the beam in body components: from -z_B towards +x_B."""
    s, c = sin_cos(cant_deg * DEG)
    return (s, 0.0, -c)


@kernel
def return_strength(params, truth, loss_db):
    """Return over that of detection probability 0.5, with loss_db on top of the budget."""
    slant = max(float(truth.slant_m), LEAST_SLANT_M)
    ratio = float(params.reach_m) / slant
    closing = float(truth.closing_mps) / float(params.closing_mps)
    surface = float(truth.albedo) * float(truth.cos_incidence) / float(params.reference_albedo)
    loss = exp(-DB * (float(params.loss_db) + loss_db))
    return surface * ratio * ratio * loss / (1.0 + closing * closing)


@kernel
def detection_probability(strength):
    """Probability of detection, from the return's strength."""
    s2 = strength * strength
    s4 = s2 * s2
    return s4 / (1.0 + s4)


@kernel
def measure_range(board, truth, sample):
    """Fill a RangeSample of the SensorBoard's rangefinder from a RangeTruth.

    Counts the sample in the board's RangeState; the open faults add to the loss of the link.
    """
    params = board.sensors.range
    state = board.range_state
    count = int(state.count)
    key = stream_key(int(board.seed), Stream.RANGE)
    first = DRAWS * count
    noise = gauss(key, first)
    seen = uniform(key, first + 1)
    kind = uniform(key, first + 2)
    extent = uniform(key, first + 3)
    state.count = count + 1

    slant = float(truth.slant_m)
    shortest = float(params.min_m)
    longest = float(params.max_m)
    measured = slant + noise * (float(params.sigma_m) + float(params.sigma_share) * slant)
    if kind < float(params.false_share):
        measured = shortest + (slant - shortest) * extent
    elif kind < float(params.false_share) + float(params.multiple_share):
        measured = measured + float(params.multiple_m) * extent
    quantum = float(params.quantum_m)
    measured = float(floor_int(measured / quantum + 0.5)) * quantum

    strength = return_strength(params, truth, float(board.effects.loss_db))
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
        sample.quality = to_int(QUALITY_MAX * strength / (1.0 + strength), 1.0, QUALITY_MAX)


@kernel
def is_sampling(params, state, t_ns):
    """True in a tick in which the instrument takes a sample."""
    ready = int(state.ready_t_ns)
    if ready < 0 or t_ns < ready:
        return False
    return (t_ns // TICK_NS) % int(params.period_ticks) == 0


@kernel
def switch_range(state, params, t_ns, on, after_s):
    """Switch the instrument off or on; it is ready after_s plus its warm-up later."""
    if not on:
        state.ready_t_ns = NEVER_NS
        return
    state.cycles = int(state.cycles) + 1
    wait_s = after_s + float(params.warmup_s)
    ticks = to_int(wait_s * 1e9 / float(TICK_NS) + 0.5, 0.0, 1e9)
    state.ready_t_ns = t_ns + ticks * TICK_NS
