"""Table: every mode with every cue."""

import itertools

import pytest

from fsw.interface.modes import TRANSITIONS, Cue, Mode, engine_may_run, next_mode

MODES, CUES = range(len(Mode)), range(len(Cue))
FINAL = (Mode.LANDED, Mode.ABORT, Mode.NOT_BEGUN)
POWERED = (Mode.BRAKING, Mode.APPROACH, Mode.DESCENT, Mode.TERMINAL, Mode.ABORT)
ALL = list(itertools.product(MODES, CUES))


def moves():
    return {(mode, cue): next_mode(mode, cue) for mode, cue in ALL if next_mode(mode, cue) >= 0}


def test_transitions_are_those_of_the_table_and_no_others():
    assert moves() == TRANSITIONS
    assert {next_mode(mode, cue) for mode, cue in ALL} <= {-1, *MODES}


def test_the_engine_may_run_in_the_modes_that_fly_on_it():
    assert [mode for mode in MODES if engine_may_run(mode)] == list(POWERED)


@pytest.mark.parametrize("mode", FINAL)
def test_a_final_mode_is_left_by_no_cue(mode):
    assert [next_mode(mode, cue) for cue in CUES] == [-1] * len(Cue)


@pytest.mark.parametrize("mode", MODES)
def test_without_a_cue_the_mode_stays(mode):
    assert next_mode(mode, Cue.NONE) == -1


def test_only_the_ignition_point_starts_the_engine():
    lit = {move for move, after in moves().items() if after in POWERED and move[0] not in POWERED}
    assert lit == {(Mode.COAST, Cue.IGNITION_POINT)}


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
    assert reachable(Mode.STANDBY) == set(MODES)


def test_no_sequence_of_cues_relights_the_engine_after_landing():
    assert reachable(Mode.LANDED) == {Mode.LANDED}


def test_touchdown_ends_every_mode_of_the_descent_and_no_other():
    landed = {mode for (mode, cue), after in moves().items() if after == Mode.LANDED}
    assert landed == {Mode.BRAKING, Mode.APPROACH, Mode.DESCENT, Mode.TERMINAL}
    assert {cue for (_, cue), after in moves().items() if after == Mode.LANDED} == {Cue.TOUCHDOWN}


def test_an_abort_climbs_only_out_of_braking_and_before_ignition_stays_in_orbit():
    assert {mode: next_mode(mode, Cue.ABORT) for mode in MODES} == {
        **dict.fromkeys(MODES, -1),
        Mode.STANDBY: Mode.NOT_BEGUN,
        Mode.COAST: Mode.NOT_BEGUN,
        Mode.BRAKING: Mode.ABORT,
    }


def test_an_unfit_engine_is_refused_before_ignition_only():
    assert [mode for mode in MODES if next_mode(mode, Cue.PROPULSION_UNFIT) >= 0] == [Mode.COAST]


def test_the_descent_follows_the_sequence_of_modes():
    mode = Mode.STANDBY
    for cue, after in [
        (Cue.GO, Mode.COAST),
        (Cue.IGNITION_POINT, Mode.BRAKING),
        (Cue.NEAR_GATE, Mode.APPROACH),
        (Cue.AT_GATE, Mode.DESCENT),
        (Cue.LOW, Mode.TERMINAL),
        (Cue.HIGH, Mode.DESCENT),
        (Cue.LOW, Mode.TERMINAL),
        (Cue.TOUCHDOWN, Mode.LANDED),
    ]:
        mode = next_mode(mode, cue)
        assert mode == after
