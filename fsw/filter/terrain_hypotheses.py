"""Terrain hypotheses: primary, candidate and alternate ground under one inertial height.

A rejected range implies another ground. Samples that agree about it form the candidate; enough of
them promote it to primary, and the former primary is kept as the alternate. Flight decides which of
the two is wrong: an altitude well below zero without contact is invalid. The terrain is a state of
its own, so that a change of the ground leaves height and speed alone.
"""

from math import sqrt

from fsw.filter.covariance import HT, N_ALL, R0, V0, variance_along
from fsw.filter.range_gate import range_variance_m2
from fsw.framework.kernel import kernel
from fsw.framework.record import U16_MAX
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.vectors import dot3, load3, norm3, store3, sub3

# A candidate returns to the alternate's ground when it lies within five sigma of it, as wide as
# the default gate, and 5 m, for relief between the two footprints.
RETURN_SIGMAS = 5.0
RETURN_WITHIN_M = 5.0

# rise of the altitude that its uncertainty explains: rarer than 1e-4 for a normal error
RAISED_SIGMAS = 4.0

# times that the samples needed may double: 16 times 20 samples are 16 s of ranges at 20 Hz
DOUBLINGS_MAX = 4


@kernel
def altitude_variance(P, up):
    """Variance of the altitude above the ground under the beam, for a unit vector up."""
    along = 0.0
    for i in range(3):
        along = along + up[i] * P[R0 + i, HT]
    total = P[HT, HT] + variance_along(P, R0, up)
    return max(total - 2.0 * along, 0.0)


@kernel
def propose_terrain(trust, params, expected, entry, terrain_m):
    """Add a rejected sample, which implies a ground at terrain_m, to the candidate: the verdict."""
    slope = expected.H[HT]
    variance = range_variance_m2(params, float(entry.range_m), float(expected.closing_mps))
    variance = variance / (slope * slope)
    hit = load3(expected.hit_F_m)
    return open_candidate(trust, params, int(entry.t_ns), terrain_m, variance, hit)


@kernel
def promote_candidate(grid, history, params, up, t_ns):
    """Make the candidate's ground the primary, and the primary's the alternate.

    Where the candidate returns to the alternate's ground, the primary between them was the fault,
    and no alternate is left.
    """
    trust = grid.trust
    primary_m = float(grid.nominal.terrain_m) + history.dx[HT]
    variance = altitude_variance(grid.P, up)
    returned = returns_to_alternate(trust)
    variance_m2 = float(trust.candidate_variance_m2)
    _set_ground(grid, history, up, float(trust.candidate_terrain_m), variance_m2)
    if returned:
        trust.alternate_since_ns = -1
    else:
        _make_alternate(trust, params, primary_m, variance, t_ns)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    count_promotion(trust, params, t_ns)


@kernel
def _set_ground(grid, history, up, terrain_m, variance_m2):
    """Set the terrain state, correlated with height as a range correlates it.

    The claim was terrain = height - range, so its error is that of the height plus its own.
    """
    P = grid.P
    for j in range(N_ALL):
        tied = up[0] * P[R0, j] + up[1] * P[R0 + 1, j] + up[2] * P[R0 + 2, j]
        if j != HT:
            P[HT, j] = tied
            P[j, HT] = tied
    height = up[0] * P[R0, HT] + up[1] * P[R0 + 1, HT] + up[2] * P[R0 + 2, HT]
    P[HT, HT] = height + variance_m2
    history.dx[HT] = terrain_m - float(grid.nominal.terrain_m)


@kernel
def move_hypotheses(grid, dx, up):
    """Move the other hypotheses with the inertial height, which the update is about to move."""
    trust = grid.trust
    rise = dot3(up, (dx[R0], dx[R0 + 1], dx[R0 + 2]))
    trust.raised_m = float(trust.raised_m) + rise - dx[HT]
    trust.alternate_terrain_m = float(trust.alternate_terrain_m) + rise
    trust.candidate_terrain_m = float(trust.candidate_terrain_m) + rise


@kernel
def monitor_raised_altitude(grid, params, up):
    """Detect a range that drifts: ranges raise the altitude although the footprint rests.

    A slow drift stays within the gate and takes the altitude along. Relative to a recent and an
    older reference, ranges may raise it by what the footprint's path and a plausible slope
    allow, and by the uncertainty of the descent rate; beyond that the altitude without them
    becomes the alternate.
    """
    trust = grid.trust
    footprint = load3(grid.footprint_F_m)
    if int(trust.locked) == 0 or dot3(footprint, footprint) == 0.0:
        return
    t_ns = int(grid.nominal.t_ns)
    variance = altitude_variance(grid.P, up)
    rate_sigma = sqrt(max(variance_along(grid.P, V0, up), 0.0))
    for n in range(2):
        was = trust.reference_F_m[n]
        taken_ns = int(trust.reference_t_ns[n])
        age_s = float(t_ns - taken_ns) * 1e-9
        path_m = norm3(sub3(footprint, load3(was)))
        allowed = float(params.plausible_m) + float(params.plausible_slope) * path_m
        allowed = allowed + RAISED_SIGMAS * (sqrt(variance) + rate_sigma * age_s)
        raised = float(trust.raised_m) - float(trust.reference_raised_m[n])
        implausible = taken_ns > 0 and raised > allowed
        if implausible:
            ground = float(grid.nominal.terrain_m) + raised
            _make_alternate(trust, params, ground, variance, t_ns)
        if taken_ns == 0 or implausible or age_s > float(params.plausible_s[n]):
            trust.reference_t_ns[n] = t_ns
            trust.reference_raised_m[n] = trust.raised_m
            store3(was, footprint)


@kernel
def _make_alternate(trust, params, terrain_m, variance_m2, t_ns):
    """Keep a ground as the alternate, unless the present alternate is higher.

    A false range that moves in steps must not displace the last sound altitude.
    """
    if int(trust.alternate_since_ns) >= 0 and float(trust.alternate_terrain_m) > terrain_m:
        return
    undetected_m = float(params.alternate_doubt_m)
    trust.alternate_terrain_m = terrain_m
    trust.alternate_variance_m2 = variance_m2 + undetected_m * undetected_m
    trust.alternate_since_ns = t_ns


@kernel
def check_against_contact(grid, history, params, up):
    """Invalidate an altitude that is well below zero while nothing was touched.

    An invalid alternate is dropped. An invalid primary is replaced by the alternate; without one
    the ground is at the footpads or lower, and a new first lock is needed.
    """
    trust = grid.trust
    gate = params.navigation.trust
    nominal = grid.nominal
    footpads = float(params.moon.radius_m) + float(params.vehicle.footpad_below_cm_m)
    height = norm3(load3(nominal.r_BM_I_m)) - footpads
    margin = float(gate.invalid_below_m)
    sigmas = float(gate.invalid_below_sigma)
    alternate_sigma = sqrt(float(trust.alternate_variance_m2))
    alternate = int(trust.alternate_since_ns) >= 0
    if alternate and height - float(trust.alternate_terrain_m) < -(
        sigmas * alternate_sigma + margin
    ):
        trust.alternate_since_ns = -1
        alternate = False
    sigma = sqrt(altitude_variance(grid.P, up))
    primary_m = height - float(nominal.terrain_m) - history.dx[HT]
    if primary_m >= -(sigmas * sigma + margin):
        return
    trust.invalidated = min(int(trust.invalidated) + 1, U16_MAX)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    trust.candidate_samples = 0
    if alternate:
        alternate_m2 = float(trust.alternate_variance_m2)
        _set_ground(grid, history, up, float(trust.alternate_terrain_m), alternate_m2)
        trust.alternate_since_ns = -1
        return
    wide = float(gate.widen_m)
    _set_ground(grid, history, up, height, wide * wide)
    trust.locked = 0
    trust.lock_count = 0


@kernel
def open_candidate(trust, params, t_ns, terrain_m, variance_m2, hit_F_m):
    """Average a claim into the candidate, or open a new one: HELD_FOR_HYPOTHESIS, or REJECTED.

    terrain_m is the ground that would explain the sample, variance_m2 its variance. A claim that
    does not agree opens a new candidate. Ground does not move under a footprint at rest: claims
    may change along its path only.
    """
    age_s = float(t_ns - int(trust.candidate_t_ns)) * 1e-9
    path_m = norm3(sub3(hit_F_m, load3(trust.candidate_F_m)))
    store3(trust.candidate_F_m, hit_F_m)
    drift = float(params.candidate_drift_mps) * age_s + float(params.candidate_slope) * path_m
    prior = float(trust.candidate_variance_m2) + drift * drift
    step = terrain_m - float(trust.candidate_terrain_m)
    gate = float(params.gate_sigma)
    fresh = int(trust.candidate_samples) > 0 and age_s <= float(params.candidate_gap_s)
    trust.candidate_t_ns = t_ns
    if not fresh or step * step > gate * gate * (prior + variance_m2):
        trust.candidate_terrain_m = terrain_m
        trust.candidate_variance_m2 = variance_m2
        trust.candidate_samples = 1
        return RangeVerdict.REJECTED
    gain = prior / (prior + variance_m2)
    trust.candidate_terrain_m = float(trust.candidate_terrain_m) + gain * step
    trust.candidate_variance_m2 = (1.0 - gain) * prior
    trust.candidate_samples = min(int(trust.candidate_samples) + 1, U16_MAX)
    return RangeVerdict.HELD_FOR_HYPOTHESIS


@kernel
def candidate_is_promoted(trust, params, t_ns):
    """True when enough samples agree with the candidate.

    Each promotion soon after another needs twice as many, since no ground steps that often; the
    return to the alternate does not.
    """
    needed = int(params.candidate_promotion_samples)
    if not returns_to_alternate(trust) and _promoted_recently(trust, params, t_ns):
        needed = needed << min(int(trust.streak) + 1, DOUBLINGS_MAX)
    return int(trust.candidate_samples) >= needed


@kernel
def _promoted_recently(trust, params, t_ns):
    """True within repromotion_s of the last promotion."""
    since_s = float(t_ns - int(trust.promoted_t_ns)) * 1e-9
    return int(trust.promotions) > 0 and since_s < float(params.repromotion_s)


@kernel
def returns_to_alternate(trust):
    """True when the candidate claims the ground that the alternate has."""
    step = float(trust.candidate_terrain_m) - float(trust.alternate_terrain_m)
    spread = float(trust.alternate_variance_m2) + float(trust.candidate_variance_m2)
    return int(trust.alternate_since_ns) >= 0 and step * step < (
        RETURN_SIGMAS * RETURN_SIGMAS * spread + RETURN_WITHIN_M * RETURN_WITHIN_M
    )


@kernel
def count_promotion(trust, params, t_ns):
    """Count a promotion, and whether it came soon after another."""
    trust.streak = int(trust.streak) + 1 if _promoted_recently(trust, params, t_ns) else 0
    trust.promotions = min(int(trust.promotions) + 1, U16_MAX)
    trust.promoted_t_ns = t_ns
    trust.candidate_samples = 0
    trust.rejects_in_a_row = 0
    trust.last_fused_t_ns = t_ns
    trust.locked = 1
