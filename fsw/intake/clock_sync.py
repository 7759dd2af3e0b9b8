"""Clock map: offset and drift of the sensor's clock from the flight clock, with a hard bound.

One exchange has four stamps: request sent (t1, flight clock), received (t2, sensor clock),
reply sent (t3, sensor), received (t4, flight). No message arrives before it was sent, so the
offset theta = sensor - flight lies in [t3 - t4, t2 - t1] however unequal the two delays are: the
middle is the estimate (D. L. Mills, RFC 5905 section 8) and half the round trip is a bound that
needs no assumption about the link.

Of the last eight exchanges the one with the tightest bound at present is used, propagated by drift,
and every pair of exchanges bounds the drift. All of it holds for a sensor clock of constant
rate within `drift_max`. An exchange whose interval misses the predicted one proves that the
clock stepped; it is held until a second one confirms it, so that a single false stamp has no
effect. Before the first exchange the map is the identity.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8, u32
from fsw.interface.events import EventCode
from fsw.mathlib.elementary import to_int

EXCHANGES = 8

# sums of four stamps of this size still fit 64 bits; a stamp beyond it (63 years) is invalid
STAMP_LIMIT_NS = 2_000_000_000_000_000_000
STAMP_LIMIT = float(STAMP_LIMIT_NS)

# half a nanosecond is lost in the middle, one more in each rounding of the drift
ROUNDING_NS = 3

TIMEBASE_PARAMS = record(
    "TimebaseParams",
    "Limits of the clock map.",
    drift_max=f64("greatest rate error of the sensor's clock, s/s", default=2e-3, lo=0.0, hi=0.02),
    delay_max_ns=i64(
        "an exchange with a longer round trip is refused",
        default=500_000_000,
        lo=1_000,
        hi=10_000_000_000,
    ),
    bound_max_ns=i64(
        "upper limit of the reported bound",
        default=1_000_000_000,
        lo=1_000,
        hi=100_000_000_000,
    ),
)

TIMEBASE = record(
    "Timebase",
    "Map of the sensor's clock. Offsets are sensor minus flight.",
    ring_t_ns=i64("when each exchange ended, flight clock", EXCHANGES),
    ring_offset_ns=i64("middle of each exchange's interval", EXCHANGES),
    ring_half_ns=i64("half width of each exchange's interval", EXCHANGES),
    t_ref_ns=i64("instant of the offset in use, flight clock"),
    offset_ns=i64("offset in use, at t_ref_ns"),
    half_ns=i64("bound on the error of that offset, at t_ref_ns"),
    suspect_t_ns=i64("end of an exchange that contradicts the map"),
    suspect_offset_ns=i64("its offset"),
    suspect_half_ns=i64("its half width"),
    drift=f64("rate of the sensor's clock minus 1"),
    drift_bound=f64("bound on the error of the drift"),
    exchanges=u32("exchanges accepted since the start"),
    refused=u32("exchanges refused since the start"),
    jumps=u32("steps of the sensor's clock repaired since the start"),
    count=u8("exchanges in the ring"),
    next=u8("slot of the ring to be written next"),
    has_suspect=u8("1 while a suspected step is not confirmed"),
    spare=u8("zero"),
)


@kernel
def timebase_observe(timebase, params, exchange, now_ns):
    """Take one four-timestamp exchange; returns (event code, first figure, second figure).

    The code is NONE, CLOCK_MAPPED on the first exchange, or CLOCK_JUMP when a step of the
    sensor's clock was confirmed and repaired.
    """
    drift_max = float(params.drift_max)
    if not _plausible(exchange, int(params.delay_max_ns), now_ns):
        timebase.refused = int(timebase.refused) + 1
        return (EventCode.NONE, 0.0, 0.0)
    t_ns, offset_ns, half_ns = _interval(exchange, drift_max)
    if int(timebase.count) == 0:
        _restart(timebase, drift_max)
        _accept(timebase, t_ns, offset_ns, half_ns, drift_max)
        return (EventCode.CLOCK_MAPPED, float(offset_ns) * 1e-9, float(half_ns) * 1e-9)
    step_ns = offset_ns - _offset_at(timebase, t_ns)
    if abs(step_ns) <= half_ns + _bound_at(timebase, t_ns):
        timebase.has_suspect = 0
        _accept(timebase, t_ns, offset_ns, half_ns, drift_max)
        return (EventCode.NONE, 0.0, 0.0)
    if not _confirms(timebase, t_ns, offset_ns, half_ns, drift_max):
        timebase.suspect_t_ns = t_ns
        timebase.suspect_offset_ns = offset_ns
        timebase.suspect_half_ns = half_ns
        timebase.has_suspect = 1
        timebase.refused = int(timebase.refused) + 1
        return (EventCode.NONE, 0.0, 0.0)
    _restart(timebase, drift_max)
    timebase.jumps = int(timebase.jumps) + 1
    _accept(timebase, t_ns, offset_ns, half_ns, drift_max)
    return (EventCode.CLOCK_JUMP, float(step_ns) * 1e-9, float(half_ns) * 1e-9)


@kernel
def to_flight_ns(timebase, t_sensor_ns):
    """Flight time [ns] of a sensor stamp; the stamp itself before the first exchange.

    flight = t_ref + (sensor - sensor_ref) / (1 + drift); only the small correction is a float.
    """
    t_sensor_ns = min(max(t_sensor_ns, -STAMP_LIMIT_NS), STAMP_LIMIT_NS)
    if int(timebase.count) == 0:
        return t_sensor_ns
    t_ref_ns = int(timebase.t_ref_ns)
    since_ns = t_sensor_ns - int(timebase.offset_ns) - t_ref_ns
    drift = float(timebase.drift)
    return t_ref_ns + since_ns - _to_ns(float(since_ns) * (drift / (1.0 + drift)))


@kernel
def timebase_bound_ns(timebase, params, now_ns):
    """Bound on |to_flight_ns(...) - true flight time| for stamps of about now_ns [ns].

    While a step is suspected but not confirmed, the bound spans both readings of the clock.
    """
    if int(timebase.count) == 0:
        return 0
    bound_ns = _bound_at(timebase, now_ns)
    if int(timebase.has_suspect) == 1:
        at_ns = int(timebase.suspect_t_ns)
        step_ns = abs(int(timebase.suspect_offset_ns) - _offset_at(timebase, at_ns))
        bound_ns = bound_ns + step_ns + int(timebase.suspect_half_ns)
    return min(bound_ns, int(params.bound_max_ns))


@kernel
def _plausible(exchange, delay_max_ns, now_ns):
    """True for stamps in order, within STAMP_LIMIT_NS, not from the future, close enough."""
    t1 = int(exchange.t_ns)
    t2 = int(exchange.t_remote_rx_ns)
    t3 = int(exchange.t_remote_tx_ns)
    t4 = int(exchange.t_rx_ns)
    if max(max(t1, t4), max(t2, t3)) > STAMP_LIMIT_NS:
        return False
    if min(min(t1, t4), min(t2, t3)) < -STAMP_LIMIT_NS:
        return False
    return t1 <= t4 and t2 <= t3 and t4 <= now_ns and t4 - t1 <= delay_max_ns


@kernel
def _interval(exchange, drift_max):
    """(t, middle, half width) of the interval that one exchange gives for the offset at t4.

    The clock may drift while the messages travel, which widens the interval.
    """
    t1 = int(exchange.t_ns)
    t2 = int(exchange.t_remote_rx_ns)
    t3 = int(exchange.t_remote_tx_ns)
    t4 = int(exchange.t_rx_ns)
    travel_ns = max(t4 - t1 - (t3 - t2), 0)
    half_ns = (travel_ns >> 1) + _to_ns(drift_max * float(t4 - t1)) + ROUNDING_NS
    return (t4, ((t2 - t1) + (t3 - t4)) >> 1, half_ns)


@kernel
def _restart(timebase, drift_max):
    """Drop all exchanges; only the limit of the drift remains."""
    timebase.count = 0
    timebase.next = 0
    timebase.has_suspect = 0
    timebase.drift = 0.0
    timebase.drift_bound = drift_max


@kernel
def _accept(timebase, t_ns, offset_ns, half_ns, drift_max):
    """Insert an exchange into the ring and choose the reference of the map again."""
    slot = int(timebase.next)
    timebase.ring_t_ns[slot] = t_ns
    timebase.ring_offset_ns[slot] = offset_ns
    timebase.ring_half_ns[slot] = half_ns
    timebase.next = (slot + 1) % EXCHANGES
    timebase.count = min(int(timebase.count) + 1, EXCHANGES)
    timebase.exchanges = int(timebase.exchanges) + 1
    _bound_drift(timebase, drift_max)
    _choose(timebase, t_ns)


@kernel
def _bound_drift(timebase, drift_max):
    """Intersect the intervals that all pairs of exchanges give for the drift."""
    lo = -drift_max
    hi = drift_max
    count = int(timebase.count)
    for i in range(count):
        for j in range(count):
            apart_ns = int(timebase.ring_t_ns[j]) - int(timebase.ring_t_ns[i])
            if apart_ns > 0:
                gain = float(int(timebase.ring_offset_ns[j]) - int(timebase.ring_offset_ns[i]))
                slack = float(int(timebase.ring_half_ns[j]) + int(timebase.ring_half_ns[i]))
                lo = max(lo, (gain - slack) / float(apart_ns))
                hi = min(hi, (gain + slack) / float(apart_ns))
    if lo > hi:  # not a clock of constant rate: fall back on the limit
        lo = -drift_max
        hi = drift_max
    timebase.drift = 0.5 * (lo + hi)
    timebase.drift_bound = 0.5 * (hi - lo)


@kernel
def _choose(timebase, now_ns):
    """Choose the exchange with the tightest bound at now_ns as the reference of the map."""
    best_ns = STAMP_LIMIT_NS
    for i in range(int(timebase.count)):
        age_ns = float(now_ns - int(timebase.ring_t_ns[i]))
        bound_ns = int(timebase.ring_half_ns[i]) + _to_ns(float(timebase.drift_bound) * age_ns)
        if bound_ns < best_ns:
            best_ns = bound_ns
            timebase.t_ref_ns = timebase.ring_t_ns[i]
            timebase.offset_ns = timebase.ring_offset_ns[i]
            timebase.half_ns = timebase.ring_half_ns[i]


@kernel
def _confirms(timebase, t_ns, offset_ns, half_ns, drift_max):
    """True when the suspect and this exchange can be one clock that drifts within the limit."""
    if int(timebase.has_suspect) == 0:
        return False
    apart_ns = abs(t_ns - int(timebase.suspect_t_ns))
    slack_ns = half_ns + int(timebase.suspect_half_ns) + _to_ns(drift_max * float(apart_ns))
    return abs(offset_ns - int(timebase.suspect_offset_ns)) <= slack_ns


@kernel
def _offset_at(timebase, t_ns):
    """Estimated offset at a flight time [ns]."""
    since_ns = t_ns - int(timebase.t_ref_ns)
    return int(timebase.offset_ns) + _to_ns(float(timebase.drift) * float(since_ns))


@kernel
def _bound_at(timebase, t_ns):
    """Bound on the error of _offset_at at a flight time [ns]."""
    age_ns = float(abs(t_ns - int(timebase.t_ref_ns)))
    return int(timebase.half_ns) + _to_ns(float(timebase.drift_bound) * age_ns) + ROUNDING_NS


@kernel
def _to_ns(x):
    """A float of nanoseconds as an integer, clamped to a range in which sums cannot wrap."""
    return to_int(x, -STAMP_LIMIT, STAMP_LIMIT)


@kernel
def sensor_clock_ahead_ns(timebase, now_ns):
    """Sensor clock minus flight clock at now_ns, by the map [ns]."""
    stamp_ns = now_ns + int(timebase.offset_ns)
    return stamp_ns - to_flight_ns(timebase, stamp_ns)
