"""Persistent disagreement: a step of the ground is accepted soon, false ranges are not."""

import numpy as np
import pytest

from fsw.executive.state import PARAMS
from fsw.filter.range_gate import RANGE_TRUST
from fsw.guidance.altitude_bounds import (
    HYPOTHESES,
    bound_by_candidate,
    drop_unaffordable_alternate,
    update_altitude_bounds,
)
from fsw.interface.messages import OUTBOX
from fsw.interface.verdicts import RangeVerdict
from fsw.navigation.estimate import ESTIMATE
from fsw.navigation.output_predictor import altitude_m
from tests.fsw.rig import TICK_NS, Filter, fly_filter, stream

TICKS = 1200
FROM_TICK, UNTIL_TICK = 400, 900


def arrivals(change, until=TICKS):
    """Punctual ranges, those measured in the window changed: change(sample, n) is its value."""
    made = {}
    for n, sample in enumerate(stream(TICKS)[1]):
        at = int(sample.t_ns) // TICK_NS
        copy = sample.copy()
        if FROM_TICK <= at < until:
            copy.range_m = change(float(sample.range_m), n)
        made.setdefault(at + 5, []).append(copy)
    return made


def heights(changed, ticks):
    return altitude_m(fly_filter(ticks, changed).nav.current, PARAMS.new())


@pytest.mark.parametrize("step_m", [-800.0, -60.0, 60.0, 400.0, 3000.0])
def test_a_step_of_the_ground_is_accepted_within_two_seconds(step_m):
    plain, stepped = arrivals(lambda r, n: r), arrivals(lambda r, n: r + step_m)
    after = FROM_TICK + 200
    assert heights(stepped, after) - heights(plain, after) == pytest.approx(step_m, abs=12.0)
    trust = fly_filter(after, stepped).nav.grid.trust
    assert trust.promotions == 1
    assert trust.alternate_since_ns > 0


def test_the_former_ground_is_kept_as_the_alternate():
    rig = fly_filter(FROM_TICK + 200, arrivals(lambda r, n: r + 400.0))
    trust, terrain = rig.nav.grid.trust, float(rig.nav.grid.nominal.terrain_m)
    assert float(trust.alternate_terrain_m) - terrain == pytest.approx(400.0, abs=12.0)


def test_a_bias_that_ends_leaves_no_trace_and_no_alternate():
    biased = arrivals(lambda r, n: r - 150.0, until=UNTIL_TICK)
    rig = fly_filter(UNTIL_TICK + 250, biased)
    assert heights(biased, UNTIL_TICK + 250) == pytest.approx(
        heights(arrivals(lambda r, n: r), UNTIL_TICK + 250), abs=12.0
    )
    assert rig.nav.grid.trust.alternate_since_ns == -1
    age_s = (rig.nav.current.t_ns - rig.nav.grid.trust.last_fused_t_ns) * 1e-9
    assert age_s < 1.0


def test_a_stuck_value_is_stale_and_never_promoted():
    held = {}
    rig = fly_filter(TICKS, arrivals(lambda r, n: held.setdefault("r", r)))
    assert rig.nav.grid.trust.promotions == 0
    counts = dict(zip(RangeVerdict.labels(), map(int, rig.nav.intake.verdicts), strict=True))
    assert counts["stale_repeat"] > 100


def test_false_short_returns_in_a_third_of_the_samples_are_never_promoted():
    rng = np.random.default_rng(1)
    short = rng.uniform(size=TICKS) < 0.33
    corrupted = arrivals(lambda r, n: r * rng.uniform(0.3, 0.9) if short[n] else r)
    rig = fly_filter(TICKS, corrupted)
    assert rig.nav.grid.trust.promotions == 0
    assert heights(corrupted, TICKS) == pytest.approx(
        heights(arrivals(lambda r, n: r), TICKS), abs=5
    )


def test_an_altitude_below_zero_without_contact_is_invalidated_and_the_ranges_are_fused():
    rig = Filter(radial_error_m=-2700.0)
    imus, ranges = stream(TICKS)
    for n in range(400):
        due = [s for s in ranges if int(s.t_ns) // TICK_NS + 5 == n + 1]
        rig.tick((n + 1) * TICK_NS, imus[n], due)
    assert rig.nav.grid.trust.invalidated >= 1
    last = [s for s in ranges if int(s.t_ns) <= 390 * TICK_NS][-1]
    assert altitude_m(rig.nav.current, rig.params) == pytest.approx(float(last.range_m), abs=60.0)


def test_a_latch_rejects_for_good_once_it_has_closed():
    stepped = arrivals(lambda r, n: r + 400.0, until=UNTIL_TICK)
    rig = Filter()
    rig.params = PARAMS.from_bytes(rig.params.tobytes())
    rig.params.navigation.trust.latch_after_rejects = 3
    rig.params.navigation.trust.candidate_promotion_samples = 1_000_000
    imus, _ = stream(TICKS)
    for n in range(TICKS):
        rig.tick((n + 1) * TICK_NS, imus[n], stepped.get(n + 1, []))
    assert rig.nav.grid.trust.last_fused_t_ns < FROM_TICK * TICK_NS


# --- altitude bounds -----------------------------------------------------------------------


def bounded_by(alternate_m=None, candidate_m=None, samples=10, altitude=1000.0):
    """The estimate with its bounds, given altitudes above alternate and candidate ground."""
    p, trust, estimate = PARAMS.new(), RANGE_TRUST.new(alternate_since_ns=-1), ESTIMATE.new()
    hypotheses = HYPOTHESES.new(dropped_since_ns=-1)
    estimate.altitude_m, estimate.sigma_altitude_m = altitude, 2.0
    if alternate_m is not None:
        trust.alternate_since_ns = 7
        trust.alternate_terrain_m = altitude - alternate_m
        trust.alternate_variance_m2 = 9.0
    if candidate_m is not None:
        trust.candidate_samples = samples
        trust.candidate_terrain_m = altitude - candidate_m
        trust.candidate_variance_m2 = 1.0
    update_altitude_bounds(estimate, hypotheses, p.descent, trust, 0.0, 5.0)
    bound_by_candidate(estimate, p, trust, 0.0, 5.0)
    return estimate, hypotheses, trust, p


def test_the_bound_is_the_lowest_altitude_less_three_sigma_and_latency():
    assert bounded_by()[0].altitude_lo_m == pytest.approx(1000.0 - 6.0 - 5.0)
    assert bounded_by(alternate_m=400.0)[0].altitude_lo_m == pytest.approx(400.0 - 9.0 - 5.0)
    assert bounded_by(alternate_m=3000.0)[0].altitude_lo_m == pytest.approx(989.0)
    assert bounded_by(alternate_m=3000.0)[0].altitude_hi_m == pytest.approx(3000.0)
    assert bounded_by(candidate_m=200.0)[0].altitude_lo_m == pytest.approx(200.0 - 3.0 - 5.0)


def test_a_candidate_with_few_samples_does_not_bound_the_altitude_yet():
    assert bounded_by(candidate_m=200.0, samples=3)[0].altitude_lo_m == pytest.approx(989.0)


@pytest.mark.parametrize(("mass_kg", "kept"), [(420.0, True), (345.0, False)])
def test_an_alternate_is_dropped_when_the_primary_ground_gets_out_of_reach(mass_kg, kept):
    estimate, hypotheses, trust, p = bounded_by(alternate_m=2000.0, altitude=5000.0)
    outbox = OUTBOX.new()
    estimate.mass_kg = mass_kg
    drop_unaffordable_alternate(hypotheses, p, estimate, trust, outbox)
    assert (hypotheses.dropped_since_ns != trust.alternate_since_ns) == kept
    assert outbox.n_events == (0 if kept else 1)
