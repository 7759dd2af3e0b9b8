"""A rig for navigation alone: one recorded stream of increments, ranges in any order.

The vehicle falls from 2 km above the site under 60 % of lunar weight, turning slowly; the
increments are made up, and the truth is what the strapdown makes of them, so that the filter is
tested apart from the plant.
"""

import functools

import numpy as np

from fsw.executive.state import PARAMS
from fsw.filter.buffers import HISTORY, clear_history
from fsw.filter.range_model import predict_range
from fsw.filter.strapdown import NOMINAL, strapdown
from fsw.interface.messages import INBOX, NAV_UPDATE, OUTBOX, RANGE_SAMPLE
from fsw.interface.timing import Tick
from fsw.mathlib.vectors import store3, store4
from fsw.navigation.state_update import take_nav_update
from fsw.navigation.tick import NAVIGATION, begin_navigation, navigate
from tests.sums import TICK_NS, Instrument, gained, sample_of

RANGE_EVERY = 5
START_HEIGHT_M = 2000.0


@functools.cache
def params():
    made = PARAMS.new()
    made.site.height_sigma_m = 20.0
    return made


@functools.cache
def start():
    """The true state at t = 0: above a site on the x axis, upright, falling at 30 m/s."""
    state = NOMINAL.new()
    radius = float(params().moon.radius_m)
    store3(state.r_BM_I_m, (radius + START_HEIGHT_M, 0.0, 0.0))
    store3(state.v_BM_I_mps, (-30.0, float(params().moon.omega_radps) * radius, 0.0))
    store4(state.q_IB, (np.sqrt(0.5), 0.0, np.sqrt(0.5), 0.0))
    return state


def update(radial_m=0.0):
    """The state vector as uplinked, with an error in height."""
    made = NAV_UPDATE.new(sigma_radial_m=100.0, sigma_horizontal_m=100.0)
    made.sigma_velocity_mps = 0.1
    made.sigma_attitude_rad = 1e-4
    made.r_BM_I_m = start().r_BM_I_m
    made.r_BM_I_m[0] += radial_m
    made.v_BM_I_mps = start().v_BM_I_mps
    made.q_IB = start().q_IB
    return made


@functools.cache
def stream(ticks, seed=0):
    """(increments, ranges): made up for `ticks` ticks, and what a perfect instrument would see."""
    rng = np.random.default_rng(seed)
    instrument = Instrument()
    imus = [switched_on()]
    truth = NOMINAL.from_bytes(start().tobytes())
    ranges = []
    for n in range(ticks):
        dv_B = (0.0, 0.0, 0.0097 + 1e-5 * rng.standard_normal())
        turned = 1e-6 * rng.standard_normal(3)
        imus.append(instrument.sample((n + 1) * TICK_NS, dv_B, turned))
        dv, dtheta = gained(imus[-2:])
        strapdown(truth, params().moon, int(imus[-1].t_ns), tuple(dv[0]), tuple(dtheta[0]))
        if n % RANGE_EVERY == RANGE_EVERY - 1:
            ranges.append(_range_at(truth, len(ranges), rng.standard_normal()))
    return imus[1:], tuple(ranges)


def powered_tick(now_ns):
    """A punctual tick in which the engine may act and no thrust is commanded."""
    return Tick(now_ns, True, False, 0.0)


def switched_on():
    """The sample at t = 0, before any delta-v."""
    return sample_of(0, 0, (0.0,) * 3, (0.0,) * 3)


def _range_at(truth, seq, noise):
    _, range_m, *_ = predict_range(params().moon, params().vehicle, truth)
    sample = RANGE_SAMPLE.new(t_ns=int(truth.t_ns), seq=seq, valid=1, quality=200)
    sample.range_m = range_m + noise * (0.5 + 0.002 * range_m)
    return sample


class Filter:
    """Navigation with its memory, fed tick by tick."""

    def __init__(self, radial_error_m=40.0):
        self.params = params()
        self.nav, self.history = NAVIGATION.new(), HISTORY.new()
        self.inbox, self.outbox = INBOX.new(), OUTBOX.new()
        clear_history(self.history)
        begin_navigation(self.nav, self.params)
        take_nav_update(self.nav, self.history, self.params, update(radial_error_m), 0, self.outbox)
        self.tick(0, switched_on())

    def tick(self, now_ns, imu=None, ranges=()):
        """One tick with at most one increment and eight ranges."""
        self.inbox.now_ns = now_ns
        self.inbox.n_imus = 0
        if imu is not None:
            self.inbox.imus[0] = imu
            self.inbox.n_imus = 1
        self.inbox.n_ranges = len(ranges)
        for i, sample in enumerate(ranges):
            self.inbox.ranges[i] = sample
            self.inbox.range_rx_ns[i] = now_ns
        self.outbox.n_events = 0
        navigate(self.nav, self.history, self.params, self.inbox, powered_tick(now_ns), self.outbox)

    def estimate(self):
        """Bytes of all that is a function of stamps: the grid filter and the output predictor."""
        return self.nav.grid.tobytes() + self.nav.current.tobytes()


def fly_filter(ticks, arrivals, seed=0):
    """The filter after `ticks` ticks; arrivals maps a tick to the ranges that arrive in it."""
    imus, _ = stream(ticks, seed)
    rig = Filter()
    waiting = []
    for n in range(ticks):
        waiting.extend(arrivals.get(n + 1, ()))
        now, waiting = waiting[:8], waiting[8:]
        rig.tick((n + 1) * TICK_NS, imus[n], now)
    assert not waiting
    return rig
