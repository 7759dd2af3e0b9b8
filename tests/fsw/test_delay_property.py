"""A late range equals a punctual one: the property that the grid exists for."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fsw.interface.verdicts import RangeVerdict
from tests.fsw.rig import TICK_NS, Filter, fly_filter, stream

TICKS = 1300
LAST_RANGE_TICK = 300
# a delay of just under 8 s still has to arrive, and be caught up with, before the end
MAX_DELAY_TICKS = 799
# and no instrument answers at once: stamps younger than 15 ms are those of a faulty clock
MIN_DELAY_TICKS = 2


def samples():
    return [s for s in stream(TICKS)[1] if s.t_ns <= LAST_RANGE_TICK * TICK_NS]


def punctual():
    return {int(s.t_ns) // TICK_NS + 5: [s] for s in samples()}


def delayed(delays, copies):
    arrivals = {}
    for sample, delay, copy in zip(samples(), delays, copies, strict=True):
        for extra in range(copy):
            at = int(sample.t_ns) // TICK_NS + min(delay + 37 * extra, MAX_DELAY_TICKS)
            arrivals.setdefault(at, []).append(sample)
    return arrivals


COUNT = len(samples())
any_delays = st.lists(st.integers(MIN_DELAY_TICKS, MAX_DELAY_TICKS), min_size=COUNT, max_size=COUNT)
any_copies = st.lists(st.sampled_from([1, 1, 1, 2, 3]), min_size=COUNT, max_size=COUNT)


@settings(max_examples=25)
@given(delays=any_delays, copies=any_copies)
def test_any_delay_order_and_duplication_ends_with_the_same_bytes(delays, copies):
    late = fly_filter(TICKS, delayed(delays, copies))
    reference = fly_filter(TICKS, punctual())
    assert late.estimate() == reference.estimate()


@settings(max_examples=10)
@given(
    delay=st.integers(20, 700),
    outliers=st.sets(st.integers(0, COUNT - 1), max_size=12),
    burst=st.booleans(),
)
def test_outliers_and_bursts_are_judged_alike_late_or_not(delay, outliers, burst):
    def spoilt(arrivals):
        made = {}
        for at, group in arrivals.items():
            for sample in group:
                copy = sample.copy()
                if int(copy.seq) in outliers:
                    copy.range_m = float(copy.range_m) - 400.0
                made.setdefault(at, []).append(copy)
        return made

    def late_at(sample):
        return 700 if burst else int(sample.t_ns) // TICK_NS + delay

    late = {}
    for sample in samples():
        late.setdefault(late_at(sample), []).append(sample)
    assert (
        fly_filter(TICKS, spoilt(late)).estimate()
        == fly_filter(TICKS, spoilt(punctual())).estimate()
    )


def test_the_ranges_matter_to_the_bytes_compared():
    arrivals = punctual()
    without_one = {at: group for at, group in arrivals.items() if at != max(arrivals)}
    with_all, with_fewer = fly_filter(TICKS, arrivals), fly_filter(TICKS, without_one)
    assert with_all.estimate() != with_fewer.estimate()
    assert with_all.nav.grid.trust.locked == 1
    assert abs(with_all.nav.grid.trust.last_innovation_m) < 20.0


def test_the_old_head_flies_on_while_the_grid_catches_up():
    late = {690: samples()}
    imus, _ = stream(TICKS)
    rig = Filter()
    replayed = 0
    waiting = []
    for n in range(860):
        waiting += late.get(n + 1, [])
        rig.tick((n + 1) * TICK_NS, imus[n], waiting[:8])
        waiting = waiting[8:]
        replayed += int(rig.nav.replaying)
        assert rig.nav.current.t_ns == (n + 1) * TICK_NS
    steps_per_tick = int(rig.params.navigation.replay_grid_steps_per_tick)
    # the burst takes 8 ticks to arrive, and what came after the first waits for another replay
    assert 60 // steps_per_tick <= replayed <= 150 // steps_per_tick
    assert rig.nav.replaying == 0


def test_every_sample_has_exactly_one_verdict():
    rig = fly_filter(TICKS, delayed([300] * COUNT, [2] * COUNT))
    counts = rig.nav.intake.verdicts
    names = dict(zip(RangeVerdict.labels(), (int(c) for c in counts), strict=True))
    assert sum(names.values()) == 2 * COUNT
    assert names["duplicate"] == COUNT
    assert names["pending"] == 0
    assert names["fused_late"] > 0.9 * COUNT


def test_a_range_beyond_the_reach_is_refused_and_counted():
    old = samples()[0]
    rig = fly_filter(TICKS, {int(old.t_ns) // TICK_NS + 801: [old]})
    assert int(rig.nav.intake.verdicts[RangeVerdict.TOO_OLD]) == 1
    assert rig.estimate() == fly_filter(TICKS, {}).estimate()
