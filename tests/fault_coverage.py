"""A plugin for pytest: the faults that a session injected, and those that had an effect.

A session ends with a table, one line a kind: runs in which its window was open, the flight phase at
its onset, runs that were compared, and those of them in which the messages to the flight software
had changed. A whole session fails when a kind never had an effect.

A run is compared with its twin, in which the row never opens, flown to the same tick. Core is a
function of the messages delivered, so where the cores differ, messages did. That costs a flight, so
only the first few runs of a kind are compared. Stretches without flight software are compared by
the tests that fly them, and frames as they are damaged.
"""

from collections import Counter
from functools import wraps

import pytest

import hil.bench.wire_faults
import sim.run.fly
import sim.run.loop
from fsw.framework.kernel_cache import INTERPRETED
from sim.faults.reader import kind_name
from sim.faults.table import FaultKind

MOST_COMPARED = 3  # runs of each kind, in each worker
PHASES = ("standby", "coast", "braking", "approach", "descent", "terminal")
RUNS, COMPARED, CHANGED = "runs", "compared", "changed"
COLUMNS = (RUNS, *PHASES, COMPARED, CHANGED)

cells: Counter[tuple[str, str]] = Counter()  # (kind, column) -> runs


def note(kind, changed, phase=""):
    """Count a run that injected a kind; `changed` is None where it was not compared."""
    cells[kind, RUNS] += 1
    if phase in PHASES:
        cells[kind, phase] += 1
    if changed is not None:
        cells[kind, COMPARED] += 1
        cells[kind, CHANGED] += bool(changed)


def note_stretch(rows, changed):
    """Count a stretch of flight with rows of `[[faults]]`, compared with a healthy one."""
    if len(rows) == 1:  # of several, none is known to be the one with the effect
        note(rows[0]["kind"], changed)


def never_changed(counted):
    """Kinds of the fault table that changed nothing in any run, in the table's order."""
    return [kind for kind in FaultKind.labels() if counted[kind, CHANGED] == 0]


def table(counted):
    """Lines of the coverage table."""
    width = max(map(len, FaultKind.labels()))
    lines = [" " * width + "".join(f"{column:>13}" for column in COLUMNS)]
    for kind in FaultKind.labels():
        numbers = "".join(f"{counted[kind, column] or '.':>13}" for column in COLUMNS)
        lines.append(f"{kind:{width}}{numbers}")
    return lines


# --- runs of the whole loop --------------------------------------------------------------


def note_run(scenario, seed, run, result):
    """Count the kinds whose windows a evaluated run has opened."""
    board = run.world.board
    opened = [i for i in range(int(board.n_faults)) if board.fault_memory[i].opened_ns >= 0]
    phase = result.onset.mode if len(opened) == 1 and result.onset else ""
    for i in opened:
        kind = kind_name(board.faults[i])
        compare = cells[kind, COMPARED] < MOST_COMPARED and not INTERPRETED
        note(kind, _differs_from_twin(scenario, seed, run, i) if compare else None, phase)


def _differs_from_twin(scenario, seed, run, row):
    """Whether the flight software remembers another flight than without a row."""
    twin = sim.run.fly.new_run(scenario, seed)
    twin.world.board.faults[row].end_s = 0.0
    sim.run.loop.fly_ticks(sim.run.loop.as_rows(twin), int(run.world.tick))
    return twin.state.core.tobytes() != run.state.core.tobytes()


def _noting(evaluate):
    @wraps(evaluate)
    def evaluated(scenario, seed, run):
        result = evaluate(scenario, seed, run)
        if run.state.history.imu_count > 0:  # else it flew at the other end of a wire
            note_run(scenario, seed, run, result)
        return result

    return evaluated


# --- frames on the wire ------------------------------------------------------------------


def _comparing(spoil):
    @wraps(spoil)
    def spoilt(wire, frames):
        kinds = {kind_name(fault) for _, fault, memory in wire._rows if memory.open}
        data, packets = spoil(wire, frames)
        if len(kinds) == 1:
            (kind,) = kinds
            counted = vars(wire).setdefault("_counted_columns", set())
            columns = {RUNS, COMPARED, *([CHANGED] if data != b"".join(frames) else [])}
            for column in columns - counted:
                cells[kind, column] += 1
                counted.add(column)
        return data, packets

    return spoilt


sim.run.fly.evaluate_run = _noting(sim.run.fly.evaluate_run)
hil.bench.wire_faults.WireFaults.spoil = _comparing(hil.bench.wire_faults.WireFaults.spoil)


# --- the session -------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add what a worker has counted."""
    for kind, column, count in getattr(node, "workeroutput", {}).get("fault_coverage", ()):
        cells[kind, column] += count


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Hand a worker's counts over; fail a whole session in which a kind never showed."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["fault_coverage"] = [(*key, count) for key, count in cells.items()]
    elif is_whole(config) and never_changed(cells) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """The table, after a whole session."""
    if not is_whole(config):
        return
    terminalreporter.section("coverage of the fault space")
    for line in table(cells):
        terminalreporter.write_line(line)
    for kind in never_changed(cells):
        terminalreporter.write_line(f"{kind}: never changed what is delivered", red=True)


def is_whole(config):
    """True for a session of all tests, compiled."""
    option = config.option
    picked = option.keyword or option.markexpr or option.collectonly
    return config.args_source == config.ArgsSource.TESTPATHS and not picked and not INTERPRETED
