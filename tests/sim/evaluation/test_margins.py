"""Each requirement has a margin, negative when and only when it is broken."""

import numpy as np
import pytest

from fsw.executive.state import CORE, PARAMS
from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED
from fsw.interface.events import EventCode
from fsw.interface.messages import INBOX, OUTBOX
from fsw.interface.modes import Mode
from fsw.interface.timing import TICK_NS
from sim.evaluation.flight_view import FLIGHT_VIEW, observe_flight
from sim.evaluation.monitor import MONITOR, watch
from sim.evaluation.requirements import (
    FUSED_AGE_S,
    IMU_SILENCE_TICKS,
    LANDING,
    NEGLECT_S,
    RANGE_SILENCE_S,
    REQUIREMENTS,
    broken,
    margins_of,
    margins_record,
)
from sim.faults.reader import read_faults
from sim.run.fly import fly
from sim.scenario.load import load
from tests.sim.worlds import above_site, undispersed_world

S = 1_000_000_000
NAMES = {each.name for each in REQUIREMENTS}


def flown(name, params, *changes):
    scenario = load(name, changes, params)
    return fly(scenario, scenario.seed)


# --- whole flights ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("nominal", "default"),
        ("resilience-m2", "as-flown"),
        ("im-1", "as-flown"),
        ("chandrayaan-2", "as-flown"),
        ("luna-25", "default"),
        ("hakuto-r-m1", "as-flown"),
    ],
)
def test_a_run_landed_when_no_landing_margin_is_negative_and_only_then(name, params):
    result = flown(name, params)
    assert set(result.margins) == NAMES
    assert (result.verdict == "landed") == (not set(LANDING) & set(broken(result.margins)))


def test_a_nominal_flight_breaks_nothing():
    assert broken(flown("nominal", "default").margins) == []


def test_a_gate_that_latches_violates_the_requirement_to_fuse_again():
    assert flown("hakuto-r-m1", "as-flown").margins["no_latch"] < -1.0
    assert flown("hakuto-r-m1", "default").margins["no_latch"] > 0.0


def test_a_flight_without_propellant_has_a_negative_margin_for_it():
    margins = flown("hakuto-r-m1", "as-flown").margins
    assert margins["propellant"] < 0.0 and "propellant" in broken(margins)


def test_without_touchdown_its_figures_are_missing():
    margins = flown("luna-25", "default").margins
    assert margins["v_down"] is None and margins["touchdown"] == -1.0
    assert np.isnan(margins_record(5, margins).v_down)


# --- contribution of a tick -----------------------------------------------------------------


@kernel
def _watch_ticks(monitors, worlds, views, params, inboxes, outboxes, ticks):
    """Watch so many ticks in which nothing changes but time."""
    for _ in range(ticks):
        worlds[0].t_ns = int(worlds[0].t_ns) + TICK_NS
        watch(monitors[0], worlds[0], views[0], params[0], inboxes[0], outboxes[0])


def plain(row):
    return row.base if INTERPRETED else row.base.view(row.base.dtype, np.ndarray)


class Watched:
    """A monitor, and what it watches, held by hand."""

    def __init__(self):
        self.monitor = MONITOR.new(t_limit_ns=10**15)
        self.world = above_site(undispersed_world(), 1000.0, v_up_mps=-20.0, propellant_kg=300.0)
        self.view = FLIGHT_VIEW.new(mode=Mode.DESCENT, locked=1, a_d_mps2=1.0)
        self.params, self.inbox, self.outbox = PARAMS.new(), INBOX.new(), OUTBOX.new()
        self.inbox.n_imus = 1

    def ticks(self, count):
        rows = (self.monitor, self.world, self.view, self.params, self.inbox, self.outbox)
        _watch_ticks(*(plain(row) for row in rows), count)
        return margins_of(self.world, self.monitor)

    def report(self, code):
        self.outbox.events[0].code = code
        self.outbox.n_events = 1
        self.ticks(1)
        self.outbox.n_events = 0

    def receive_range(self, off_m=0.0):
        """Receive a range that is true but for off_m."""
        truthful, now_ns = self.monitor.truthful, int(self.world.t_ns)
        truthful.measured = self.world.board.range_state.count = 1
        truthful.measured_t_ns[0], truthful.slant_m[0] = now_ns, 1000.0
        sample = self.inbox.ranges[0]
        sample.t_ns, sample.range_m, sample.valid, sample.seq = now_ns, 1000.0 + off_m, 1, 0
        self.inbox.n_ranges = 1


@pytest.mark.parametrize(
    ("field", "value"), [("throttle", 1.001), ("throttle", -0.001), ("throttle", np.nan)]
)
def test_a_throttle_beyond_its_limits_is_broken(field, value):
    watched = Watched()
    assert watched.ticks(1)["commands"] == 1.0
    watched.outbox.actuators[field] = value
    assert watched.ticks(1)["commands"] == -1.0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_more_torque_than_the_thrusters_have_is_broken(axis):
    watched = Watched()
    most = watched.params.vehicle.rcs_torque_Nm[axis]
    watched.outbox.actuators.torque_B_Nm[axis] = -most
    assert watched.ticks(1)["commands"] == 1.0
    watched.outbox.actuators.torque_B_Nm[axis] = -1.001 * most
    assert watched.ticks(1)["commands"] == -1.0


def test_a_range_silence_must_be_reported():
    watched = Watched()
    limit = int(RANGE_SILENCE_S * S / TICK_NS)
    watched.view.fused_t_ns = watched.world.t_ns
    assert watched.ticks(limit - 5)["silence"] > 0.0
    assert watched.ticks(10)["silence"] < 0.0


def test_a_range_silence_that_was_reported_breaks_nothing():
    watched = Watched()
    watched.view.fused_t_ns = watched.world.t_ns
    watched.ticks(200)
    watched.report(EventCode.RANGE_SILENT)
    assert watched.ticks(1000)["silence"] > 0.0


def test_a_silent_inertial_unit_must_be_reported():
    silent, reported = Watched(), Watched()
    for watched in (silent, reported):
        watched.view.locked = watched.inbox.n_imus = 0
    assert silent.ticks(IMU_SILENCE_TICKS + 1)["silence"] < 0.0
    reported.ticks(5)
    reported.report(EventCode.IMU_SILENT)
    assert reported.ticks(100)["silence"] > 0.0


@pytest.mark.parametrize(
    ("field", "code"), [("missed_ticks", EventCode.MISSED_TICKS), ("resumed", EventCode.RESTARTED)]
)
def test_lost_time_must_be_reported_in_the_tick_after_it(field, code):
    reported, unreported = Watched(), Watched()
    for watched in (reported, unreported):
        watched.inbox[field] = 1
    reported.report(code)
    assert margins_of(reported.world, reported.monitor)["silence"] > 0.0
    assert unreported.ticks(1)["silence"] < 0.0


def test_truthful_ranges_that_are_not_fused_are_neglect():
    watched = Watched()
    limit = int(NEGLECT_S * S / TICK_NS)
    for _ in range(limit + 10):
        watched.receive_range()
        watched.ticks(1)
    assert margins_of(watched.world, watched.monitor)["no_latch"] < 0.0


@pytest.mark.parametrize("spoiled", ["false", "gaps", "open fault"])
def test_ranges_that_are_false_or_have_gaps_or_come_in_a_fault_are_not_neglected(spoiled):
    watched = Watched()
    if spoiled == "open fault":
        read_faults(watched.world, [({"faults": [{"kind": "off", "sensor": "imu"}]}, "")])
        watched.world.board.fault_memory[0].open = 1
    for tick in range(int(NEGLECT_S * S / TICK_NS) + 10):
        watched.receive_range(off_m=100.0 if spoiled == "false" and tick % 100 == 0 else 0.0)
        if spoiled == "gaps" and tick % 200 > 100:
            watched.inbox.n_ranges = 0
        watched.ticks(1)
    assert margins_of(watched.world, watched.monitor)["no_latch"] > 0.5


def test_an_old_range_that_is_fused_as_the_newest_counts_by_its_age():
    watched = Watched()
    watched.world.t_ns = 100 * S
    watched.view.fused_t_ns = int(watched.world.t_ns - 0.9 * FUSED_AGE_S * S)
    assert watched.ticks(1)["fused_age"] == pytest.approx(0.1, abs=0.01)
    watched.view.fused_t_ns -= 5 * S  # not the newest: a replay has gone back
    assert watched.ticks(1)["fused_age"] == pytest.approx(0.1, abs=0.01)


def test_falling_faster_than_can_be_stopped_is_a_negative_stopping_margin():
    watched = Watched()
    slow = watched.ticks(1)["stopping"]
    watched.world.truth.v_BM_I_mps[0] = -60.0
    fast = watched.ticks(1)["stopping"]
    assert 0.0 < slow < 1.0 and -1.0 < fast < 0.0


# --- the estimate -------------------------------------------------------------------------


@kernel
def _observe(cores, views):
    observe_flight(views[0], cores[0])


def sound(core):
    view = FLIGHT_VIEW.new()
    _observe(plain(core), plain(view))
    return int(view.sound)


@pytest.mark.parametrize(
    "field", ["r_BL_L_m", "v_BL_L_mps", "q_LB", "omega_BL_B_radps", "f_B_mps2"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_estimate_that_is_not_finite_is_unsound(field, value):
    core = CORE.new()
    core.navigation.ready = 1
    assert sound(core) == 1
    core.estimate[field][1] = value
    assert sound(core) == 0


@pytest.mark.parametrize("value", [-1e-9, np.nan])
def test_a_variance_below_zero_or_no_number_is_unsound(value):
    core = CORE.new()
    core.navigation.ready = 1
    core.navigation.grid.P[7, 7] = value
    assert sound(core) == 0


def test_an_unsound_estimate_breaks_a_requirement():
    watched = Watched()
    assert watched.ticks(1)["finite"] == 1.0
    watched.view.sound = 0
    assert watched.ticks(1)["finite"] == -1.0


def test_neglect_is_counted_from_the_first_truthful_range_after_a_fault_and_from_nothing_before():
    """Nothing was ever fused, and the fault closes in a tick in which no range comes."""
    watched = Watched()
    read_faults(watched.world, [({"faults": [{"kind": "off", "sensor": "imu"}]}, "")])
    watched.world.board.fault_memory[0].open = 1
    for _ in range(int(NEGLECT_S * S / TICK_NS) + 10):
        watched.receive_range()
        watched.ticks(1)
    watched.world.board.fault_memory[0].open = 0
    watched.inbox.n_ranges = 0
    watched.ticks(4)
    assert margins_of(watched.world, watched.monitor)["no_latch"] > 0.9
