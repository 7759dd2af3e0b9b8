"""Strategies reach every kind of fault and the ends of every range, and shrink towards less."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.faults.magnitudes import SPANS, STEPS, main_magnitude
from sim.faults.table import FAULT, KINDS, FaultKind
from sim.scenario.load import SCENARIOS
from tests.searching import simplest, some
from tests.strategies import (
    STARTS,
    Bounds,
    Delivery,
    cases,
    chunks,
    damage,
    deliveries,
    fault_rows,
    fault_tables,
    magnitudes,
    noises,
    windows,
)

NOMINAL_DOCUMENT = tomllib.loads((SCENARIOS / "nominal.toml").read_text())
MAGNITUDES = sorted({m for kind in KINDS.values() for m in kind.magnitudes} & set(FAULT.fields))
SIZED = [name for name in MAGNITUDES if not FAULT.fields[name].codes and name != "legs"]


# --- everything can be drawn ---------------------------------------------------------------


@pytest.mark.parametrize("kind", FaultKind.labels())
def test_every_kind_is_drawn_among_all(kind):
    assert some(fault_rows(), lambda row: row["kind"] == kind)["kind"] == kind


def test_every_magnitude_of_the_fault_table_has_a_span():
    assert sorted(SPANS) == SIZED


@pytest.mark.parametrize("name", SIZED)
def test_both_ends_of_every_magnitude_are_drawn_to_the_bit(name):
    field = FAULT.fields[name]
    for end in (field.lo, field.hi):
        assert some(magnitudes(name), lambda value, end=end: value == end) == end


@pytest.mark.parametrize("kind", FaultKind.labels())
def test_every_magnitude_sensor_and_axis_of_a_kind_is_drawn(kind):
    rows = fault_rows([kind])
    for magnitude in KINDS[kind].magnitudes:
        some(rows, lambda row, m=magnitude: m in row)
    for sensor in KINDS[kind].sensors[1:]:
        some(rows, lambda row, s=sensor: row["sensor"] == s)


@pytest.mark.parametrize("key", ["start_s", "end_s", "from_altitude_m", "until_altitude_m", "mode"])
def test_windows_are_drawn_by_time_by_height_and_by_mode(key):
    some(windows("delayed"), lambda window: key in window)


def test_windows_that_never_close_are_drawn():
    some(windows("delayed"), lambda window: window == {})
    some(windows("delayed"), lambda window: set(window) == {"start_s"})
    some(windows("delayed"), lambda window: set(window) == {"from_altitude_m"})


@pytest.mark.parametrize("count", [1, 2, 3])
def test_single_faults_pairs_and_triples_are_drawn(count):
    some(fault_tables(3), lambda rows: len(rows) == count)


@pytest.mark.parametrize("key", sorted(STARTS))
def test_every_dispersion_is_drawn(key):
    some(cases(), lambda case: key in case.start)


@settings(max_examples=60)
@given(cases())
def test_every_case_is_a_scenario_that_can_be_read(case):
    scenario = case.scenario(NOMINAL_DOCUMENT)
    assert int(scenario.world.board.n_faults) == len(case.faults)


@settings(max_examples=60)
@given(st.data())
def test_narrower_limits_are_kept_to(data):
    delays = Bounds({"delay_s": (0.5, 2.0)}, longest_s=5.0)
    limits = {"delayed": delays, "scale": Bounds({"scale": (0.9, 1.2)}, below_m=900.0)}
    row = data.draw(fault_rows(sorted(limits), limits=limits))
    for name, (lo, hi) in limits[row["kind"]].magnitudes.items():
        assert lo <= row[name] <= hi
    assert "probability" not in row
    if row["kind"] == "delayed":
        assert 0.0 < row["end_s"] - row["start_s"] < 5.001
    else:
        assert row["from_altitude_m"] <= 900.0


# --- less is simpler ------------------------------------------------------------------------


def test_a_case_shrinks_to_one_harmless_late_brief_fault_and_seed_zero():
    case = simplest(cases(), lambda case: True)
    assert case.seed == 0 and case.start == {} and len(case.faults) == 1


def test_a_magnitude_shrinks_to_the_least_that_does_it():
    row = simplest(fault_rows(["delayed"]), lambda row: row["delay_s"] > 1.5)
    span = SPANS["delay_s"]
    step = next(n for n in range(STEPS) if span.at(n, span.hi) > 1.5)
    assert row["delay_s"] == span.at(step, span.hi)


def test_a_window_shrinks_to_a_late_and_brief_one():
    early = simplest(windows("delayed"), lambda window: window.get("start_s", 1e9) < 100.0)
    assert early["start_s"] > 98.0 and early["end_s"] - early["start_s"] < 0.11


def test_two_faults_shrink_to_the_one_that_matters():
    rows = simplest(fault_tables(3), lambda rows: any(row["kind"] == "stale" for row in rows))
    assert [row["kind"] for row in rows] == ["stale"]


# --- spans ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIZED)
def test_a_span_leads_from_harmless_to_its_ends_without_a_step_back(name):
    span = SPANS[name]
    for end in span.ends:
        values = [span.at(step, end) for step in range(STEPS + 1)]
        assert values[0] == span.harmless and values[-1] == end
        assert values == sorted(values, reverse=end < span.harmless)


@pytest.mark.parametrize(
    ("name", "value", "weaker"),
    [
        ("delay_s", 2.0, 1.6),
        ("scale", 0.5, 0.6),
        ("offset_m", -100.0, -80.0),
        ("wrap_s", 8.0, 10.0),
    ],
)
def test_a_weaker_magnitude_is_nearer_to_harmless(name, value, weaker):
    assert SPANS[name].weaker(value, 0.8) == pytest.approx(weaker)


def test_the_size_of_a_row_is_what_it_does_and_not_how_often():
    assert main_magnitude("reorder", {"probability": 1.0, "delay_s": 2.0}) == "delay_s"
    assert main_magnitude("drop_burst", {"probability": 1.0, "period_s": 2.0}) == "period_s"
    assert main_magnitude("drop", {"probability": 1.0}) == "probability"
    assert main_magnitude("off", {"start_s": 700.0}) is None


# --- messages and bytes -----------------------------------------------------------------------


def test_streams_lose_delay_overtake_and_double_messages():
    def orders(found):
        return [delivery.index for delivery in found]

    streams = deliveries(4)
    some(streams, lambda found: len(set(orders(found))) < 4)
    some(streams, lambda found: any(d.slot > d.index for d in found))
    some(streams, lambda found: orders(found) != sorted(orders(found)))
    some(streams, lambda found: len(orders(found)) > len(set(orders(found))))
    assert simplest(streams, lambda found: True) == [Delivery(n, n) for n in range(4)]


def test_bytes_are_split_anywhere_and_damaged_in_every_way():
    data = bytes(range(20))
    for count in (1, 2, 5):
        pieces = some(chunks(data), lambda pieces, n=count: len(pieces) == n)
        assert b"".join(pieces) == data
    for what in ("flip", "drop", "insert", "truncate", "garbage"):
        found = some(noises(), lambda noises, w=what: any(n.what == w for n in noises))
        assert damage(data, found) != data
    assert damage(data, simplest(noises(), lambda noises: True)) == data
