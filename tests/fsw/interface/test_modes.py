"""Table: every mode with every cue."""

import itertools

import pytest

from fsw.interface.modes import (
    ABORT,
    APPROACH,
    BRAKING,
    COAST,
    CUE_ABORT,
    CUE_AT_GATE,
    CUE_GO,
    CUE_HIGH,
    CUE_IGNITION_POINT,
    CUE_LOW,
    CUE_NAMES,
    CUE_NEAR_GATE,
    CUE_NONE,
    CUE_PROPULSION_UNFIT,
    CUE_TOUCHDOWN,
    DESCENT,
    LANDED,
    MODE_NAMES,
    NOT_BEGUN,
    STANDBY,
    TERMINAL,
    TRANSITIONS,
    engine_may_run,
    next_mode,
)

MODES, CUES = range(len(MODE_NAMES)), range(len(CUE_NAMES))
FINAL = (LANDED, ABORT, NOT_BEGUN)
POWERED = (BRAKING, APPROACH, DESCENT, TERMINAL, ABORT)
ALL = list(itertools.product(MODES, CUES))


def moves():
    return {(mode, cue): next_mode(mode, cue) for mode, cue in ALL if next_mode(mode, cue) >= 0}


def test_the_machine_does_what_the_table_says_and_nothing_else():
    assert moves() == TRANSITIONS
    assert {next_mode(mode, cue) for mode, cue in ALL} <= {-1, *MODES}


def test_the_engine_may_run_in_the_modes_that_fly_on_it():
    assert [mode for mode in MODES if engine_may_run(mode)] == list(POWERED)


@pytest.mark.parametrize("mode", FINAL)
def test_a_final_mode_is_left_by_no_cue(mode):
    assert [next_mode(mode, cue) for cue in CUES] == [-1] * len(CUE_NAMES)


@pytest.mark.parametrize("mode", MODES)
def test_no_cue_moves_nothing(mode):
    assert next_mode(mode, CUE_NONE) == -1


def test_the_engine_is_lit_at_the_ignition_point_and_by_nothing_else():
    lit = {move for move, after in moves().items() if after in POWERED and move[0] not in POWERED}
    assert lit == {(COAST, CUE_IGNITION_POINT)}


def reachable(begin):
    found, waiting = {begin}, [begin]
    while waiting:
        mode = waiting.pop()
        for (before, _), after in moves().items():
            if before == mode and after not in found:
                found.add(after)
                waiting.append(after)
    return found


def test_every_mode_can_be_reached_from_standby():
    assert reachable(STANDBY) == set(MODES)


def test_no_sequence_of_cues_relights_the_engine_after_landing():
    assert reachable(LANDED) == {LANDED}


def test_touchdown_ends_every_mode_of_the_descent_and_no_other():
    landed = {mode for (mode, cue), after in moves().items() if after == LANDED}
    assert landed == {BRAKING, APPROACH, DESCENT, TERMINAL}
    assert {cue for (_, cue), after in moves().items() if after == LANDED} == {CUE_TOUCHDOWN}


def test_an_abort_climbs_only_out_of_braking_and_before_ignition_stays_in_orbit():
    assert {mode: next_mode(mode, CUE_ABORT) for mode in MODES} == {
        **dict.fromkeys(MODES, -1),
        STANDBY: NOT_BEGUN,
        COAST: NOT_BEGUN,
        BRAKING: ABORT,
    }


def test_an_unfit_engine_is_refused_before_ignition_only():
    assert [mode for mode in MODES if next_mode(mode, CUE_PROPULSION_UNFIT) >= 0] == [COAST]


def test_the_descent_leads_down_the_line_of_modes():
    mode = STANDBY
    for cue, after in [
        (CUE_GO, COAST),
        (CUE_IGNITION_POINT, BRAKING),
        (CUE_NEAR_GATE, APPROACH),
        (CUE_AT_GATE, DESCENT),
        (CUE_LOW, TERMINAL),
        (CUE_HIGH, DESCENT),
        (CUE_LOW, TERMINAL),
        (CUE_TOUCHDOWN, LANDED),
    ]:
        mode = next_mode(mode, cue)
        assert mode == after
