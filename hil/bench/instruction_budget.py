"""What a flight tick costs on a board, counted exactly: one count for every instruction.

Under `-icount shift=0` the emulator's clock moves one nanosecond with every instruction, and the
shell's meter runs on that clock. The counts are the same in every run, so that a change is a
change of the code; how long an instruction takes on silicon is another matter (1.5 to 2 cycles).

`python -m hil.bench.instruction_budget` measures anew and writes the baseline.
"""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path

from hil.bench.bench import Bench
from hil.bench.lockstep import LockstepSession
from hil.boards.build import build
from hil.boards.flight_payload import FLIGHT_PAYLOAD
from hil.boards.qemu import QemuBoard
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.protocol.peer import Peer
from hil.wire.messages import BENCH_RECEIVES_FROM_FLIGHT
from hil.wire.session_messages import Role
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.layers import parse
from sim.scenario.load import Scenario, assemble, load

BUDGET = 840_000  # instructions: 10 ms at 168 MHz, two cycles each
BASELINE = Path(__file__).parents[1] / "firmware" / "budget.json"
SEED = 0
LONG_REPLAY_TICKS = 5
REPLAYING = "state.core.navigation.replaying"
SILENCE_LIMIT_NS = 60 * NS_PER_S


@dataclass(frozen=True)
class Costs:
    """Instructions of every tick counted, in order, and the stack's depth in bytes."""

    ticks: tuple[int, ...]
    replayed: int  # ticks in which the grid was behind
    stack_bytes: int

    @property
    def typical(self) -> int:
        """The median."""
        return int(statistics.median(self.ticks))

    @property
    def worst(self) -> int:
        """The most expensive tick."""
        return max(self.ticks)


@dataclass(frozen=True)
class Stretch:
    """A part of a flight that is counted: so many ticks from a given one on."""

    scenario: Scenario
    first: int
    ticks: int


def stretches() -> dict[str, Stretch]:
    """What is counted: a stretch of the vertical descent, nominal, and the same with a replay.

    For the replay ranges are held back below 2.5 km and come 7.9 s late, all together: nearly as
    much as the rings hold.
    """
    nominal = load("nominal")
    fault = {"kind": "burst", "sensor": "range", "period_s": 7.9, "from_altitude_m": 2500.0}
    burst = assemble({**parse(nominal.text, "nominal: "), "faults": [fault]}, "burst: ")
    released = _first_long_replay(burst)
    return {
        "descent": Stretch(nominal, released, 60),
        "replay": Stretch(burst, released - 5, 120),
    }


def _first_long_replay(scenario: Scenario) -> int:
    """The tick in which the grid first begins to redo more than a handful of its points."""
    run = new_run(scenario, SEED)
    rows = as_rows(run)
    in_a_row = 0
    while in_a_row < LONG_REPLAY_TICKS:
        if not fly_ticks(rows, 1):
            raise ValueError(f"{scenario.name}: no replay")
        in_a_row = in_a_row + 1 if run.state.core.navigation.replaying else 0
    return int(run.world.tick) - in_a_row


def count_ticks(stretch: Stretch) -> Costs:
    """Fly a stretch in lockstep on a counted board, and read its meter after every tick."""
    clock = RealClock()
    costs = []
    run = new_run(stretch.scenario, SEED)
    fly_ticks(as_rows(run), stretch.first)
    replayed = 0
    with QemuBoard(build("flight"), counted=True) as board:
        link = Link(board.port, clock)
        peer = Peer(link, clock, Role.BENCH, BENCH_RECEIVES_FROM_FLIGHT)
        bench = Bench(peer, stretch.scenario, SEED)
        bench.rows[0] = run
        bench.meet()
        session = LockstepSession(bench, silence_limit_ns=SILENCE_LIMIT_NS)
        session.begin()
        replaying = board.address_of("payload_memory") + FLIGHT_PAYLOAD.offset(REPLAYING)
        for _ in range(stretch.ticks):
            session.fly_tick()
            costs.append(board.meter()[1])
            replayed += board.read_memory(replaying, 1)[0]
        return Costs(tuple(costs), replayed, board.stack_used())


def measure() -> dict[str, int]:
    """The figures of which the baseline is a copy."""
    found = {name: count_ticks(stretch) for name, stretch in stretches().items()}
    return {
        "typical_tick": found["descent"].typical,
        "worst_tick": found["descent"].worst,
        "worst_tick_with_replay": found["replay"].worst,
        "ticks_to_replay_8_s": found["replay"].replayed,
        "stack_bytes": max(costs.stack_bytes for costs in found.values()),
    }


def baseline() -> dict[str, int]:
    """The committed figures, which a test allows to grow by a tenth."""
    figures: dict[str, int] = json.loads(BASELINE.read_text())
    return figures


if __name__ == "__main__":
    BASELINE.write_text(json.dumps(measure(), indent=2) + "\n")
