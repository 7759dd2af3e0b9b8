"""Law: the rings against lists, and the checkpoints against a list of all that was saved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsw.filter.buffers import (
    COARSE_SLOTS,
    COARSE_STEPS,
    FINE_SLOTS,
    HISTORY,
    IMU_SLOTS,
    RANGE_SLOTS,
    clear_checkpoints,
    clear_history,
    first_range_after,
    insert_range,
    newest_imu_ns,
    push_imu,
)
from fsw.filter.checkpoints import restore_before, save
from fsw.filter.covariance import N_ALL, N_STATES
from fsw.filter.grid_filter import GRID

DUPLICATE, TOO_OLD = -1, -2


def emptied():
    history = HISTORY.new()
    clear_history(history)
    return history


def ring(history):
    """The ranges kept, in the ring's order."""
    counts = range(int(history.range_first), int(history.range_end))
    kept = [history.ranges[count % RANGE_SLOTS] for count in counts]
    return [(int(entry.t_ns), float(entry.range_m)) for entry in kept]


# --- ranges ------------------------------------------------------------------------------

# few stamps and few values, so that equal ones meet
samples = st.tuples(st.integers(0, 12), st.integers(1, 4).map(float))


def insert_all(history, arrivals):
    return [insert_range(history, t_ns, range_m, 0, 0) for t_ns, range_m in arrivals]


@given(st.lists(samples, max_size=60))
def test_the_ring_is_sorted_by_stamp_and_value_and_holds_each_range_once(arrivals):
    history = emptied()
    places = insert_all(history, arrivals)
    assert ring(history) == sorted(set(arrivals))
    assert places.count(DUPLICATE) == len(arrivals) - len(set(arrivals))


@given(st.lists(samples, max_size=20), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_ring_equal_stamps_too(arrivals, random):
    shuffled = list(arrivals)
    random.shuffle(shuffled)
    one, other = emptied(), emptied()
    insert_all(one, arrivals)
    insert_all(other, shuffled)
    assert ring(one) == ring(other)


@pytest.mark.parametrize("values", [(7.0, 3.0), (3.0, 7.0)])
def test_two_values_with_one_stamp_are_both_kept_the_smaller_first(values):
    history = emptied()
    for value in values:
        assert insert_range(history, 1000, value, 0, 0) >= 0
    assert ring(history) == [(1000, 3.0), (1000, 7.0)]
    assert insert_all(history, [(1000, 3.0), (1000, 7.0)]) == [DUPLICATE, DUPLICATE]


def test_a_new_entry_is_pending_and_keeps_its_sample():
    history = emptied()
    history.ranges[0].verdict, history.ranges[0].late = 9, 1
    place = insert_range(history, 55, 12.5, 65535, 0)
    entry = history.ranges[place % RANGE_SLOTS]
    assert (entry.t_ns, entry.range_m, entry.seq, entry.verdict, entry.late) == (
        55,
        12.5,
        65535,
        0,
        0,
    )
    place = insert_range(history, 56, 12.5, 1, 1)
    assert history.ranges[place % RANGE_SLOTS].late == 1


def test_an_entry_keeps_its_own_fields_when_others_push_in_front_of_it():
    history = emptied()
    for seq, t_ns in enumerate([50, 40, 60, 30]):
        insert_range(history, t_ns, 1.0, seq, 0)
    kept = [history.ranges[n] for n in range(4)]
    assert [(int(e.t_ns), int(e.seq)) for e in kept] == [(30, 3), (40, 1), (50, 0), (60, 2)]


class ReferenceRing:
    """The ring as a list: sorted, no duplicates, of limited length."""

    def __init__(self):
        self.kept = []

    def insert(self, sample):
        if sample in self.kept:
            return DUPLICATE
        if len(self.kept) == RANGE_SLOTS:
            if sample < self.kept[0]:
                return TOO_OLD
            self.kept.pop(0)
        self.kept = sorted([*self.kept, sample])
        return len(self.kept)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(50, 5000), st.integers(1, 400))
def test_a_full_ring_drops_its_oldest_and_refuses_older_ranges(seed, spread, count):
    rng = np.random.default_rng(seed)
    history, reference = emptied(), ReferenceRing()
    for n in range(count):
        sample = (int(rng.integers(n, n + spread)), float(rng.integers(1, 3)))
        place = insert_range(history, *sample, 0, 0)
        expected = reference.insert(sample)
        assert place == expected if expected < 0 else place >= 0
    assert ring(history) == reference.kept


def test_a_full_ring_keeps_the_newest():
    history = emptied()
    for t_ns in range(RANGE_SLOTS + 30):
        insert_range(history, t_ns, 1.0, 0, 0)
    assert ring(history) == [(t_ns, 1.0) for t_ns in range(30, RANGE_SLOTS + 30)]
    assert insert_range(history, 5, 1.0, 0, 0) == TOO_OLD
    assert insert_range(history, 30, 1.0, 0, 0) == DUPLICATE
    assert insert_range(history, 31, 2.0, 0, 0) >= 0
    assert ring(history)[:3] == [(31, 1.0), (31, 2.0), (32, 1.0)]


@given(st.lists(samples, max_size=40), st.integers(-1, 14), st.integers(0, 400))
def test_the_first_range_after_a_time_is_that_of_a_full_scan(arrivals, t_ns, turned):
    history = emptied()
    history.range_first = history.range_end = turned  # the ring has gone round before
    insert_all(history, arrivals)
    later = [k for k, (stamp, _) in enumerate(ring(history)) if stamp > t_ns]
    expected = turned + (later[0] if later else len(ring(history)))
    assert first_range_after(history, t_ns) == expected


def test_the_first_range_after_a_time_is_found_in_a_full_ring():
    history = emptied()
    for t_ns in range(RANGE_SLOTS + 7):
        insert_range(history, t_ns, 1.0, 0, 0)
    for t_ns in range(6, RANGE_SLOTS + 7):
        assert first_range_after(history, t_ns) == t_ns + 1


# --- increments --------------------------------------------------------------------------


def test_increments_are_in_the_ring_by_their_count():
    history = emptied()
    assert newest_imu_ns(history, -77) == -77
    for n in range(IMU_SLOTS + 5):
        push_imu(history, 10 * n, (1.0 * n, 2.0, 3.0), (4.0, 5.0, -1.0 * n), n % 8)
    assert int(history.imu_count) == IMU_SLOTS + 5
    assert newest_imu_ns(history, -77) == 10 * (IMU_SLOTS + 4)
    for n in (5, 17, IMU_SLOTS + 4):
        slot = n % IMU_SLOTS
        assert (history.imu_t_ns[slot], history.imu_flags[slot]) == (10 * n, n % 8)
        assert history.imu_dv_B_mps[slot].tolist() == [n, 2.0, 3.0]
        assert history.imu_dtheta_B_rad[slot].tolist() == [4.0, 5.0, -n]
    clear_history(history)
    assert newest_imu_ns(history, -77) == -77


def test_clearing_empties_everything():
    history = emptied()
    push_imu(history, 1, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0)
    insert_range(history, 1, 1.0, 0, 0)
    save(history, grid_at(10, 1))
    clear_history(history)
    assert ring(history) == []
    assert not restore_before(grid_at(99, 2), history, 99)


# --- checkpoints -------------------------------------------------------------------------


def grid_at(k, mark):
    """A grid at a point, marked by the time line that it belongs to."""
    return GRID.new(k=k, imu_next=mark)


def test_a_checkpoint_restores_every_part_of_the_grid():
    rng = np.random.default_rng(1)
    grid = GRID.from_bytes(rng.bytes(GRID.dtype.itemsize))
    A = rng.standard_normal((N_ALL, N_ALL))
    grid.P, grid.k = A @ A.T, 40
    before = grid.tobytes()
    for point in (40, 41):  # from a slot of either kind
        history = emptied()
        grid.k = point
        save(history, grid)
        other = GRID.new(k=50)
        other.P[N_STATES:, N_STATES:] = grid.P[N_STATES:, N_STATES:]  # never changes, never kept
        assert restore_before(other, history, 45)
        other.k = 40
        assert other.tobytes() == before


moves = st.lists(
    st.one_of(
        st.integers(1, 25).map(lambda n: ("forward", n)),
        st.one_of(st.integers(-5, 15), st.integers(0, 130)).map(lambda n: ("back", n)),
    ),
    max_size=25,
)


@given(st.integers(0, 40), moves)
def test_a_restore_finds_the_newest_good_checkpoint_and_never_a_stale_one(begin, moves):
    history = emptied()
    k, mark = begin, 1
    # what stands in the slots, and what is true on the present time line
    fine, coarse, truth = {}, {}, {}

    def keep(k, mark):
        save(history, grid_at(k, mark))
        truth[k] = mark
        fine[k % FINE_SLOTS] = k
        if k % COARSE_STEPS == 0:
            coarse[k // COARSE_STEPS % COARSE_SLOTS] = k

    keep(k, mark)
    for move, n in moves:
        if move == "forward":
            for _ in range(n):
                k += 1
                keep(k, mark)
            continue
        target = k - n
        kept = {*fine.values(), *coarse.values()}
        good = [at for at in kept if at <= min(target, k)]
        grid = grid_at(k, mark)
        assert restore_before(grid, history, target) == bool(good)
        if good:
            assert int(grid.k) == max(good)
            assert int(grid.imu_next) == truth[max(good)]
            k, mark = max(good), mark + 1
            truth = {at: line for at, line in truth.items() if at <= k}


def test_checkpoints_reach_back_nine_seconds():
    history = emptied()
    for k in range(300):
        save(history, grid_at(k, k))
    for back in range(0, 90):
        grid = grid_at(299, 299)
        assert restore_before(grid, history, 299 - back)
        assert 299 - back - COARSE_STEPS < int(grid.k) <= 299 - back
    assert not restore_before(grid_at(299, 299), history, 199)


def test_cleared_checkpoints_are_not_found():
    history = emptied()
    for k in range(30):
        save(history, grid_at(k, k))
    clear_checkpoints(history)
    assert not restore_before(grid_at(30, 30), history, 30)
