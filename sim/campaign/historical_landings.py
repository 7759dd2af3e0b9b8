"""Historical landings: published figures compared with simulated ones.

Every scenario that names published figures is flown twice with the same seed, with the parameters
of its time (`as-flown`) and with Leadline's (`default`). The table is `sim/scenarios/HISTORY.md`,
written by `leadline scenarios --history --out FILE`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.evaluation.published_figures import FIGURES, Track, measure
from sim.plant.world import TRUTH_L
from sim.run.fly import Result, evaluate_run, new_run
from sim.run.loop import as_rows, fly_ticks, observe_run
from sim.scenario.load import SCENARIOS, Scenario, library, load
from sim.scenario.schema import AS_FLOWN, DEFAULT

HISTORY_PAGE = SCENARIOS / "HISTORY.md"

# ticks between samples of a track: 10 Hz
SAMPLE_TICKS = 10

TRUTHS = {
    "t_s": ("t_ns", 1e-9),
    "clearance_m": ("altitude_m", 1.0),
    "v_down_mps": ("v_down_mps", 1.0),
    "v_horizontal_mps": ("v_horizontal_mps", 1.0),
    "tilt_deg": ("tilt_rad", 180.0 / np.pi),
    "thrust_N": ("thrust_N", 1.0),
}

OPENING = """\
# Landings of the past

Published figures of a flight, those of our vehicle with the parameters of its time, and those with
ours: the same seed, ground, sensors and faults. A figure after ~ was derived from published ones.
Sources, and what was inferred or transplanted, stand in each scenario's file.

Written by `leadline scenarios --history --out sim/scenarios/HISTORY.md`.
"""


@dataclass(frozen=True)
class Flight:
    """One flight of a scenario: its result and its track."""

    result: Result
    track: Track


@dataclass(frozen=True)
class Past:
    """One scenario of the past, flown with both presets."""

    scenario: Scenario
    as_flown: Flight
    ours: Flight

    def ends(self) -> dict[str, str]:
        """Verdicts of both flights."""
        return {
            "scenario": self.scenario.name,
            "as_flown": self.as_flown.result.verdict,
            "ours": self.ours.result.verdict,
        }

    def as_expected(self) -> bool:
        """True when both ended as the scenario expects."""
        scenario, ends = self.scenario, self.ends()
        expected = (scenario.expect_as_flown, scenario.expect_verdict)
        return (ends["as_flown"], ends["ours"]) == expected


def past_scenarios() -> list[Scenario]:
    """The scenarios of the library that are modelled on a flight, by name."""
    return [scenario for scenario in map(load, library()) if scenario.published is not None]


def fly_past(name: str) -> Past:
    """Fly one scenario with the parameters of its time and with ours, with its own seed."""
    then, now = load(name, params=AS_FLOWN), load(name, params=DEFAULT)
    return Past(now, fly_tracked(then, then.seed), fly_tracked(now, now.seed))


def fly_tracked(scenario: Scenario, seed: int) -> Flight:
    """Fly one descent in process and keep its track."""
    run = new_run(scenario, seed)
    rows = as_rows(run)
    truths = TRUTH_L.array(1)
    core = rows["state"]["core"]
    watched = {name: (truths[field], scale) for name, (field, scale) in TRUTHS.items()}
    watched["mode"] = (core["executive"]["mode"], 1)
    watched["believed_m"] = (core["estimate"]["altitude_m"], 1.0)
    watched["range_age_s"] = (core["estimate"]["range_age_s"], 1.0)
    place, axis = truths["r_BL_L_m"], run.world.errors.step_axis
    series: dict[str, list[float]] = {name: [] for name in (*watched, "along_m")}
    going = True
    while going:
        going = bool(fly_ticks(rows, SAMPLE_TICKS))
        observe_run(truths, rows)
        for name, (view, scale) in watched.items():
            series[name].append(view[0] * scale)
        series["along_m"].append(place[0, 0] * axis[0] + place[0, 1] * axis[1])
    result = evaluate_run(scenario, seed, run)
    return Flight(result, _track(run.world, result, series))


def _track(world: Any, result: Result, series: dict[str, list[float]]) -> Track:
    seen, terrain = world.touchdown, world.terrain
    contact, touched = result.touchdown, seen.first_t_ns >= 0
    edge = (float(terrain.step_x_m), float(terrain.step_y_m))
    axis = world.errors.step_axis
    return Track(
        **{name: np.array(values) for name, values in series.items()},
        first_valid_alt_m=result.first_valid_alt_m,
        first_fused_alt_m=result.first_fused_alt_m,
        contact_t_s=float(seen.first_t_ns) * 1e-9 if touched else None,
        contact_v_down_mps=contact.v_down_mps if contact else None,
        contact_v_horizontal_mps=contact.v_horizontal_mps if contact else None,
        contact_tilt_deg=contact.tilt_deg if contact else None,
        contacts=int(seen.contacts),
        miss_m=contact.miss_m if contact else None,
        dry_t_s=float(seen.dry_t_ns) * 1e-9 if seen.dry_t_ns >= 0 else None,
        step_along_m=float(edge[0] * axis[0] + edge[1] * axis[1]),
    )


# --- the table -----------------------------------------------------------------------------


def history_of(pasts: Iterable[Past]) -> str:
    """The table of scenarios that were flown."""
    return "\n".join([OPENING, *(section(past) for past in pasts)])


def section(past: Past) -> str:
    """One scenario's part of the table."""
    head = ["| figure | published | as flown, simulated | ours |", "|---|---|---|---|"]
    ends = (past.as_flown.result.verdict, past.ours.result.verdict)
    rows = [f"| end |  | {ends[0]} | {ends[1]} |"]
    for name, published in published_column(past.scenario).items():
        cells = [_shown(measure(name, flight.track)) for flight in (past.as_flown, past.ours)]
        rows.append(f"| {_label(name)} | {published} | {' | '.join(cells)} |")
    scenario = past.scenario
    return "\n".join([f"## {scenario.name}", "", scenario.doc, "", *head, *rows, ""])


def published_column(scenario: Scenario) -> dict[str, str]:
    """Published figures of a scenario as the table shows them, by name; inferred ones after a ~."""
    shown = {name: _shown(value) for name, value in (scenario.published or {}).items()}
    return shown | {name: f"~{_shown(value)}" for name, value in scenario.inferred.items()}


def _label(name: str) -> str:
    figure = FIGURES.get(name)
    return f"`{name}`, {figure.doc}" if figure else f"`{name}`"


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.3g}"
