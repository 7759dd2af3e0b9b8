"""Properties of whole flights: inside the envelope it lands, and no fault breaks an invariant.

Flown in the `ci` profile over the same cases on every machine, in the `hunt` profile over as many
others as there is time for.
"""

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings

from fsw.framework.kernel import kernel
from fsw.guidance.stopping_distance import stopping_height, stopping_margin
from fsw.interface.events import EventCode
from fsw.interface.modes import Mode
from sim.evaluation.requirements import REQUIREMENTS, broken
from sim.evaluation.verdict import RunVerdict
from sim.faults.envelope import read_envelope
from sim.faults.injection_events import InjectionEvent
from sim.faults.table import KINDS, FaultGroup
from sim.plant.truth_observer import motion_over_ground
from sim.run.fly import evaluate_run, new_run
from sim.run.loop import as_rows, fly_tick, fly_ticks
from sim.run.warm_start import Checkpoints
from sim.scenario.load import SCENARIOS
from tests.searching import flights
from tests.strategies import SPANS, Case, cases

ENVELOPE = read_envelope()
DOCUMENT = tomllib.loads((SCENARIOS / f"{ENVELOPE.scenario}.toml").read_text())
IN_PROCESS = tuple(name for name, kind in KINDS.items() if kind.group != FaultGroup.WIRE)
ALWAYS = {each.name for each in REQUIREMENTS if each.always}
CHUNK_TICKS = 500
checkpoints = Checkpoints()


def inside(seed_max=3):
    """Single faults inside the envelope, in runs of a few seeds."""
    limits = ENVELOPE.inside
    return cases(1, kinds=tuple(limits), limits=limits, seed_max=seed_max, disturbed=False)


def landed(case):
    result = checkpoints.fly(case.scenario(DOCUMENT), case.seed)
    assert result.verdict == "landed", (result.verdict, result.margins)
    return result


# --- the envelope ---------------------------------------------------------------------------


@settings(max_examples=flights(60))
@given(inside())
def test_whatever_single_fault_inside_the_envelope_lands(case):
    assert not ALWAYS & set(broken(landed(case).margins))


def row_at_the_ends(label, which):
    """A row with every magnitude of its bounds at one end, open throughout where it may be."""
    kind, _, sensor = label.partition(":")
    bounds = ENVELOPE.inside[label]
    row = {"kind": kind, **({"sensor": sensor} if sensor else {})}
    row |= {name: ends[which] for name, ends in bounds.magnitudes.items()}
    if bounds.above_m:
        row["until_altitude_m"] = bounds.above_m
    elif bounds.below_m:
        row["from_altitude_m"] = bounds.below_m
    elif bounds.longest_s:
        row |= {"start_s": 700.0, "end_s": 700.0 + bounds.longest_s}
    elif not KINDS[kind].ends:
        row["from_altitude_m"] = 3000.0
    return row


@pytest.mark.parametrize("which", [0, 1], ids=["least", "most"])
@pytest.mark.parametrize("label", ENVELOPE.inside)
def test_it_lands_at_the_ends_of_the_envelope(label, which):
    landed(Case(0, [row_at_the_ends(label, which)]))


def test_every_timing_fault_of_every_instrument_is_inside_or_its_absence_has_a_reason():
    labels = {
        f"{name}:{sensor}" if len(kind.sensors) > 1 else name
        for name, kind in KINDS.items()
        if kind.group == FaultGroup.TIMING
        for sensor in kind.sensors or ("",)
    }
    assert labels == labels & {*ENVELOPE.inside, *ENVELOPE.outside}
    assert all(len(reason) > 20 for reason in ENVELOPE.outside.values())


def test_the_envelope_names_what_the_fault_table_has():
    for label, bounds in ENVELOPE.inside.items():
        kind, _, sensor = label.partition(":")
        assert not sensor or sensor in KINDS[kind].sensors
        assert set(bounds.magnitudes) <= set(KINDS[kind].magnitudes)
        for name, (lo, hi) in bounds.magnitudes.items():
            assert SPANS[name].lo <= lo <= hi <= SPANS[name].hi


# --- whatever fails -------------------------------------------------------------------------

EXPLAINED_BY = {
    "landed": EventCode.ENGINE_CUT,
    "not_begun": EventCode.NOT_BEGUN,
    "aborted_to_orbit": EventCode.ABORTED,
    "out_of_propellant": EventCode.PROPELLANT_LOW,
}


def is_explained(result):
    """True when the events explain the outcome of a run."""
    codes = {int(event.code) for event in result.event_records}
    # a fault that nothing on board can measure is reported by the bench
    return EXPLAINED_BY.get(result.verdict, InjectionEvent.FAULT_OPENED) in codes


def least_eigenvalue(run):
    """Of the filter's covariance, scaled to a correlation; 1 before there is one."""
    grid = run.state.core.navigation.grid
    if not run.state.core.navigation.ready:
        return 1.0
    n = 16
    P = np.array(grid.P, float)[:n, :n]
    P = np.triu(P) + np.triu(P, 1).T
    scale = np.sqrt(np.maximum(np.diag(P), 1e-300))
    return float(np.linalg.eigvalsh(P / np.outer(scale, scale)).min())


@settings(max_examples=flights(25))
@given(cases(kinds=IN_PROCESS))
def test_whatever_fails_numbers_stay_finite_commands_legal_and_the_end_explained(case):
    scenario = case.scenario(DOCUMENT)
    run = new_run(scenario, case.seed)
    rows = as_rows(run)
    while fly_ticks(rows, CHUNK_TICKS):
        assert least_eigenvalue(run) > -1e-6
    result = evaluate_run(scenario, case.seed, run)
    assert result.verdict in RunVerdict.labels()
    assert not ALWAYS & set(broken(result.margins)), result.margins
    assert is_explained(result)


# --- the stopping margin ---------------------------------------------------------------------


@kernel
def count_overclaims(runs, ticks, counts):
    """Fly; count the ticks checked, and those whose claimed stop does not exist."""
    run = runs[0]
    for _ in range(ticks):
        if not fly_tick(run):
            return False
        guidance = run.state.core.guidance
        mode = int(run.state.core.executive.mode)
        low = mode == Mode.APPROACH or mode == Mode.DESCENT or mode == Mode.TERMINAL
        if not low or int(run.world.touchdown.first_t_ns) >= 0:
            continue
        counts[0] += 1
        a_d = float(guidance.a_d_mps2)
        v_down, _, _, _ = motion_over_ground(run.world)
        h_stop = stopping_height(run.params.descent, float(run.world.truth.clearance_m), a_d)
        true_m = stopping_margin(h_stop, v_down, a_d, float(run.params.descent.t_d_s))
        if float(guidance.stopping_margin_m) > 0.0 and true_m < 0.0:
            counts[1] += 1
    return True


@settings(max_examples=flights(25))
@given(inside())
def test_a_stop_that_is_claimed_within_its_sigma_is_there(case):
    run = new_run(case.scenario(DOCUMENT), case.seed)
    counts = np.zeros(2, np.int64)
    count_overclaims(as_rows(run), 10**9, counts)
    assert counts[0] > 1000 and counts[1] == 0
