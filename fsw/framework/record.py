"""Records: flat, fixed-size, naturally aligned structures, each declared once.

From the one declaration come the wire payload, the log schema, the C struct, the telemetry
dictionary, and the parameter tables of a scenario with their validation. That works only if
memory holds nothing but the fields: a record has no padding, so its bytes are its value, two
equal records hash alike, and every machine lays it out the same. Declare 8-byte fields
first, and spell out spare bytes where the end needs them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fsw.framework.codes import CodeList

REGISTRY: dict[str, Record] = {}

# greatest values of narrow fields: counters stop there
U8_MAX, U16_MAX = 0xFF, 0xFFFF

SCALARS = {
    "f64": np.float64,
    "f32": np.float32,
    "i64": np.int64,
    "u64": np.uint64,
    "i32": np.int32,
    "u32": np.uint32,
    "i16": np.int16,
    "u16": np.uint16,
    "i8": np.int8,
    "u8": np.uint8,
}


@dataclass(frozen=True)
class Field:
    """One field: its type, shape, meaning and, for a parameter, default and legal range.

    `codes` lists the legal values of an integer field.
    """

    type: str
    doc: str
    shape: tuple[int, ...] = ()
    default: float | tuple[float, ...] = 0
    lo: float = -math.inf
    hi: float = math.inf
    codes: CodeList | None = None
    record: Record | None = None

    @property
    def base(self) -> np.dtype:
        """NumPy type of one element."""
        return self.record.dtype if self.record else np.dtype(SCALARS[self.type])

    @property
    def numpy(self) -> tuple[Any, ...]:
        """Type, and shape where there is one, as a structured dtype takes them."""
        return (self.base, self.shape) if self.shape else (self.base,)


@dataclass(frozen=True)
class Record:
    """A declared record: name, one-line meaning, fields in memory order, NumPy dtype."""

    name: str
    doc: str
    fields: dict[str, Field]
    dtype: np.dtype

    def new(self, **values: Any) -> Any:
        """A fresh record with its defaults, as a view with attribute access."""
        return self.array(1, **values)[0]

    def array(self, count: int, **values: Any) -> Any:
        """`count` fresh records with their defaults."""
        rows = np.zeros(count, self.dtype).view(np.recarray)
        for name, field in self.fields.items():
            if field.record:
                rows[name] = field.record.new()
            elif field.default != 0:
                rows[name] = field.default
        for name, value in values.items():
            rows[name] = value
        return rows

    def from_bytes(self, data: bytes) -> Any:
        """The record whose memory is `data`; a copy, so that it can be written to."""
        return np.frombuffer(bytearray(data), self.dtype, 1).view(np.recarray)[0]

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, Field, int]]:
        """Every scalar or array-of-scalars field, nested ones too: dotted path, field, offset."""
        for name, field in self.fields.items():
            offset = layout(self.dtype)[name][1]
            if field.record is None:
                yield prefix + name, field, offset
                continue
            for k in range(math.prod(field.shape)):
                label = f"{prefix}{name}[{k}]." if field.shape else f"{prefix}{name}."
                start = offset + k * field.record.dtype.itemsize
                for path, leaf, inner in field.record.leaves(label):
                    yield path, leaf, start + inner

    def __call__(self, doc: str, shape: int | tuple[int, ...] = ()) -> Field:
        """A field of another record that holds one of this kind, or an array of them."""
        return Field(self.name, doc, _shape(shape), record=self)


def record(name: str, doc: str, /, **fields: Field) -> Record:
    """Declare a record. Raises ValueError when its memory would need padding."""
    dtype = np.dtype([(key, *field.numpy) for key, field in fields.items()], align=True)
    _refuse_padding(name, dtype)
    declared = Record(name, doc, fields, dtype)
    REGISTRY[name] = declared
    return declared


def layout(dtype: np.dtype) -> Mapping[str, Any]:
    """What memory holds, by field: its type and its offset in bytes."""
    return dtype.fields or {}


def _refuse_padding(name: str, dtype: np.dtype) -> None:
    end = 0
    for key in dtype.names or ():
        field, offset = layout(dtype)[key][:2]
        if offset != end:
            raise ValueError(f"record {name}: {offset - end} bytes of padding before {key}")
        end = offset + field.itemsize
    if end != dtype.itemsize:
        raise ValueError(f"record {name}: {dtype.itemsize - end} bytes of padding at the end")


def _shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else shape


def _scalar(type_name: str) -> Any:
    def declare(doc: str, shape: int | tuple[int, ...] = (), **options: Any) -> Field:
        return replace(Field(type_name, doc), shape=_shape(shape), **options)

    declare.__name__ = type_name
    declare.__doc__ = f"A field of type {type_name}; options as in Field."
    return declare


f64, f32 = _scalar("f64"), _scalar("f32")
i64, i32, i16, i8 = _scalar("i64"), _scalar("i32"), _scalar("i16"), _scalar("i8")
u64, u32, u16, u8 = _scalar("u64"), _scalar("u32"), _scalar("u16"), _scalar("u8")
