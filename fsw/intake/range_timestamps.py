"""Cadence: are the stamps on ranges those of a clock, and of the measurement?

The instrument measures at a fixed period and counts its samples, so stamp and sequence number
lie on a line, whatever happens to the samples on their way. A stamp off that line is a clock
that stepped, unless the arrivals stepped with it: then the instrument paused. A step that three
samples in a row agree on is repaired, so that the line goes on. A clock that runs fast or slow
leaves the line little by little, and is put back on it whenever it has strayed. No stamp can be
younger than the instrument's own latency: when twenty in a row are, they were made on arrival or
by a clock that runs ahead, and are moved back to that latency; what then stays unknown is a
doubt, and guidance pays for it with height. A stamp that is too old errs on the safe side (the
vehicle seems lower than it is) and is left alone.

True stamps pass unchanged in every order and at every delay.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8, u16, u32
from fsw.mathlib.units import seconds_to_ns

RANGE_TIMESTAMPS_PARAMS = record(
    "CadenceParams",
    "How stamps are checked.",
    period_ns=i64(
        "time between two samples of the rangefinder",
        default=50_000_000,
        lo=1_000_000,
        hi=10_000_000_000,
    ),
    tolerance_s=f64("a stamp this far off the line is a fault", default=0.02, lo=1e-4, hi=10.0),
    period_error=f64(
        "the instrument's period may be off by this share", default=5e-4, lo=0.0, hi=1.0
    ),
    latency_s=f64("usual latency of the rangefinder", default=0.05, lo=0.0, hi=5.0),
    latency_least_s=f64("no true stamp is younger than this", default=0.015, lo=0.0, hi=5.0),
    doubt_s=f64(
        "latency that cannot be excluded once stamps proved younger than they can be",
        default=0.3,
        lo=0.0,
        hi=5.0,
    ),
    use_stamps=i64(
        "1: stamps are used; 0: a range counts as measured when it arrives", default=1, lo=0, hi=1
    ),
    confirm_samples=i64("samples that must agree on a step", default=3, lo=1, hi=100),
    too_young_samples=i64("samples in a row that must be too young", default=20, lo=1, hi=1000),
)

RANGE_TIMESTAMPS = record(
    "Cadence",
    "The line of stamps, and what is known to be wrong with them.",
    t_ref_ns=i64("stamp of the reference sample, as sent"),
    rx_ref_ns=i64("its arrival"),
    shift_ns=i64("repair: added to every stamp"),
    line_t_ns=i64("stamp, as sent, where the line begins that a clock may stray from"),
    line_samples=i64("samples counted since then"),
    step_ns=i64("step that is suspected"),
    youngest_ns=i64("least age at arrival among the samples in a row that were too young"),
    jumps=u32("steps repaired"),
    seq_ref=u16("sequence number of the reference sample"),
    agreeing=u16("samples that agree on the suspected step"),
    young=u16("samples in a row that were too young"),
    anchored=u8("1 once there is a reference"),
    doubtful=u8("1 once stamps proved younger than they can be"),
    spare=u8("zero", 4),
)


@kernel
def repaired_stamp(cadence, params, t_ns, seq, rx_ns):
    """(t_ns, 1) with the repair in force, or (t_ns, 0) for a stamp that cannot be trusted now."""
    if int(params.use_stamps) == 0:
        return (rx_ns, 1)
    if int(cadence.anchored) == 0:
        cadence.anchored = 1
        _refer(cadence, t_ns, seq, rx_ns)
        _begin_line(cadence, t_ns)
    ahead = ((seq - int(cadence.seq_ref) + 32768) & 0xFFFF) - 32768
    off_ns = t_ns - int(cadence.t_ref_ns) - ahead * int(params.period_ns)
    if abs(off_ns) > seconds_to_ns(float(params.tolerance_s)):
        if not _explained(cadence, params, t_ns, ahead, rx_ns, off_ns):
            return (t_ns, 0)
        _refer(cadence, t_ns, seq, rx_ns)
        _begin_line(cadence, t_ns)
    elif ahead > 0:
        cadence.agreeing = 0
        _refer(cadence, t_ns, seq, rx_ns)
        cadence.line_samples = int(cadence.line_samples) + ahead
        _stay_on_line(cadence, params, t_ns)
    _monitor_age(cadence, params, t_ns, rx_ns)
    return (t_ns + int(cadence.shift_ns), 1)


@kernel
def range_clock_mapped(cadence):
    """The clock map is new: what stamps have taught under another one, or none, is forgotten."""
    cadence.anchored = 0
    cadence.shift_ns = 0
    cadence.agreeing = 0
    cadence.young = 0
    cadence.doubtful = 0


@kernel
def _refer(cadence, t_ns, seq, rx_ns):
    cadence.t_ref_ns = t_ns
    cadence.rx_ref_ns = rx_ns
    cadence.seq_ref = seq & 0xFFFF


@kernel
def _begin_line(cadence, t_ns):
    cadence.line_t_ns = t_ns
    cadence.line_samples = 0


@kernel
def _stay_on_line(cadence, params, t_ns):
    """Put a clock back that has strayed from the count of samples by more than a period's error."""
    counted_ns = int(cadence.line_samples) * int(params.period_ns)
    strayed_ns = t_ns - int(cadence.line_t_ns) - counted_ns
    counted_s = float(counted_ns) * 1e-9
    allowed_s = float(params.tolerance_s) + float(params.period_error) * counted_s
    if abs(strayed_ns) > seconds_to_ns(allowed_s):
        cadence.shift_ns = int(cadence.shift_ns) - strayed_ns
        cadence.jumps = int(cadence.jumps) + 1
        _begin_line(cadence, t_ns)


@kernel
def _explained(cadence, params, t_ns, ahead, rx_ns, off_ns):
    """True when a stamp off the line is a pause, or a step that has been confirmed.

    After a pause the arrivals have moved as the stamps have; after a step of the clock they
    have not. Whichever is nearer counts.
    """
    waited_ns = (rx_ns - int(cadence.rx_ref_ns)) - (t_ns - int(cadence.t_ref_ns))
    if ahead > 0 and 2 * abs(waited_ns) <= abs(off_ns):
        cadence.agreeing = 0
        return True
    same_ns = abs(off_ns - int(cadence.step_ns))
    if int(cadence.agreeing) > 0 and same_ns <= seconds_to_ns(float(params.tolerance_s)):
        cadence.agreeing = min(int(cadence.agreeing) + 1, 65535)
    else:
        cadence.agreeing = 1
        cadence.step_ns = off_ns
    if int(cadence.agreeing) < int(params.confirm_samples):
        return False
    cadence.agreeing = 0
    cadence.shift_ns = int(cadence.shift_ns) - off_ns
    cadence.jumps = int(cadence.jumps) + 1
    return True


@kernel
def _monitor_age(cadence, params, t_ns, rx_ns):
    """Move stamps back that are younger than the instrument can make them."""
    age_ns = rx_ns - (t_ns + int(cadence.shift_ns))
    if age_ns >= seconds_to_ns(float(params.latency_least_s)):
        cadence.young = 0
        return
    if int(cadence.young) == 0:
        cadence.youngest_ns = age_ns
    cadence.youngest_ns = min(int(cadence.youngest_ns), age_ns)
    cadence.young = min(int(cadence.young) + 1, 65535)
    if int(cadence.young) >= int(params.too_young_samples):
        lacking_ns = seconds_to_ns(float(params.latency_s)) - int(cadence.youngest_ns)
        cadence.shift_ns = int(cadence.shift_ns) - lacking_ns
        cadence.young = 0
        cadence.doubtful = 1
