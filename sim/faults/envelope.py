"""Reading sim/envelope.toml: bounds within which every single fault is landed.

The envelope holds for the default parameters, in the scenario that it names and with its
dispersions. Tests draw from it, `leadline search` looks for counterexamples.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sim.faults.magnitudes import Bounds

TABLE = Path(__file__).parents[1] / "envelope.toml"


@dataclass(frozen=True)
class Envelope:
    """`inside`: bounds by kind or kind:sensor; `outside`: reasons for what is not covered."""

    scenario: str
    inside: dict[str, Bounds]
    outside: dict[str, str]


class Table(BaseModel):
    """Shape of the file."""

    model_config = ConfigDict(extra="forbid")
    scenario: str
    inside: dict[str, dict[str, float | list[float]]]
    outside: dict[str, str]


def read_envelope() -> Envelope:
    """The documented envelope."""
    table = Table.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))
    inside = {label: _bounds(row) for label, row in table.inside.items()}
    return Envelope(table.scenario, inside, table.outside)


def _bounds(row: dict[str, float | list[float]]) -> Bounds:
    spans = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    limits = {key: value for key, value in row.items() if not isinstance(value, list)}
    return Bounds({key: (lo, hi) for key, (lo, hi) in spans.items()}, **limits)
