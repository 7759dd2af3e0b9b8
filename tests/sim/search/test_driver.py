"""A search finds what fails, hands over the least of it, and flies nothing once it is over."""

import itertools
import tomllib
from dataclasses import replace

import pytest
from hypothesis import example, given, settings

from sim.common.errors import InputError
from sim.faults.envelope import read_envelope
from sim.faults.table import KINDS, FaultGroup
from sim.run.fly import fly
from sim.run.warm_start import Checkpoints
from sim.scenario.load import SCENARIOS, load
from sim.search import driver as search
from sim.search.counterexample import counterexample_of, row_words
from sim.search.driver import RANGE_KINDS, Trials, begin_hunt, hunt_round, is_failure
from sim.search.minimize import later, least, weaker_case, weaker_row
from tests.searching import flights
from tests.strategies import Case, cases

DOCUMENT = tomllib.loads((SCENARIOS / "nominal.toml").read_text())
IN_PROCESS = tuple(name for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE)


class Flag:
    def __init__(self):
        self.raised = False

    def is_set(self):
        return self.raised

    def set(self):
        self.raised = True


def hunt(params="as-flown", kinds=("delayed",), seed=0, elapsed=lambda: 0.0, anywhere=True):
    return begin_hunt(
        "nominal",
        params=params,
        kinds=kinds,
        anywhere=anywhere,
        seed=seed,
        budget_s=60.0,
        elapsed=elapsed,
        stop=Flag(),
    )


def one(kind, **values):
    return Case(0, [{"kind": kind, **values}])


# --- flying from checkpoints -----------------------------------------------------------------

checkpoints = Checkpoints()


def below(height_m):
    return one("delayed", delay_s=3.0, from_altitude_m=height_m)


@settings(max_examples=flights(6))
@example(below(500.0))
@example(one("late_acquisition", until_altitude_m=400.0))
@example(one("stuck", mode="terminal"))
@example(Case(0, [{"kind": "drop", "probability": 0.3}, *below(90.0).faults]))
@given(cases(kinds=IN_PROCESS, seed_max=1, disturbed=False))
def test_a_run_from_a_checkpoint_ends_with_the_bytes_of_one_from_the_start(case):
    scenario = case.scenario(DOCUMENT)
    one, other = checkpoints.fly(scenario, case.seed), fly(scenario, case.seed)
    assert [bytes(event) for event in one.event_records] == [
        bytes(event) for event in other.event_records
    ]
    assert replace(one, event_records=[]) == replace(other, event_records=[])


def test_wire_faults_are_refused_from_a_checkpoint_too():
    case = one("wire_flip", probability=0.5)
    with pytest.raises(InputError, match="needs a wire"):
        checkpoints.fly(case.scenario(DOCUMENT), 0)


# --- what counts as a failure ------------------------------------------------------------------


def result_of(params, *rows):
    return fly(Case(0, list(rows)).scenario(DOCUMENT, params), 0)


def test_a_landing_is_no_failure_and_a_crash_that_could_be_survived_is():
    late = {"kind": "late_acquisition", "until_altitude_m": 893.0}
    assert not is_failure(result_of("default", late))
    assert is_failure(result_of("as-flown", {"kind": "delayed", "delay_s": 4.0}))


def test_a_loss_that_is_certified_is_no_failure():
    dead = result_of("default", {"kind": "engine_out", "from_altitude_m": 900.0})
    assert dead.verdict == "crashed" and not is_failure(dead)


@pytest.mark.parametrize("name", ["commands", "finite", "silence"])
def test_a_landing_that_breaks_what_no_fault_excuses_is_a_failure(name):
    result = result_of("default")
    assert not is_failure(result)
    assert is_failure(replace(result, margins={**result.margins, name: -0.1}))


def test_a_landing_below_the_stopping_curve_is_no_failure():
    result = result_of("default")
    assert not is_failure(replace(result, margins={**result.margins, "stopping": -0.1}))


# --- a round ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found():
    """A hunt, and the row of its first round."""
    ours = hunt()
    return ours, hunt_round(ours, 0)


def test_a_filter_on_arrival_times_is_found_with_one_delay_that_a_fifth_less_would_save(found):
    ours, row = found
    found = counterexample_of(ours, row["failure"])
    assert [fault["kind"] for fault in found.case.faults] == ["delayed"]
    assert found.result.verdict != "landed" and row["worst"] < 0.0
    assert found.weaker["delay_s"] == pytest.approx(0.8 * found.case.faults[0]["delay_s"])
    weaker = Case(found.case.seed, [found.weaker])
    assert fly(weaker.scenario(DOCUMENT, "as-flown"), weaker.seed).verdict == "landed"


def test_what_is_found_is_a_scenario_that_flies_alike(found, tmp_path):
    ours, row = found
    found = counterexample_of(ours, row["failure"])
    path = found.write(tmp_path)
    scenario = load(str(path))
    again = fly(scenario, scenario.seed)
    assert scenario.params_name == "as-flown" and scenario.doc == found.sentence
    assert again.state_sha256 == found.result.state_sha256
    assert found.write(tmp_path) != path


def test_the_sentence_tells_what_it_does_how_it_ended_and_what_would_save_it(found):
    ours, row = found
    sentence = counterexample_of(ours, row["failure"]).sentence
    for words in ("parameters as-flown", "delayed", "m/s down", "it lands", "delay_s = "):
        assert words in sentence


def test_a_round_is_the_same_for_the_same_seed_and_index(monkeypatch):
    monkeypatch.setattr(search, "ROUND_CASES", 12)
    rows = [hunt_round(hunt(kinds=("delayed", "stale"), seed=3), 5) for _ in range(2)]
    assert rows[0] == rows[1]


def test_a_hunt_that_is_over_flies_nothing():
    late, stopped = hunt(elapsed=lambda: 61.0), hunt()
    stopped.stop.set()
    for ours in (late, stopped):
        assert hunt_round(ours, 0)["runs"] == 0
        assert not Trials(ours, Checkpoints()).fails(one("delayed", delay_s=4.0))


def test_what_has_failed_goes_on_failing_when_time_is_up():
    ours = hunt()
    trials = Trials(ours, Checkpoints())
    case = one("delayed", delay_s=4.0)
    assert trials.fails(case)
    ours.stop.set()
    assert trials.fails(case)


def test_a_search_whose_time_is_up_while_it_shrinks_has_the_last_that_failed():
    ticks = itertools.count()
    ours = hunt(elapsed=lambda: 0.5 * next(ticks))  # over after 120 looks at the clock
    row = hunt_round(ours, 0)
    case = Case(row["failure"]["seed"], row["failure"]["faults"])
    again = fly(case.scenario(DOCUMENT, "as-flown"), case.seed)
    assert row["runs"] <= 60 and is_failure(again)


def test_a_scenario_that_ends_badly_by_itself_is_refused():
    with pytest.raises(InputError, match="nothing added"):
        begin_hunt(
            "resilience-m2",
            params="as-flown",
            kinds=None,
            anywhere=False,
            seed=0,
            budget_s=60.0,
            elapsed=lambda: 0.0,
            stop=Flag(),
        )


def test_anywhere_the_rangefinders_timing_and_values_are_searched_three_at_once():
    assert {"delayed", "off:range", "scale"} <= set(RANGE_KINDS)
    assert not {"off:imu", "pause", "engine_out"} & set(RANGE_KINDS)
    ours = hunt(kinds=None)
    assert (ours.kinds, ours.most, ours.limits) == (RANGE_KINDS, 3, None)


def test_single_faults_of_the_envelope_are_searched_unless_told_otherwise():
    ours, inside = hunt(kinds=None, anywhere=False), read_envelope().inside
    assert (ours.kinds, ours.most, ours.limits) == (tuple(inside), 1, inside)
    assert hunt(kinds=("scale",), anywhere=False).kinds == ("scale",)


# --- making it smaller ----------------------------------------------------------------------------


def fails_above(limit):
    return lambda case: any(row.get("delay_s", 0.0) > limit for row in case.faults)


def test_what_nothing_depends_on_goes_and_the_last_fifth_decides():
    case = Case(0, [{"kind": "stuck"}, {"kind": "delayed", "delay_s": 8.0}, {"kind": "drop"}])
    small = least(case, fails_above(1.3), 0.0, 700.0)
    assert [row["kind"] for row in small.faults] == ["delayed"]
    assert 1.3 < small.faults[0]["delay_s"] <= 1.3 / 0.8
    assert not fails_above(1.3)(weaker_case(small, 0))


def test_a_fault_without_a_size_gets_a_time_that_begins_late_and_ends_early():
    def fails(case):
        (row,) = case.faults
        open_at_600 = row.get("start_s", 0.0) <= 600.0 < row.get("end_s", 1e6)
        return open_at_600 and ("mode" not in row)

    (row,) = least(one("off"), fails, 10.0, 700.0).faults
    assert 500.0 < row["start_s"] <= 600.0 < row["end_s"] < 650.0


def test_a_fault_that_depends_on_its_mode_keeps_it():
    (row,) = least(one("off", mode="descent"), lambda c: "mode" in c.faults[0], 0.0, 700.0).faults
    assert row["mode"] == "descent"


def test_beginning_later_ends_where_nothing_is_left():
    (row,) = later(one("off", start_s=0.0, end_s=700.0), lambda case: True).faults
    assert row["start_s"] <= row["end_s"] == 700.0


@pytest.mark.parametrize(
    ("row", "weaker"),
    [
        ({"kind": "off", "start_s": 100.0, "end_s": 200.0}, {"end_s": 180.0}),
        (
            {"kind": "off", "from_altitude_m": 1000.0, "until_altitude_m": 500.0},
            {"until_altitude_m": 600.0},
        ),
        ({"kind": "early_loss", "from_altitude_m": 1000.0}, {"from_altitude_m": 800.0}),
        ({"kind": "late_acquisition", "until_altitude_m": 80.0}, {"until_altitude_m": 100.0}),
        ({"kind": "scale", "scale": 2.0, "start_s": 1.0}, {"scale": 1.8}),
    ],
)
def test_a_fifth_less_is_less_of_its_size_or_of_its_window(row, weaker):
    assert weaker_row(row) == {**row, **weaker}


def test_a_fault_of_no_size_and_no_window_has_nothing_to_weaken():
    assert weaker_row({"kind": "stuck"}) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"kind": "delayed", "delay_s": 2.0}, "delay_s = 2 throughout"),
        ({"kind": "off", "sensor": "imu", "mode": "descent"}, "of imu (sends nothing) in descent"),
        ({"kind": "off", "start_s": 5.0, "end_s": 7.5}, "for 2.5 s from 5 s on"),
        (
            {"kind": "off", "from_altitude_m": 900.0, "until_altitude_m": 30.0},
            "below 900 m above 30 m",
        ),
    ],
)
def test_a_row_is_told_in_words(row, words):
    assert words in row_words(row)
