"""What a flight tick costs on a board, counted exactly: one count for every instruction.

Under `-icount shift=0` the emulator's clock moves one nanosecond with every instruction, and the
shell's meter runs on that clock. The counts are the same in every run, so that a change is a
change of the code; how long an instruction takes on silicon is another matter (1.5 to 2 cycles).
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hil.bench import ROLE_BENCH
from hil.board_build import build
from hil.board_qemu import QemuBoard
from hil.clock import RealClock
from hil.emulator import Emulator
from hil.emulator_lockstep import LockstepSession
from hil.link import Link
from hil.packets import BENCH_HEARS_FLIGHT
from hil.peer import Peer
from sim.scenario import Scenario

BUDGET = 840_000  # instructions: 10 ms at 168 MHz, two cycles each


@dataclass(frozen=True)
class Costs:
    """Instructions of every tick counted, in order, and the stack's depth in bytes."""

    ticks: tuple[int, ...]
    stack_bytes: int

    @property
    def typical(self) -> int:
        """The median."""
        return int(statistics.median(self.ticks))

    @property
    def worst(self) -> int:
        """The dearest tick."""
        return max(self.ticks)


def count_ticks(
    scenario: Scenario,
    seed: int,
    ticks: int,
    prepare: Callable[[Emulator], None] = lambda emulator: None,
    begin: Callable[[LockstepSession], None] = lambda session: session.begin(),
    on_done: Callable[[Any], None] = lambda done: None,
) -> Costs:
    """Fly so many ticks in lockstep on a counted board, and read its meter after each."""
    clock = RealClock()
    costs = []
    with QemuBoard(build("flight"), counted=True) as board:
        link = Link(board.port, clock)
        emulator = Emulator(Peer(link, clock, ROLE_BENCH, BENCH_HEARS_FLIGHT), scenario, seed)
        prepare(emulator)
        emulator.meet()
        session = LockstepSession(emulator)
        begin(session)
        for _ in range(ticks):
            going, done = session.fly_tick()
            on_done(done)
            costs.append(board.meter()[1])
            if not going:
                break
        return Costs(tuple(costs), board.stack_used())
