"""Loading a scenario: a strict TOML file, read into the records of world and flight software.

The truth of a vehicle and the flight software's model of it share no figures. What mission planning
loads into the flight computer a scenario gives once: the site, the mass at the start and the cant
of the rangefinder go to both sides, unless `[params]` sets them apart, which makes a datum error or
a wrong load.

Later layers win: defaults of the records, vehicle file, the scenario's truth, a preset of
parameters, the scenario's own `[params]`, its `[as_flown]` with that preset, overrides.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsw.executive.state import PARAMS
from sim.common.errors import InputError
from sim.common.toml_records import as_table, fill, nearest
from sim.evaluation.published_figures import FIGURES, is_figure
from sim.evaluation.verdict import RunVerdict
from sim.faults.reader import read_faults
from sim.plant.initial_conditions import prepare
from sim.plant.world import WORLD
from sim.scenario.layers import merged, override, owner_of, parse, record_at, with_overlay
from sim.scenario.schema import AS_FLOWN, DEFAULT, Outer, Run, VehicleFile, read_outer

HOME = Path(__file__).parents[1]
SCENARIOS = HOME / "scenarios"
VEHICLES = HOME / "vehicles"
PRESETS = HOME / "params"

SEED_MAX = 2**51 - 1  # a key of 64 bits holds a seed and one of 4096 streams

# tables of a scenario that are records of the world, and where they are in it
WORLD_TABLES = {
    "moon": "moon",
    "site": "site",
    "terrain": "terrain",
    "sensors": "board.sensors",
    "dispersions": "dispersions",
    "start": "start",
}

# truth that mission planning loads into the flight computer: from the world, to the parameters
LOADED = (
    ("site.latitude_deg", "site.latitude_deg"),
    ("site.longitude_deg", "site.longitude_deg"),
    ("site.height_m", "site.height_m"),
    ("board.sensors.range.cant_deg", "vehicle.range_cant_deg"),
)


@dataclass(frozen=True)
class Scenario:
    """A loaded scenario: templates of world and parameters, before errors are drawn.

    `build` copies `world` and `params`. `text` is the file as it was read, `seed` that of its
    `[run]`. `published` and `inferred` hold figures of the flight that it is modelled on, by names
    of sim.evaluation.published_figures; `published` is None without such a flight.
    """

    name: str
    doc: str
    expect_verdict: str
    expect_as_flown: str
    published: Mapping[str, float] | None
    inferred: Mapping[str, float]
    seed: int
    world: Any
    params: Any
    params_name: str
    overrides: tuple[tuple[str, str], ...]
    text: str


ScenarioLike = str | os.PathLike[str] | Scenario


def library() -> list[str]:
    """Names of the scenarios that come with the project."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load(
    name_or_path: str | os.PathLike[str],
    overrides: Iterable[tuple[str, str]] = (),
    params: str | None = None,
) -> Scenario:
    """Load a scenario by library name or file, with overrides and a preset of parameters.

    Overrides are pairs of a dotted key and a TOML value as text: `("start.propellant_kg", "360")`.
    `params` is default, as-flown or a TOML file, None for the scenario's own preset. Raises
    InputError, one line.
    """
    text, where = read_text(_plain(name_or_path, "scenario"))
    params = params if params is None else _plain(params, "params")
    document = parse(text, where)
    return assemble(document, where, overrides=overrides, params=params, text=text)


def scenario_of(scenario: ScenarioLike, params: str | None = None) -> Scenario:
    """A scenario that may be given by library name or file, with another preset where one is given.

    Raises InputError, one line.
    """
    if not isinstance(scenario, Scenario):
        return load(scenario, params=params)
    if params is None or params == scenario.params_name:
        return scenario
    where = f"{scenario.name}: "
    document = parse(scenario.text, where)
    return assemble(
        document, where, overrides=scenario.overrides, params=params, text=scenario.text
    )


def scenarios_of(
    scenarios: ScenarioLike | Iterable[ScenarioLike], params: str | None = None
) -> list[Scenario]:
    """One scenario or several, each as `scenario_of` takes it. Raises InputError."""
    if isinstance(scenarios, str | os.PathLike | Scenario):
        return [scenario_of(scenarios, params)]
    return [scenario_of(each, params) for each in scenarios]


def document_of(scenario: Scenario) -> dict[str, Any]:
    """A scenario's document with its overrides in it."""
    document = parse(scenario.text, f"{scenario.name}: ")
    for key, value in scenario.overrides:
        document = with_overlay(document, override(key, value))
    faults = document.get("faults", [])
    if isinstance(faults, Mapping):  # rows that overrides alone have given, by number
        document["faults"] = [faults[number] for number in sorted(faults, key=int)]
    return document


def read_text(name_or_path: str) -> tuple[str, str]:
    """Text of a scenario file, and the prefix of errors in it. Raises InputError."""
    path = _find(name_or_path)
    return _read(path), f"{_label(path)}: "


def assemble(
    document: Mapping[str, Any],
    where: str,
    *,
    overrides: Iterable[tuple[str, str]] = (),
    params: str | None = None,
    text: str = "",
) -> Scenario:
    """A scenario from its document; `where` is the prefix of errors in it. Raises InputError."""
    overrides = tuple(overrides)
    outer = read_outer(Outer, document, where)
    layers = [(outer, where), *((override(key, value), "--set: ") for key, value in overrides)]
    for layer, origin in layers[1:]:
        read_outer(Outer, {**outer, **layer, "faults": []}, origin)
    run = Run.model_validate(merged(layer.get("run", {}) for layer, _ in layers))
    preset = params or run.params

    world, flight = WORLD.new(), PARAMS.new()
    _fill_vehicle(world, flight, layers)
    for layer, origin in layers:
        for table, place in WORLD_TABLES.items():
            owner, name = owner_of(world, place)
            fill(owner[name], record_at(WORLD, place), layer.get(table, {}), origin + table)
    read_faults(world, layers)
    _load_flight_computer(world, flight)
    _fill_preset(flight, preset)
    for layer, origin in layers:
        fill(flight, PARAMS, layer.get("params", {}), origin + "params")
        if "as_flown" in layer:
            flown = flight if preset == AS_FLOWN else PARAMS.new()
            fill(flown, PARAMS, layer["as_flown"], origin + "as_flown")
    return Scenario(
        name=outer["name"],
        doc=outer["doc"],
        expect_verdict=_expected(layers, "verdict"),
        expect_as_flown=_expected(layers, "as_flown"),
        published=_figures(layers, "published"),
        inferred=_figures(layers, "inferred") or {},
        seed=run.seed,
        world=world,
        params=flight,
        params_name=preset,
        overrides=overrides,
        text=text,
    )


def _figures(layers: list[tuple[Mapping[str, Any], str]], table: str) -> dict[str, float] | None:
    """The figures of a past flight in a table; None without the table. Raises InputError."""
    tables = [(layer[table], origin) for layer, origin in layers if table in layer]
    for figures, origin in tables:
        for name in figures:
            if not is_figure(name):
                hint = nearest(name, FIGURES)
                raise InputError(f"{origin}{table}.{name}: unknown figure{hint}")
    return merged(figures for figures, _ in tables) if tables else None


def build(scenario: Scenario, seed: int) -> tuple[Any, Any]:
    """World and parameters of one run, placed and dispersed; the same for the same seed."""
    check_seed(seed)
    world = WORLD.from_bytes(scenario.world.tobytes())
    params = PARAMS.from_bytes(scenario.params.tobytes())
    world.seed = seed
    prepare(world)
    return world, params


def seed_of(scenario: Scenario, seed: int | None) -> int:
    """The seed given, else the scenario's own. Raises InputError for one out of range."""
    seed = scenario.seed if seed is None else seed
    check_seed(seed)
    return seed


def check_seed(seed: int) -> None:
    """Raise InputError for a seed out of range."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed <= SEED_MAX:
        raise InputError(f"seed: expected an integer from 0 to {SEED_MAX}, not {seed}")


# --- files -------------------------------------------------------------------------------


def _plain(name_or_path: str | os.PathLike[str], what: str) -> str:
    if not isinstance(name_or_path, str | os.PathLike):
        raise InputError(f"{what}: expected a name or a path, not {name_or_path!r}")
    return os.fspath(name_or_path)


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path)
    names = library()
    if name_or_path not in names:
        hint = nearest(name_or_path, names) or f"; there are {', '.join(names)}"
        raise InputError(f"unknown scenario '{name_or_path}'{hint}")
    return SCENARIOS / f"{name_or_path}.toml"


def _label(path: Path) -> str:
    """A path for messages: files of the library relative to the project's folder."""
    return str(path.relative_to(HOME.parent)) if path.is_relative_to(HOME) else str(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{_label(path)}: {(error.strerror or 'unreadable').lower()}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{_label(path)}: expected UTF-8 text") from error


def _fill_vehicle(world: Any, params: Any, layers: list[tuple[Mapping[str, Any], str]]) -> None:
    """Fill in the vehicle file, then the scenario's changes to its truth."""
    tables = [(dict(layer.get("vehicle", {})), f"{origin}vehicle") for layer, origin in layers]
    chosen = [(t.pop("class"), where) for t, where in tables if "class" in t]
    if not chosen:
        raise InputError(f"{tables[0][1]}.class: missing")
    name, where = chosen[-1]
    names = sorted(path.stem for path in VEHICLES.glob("*.toml"))
    if name not in names:
        raise InputError(f"{where}.class: expected one of {', '.join(names)}, not '{name}'")
    path = VEHICLES / f"{name}.toml"
    origin = f"{_label(path)}: "
    document = read_outer(VehicleFile, parse(_read(path), origin), origin)
    truth, belief = record_at(WORLD, "vehicle"), record_at(PARAMS, "vehicle")
    fill(world.vehicle, truth, document["truth"], f"{origin}truth")
    fill(params.vehicle, belief, document["belief"], f"{origin}belief")
    for table, spot in tables:
        fill(world.vehicle, truth, table, spot)


def _load_flight_computer(world: Any, params: Any) -> None:
    for truth, belief in LOADED:
        owner, name = owner_of(params, belief)
        source, key = owner_of(world, truth)
        owner[name] = source[key]
    params.vehicle.mass_kg = world.vehicle.dry_mass_kg + world.start.propellant_kg


def _fill_preset(params: Any, preset: str) -> None:
    if preset == DEFAULT:
        return
    is_file = preset.endswith(".toml") or "/" in preset
    if not is_file and preset != AS_FLOWN:
        raise InputError(f"--params: expected default, as-flown or a TOML file, not '{preset}'")
    path = Path(preset) if is_file else PRESETS / f"{preset}.toml"
    where = f"{_label(path)}: "
    fill(params, PARAMS, as_table(parse(_read(path), where), where), where)


def _expected(layers: list[tuple[Mapping[str, Any], str]], key: str) -> str:
    verdict = "landed"
    for layer, origin in layers:
        verdict = layer.get("expect", {}).get(key, verdict)
        if verdict not in RunVerdict.labels():
            known = ", ".join(RunVerdict.labels())
            raise InputError(f"{origin}expect.{key}: expected one of {known}, not '{verdict}'")
    return verdict
