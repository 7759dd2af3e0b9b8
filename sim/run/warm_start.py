"""Flying runs of one start again and again, from where their faults begin to matter.

A window that is closed changes no byte, so runs of the same scenario and seed are the same run
until the first of their windows opens. A run without faults is flown once and copied on its way;
another one goes on from the last copy before its own faults can have opened, and ends with the
bytes that it would have ended with, flown from the start.
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

# a copy so often, and so many starts kept: 10 MB each
COPY_TICKS = 2 * CHUNK_TICKS
STARTS_KEPT = 8
DORMANT = {"kind": "off", "start_s": 999_999.0}


@dataclass(frozen=True)
class Checkpoint:
    """A run on its way: its bytes, and what has been by then that could open a window."""

    t_s: float
    lowest_m: float
    modes: frozenset[int]
    run: bytes

    def is_before(self, row: Any) -> bool:
        """True when the window of a row of the fault table cannot have opened by then."""
        mode = int(row.mode)  # 0 is any of them
        if mode > 0 and mode - 1 not in self.modes:
            return True
        return bool(self.t_s < row.start_s or self.lowest_m > row.from_altitude_m)


class Checkpoints:
    """Flies runs, and keeps copies on the way of those without faults."""

    def __init__(self) -> None:
        self._ladders: OrderedDict[tuple[bytes, bytes, int], list[Checkpoint]] = OrderedDict()

    def fly(self, scenario: Scenario, seed: int) -> Result:
        """Fly one descent, as sim.run.fly.fly does."""
        refuse_wire_faults(scenario.world)
        rows = fault_rows_of(scenario.world)
        for checkpoint in reversed(self._ladder(scenario, seed)):
            if all(checkpoint.is_before(row) for row in rows):
                return _go_on(checkpoint, scenario, seed)
        return fly(scenario, seed)

    def _ladder(self, scenario: Scenario, seed: int) -> list[Checkpoint]:
        faultless = without_faults(scenario)
        key = (faultless.world.tobytes(), faultless.params.tobytes(), seed)
        if key not in self._ladders:
            self._ladders[key] = _climb(faultless, seed)
        self._ladders.move_to_end(key)
        if len(self._ladders) > STARTS_KEPT:
            self._ladders.popitem(last=False)
        return self._ladders[key]


def fault_rows_of(world: Any) -> list[Any]:
    """The rows of the fault table that a world has in use."""
    return list(world.board.faults[: int(world.board.n_faults)])


def without_faults(scenario: Scenario) -> Scenario:
    """The scenario with one fault that never opens: one with none counts as told the truth."""
    world = WORLD.from_bytes(scenario.world.tobytes())
    for number in range(len(world.board.faults)):
        world.board.faults[number] = FAULT.new()
    read_faults(world, [({"faults": [DORMANT]}, "")])
    return replace(scenario, world=world)


def _climb(scenario: Scenario, seed: int) -> list[Checkpoint]:
    """Fly it, and copy it on its way."""
    run = new_run(scenario, seed)
    rows = as_rows(run)
    ladder: list[Checkpoint] = []
    while fly_ticks(rows, COPY_TICKS):
        events = run.log.events[: int(run.log.n)]
        moves = [event for event in events if int(event.code) == EventCode.MODE_CHANGED]
        modes = {0, *(int(mode) for event in moves for mode in (event.a, event.b))}
        lowest_m = float(run.world.touchdown.lowest_m)
        t_s = float(run.world.t_ns) * 1e-9
        ladder.append(Checkpoint(t_s, lowest_m, frozenset(modes), run.tobytes()))
    return ladder


def _go_on(checkpoint: Checkpoint, scenario: Scenario, seed: int) -> Result:
    """Fly from a copy, with the scenario's faults."""
    run = RUN.from_bytes(checkpoint.run)
    board, planned = run.world.board, scenario.world.board
    board.n_faults = planned.n_faults
    for number in range(len(board.faults)):
        row, memory = planned.faults[number], board.fault_memory[number]
        board.faults[number] = row
        # all that a window remembers that has not opened: which of its heights were passed
        memory.below_from = checkpoint.lowest_m <= row.from_altitude_m
        memory.below_until = checkpoint.lowest_m <= row.until_altitude_m
    rows = as_rows(run)
    while fly_ticks(rows, CHUNK_TICKS):
        pass
    return evaluate_run(scenario, seed, run)
