"""Warm start: runs of one scenario and seed, flown from a checkpoint before their faults open.

A window that is closed changes no byte, so runs of the same scenario and seed are the same run
until the first of their windows opens. A run without faults is flown once and checkpointed on the
way; another one continues from the last checkpoint before its own faults can have opened, and ends
with the same bytes as flown from the start.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from fsw.interface.events import EventCode
from sim.faults.reader import read_faults, refuse_wire_faults
from sim.faults.table import FAULT
from sim.plant.world import WORLD
from sim.run.fly import CHUNK_TICKS, Result, evaluate_run, fly, new_run
from sim.run.loop import RUN, as_rows, fly_ticks
from sim.scenario.load import Scenario

# ticks between checkpoints, and starts kept, 10 MB each
COPY_TICKS = 2 * CHUNK_TICKS
STARTS_KEPT = 8
DORMANT = {"kind": "off", "start_s": 999_999.0}


@dataclass(frozen=True)
class Checkpoint:
    """A run in flight: its bytes, and the times, clearances and modes that it has passed."""

    t_s: float
    lowest_m: float
    modes: frozenset[int]
    run: bytes

    def is_before(self, row: Any) -> bool:
        """True when the window of a row of faults cannot have opened by then."""
        mode = int(row.mode)  # 0 is any of them
        if mode > 0 and mode - 1 not in self.modes:
            return True
        return bool(self.t_s < row.start_s or self.lowest_m > row.from_altitude_m)


class Checkpoints:
    """Flies runs from checkpoints of the same run without faults."""

    def __init__(self) -> None:
        self._by_start: OrderedDict[tuple[bytes, bytes, int], list[Checkpoint]] = OrderedDict()

    def fly(self, scenario: Scenario, seed: int) -> Result:
        """Fly one descent, as sim.run.fly.fly does."""
        refuse_wire_faults(scenario.world)
        rows = fault_rows_of(scenario.world)
        for checkpoint in reversed(self._checkpoints_of(scenario, seed)):
            if all(checkpoint.is_before(row) for row in rows):
                return _continue(checkpoint, scenario, seed)
        return fly(scenario, seed)

    def _checkpoints_of(self, scenario: Scenario, seed: int) -> list[Checkpoint]:
        faultless = without_faults(scenario)
        key = (faultless.world.tobytes(), faultless.params.tobytes(), seed)
        if key not in self._by_start:
            self._by_start[key] = _fly_checkpoints(faultless, seed)
        self._by_start.move_to_end(key)
        if len(self._by_start) > STARTS_KEPT:
            self._by_start.popitem(last=False)
        return self._by_start[key]


def fault_rows_of(world: Any) -> list[Any]:
    """The rows of faults that a world has in use."""
    return list(world.board.faults[: int(world.board.n_faults)])


def without_faults(scenario: Scenario) -> Scenario:
    """The scenario with one fault that never opens: with none, the onset would be the start."""
    world = WORLD.from_bytes(scenario.world.tobytes())
    for number in range(len(world.board.faults)):
        world.board.faults[number] = FAULT.new()
    read_faults(world, [({"faults": [DORMANT]}, "")])
    return replace(scenario, world=world)


def _fly_checkpoints(scenario: Scenario, seed: int) -> list[Checkpoint]:
    """Fly a run and checkpoint it on the way."""
    run = new_run(scenario, seed)
    rows = as_rows(run)
    checkpoints: list[Checkpoint] = []
    while fly_ticks(rows, COPY_TICKS):
        events = run.log.events[: int(run.log.n)]
        moves = [event for event in events if int(event.code) == EventCode.MODE_CHANGED]
        modes = {0, *(int(mode) for event in moves for mode in (event.a, event.b))}
        lowest_m = float(run.world.touchdown.lowest_m)
        t_s = float(run.world.t_ns) * 1e-9
        checkpoints.append(Checkpoint(t_s, lowest_m, frozenset(modes), run.tobytes()))
    return checkpoints


def _continue(checkpoint: Checkpoint, scenario: Scenario, seed: int) -> Result:
    """Fly on from a checkpoint, with the scenario's faults."""
    run = RUN.from_bytes(checkpoint.run)
    board, planned = run.world.board, scenario.world.board
    board.n_faults = planned.n_faults
    for number in range(len(board.faults)):
        row, memory = planned.faults[number], board.fault_memory[number]
        board.faults[number] = row
        # the memory of a window that has not opened holds only which of its heights were passed
        memory.below_from = checkpoint.lowest_m <= row.from_altitude_m
        memory.below_until = checkpoint.lowest_m <= row.until_altitude_m
    rows = as_rows(run)
    while fly_ticks(rows, CHUNK_TICKS):
        pass
    return evaluate_run(scenario, seed, run)
