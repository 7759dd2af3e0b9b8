"""Clocks and the pacer: phase is kept, nothing comes in a burst, virtual time needs no time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.platform.clock import EPOCH_LO_S, NS_PER_S, RealClock, VirtualClock
from hil.platform.pacer import Pacer, percentiles_us
from hil.platform.scheduling import punctual

TICK = 10_000_000


def test_two_real_clocks_have_epochs_of_their_own_and_never_go_back():
    first, second = RealClock(), RealClock()
    assert abs(first.now_ns() - second.now_ns()) > 1000
    assert first.now_ns() > EPOCH_LO_S * NS_PER_S
    times = [first.now_ns() for _ in range(1000)]
    assert times == sorted(times)


def test_a_real_clock_waits_only_for_what_is_ahead():
    clock = RealClock()
    assert clock.wait_s(clock.now_ns() - 1) == 0.0
    assert 0.9 < clock.wait_s(clock.now_ns() + NS_PER_S) <= 1.0
    deadline_ns = clock.now_ns() + 2_000_000
    clock.sleep_until(deadline_ns)
    assert clock.now_ns() >= deadline_ns


def test_a_virtual_clock_moves_when_advanced_and_jumps_when_waited_on():
    clock = VirtualClock(5)
    clock.advance(7)
    assert clock.now_ns() == 12
    assert clock.wait_s(1_000 * NS_PER_S) == 0.0
    assert clock.now_ns() == 1_000 * NS_PER_S
    clock.sleep_until(3)
    assert clock.now_ns() == 1_000 * NS_PER_S
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


class Sleeper(VirtualClock):
    """A virtual clock on which every sleeper oversleeps by so much."""

    oversleep_ns = 0

    def sleep_until(self, deadline_ns):
        super().sleep_until(deadline_ns)
        self.advance(self.oversleep_ns)


@given(st.lists(st.integers(0, 5 * TICK), max_size=60), st.integers(-(10**18), 10**18))
def test_every_tick_is_on_the_grid_and_no_tick_comes_twice(work_ns, epoch_ns):
    clock = VirtualClock(epoch_ns)
    pacer = Pacer(clock, epoch_ns + 3 * TICK, TICK)
    seen = 0
    for busy_ns in work_ns:
        before_ns = clock.now_ns()
        turn = pacer.turn()
        assert turn.due_ns == epoch_ns + 3 * TICK + turn.tick * TICK
        assert clock.now_ns() == turn.due_ns  # no wake-up is late here: no burst, no early tick
        assert turn.due_ns - before_ns <= TICK or turn.tick == 0
        assert turn.tick == seen + turn.missed
        seen = turn.tick + 1
        clock.advance(busy_ns)
    assert pacer.missed + pacer.turns == seen


def test_a_long_piece_of_work_is_one_overrun_and_skips_what_it_missed():
    clock = VirtualClock()
    pacer = Pacer(clock, clock.now_ns(), TICK)
    pacer.turn()
    clock.advance(3 * TICK + 1)
    turn = pacer.turn()
    assert (turn.tick, turn.missed) == (4, 3)
    assert (pacer.overruns, pacer.missed) == (1, 3)
    assert pacer.turn().missed == 0


def test_lateness_is_recorded_and_shifts_no_later_deadline():
    clock = Sleeper()
    clock.oversleep_ns = 250_000
    start_ns = clock.now_ns() + TICK
    pacer = Pacer(clock, start_ns, TICK)
    dues = [pacer.turn().due_ns - start_ns for _ in range(5)]
    assert dues == [k * TICK for k in range(5)]
    assert list(pacer.lateness_ns) == [250_000] * 5
    assert pacer.overruns == 0
    assert percentiles_us(pacer.lateness_ns) == {"p50": 250.0, "p99": 250.0, "max": 250.0}


def test_a_wake_up_a_whole_period_late_has_missed_ticks():
    clock = Sleeper()
    pacer = Pacer(clock, clock.now_ns(), TICK)
    pacer.turn()
    clock.oversleep_ns = 2 * TICK + 5
    turn = pacer.turn()
    assert (turn.tick, turn.missed) == (3, 2)
    assert pacer.lateness_ns[-1] == 5


def test_a_caller_may_wait_in_its_own_way():
    clock = VirtualClock()
    asked = []

    def wait(deadline_ns):
        asked.append(deadline_ns)
        clock.sleep_until(deadline_ns)

    pacer = Pacer(clock, clock.now_ns() + TICK, TICK)
    assert pacer.turn(wait).due_ns == asked[0]


def test_no_figures_come_from_no_ticks():
    assert percentiles_us([]) is None


def test_privileges_are_given_back():
    import gc
    import os

    before = os.sched_getscheduler(0), os.sched_getaffinity(0), gc.isenabled()
    with punctual(cpu=min(os.sched_getaffinity(0))) as granted:
        assert granted.pinned == (len(os.sched_getaffinity(0)) == 1)
        assert granted.fifo == (os.sched_getscheduler(0) == os.SCHED_FIFO)
        assert granted.gc_frozen and not gc.isenabled()
    assert (os.sched_getscheduler(0), os.sched_getaffinity(0), gc.isenabled()) == before


def test_privileges_that_are_refused_are_reported_and_nothing_else(monkeypatch):
    import os

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    with punctual(cpu=0) as granted:
        assert (granted.fifo, granted.pinned) == (False, False)
