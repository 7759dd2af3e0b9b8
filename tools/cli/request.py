"""What a command line asks for: one object for what all flights share, small ones for the rest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.scenario.load import Scenario

Overrides = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A scenario by name or file, with seed, overrides and preset; None leaves it its own."""

    scenario: str
    seed: int | None = None
    overrides: Overrides = ()
    params: str | None = None

    def read(self) -> tuple["Scenario", int]:
        """The scenario, and the seed to fly it with. Raises InputError."""
        from sim.scenario.load import load, seed_of

        scenario = load(self.scenario, self.overrides, self.params)
        return scenario, seed_of(scenario, self.seed)


@dataclass(frozen=True, kw_only=True)
class Ends:
    """Who plays the sensors and who flies; None where all there are shall be compared."""

    sensors: str | None = None
    flight: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a flight: its begin and its length [s], None for the whole."""

    from_s: float | None = None
    for_s: float | None = None

    def is_whole(self) -> bool:
        """True when neither end is given."""
        return self.from_s is None and self.for_s is None


@dataclass(frozen=True, kw_only=True)
class Port:
    """A serial port that pyserial can open, and its speed [bit/s]."""

    url: str
    baud: int
