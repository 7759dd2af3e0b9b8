"""The altitudes that are alive, and the lowest that guidance must heed.

Ours is the filter's. The alternate is what was believed before a candidate won, the candidate what
rejected ranges have agreed on since. All three are grounds under one inertial height. Guidance
flies on the lowest, each less k sigma and less the height fallen within an unproven latency.

An alternate below ours by a great deal is dear: the vehicle slows for ground that may not be there
and must fall again. It is kept only while the delta-v left would still reach the other ground.
The price of falling from a hover through H is sqrt(2 g H a / (a - g)) at full thrust a: free
fall, then full thrust (Miele's optimum, 1962), a third more for what a real descent adds.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.stopping_distance import lowest_altitude
from fsw.interface.events import EventCode, post_event
from fsw.models.propulsion import delta_v_left

HYPOTHESES_PARAMS = record(
    "HypothesesParams",
    "When a lower alternate can no longer be afforded.",
    fall_share=f64("delta-v of a fall, over the least possible", default=1.3, lo=1.0, hi=5.0),
    reserve_mps=f64("delta-v kept beyond that", default=10.0, lo=0.0, hi=1000.0),
)

HYPOTHESES = record(
    "Hypotheses",
    "What was decided about the alternate.",
    dropped_since_ns=i64("stamp that names the alternate given up; -1 when none was"),
    alternate_below_m=f64("how far the alternate's altitude lies below ours; 0 without one"),
)


@kernel
def update_altitude_bounds(hypotheses, descent, trust, terrain_m, latency_m, estimate):
    """Write the lowest and highest altitude that is alive into the estimate."""
    ours = float(estimate.altitude_m)
    low = lowest_altitude(descent, ours, float(estimate.sigma_altitude_m), latency_m)
    high = ours
    estimate.altitude_blind_m = ours
    estimate.sigma_blind_m = estimate.sigma_altitude_m
    hypotheses.alternate_below_m = 0.0
    if alternate_counts(hypotheses, trust):
        alternate = ours + terrain_m - float(trust.alternate_terrain_m)
        sigma = sqrt(max(float(trust.alternate_variance_m2), 0.0))
        low = min(low, lowest_altitude(descent, alternate, sigma, latency_m))
        high = max(high, alternate)
        hypotheses.alternate_below_m = max(ours - alternate, 0.0)
        if alternate < ours:
            estimate.altitude_blind_m = alternate
            estimate.sigma_blind_m = sigma
    estimate.altitude_lo_m = low
    estimate.altitude_hi_m = high


@kernel
def bound_by_candidate(trust, trust_params, descent, terrain_m, latency_m, estimate):
    """Lower the lowest altitude to that of a candidate with enough samples behind it."""
    if int(trust.candidate_samples) < int(trust_params.candidate_live_samples):
        return
    claimed = float(estimate.altitude_m) + terrain_m - float(trust.candidate_terrain_m)
    sigma = sqrt(max(float(trust.candidate_variance_m2), 0.0))
    low = lowest_altitude(descent, claimed, sigma, latency_m)
    estimate.altitude_lo_m = min(float(estimate.altitude_lo_m), low)
    estimate.altitude_hi_m = max(float(estimate.altitude_hi_m), claimed)


@kernel
def alternate_counts(hypotheses, trust):
    """True while there is an alternate that has not been given up."""
    since_ns = int(trust.alternate_since_ns)
    return since_ns >= 0 and since_ns != int(hypotheses.dropped_since_ns)


@kernel
def drop_unaffordable_alternate(
    hypotheses, params, trust, vehicle, mass_kg, g_mps2, altitude_m, outbox
):
    """Give up a lower alternate once heeding it would leave too little to reach our own ground.

    What must stay affordable: coming to a hover above the alternate's ground, then falling to ours.
    """
    below_m = float(hypotheses.alternate_below_m)
    if below_m <= 0.0:
        return
    left_mps = delta_v_left(vehicle, mass_kg)
    accel = float(vehicle.thrust_max_N) / max(mass_kg, float(vehicle.dry_mass_kg))
    above_alternate_m = max(altitude_m - below_m, 0.0)
    price = fall_delta_v(below_m, accel, g_mps2) + fall_delta_v(above_alternate_m, accel, g_mps2)
    if left_mps >= float(params.fall_share) * price + float(params.reserve_mps):
        return
    hypotheses.dropped_since_ns = trust.alternate_since_ns
    post_event(outbox, EventCode.ALTERNATE_DROPPED, below_m, left_mps)


@kernel
def fall_delta_v(height_m, accel_mps2, g_mps2):
    """Least delta-v from rest to rest over a fall [m/s]; a vast one where thrust cannot hover."""
    spare = accel_mps2 - g_mps2
    if spare <= 1e-3:
        return 1e6
    return sqrt(2.0 * g_mps2 * max(height_m, 0.0) * accel_mps2 / spare)
