"""Delay margins: the greatest fault magnitude that still lands, by bisection and flight phase.

A margin is the largest value of one magnitude (the lowest, for the altitude of the first range)
with which every seed still lands. Bisection assumes that a greater magnitude is worse. Where that
does not hold, it still finds a value that lands next to a slightly worse one that does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fsw.interface.events import EventCode
from fsw.interface.modes import Mode
from sim.campaign.executors import Row
from sim.common.rounding import six_digits
from sim.run.fly import fly
from sim.run.survivability import LANDED
from sim.scenario.load import Scenario, load

WHOLE = "all"
PHASES = ("approach", "descent", "terminal", WHOLE)

# resolution of a margin, as a share of the span that is searched
RESOLUTION = 0.01

Keys = tuple[tuple[str, str], ...]


def _delayed(value: float, mode: Keys, start_s: float) -> Keys:
    return (("kind", "delayed"), ("delay_s", repr(value)), *mode)


def _jitter(value: float, mode: Keys, start_s: float) -> Keys:
    return (("kind", "jitter"), ("jitter_s", repr(value)), *mode)


def _dropout(value: float, mode: Keys, start_s: float) -> Keys:
    return (("kind", "off"), ("start_s", repr(start_s)), ("end_s", repr(start_s + value)))


def _late(value: float, mode: Keys, start_s: float) -> Keys:
    return (("kind", "late_acquisition"), ("until_altitude_m", repr(value)))


@dataclass(frozen=True)
class Quantity:
    """One magnitude, searched between `harmless` and `worst`.

    `fault` gives the keys of the row: from the value, the key of the phase's window, and the time
    at which the phase begins in a flight without it.
    """

    name: str
    unit: str
    harmless: float
    worst: float
    fault: Callable[[float, Keys, float], Keys]
    phases: tuple[str, ...] = PHASES


QUANTITIES = (
    Quantity("constant delay", "s", 0.0, 20.0, _delayed),
    Quantity("jitter", "s", 0.0, 20.0, _jitter),
    Quantity("dropout", "s", 0.1, 120.0, _dropout),
    Quantity("first range", "m", 3400.0, 5.0, _late, (WHOLE,)),
)


@dataclass(frozen=True)
class Probe:
    """One margin to find."""

    quantity: Quantity
    phase: str
    params: str


@dataclass(frozen=True)
class Survey:
    """All margins to find in a scenario; plain data, passed to every worker process."""

    scenario: str
    overrides: Keys
    seeds: tuple[int, ...]
    probes: tuple[Probe, ...]


def survey_of(
    scenario: str, overrides: Keys, seeds: tuple[int, ...], presets: tuple[str, ...]
) -> Survey:
    """Every quantity in every phase with every preset. Raises InputError for a bad scenario."""
    for params in presets:
        load(scenario, overrides, params)
    probes = tuple(
        Probe(quantity, phase, params)
        for quantity in QUANTITIES
        for phase in quantity.phases
        for params in presets
    )
    return Survey(scenario, overrides, seeds, probes)


def measure(survey: Survey, index: int) -> Row:
    """Find one margin: None where nothing lands, `beyond` where the worst value lands too."""
    probe = survey.probes[index]
    quantity = probe.quantity
    base = load(survey.scenario, survey.overrides, probe.params)
    begins = {seed: phase_begins_s(base, seed, probe.phase) for seed in survey.seeds}
    mode = () if probe.phase == WHOLE else (("mode", probe.phase),)
    number = int(base.world.board.n_faults)

    def lands(seed: int, value: float) -> bool:
        start_s = begins[seed]
        if start_s is None:
            return False
        keys = quantity.fault(six_digits(value), mode, start_s)
        row = tuple((f"faults.{number}.{key}", text) for key, text in keys)
        scenario = load(survey.scenario, (*survey.overrides, *row), probe.params)
        return fly(scenario, seed).verdict == LANDED

    found = last_passing(
        lambda value: all(lands(seed, value) for seed in survey.seeds),
        quantity.harmless,
        quantity.worst,
    )
    return {
        "index": index,
        "quantity": quantity.name,
        "unit": quantity.unit,
        "phase": probe.phase,
        "params": probe.params,
        "margin": None if found is None else six_digits(found),
        "beyond": found == quantity.worst,
    }


def last_passing(passes: Callable[[float], bool], harmless: float, worst: float) -> float | None:
    """The value nearest to `worst` that passes; None when not even `harmless` does."""
    if passes(worst):
        return worst
    if not passes(harmless):
        return None
    good, bad = harmless, worst
    while abs(bad - good) > RESOLUTION * abs(worst - harmless):
        middle = 0.5 * (good + bad)
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


def phase_begins_s(scenario: Scenario, seed: int, phase: str) -> float | None:
    """When a flight enters a phase, the first of them for all; None when it never does."""
    mode = Mode.of(PHASES[0] if phase == WHOLE else phase)
    for event in fly(scenario, seed).event_records:
        if int(event.code) == EventCode.MODE_CHANGED and int(event.a) == mode:
            return six_digits(float(event.t_ns) * 1e-9)
    return None
