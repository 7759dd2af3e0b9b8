"""Survivability of a run: moments kept, truthful ranges, bound, perfect knowledge, attribution."""

from dataclasses import replace

import pytest

from sim.evaluation.survivability_bound import heights_to_stop
from sim.run.fly import fly
from sim.run.survivability import (
    evaluate_survivability,
    fault_names,
    loss,
    with_perfect_knowledge,
)
from sim.scenario.load import load

SEED = 5


def with_faults(*rows, extra=()):
    """The nominal scenario with these rows of faults."""
    keys = [
        (f"faults.{number}.{key}", value if isinstance(value, str) else repr(value))
        for number, row in enumerate(rows)
        for key, value in row.items()
    ]
    return load("nominal", [*keys, *extra])


@pytest.fixture(scope="module")
def flown():
    """Results by the rows of their faults, each flown once."""
    results = {}

    def flight(*rows):
        key = repr(rows)
        if key not in results:
            results[key] = fly(with_faults(*rows), SEED)
        return results[key]

    return flight


# --- what is kept of a run ---------------------------------------------------------------


def test_without_faults_the_onset_is_the_start_and_the_first_range_is_truthful(flown):
    result = flown()
    assert result.onset.t_s < 0.1 and result.onset.v_horizontal_mps > 1600.0
    assert 3000.0 < result.first_truthful.height_m < 4000.0
    assert result.first_truthful.mode == "approach"


def test_the_onset_is_where_the_window_opens(flown):
    result = flown({"kind": "off", "from_altitude_m": 1000, "until_altitude_m": 500})
    assert result.onset.height_m == pytest.approx(1000.0, abs=60.0)  # the ground rolls
    assert result.onset.mode == "descent"
    assert result.first_truthful.height_m == pytest.approx(500.0, abs=60.0)


def test_late_acquisition_is_truthful_late_and_for_less_time(flown):
    late = flown({"kind": "late_acquisition", "until_altitude_m": 900})
    assert late.first_truthful.height_m == pytest.approx(900.0, abs=60.0)
    assert late.truthful_s < flown().truthful_s - 10.0


def test_the_time_of_truthful_ranges_is_that_above_300_m(flown):
    result = flown({"kind": "early_loss", "from_altitude_m": 300})
    assert result.truthful_s == pytest.approx(flown().truthful_s, abs=0.5)


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "stuck"},
        {"kind": "wrong", "offset_m": 100},
        {"kind": "zero_valid"},
        {"kind": "false_invalid"},
        {"kind": "scale", "scale": 1.5},
        {"kind": "off"},
    ],
    ids=lambda row: row["kind"],
)
def test_a_false_range_is_not_truthful(flown, row):
    result = flown({**row, "end_s": 1000})
    assert result.first_truthful is None
    assert result.truthful_s < 1.0


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "delayed", "delay_s": 2},
        {"kind": "reorder", "probability": 0.5, "delay_s": 1},
        {"kind": "stamp_offset", "stamp_offset_s": 3},
        {"kind": "duplicate", "probability": 1, "delay_s": 1},
    ],
    ids=lambda row: row["kind"],
)
def test_a_late_or_wrongly_stamped_range_is_truthful_and_counted_once(flown, row):
    assert flown(row).truthful_s == pytest.approx(flown().truthful_s, rel=0.25)


def test_a_late_and_wrongly_stamped_range_is_not_truthful(flown):
    delayed = {"kind": "delayed", "delay_s": 2}
    assert flown({"kind": "stamp_offset", "stamp_offset_s": 3}, delayed).first_truthful is None


# --- evaluation ---------------------------------------------------------------------------


def test_a_run_that_landed_was_survivable(flown):
    outcome = evaluate_survivability(with_faults(), flown())
    assert (outcome.survivable, outcome.how, outcome.why, outcome.loss) == (
        True,
        "landing",
        None,
        None,
    )


def test_an_engine_lost_for_good_above_the_ground_is_excluded_by_the_bound(flown):
    row = {"kind": "engine_out", "from_altitude_m": 900}
    outcome = evaluate_survivability(with_faults(row), flown(row))
    assert flown(row).verdict == "crashed"
    assert (outcome.survivable, outcome.how, outcome.loss) == (False, "bound", None)
    assert "ground" in outcome.why or "propellant" in outcome.why


def test_an_engine_that_comes_back_counts_with_all_of_its_thrust(flown):
    row = {"kind": "engine_out", "start_s": 700, "end_s": 700.5}
    assert flown(row).onset.thrust_N == flown().onset.thrust_N


def test_half_an_engine_lost_leaves_half_of_the_thrust(flown):
    row = {"kind": "engine_lost", "lost_share": 0.5, "from_altitude_m": 100}
    assert flown(row).onset.thrust_N == pytest.approx(0.5 * flown().onset.thrust_N)


def lost(result, **changes):
    """The result of a flight that landed, as if it had crashed."""
    return replace(result, verdict="crashed", **changes)


def test_a_loss_that_perfect_knowledge_lands_is_one_of_navigation(flown):
    row = {"kind": "delayed", "delay_s": 1}
    outcome = evaluate_survivability(with_faults(row), lost(flown(row)))
    assert (outcome.survivable, outcome.how, outcome.loss) == (True, "landing", "navigation")


def test_a_loss_without_evidence_is_open_and_counts_as_survivable():
    scenario = load("nominal", [("start.propellant_kg", "275")])  # too little for this guidance
    result = fly(scenario, SEED)
    assert result.verdict != "landed"
    outcome = evaluate_survivability(scenario, result)
    assert (outcome.survivable, outcome.how) == (True, "open")


def test_between_bound_and_flight_a_loss_is_open(flown):
    """A height that full thrust at once can just stop from, and no real engine can."""
    moment = replace(flown().first_truthful, height_m=0.0)
    least = heights_to_stop(moment).least_m
    beyond, within = (replace(moment, height_m=least * share) for share in (0.995, 1.005))
    scenario = load("nominal", [("start.propellant_kg", "275")])
    result = fly(scenario, SEED)
    assert evaluate_survivability(scenario, lost(result, onset=beyond)).how == "bound"
    assert evaluate_survivability(scenario, lost(result, onset=within)).how == "open"


def test_too_fast_at_the_first_truth_is_hedging_and_in_time_is_navigation(flown):
    row = {"kind": "late_acquisition", "until_altitude_m": 900}
    scenario, result = with_faults(row), flown(row)
    assert loss(scenario, lost(result)) == "navigation"
    fast = replace(result.first_truthful, v_down_mps=120.0)
    assert loss(scenario, lost(result, first_truthful=fast)) == "hedging"
    dry = replace(result.first_truthful, propellant_kg=0.5, height_m=3000.0)
    assert loss(scenario, lost(result, first_truthful=dry)) == "hedging"


def test_what_no_range_could_have_helped_is_neither(flown):
    silent = {"kind": "off"}
    assert loss(with_faults(silent), lost(flown(silent))) == "other"
    engine = {"kind": "thrust_lag", "lag_s": 0.1}
    assert loss(with_faults(engine), lost(flown(engine))) == "other"


def test_perfect_knowledge_keeps_actuator_faults_and_ground_and_removes_range_faults():
    rows = (
        {"kind": "wrong", "offset_m": 100},
        {"kind": "engine_lost", "lost_share": 0.1, "from_altitude_m": 50},
        {"kind": "imu_bias", "accel_offset_mps2": 0.1},
        {"kind": "missed_ticks", "ticks": 3},
        {"kind": "contact_missing"},
    )
    extra = [("terrain.step_m", "500"), ("sensors.range.loss_db", "20")]
    scenario = with_faults(*rows, extra=extra)
    perfect = with_perfect_knowledge(scenario)
    assert fault_names(perfect) == ["engine_lost", "missed_ticks"]
    assert float(perfect.world.board.faults[0].lost_share) == 0.1
    assert perfect.world.terrain == scenario.world.terrain
    assert perfect.world.dispersions == scenario.world.dispersions
    assert perfect.world.board.sensors.range.loss_db == 0.0
    assert fault_names(scenario) == [row["kind"] for row in rows]  # left as it was
