"""Layers of a scenario document: overrides, merging, dotted keys."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

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
