"""Strict reading of a TOML table into a record, from the record's own declaration.

A table is refused in one line: where it stands, the dotted key, and what was expected. A key that
is not declared is an error, never ignored: a misspelled parameter would silently keep its default.
"""

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fsw.framework.record import Field, Record
from sim.common.errors import InputError

# suffixes of names after the last underscore, and the units that they stand for
SYMBOLS = {
    "mps": "m/s",
    "kmps": "km/s",
    "kmph": "km/h",
    "mps2": "m/s2",
    "m3ps2": "m3/s2",
    "kgm2": "kg m2",
    "radps": "rad/s",
    "degps": "deg/s",
    "degph": "deg/h",
    "degprth": "deg/rth",
    "degphprth": "deg/h/rth",
    "ugprth": "ug/rth",
    "ugprtHz": "ug/rtHz",
    "Npm": "N/m",
    "Nspm": "N s/m",
    "Nms": "N m s",
    "Nm": "N m",
    "db": "dB",
    "ps": "1/s",
}
PLAIN = (
    "m km mm cm ft rad deg mrad arcsec ns us ms s h "
    "kg g N kN mN Hz kHz W K Pa kPa bar percent ppm ug"
)
UNITS = {**SYMBOLS, **{unit: unit for unit in PLAIN.split()}}


def fill(target: Any, record: Record, table: Mapping[str, Any], where: str) -> None:
    """Write `table` into `target`, an instance of `record`; `where` ends the file's or key's path.

    Raises InputError for a key that the record does not declare, a wrong type, length or code
    name, and a value out of range.
    """
    for key, value in table.items():
        spot = f"{where}.{key}" if not where.endswith(" ") else f"{where}{key}"
        field = settable(record).get(key)
        if field is None:
            raise InputError(f"{spot}: {_unknown(key, record)}")
        if field.record is not None:
            fill(target[key], field.record, as_table(value, spot), spot)
        else:
            target[key] = _value(field, value, spot)


def settable(record: Record) -> dict[str, Field]:
    """The fields that a table may set: not the spare bytes, and no array of records."""
    return {
        key: field
        for key, field in record.fields.items()
        if key != "spare" and not (field.record and field.shape)
    }


def as_table(value: Any, spot: str) -> Mapping[str, Any]:
    """The value as a table. Raises InputError when it is something else."""
    if not isinstance(value, Mapping):
        raise InputError(f"{spot}: expected a table, not {_shown(value)}")
    return value


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the word most like the one given, or an empty string."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return f"; did you mean '{found[0]}'?" if found else ""


def unit_of(name: str) -> str:
    """The unit suffix of a name, or an empty string."""
    stem, _, last = name.rpartition("_")
    return last if stem and last in UNITS else ""


def default_text(field: Field) -> str:
    """A field's default, as a table would hold it."""
    if field.codes:
        return field.codes.label_of(int(field.default))  # type: ignore[arg-type]
    if isinstance(field.default, tuple):
        return ", ".join(f"{value:.10g}" for value in field.default)
    return f"{field.default:.10g}"


def expected(field: Field) -> str:
    """Text on the values that a field takes: `3 numbers from 0 to 1`."""
    if field.codes:
        kind = "one of " + ", ".join(field.codes.labels())
        return f"{field.shape[0]} of: {', '.join(field.codes.labels())}" if field.shape else kind
    noun = "number" if field.base.kind == "f" else "integer"
    count = f"{math.prod(field.shape)} {noun}s" if field.shape else f"{_article(noun)} {noun}"
    lo, hi = limits(field) if field.base.itemsize < 8 else (field.lo, field.hi)
    if math.isinf(lo) and math.isinf(hi):
        return count
    if math.isinf(hi):
        return f"{count} not below {lo:g}"
    if math.isinf(lo):
        return f"{count} not above {hi:g}"
    return f"{count} from {lo:g} to {hi:g}"


def limits(field: Field) -> tuple[float, float]:
    """Least and greatest legal value: what was declared, within what the type can hold."""
    if field.base.kind == "f":
        return field.lo, field.hi
    info = np.iinfo(field.base)
    return max(field.lo, info.min), min(field.hi, info.max)


def _unknown(key: str, record: Record) -> str:
    stem = key.removesuffix("_" + unit_of(key))
    for name in settable(record):
        unit = unit_of(name)
        if not unit or name.removesuffix("_" + unit) != stem:
            continue
        fault = "missing unit suffix" if stem == key else "wrong unit suffix"
        return f"{fault}; expected '{name}'"
    return f"unknown key{nearest(key, settable(record))}"


def _value(field: Field, value: Any, spot: str) -> Any:
    if not field.shape:
        return _scalar(field, value, spot)
    length = math.prod(field.shape)
    if not isinstance(value, list) or len(value) != length:
        raise InputError(f"{spot}: expected {expected(field)}, not {_shown(value)}")
    return np.reshape([_scalar(field, element, spot) for element in value], field.shape)


def _scalar(field: Field, value: Any, spot: str) -> Any:
    refusal = InputError(f"{spot}: expected {expected(field)}, not {_shown(value)}")
    if field.codes:
        if value not in field.codes.labels():
            raise refusal
        return field.codes.of(value)
    legal = (int, float) if field.base.kind == "f" else int
    if isinstance(value, bool) or not isinstance(value, legal) or not _holds(field, value):
        raise refusal
    return value


def _holds(field: Field, value: float) -> bool:
    lo, hi = limits(field)
    if field.base.kind == "f":
        largest = float(np.finfo(field.base).max)
        lo, hi = max(lo, -largest), min(hi, largest)
    return lo <= value <= hi  # false for a NaN


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return f"{len(value)} value" + "s" * (len(value) != 1)
    return repr(value) if isinstance(value, str) else str(value).lower()


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
