"""The whole flight software behind its only entry, with inputs set by the test."""

import functools
import math

import numpy as np

from fsw.executive.state import PARAMS, STATE
from fsw.executive.step import boot, step
from fsw.interface.events import EventCode
from fsw.interface.messages import GROUND_COMMAND, INBOX, NAV_UPDATE, OUTBOX
from tests.fsw.byhand import about
from tests.sums import TICK_NS, Instrument, sample_of

UPRIGHT_ON_X = about((0.0, 1.0, 0.0), 0.5 * math.pi)


@functools.cache
def params():
    return PARAMS.new()


class Computer:
    """State, inbox and outbox; `tick` fills the inbox and steps."""

    def __init__(self, mode=None, made=None):
        self.params = made if made is not None else params()
        self.state, self.inbox, self.outbox = STATE.new(), INBOX.new(), OUTBOX.new()
        boot(self.state, self.params)
        self.core = self.state.core
        if mode is not None:
            self.core.executive.mode = mode
        self.n = 0
        self.instrument = Instrument()

    def tick(self, missed=0, imus=(), ranges=(), commands=(), **reports):
        """One tick; reports are contact, propulsion, nav_update or clock. Returns its events."""
        if self.n == 0 and not imus:
            imus = [sample_of(0, 0, (0.0,) * 3, (0.0,) * 3)]  # the sums as they stand at first
        inbox = self.inbox
        inbox.now_ns = self.n * TICK_NS
        inbox.missed_ticks = missed
        for name, rows in (("imu", imus), ("range", ranges), ("command", commands)):
            inbox[f"n_{name}s"] = len(rows)
            for i, row in enumerate(rows):
                inbox[f"{name}s"][i] = row
        inbox.range_rx_ns = inbox.now_ns
        for name in ("contact", "propulsion", "nav_update", "clock"):
            inbox[f"has_{name}"] = int(name in reports)
            if name in reports:
                inbox[name] = reports[name]
        step(self.state, self.params, inbox, self.outbox)
        self.n += 1
        return self.events()

    def ticks(self, count, **inputs):
        """Several ticks alike; returns all their events."""
        return [event for _ in range(count) for event in self.tick(**inputs)]

    def events(self):
        """(name, a, b) of the events of the last tick."""
        rows = self.outbox.events[: int(self.outbox.n_events)]
        return [(EventCode.label_of(int(row.code)), float(row.a), float(row.b)) for row in rows]

    def acks(self):
        return self.outbox.acks[: int(self.outbox.n_acks)]

    @property
    def mode(self):
        return int(self.core.executive.mode)

    def imu(self, dv=(0.0, 0.0, 0.0), dtheta=(0.0, 0.0, 0.0), **fields):
        """The inertial sample of the coming tick, after one more increment."""
        return self.instrument.sample(self.n * TICK_NS, dv, dtheta, **fields)


def command(code, seq=7):
    return GROUND_COMMAND.new(code=code, seq=seq)


def names(events):
    return [name for name, *_ in events]


def state_vector(r, v, t_ns=0, q=UPRIGHT_ON_X):
    """An uplink of a well-known state."""
    made = NAV_UPDATE.new(t_ns=t_ns, r_BM_I_m=r, v_BM_I_mps=v, q_IB=q)
    made.sigma_radial_m = made.sigma_horizontal_m = 100.0
    made.sigma_velocity_mps, made.sigma_attitude_rad = 0.1, 1e-4
    return made


def above_the_site(height_m, v_down_mps=0.0):
    """An uplink: at rest above a site on the inertial x axis, but for the descent rate."""
    radius = float(params().moon.radius_m) + height_m
    drift = float(params().moon.omega_radps) * radius
    return state_vector((radius, 0.0, 0.0), (-v_down_mps, drift, 0.0))


def before_the_site(angle_rad, height_m=20e3, speed_mps=1684.0):
    """An uplink: level flight eastwards in orbit, an angle before the site."""
    radius = float(params().moon.radius_m) + height_m
    s, c = math.sin(angle_rad), math.cos(angle_rad)
    return state_vector(
        radius * np.array([c, -s, 0.0]), speed_mps * np.array([s, c, 0.0]), q=(1.0, 0.0, 0.0, 0.0)
    )
