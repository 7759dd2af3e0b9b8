"""Which ground: what becomes of ranges that disagree with the one believed in.

A rejected range is not lost: it claims another ground. Claims that agree for long enough win, and
the ground believed until then lives on as the alternate, under the same inertial height; flight
proves one of the two wrong, when footpads are well below a ground and nothing was touched. The
terrain is a state of its own, so that a change of the ground leaves height and speed alone.
"""

from math import sqrt

from fsw.filter.covariance import HT, N_ALL, R0, V0, variance_along
from fsw.filter.range_gate import range_variance_m2
from fsw.framework.kernel import kernel
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.vectors import dot3, load3, norm3, store3, sub3


@kernel
def altitude_variance(P, up):
    """Variance of the altitude above the ground under the beam, for a unit vector up."""
    along = 0.0
    for i in range(3):
        along = along + up[i] * P[R0 + i, HT]
    total = P[HT, HT] + variance_along(P, R0, up)
    return max(total - 2.0 * along, 0.0)


@kernel
def propose_terrain(grid, history, expected, entry, claim_m, up, trust_params):
    """Let a rejected sample speak for its ground, and crown the candidate when it has won."""
    trust = grid.trust
    t_ns = int(entry.t_ns)
    slope = expected.H[HT]
    doubt = range_variance_m2(trust_params, float(entry.range_m), float(expected.closing_mps))
    hit = load3(expected.hit_F_m)
    verdict = open_candidate(trust, trust_params, t_ns, claim_m, doubt / (slope * slope), hit)
    if candidate_is_promoted(trust, trust_params, t_ns):
        _promote_candidate(grid, history, up, trust_params, t_ns)
        store3(grid.footprint_F_m, hit)
    return verdict


@kernel
def _promote_candidate(grid, history, up, trust_params, t_ns):
    """The candidate's ground becomes ours, and what we believed before the alternate.

    Where the candidate claims what the alternate has, the belief between them was the fault, and
    nobody is left as alternate.
    """
    trust = grid.trust
    ours = float(grid.nominal.terrain_m) + history.dx[HT]
    variance = altitude_variance(grid.P, up)
    returned = returns_to_alternate(trust)
    variance_m2 = float(trust.candidate_variance_m2)
    _set_ground(grid, history, up, float(trust.candidate_terrain_m), variance_m2)
    if returned:
        trust.alternate_since_ns = -1
    else:
        _make_alternate(trust, trust_params, ours, variance, t_ns)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    count_promotion(trust, trust_params, t_ns)


@kernel
def _set_ground(grid, history, up, terrain_m, variance_m2):
    """Put the ground elsewhere: a new terrain state that is tied to height, as a range ties it.

    The claim was terrain = height - range, so its error is that of the height and its own.
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
def carry_grounds(grid, dx, up):
    """Keep the other grounds under the inertial height, which a range is about to move."""
    trust = grid.trust
    rise = dot3(up, (dx[R0], dx[R0 + 1], dx[R0 + 2]))
    trust.raised_m = float(trust.raised_m) + rise - dx[HT]
    trust.alternate_terrain_m = float(trust.alternate_terrain_m) + rise
    trust.candidate_terrain_m = float(trust.candidate_terrain_m) + rise


@kernel
def watch_raised_altitude(grid, up, trust_params):
    """An altitude that ranges raise under a footprint at rest: a range that drifts.

    Within the gate a slow liar takes the altitude along. Against a young and an old reference,
    ranges may have raised it by what the footprint's way and a plausible slope allow, and by
    what the descent rate was uncertain; beyond that the altitude without them becomes the
    alternate.
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
        way = norm3(sub3(footprint, load3(was)))
        allowed = float(trust_params.plausible_m) + float(trust_params.plausible_slope) * way
        allowed = allowed + 4.0 * (sqrt(variance) + rate_sigma * age_s)
        raised = float(trust.raised_m) - float(trust.reference_raised_m[n])
        implausible = taken_ns > 0 and raised > allowed
        if implausible:
            ground = float(grid.nominal.terrain_m) + raised
            _make_alternate(trust, trust_params, ground, variance, t_ns)
        if taken_ns == 0 or implausible or age_s > float(trust_params.plausible_s[n]):
            trust.reference_t_ns[n] = t_ns
            trust.reference_raised_m[n] = trust.raised_m
            store3(was, footprint)


@kernel
def _make_alternate(trust, trust_params, terrain_m, variance_m2, t_ns):
    """Keep a ground alive as the alternate, unless a higher one is alive already.

    A liar that moves on in steps must not push the last sound altitude out.
    """
    if int(trust.alternate_since_ns) >= 0 and float(trust.alternate_terrain_m) > terrain_m:
        return
    doubt = float(trust_params.alternate_doubt_m)
    trust.alternate_terrain_m = terrain_m
    trust.alternate_variance_m2 = variance_m2 + doubt * doubt
    trust.alternate_since_ns = t_ns


@kernel
def check_against_contact(grid, history, moon, vehicle, up, trust_params):
    """Fly until an altitude is proved wrong: well below zero, and no contact.

    An alternate that is dead is forgotten. When it is ours, the alternate takes its place; without
    one the ground is where the footpads are or lower, and a lock is sought anew.
    """
    trust = grid.trust
    nominal = grid.nominal
    footpads = float(moon.radius_m) + float(vehicle.footpad_below_cm_m)
    height = norm3(load3(nominal.r_BM_I_m)) - footpads
    margin = float(trust_params.invalid_below_m)
    sigmas = float(trust_params.invalid_below_sigma)
    alternate_sigma = sqrt(float(trust.alternate_variance_m2))
    alternate = int(trust.alternate_since_ns) >= 0
    if alternate and height - float(trust.alternate_terrain_m) < -(
        sigmas * alternate_sigma + margin
    ):
        trust.alternate_since_ns = -1
        alternate = False
    sigma = sqrt(altitude_variance(grid.P, up))
    ours = height - float(nominal.terrain_m) - history.dx[HT]
    if ours >= -(sigmas * sigma + margin):
        return
    trust.invalidated = min(int(trust.invalidated) + 1, 65535)
    trust.reference_t_ns[0] = 0
    trust.reference_t_ns[1] = 0
    trust.candidate_samples = 0
    if alternate:
        alternate_m2 = float(trust.alternate_variance_m2)
        _set_ground(grid, history, up, float(trust.alternate_terrain_m), alternate_m2)
        trust.alternate_since_ns = -1
        return
    wide = float(trust_params.widen_m)
    _set_ground(grid, history, up, height, wide * wide)
    trust.locked = 0
    trust.lock_count = 0


@kernel
def open_candidate(trust, params, t_ns, terrain_m, variance_m2, hit_F_m):
    """Let a rejected sample speak for the ground that it claims: REJECTED, or HELD_FOR_HYPOTHESIS.

    terrain_m is the ground that would explain the sample, variance_m2 its variance. Claims that
    agree are averaged; one that does not begins a new candidate. Ground that moves under a
    footprint at rest is no ground: only its way lets a claim change.
    """
    age_s = float(t_ns - int(trust.candidate_t_ns)) * 1e-9
    way = norm3(sub3(hit_F_m, load3(trust.candidate_F_m)))
    store3(trust.candidate_F_m, hit_F_m)
    drift = float(params.candidate_drift_mps) * age_s + float(params.candidate_slope) * way
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
    trust.candidate_samples = min(int(trust.candidate_samples) + 1, 65535)
    return RangeVerdict.HELD_FOR_HYPOTHESIS


@kernel
def candidate_is_promoted(trust, params, t_ns):
    """True when enough samples agree with the candidate.

    After another it needs twice as many each time, since no ground steps that often; the way
    back to the alternate stays short.
    """
    needed = int(params.candidate_promotion_samples)
    if not returns_to_alternate(trust) and _promoted_recently(trust, params, t_ns):
        needed = needed << min(int(trust.streak) + 1, 4)
    return int(trust.candidate_samples) >= needed


@kernel
def _promoted_recently(trust, params, t_ns):
    since_s = float(t_ns - int(trust.promoted_t_ns)) * 1e-9
    return int(trust.won) > 0 and since_s < float(params.repromotion_s)


@kernel
def returns_to_alternate(trust):
    """True when the candidate claims the ground that the alternate has."""
    step = float(trust.candidate_terrain_m) - float(trust.alternate_terrain_m)
    spread = float(trust.alternate_variance_m2) + float(trust.candidate_variance_m2)
    return int(trust.alternate_since_ns) >= 0 and step * step < 25.0 * spread + 25.0


@kernel
def count_promotion(trust, params, t_ns):
    """Remember that a candidate has won, and whether soon after another."""
    trust.streak = int(trust.streak) + 1 if _promoted_recently(trust, params, t_ns) else 0
    trust.won = min(int(trust.won) + 1, 65535)
    trust.promoted_t_ns = t_ns
    trust.candidate_samples = 0
    trust.rejects_in_a_row = 0
    trust.last_fused_t_ns = t_ns
    trust.locked = 1
