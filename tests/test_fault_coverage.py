"""The coverage table counts what was injected, sees what showed, and misses what never did."""

from collections import Counter
from types import SimpleNamespace

import pytest

import sim.run.fly
import sim.run.loop
from sim.faults.reader import read_faults
from sim.faults.table import FaultKind, WireDirection
from sim.plant.world import WORLD
from sim.scenario.load import load
from tests import fault_coverage
from tests.fault_coverage import CHANGED, COMPARED, MOST_COMPARED, RUNS, never_changed, table


@pytest.fixture
def cells(monkeypatch):
    monkeypatch.setattr(fault_coverage, "cells", Counter())
    return fault_coverage.cells


def fly(*rows):
    keys = [(f"faults.{i}.{k}", v) for i, row in enumerate(rows) for k, v in row.items()]
    sim.run.fly.fly(load("nominal", keys), 0)


def test_a_run_counts_by_what_its_row_changed(cells):
    fly({"kind": "delayed", "delay_s": "0", "from_altitude_m": "2000"})
    assert (cells["delayed", RUNS], cells["delayed", COMPARED], cells["delayed", CHANGED]) == (
        1,
        1,
        0,
    )
    fly({"kind": "delayed", "delay_s": "1", "from_altitude_m": "2000"})
    assert (cells["delayed", RUNS], cells["delayed", COMPARED], cells["delayed", CHANGED]) == (
        2,
        2,
        1,
    )
    assert cells["delayed", "descent"] + cells["delayed", "approach"] == 2


def test_of_two_rows_each_is_held_against_a_flight_without_it_alone(cells):
    fly({"kind": "noise", "sigma_m": "30"}, {"kind": "stuck", "probability": "0"})
    assert (cells["noise", CHANGED], cells["stuck", CHANGED], cells["stuck", COMPARED]) == (1, 0, 1)


def test_a_window_that_never_opened_is_no_run(cells):
    fly({"kind": "off", "start_s": "5000"})
    assert sum(cells.values()) == 0


def test_after_the_first_few_runs_of_a_kind_none_is_compared(cells):
    cells["off", COMPARED] = MOST_COMPARED
    fly({"kind": "off", "from_altitude_m": "500"})
    assert (cells["off", RUNS], cells["off", COMPARED]) == (1, MOST_COMPARED)


@pytest.mark.parametrize(("probability", "changed"), [(1.0, 1), (0.0, 0)])
def test_frames_count_once_for_every_line_that_spoilt_them(cells, probability, changed):
    from hil.bench.wire_faults import WireFaults

    world = WORLD.new(seed=3)
    read_faults(world, [({"faults": [{"kind": "wire_drop", "probability": probability}]}, "")])
    world.board.fault_memory[0].open = 1
    wire = WireFaults(world, WireDirection.TO_FLIGHT)
    for _ in range(5):
        wire.spoil([b"\0frame\0"])
    assert (cells["wire_drop", RUNS], cells["wire_drop", CHANGED]) == (1, changed)


def test_the_table_has_every_kind_and_names_those_that_never_showed():
    counted = Counter({(kind, CHANGED): 1 for kind in FaultKind.labels() if kind != "stale"})
    assert never_changed(counted) == ["stale"]
    assert [line.split()[0] for line in table(counted)[1:]] == list(FaultKind.labels())


def whole_session(keyword=""):
    option = SimpleNamespace(keyword=keyword, markexpr="", collectonly=False)
    source = SimpleNamespace(TESTPATHS="testpaths")
    config = SimpleNamespace(option=option, args_source="testpaths", ArgsSource=source)
    return SimpleNamespace(config=config, exitstatus=pytest.ExitCode.OK)


def test_a_whole_session_fails_when_a_kind_never_showed_and_a_part_of_one_does_not(cells):
    whole, part = whole_session(), whole_session(keyword="delayed")
    for session in (whole, part):
        fault_coverage.pytest_sessionfinish(session)
    assert whole.exitstatus == pytest.ExitCode.TESTS_FAILED
    assert part.exitstatus == pytest.ExitCode.OK
    cells.update({(kind, CHANGED): 1 for kind in FaultKind.labels()})
    session = whole_session()
    fault_coverage.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK


def test_a_worker_s_counts_are_added(cells):
    worker = SimpleNamespace(workeroutput={"fault_coverage": [("off", RUNS, 3)]})
    fault_coverage.pytest_testnodedown(worker)
    fault_coverage.pytest_testnodedown(SimpleNamespace())  # one that died
    assert cells["off", RUNS] == 3
