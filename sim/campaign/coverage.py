"""Coverage of the fault space by a campaign.

Four dimensions of a run with one fault: its kind, the flight phase at its onset, the clearance
there, and the third of the spec's range in which its magnitude lies. Every pair of values of two
dimensions is a cell; so is every pair of kinds that a spec may draw together. Possible cells that
no run has visited are listed: a kind that is open from the start has only that onset, and a kind
without magnitude has no thirds.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations, product
from typing import Any

from sim.campaign.executors import Row
from sim.campaign.spec import Spec
from sim.faults.table import KINDS

PHASES = ("standby", "coast", "braking", "approach", "descent", "terminal")

# lower edges of the clearance at onset [m]
HEIGHTS = ((5000.0, "above 5 km"), (1500.0, "1.5 to 5 km"), (300.0, "300 m to 1.5 km"))
LOWEST = "below 300 m"
THIRDS = ("low", "middle", "high")
DIMENSIONS = ("kind", "phase", "magnitude", "onset")
Cell = tuple[str, str, str, str]  # two dimensions and a value of each


def coverage(spec: Spec, rows: Iterable[Row]) -> dict[str, Any]:
    """Runs of each visited cell (`cells`), and the cells without a run (`unvisited`)."""
    rows = list(rows)
    seen = Counter(cell for row in rows for cell in cells_of(row))
    wanted = possible_cells(spec)
    return {
        "cells": [{**_named(cell), "runs": seen[cell]} for cell in wanted if seen[cell]],
        "unvisited": [_named(cell) for cell in wanted if not seen[cell]],
    }


def cells_of(row: Row) -> list[Cell]:
    """The cells that a row has visited."""
    kinds = row["kind"].split("+")
    if len(kinds) > 1:
        return [("kind", "kind", *pair) for pair in combinations(sorted(kinds), 2)]
    values = {
        "kind": row["kind"],
        "phase": row["onset_phase"],
        "magnitude": None if row["size"] is None else THIRDS[min(int(3.0 * row["size"]), 2)],
        "onset": None if row["onset_alt_m"] is None else height_band(row["onset_alt_m"]),
    }
    known = [name for name in DIMENSIONS if values[name] is not None]
    return [(a, b, values[a], values[b]) for a, b in combinations(known, 2)]


def height_band(clearance_m: float) -> str:
    """The band that a clearance lies in."""
    return next((name for edge, name in HEIGHTS if clearance_m >= edge), LOWEST)


def possible_cells(spec: Spec) -> list[Cell]:
    """Every cell that runs of a spec may visit."""
    bands = (*(name for _, name in HEIGHTS), LOWEST)
    cells: dict[Cell, None] = {}
    for template in spec.templates:
        begins = KINDS[template.kind].begins
        values = {
            "kind": (template.label,),
            "phase": PHASES if begins else PHASES[:1],
            "magnitude": THIRDS if template.magnitude else (),
            "onset": bands if begins else bands[:1],
        }
        for a, b in combinations(DIMENSIONS, 2):
            for x, y in product(values[a], values[b]):
                cells[a, b, x, y] = None
    for block in spec.blocks:
        if block.faults > 1:
            kinds = sorted({spec.templates[i].label for i in block.templates})
            for x, y in combinations(kinds, 2):
                cells["kind", "kind", x, y] = None
    return list(cells)


def _named(cell: Cell) -> dict[str, str]:
    a, b, x, y = cell
    return {"dimensions": f"{a} x {b}", "first": x, "second": y}
