"""Could this run have landed? Judged after the fact, by one who knows everything.

*Survivable* unless certified otherwise. The certificate (sim.evaluation.survivability_bound) says
that nothing could have landed from the moment a fault opened. The witness says that something
could: the run itself when it landed, or the same flight software with the same vehicle, ground and
errors at the start, fed the truth. Where neither speaks the case is open, and counts as survivable.

A survivable loss is then laid at a door. `hedging`: by the first truthful range after the onset it
was too late, so guidance had been too fast, or had burnt too much, before it knew. `navigation`:
it was not too late, so what was told was not believed. `other`: no range could have helped.
"""

from dataclasses import dataclass, replace
from typing import Any

from sim.evaluation.survivability_bound import certificate
from sim.faults.reader import kind_name
from sim.faults.table import FAULT, KINDS
from sim.plant.world import WORLD
from sim.run.fly import Result, fly
from sim.scenario.load import Scenario

LANDED = "landed"
HOW = ("witness", "certificate", "open")
LOSSES = ("hedging", "navigation", "other")

# a rangefinder that sees the ground from high up, at once, and never lies
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
class Judgement:
    """Whether a run could have landed, how that is known, and what it was lost by.

    `why` is the certificate in words; `loss` one of LOSSES, None for what landed or could not.
    """

    survivable: bool
    how: str
    why: str | None
    loss: str | None


def evaluate_survivability(scenario: Scenario, result: Result) -> Judgement:
    """The judgement of a run; a lost one without a certificate is flown again by the witness."""
    if result.verdict == LANDED:
        return Judgement(True, "witness", None, None)
    why = certificate(result.onset) if result.onset else None
    if why:
        return Judgement(False, "certificate", why, None)
    how = "witness" if witness_lands(scenario, result.seed) else "open"
    return Judgement(True, how, None, loss(scenario, result))


def loss(scenario: Scenario, result: Result) -> str:
    """What a survivable run was lost by: one of LOSSES."""
    misled = all(KINDS[name].group.spec.misleads for name in fault_names(scenario))
    if not misled or result.informed is None:
        return "other"
    return "hedging" if certificate(result.informed) else "navigation"


def witness_lands(scenario: Scenario, seed: int) -> bool:
    """True when the same flight software, fed the truth, lands."""
    return fly(witness_of(scenario), seed).verdict == LANDED


def witness_of(scenario: Scenario) -> Scenario:
    """The scenario with a perfect rangefinder and only the faults that no knowledge takes away."""
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
