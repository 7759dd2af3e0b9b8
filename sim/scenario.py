"""A scenario: a strict TOML file, filled into the records of the world and of the flight software.

The truth of a vehicle and what flight believes of it are two books that share no number. What
mission planning tells the flight computer, though, a scenario says once: the site, the mass at
the start and the cant of the rangefinder go to both sides, unless `[params]` says otherwise.
That is how a datum error or a wrong load is made.

Later layers win: defaults of the records, vehicle file, the scenario's truth, a preset of
parameters, the scenario's own `[params]`, its `[as_flown]` where that preset flies, overrides
from the command line.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fsw.record import Record
from fsw.state import PARAMS
from sim.disperse import prepare
from sim.errors import InputError
from sim.fault_rows import read_faults
from sim.figures import FIGURES, is_figure
from sim.tables import as_table, fill, nearest
from sim.verdict import VERDICT_NAMES
from sim.world import WORLD

HOME = Path(__file__).parent
SCENARIOS = HOME / "scenarios"
VEHICLES = HOME / "vehicles"
PRESETS = HOME / "params"
DEFAULT, AS_FLOWN = "default", "as-flown"
SEED_MAX = 2**51 - 1  # the dice make 4096 streams of each, and a key has 64 bits

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


class Expect(BaseModel):
    """How the flight ends when all is as it should be, and how it ended as it was flown."""

    model_config = ConfigDict(extra="forbid", strict=True)
    verdict: str = "landed"
    as_flown: str = "landed"


class Run(BaseModel):
    """What a scenario that was written for one run flies with, unless told otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)
    seed: int = 0
    params: str = DEFAULT


class Outer(BaseModel):
    """Outer shape of a scenario file; what is inside its tables, their records say."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    doc: str
    vehicle: dict[str, Any]
    start: dict[str, Any] = {}
    site: dict[str, Any] = {}
    moon: dict[str, Any] = {}
    terrain: dict[str, Any] = {}
    sensors: dict[str, Any] = {}
    dispersions: dict[str, Any] = {}
    faults: list[Any] = []
    params: dict[str, Any] = {}
    as_flown: dict[str, Any] = {}
    published: dict[str, float] | None = None
    inferred: dict[str, float] = {}
    expect: Expect = Field(default_factory=Expect)
    run: Run = Field(default_factory=Run)


TABLES_OF_OUTER: dict[str, type[BaseModel]] = {"expect": Expect, "run": Run}


class VehicleFile(BaseModel):
    """Outer shape of a vehicle file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    truth: dict[str, Any]
    belief: dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """A scenario that has been read: what to fly, before the dice are thrown.

    `world` and `params` are templates; `build` copies them. `text` is the file as it was read,
    `seed` the one that it asks for. `published` and `inferred` hold figures of the flight that
    it is modelled on, by names of sim.figures; `published` is None where there was none.
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


def library() -> list[str]:
    """Names of the scenarios that come with the project."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load(
    name_or_path: str,
    overrides: Iterable[tuple[str, str]] = (),
    params: str | None = None,
) -> Scenario:
    """Read a scenario by library name or file, with overrides and a preset of parameters.

    Overrides are pairs of a dotted key and a TOML value; `params` is default, as-flown or a file,
    None for what the scenario asks for. Raises InputError, one line.
    """
    text, where = read_text(name_or_path)
    return assemble(parse(text, where), where, overrides, params, text)


def read_text(name_or_path: str) -> tuple[str, str]:
    """Text of a scenario, and what begins a complaint about it. Raises InputError."""
    path = _find(name_or_path)
    return _read(path), f"{_label(path)}: "


def assemble(
    document: Mapping[str, Any],
    where: str,
    overrides: Iterable[tuple[str, str]] = (),
    params: str | None = None,
    text: str = "",
) -> Scenario:
    """A scenario from its document; `where` begins every complaint. Raises InputError."""
    overrides = tuple(overrides)
    outer = _outer(Outer, document, where)
    layers = [(outer, where), *((override(key, value), "--set: ") for key, value in overrides)]
    for layer, origin in layers[1:]:
        _outer(Outer, {**outer, **layer, "faults": []}, origin)
    run = Run.model_validate(_merged(layer.get("run", {}) for layer, _ in layers))
    preset = params or run.params

    world, flight = WORLD.new(), PARAMS.new()
    _fill_vehicle(world, flight, layers)
    for layer, origin in layers:
        for table, place in WORLD_TABLES.items():
            owner, name = _owner(world, place)
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


def _merged(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tables laid over each other, the last one on top."""
    whole: dict[str, Any] = {}
    for table in tables:
        whole |= table
    return whole


def _figures(layers: list[tuple[Mapping[str, Any], str]], table: str) -> dict[str, float] | None:
    """The figures of a past flight that a table names; None without one. Raises InputError."""
    tables = [(layer[table], origin) for layer, origin in layers if table in layer]
    for figures, origin in tables:
        for name in figures:
            if not is_figure(name):
                hint = nearest(name, FIGURES)
                raise InputError(f"{origin}{table}.{name}: unknown figure{hint}")
    return _merged(figures for figures, _ in tables) if tables else None


def build(scenario: Scenario, seed: int) -> tuple[Any, Any]:
    """World and parameters of one run, placed and dispersed; the same for the same seed."""
    check_seed(seed)
    world = WORLD.from_bytes(scenario.world.tobytes())
    params = PARAMS.from_bytes(scenario.params.tobytes())
    world.seed = seed
    prepare(world)
    return world, params


def check_seed(seed: int) -> None:
    """Raise InputError for a seed that the dice do not know."""
    if not 0 <= seed <= SEED_MAX:
        raise InputError(f"seed: expected an integer from 0 to {SEED_MAX}, not {seed}")


# --- files -------------------------------------------------------------------------------


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path)
    names = library()
    if name_or_path not in names:
        hint = nearest(name_or_path, names) or f"; there are {', '.join(names)}"
        raise InputError(f"unknown scenario '{name_or_path}'{hint}")
    return SCENARIOS / f"{name_or_path}.toml"


def _label(path: Path) -> str:
    """A path as a reader would write it: files of the library from the project's folder on."""
    return str(path.relative_to(HOME.parent)) if path.is_relative_to(HOME) else str(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{_label(path)}: {(error.strerror or 'unreadable').lower()}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{_label(path)}: expected UTF-8 text") from error


def parse(text: str, where: str) -> dict[str, Any]:
    """A TOML document. Raises InputError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}not TOML: {str(error).splitlines()[0]}") from error


def _outer(shape: type[BaseModel], document: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The document, once its outer shape is found right."""
    try:
        shape.model_validate(document)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}{key}: {_said(first, shape)}") from refusal
    return document


def _said(error: Any, shape: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            inner = TABLES_OF_OUTER.get(error["loc"][0], shape)
            return f"unknown key{nearest(str(error['loc'][-1]), inner.model_fields)}"
        case "missing":
            return "missing"
        case "string_type":
            return "expected a text"
        case "int_type":
            return "expected an integer"
        case "float_type":
            return "expected a number"
        case _:
            return "expected a table"


# --- layers ------------------------------------------------------------------------------


def override(key: str, value: str) -> dict[str, Any]:
    """`("start.propellant_kg", "360")` as the document that says so."""
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", key):
        raise InputError(f"--set: expected table.key=value, not '{key}={value}'")
    document: dict[str, Any] = {}
    table = document
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = _toml_value(key, value)
    return document


def _toml_value(key: str, value: str) -> Any:
    if re.fullmatch(r"[a-z]+([_-][a-z0-9]+)*", value) and value not in ("true", "false"):
        return value  # a bare word: the shell has eaten the quotes, or nobody wrote them
    try:
        document = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"--set: {key}: expected a TOML value, not '{value}'") from error
    if set(document) != {"value"}:
        raise InputError(f"--set: {key}: expected one TOML value")
    return document["value"]


def _fill_vehicle(world: Any, params: Any, layers: list[tuple[Mapping[str, Any], str]]) -> None:
    """The vehicle's file, then what the scenario changes of the truth in it."""
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
    document = _outer(VehicleFile, parse(_read(path), origin), origin)
    truth, belief = record_at(WORLD, "vehicle"), record_at(PARAMS, "vehicle")
    fill(world.vehicle, truth, document["truth"], f"{origin}truth")
    fill(params.vehicle, belief, document["belief"], f"{origin}belief")
    for table, spot in tables:
        fill(world.vehicle, truth, table, spot)


def record_at(record: Record, dotted: str) -> Record:
    """The record that lies at a dotted place within another one."""
    for name in dotted.split("."):
        inner = record.fields[name].record
        assert inner is not None
        record = inner
    return record


def _load_flight_computer(world: Any, params: Any) -> None:
    for truth, belief in LOADED:
        owner, name = _owner(params, belief)
        source, key = _owner(world, truth)
        owner[name] = source[key]
    params.vehicle.mass_kg = world.vehicle.dry_mass_kg + world.start.propellant_kg


def _owner(row: Any, dotted: str) -> tuple[Any, str]:
    *parents, name = dotted.split(".")
    for parent in parents:
        row = row[parent]
    return row, name


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
        if verdict not in VERDICT_NAMES:
            known = ", ".join(VERDICT_NAMES)
            raise InputError(f"{origin}expect.{key}: expected one of {known}, not '{verdict}'")
    return verdict
