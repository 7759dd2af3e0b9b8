"""Layers of a scenario document: overrides, merging, dotted keys."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

import tomli_w

from fsw.framework.record import Record
from sim.common.errors import InputError


def with_overlay(document: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """The document with another one, of tables and rows by number, laid over it."""
    laid = dict(document)
    for key, value in overlay.items():
        under = laid.get(key)
        if isinstance(value, Mapping) and isinstance(under, list):
            rows = {str(number): row for number, row in enumerate(under)}
            laid[key] = list(with_overlay(rows, value).values())
        elif isinstance(value, Mapping):
            laid[key] = with_overlay(under or {}, value)
        else:
            laid[key] = value
    return laid


def merged(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Tables laid over each other, the last one on top."""
    whole: dict[str, Any] = {}
    for table in tables:
        whole |= table
    return whole


def parse(text: str, where: str) -> dict[str, Any]:
    """A TOML document. Raises InputError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}not TOML: {str(error).splitlines()[0]}") from error


# --- overrides and dotted keys -------------------------------------------------------------


def override(key: str, value: str) -> dict[str, Any]:
    """The document that sets a dotted key: `("start.propellant_kg", "360")`. Raises InputError."""
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", key):
        raise InputError(f"--set: expected table.key=value, not '{key}={value}'")
    document: dict[str, Any] = {}
    table = document
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    table[last] = _toml_value(key, value)
    return document


def override_pairs(changes: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Changes as Python values by dotted key, as the pairs that `override` reads.

    Values are numbers, texts, booleans, lists, and mappings for whole rows or tables. Raises
    InputError for any other.
    """
    if changes is not None and not isinstance(changes, Mapping):
        raise InputError(f"changes: expected a mapping of keys to values, not {changes!r}")
    return tuple((str(key), _toml_text(str(key), value)) for key, value in (changes or {}).items())


def _toml_text(key: str, value: Any) -> str:
    """A Python value as TOML writes it behind the `=`."""
    if isinstance(value, Mapping):
        inner = (f"{_toml_key(name)} = {_toml_text(key, each)}" for name, each in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml_text(key, each) for each in value)}]"
    if hasattr(value, "tolist"):  # NumPy scalars and arrays
        return _toml_text(key, value.tolist())
    if isinstance(value, str):
        return tomli_w.dumps({"value": value}).removeprefix("value = ").strip()
    if not isinstance(value, bool | int | float):
        raise InputError(f"--set: {key}: expected a TOML value, not {value!r}")
    return str(value).lower()  # True is true, inf and nan stay what they are


def _toml_key(name: Any) -> str:
    return str(name) if re.fullmatch(r"[\w-]+", str(name)) else json.dumps(str(name))


def _toml_value(key: str, value: str) -> Any:
    if re.fullmatch(r"[a-z]+([_-][a-z0-9]+)*", value) and value not in ("true", "false"):
        return value  # a bare word: the shell removes quotes
    try:
        document = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"--set: {key}: expected a TOML value, not '{value}'") from error
    if set(document) != {"value"}:
        raise InputError(f"--set: {key}: expected one TOML value")
    return document["value"]


def record_at(record: Record, dotted: str) -> Record:
    """The record at a dotted path within another one."""
    for name in dotted.split("."):
        inner = record.fields[name].record
        assert inner is not None
        record = inner
    return record


def owner_of(row: Any, dotted: str) -> tuple[Any, str]:
    """The record that holds the field at a dotted path, and the field's name."""
    *parents, name = dotted.split(".")
    for parent in parents:
        row = row[parent]
    return row, name
