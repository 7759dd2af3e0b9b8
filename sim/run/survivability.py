"""Survivability of a run: whether it could have landed, evaluated with the truth at hand.

A run counts as survivable unless the bound (sim.evaluation.survivability_bound) excludes every
landing from the moment a fault opened. `how` names the evidence. `landing`: the run itself landed,
or its perfect-knowledge run did: the same flight software with the same vehicle, ground and initial
errors, and a perfect rangefinder. `bound`: the bound excludes a landing. `open`: neither.

A survivable loss is then attributed. `hedging`: at the first truthful range after the onset no
landing was possible any more, so guidance had been too fast, or had burnt too much, before.
`navigation`: one was still possible, so the range was not used. `other`: no range could have
helped.
"""

from dataclasses import dataclass, replace
from typing import Any

from sim.evaluation.survivability_bound import unsurvivable_reason
from sim.faults.reader import kind_name
from sim.faults.table import FAULT, KINDS
from sim.plant.world import WORLD
from sim.run.fly import Result, fly
from sim.scenario.load import Scenario

LANDED = "landed"
LANDING, BOUND, OPEN = "landing", "bound", "open"
LOSSES = ("hedging", "navigation", "other")

# a rangefinder with full reach, no latency and no error
PERFECT_RANGE = {
    "latency_s": 0.0,
    "latency_sigma_s": 0.0,
    "sigma_m": 0.0,
    "sigma_share": 0.0,
    "quantum_m": 1e-3,
    "min_m": 0.0,
    "max_m": 2e4,
    "reach_m": 1e6,
    "loss_db": 0.0,
    "closing_mps": 1e6,
    "false_share": 0.0,
    "multiple_share": 0.0,
    "powered": 1,
}


@dataclass(frozen=True)
class Survivability:
    """Whether a run could have landed, on what evidence, and to what its loss is attributed.

    `how` is landing, bound or open; `why` the bound in words; `loss` one of LOSSES, None for a run
    that landed or could not have.
    """

    survivable: bool
    how: str
    why: str | None
    loss: str | None


def evaluate_survivability(scenario: Scenario, result: Result) -> Survivability:
    """Survivability of a run; a lost one that the bound allows is flown with perfect knowledge."""
    if result.verdict == LANDED:
        return Survivability(True, LANDING, None, None)
    why = unsurvivable_reason(result.onset) if result.onset else None
    if why:
        return Survivability(False, BOUND, why, None)
    how = LANDING if lands_with_perfect_knowledge(scenario, result.seed) else OPEN
    return Survivability(True, how, None, loss(scenario, result))


def loss(scenario: Scenario, result: Result) -> str:
    """What the loss of a survivable run is attributed to: one of LOSSES."""
    misled = all(KINDS[name].group.spec.misleads for name in fault_names(scenario))
    if not misled or result.first_truthful is None:
        return "other"
    return "hedging" if unsurvivable_reason(result.first_truthful) else "navigation"


def lands_with_perfect_knowledge(scenario: Scenario, seed: int) -> bool:
    """True when the same flight software lands with perfect knowledge."""
    return fly(with_perfect_knowledge(scenario), seed).verdict == LANDED


def with_perfect_knowledge(scenario: Scenario) -> Scenario:
    """The scenario with a perfect rangefinder and only the faults that knowledge cannot remove."""
    world = WORLD.from_bytes(scenario.world.tobytes())
    for name, value in PERFECT_RANGE.items():
        world.board.sensors.range[name] = value
    kept = [
        row.copy()
        for row in world.board.faults[: int(world.board.n_faults)]
        if KINDS[kind_name(row)].group.spec.persists
    ]
    for number in range(len(world.board.faults)):
        world.board.faults[number] = kept[number] if number < len(kept) else FAULT.new()
    world.board.n_faults = len(kept)
    return replace(scenario, world=world)


def fault_names(scenario: Scenario) -> list[str]:
    """Kinds of a scenario's faults, row by row."""
    world: Any = scenario.world
    return [kind_name(row) for row in world.board.faults[: int(world.board.n_faults)]]
