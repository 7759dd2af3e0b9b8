"""Landings of the past: history reproduced near its figures, then survived."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from sim.campaign.historical_landings import (
    HISTORY_PAGE,
    Past,
    fly_tracked,
    past_scenarios,
    published_column,
    section,
)
from sim.common.errors import InputError
from sim.evaluation.published_figures import Track, is_figure, measure
from sim.scenario.load import load
from sim.scenario.schema import AS_FLOWN, DEFAULT

PAST = (
    "apollo-14",
    "apollo-15",
    "beresheet",
    "blue-ghost",
    "chandrayaan-2",
    "chandrayaan-3",
    "hakuto-r-m1",
    "hayabusa2",
    "im-1",
    "im-2",
    "ingenuity-6",
    "luna-25",
    "mars-polar-lander",
    "peregrine",
    "resilience-m2",
    "schiaparelli",
    "slim",
    "surveyor-3",
)
# physics forbids a landing, or a descent was rightly not begun
SPARED = {"beresheet", "luna-25", "peregrine"}


def flown(name, params):
    return fly_tracked(load(name, params=params), 0)


def figures(flight, *names):
    return [measure(name, flight.track) for name in names]


def test_the_library_holds_the_landings_of_the_past():
    assert tuple(scenario.name for scenario in past_scenarios()) == PAST


@pytest.mark.parametrize("name", PAST)
def test_with_our_parameters_it_ends_as_its_file_expects(name):
    scenario = load(name, params=DEFAULT)
    assert flown(name, DEFAULT).result.verdict == scenario.expect_verdict
    assert scenario.expect_verdict == "landed" or name in SPARED


@pytest.mark.parametrize("name", PAST)
def test_as_flown_it_ends_as_its_file_expects(name):
    assert flown(name, AS_FLOWN).result.verdict == load(name).expect_as_flown


def test_resilience_as_flown_is_too_fast_when_the_ground_comes_into_view():
    flight = flown("resilience-m2", AS_FLOWN)
    names = ("first_valid_alt_m", "v_first_valid_mps", "v_192m_mps", "v_impact_mps")
    first_m, v_first, v_192, v_impact = figures(flight, *names)
    assert first_m == pytest.approx(893.0, abs=30.0)
    assert v_first == pytest.approx(66.0, abs=6.0)
    assert v_192 == pytest.approx(42.0, abs=8.0)
    assert 25.0 <= v_impact <= 40.0


def test_hakuto_r_as_flown_hovers_kilometres_up_until_it_is_dry():
    flight = flown("hakuto-r-m1", AS_FLOWN)
    names = ("believed_zero_alt_m", "v_hover_mps", "v_impact_mps")
    zero_m, hover, impact = figures(flight, *names)
    assert 4000.0 <= zero_m <= 6000.0
    assert hover == pytest.approx(1.0, abs=0.3)
    assert impact > 100.0
    assert flight.result.propellant_left_kg == 0.0


def test_mars_polar_lander_as_flown_cuts_its_engine_at_40_m():
    (cut_m,) = figures(flown("mars-polar-lander", AS_FLOWN), "engine_cut_alt_m")
    assert cut_m == pytest.approx(40.0, abs=1.0)


def test_every_scenario_of_the_past_gives_its_sources_and_says_what_was_inferred():
    for scenario in past_scenarios():
        assert "# Published" in scenario.text and "http" in scenario.text, scenario.name
        assert "# Inferred" in scenario.text or "# Transplanted" in scenario.text, scenario.name


# --- the table ---------------------------------------------------------------------------


def test_the_committed_table_has_today_s_scenarios_and_published_figures():
    text = HISTORY_PAGE.read_text(encoding="utf-8")
    parts = text.split("\n## ")[1:]
    assert tuple(part.splitlines()[0] for part in parts) == PAST
    for scenario, part in zip(past_scenarios(), parts, strict=True):
        rows = [row.split("|") for row in part.splitlines() if row.startswith("| `")]
        shown = {row[1].split("`")[1]: row[2].strip() for row in rows}
        assert shown == published_column(scenario), scenario.name


def test_a_row_shows_published_as_flown_and_ours_in_that_order():
    then, ours = flown("resilience-m2", AS_FLOWN), flown("peregrine", DEFAULT)
    rows = section(Past(load("resilience-m2"), then, ours)).splitlines()
    assert "| end |  | crashed | not_begun |" in rows
    (impact,) = (row for row in rows if row.startswith("| `v_impact_mps`"))
    cells = [cell.strip() for cell in impact.split("|")[2:5]]
    assert cells[0] == "~32" and 25.0 <= float(cells[1]) <= 40.0 and cells[2] == "-"


def test_a_figure_at_a_height_is_that_of_the_first_passage():
    falling = np.array([300.0, 200.0, 150.0, 250.0, 100.0])
    rates = np.array([10.0, 20.0, 30.0, -5.0, 40.0])
    track = cast(Track, SimpleNamespace(clearance_m=falling, v_down_mps=rates))
    assert measure("v_192m_mps", track) == 30.0
    assert measure("v_50m_mps", track) is None
    assert is_figure("vh_7m_mps") and not is_figure("v_m_mps")


def test_an_unknown_figure_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="unknown figure; did you mean 'v_impact_mps'"):
        load("nominal", [("published.v_inpact_mps", "3.0")])
