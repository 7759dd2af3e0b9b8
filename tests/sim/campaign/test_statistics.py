"""Statistics of rows: intervals, counts, losses, and the cells without a run."""

import math

import pytest

from sim.campaign.coverage import cells_of, coverage, height_band, possible_cells
from sim.campaign.sampling import make_plan
from sim.campaign.spec import read_spec
from sim.campaign.statistics import summary, tally, tally_by_block, tally_by_kind, wilson
from sim.faults.table import KINDS
from sim.scenario.load import HOME


def row(verdict="landed", how="landing", loss=None, **changes):
    blank = {
        "index": 0,
        "kind": "delayed",
        "block": "range",
        "verdict": verdict,
        "how": how,
        "survivable": how != "bound",
        "loss": loss,
        "time_s": 700.0,
        "onset_phase": "descent",
        "onset_alt_m": 1000.0,
        "size": 0.5,
    }
    return {**blank, **changes}


# --- Wilson's interval --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_s_interval_is_as_published(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=6e-5)


def test_wilson_s_interval_is_symmetric_and_whole_without_trials():
    low, high = wilson(3, 40)
    assert wilson(37, 40) == pytest.approx((1.0 - high, 1.0 - low))
    assert wilson(40, 40)[1] == 1.0 and wilson(0, 0) == (0.0, 1.0)


# --- tallies ------------------------------------------------------------------------------

ROWS = [
    row(),
    row("hard_landing", "open", "navigation"),
    row("crashed", "bound"),
    row("crashed", "landing", "hedging"),
    row(kind="off", block="blind"),
    row("crashed", "landing", "other", kind="delayed+off", block="range-pairs"),
]


def test_only_landed_is_landed_and_only_the_bound_takes_out_of_the_count():
    t = tally(ROWS[:4])
    assert t.verdicts == {"landed": 1, "hard_landing": 1, "crashed": 2}
    assert (t.n, t.survivable, t.landed_of_survivable, t.open) == (4, 3, 1, 1)
    assert t.share_landed_of_survivable == pytest.approx(1 / 3)
    assert t.losses == {"hedging": 1, "navigation": 1, "other": 0}


def test_nothing_survivable_has_no_share():
    t = tally([row("crashed", "bound")])
    assert math.isnan(t.share_landed_of_survivable) and t.interval_95 == (0.0, 1.0)


def test_kinds_are_counted_alone_and_blocks_with_their_pairs():
    assert {name: t.n for name, t in tally_by_kind(ROWS).items()} == {"delayed": 4, "off": 1}
    blocks = {name: t.n for name, t in tally_by_block(ROWS).items()}
    assert blocks == {"blind": 1, "range": 4, "range-pairs": 1}


def test_the_range_block_stands_at_the_top_of_the_summary():
    figures = summary(ROWS)
    assert figures["n"] == 6 and figures["verdicts"]["crashed"] == 3
    assert figures["landed_of_survivable"] == 1 and figures["survivable"] == 3
    assert figures["blocks"]["range-pairs"]["landed_of_survivable"] == 0
    assert figures["flight_s"] == 6 * 700.0


def test_open_cases_are_listed():
    assert summary([row(), row("crashed", "open", "other", index=17)])["open"] == [17]


# --- coverage -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spec():
    return read_spec(HOME / "campaigns" / "faults.toml")


def test_a_run_visits_every_pair_of_its_four_values():
    assert cells_of(row()) == [
        ("kind", "phase", "delayed", "descent"),
        ("kind", "magnitude", "delayed", "middle"),
        ("kind", "onset", "delayed", "300 m to 1.5 km"),
        ("phase", "magnitude", "descent", "middle"),
        ("phase", "onset", "descent", "300 m to 1.5 km"),
        ("magnitude", "onset", "middle", "300 m to 1.5 km"),
    ]


@pytest.mark.parametrize(
    ("size", "third"),
    [(0.0, "low"), (0.33, "low"), (0.34, "middle"), (0.67, "high"), (1.0, "high")],
)
def test_magnitudes_fall_into_thirds_of_what_the_spec_allows(size, third):
    assert ("kind", "magnitude", "delayed", third) in cells_of(row(size=size))


def test_a_run_without_magnitude_or_onset_visits_less():
    assert len(cells_of(row(size=None))) == 3
    assert cells_of(row(size=None, onset_phase=None, onset_alt_m=None)) == []


def test_a_pair_visits_the_cell_of_its_kinds():
    assert cells_of(row(kind="off+delayed")) == [("kind", "kind", "delayed", "off")]


def test_bands_begin_at_their_lower_edge():
    heights = (9000.0, 5000.0, 4999.0, 1500.0, 300.0, 299.0)
    bands = [height_band(h) for h in heights]
    assert bands == [
        "above 5 km",
        "above 5 km",
        "1.5 to 5 km",
        "1.5 to 5 km",
        "300 m to 1.5 km",
        "below 300 m",
    ]


def test_visited_and_unvisited_are_all_cells_that_can_be(spec):
    covered = coverage(spec, [row(), row(kind="delayed+off")])
    assert len(covered["cells"]) == 7
    assert all(cell["runs"] == 1 for cell in covered["cells"])
    total = len(possible_cells(spec))
    assert len(covered["cells"]) + len(covered["unvisited"]) == total
    missing = {"dimensions": "kind x phase", "first": "stuck", "second": "descent"}
    assert missing in covered["unvisited"]


def test_every_pair_that_may_be_drawn_is_a_cell(spec):
    plan = make_plan(spec, runs=300)
    cells = set(possible_cells(spec))
    pairs = [draw for draw in map(plan.draw, range(300)) if len(draw.faults) == 2]
    for draw in pairs:
        labels = sorted(fault.template.label for fault in draw.faults)
        assert ("kind", "kind", *labels) in cells
    assert len(pairs) > 50


def test_a_kind_that_holds_from_the_start_is_not_missed_elsewhere(spec):
    held = [kind for kind in KINDS if not KINDS[kind].begins]
    cells = [c for c in possible_cells(spec) if c[:2] == ("kind", "phase") and c[2] in held]
    assert {c[3] for c in cells} == {"standby"}
