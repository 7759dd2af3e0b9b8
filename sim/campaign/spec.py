"""A campaign's specification: a strict TOML file of what is varied, and how.

    scenario            base of every run
    [vary]              keys of the scenario, each with a distribution
    [window.NAME]       windows of faults: keys of a fault row, each fixed or varied, and two that
                        depend on another: duration_s after start_s a window ends, and at
                        until_share of from_altitude_m
    [[fault]]           one kind of fault and its magnitudes, each fixed or varied; `windows` names
                        its possible windows, `magnitude` the key that reports use as its size
    [[block]]           a share of the runs, each with `faults` faults of the groups or kinds named;
                        its [block.vary] is added to [vary], and `report` names the block of the
                        report in which its runs are counted, where their faults do not decide it

A bad spec is refused in one line before the first run: every fault is tried at both ends of each of
its distributions, in every window.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.campaign.distributions import Distribution, Varied, distribution, varied
from sim.common.errors import InputError
from sim.common.rounding import six_digits
from sim.common.toml_records import nearest
from sim.faults.reader import read_faults
from sim.faults.table import FAULT, FAULT_SLOTS, KINDS, FaultGroup, Sensor
from sim.plant.world import WORLD
from sim.scenario.layers import parse
from sim.scenario.load import HOME, assemble, read_text

INDEPENDENT, LATIN_HYPERCUBE = "independent", "latin_hypercube"
RANGE_SENSOR = Sensor.label_of(Sensor.RANGE)
DURATION, UNTIL_SHARE = "duration_s", "until_share"

CAMPAIGNS = HOME / "campaigns"
# keys of a window: those of a fault row, and those that depend on them
WINDOW_KEYS = ("start_s", "end_s", "from_altitude_m", "until_altitude_m", "mode")
DEPENDENT = {DURATION: "start_s", UNTIL_SHARE: "from_altitude_m"}


Vary = tuple[tuple[str, Distribution], ...]


class BlockTable(BaseModel):
    """One [[block]] of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    share: float = Field(gt=0)
    faults: int = Field(default=1, ge=0, le=FAULT_SLOTS)
    groups: list[str] = []
    kinds: list[str] = []
    report: str | None = None
    vary: dict[str, Any] = {}


class SpecTable(BaseModel):
    """Outer shape of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    doc: str
    scenario: str
    runs: int = Field(ge=1)
    seed: int = Field(ge=0)
    sampling: Literal["independent", "latin_hypercube"] = "independent"
    vary: dict[str, Any] = {}
    window: dict[str, dict[str, Any]] = {}
    fault: list[dict[str, Any]] = []
    block: list[BlockTable] = []


@dataclass(frozen=True)
class Template:
    """Distribution of one kind of fault; `label` is the kind, with its sensor if not range."""

    kind: str
    label: str
    group: FaultGroup
    magnitude: str | None
    values: tuple[tuple[str, Varied], ...]
    windows: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """A share of the runs, with `faults` faults each, drawn from these templates."""

    name: str
    share: float
    faults: int
    templates: tuple[int, ...]
    report: str | None
    vary: Vary


@dataclass(frozen=True)
class Spec:
    """A specification that has been read; `document` is its base scenario."""

    name: str
    doc: str
    scenario: str
    document: dict[str, Any]
    runs: int
    seed: int
    sampling: str
    vary: Vary
    windows: dict[str, tuple[tuple[str, Varied], ...]]
    templates: tuple[Template, ...]
    blocks: tuple[Block, ...]

    @property
    def columns(self) -> Vary:
        """Every key that varies in some run, once; those that vary in all come first."""
        own = (pair for block in self.blocks for pair in block.vary)
        return tuple({key: (key, by) for key, by in (*self.vary, *own)}.values())


def read_spec(name_or_path: str | os.PathLike[str]) -> Spec:
    """Read a specification by library name or file. Raises InputError, one line."""
    path = _find(os.fspath(name_or_path))
    where = f"{path}: "
    table = _outer(_toml(path, where), where)
    text, origin = read_text(_beside(table.scenario, path))
    windows = {name: _window(name, keys, where) for name, keys in table.window.items()}
    templates = tuple(_template(i, t, windows, where) for i, t in enumerate(table.fault))
    spec = Spec(
        name=table.name,
        doc=table.doc,
        scenario=table.scenario,
        document=parse(text, origin),
        runs=table.runs,
        seed=table.seed,
        sampling=table.sampling,
        vary=_vary(table.vary, f"{where}vary"),
        windows=windows,
        templates=templates,
        blocks=tuple(_block(i, b, templates, where) for i, b in enumerate(table.block)),
    )
    if templates and not spec.blocks:
        raise InputError(f"{where}block: missing; faults are drawn by blocks")
    assemble(spec.document, origin)
    _try_vary(spec, where)
    _try_faults(spec, where)
    return spec


def with_key(document: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """The document with a dotted key set; tables along the key are copied, others shared."""
    head, _, rest = key.partition(".")
    inner = with_key(document.get(head) or {}, rest, value) if rest else value
    return {**document, head: inner}


def window_row(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of a fault row from a window's values, dependent ones resolved."""
    row = {key: value for key, value in values.items() if key not in DEPENDENT}
    if DURATION in values:
        row["end_s"] = six_digits(values["start_s"] + values[DURATION])
    if UNTIL_SHARE in values:
        row["until_altitude_m"] = six_digits(values["from_altitude_m"] * values[UNTIL_SHARE])
    return row


# --- the file ----------------------------------------------------------------------------


def campaigns() -> list[str]:
    """Names of the campaigns that come with the project."""
    return sorted(path.stem for path in CAMPAIGNS.glob("*.toml"))


def _find(name_or_path: str) -> Path:
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        return Path(name_or_path)
    names = campaigns()
    if name_or_path not in names:
        hint = nearest(name_or_path, names) or f"; there are {', '.join(names)}"
        raise InputError(f"unknown campaign '{name_or_path}'{hint}")
    return CAMPAIGNS / f"{name_or_path}.toml"


def _toml(path: Path, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{where}{(error.strerror or 'unreadable').lower()}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}expected UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}not TOML: {str(error).splitlines()[0]}") from error


def _outer(document: dict[str, Any], where: str) -> SpecTable:
    try:
        return SpecTable.model_validate(document)
    except ValidationError as refusal:
        first = refusal.errors()[0]
        spot = where + ".".join(str(part) for part in first["loc"])
        raise InputError(f"{spot}: {_complaint(first)}") from refusal


def _complaint(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        shape = BlockTable if error["loc"][0] == "block" else SpecTable
        return f"unknown key{nearest(str(error['loc'][-1]), shape.model_fields)}"
    if error["type"] == "missing":
        return "missing"
    expected = error["msg"].removeprefix("Input should be ")
    return f"expected {expected}"


def _beside(scenario: str, spec: Path) -> str:
    """Path of a scenario file relative to the spec; a library name is left as it is."""
    beside = spec.parent / scenario
    return str(beside) if scenario.endswith(".toml") and beside.exists() else scenario


def _window(name: str, keys: dict[str, Any], where: str) -> tuple[tuple[str, Varied], ...]:
    spot = f"{where}window.{name}"
    legal = (*WINDOW_KEYS, *DEPENDENT)
    for key in keys:
        if key not in legal:
            raise InputError(f"{spot}.{key}: unknown key{nearest(key, legal)}")
        if key in DEPENDENT and DEPENDENT[key] not in keys:
            raise InputError(f"{spot}.{key}: needs {DEPENDENT[key]} beside it")
    return tuple((key, varied(value, f"{spot}.{key}")) for key, value in keys.items())


def _template(
    number: int, keys: dict[str, Any], windows: Mapping[str, Any], where: str
) -> Template:
    spot = f"{where}fault.{number}"
    keys = dict(keys)
    kind = keys.pop("kind", None)
    if kind not in KINDS:
        raise InputError(f"{spot}.kind: expected a kind of fault{nearest(str(kind), KINDS)}")
    spot = f"{spot} ({kind})"
    if KINDS[kind].group == FaultGroup.WIRE:
        raise InputError(f"{spot}: needs a wire, and a campaign flies in process")
    magnitude = keys.pop("magnitude", None)
    if magnitude is not None and magnitude not in keys:
        raise InputError(f"{spot}.magnitude: expected one of {', '.join(keys)}, not '{magnitude}'")
    chosen = keys.pop("windows", None)
    if not isinstance(chosen, list) or not chosen:
        raise InputError(f"{spot}.windows: expected a list of {', '.join(windows)}")
    for name in chosen:
        if name not in windows:
            raise InputError(f"{spot}.windows: unknown window '{name}'{nearest(name, windows)}")
    for key in keys:
        if key not in FAULT.fields:
            raise InputError(f"{spot}.{key}: unknown key{nearest(key, FAULT.fields)}")
    sensor = keys.get("sensor", RANGE_SENSOR)
    return Template(
        kind=kind,
        label=kind if sensor == RANGE_SENSOR else f"{sensor}_{kind}",
        group=KINDS[kind].group,
        magnitude=magnitude,
        values=tuple((key, varied(value, f"{spot}.{key}")) for key, value in keys.items()),
        windows=tuple(chosen),
    )


def _block(number: int, table: BlockTable, templates: tuple[Template, ...], where: str) -> Block:
    spot = f"{where}block.{number}"
    known = {t.kind for t in templates}
    for name in table.groups:
        if name not in FaultGroup.labels():
            hint = nearest(name, FaultGroup.labels())
            raise InputError(f"{spot}.groups: unknown group '{name}'{hint}")
    for name in table.kinds:
        if name not in known:
            raise InputError(f"{spot}.kinds: no fault is drawn of kind '{name}'")
    chosen = tuple(
        i
        for i, t in enumerate(templates)
        if (not table.groups or t.group.label in table.groups)
        and (not table.kinds or t.kind in table.kinds)
    )
    if table.faults and not chosen:
        raise InputError(f"{spot}: no fault is of its groups and kinds")
    vary = _vary(table.vary, f"{spot}.vary")
    return Block(table.name, table.share, table.faults, chosen, table.report, vary)


def _vary(table: Mapping[str, Any], spot: str) -> Vary:
    return tuple((key, distribution(value, f"{spot}.{key}")) for key, value in table.items())


# --- trial reading -----------------------------------------------------------------------


def _try_vary(spec: Spec, where: str) -> None:
    tables = [("vary", spec.vary)]
    tables += [(f"block.{number}.vary", block.vary) for number, block in enumerate(spec.blocks)]
    for spot, table in tables:
        for key, varied_by in table:
            for value in varied_by.extremes:
                try:
                    assemble(with_key(spec.document, key, value), "")
                except InputError as refusal:
                    raise InputError(f"{where}{spot}: {refusal}") from refusal


def _try_faults(spec: Spec, where: str) -> None:
    world = WORLD.new()
    for number, template in enumerate(spec.templates):
        for window in template.windows:
            keys = (*template.values, *spec.windows[window])
            for corner in _corners(keys):
                values, window_values = (
                    corner[: len(template.values)],
                    corner[len(template.values) :],
                )
                row = {"kind": template.kind, **dict(values), **window_row(dict(window_values))}
                try:
                    read_faults(world, [({"faults": [row]}, "")])
                except InputError as refusal:
                    reason = str(refusal).removeprefix("faults.0").lstrip(".: ")
                    spot = f"{where}fault.{number} ({template.kind}) in window {window}"
                    raise InputError(f"{spot}: {reason}") from refusal


def _corners(keys: tuple[tuple[str, Varied], ...]) -> list[tuple[tuple[str, Any], ...]]:
    """Each combination of the extremes of every key."""
    ends = [dict.fromkeys(v.extremes) for _, v in keys]
    names = [name for name, _ in keys]
    return [tuple(zip(names, values, strict=True)) for values in product(*ends)]
