"""The nominal descent over 200 seeds: every one lands, and the filter knows how well it knows.

NEES and NIS are averaged over the runs at each second of flight. For a consistent filter the
mean of N runs, times N, is chi-squared with N times the dimension degrees of freedom
(Bar-Shalom, Li and Kirubarajan, Estimation with Applications, section 5.4).
"""

import math

import numpy as np
import pytest

from sim.run.fly import evaluate_run, new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load

SEEDS = range(200)
FEWEST_RUNS = 20
TICK_NS = 10_000_000
GRID_NS = 100_000_000
SECOND_NS = 1_000_000_000
Z_999 = 3.2905
"""Two-sided 99.9 % quantile of the normal distribution."""


def chi2_band(degrees):
    """99.9 % band of a chi-squared variable over its degrees of freedom (Wilson-Hilferty)."""
    a = 2.0 / (9.0 * degrees)
    return tuple((1.0 - a + side * Z_999 * math.sqrt(a)) ** 3 for side in (-1, 1))


def attitude_error(q_true, q_estimated):
    """Rotation vector, in inertial components, from the estimated to the true attitude."""
    w, v = q_estimated[0], -q_estimated[1:]
    scalar = q_true[0] * w - q_true[1:] @ v
    vector = q_true[0] * v + w * q_true[1:] + np.cross(q_true[1:], v)
    return 2.0 * vector * np.sign(scalar)


def nees(run, truth):
    """Squared error of position, velocity and attitude over its covariance, nine degrees."""
    grid = run.state.core.navigation.grid
    error = np.concatenate(
        [
            truth.r_BM_I_m - grid.nominal.r_BM_I_m,
            truth.v_BM_I_mps - grid.nominal.v_BM_I_mps,
            attitude_error(truth.q_IB, grid.nominal.q_IB),
        ]
    )
    return error @ np.linalg.solve(grid.P[:9, :9], error)


def fly_and_sample(scenario, seed):
    """One run: its result, and (second, NEES, NIS or nan) at every second before contact.

    Truth is kept one grid step before each second, where the grid will stand a tick after it.
    """
    run = new_run(scenario, seed)
    rows = as_rows(run)
    samples = []
    scored_ns = -1
    going = True
    while going:
        at_ns = (len(samples) + 1) * SECOND_NS - GRID_NS
        going = fly_ticks(rows, int(at_ns - run.world.t_ns) // TICK_NS)
        truth = run.world.truth.copy()
        going = going and fly_ticks(rows, GRID_NS // TICK_NS + 1)
        if not going or run.world.touchdown.first_t_ns >= 0:
            break
        trust = run.state.core.navigation.grid.trust
        assert run.state.core.navigation.grid.nominal.t_ns == at_ns
        nis = math.nan
        if trust.last_fused_t_ns > scored_ns:
            scored_ns = int(trust.last_fused_t_ns)
            nis = float(trust.last_nis)
        samples.append((nees(run, truth), nis))
    while going:
        going = fly_ticks(rows, 1000)
    return evaluate_run(scenario, seed, run), samples


@pytest.fixture(scope="module")
def flown():
    scenario = load("nominal")
    return [fly_and_sample(scenario, seed) for seed in SEEDS]


def share_in_band(flown, column, dimension):
    """Share of the seconds whose mean over the runs lies in its band."""
    longest = max(len(samples) for _, samples in flown)
    inside = []
    for second in range(longest):
        values = [s[second][column] for _, s in flown if second < len(s)]
        values = [value for value in values if not math.isnan(value)]
        if len(values) >= FEWEST_RUNS:
            low, high = chi2_band(len(values) * dimension)
            inside.append(low <= np.mean(values) / dimension <= high)
    return np.mean(inside), len(inside)


def test_every_seed_lands_inside_the_limits_with_propellant_left(flown):
    ends = {result.seed: result.verdict for result, _ in flown}
    assert {seed: end for seed, end in ends.items() if end != "landed"} == {}
    assert min(result.propellant_left_kg for result, _ in flown) > 0.0


def test_nees_stays_in_its_band(flown):
    share, seconds = share_in_band(flown, 0, 9)
    assert seconds > 700
    assert share >= 0.95


def test_nis_stays_in_its_band(flown):
    share, seconds = share_in_band(flown, 1, 1)
    assert seconds > 70
    assert share >= 0.95


def test_first_ranges_are_fused_near_three_kilometres(flown):
    heights = [result.first_fused_alt_m for result, _ in flown]
    assert 2500.0 < min(heights) and max(heights) < 4500.0
