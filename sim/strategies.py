"""Hypothesis strategies over the whole fault table: kinds, magnitudes, windows, several at once.

    fault_rows()     one row of `[[faults]]`, as a scenario file would have it
    fault_tables()   up to three rows that compose
    seeds()          seeds of a run
    starts()         a start and dispersions, as overrides of a scenario
    cases()          all of these together: a Case, which makes a scenario of itself

They shrink towards fewer faults, smaller magnitudes, shorter windows, later onset, an undisturbed
start, seed 0. Every kind can be drawn, and both ends of every magnitude's range, to the bit.

Needs Hypothesis (`pip install 'leadline[search]'`); nothing that flies imports this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sim.campaign_draw import with_overlay
from sim.distributions import six_digits
from sim.errors import InputError
from sim.fault_rows import read_faults
from sim.fault_table import AXIS_NAMES, FAULT_KINDS, KINDS, WAY_NAMES
from sim.scenario import SEED_MAX, Scenario, assemble, override
from sim.spans import SPANS, STEPS, Span
from sim.world import WORLD

Row = dict[str, Any]
# per kind, narrower ends of its magnitudes than the record's
Limits = Mapping[str, Mapping[str, tuple[float, float]]]

# how a window may be given, the shortest first
SPELL, BAND, MODE, ALWAYS = "spell", "band", "mode", "always"
WINDOWS = (SPELL, BAND, MODE, ALWAYS)
LAST_MODES_FIRST = ("terminal", "descent", "approach", "braking")
LOWEST_M, BRIEFEST_S = 2.0, 0.1
NARROWEST_SHARE = 0.02  # of the height at which a band begins
START_STEPS = 100


@dataclass(frozen=True)
class Horizon:
    """How long a flight lasts and how high it begins: windows lie within."""

    time_s: float = 770.0
    altitude_m: float = 20_000.0


NOMINAL = Horizon()


# --- one fault ---------------------------------------------------------------------------


@st.composite
def magnitudes(draw: st.DrawFn, name: str, span: Span | None = None) -> float:
    """A value of one magnitude of the fault table, by name; shrinks to where it does no harm."""
    span = span or SPANS[name]
    end = draw(st.sampled_from(span.ends)) if span.ends else span.harmless
    return span.at(draw(st.integers(0, STEPS)), end)


@st.composite
def windows(draw: st.DrawFn, kind: str, horizon: Horizon = NOMINAL) -> Row:
    """Keys of a row that say when a fault of this kind is open."""
    # as many draws whatever comes of them, so that a shorter window is a simpler one
    forms = WINDOWS if KINDS[kind].begins and KINDS[kind].ends else (SPELL, BAND)
    form = draw(st.sampled_from(forms))
    before_end = draw(st.integers(0, STEPS)) / STEPS
    length = draw(st.integers(0, STEPS)) / STEPS
    if form == ALWAYS:
        return {}
    if form == MODE:
        return {"mode": LAST_MODES_FIRST[min(int(before_end * 4.0), 3)]}
    window = _spell(before_end, length, horizon) if form == SPELL else _band(
        before_end, length, horizon
    )
    begin, end = ("start_s", "end_s") if form == SPELL else ("from_altitude_m", "until_altitude_m")
    if not KINDS[kind].begins:
        window.pop(begin, None)
        return window or {"until_altitude_m": LOWEST_M}
    if not KINDS[kind].ends:
        window.pop(end, None)
    return window


def _spell(before_end: float, length: float, horizon: Horizon) -> Row:
    """A time span; most begin late, where a descent is decided."""
    start_s = six_digits(horizon.time_s * (1.0 - before_end**2))
    span_s = BRIEFEST_S * (horizon.time_s / BRIEFEST_S) ** length
    window = {"start_s": start_s}
    return window if length == 1.0 else {**window, "end_s": six_digits(start_s + span_s)}


def _band(before_end: float, length: float, horizon: Horizon) -> Row:
    """A band of heights, from its upper bound down."""
    top_m = six_digits(LOWEST_M * (horizon.altitude_m / LOWEST_M) ** before_end)
    share = NARROWEST_SHARE ** (1.0 - length)
    window = {"from_altitude_m": top_m}
    return window if length == 1.0 else {**window, "until_altitude_m": six_digits(top_m * (1 - share))}


@st.composite
def fault_rows(
    draw: st.DrawFn,
    kinds: Sequence[str] = FAULT_KINDS,
    horizon: Horizon = NOMINAL,
    limits: Limits | None = None,
) -> Row:
    """One row of `[[faults]]`: a kind, its magnitudes, whom it befalls, its window.

    `limits` narrows magnitudes per kind; one that it does not name has the record's whole range,
    and an optional one is then left out, half of the time.
    """
    name = draw(st.sampled_from(kinds))
    kind = KINDS[name]
    narrower = (limits or {}).get(name, {})
    row: Row = {"kind": name}
    wanted = [*kind.needs]
    if kind.one_of:
        wanted.append(draw(st.sampled_from([m for m in kind.one_of if not narrower or m in narrower])))
    wanted += [m for m in kind.may if m in SPANS and (m in narrower or (not narrower and draw(st.booleans())))]
    for magnitude in wanted:
        span = SPANS[magnitude]
        if magnitude in narrower:
            span = span.within(*narrower[magnitude])
        row[magnitude] = draw(magnitudes(magnitude, span))
    row |= draw(windows(name, horizon))
    if len(kind.sensors) > 1:
        row["sensor"] = draw(st.sampled_from(kind.sensors))
    if "axis" in kind.may:
        row["axis"] = draw(st.sampled_from(AXIS_NAMES))
    if "legs" in kind.may:
        row["legs"] = draw(st.integers(0, 15))
    if "way" in kind.may:
        row["way"] = draw(st.sampled_from(WAY_NAMES))
    return row
