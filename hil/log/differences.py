"""Which field differs, and how: between log and replay, and between a log and its sums."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fsw.framework.record import Record
from hil.log.channels import BY_ID, TICK_MARK, Channel, core_parts
from hil.log.reader import Stretch
from hil.log.recorder import new_ring
from hil.log.ring_kernels import (
    HEADER_WORDS,
    LOW,
    SUM_MASK,
    SUM_PERIOD,
    SUMS_BYTES,
    reset_sums,
    sum_messages,
)

ALTERED, RECOMPUTED = "altered", "recomputed"
SEVERAL = "several words"
HEADER_FIELDS = ("channel", "log_time", "publish_time")
CORE_PARTS = [name for name, _ in core_parts()]


@dataclass(frozen=True)
class Difference:
    """One field of one tick that is not as it was recorded.

    kind: "altered", when the log disagrees with its own sums: then `found` is its content now;
    "recomputed", when the flight software gives `found` today.
    """

    tick: int
    t_ns: int
    channel: str
    field: str
    recorded: str
    found: str
    kind: str = RECOMPUTED

    def __str__(self) -> str:
        verb = "the log was altered and has" if self.kind == ALTERED else "recomputed"
        where = f"tick {self.tick} ({self.t_ns * 1e-9:.2f} s), {self.channel}, {self.field}"
        return f"{where}: recorded {self.recorded}, {verb} {self.found}"


def missing(tick: int, t_ns: int, was: int, now: int) -> Difference:
    """A message on one side only, or another one: channel numbers, 0 for none."""
    names = [BY_ID[number].topic if number else "nothing" for number in (was, now)]
    channel = BY_ID[was or now].topic
    return Difference(tick, t_ns, channel, "message", names[0], names[1])


def unequal(
    tick: int, t_ns: int, channel: Channel, recorded: np.ndarray, found: np.ndarray
) -> Difference:
    """The first field in which two records of one channel differ."""
    name, was, now = first_field(channel.record, recorded, found)
    if channel.record is TICK_MARK and name == "core_hash":
        name = f"core_hash, from {_first_part(recorded, found)} on"
    return Difference(tick, t_ns, channel.topic, name, was, now)


def first_field(record: Record, one: np.ndarray, other: np.ndarray) -> tuple[str, str, str]:
    """First field, element for element, in which two records' bytes differ, and both values."""
    for path, leaf, offset in record.leaves():
        size = leaf.base.itemsize * int(np.prod(leaf.shape, dtype=int))
        a, b = one[offset : offset + size], other[offset : offset + size]
        if np.array_equal(a, b):
            continue
        place = int(np.flatnonzero(a != b)[0]) // leaf.base.itemsize
        name = f"{path}[{place}]" if leaf.shape else path
        was, now = (str(side.copy().view(leaf.base)[place]) for side in (a, b))
        return name, was, now
    raise ValueError(f"{record.name}: equal records")


class Span(NamedTuple):
    """Messages [first, end) of a stretch."""

    stretch: Stretch
    first: int
    end: int


class Sums:
    """Takes locating sums over messages of a log, as the recorder did."""

    def __init__(self) -> None:
        self._ring = new_ring()

    def over(self, span: Span) -> tuple[list[int], int]:
        """The four sums over some messages, and how many words went into them."""
        reset_sums(self._ring)
        sum_messages(self._ring, span.stretch.index.messages, span.first, span.end)
        return self._ring["sums"][0].tolist(), int(self._ring["words"][0])


def alteration(taker: Sums, span: Span, sums: list[int], tick: int, t_ns: int) -> Difference | None:
    """What was changed in some messages since `sums` were taken over them; None: nothing.

    A single changed 64-bit word is located, and its former value worked out.
    """
    now, words = taker.over(span)
    if now == sums:
        return None
    deltas = [_signed(a - b) for a, b in zip(now, sums, strict=True)]
    place = [k for k in range(4) if now[k] != sums[k]]
    if len(place) == 1:  # a changed record would have moved two: it is the sum that was changed
        was, recorded = str(now[place[0]]), str(sums[place[0]])
        return Difference(tick, t_ns, "tick", f"sums[{place[0]}]", was, recorded, ALTERED)
    word = _changed_word(deltas, words)
    found = None if word is None else _undo(span, word, deltas[0], deltas[2])
    if found is None:
        topics = {BY_ID[int(c)].topic for c in span.stretch.index.channels[span.first : span.end]}
        names = " or ".join(sorted(topics))
        return Difference(tick, t_ns, names, SEVERAL, "other records", "these", ALTERED)
    return Difference(tick, t_ns, *found, ALTERED)


def _changed_word(deltas: list[int], words: int) -> int | None:
    """Which word was changed, from 0, if it was a single one."""
    numbers = set()
    for delta, weighted in (deltas[:2], deltas[2:]):
        if delta:
            numbers.add(weighted // delta if weighted % delta == 0 else 0)
        elif weighted:
            return None
    number = numbers.pop() if len(numbers) == 1 else 0
    return number - 1 if 1 <= number <= words <= SUM_PERIOD else None


def _undo(span: Span, word: int, low: int, high: int) -> tuple[str, str, str, str] | None:
    """Channel, field, value recorded and value found, when a word grew by `low` and `high`."""
    stretch, first, end = span
    index = stretch.index
    for message in range(first, end):
        channel = BY_ID[int(index.channels[message])]
        size = int(index.sizes[message]) - (SUMS_BYTES if channel.record is TICK_MARK else 0)
        if word < HEADER_WORDS + size // 8:
            break
        word -= HEADER_WORDS + size // 8
    if word < HEADER_WORDS:
        columns = (index.channels, index.log_ns, index.publish_ns)
        found = int(columns[word][message])
        return channel.topic, HEADER_FIELDS[word], str(found - low - (high << 32)), str(found)
    payload = stretch.payload(message)
    offset = 8 * (word - HEADER_WORDS)
    halves = payload[offset : offset + 8].copy().view(np.uint32).astype(np.int64) - (low, high)
    if np.any(halves < 0) or np.any(halves > LOW):
        return None
    before = payload.copy()
    before[offset : offset + 8] = halves.astype(np.uint32).view(np.uint8)
    return channel.topic, *first_field(channel.record, before, payload)


def _first_part(one: np.ndarray, other: np.ndarray) -> str:
    """Name of the first part of core that differs between two marks."""
    a, b = (side.copy().view(TICK_MARK.dtype)[0]["core_parts"] for side in (one, other))
    places = np.flatnonzero(a != b)
    return CORE_PARTS[int(places[0])] if len(places) else "a part unknown"


def _signed(value: int) -> int:
    """A difference of sums, from modulo 2^62 to the nearest to zero."""
    value &= SUM_MASK
    return value - SUM_MASK - 1 if value > SUM_MASK // 2 else value
