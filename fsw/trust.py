"""Range trust: a verdict for every sample, and never a latch.

Each sample is judged alone, against what the filter expects at the sample's own stamp, and
whatever is rejected can come back with the next one. What is decided here enters the
estimate, so it is a function of stamps and values only and is made again in every replay;
facts of arrival (late, out of order, silent) are kept by fsw.intake and reach guidance only.

Before the first lock the inertial estimate may be hundreds of metres off, so one sample
proves little: samples are held until several in a row agree with each other.

A gate of any width loses a sensor that is right about a 3 km step of the ground (HAKUTO-R M1,
2023), and a reset to the sensor adopts one that is stuck. So rejected samples that agree with
each other about the ground become a *challenger*. After a second of agreement it wins: the
terrain state moves to it, and what was believed before stays alive as the *rival*. Guidance
uses the lowest of them; flight falsifies one, since an altitude well below zero without contact
condemns the estimate and not the world. A biased sensor and a step of the ground look alike to
one rangefinder: that is decided by flying, not by inference.
"""

from fsw.elementary import to_int
from fsw.kernel import kernel
from fsw.record import f64, i64, record, u8, u16

VERDICT_NAMES = (
    "pending",
    "fused_now",
    "fused_late",
    "too_old",
    "duplicate",
    "stale_repeat",
    "clock_fault",
    "rejected",
    "held",
    "held_for_hypothesis",
    "invalid",
    "out_of_range",
    "bad_geometry",
    "crowded",
    "inhibited",
)
(
    PENDING,
    FUSED_NOW,
    FUSED_LATE,
    TOO_OLD,
    DUPLICATE,
    STALE_REPEAT,
    CLOCK_FAULT,
    REJECTED,
    HELD,
    HELD_FOR_HYPOTHESIS,
    INVALID,
    OUT_OF_RANGE,
    BAD_GEOMETRY,
    CROWDED,
    INHIBITED,
) = range(15)

TRUST_PARAMS = record(
    "TrustParams",
    "How ranges are believed.",
    gate_sigma=f64(
        "innovation beyond which a sample is rejected, in sigma", default=5.0, lo=1.0, hi=100.0
    ),
    lock_window_s=f64(
        "samples that agree must fall within this time", default=1.0, lo=0.05, hi=60.0
    ),
    noise_m=f64("standard deviation of a range at zero distance", default=0.5, lo=0.0, hi=100.0),
    noise_share=f64("growth of that deviation with range", default=0.002, lo=0.0, hi=0.5),
    roughness_m=f64(
        "standard deviation of the ground within the beam's reach", default=0.1, lo=0.0, hi=100.0
    ),
    stamp_sigma_s=f64("standard deviation of a stamp", default=1e-4, lo=0.0, hi=1.0),
    range_min_m=f64("shortest range believed", default=1.0, lo=0.0, hi=1e4),
    range_max_m=f64("longest range believed", default=20000.0, lo=1.0, hi=1e6),
    reach_s=f64("a sample older than this is refused", default=8.0, lo=0.1, hi=8.0),
    future_s=f64("a stamp further ahead than this is a clock fault", default=0.02, lo=0.0, hi=10.0),
    challenger_drift_mps=f64(
        "rate at which the ground that a challenger claims may change", default=4.0, lo=0.0, hi=1e3
    ),
    challenger_gap_s=f64(
        "a challenger that is silent for this long is forgotten", default=0.7, lo=0.05, hi=60.0
    ),
    condemn_sigma=f64(
        "sigmas below zero at which an altitude is dead", default=3.0, lo=0.0, hi=1e9
    ),
    condemn_m=f64("and metres below zero", default=3.0, lo=0.0, hi=1e6),
    widen_m=f64(
        "deviation of the ground after the only altitude is condemned",
        default=150.0,
        lo=0.0,
        hi=1e5,
    ),
    stuck_move_m=f64(
        "change expected over which a repeated value is stale", default=1.0, lo=0.0, hi=1e4
    ),
    silent_s=f64("time without a fused range that is reported", default=2.0, lo=0.1, hi=1e4),
    challenger_live_samples=i64(
        "samples after which guidance heeds a challenger", default=4, lo=1, hi=1_000_000
    ),
    challenger_win_samples=i64(
        "samples after which a challenger wins", default=20, lo=1, hi=1_000_000
    ),
    stuck_repeats=i64("repeats after which a value is stale", default=3, lo=1, hi=1_000_000),
    latch_after_rejects=i64(
        "rejections in a row after which every sample is; 0 for never",
        default=0,
        lo=0,
        hi=1_000_000,
    ),
    lock_samples=i64("samples that must agree before the first is fused", default=3, lo=1, hi=50),
)

RANGE_TRUST = record(
    "RangeTrust",
    "What range trust remembers along the grid; a function of stamps and values.",
    last_fused_t_ns=i64("stamp of the last range fused; -1 before the first"),
    lock_t_ns=i64("stamp of the first sample of the present agreement"),
    lock_innovation_m=f64("innovation of the last sample that agreed"),
    last_innovation_m=f64("innovation of the last range fused"),
    last_nis=f64("squared innovation of the last range fused, over its variance"),
    rejected_innovation_m=f64("innovation of the last range rejected"),
    rejected_nis=f64("squared innovation of the last range rejected, over its variance"),
    challenger_terrain_m=f64("ground that a persistent disagreement claims, over the mean radius"),
    challenger_variance_m2=f64("variance of that claim"),
    challenger_t_ns=i64("stamp of the last sample behind that claim"),
    rival_terrain_m=f64("ground believed before the last challenger won"),
    rival_variance_m2=f64("variance of the altitude above it"),
    rival_since_ns=i64("stamp at which it became the rival; -1 when there is none"),
    repeat_range_m=f64("value of the last sample"),
    repeat_expected_m=f64("what was expected when that value came first"),
    challenger_samples=u16("samples behind the challenger; 0 when there is none"),
    rejects_in_a_row=u16("samples rejected since the last fused"),
    condemned=u16("times that the only altitude was condemned"),
    won=u16("times that a challenger won"),
    repeats=u16("samples in a row with that value, after the first"),
    lock_count=u8("samples that agree so far"),
    locked=u8("1 once ranges are fused"),
    spare=u8("zero", 4),
)


@kernel
def set_verdict(counts, entry, verdict):
    """Give a sample its verdict; a verdict made again in a replay is counted once."""
    before = int(entry.verdict)
    if before == verdict:
        return
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
    trust.repeats = min(int(trust.repeats) + 1, 65535)
    moved = abs(expected_m - float(trust.repeat_expected_m))
    return int(trust.repeats) >= int(params.stuck_repeats) and moved > float(params.stuck_move_m)


@kernel
def judge(trust, params, t_ns, innovation_m, variance_m2, R_m2):
    """FUSED_NOW, REJECTED or HELD for one sample whose innovation has this variance."""
    gate = float(params.gate_sigma)
    latch = int(params.latch_after_rejects)
    latched = latch > 0 and int(trust.rejects_in_a_row) >= latch
    if latched or innovation_m * innovation_m > gate * gate * variance_m2:
        trust.rejects_in_a_row = min(int(trust.rejects_in_a_row) + 1, 65535)
        trust.rejected_innovation_m = innovation_m
        trust.rejected_nis = innovation_m * innovation_m / variance_m2
        return REJECTED
    if int(trust.locked) == 0 and not _agreed(trust, params, t_ns, innovation_m, R_m2):
        return HELD
    trust.locked = 1
    trust.rejects_in_a_row = 0
    trust.challenger_samples = max(int(trust.challenger_samples) - 2, 0)
    trust.last_fused_t_ns = t_ns
    trust.last_innovation_m = innovation_m
    trust.last_nis = innovation_m * innovation_m / variance_m2
    return FUSED_NOW


@kernel
def challenge(trust, params, t_ns, terrain_m, variance_m2):
    """Let a rejected sample speak for the ground that it claims: REJECTED, or HELD_FOR_HYPOTHESIS.

    terrain_m is the ground that would explain the sample, variance_m2 its variance. Claims that
    agree are averaged; one that does not begins a new challenger.
    """
    age_s = float(t_ns - int(trust.challenger_t_ns)) * 1e-9
    drift = float(params.challenger_drift_mps) * age_s
    prior = float(trust.challenger_variance_m2) + drift * drift
    step = terrain_m - float(trust.challenger_terrain_m)
    gate = float(params.gate_sigma)
    fresh = int(trust.challenger_samples) > 0 and age_s <= float(params.challenger_gap_s)
    trust.challenger_t_ns = t_ns
    if not fresh or step * step > gate * gate * (prior + variance_m2):
        trust.challenger_terrain_m = terrain_m
        trust.challenger_variance_m2 = variance_m2
        trust.challenger_samples = 1
        return REJECTED
    gain = prior / (prior + variance_m2)
    trust.challenger_terrain_m = float(trust.challenger_terrain_m) + gain * step
    trust.challenger_variance_m2 = (1.0 - gain) * prior
    trust.challenger_samples = min(int(trust.challenger_samples) + 1, 65535)
    return HELD_FOR_HYPOTHESIS


@kernel
def challenger_has_won(trust, params):
    """True when enough samples agree with the challenger."""
    return int(trust.challenger_samples) >= int(params.challenger_win_samples)


@kernel
def _agreed(trust, params, t_ns, innovation_m, R_m2):
    """Count samples that agree with their predecessor; true when there are enough."""
    gate = float(params.gate_sigma)
    step = innovation_m - float(trust.lock_innovation_m)
    window_ns = to_int(float(params.lock_window_s) * 1e9, 0.0, 1e12)
    fresh = int(trust.lock_count) > 0 and t_ns - int(trust.lock_t_ns) <= window_ns
    if fresh and step * step <= gate * gate * 2.0 * R_m2:
        trust.lock_count = min(int(trust.lock_count) + 1, 255)
    else:
        trust.lock_count = 1
        trust.lock_t_ns = t_ns
    trust.lock_innovation_m = innovation_m
    return int(trust.lock_count) >= int(params.lock_samples)
