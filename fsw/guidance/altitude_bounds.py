"""Altitude bounds: the lowest altitude that cannot be ruled out, over all live hypotheses.

The primary is the filter's. The alternate is the primary before the last promotion, the candidate
is what rejected ranges have agreed on since. All three are grounds under one inertial height.
Guidance uses the lowest altitude, each less k sigma and less the height fallen within an unproven
latency.

An alternate far above the primary's ground is expensive: the vehicle slows for ground that may not
exist and must fall again. It is kept only while the delta-v left still reaches the primary's
ground. The delta-v of a fall from a hover through H is sqrt(2 g H a / (a - g)) at full thrust a:
free fall, then full thrust (Miele's optimum, 1962), a third more for a real descent.
"""

from math import sqrt

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record
from fsw.guidance.stopping_distance import lowest_altitude
from fsw.interface.events import EventCode, post_event
from fsw.models.gravity import surface_gravity
from fsw.models.propulsion import delta_v_left

# spare deceleration below which thrust cannot hover, and the delta-v that then stands for none
SPARE_MIN_MPS2 = 1e-3
UNREACHABLE_MPS = 1e6

HYPOTHESES_PARAMS = record(
    "HypothesesParams",
    "When a lower alternate is no longer affordable.",
    fall_share=f64("delta-v of a fall, over the least possible", default=1.3, lo=1.0, hi=5.0),
    reserve_mps=f64("delta-v kept beyond that", default=10.0, lo=0.0, hi=1000.0),
)

HYPOTHESES = record(
    "Hypotheses",
    "Decisions about the alternate.",
    dropped_since_ns=i64("stamp that identifies the alternate dropped; -1 for none"),
    alternate_below_m=f64(
        "by how much the alternate's altitude is below the primary's; 0 without one"
    ),
)


@kernel
def update_altitude_bounds(estimate, hypotheses, descent, trust, terrain_m, latency_m):
    """Write the lowest and highest altitude of primary and alternate into the estimate.

    terrain_m: the primary's ground; latency_m: height fallen within the unproven latency.
    """
    primary = float(estimate.altitude_m)
    low = lowest_altitude(descent, primary, float(estimate.sigma_altitude_m), latency_m)
    high = primary
    estimate.altitude_blind_m = primary
    estimate.sigma_blind_m = estimate.sigma_altitude_m
    hypotheses.alternate_below_m = 0.0
    if alternate_counts(hypotheses, trust):
        alternate = primary + terrain_m - float(trust.alternate_terrain_m)
        sigma = sqrt(max(float(trust.alternate_variance_m2), 0.0))
        low = min(low, lowest_altitude(descent, alternate, sigma, latency_m))
        high = max(high, alternate)
        hypotheses.alternate_below_m = max(primary - alternate, 0.0)
        if alternate < primary:
            estimate.altitude_blind_m = alternate
            estimate.sigma_blind_m = sigma
    estimate.altitude_lo_m = low
    estimate.altitude_hi_m = high


@kernel
def bound_by_candidate(estimate, params, trust, terrain_m, latency_m):
    """Lower the lowest altitude to that of a candidate with enough samples."""
    if int(trust.candidate_samples) < int(params.navigation.trust.candidate_live_samples):
        return
    claimed = float(estimate.altitude_m) + terrain_m - float(trust.candidate_terrain_m)
    sigma = sqrt(max(float(trust.candidate_variance_m2), 0.0))
    low = lowest_altitude(params.descent, claimed, sigma, latency_m)
    estimate.altitude_lo_m = min(float(estimate.altitude_lo_m), low)
    estimate.altitude_hi_m = max(float(estimate.altitude_hi_m), claimed)


@kernel
def alternate_counts(hypotheses, trust):
    """True while there is an alternate that has not been dropped."""
    since_ns = int(trust.alternate_since_ns)
    return since_ns >= 0 and since_ns != int(hypotheses.dropped_since_ns)


@kernel
def drop_unaffordable_alternate(hypotheses, params, estimate, trust, outbox):
    """Drop the lower alternate once keeping it would leave less delta-v than the primary needs.

    What must stay affordable: a hover above the alternate's ground, then a fall to the primary's.
    """
    limits = params.hypotheses
    vehicle = params.vehicle
    mass_kg = float(estimate.mass_kg)
    g_mps2 = surface_gravity(params.moon, params.site)
    below_m = float(hypotheses.alternate_below_m)
    if below_m <= 0.0:
        return
    left_mps = delta_v_left(vehicle, mass_kg)
    accel = float(vehicle.thrust_max_N) / max(mass_kg, float(vehicle.dry_mass_kg))
    above_alternate_m = max(float(estimate.altitude_m) - below_m, 0.0)
    needed_mps = fall_delta_v(below_m, accel, g_mps2)
    needed_mps = needed_mps + fall_delta_v(above_alternate_m, accel, g_mps2)
    if left_mps >= float(limits.fall_share) * needed_mps + float(limits.reserve_mps):
        return
    hypotheses.dropped_since_ns = trust.alternate_since_ns
    post_event(outbox, EventCode.ALTERNATE_DROPPED, below_m, left_mps)


@kernel
def fall_delta_v(height_m, accel_mps2, g_mps2):
    """Least delta-v from rest to rest over a fall [m/s]; unreachable where thrust cannot hover."""
    spare = accel_mps2 - g_mps2
    if spare <= SPARE_MIN_MPS2:
        return UNREACHABLE_MPS
    return sqrt(2.0 * g_mps2 * max(height_m, 0.0) * accel_mps2 / spare)
