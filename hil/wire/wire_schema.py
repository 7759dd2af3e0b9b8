"""The schema hash: what two ends compare when they meet.

It covers names, types, shapes, codes and offsets of all that crosses the wire, the memory regions
too; units and wording may change without making two ends incompatible.
"""

import functools
import hashlib
from collections.abc import Iterator

from fsw.framework.record import Record
from hil.wire.messages import MESSAGES, REGIONS, Message


@functools.cache
def wire_schema_sha256() -> str:
    """SHA-256 over the layout of everything that crosses the wire, in hex."""
    lines = [line for message in MESSAGES for line in _message_lines(message)]
    for name, region in REGIONS.items():
        lines += [f"region {name} {region.dtype.itemsize}", *_layout(region)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def wire_schema_hash() -> int:
    """First eight bytes of the schema hash as an integer: what Hello carries."""
    return int(wire_schema_sha256()[:16], 16)


def _message_lines(message: Message) -> Iterator[str]:
    direction = message.direction.value
    yield f"packet {message.first_word:#06x} {message.name} {message.size} {direction}"
    yield from _layout(message.record)


def _layout(record: Record) -> Iterator[str]:
    for path, field, offset in record.leaves():
        shape = "x".join(str(n) for n in field.shape)
        labels = ",".join(field.codes.labels()) if field.codes else ""
        yield f"{offset} {path} {field.type} {shape} {labels}"
