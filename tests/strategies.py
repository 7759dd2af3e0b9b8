"""Strategies to test lander software with, for Hypothesis; use them in tests of your own.

Faults of a whole run, as rows of a scenario's `[[faults]]` (sim.search.strategies):

    from tests.strategies import cases, fault_rows

    @given(fault_rows(kinds=("delayed", "stale")))
    def test_my_filter_survives(row): ...

    @given(cases(most=2))
    def test_my_lander_survives(case):
        scenario = case.scenario(document)      # document: a scenario's TOML, read
        assert fly(scenario, case.seed).verdict == "landed"

Faults of a stream of messages, and of the bytes on a line:

    @given(deliveries(length=20))
    def test_my_receiver_copes(deliveries):
        for delivery in deliveries: deliver(messages[delivery.index], at=delivery.slot)

    @given(noises())
    def test_my_decoder_survives(noises):
        damaged = damage(clean, noises)

Everything shrinks towards less of it: no fault, no loss, no damage, seed 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from sim.faults.magnitudes import SPANS, STEPS, Bounds, Span
from sim.search.strategies import (
    NOMINAL,
    STARTS,
    Case,
    Horizon,
    cases,
    compose,
    fault_rows,
    fault_tables,
    magnitudes,
    seeds,
    starts,
    windows,
)

__all__ = [
    "NOMINAL",
    "SPANS",
    "STARTS",
    "STEPS",
    "Bounds",
    "Case",
    "Delivery",
    "Horizon",
    "Noise",
    "Span",
    "cases",
    "chunks",
    "compose",
    "damage",
    "deliveries",
    "fault_rows",
    "fault_tables",
    "magnitudes",
    "noises",
    "seeds",
    "starts",
    "windows",
]


# --- streams of messages -----------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """Message `index` of a stream arrives in slot `slot`; in time, both are the same number."""

    index: int
    slot: int


@st.composite
def deliveries(
    draw: st.DrawFn,
    length: int,
    latest: int = 8,
    copies: int = 2,
    may_lose: bool = True,
) -> list[Delivery]:
    """Deliveries of a stream of `length` messages: dropped, late, overtaken, doubled.

    In order of arrival. A message is up to `latest` slots late, and arrives up to `copies` times;
    without `may_lose` at least once. Shrinks to all in time, each once.
    """
    arrived: list[Delivery] = []
    for index in range(length):
        # 1 is the simplest count, none and more are not
        count = draw(st.sampled_from([1, *range(2, copies + 1), *([0] if may_lose else [])]))
        # one more draw for none, so that losing a message is not the simpler thing
        slots = [index + draw(st.integers(0, latest)) for _ in range(max(count, 1))]
        arrived += [Delivery(index, slot) for slot in slots[:count]]
    return sorted(arrived, key=lambda delivery: delivery.slot)


@st.composite
def chunks(draw: st.DrawFn, data: bytes, most: int = 12) -> list[bytes]:
    """The same bytes in pieces, as a line delivers them; shrinks to one piece."""
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=most - 1))
    edges = [0, *sorted(cuts), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


# --- bytes on a line ---------------------------------------------------------------------

FLIP, DROP, INSERT, TRUNCATE, GARBAGE = "flip", "drop", "insert", "truncate", "garbage"


@dataclass(frozen=True)
class Noise:
    """One damage: what happens at a place, given in thousandths of the bytes' length."""

    what: str
    place: int
    data: bytes


@st.composite
def noises(draw: st.DrawFn, most: int = 4, longest: int = 600) -> list[Noise]:
    """Up to `most` damages: a bit flipped, bytes lost, inserted, cut off, noise of any length."""
    place = st.integers(0, 1000)
    garbage = st.binary(min_size=1, max_size=longest)
    one = st.binary(min_size=1, max_size=1)
    kinds = (
        st.builds(Noise, st.just(FLIP), place, one),
        st.builds(Noise, st.just(DROP), place, st.just(b"")),
        st.builds(Noise, st.just(INSERT), place, one),
        st.builds(Noise, st.just(TRUNCATE), place, st.just(b"")),
        st.builds(Noise, st.just(GARBAGE), place, garbage),
    )
    return draw(st.lists(st.one_of(*kinds), max_size=most))


def damage(data: bytes, done: Sequence[Noise]) -> bytes:
    """The bytes after every damage, one after the other."""
    for noise in done:
        at = noise.place * len(data) // 1000
        head, tail = data[:at], data[at:]
        if noise.what == FLIP and tail:
            data = head + bytes([tail[0] ^ 1 << (noise.data[0] % 8)]) + tail[1:]
        elif noise.what == DROP:
            data = head + tail[1:]
        elif noise.what == TRUNCATE:
            data = head
        elif noise.what in (INSERT, GARBAGE):
            data = head + noise.data + tail
    return data
