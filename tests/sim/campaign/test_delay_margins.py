"""Margins: bisection on functions whose edge is known, and the faults that it flies."""

import pytest

from sim.campaign.delay_margins import (
    PHASES,
    QUANTITIES,
    RESOLUTION,
    measure,
    phase_begins_s,
    survey_of,
)
from sim.campaign.delay_margins import last_passing as last
from sim.common.errors import InputError
from sim.scenario.load import load


@pytest.mark.parametrize("edge", [0.03, 1.0, 7.77, 9.9])
def test_bisection_ends_within_its_resolution_below_the_edge(edge):
    found = last(lambda value: value <= edge, 0.0, 10.0)
    assert edge - RESOLUTION * 10.0 <= found <= edge


def test_it_goes_downwards_where_less_is_worse():
    found = last(lambda value: value >= 456.0, 3400.0, 5.0)
    assert 456.0 <= found <= 456.0 + RESOLUTION * 3395.0


def test_the_ends_are_answers_of_their_own():
    assert last(lambda value: True, 0.0, 10.0) == 10.0
    assert last(lambda value: False, 0.0, 10.0) is None


def test_it_tries_no_more_values_than_it_needs():
    tried = []
    last(lambda value: tried.append(value) or value < 3.0, 0.0, 10.0)
    assert len(tried) <= 2 + 7 and len(set(tried)) == len(tried)


def test_every_quantity_has_a_probe_for_each_phase_and_preset():
    survey = survey_of("nominal", (), (0,), ("default", "as-flown"))
    assert len(survey.probes) == 2 * sum(len(quantity.phases) for quantity in QUANTITIES)
    with pytest.raises(InputError, match="unknown scenario"):
        survey_of("nomnal", (), (0,), ("default",))


def test_phases_begin_in_their_order():
    scenario = load("nominal")
    begins = [phase_begins_s(scenario, 0, phase) for phase in PHASES]
    assert begins[:3] == sorted(begins[:3]) and begins[3] == begins[0]
    unfit = load("nominal", [("vehicle.propulsion_ready", "0")])
    assert phase_begins_s(unfit, 0, "descent") is None


def test_a_margin_is_measured_by_flying():
    survey = survey_of("nominal", (), (0,), ("default",))
    index = next(
        number
        for number, probe in enumerate(survey.probes)
        if (probe.quantity.name, probe.phase) == ("dropout", "terminal")
    )
    row = measure(survey, index)
    assert (row["quantity"], row["phase"], row["params"]) == ("dropout", "terminal", "default")
    assert row["margin"] is not None and row["margin"] > 1.0


def test_nothing_lands_where_the_phase_is_never_reached():
    survey = survey_of("nominal", (("vehicle.propulsion_ready", "0"),), (0,), ("default",))
    assert measure(survey, 0)["margin"] is None


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.name)
def test_every_fault_that_is_tried_can_be_flown_at_both_ends(quantity):
    for value in (quantity.harmless, quantity.worst):
        for mode in ((), (("mode", "descent"),)):
            keys = quantity.fault(value, mode, 700.0)
            scenario = load("nominal", [(f"faults.0.{key}", text) for key, text in keys])
            assert scenario.world.board.n_faults == 1
