"""Range recovery: power cycles of a rangefinder that contradicts flight.

An instrument may fail in a way that only its restart can repair: Apollo 14's radar locked after its
breaker had been pulled (1971). A change of the ground is the other reason for rejected ranges, so
the instrument is suspected only when its ranges are consistent with no ground: values out of
range, claims that do not agree with one another, or a second change soon after an accepted one. A
restart costs seconds without ranges: few tries, far apart, and none near the ground.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record

RANGE_RECOVERY_PARAMS = record(
    "RangeRecoveryParams",
    "Automatic power cycles of the rangefinder.",
    lowest_m=f64("altitude below which it is not power-cycled", default=150.0, lo=0.0, hi=1e5),
    spacing_s=f64("time between two tries", default=15.0, lo=0.1, hi=1e4),
    believed_s=f64(
        "time after an accepted change of the ground in which a disagreement is suspect",
        default=30.0,
        lo=0.0,
        hi=1e4,
    ),
    samples=i64(
        "samples in a row that contradict flight before a power cycle; 0 for never",
        default=12,
        lo=0,
        hi=65535,
    ),
    tries_max=i64("automatic power cycles, at most", default=2, lo=0, hi=100),
)


@kernel
def contradicts_flight(params, trust, unusable, now_ns):
    """True when ranges agree neither with the primary ground nor with a candidate."""
    samples = int(params.samples)
    if samples == 0 or int(trust.locked) == 0:
        return False
    if unusable >= samples:
        return True
    rejected = int(trust.rejects_in_a_row)
    if rejected < samples:
        return False
    promoted_ns = int(trust.promoted_t_ns)
    believed_s = float(now_ns - promoted_ns) * 1e-9
    soon = promoted_ns > 0 and believed_s < float(params.believed_s)
    return soon or 2 * int(trust.candidate_samples) < rejected
