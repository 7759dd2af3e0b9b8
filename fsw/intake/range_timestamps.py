"""Range time-tags: are stamps those of a clock, and of the instant of measurement?

The instrument measures at a fixed period and counts its samples, so stamp over sequence number is a
line, whatever delays the samples. A stamp off that line is a step of the clock, unless the arrivals
stepped with it: then the instrument paused. A step that three samples in a row agree on is
repaired, so that the line continues. A clock with a rate error drifts off the line slowly, and is
put back on it whenever it is off by more than the period's error. No stamp can be younger than the
instrument's least latency: when twenty in a row are, they were made on arrival or by a clock that
is ahead, and are moved back to the usual latency; the remaining uncertainty is bounded by doubt_s,
and guidance subtracts it from the altitude. A stamp that is too old errs on the safe side (the
vehicle seems lower than it is) and is not repaired.

True stamps pass unchanged in every order and at every delay.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import U16_MAX, f64, i64, record, u8, u16, u32
from fsw.mathlib.units import seconds_to_ns

# half of what the 16-bit sequence number counts
HALF_OF_16_BITS = 0x8000

RANGE_TIMESTAMPS_PARAMS = record(
    "RangeTimestampsParams",
    "How time-tags of ranges are checked.",
    period_ns=i64(
        "time between two samples of the rangefinder",
        default=50_000_000,
        lo=1_000_000,
        hi=10_000_000_000,
    ),
    tolerance_s=f64(
        "difference from the line beyond which a stamp is a fault", default=0.02, lo=1e-4, hi=10.0
    ),
    period_error=f64("relative error of the instrument's period", default=5e-4, lo=0.0, hi=1.0),
    latency_s=f64("usual latency of the rangefinder", default=0.05, lo=0.0, hi=5.0),
    latency_least_s=f64(
        "least latency: a younger stamp is not that of the measurement",
        default=0.015,
        lo=0.0,
        hi=5.0,
    ),
    doubt_s=f64(
        "latency that cannot be excluded once stamps were younger than the least latency",
        default=0.3,
        lo=0.0,
        hi=5.0,
    ),
    use_stamps=i64("1: stamps are used; 0: the time of arrival is", default=1, lo=0, hi=1),
    confirm_samples=i64("samples that must agree on a step", default=3, lo=1, hi=100),
    too_young_samples=i64(
        "samples in a row younger than the least latency before a repair", default=20, lo=1, hi=1000
    ),
)

RANGE_TIMESTAMPS = record(
    "RangeTimestamps",
    "The line of stamps, and their repair.",
    t_ref_ns=i64("stamp of the reference sample, as sent"),
    rx_ref_ns=i64("its arrival"),
    shift_ns=i64("repair added to every stamp"),
    line_t_ns=i64("stamp, as sent, where the present line begins"),
    line_samples=i64("samples counted since then"),
    step_ns=i64("suspected step"),
    least_age_ns=i64("least age at arrival of the samples in `too_young`"),
    jumps=u32("steps repaired"),
    seq_ref=u16("sequence number of the reference sample"),
    agreeing=u16("samples that agree on the suspected step"),
    too_young=u16("samples in a row younger than the least latency"),
    anchored=u8("1 once there is a reference"),
    doubtful=u8("1 once stamps were repaired for being too young"),
    spare=u8("zero", 4),
)


@kernel
def repaired_stamp(tags, params, t_ns, seq, rx_ns):
    """(t_ns, 1) with the repair applied, or (t_ns, 0) for a stamp that cannot be used yet."""
    if int(params.use_stamps) == 0:
        return (rx_ns, 1)
    if int(tags.anchored) == 0:
        tags.anchored = 1
        _set_reference(tags, t_ns, seq, rx_ns)
        _begin_line(tags, t_ns)
    ahead = ((seq - int(tags.seq_ref) + HALF_OF_16_BITS) & U16_MAX) - HALF_OF_16_BITS
    off_ns = t_ns - int(tags.t_ref_ns) - ahead * int(params.period_ns)
    if abs(off_ns) > seconds_to_ns(float(params.tolerance_s)):
        if not _is_explained(tags, params, t_ns, ahead, rx_ns, off_ns):
            return (t_ns, 0)
        _set_reference(tags, t_ns, seq, rx_ns)
        _begin_line(tags, t_ns)
    elif ahead > 0:
        tags.agreeing = 0
        _set_reference(tags, t_ns, seq, rx_ns)
        tags.line_samples = int(tags.line_samples) + ahead
        _correct_drift(tags, params, t_ns)
    _monitor_age(tags, params, t_ns, rx_ns)
    return (t_ns + int(tags.shift_ns), 1)


@kernel
def range_clock_mapped(tags):
    """Reset: the clock map is new, repairs under the former one, or none, do not hold."""
    tags.anchored = 0
    tags.shift_ns = 0
    tags.agreeing = 0
    tags.too_young = 0
    tags.doubtful = 0


@kernel
def _set_reference(tags, t_ns, seq, rx_ns):
    """Make a sample the reference for the next ones."""
    tags.t_ref_ns = t_ns
    tags.rx_ref_ns = rx_ns
    tags.seq_ref = seq & U16_MAX


@kernel
def _begin_line(tags, t_ns):
    """Begin a new line at a stamp."""
    tags.line_t_ns = t_ns
    tags.line_samples = 0


@kernel
def _correct_drift(tags, params, t_ns):
    """Repair a clock that has drifted off the line by more than the period's error explains."""
    counted_ns = int(tags.line_samples) * int(params.period_ns)
    off_ns = t_ns - int(tags.line_t_ns) - counted_ns
    counted_s = float(counted_ns) * 1e-9
    allowed_s = float(params.tolerance_s) + float(params.period_error) * counted_s
    if abs(off_ns) > seconds_to_ns(allowed_s):
        tags.shift_ns = int(tags.shift_ns) - off_ns
        tags.jumps = int(tags.jumps) + 1
        _begin_line(tags, t_ns)


@kernel
def _is_explained(tags, params, t_ns, ahead, rx_ns, off_ns):
    """True when a stamp off the line is a pause, or a step that has been confirmed.

    After a pause the arrivals have moved as the stamps have; after a step of the clock they
    have not. Whichever is nearer is assumed.
    """
    waited_ns = (rx_ns - int(tags.rx_ref_ns)) - (t_ns - int(tags.t_ref_ns))
    if ahead > 0 and 2 * abs(waited_ns) <= abs(off_ns):
        tags.agreeing = 0
        return True
    same_ns = abs(off_ns - int(tags.step_ns))
    if int(tags.agreeing) > 0 and same_ns <= seconds_to_ns(float(params.tolerance_s)):
        tags.agreeing = min(int(tags.agreeing) + 1, U16_MAX)
    else:
        tags.agreeing = 1
        tags.step_ns = off_ns
    if int(tags.agreeing) < int(params.confirm_samples):
        return False
    tags.agreeing = 0
    tags.shift_ns = int(tags.shift_ns) - off_ns
    tags.jumps = int(tags.jumps) + 1
    return True


@kernel
def _monitor_age(tags, params, t_ns, rx_ns):
    """Repair stamps that are younger than the least latency."""
    age_ns = rx_ns - (t_ns + int(tags.shift_ns))
    if age_ns >= seconds_to_ns(float(params.latency_least_s)):
        tags.too_young = 0
        return
    if int(tags.too_young) == 0:
        tags.least_age_ns = age_ns
    tags.least_age_ns = min(int(tags.least_age_ns), age_ns)
    tags.too_young = min(int(tags.too_young) + 1, U16_MAX)
    if int(tags.too_young) >= int(params.too_young_samples):
        missing_ns = seconds_to_ns(float(params.latency_s)) - int(tags.least_age_ns)
        tags.shift_ns = int(tags.shift_ns) - missing_ns
        tags.too_young = 0
        tags.doubtful = 1
