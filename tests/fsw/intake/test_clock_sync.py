"""Law: the map between the sensor's clock and flight time keeps its promise on any line."""

from hypothesis import given
from hypothesis import strategies as st

from fsw.intake.clock_sync import (
    TIMEBASE,
    TIMEBASE_PARAMS,
    timebase_bound_ns,
    timebase_observe,
    to_flight_ns,
)
from fsw.interface.events import EventCode
from fsw.interface.messages import CLOCK_EXCHANGE

S = 1_000_000_000
PARAMS = TIMEBASE_PARAMS.new()

epochs = st.integers(-(10**17), 10**17)
delays_ns = st.integers(0, 50_000_000) | st.integers(0, 500_000)
drifts_ppb = st.integers(-1_900_000, 1_900_000)
travels = st.tuples(delays_ns, st.integers(0, 1_000_000), delays_ns)


def sensor_ns(t_ns, epoch_ns, drift_ppb):
    """A sensor clock of constant rate, in exact integers."""
    return epoch_ns + t_ns + t_ns * drift_ppb // S


def exchange(t_ns, travel, clock, step_ns=0):
    """The four stamps of a question sent at t_ns, given delay there, time to think, delay back."""
    there_ns, think_ns, back_ns = travel
    return CLOCK_EXCHANGE.new(
        t_ns=t_ns,
        t_remote_rx_ns=clock(t_ns + there_ns) + step_ns,
        t_remote_tx_ns=clock(t_ns + there_ns + think_ns) + step_ns,
        t_rx_ns=t_ns + there_ns + think_ns + back_ns,
    )


def observe(timebase, question):
    return timebase_observe(timebase, PARAMS, question, int(question.t_rx_ns))


def mapped(travel_list, clock, start_ns=0):
    timebase = TIMEBASE.new()
    for k, travel in enumerate(travel_list):
        observe(timebase, exchange(start_ns + k * S, travel, clock))
    return timebase


def test_before_the_first_exchange_the_map_is_the_identity():
    timebase = TIMEBASE.new()
    assert to_flight_ns(timebase, 987_654_321_012) == 987_654_321_012
    assert timebase_bound_ns(timebase, PARAMS, 5 * S) == 0


@given(st.lists(travels, min_size=1, max_size=20), epochs, drifts_ppb, st.integers(0, 5 * S))
def test_the_true_time_lies_within_the_bound_whatever_the_delays(steps, epoch, drift, later_ns):
    def clock(t_ns):
        return sensor_ns(t_ns, epoch, drift)

    timebase = mapped(steps, clock)
    now_ns = len(steps) * S + later_ns
    bound_ns = timebase_bound_ns(timebase, PARAMS, now_ns)
    assert abs(to_flight_ns(timebase, clock(now_ns)) - now_ns) <= bound_ns
    assert timebase.jumps == 0 and timebase.refused == 0


def test_one_quick_exchange_among_slow_ones_sets_the_bound():
    slow, quick = (20_000_000, 0, 1_000_000), (100_000, 0, 100_000)
    timebase = mapped([slow, slow, quick, slow, slow], lambda t_ns: t_ns + 77 * S)
    assert timebase.half_ns < 120_000
    assert timebase_bound_ns(timebase, PARAMS, 5 * S) < 20_000_000


def test_eight_good_exchanges_find_the_drift():
    timebase = mapped([(100_000, 0, 100_000)] * 8, lambda t_ns: sensor_ns(t_ns, 5 * S, 300_000))
    assert abs(timebase.drift - 300e-6) < 1e-6 + timebase.drift_bound
    assert timebase.drift_bound < 40e-6


@given(
    st.lists(travels, min_size=1, max_size=12), st.integers(-(10**16), 10**16), st.integers(0, S)
)
def test_shifting_either_clock_shifts_the_result_and_changes_nothing_else(steps, shift, stamp_ns):
    def clock(t_ns):
        return sensor_ns(t_ns, 3 * S, 150_000)

    plain = mapped(steps, clock)
    sensor_shifted = mapped(steps, lambda t_ns: clock(t_ns) + shift)
    flight_shifted = mapped(steps, lambda t_ns: clock(t_ns - shift), start_ns=shift)
    result = to_flight_ns(plain, stamp_ns)
    assert to_flight_ns(sensor_shifted, stamp_ns + shift) == result
    assert to_flight_ns(flight_shifted, stamp_ns) == result + shift
    now_ns = len(steps) * S
    bound_ns = timebase_bound_ns(plain, PARAMS, now_ns)
    assert timebase_bound_ns(flight_shifted, PARAMS, now_ns + shift) == bound_ns


def test_the_first_exchange_is_an_event():
    code, ahead_s, bound_s = observe(
        TIMEBASE.new(), exchange(S, (1_000_000, 0, 1_000_000), lambda t_ns: t_ns + 12 * S)
    )
    assert code == EventCode.CLOCK_MAPPED
    assert abs(ahead_s - 12.0) <= bound_s


QUICK = (100_000, 10_000, 100_000)


@given(st.integers(50_000_000, 10**14), st.sampled_from([-1, 1]))
def test_a_step_of_the_sensor_clock_is_repaired_when_a_second_exchange_confirms_it(size_ns, sign):
    step_ns = sign * size_ns
    timebase = mapped([QUICK] * 4, lambda t_ns: t_ns)
    assert (
        observe(timebase, exchange(4 * S, QUICK, lambda t_ns: t_ns, step_ns))[0] == EventCode.NONE
    )
    assert to_flight_ns(timebase, 4 * S) == to_flight_ns(mapped([QUICK] * 4, lambda t: t), 4 * S)
    assert timebase_bound_ns(timebase, PARAMS, 4 * S) >= min(size_ns, PARAMS.bound_max_ns)
    code, found_s, _ = observe(timebase, exchange(5 * S, QUICK, lambda t_ns: t_ns, step_ns))
    assert code == EventCode.CLOCK_JUMP and timebase.jumps == 1
    assert abs(found_s - step_ns * 1e-9) < 0.03
    bound_ns = timebase_bound_ns(timebase, PARAMS, 6 * S)
    assert abs(to_flight_ns(timebase, 6 * S + step_ns) - 6 * S) <= bound_ns < 5_000_000


def test_a_single_false_stamp_has_no_effect():
    timebase = mapped([QUICK] * 4, lambda t_ns: t_ns)
    observe(timebase, exchange(4 * S, QUICK, lambda t_ns: t_ns, 3 * S))
    assert observe(timebase, exchange(5 * S, QUICK, lambda t_ns: t_ns))[0] == EventCode.NONE
    assert (timebase.jumps, timebase.refused, timebase.has_suspect) == (0, 1, 0)
    assert abs(to_flight_ns(timebase, 6 * S) - 6 * S) < 1_000_000


i64s = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(i64s, i64s, i64s, i64s), max_size=6), i64s)
def test_no_stamps_however_wild_break_the_map(stamps, t_ns):
    timebase = TIMEBASE.new()
    for t1, t2, t3, t4 in stamps:
        question = CLOCK_EXCHANGE.new(t_ns=t1, t_remote_rx_ns=t2, t_remote_tx_ns=t3, t_rx_ns=t4)
        observe(timebase, question)
    assert abs(to_flight_ns(timebase, t_ns)) < 2**63
    assert abs(float(timebase.drift)) <= float(PARAMS.drift_max)


def test_stamps_out_of_order_from_the_future_or_too_slow_are_refused_and_counted():
    timebase = TIMEBASE.new()
    backwards = CLOCK_EXCHANGE.new(t_ns=S, t_remote_rx_ns=S, t_remote_tx_ns=S, t_rx_ns=S - 1)
    slow = exchange(S, (400_000_000, 0, 400_000_000), lambda t_ns: t_ns)
    future = exchange(S, QUICK, lambda t_ns: t_ns)
    observe(timebase, backwards)
    observe(timebase, slow)
    timebase_observe(timebase, PARAMS, future, S)
    assert (timebase.refused, timebase.exchanges) == (3, 0)


@given(st.lists(st.integers(-1_500, 1_500), min_size=8, max_size=16))
def test_a_clock_of_changing_rate_never_makes_the_bound_negative(rates_ppm):
    timebase = TIMEBASE.new()
    ahead_ns = 0
    for k, rate_ppm in enumerate(rates_ppm):
        ahead_ns += rate_ppm * 1_000
        observe(timebase, exchange(k * S, QUICK, lambda t_ns, a=ahead_ns: t_ns + a))
        assert timebase.drift_bound >= 0.0
        assert abs(timebase.drift) <= PARAMS.drift_max
