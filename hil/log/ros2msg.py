"""How a record reads to the world: ros2msg text, and memory that is already CDR.

CDR (OMG DDS-XTypes 7.4, encoding version 1) puts every primitive on a multiple of its own
size, counted from the end of a four-byte encapsulation header, and gives structures and
fixed-length arrays no bytes of their own. A little-endian record without padding is laid out
by the same rule, so the header and the record's bytes are a valid message, and nothing is
converted on either side. `check_cdr` refuses a record for which that would not hold.
"""

import math
import re

from fsw.framework.record import Field, Record

PACKAGE = "leadline"
SEPARATOR = "=" * 80

ROS_TYPES = {
    "f64": "float64",
    "f32": "float32",
    "i64": "int64",
    "i32": "int32",
    "i16": "int16",
    "i8": "int8",
    "u64": "uint64",
    "u32": "uint32",
    "u16": "uint16",
    "u8": "uint8",
}

# ROS 2 interface rules: lower case, no double and no trailing underscore
ROS_NAME = re.compile(r"[a-z](_?[a-z0-9])*\Z")


def schema_name(record: Record) -> str:
    """Full name of the record's schema."""
    return f"{PACKAGE}/msg/{record.name}"


def schema_text(record: Record) -> str:
    """The record, and all that it holds, as concatenated ros2msg definitions."""
    parts = [_definition(record)]
    for inner in nested_records(record):
        parts.append(f"{SEPARATOR}\nMSG: {PACKAGE}/{inner.name}\n{_definition(inner)}")
    return "".join(parts)


def nested_records(record: Record) -> list[Record]:
    """Every record inside this one at any depth, each once, in order of appearance."""
    found: dict[str, Record] = {}
    for field in record.fields.values():
        if field.record:
            found[field.record.name] = field.record
            found.update((inner.name, inner) for inner in nested_records(field.record))
    return list(found.values())


def check_cdr(record: Record) -> None:
    """Raise ValueError when the record's bytes would not decode as CDR to equal fields."""
    for owner in (record, *nested_records(record)):
        _check_names(owner)
    position = 0
    for path, field, offset in record.leaves():
        size = field.base.itemsize
        position += -position % size
        if field.base.newbyteorder("<") != field.base:
            raise ValueError(f"record {record.name}: {path} is not little-endian")
        if position != offset:
            raise ValueError(
                f"record {record.name}: {path} stands at byte {offset}, CDR expects {position}"
            )
        position += size * math.prod(field.shape)
    if position != record.dtype.itemsize:
        raise ValueError(f"record {record.name}: CDR ends at {position}, memory does not")


def _check_names(record: Record) -> None:
    seen: dict[str, str] = {}
    for name in record.fields:
        lowered = name.lower()
        if not ROS_NAME.match(lowered):
            raise ValueError(f"record {record.name}: {name} is no legal ROS 2 field name")
        if lowered in seen:
            raise ValueError(
                f"record {record.name}: {seen[lowered]} and {name} differ in case only"
            )
        seen[lowered] = name


def _definition(record: Record) -> str:
    lines = [f"# {record.doc}"]
    lines += [_line(name.lower(), field) for name, field in record.fields.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, field: Field) -> str:
    kind = f"{PACKAGE}/{field.record.name}" if field.record else ROS_TYPES[field.type]
    count = f"[{math.prod(field.shape)}]" if field.shape else ""
    codes = ", ".join(f"{code:d} {code.label}" for code in field.codes or ())
    note = f"{field.doc}: {codes}" if codes else field.doc
    return f"{kind}{count} {name}  # {note}"
