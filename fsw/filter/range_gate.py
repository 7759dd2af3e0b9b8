"""Range gate: a verdict for every sample, and never a latch.

Each sample is gated alone, on its innovation at the sample's own stamp, and after any rejection
the next sample can be fused. The verdict enters the estimate, so it is a function of stamps and
values only and is made again in every replay; facts of arrival (late, out of order, silent) stay
in fsw.intake.range_intake and reach guidance only.

Before the first lock the inertial estimate may be hundreds of metres off, so one sample
proves little: samples are held until several in a row agree with each other.

A gate of any width loses a sensor that is right about a 3 km step of the ground (HAKUTO-R M1,
2023), and a reset to the sensor adopts one that is stuck. So rejected samples that agree with
each other about the ground form a *candidate* (fsw.filter.terrain_hypotheses). After a second of
agreement it is promoted to primary, and the former primary is kept as the *alternate*. Guidance
uses the lowest of them; flight invalidates one, since an altitude well below zero without contact
is wrong. A biased sensor and a step of the ground look alike to one rangefinder: flight decides
between them, not inference.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import U8_MAX, U16_MAX, f64, i64, record, u8, u16
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.units import seconds_to_ns
from fsw.mathlib.vectors import clamp

# greatest noise over the expected that variances are raised for: fused beyond it, and before lock
SCATTER_MOST = 30.0
SCATTER_TO_LOCK = 5.0

# The scatter tracks this quantile of |difference| of neighbours: low, so that outliers and steps do
# not move it. Up by q, down by 1 - q of the learning rate holds it there. The second figure is the
# quantile of a normal difference of unit variance.
SCATTER_QUANTILE = 0.1
QUANTILE_OF_NORMAL = 0.1257

# bound of the scatter estimate: it stops growing where the noise exceeds any range
SCATTER_LIMIT = 1000.0

# samples that a fused range takes from the candidate: mixed ranges do not promote it
CANDIDATE_LOSS = 2

TRUST_PARAMS = record(
    "TrustParams",
    "Range gate, first lock, and terrain hypotheses.",
    gate_sigma=f64(
        "innovation beyond which a sample is rejected, in sigma", default=5.0, lo=1.0, hi=100.0
    ),
    lock_window_s=f64(
        "a sample must agree with one that is no older than this", default=20.0, lo=0.05, hi=600.0
    ),
    noise_m=f64("standard deviation of a range at zero distance", default=0.5, lo=0.0, hi=100.0),
    noise_share=f64("growth of that deviation with range", default=0.002, lo=0.0, hi=0.5),
    roughness_m=f64(
        "standard deviation of the ground within the beam's reach", default=0.1, lo=0.0, hi=100.0
    ),
    stamp_sigma_s=f64("standard deviation of a stamp", default=1e-4, lo=0.0, hi=1.0),
    range_min_m=f64("shortest range accepted", default=1.0, lo=0.0, hi=1e4),
    range_max_m=f64("longest range accepted", default=20000.0, lo=1.0, hi=1e6),
    reach_s=f64("a sample older than this is refused", default=8.0, lo=0.1, hi=8.0),
    future_s=f64("a stamp further ahead than this is a clock fault", default=0.02, lo=0.0, hi=10.0),
    relief_m=f64(
        "ground further than this from the mapped height opens no candidate",
        default=6000.0,
        lo=0.0,
        hi=1e6,
    ),
    candidate_slope=f64(
        "steepest ground that a candidate may claim along its footprint",
        default=0.5,
        lo=0.0,
        hi=10.0,
    ),
    candidate_drift_mps=f64(
        "rate at which its ground may move under a footprint at rest",
        default=0.5,
        lo=0.0,
        hi=1e3,
    ),
    repromotion_s=f64(
        "time after a promotion in which the next one needs twice the samples",
        default=30.0,
        lo=0.0,
        hi=1e4,
    ),
    plausible_s=f64(
        "ages at which the references for plausible altitudes are renewed",
        2,
        default=(8.0, 30.0),
        lo=0.5,
        hi=1e4,
    ),
    plausible_m=f64(
        "rise of the altitude by ranges that needs no slope", default=4.0, lo=0.0, hi=1e6
    ),
    plausible_slope=f64("mean slope that ground may have", default=0.15, lo=0.0, hi=10.0),
    alternate_doubt_m=f64(
        "undetected error of an alternate from ranges that drifted",
        default=8.0,
        lo=0.0,
        hi=1e3,
    ),
    scatter_rate=f64("how fast the noise of the samples is learnt", default=0.3, lo=0.0, hi=1.0),
    scatter_free=f64(
        "noise over the expected that does not raise variances", default=2.0, lo=1.0, hi=100.0
    ),
    candidate_gap_s=f64(
        "time without a sample after which a candidate is dropped", default=0.7, lo=0.05, hi=60.0
    ),
    invalid_below_sigma=f64(
        "sigmas below zero at which an altitude is invalid", default=3.0, lo=0.0, hi=1e9
    ),
    invalid_below_m=f64("and metres below zero", default=3.0, lo=0.0, hi=1e6),
    rate_doubt_mps=f64(
        "deviation of the descent rate beyond which ranges may move it",
        default=0.12,
        lo=0.0,
        hi=1e3,
    ),
    widen_m=f64(
        "deviation of the ground after the only altitude is invalidated",
        default=150.0,
        lo=0.0,
        hi=1e5,
    ),
    stuck_move_m=f64(
        "change expected over which a repeated value is stale", default=1.0, lo=0.0, hi=1e4
    ),
    silent_s=f64("time without a fused range that is reported", default=2.0, lo=0.1, hi=1e4),
    candidate_live_samples=i64(
        "samples from which on a candidate bounds the altitude", default=4, lo=1, hi=1_000_000
    ),
    candidate_promotion_samples=i64(
        "samples at which a candidate is promoted", default=20, lo=1, hi=1_000_000
    ),
    stuck_repeats=i64("repeats after which a value is stale", default=3, lo=1, hi=1_000_000),
    latch_after_rejects=i64(
        "rejections in a row after which every sample is; 0 for never",
        default=0,
        lo=0,
        hi=1_000_000,
    ),
    lock_samples=i64("samples that must agree before the first is fused", default=6, lo=1, hi=50),
)

RANGE_TRUST = record(
    "RangeTrust",
    "Memory of the range gate along the grid; a function of stamps and values.",
    last_fused_t_ns=i64("stamp of the last range fused; -1 before the first"),
    lock_t_ns=i64("stamp of the last sample of the present agreement"),
    lock_innovation_m=f64("innovation of the last sample that agreed"),
    last_innovation_m=f64("innovation of the last range fused"),
    last_nis=f64("squared innovation of the last range fused, over its variance"),
    rejected_innovation_m=f64("innovation of the last range rejected"),
    rejected_nis=f64("squared innovation of the last range rejected, over its variance"),
    candidate_terrain_m=f64("ground of the candidate, above the mean radius"),
    candidate_variance_m2=f64("variance of that ground"),
    candidate_t_ns=i64("stamp of its last sample"),
    alternate_terrain_m=f64("ground of the alternate, above the mean radius"),
    alternate_variance_m2=f64("variance of the altitude above it"),
    alternate_since_ns=i64("stamp at which it became the alternate; -1 when there is none"),
    candidate_F_m=f64("point hit by the candidate's last sample, Moon-fixed", 3),
    raised_m=f64("altitude change by ranges, not by motion, since the start"),
    reference_F_m=f64("footprint at the recent and the older reference, Moon-fixed", (2, 3)),
    reference_raised_m=f64("altitude change by ranges until then", 2),
    reference_t_ns=i64("when they were taken; 0 before", 2),
    promoted_t_ns=i64("stamp of the last promotion"),
    scatter=f64("noise of the samples over the expected, learnt from neighbours", default=1.0),
    neighbour_m=f64("innovation of the last sample gated"),
    neighbour_m2=f64("its measurement variance"),
    repeat_range_m=f64("value of the last sample"),
    repeat_expected_m=f64("range expected when that value first arrived"),
    candidate_samples=u16("samples of the candidate; 0 when there is none"),
    rejects_in_a_row=u16("samples rejected since the last fused"),
    invalidated=u16("times that the only altitude was invalidated"),
    promotions=u16("candidates promoted"),
    streak=u16("of these, in a row within repromotion_s"),
    repeats=u16("samples in a row with that value, after the first"),
    lock_count=u8("samples that agree so far"),
    locked=u8("1 once ranges are fused"),
    spare=u8("zero", 2),
)


@kernel
def set_verdict(counts, entry, verdict):
    """Set a sample's verdict; a verdict made again in a replay is counted once."""
    before = int(entry.verdict)
    counts[before] = int(counts[before]) - 1
    counts[verdict] = int(counts[verdict]) + 1
    entry.verdict = verdict


@kernel
def range_variance_m2(params, range_m, closing_mps):
    """Variance of one range: instrument, ground within the beam, and an uncertain stamp."""
    noise = float(params.noise_m) + float(params.noise_share) * range_m
    rough = float(params.roughness_m)
    drift = float(params.stamp_sigma_s) * closing_mps
    return noise * noise + rough * rough + drift * drift


@kernel
def is_stale(trust, params, range_m, expected_m):
    """True for a value repeated while it should have changed: a stuck or stale sensor."""
    if range_m != float(trust.repeat_range_m):
        trust.repeat_range_m = range_m
        trust.repeat_expected_m = expected_m
        trust.repeats = 0
        return False
    trust.repeats = min(int(trust.repeats) + 1, U16_MAX)
    moved = abs(expected_m - float(trust.repeat_expected_m))
    return int(trust.repeats) >= int(params.stuck_repeats) and moved > float(params.stuck_move_m)


@kernel
def estimate_scatter(trust, params, innovation_m, R_m2):
    """Variance of a sample, raised to the noise that neighbouring samples show [m^2].

    The scatter follows the 10 % quantile of |difference| of neighbours over its expectation, so
    that it holds while a tenth of the neighbours are sound: outliers and steps do not move it,
    noise does.
    """
    spread = R_m2 + float(trust.neighbour_m2)
    step = innovation_m - float(trust.neighbour_m)
    scatter = max(float(trust.scatter), 1.0)
    edge = QUANTILE_OF_NORMAL * scatter
    rate = float(params.scatter_rate)
    if step * step > edge * edge * spread:
        scatter = scatter * (1.0 + SCATTER_QUANTILE * rate)
    else:
        scatter = scatter * (1.0 - (1.0 - SCATTER_QUANTILE) * rate)
    trust.scatter = clamp(scatter, 1.0, SCATTER_LIMIT)
    trust.neighbour_m = innovation_m
    trust.neighbour_m2 = R_m2
    excess = clamp(float(trust.scatter) / float(params.scatter_free), 1.0, SCATTER_MOST)
    return R_m2 * excess * excess


@kernel
def judge_range(trust, params, t_ns, innovation_m, variance_m2, R_m2):
    """FUSED_NOW, REJECTED or HELD for one sample whose innovation has this variance."""
    gate = float(params.gate_sigma)
    latch = int(params.latch_after_rejects)
    latched = latch > 0 and int(trust.rejects_in_a_row) >= latch
    if latched or innovation_m * innovation_m > gate * gate * variance_m2:
        trust.rejects_in_a_row = min(int(trust.rejects_in_a_row) + 1, U16_MAX)
        trust.rejected_innovation_m = innovation_m
        trust.rejected_nis = innovation_m * innovation_m / variance_m2
        return RangeVerdict.REJECTED
    if int(trust.locked) == 0 and not _agreed(trust, params, t_ns, innovation_m, R_m2):
        return RangeVerdict.HELD
    trust.locked = 1
    trust.rejects_in_a_row = 0
    trust.candidate_samples = max(int(trust.candidate_samples) - CANDIDATE_LOSS, 0)
    trust.last_fused_t_ns = t_ns
    trust.last_innovation_m = innovation_m
    trust.last_nis = innovation_m * innovation_m / variance_m2
    return RangeVerdict.FUSED_NOW


@kernel
def _agreed(trust, params, t_ns, innovation_m, R_m2):
    """Count samples that agree with their predecessor; true when there are enough."""
    gate = float(params.gate_sigma)
    step = innovation_m - float(trust.lock_innovation_m)
    window_ns = seconds_to_ns(float(params.lock_window_s))
    noisy = clamp(float(trust.scatter) / float(params.scatter_free), 1.0, SCATTER_TO_LOCK)
    fresh = int(trust.lock_count) > 0 and t_ns - int(trust.lock_t_ns) <= window_ns
    agrees = fresh and step * step <= gate * gate * 2.0 * R_m2 * noisy * noisy
    trust.lock_count = min(int(trust.lock_count) + 1, U8_MAX) if agrees else 1
    trust.lock_t_ns = t_ns
    trust.lock_innovation_m = innovation_m
    return int(trust.lock_count) >= int(params.lock_samples)
