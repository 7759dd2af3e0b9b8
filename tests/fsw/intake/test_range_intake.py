"""Table: what is done with every kind of sample that can arrive."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsw.filter.buffers import GRID_NS, HISTORY, NEVER, RANGE_SLOTS, clear_history
from fsw.filter.range_gate import TRUST_PARAMS
from fsw.intake.range_intake import Arrival, take_range
from fsw.interface.events import EventCode
from fsw.interface.messages import OUTBOX, RANGE_SAMPLE
from fsw.interface.verdicts import RangeVerdict
from fsw.navigation.tick import NAVIGATION

S, MS = 1_000_000_000, 1_000_000
NOW_NS = 100 * S
TRUST = TRUST_PARAMS.new()


class Gate:
    """Intake with its ring, at 100 s; the grid stands at 99.9 s and began at 95 s."""

    def __init__(self):
        self.nav = NAVIGATION.new()
        self.intake = self.nav.intake
        self.intake.dirty_k = NEVER
        self.intake.anchor_t_ns, self.intake.newest_range_t_ns = 95 * S, -1
        self.history, self.outbox = HISTORY.new(), OUTBOX.new()
        clear_history(self.history)
        self.nav.computed_k = self.nav.grid.k = (NOW_NS - GRID_NS) // GRID_NS

    def range(self, now_ns=NOW_NS, trusted=1, **fields):
        """Take one range; returns the names of the counters that moved."""
        sample = RANGE_SAMPLE.new(
            **{"t_ns": NOW_NS - 50 * MS, "range_m": 500.0, "valid": 1, **fields}
        )
        before = self.intake.verdicts.copy()
        arrival = Arrival(int(sample.t_ns), trusted, now_ns)
        take_range(self.nav, self.history, TRUST, sample, arrival, self.outbox)
        moved = self.intake.verdicts - before
        assert int(moved.sum()) == 1
        return RangeVerdict.label_of(int(moved.argmax()))

    def kept(self):
        return int(self.history.range_end) - int(self.history.range_first)

    def events(self):
        return [int(event.code) for event in self.outbox.events[: int(self.outbox.n_events)]]


def name(verdict):
    return RangeVerdict.label_of(verdict)


# --- ranges ------------------------------------------------------------------------------

REFUSED = [
    (RangeVerdict.INVALID, {"valid": 0}),
    (RangeVerdict.INVALID, {"valid": 2}),
    (RangeVerdict.INVALID, {"valid": 0, "range_m": math.nan}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": math.nan}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": math.inf}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": -math.inf}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": -500.0}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": 0.0}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": 0.99}),
    (RangeVerdict.OUT_OF_RANGE, {"range_m": 20_001.0}),
    (RangeVerdict.CLOCK_FAULT, {"t_ns": NOW_NS + 21 * MS}),
    (RangeVerdict.CLOCK_FAULT, {"t_ns": 2**62}),
    (RangeVerdict.TOO_OLD, {"t_ns": NOW_NS - 8 * S - 1}),
    (RangeVerdict.TOO_OLD, {"t_ns": -(2**62)}),
    (RangeVerdict.TOO_OLD, {"t_ns": 95 * S}),
    (RangeVerdict.TOO_OLD, {"t_ns": 94 * S}),
]


@pytest.mark.parametrize(("verdict", "fields"), REFUSED)
def test_a_range_that_cannot_be_used_is_refused_with_its_reason(verdict, fields):
    gate = Gate()
    assert gate.range(**fields) == name(verdict)
    assert gate.kept() == 0
    assert gate.intake.dirty_k == NEVER
    assert gate.intake.newest_range_t_ns == -1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"range_m": 1.0},
        {"range_m": 20_000.0},
        {"t_ns": NOW_NS + 20 * MS},
        {"t_ns": NOW_NS - 8 * S + 4 * S},
        {"t_ns": 95 * S + 1},
    ],
)
def test_a_range_within_every_limit_waits_for_the_grid(fields):
    gate = Gate()
    assert gate.range(**fields) == name(RangeVerdict.PENDING)
    assert gate.kept() == 1


def test_a_range_is_too_old_by_its_age_wherever_the_grid_began():
    gate = Gate()
    gate.intake.anchor_t_ns = 0
    assert gate.range(t_ns=NOW_NS - 8 * S) == name(RangeVerdict.PENDING)
    assert gate.range(t_ns=NOW_NS - 8 * S - 1) == name(RangeVerdict.TOO_OLD)


def test_a_second_copy_is_a_duplicate_and_another_value_is_not():
    gate = Gate()
    assert gate.range() == name(RangeVerdict.PENDING)
    assert gate.range() == name(RangeVerdict.DUPLICATE)
    assert gate.range(seq=9) == name(RangeVerdict.DUPLICATE)
    assert gate.range(range_m=501.0) == name(RangeVerdict.PENDING)
    assert gate.kept() == 2


def test_a_range_older_than_all_of_a_full_ring_is_too_old():
    gate = Gate()
    for n in range(RANGE_SLOTS):
        assert gate.range(t_ns=NOW_NS - 2 * S + n * MS) == name(RangeVerdict.PENDING)
    assert gate.range(t_ns=NOW_NS - 3 * S) == name(RangeVerdict.TOO_OLD)


def test_inhibited_good_ranges_are_refused_and_bad_ones_keep_their_verdict():
    gate = Gate()
    gate.intake.inhibited = 1
    assert gate.range() == name(RangeVerdict.INHIBITED)
    assert gate.range(valid=0) == name(RangeVerdict.INVALID)
    assert gate.kept() == 0
    gate.intake.inhibited = 0
    assert gate.range() == name(RangeVerdict.PENDING)


def test_a_stamp_that_cannot_be_trusted_is_a_clock_fault():
    gate = Gate()
    assert gate.range(trusted=0) == name(RangeVerdict.CLOCK_FAULT)
    assert gate.range(trusted=0, valid=0) == name(RangeVerdict.INVALID)
    assert gate.range(trusted=0, t_ns=94 * S) == name(RangeVerdict.CLOCK_FAULT)
    assert gate.kept() == 0


def test_the_first_valid_range_is_reported_once_with_its_age():
    gate = Gate()
    gate.range(valid=0)
    gate.range(range_m=0.0)
    assert gate.events() == []
    gate.range(range_m=893.0)
    gate.range(range_m=894.0)
    assert gate.events() == [EventCode.RANGE_FIRST_VALID]
    assert (gate.outbox.events[0].a, gate.outbox.events[0].b) == (893.0, pytest.approx(0.05))


@pytest.mark.parametrize(
    ("age_ms", "late", "dirty"),
    [
        (50, 0, NEVER),  # its grid point is yet to come
        (99, 0, NEVER),
        (100, 1, 999),  # its grid point is the one just computed
        (101, 1, 999),
        (200, 1, 998),
        (1950, 1, 981),
    ],
)
def test_a_late_range_marks_its_own_grid_point_as_wrong(age_ms, late, dirty):
    gate = Gate()
    assert gate.range(t_ns=NOW_NS - age_ms * MS) == name(RangeVerdict.PENDING)
    assert int(gate.history.ranges[0].late) == late
    assert int(gate.intake.dirty_k) == dirty


def test_the_earliest_of_several_late_ranges_decides_how_far_to_go_back():
    gate = Gate()
    for age_ms in (300, 1500, 700):
        gate.range(t_ns=NOW_NS - age_ms * MS)
    assert int(gate.intake.dirty_k) == 985
    assert int(gate.intake.newest_range_t_ns) == NOW_NS - 300 * MS


def test_during_a_replay_only_what_lies_behind_the_grid_has_to_be_redone():
    gate = Gate()
    gate.nav.grid.k = 980  # the grid is being redone and stands at 98 s
    gate.range(t_ns=NOW_NS - 500 * MS)
    assert int(gate.history.ranges[0].late) == 1
    assert int(gate.intake.dirty_k) == NEVER
    gate.range(t_ns=NOW_NS - 2500 * MS)
    assert int(gate.intake.dirty_k) == 975


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1) | st.integers(90 * S, 101 * S),
            st.floats(width=32),
            st.integers(0, 255),
        ),
        max_size=30,
    )
)
def test_every_range_has_exactly_one_verdict_and_the_ring_holds_numbers_only(samples):
    gate = Gate()
    for t_ns, range_m, valid in samples:
        gate.range(t_ns=t_ns, range_m=range_m, valid=valid)
    assert int(gate.intake.verdicts.sum()) == len(samples)
    assert int(gate.intake.verdicts[RangeVerdict.PENDING]) == gate.kept()
    for entry in gate.history.ranges[: gate.kept()]:
        assert 1.0 <= float(entry.range_m) <= 20_000.0
        assert 95 * S < int(entry.t_ns) <= NOW_NS + 20 * MS
