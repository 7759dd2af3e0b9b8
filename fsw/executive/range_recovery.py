"""Care of the rangefinder: power off and on for an instrument that contradicts flight.

An instrument may be beyond what software on this side can straighten and be well after a restart:
Apollo 14's radar locked after its breaker had been pulled (1971). A change of the ground is the
other reason for ranges that are rejected, so the instrument is suspected only when what it claims
is no ground: values that cannot be, claims that do not agree with one another, or a second change
soon after one that was believed. A restart costs seconds without ranges: few tries, far apart,
and none near the ground.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record

RANGE_RECOVERY_PARAMS = record(
    "RangeRecoveryParams",
    "When the flight software power-cycles the rangefinder on its own.",
    lowest_m=f64("altitude below which it is left alone", default=150.0, lo=0.0, hi=1e5),
    spacing_s=f64("time between two tries", default=15.0, lo=0.1, hi=1e4),
    believed_s=f64(
        "a disagreement so soon after a change of the ground was believed is suspect",
        default=30.0,
        lo=0.0,
        hi=1e4,
    ),
    samples=i64(
        "samples in a row that contradict flight before it is tried; 0 for never",
        default=12,
        lo=0,
        hi=65535,
    ),
    tries_max=i64("tries on its own", default=2, lo=0, hi=100),
)


@kernel
def contradicts_flight(params, trust, unusable, now_ns):
    """True when what the rangefinder says is neither the ground that is believed nor another."""
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
