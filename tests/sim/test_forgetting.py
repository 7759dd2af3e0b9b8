"""A fault that ends is forgotten: ranges are fused again within five seconds of its end."""

import functools

import pytest

from fsw.interface.timing import TICK_NS
from sim.faults.table import KINDS
from sim.run.fly import new_run
from sim.run.loop import RUN, as_rows, fly_ticks
from sim.scenario.load import load
from tests.sim.faults.test_windows import AT_WORK

S = 1_000_000_000
FROM_M = 1800.0
LASTS_S = 6.0
FORGOTTEN_S = 5.0
SEEDS = (0, 1)
# what the same instrument may do worse than in the table of kinds at work
WORSE = [
    {"kind": "delayed", "delay_s": 5.0},
    {"kind": "stamp_offset", "stamp_offset_s": 3.0},
    {"kind": "stamp_drift", "drift": -0.1},
    {"kind": "wrong", "offset_m": -900.0},
    {"kind": "wrong", "ramp_mps": 60.0},
    {"kind": "scale", "scale": 0.2},
    {"kind": "noise", "sigma_m": 400.0},
    {"kind": "garbage", "value_m": 5000.0},
    {"kind": "stuck", "value_m": 30.0},
    {"kind": "multiple_returns", "probability": 1.0, "offset_m": 500.0},
    {"kind": "restart", "outage_s": 2.0},
]
# a kind that holds from the start is another matter: it keeps ranges from ever being fused
ENDING = [kind for kind in AT_WORK if KINDS[kind].begins and KINDS[kind].ends]
ROWS = [{"kind": kind, **AT_WORK[kind]} for kind in ENDING] + WORSE


def ticks(seconds):
    return round(seconds * S / TICK_NS)


def name_of(row):
    return "-".join(str(value) for value in row.values())


@functools.cache
def low(seed):
    """The nominal run stopped where it comes down to FROM_M, with ranges fused long since."""
    run = new_run(load("nominal"), seed)
    while run.world.truth.clearance_m > FROM_M:
        assert fly_ticks(as_rows(run), 10)
    assert run.state.core.navigation.grid.trust.locked == 1
    return run


def from_there_on(seed, row):
    """A run from there on with a fault that begins now; what comes before cannot differ."""
    run = RUN.from_bytes(low(seed).tobytes())
    begin_s = int(run.world.t_ns) / S
    window = {"start_s": begin_s, "end_s": begin_s + LASTS_S}
    keys = [(f"faults.0.{key}", str(value)) for key, value in {**row, **window}.items()]
    faulty = load("nominal", keys).world.board
    run.world.board.faults = faulty.faults
    run.world.board.fault_memory = faulty.fault_memory
    run.world.board.n_faults = faulty.n_faults
    return run


@pytest.mark.parametrize("row", ROWS, ids=name_of)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_that_ends_is_forgotten(row, seed):
    run = from_there_on(seed, row)
    assert fly_ticks(as_rows(run), ticks(LASTS_S) + 1)
    ended_ns = int(run.world.t_ns)
    memory = run.world.board.fault_memory[0]
    assert memory.opened_ns >= 0 and memory.open == 0
    trust = run.state.core.navigation.grid.trust
    # looked at in every tick, since a replay puts the grid back for a while
    assert any(
        fly_ticks(as_rows(run), 1) and int(trust.last_fused_t_ns) > ended_ns
        for _ in range(ticks(FORGOTTEN_S))
    )


def test_nothing_is_fused_while_a_fault_lasts_that_leaves_nothing_true():
    run = from_there_on(0, {"kind": "off"})
    assert fly_ticks(as_rows(run), ticks(LASTS_S))
    age_ns = run.world.t_ns - run.state.core.navigation.grid.trust.last_fused_t_ns
    assert age_ns > (LASTS_S - 0.5) * S
