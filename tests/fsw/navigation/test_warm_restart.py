"""Law: core is enough to continue; a restart changes no estimate and is a gap like any other."""

import copy

import numpy as np
import pytest

from fsw.executive.state import CORE
from fsw.filter.buffers import GRID_NS, HISTORY
from fsw.filter.grid_filter import SUMMED_SHARE
from fsw.interface.messages import RANGE_SAMPLE
from fsw.interface.modes import Mode
from fsw.interface.verdicts import RangeVerdict
from fsw.navigation.warm_restart import resume
from tests.fsw.computer import TICK_NS, Computer, above_the_site, names

HOVER_MPS = 1.625 * 0.01
STEADY = {"dv": (0.0, 0.0, HOVER_MPS), "dtheta": (0.0, 1e-5, 0.0)}


def flying(ticks=150):
    """A descent under a constant force, stopped between two points of the grid."""
    computer = Computer(mode=Mode.DESCENT)
    computer.core.executive.mode = Mode.STANDBY
    computer.tick(nav_update=above_the_site(2000.0, 20.0))
    computer.core.executive.mode = Mode.DESCENT
    for _ in range(ticks):
        computer.tick(imus=[computer.imu(**STEADY)])
    return computer


def restarted(computer, away_ticks):
    """One tick after an absence in which the instrument measures on."""
    for _ in range(away_ticks):
        computer.imu(**STEADY)
        computer.n += 1
    computer.inbox.resumed = 1
    events = computer.tick(imus=[computer.imu(**STEADY)])
    computer.inbox.resumed = 0
    return events


def on_a_fresh_machine(computer):
    """The same computer with nothing but its core."""
    bare = Computer()
    bare.state.history = HISTORY.new()
    bare.state.core = computer.core
    bare.n = computer.n
    bare.instrument = copy.deepcopy(computer.instrument)
    return bare


def test_core_alone_continues_as_the_whole_state_would():
    computer = flying()
    bare = on_a_fresh_machine(computer)
    for each in (computer, bare):
        restarted(each, 30)
        for _ in range(40):
            each.tick(imus=[each.imu(dv=(0.0, 0.0, HOVER_MPS))])
    assert bytes(bare.core) == bytes(computer.core)


def test_a_restart_changes_only_the_grids_bookkeeping():
    computer = flying()
    before = CORE.from_bytes(bytes(computer.core))
    resume(computer.state)
    for name in CORE.fields:
        if name != "navigation":
            assert computer.core[name] == before[name], name
    after, was = computer.core.navigation, before.navigation
    assert np.array_equal(after.grid.P, was.grid.P)
    assert after.current == was.current and after.grid.nominal == was.current
    assert after.grid.trust == was.grid.trust
    assert after.grid.k == after.computed_k == after.current.t_ns // GRID_NS


def test_the_length_of_the_outage_is_reported():
    events = restarted(flying(), 50)
    assert names(events)[:2] == ["restarted", "imu_gap"]
    away = dict((name, a) for name, a, _ in events)
    assert (away["restarted"], away["imu_gap"]) == (pytest.approx(0.51), pytest.approx(0.5))


@pytest.mark.parametrize("away_ticks", [0, 7, 80])
def test_the_integrals_include_the_delta_v_of_the_outage(away_ticks):
    computer, awake = flying(), flying()
    restarted(computer, away_ticks)
    for _ in range(away_ticks + 1):
        awake.tick(imus=[awake.imu(**STEADY)])
    ours, theirs = computer.core.navigation.current, awake.core.navigation.current
    assert ours.t_ns == theirs.t_ns
    np.testing.assert_allclose(ours.r_BM_I_m, theirs.r_BM_I_m, rtol=0, atol=1e-3)
    np.testing.assert_allclose(ours.v_BM_I_mps, theirs.v_BM_I_mps, rtol=0, atol=1e-3)
    np.testing.assert_allclose(ours.q_IB, theirs.q_IB, rtol=0, atol=1e-6)


def test_covariance_grows_over_a_gap_and_the_grid_catches_up():
    computer, awake = flying(), flying()
    restarted(computer, 80)
    for each, count in ((computer, 60), (awake, 141)):
        for _ in range(count):
            each.tick(imus=[each.imu(**STEADY)])
    grids = computer.core.navigation.grid, awake.core.navigation.grid
    assert grids[0].k == grids[1].k
    assert computer.core.navigation.replaying == 0
    noise = computer.params.navigation.filter
    blind2 = SUMMED_SHARE**2 * 0.1 * 0.8 * float(noise.gap_accel_sigma_mps2) ** 2
    assert grids[0].P[3, 3] - grids[1].P[3, 3] == pytest.approx(blind2, rel=0.15)


def test_a_pending_range_becomes_too_old_and_a_later_one_is_gated():
    computer = flying()
    verdicts = computer.core.navigation.intake.verdicts
    waiting = RANGE_SAMPLE.new(t_ns=(computer.n - 1) * TICK_NS, range_m=1800.0, valid=1)
    computer.tick(imus=[computer.imu(dv=(0.0, 0.0, HOVER_MPS))], ranges=[waiting])
    assert verdicts[RangeVerdict.PENDING] == 1
    restarted(computer, 20)
    assert (verdicts[RangeVerdict.PENDING], verdicts[RangeVerdict.TOO_OLD]) == (0, 1)
    new = RANGE_SAMPLE.new(t_ns=computer.n * TICK_NS, range_m=1800.0, valid=1, seq=7)
    computer.tick(imus=[computer.imu(dv=(0.0, 0.0, HOVER_MPS))], ranges=[new])
    for _ in range(40):
        computer.tick(imus=[computer.imu(dv=(0.0, 0.0, HOVER_MPS))])
    assert verdicts[RangeVerdict.PENDING] == 0 and sum(verdicts) == 2


def test_a_restart_before_the_first_estimate_begins_as_at_boot():
    computer, fresh = Computer(), Computer()
    for each in (computer, fresh):
        each.tick()
    restarted(computer, 3)
    for _ in range(3):
        fresh.imu(**STEADY)
        fresh.n += 1
    fresh.tick(imus=[fresh.imu(**STEADY)])
    for each in (computer, fresh):
        each.tick(nav_update=above_the_site(2000.0))
    assert computer.core.navigation.current == fresh.core.navigation.current
