"""Small records as Python values: what a conversation needs of a message, without NumPy's price.

Reading a field of a structured scalar costs a microsecond; unpacking a whole record with `struct`
into a named tuple costs less than that.
"""

import math
import struct
from collections import namedtuple
from typing import Any

from fsw.framework.record import Field, Record
from hil.wire.messages import MESSAGES

FORMATS = {
    "f64": "d",
    "f32": "f",
    "i64": "q",
    "u64": "Q",
    "i32": "i",
    "u32": "I",
    "i16": "h",
    "u16": "H",
    "i8": "b",
    "u8": "B",
}


class Codec:
    """Packs and unpacks one kind of record. A nested `view.mode` is called `view_mode`.

    An array of u8 is bytes; a record that holds another array is refused with ValueError.
    """

    def __init__(self, record: Record) -> None:
        leaves = [(path.replace(".", "_"), field) for path, field, _ in record.leaves()]
        self._struct = struct.Struct("<" + "".join(_format(field) for _, field in leaves))
        self._blank = {name: b"" if field.shape else 0 for name, field in leaves}
        self._values: Any = _named_tuple(record.name, [name for name, _ in leaves])

    def pack(self, **values: Any) -> bytes:
        """The record's bytes; fields left out are zero. Raises TypeError for an unknown field."""
        return self._struct.pack(*self._values(**{**self._blank, **values}))

    def unpack(self, payload: bytes) -> Any:
        """The fields as a named tuple."""
        return self._values._make(self._struct.unpack(payload))


def _named_tuple(name: str, fields: list[str]) -> Any:
    return namedtuple(name, fields)


def _format(field: Field) -> str:
    if not field.shape:
        return FORMATS[field.type]
    if field.type != "u8":
        raise ValueError(f"an array of {field.type} has no codec")
    return f"{math.prod(field.shape)}s"


def _has_codec(record: Record) -> bool:
    return all(not field.shape or field.type == "u8" for _, field, _ in record.leaves())


# made once at the start: making one takes longer than a message may wait
_CODECS = {m.name: Codec(m.record) for m in MESSAGES if _has_codec(m.record)}


def codec(name: str) -> Codec:
    """The codec of a message of the packet table. Raises KeyError where there is none."""
    return _CODECS[name]
