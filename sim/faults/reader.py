"""Reading `[[faults]]`: rows from a scenario's layers, checked alone and against each other.

A row that cannot have an effect is an error.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from sim.common.errors import InputError
from sim.common.toml_records import as_table, fill, nearest
from sim.faults.table import (
    FAULT,
    FAULT_SLOTS,
    KINDS,
    Effect,
    FaultGroup,
    FaultKind,
    FaultSpec,
    Sensor,
    WindowMode,
)

Layer = tuple[Mapping[str, Any], str]

WINDOW = ("start_s", "end_s", "from_altitude_m", "until_altitude_m", "mode")
COMMON = ("kind", *WINDOW)

ON_THRUST = (Effect.CHANGES_THRUST, Effect.HOLDS_THROTTLE, Effect.CUTS_THRUST)
ON_STAMP = (Effect.MOVES_STAMP, Effect.REPLACES_STAMP)


def read_faults(world: Any, layers: Iterable[Layer]) -> None:
    """Fill the world's rows from the `faults` of all layers: a list in files, else by number.

    Raises InputError, one line that names the row.
    """
    rows: list[list[Layer]] = []
    for layer, origin in layers:
        for number, table in _numbered(layer.get("faults", []), origin):
            if number > len(rows):
                raise InputError(
                    f"{origin}faults.{number}: there are {len(rows)} rows, numbered from 0"
                )
            if number == len(rows):
                rows.append([])
            rows[number].append((table, f"{origin}faults.{number}"))
    if len(rows) > FAULT_SLOTS:
        spot = rows[FAULT_SLOTS][0][1]
        raise InputError(f"{spot}: expected at most {FAULT_SLOTS} rows")
    faults = [_row(layers_of_row) for layers_of_row in rows]
    spots = [layers_of_row[-1][1] for layers_of_row in rows]
    check_pairs(faults, spots)
    for number, fault in enumerate(faults):
        world.board.faults[number] = fault
    world.board.n_faults = len(faults)


def kind_name(fault: Any) -> str:
    """Name of a row's kind."""
    return FaultKind.label_of(int(fault.kind))


def refuse_wire_faults(world: Any) -> None:
    """Raise InputError when a row needs a wire and there is none."""
    for number in range(int(world.board.n_faults)):
        name = kind_name(world.board.faults[number])
        if KINDS[name].group == FaultGroup.WIRE:
            raise InputError(f"faults.{number}: {name} needs a wire: fly it with `leadline hil`")


def check_pairs(faults: list[Any], spots: list[str]) -> None:
    """Raise InputError for two rows that cannot compose; `spots` locates each row."""
    for (i, first), (j, second) in combinations(enumerate(faults), 2):
        reason = _conflict(first, second)
        if reason:
            raise InputError(
                f"{spots[j]}: {kind_name(second)} does not compose with"
                f" {kind_name(first)} of row {i}: {reason}"
            )


# --- one row -----------------------------------------------------------------------------


def _numbered(faults: Any, origin: str) -> list[tuple[int, Mapping[str, Any]]]:
    if isinstance(faults, Mapping):
        for key in faults:
            if not key.isdecimal():
                raise InputError(f"{origin}faults.{key}: expected the number of a row, from 0")
        numbered = sorted((int(key), table) for key, table in faults.items())
    else:
        numbered = list(enumerate(faults))
    return [(number, as_table(table, f"{origin}faults.{number}")) for number, table in numbered]


def _row(layers: list[Layer]) -> Any:
    fault = FAULT.new()
    for table, spot in layers:
        if "kind" in table and table["kind"] not in KINDS:
            hint = nearest(str(table["kind"]), KINDS) or f"; there are {', '.join(KINDS)}"
            raise InputError(f"{spot}.kind: unknown kind of fault '{table['kind']}'{hint}")
        fill(fault, FAULT, table, spot)
    spot = layers[-1][1]
    given = {key: where for table, where in layers for key in table}
    if "kind" not in given:
        raise InputError(f"{spot}.kind: missing; there are {', '.join(KINDS)}")
    name = kind_name(fault)
    kind = KINDS[name]
    _check_magnitudes(name, kind, given, spot)
    _check_sensor(name, kind, fault, given)
    _check_window(name, kind, fault, given, spot)
    return fault


def _check_magnitudes(name: str, kind: FaultSpec, given: Mapping[str, str], spot: str) -> None:
    legal = (*COMMON, *kind.magnitudes, *(("sensor",) if kind.sensors else ()))
    for key, where in given.items():
        if key not in legal:
            uses = ", ".join(kind.magnitudes) or "no magnitude"
            raise InputError(f"{where}.{key}: {name} does not use it; it uses {uses}")
    for key in kind.needs:
        if key not in given:
            raise InputError(f"{spot}.{key}: missing; {name} needs it")
    if kind.one_of and not any(key in given for key in kind.one_of):
        raise InputError(f"{spot}: {name} needs {' or '.join(kind.one_of)}")


def _check_sensor(name: str, kind: FaultSpec, fault: Any, given: Mapping[str, str]) -> None:
    if not kind.sensors:
        return
    if "sensor" not in given:
        fault.sensor = Sensor.of(kind.sensors[0])
    sensor = Sensor.label_of(int(fault.sensor))
    if sensor not in kind.sensors:
        known = " or ".join(kind.sensors)
        raise InputError(f"{given['sensor']}.sensor: {name} affects {known}, not '{sensor}'")


def _check_window(
    name: str, kind: FaultSpec, fault: Any, given: Mapping[str, str], spot: str
) -> None:
    for key in ("start_s", "from_altitude_m"):
        if key in given and not kind.begins:
            raise InputError(f"{given[key]}.{key}: {name} is open from the start; give its end")
    for key in ("end_s", "until_altitude_m"):
        if key in given and not kind.ends:
            raise InputError(f"{given[key]}.{key}: {name} does not end; give its beginning")
    if fault.end_s <= fault.start_s:
        raise InputError(
            f"{spot}: the window ends before it begins: end_s {fault.end_s:g},"
            f" start_s {fault.start_s:g}"
        )
    if fault.until_altitude_m >= fault.from_altitude_m:
        raise InputError(
            f"{spot}: the window ends before it begins, on the way down:"
            f" until_altitude_m {fault.until_altitude_m:g},"
            f" from_altitude_m {fault.from_altitude_m:g}"
        )


# --- two rows ----------------------------------------------------------------------------


def _conflict(first: Any, second: Any) -> str:
    """Why two rows cannot compose; empty when they can."""
    if not _overlap(first, second):
        return ""
    reason = _thrust_conflict(first, second)
    if not reason and _same_sender(first, second):
        reason = _message_conflict(first, second)
    return reason


def _thrust_conflict(first: Any, second: Any) -> str:
    effects = _spec(first).effect, _spec(second).effect
    if Effect.CUTS_THRUST in effects:
        other, out = (second, first) if effects[0] == Effect.CUTS_THRUST else (first, second)
        if _spec(other).effect in ON_THRUST and _within(other, out):
            return "the engine is out, so it can never act"
    if effects == (Effect.HOLDS_THROTTLE, Effect.HOLDS_THROTTLE):
        return "the throttle is stuck already"
    return ""


def _message_conflict(first: Any, second: Any) -> str:
    for silent, other in ((first, second), (second, first)):
        silences = _spec(silent).effect == Effect.SILENCES and silent.probability == 1.0
        if silences and _within(other, silent):
            return "nothing is sent, so it can never act"
    effects = _spec(first).effect, _spec(second).effect
    if effects == (Effect.REPLACES_VALUE, Effect.REPLACES_VALUE):
        return "the second one replaces the value of the first"
    if _contradicts(first, second) or _contradicts(second, first):
        return "each reverses the other"
    if effects[0] in ON_STAMP and effects[1] == Effect.REPLACES_STAMP:
        return "the second one replaces the time-tag of the first"
    return ""


def _contradicts(row: Any, other: Any) -> bool:
    return kind_name(other) in _spec(row).contradicts


def _spec(row: Any) -> FaultSpec:
    return KINDS[kind_name(row)]


def _same_sender(first: Any, second: Any) -> bool:
    return bool(_senders(first) & _senders(second))


def _senders(row: Any) -> set[str]:
    """Labels of the sensors whose messages a row affects."""
    spec = _spec(row)
    return {Sensor.label_of(int(row.sensor))} if spec.sensors else set(spec.group.spec.senders)


def _spans(row: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    return (row.start_s, row.end_s), (row.until_altitude_m, row.from_altitude_m)


def _overlap(first: Any, second: Any) -> bool:
    """True when both windows can be open at once."""
    modes = {int(first.mode), int(second.mode)} - {WindowMode.of("any")}
    spans = zip(_spans(first), _spans(second), strict=True)
    return len(modes) < 2 and all(max(a[0], b[0]) < min(a[1], b[1]) for a, b in spans)


def _within(inner: Any, outer: Any) -> bool:
    """True when one window is never open without the other."""
    any_mode = int(outer.mode) == WindowMode.of("any")
    spans = zip(_spans(inner), _spans(outer), strict=True)
    return (any_mode or inner.mode == outer.mode) and all(
        b[0] <= a[0] and a[1] <= b[1] for a, b in spans
    )
