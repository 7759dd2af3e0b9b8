"""Rows of a campaign: one run each, flown and evaluated.

A row depends on nothing but plan and index: neither on time, process, nor order of the runs.
"""

import json
from dataclasses import asdict
from typing import Any

from sim.campaign.executors import Row
from sim.campaign.sampling import Draw, Plan, scenario_of
from sim.evaluation.verdict import Touchdown
from sim.faults.table import SENSOR_GROUP, FaultGroup, Sensor
from sim.run.fly import Result, fly
from sim.run.survivability import evaluate_survivability

# time covered by truthful ranges above 300 m below which range faults are reported as blind
ENOUGH_S = 5.0
RANGE, BLIND = FaultGroup.VALUE.spec.report, "blind"
NOTHING, MIXED, PAIRS = "none", "mixed", "-pairs"


def fly_row(plan: Plan, index: int) -> Row:
    """Fly one run of a plan and evaluate it."""
    draw = plan.draw(index)
    scenario = scenario_of(draw)
    result = fly(scenario, draw.seed)
    survivability = evaluate_survivability(scenario, result)
    return {
        **_identity(plan, draw, result),
        **_outcome(result),
        **asdict(survivability),
        **{f"vary.{key}": draw.varied.get(key) for key, _ in plan.spec.columns},
    }


def report_block(draw: Draw, truthful_s: float) -> str:
    """Block of the report in which a run is counted; several faults add `-pairs`."""
    if draw.block and draw.block.report:
        return draw.block.report
    blocks = {_fault_block(fault.template.group, fault.row) for fault in draw.faults}
    if not blocks:
        return NOTHING
    block = blocks.pop() if len(blocks) == 1 else MIXED
    if block == RANGE and truthful_s < ENOUGH_S:
        block = BLIND
    return block + (PAIRS if len(draw.faults) > 1 else "")


def _fault_block(group: FaultGroup, row: dict[str, Any]) -> str:
    reported = SENSOR_GROUP[Sensor.of(row["sensor"])] if "sensor" in row else group
    return reported.spec.report


def _identity(plan: Plan, draw: Draw, result: Result) -> Row:
    first = draw.faults[0] if draw.faults else None
    onset = result.onset
    return {
        "index": draw.index,
        "seed": draw.seed,
        "params": plan.params,
        "block": report_block(draw, result.truthful_s),
        "drawn_from": draw.block.name if draw.block else NOTHING,
        "kind": "+".join(sorted(fault.template.label for fault in draw.faults)) or NOTHING,
        "window": "+".join(fault.window for fault in draw.faults),
        "faults": json.dumps([fault.row for fault in draw.faults]),
        "magnitude_key": first.template.magnitude if first else None,
        "magnitude": first.magnitude if first else None,
        "size": first.size if first else None,
        "onset_s": onset.t_s if onset else None,
        "onset_alt_m": onset.height_m if onset else None,
        "onset_phase": onset.mode if onset else None,
        "truthful_s": result.truthful_s,
    }


def _outcome(result: Result) -> Row:
    touchdown = result.touchdown
    names = Touchdown.__dataclass_fields__
    truthful = result.first_truthful
    return {
        "verdict": result.verdict,
        "time_s": result.time_s,
        **{name: getattr(touchdown, name) if touchdown else None for name in names},
        "propellant_left_kg": result.propellant_left_kg,
        "first_valid_alt_m": result.first_valid_alt_m,
        "first_fused_alt_m": result.first_fused_alt_m,
        "first_truthful_alt_m": truthful.height_m if truthful else None,
        "first_truthful_v_down_mps": truthful.v_down_mps if truthful else None,
        "worst_stopping_margin_m": result.worst_stopping_margin_m,
        "state_sha256": result.state_sha256,
    }
