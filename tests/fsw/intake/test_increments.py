"""Law: inertial integrals of any rate and phase, with gaps and clipped axes, through navigation.

The motion is a known function of time; samples are its exact integrals.
"""

import functools
import math

import numpy as np
import pytest

from fsw.filter.covariance import TH0, V0
from fsw.filter.grid_filter import SUMMED_SHARE
from fsw.filter.range_model import predict_range
from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.interface.events import EventCode
from fsw.interface.messages import RANGE_SAMPLE
from fsw.navigation.tick import navigate
from tests.fsw.rig import TICK_NS, Filter, params, powered_tick, start
from tests.sums import sample_of

MS = 1_000_000
TICKS = 215


def _velocity(t_s):
    """Integral of the specific force along z_B from 0, m/s."""
    return 1.6 * t_s + 0.15 * (1.0 - math.cos(2.0 * t_s))


def _angle(t_s):
    """Integral of the rate about y_B from 0, rad."""
    return 0.05 * math.sin(t_s)


def summed(end_ns, seq, dt_ns):
    """The integrals of an instrument since t = 0."""
    velocity = (0.0, 0.0, _velocity(end_ns * 1e-9))
    return sample_of(end_ns, seq, velocity, (0.0, _angle(end_ns * 1e-9), 0.0), dt_ns=dt_ns)


def stream(dt_ns=TICK_NS, phase_ns=0):
    """Samples by the tick in which they arrive."""
    arrivals = {}
    end_ns, seq = phase_ns or dt_ns, 1
    while end_ns <= TICKS * TICK_NS:
        arrivals.setdefault(-(-end_ns // TICK_NS), []).append(summed(end_ns, seq, dt_ns))
        end_ns, seq = end_ns + dt_ns, seq + 1
    return arrivals


class Feed(Filter):
    """The rig's filter, fed with any number of increments a tick."""

    def __init__(self):
        super().__init__(radial_error_m=0.0)
        self.events = []

    def fly(self, imus, ranges=None, ticks=TICKS):
        """Fly on; imus and ranges map a tick to what arrives in it."""
        for n in range(1, ticks + 1):
            self.take(n * TICK_NS, imus.get(n, []), (ranges or {}).get(n, []))
        return self

    def take(self, now_ns, imus, ranges=()):
        self.inbox.now_ns = now_ns
        self.inbox.n_imus, self.inbox.n_ranges = len(imus), len(ranges)
        for i, sample in enumerate(imus):
            self.inbox.imus[i] = sample
        for i, sample in enumerate(ranges):
            self.inbox.ranges[i] = sample
        self.inbox.range_rx_ns = now_ns
        self.outbox.n_events = 0
        tick = powered_tick(now_ns)
        navigate(self.nav, self.history, self.params, self.inbox, tick, self.outbox)
        for event in self.outbox.events[: int(self.outbox.n_events)]:
            self.events.append((int(event.code), float(event.a), float(event.b)))

    def nominal(self):
        return self.nav.grid.nominal

    def sigma(self, first):
        return np.sqrt(np.diag(self.nav.grid.P)[first : first + 3])


@functools.cache
def ranges():
    """Noise-free ranges at 20 Hz, off the phase of everything else, from a motion in fine steps."""
    truth = NOMINAL.from_bytes(start().tobytes())
    arrivals = {}
    step_ns = 500_000
    for n in range(1, 4000):
        end_ns = n * step_ns
        begin_s, end_s = (end_ns - step_ns) * 1e-9, end_ns * 1e-9
        dv = (0.0, 0.0, _velocity(end_s) - _velocity(begin_s))
        dtheta = (0.0, _angle(end_s) - _angle(begin_s), 0.0)
        strapdown(truth, params().moon, end_ns, dv, dtheta)
        if n % 100 == 37:
            seen = RANGE_SAMPLE.new(t_ns=end_ns, seq=n // 100, valid=1, quality=200)
            seen.range_m = predict_range(params().moon, params().vehicle, truth)[1]
            arrivals.setdefault(end_ns // TICK_NS + 6, []).append(seen)
    return arrivals


# --- rate and phase ----------------------------------------------------------------------


@functools.cache
def reference():
    return Feed().fly(stream(), ranges())


def distance(one, other):
    """Differences of two nominal states: position, velocity, attitude."""
    return (
        np.linalg.norm(one.r_BM_I_m - other.r_BM_I_m),
        np.linalg.norm(one.v_BM_I_mps - other.v_BM_I_mps),
        np.linalg.norm(one.q_IB - other.q_IB),
    )


def assert_alike(one, other):
    assert int(one.nominal().t_ns) == int(other.nominal().t_ns)
    position, velocity, attitude = distance(one.nominal(), other.nominal())
    assert position < 1e-3 and velocity < 2e-4 and attitude < 4e-6
    P, Q = np.array(one.nav.grid.P), np.array(other.nav.grid.P)
    assert np.abs((P - Q) / np.sqrt(np.outer(np.diag(Q), np.diag(Q)))).max() < 1e-3
    assert one.nav.intake.verdicts.tolist() == other.nav.intake.verdicts.tolist()


@pytest.mark.parametrize("dt_ms, phase_ms", [(10, 3), (10, 9.5), (5, 0), (5, 2), (2.5, 0), (20, 7)])
def test_increments_of_any_rate_and_phase_give_the_same_state(dt_ms, phase_ms):
    imus = stream(round(dt_ms * MS), round(phase_ms * MS))
    feed = Feed().fly(imus, ranges())
    assert_alike(feed, reference())
    # what is left at the end of the stream is in the present state
    last_ns = max(int(sample.t_ns) for group in imus.values() for sample in group)
    assert int(feed.nav.current.t_ns) == last_ns


def test_the_ranges_of_the_comparison_are_fused_and_agree():
    verdicts = reference().nav.intake.verdicts
    assert verdicts[1] >= 35 and verdicts[7] == 0  # fused, none rejected
    assert abs(float(reference().nav.grid.trust.last_innovation_m)) < 5e-3


# --- gaps --------------------------------------------------------------------------------

RATE_RADPS, FORCE_MPS2 = 0.04, 1.7


def steady(n, **fields):
    """The nth sample of a steady turn under a steady force."""
    t_s = 0.01 * n
    velocity, angle = (0.0, 0.0, FORCE_MPS2 * t_s), (0.0, RATE_RADPS * t_s, 0.0)
    return sample_of(n * TICK_NS, n, velocity, angle, **fields)


def steadily(lost=(), clipped=(), ticks=TICKS):
    imus = {n: [steady(n, saturated=int(n in clipped))] for n in range(1, ticks) if n not in lost}
    return Feed().fly(imus, ticks=ticks)


@pytest.mark.parametrize(("first", "end"), [(100, 103), (93, 113), (60, 130), (50, 200)])
def test_delta_v_of_a_gap_is_not_lost(first, end):
    complete, gapped = steadily(), steadily(lost=range(first, end))
    position, velocity, attitude = distance(gapped.nav.current, complete.nav.current)
    assert position < 1e-3 and velocity < 1e-4 and attitude < 1e-7
    assert gapped.nav.inertial.gaps == 1
    gap_s = (end - first) * 0.01
    gaps = [event for event in gapped.events if event[0] == EventCode.IMU_GAP]
    assert gaps == [(EventCode.IMU_GAP, pytest.approx(gap_s), 1.0)]


@pytest.mark.parametrize(("first", "end"), [(101, 110), (61, 130)])
def test_a_gap_adds_the_variance_that_the_sum_leaves_unknown(first, end):
    complete, gapped = steadily(), steadily(lost=range(first, end))
    noise = gapped.params.navigation.filter
    grown = gapped.sigma(V0) ** 2 - complete.sigma(V0) ** 2
    turned = gapped.sigma(TH0) ** 2 - complete.sigma(TH0) ** 2
    # unknown in every grid step that overlaps the gap
    blind2 = SUMMED_SHARE**2 * 0.1 * (end + 1 - first) * 0.01
    assert turned == pytest.approx([blind2 * float(noise.gap_rate_sigma_radps) ** 2] * 3, rel=0.1)
    assert np.all(grown > 0.9 * blind2 * float(noise.gap_accel_sigma_mps2) ** 2)


def test_two_gaps_are_counted_twice():
    gapped = steadily(lost=[50, 51, 52, 150, 151])
    assert gapped.nav.inertial.gaps == 2
    assert [event[2] for event in gapped.events if event[0] == EventCode.IMU_GAP] == [1.0, 2.0]


def test_an_unbroken_stream_has_no_gap():
    complete = steadily()
    assert (complete.nav.inertial.gaps, complete.nav.inertial.refused) == (0, 0)
    assert [
        event
        for event in complete.events
        if event[0] in (EventCode.IMU_GAP, EventCode.IMU_SATURATED)
    ] == []


# --- clipped axes ------------------------------------------------------------------------


def test_a_clipped_axis_is_counted_reported_once_and_raises_the_covariance():
    plain, clipped = steadily(), steadily(clipped=range(101, 111))
    assert clipped.nav.inertial.saturated == 10
    assert [event[0] for event in clipped.events].count(EventCode.IMU_SATURATED) == 1
    assert distance(clipped.nav.current, plain.nav.current) == (0.0, 0.0, 0.0)
    noise = clipped.params.navigation.filter
    grown = clipped.sigma(V0) ** 2 - plain.sigma(V0) ** 2
    assert grown == pytest.approx([0.01 * float(noise.gap_accel_sigma_mps2) ** 2] * 3, rel=0.1)


def test_clipping_within_one_increment_counts_with_its_own_length():
    plain, clipped = steadily(), steadily(clipped=[105])
    noise = clipped.params.navigation.filter
    grown = clipped.sigma(V0) ** 2 - plain.sigma(V0) ** 2
    assert grown == pytest.approx([1e-4 * float(noise.gap_accel_sigma_mps2) ** 2] * 3, rel=0.1)
