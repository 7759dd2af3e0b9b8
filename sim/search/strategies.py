"""Hypothesis strategies over the whole fault table: kinds, magnitudes, windows, several at once.

    fault_rows()     one row of `[[faults]]`, as in a scenario file
    fault_tables()   up to three rows that compose
    seeds()          seeds of a run
    starts()         a start and dispersions, as overrides of a scenario
    cases()          all of these together: a Case, which gives a scenario

They shrink towards fewer faults, smaller magnitudes, shorter windows, later onset, an undisturbed
start, seed 0. Every kind can be drawn, and both ends of every magnitude's range, to the bit.

Needs Hypothesis (`pip install 'leadline[search]'`); nothing that flies imports this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from sim.common.errors import InputError
from sim.common.rounding import six_digits
from sim.faults.magnitudes import SPANS, STEPS, Bounds, Span
from sim.faults.reader import read_faults
from sim.faults.table import FAULT, KINDS, FaultKind
from sim.plant.world import WORLD
from sim.scenario.layers import override, with_overlay
from sim.scenario.load import SEED_MAX, Scenario, assemble

Row = dict[str, Any]

# forms of a window, the shortest first
TIME_SPAN, BAND, MODE, ALWAYS = "time span", "band", "mode", "always"
WINDOWS = (TIME_SPAN, BAND, MODE, ALWAYS)
LAST_MODES_FIRST = ("terminal", "descent", "approach", "braking")
# least height and duration of a window
LOWEST_M, BRIEFEST_S = 2.0, 0.1
NARROWEST_SHARE = 0.02  # of the height at which a band begins
START_STEPS = 100


@dataclass(frozen=True)
class Horizon:
    """Duration of a flight and its initial altitude, within which windows lie."""

    time_s: float = 770.0
    altitude_m: float = 20_000.0


NOMINAL = Horizon()

# by kind, or kind:sensor, as fault_rows names them
Limits = Mapping[str, Bounds]


# --- one fault ---------------------------------------------------------------------------


@st.composite
def magnitudes(draw: st.DrawFn, name: str, span: Span | None = None) -> float:
    """A value of one magnitude, by name; shrinks to the harmless value."""
    span = span or SPANS[name]
    end = draw(st.sampled_from(span.ends)) if span.ends else span.harmless
    return span.at(draw(st.integers(0, STEPS)), end)


@st.composite
def windows(
    draw: st.DrawFn, kind: str, horizon: Horizon = NOMINAL, bounds: Bounds | None = None
) -> Row:
    """Keys of the window of a fault of this kind."""
    begins, ends = KINDS[kind].begins, KINDS[kind].ends
    # the same number of draws for every form, so that a shorter window is a simpler one
    form = draw(st.sampled_from(_forms(kind, bounds)))
    before_end = draw(st.integers(0, STEPS)) / STEPS
    length = draw(st.integers(0, STEPS)) / STEPS
    if form == ALWAYS:
        return {}
    if form == MODE:
        return {"mode": LAST_MODES_FIRST[min(int(before_end * 4.0), 3)]}
    if not begins:
        return _until(length, form, horizon, (bounds and bounds.above_m) or LOWEST_M)
    if form == TIME_SPAN:
        window = _time_span(before_end, length, horizon.time_s, bounds or Bounds({}))
    else:
        window = _band(before_end, length, (bounds and bounds.below_m) or horizon.altitude_m)
    return window if ends else dict(list(window.items())[:1])


def _forms(kind: str, bounds: Bounds | None) -> Sequence[str]:
    if bounds and bounds.above_m:
        return (BAND,)
    if bounds and (bounds.below_m or bounds.longest_s):
        return [TIME_SPAN] * bool(bounds.longest_s) + [BAND] * bool(bounds.below_m)
    return WINDOWS if KINDS[kind].begins and KINDS[kind].ends else (BAND, TIME_SPAN)


def _time_span(before_end: float, length: float, time_s: float, bounds: Bounds) -> Row:
    """A time span; most begin late, where a descent is decided."""
    start_s = max(six_digits(time_s * (1.0 - before_end**2)), bounds.after_s)
    span_s = BRIEFEST_S * ((bounds.longest_s or time_s) / BRIEFEST_S) ** length
    window = {"start_s": start_s}
    if length == 1.0 and bounds.longest_s is None:
        return window
    return {**window, "end_s": six_digits(start_s + span_s)}


def _band(before_end: float, length: float, highest_m: float) -> Row:
    """A band of heights, from its upper bound down."""
    top_m = six_digits(_height_m(before_end, highest_m))
    share = NARROWEST_SHARE ** (1.0 - length)
    window = {"from_altitude_m": top_m}
    if length == 1.0:
        return window
    return {**window, "until_altitude_m": six_digits(top_m * (1.0 - share))}


def _until(length: float, form: str, horizon: Horizon, lowest_m: float) -> Row:
    """The end of a window that is open from the start."""
    if form == TIME_SPAN:
        return {"end_s": six_digits(max(horizon.time_s * length, BRIEFEST_S))}
    return {"until_altitude_m": six_digits(_height_m(1.0 - length, horizon.altitude_m, lowest_m))}


def _height_m(share: float, highest_m: float, lowest_m: float = LOWEST_M) -> float:
    """A height between the lowest and the highest, by ratios."""
    return lowest_m * (highest_m / lowest_m) ** share


@st.composite
def fault_rows(
    draw: st.DrawFn,
    kinds: Sequence[str] = FaultKind.labels(),
    horizon: Horizon = NOMINAL,
    limits: Limits | None = None,
) -> Row:
    """One row of `[[faults]]`: a kind, its magnitudes, its window, the sensor that it affects.

    A kind is named alone, for any of its sensors, or with one, as in `off:imu`. `limits` bounds the
    kinds that it names, which then have its magnitudes and no others; for other kinds a magnitude
    has the record's whole range.
    """
    label = draw(st.sampled_from(kinds))
    name, _, sensor = label.partition(":")
    bounds = (limits or {}).get(label)
    narrower = bounds.magnitudes if bounds else None
    row: Row = {"kind": name}
    for magnitude in draw(_wanted(name, narrower)):
        span = SPANS[magnitude]
        span = span.within(*narrower[magnitude]) if narrower else span
        row[magnitude] = draw(magnitudes(magnitude, span))
    row |= draw(windows(name, horizon, bounds))
    return row | draw(_affected_sensor(name, sensor))


@st.composite
def _wanted(draw: st.DrawFn, name: str, narrower: Mapping[str, Any] | None) -> list[str]:
    """Names of the magnitudes in a row of this kind."""
    kind = KINDS[name]
    if narrower is not None:
        return [m for m in kind.magnitudes if m in narrower]
    chosen = [draw(st.sampled_from(kind.one_of))] if kind.one_of else []
    optional = [m for m in kind.may if m in SPANS and draw(st.booleans())]
    return [*kind.needs, *chosen, *optional]


@st.composite
def _affected_sensor(draw: st.DrawFn, name: str, sensor: str) -> Row:
    """What a row affects: sensor, axis, legs, direction of the wire."""
    kind, row = KINDS[name], Row()
    if len(kind.sensors) > 1:
        row["sensor"] = draw(st.sampled_from((sensor,) if sensor else kind.sensors))
    for key in kind.may:
        field = FAULT.fields[key]
        if field.codes:
            row[key] = draw(st.sampled_from(field.codes.labels()))
        elif key not in SPANS:
            row[key] = draw(st.integers(int(field.lo), int(field.hi)))
    return row


# --- several, and whole cases --------------------------------------------------------------


@st.composite
def fault_tables(
    draw: st.DrawFn,
    most: int = 3,
    *,
    kinds: Sequence[str] = FaultKind.labels(),
    horizon: Horizon = NOMINAL,
    limits: Limits | None = None,
) -> list[Row]:
    """One to `most` rows that compose; of two that conflict, the first one is kept."""
    rows = draw(st.lists(fault_rows(kinds, horizon, limits), min_size=1, max_size=most))
    kept: list[Row] = []
    for row in rows:
        if compose([*kept, row]):
            kept.append(row)
    return kept


def compose(rows: Sequence[Row]) -> bool:
    """True when a scenario may have these rows together."""
    try:
        read_faults(WORLD.new(), [({"faults": list(rows)}, "")])
    except InputError:
        return False
    return True


def seeds(most: int = SEED_MAX) -> st.SearchStrategy[int]:
    """Seeds of a run, which give its initial errors and all its noise."""
    return st.integers(0, most)


# overrides of a scenario within which it lands: default, least, greatest
STARTS = {
    "start.propellant_kg": (380.0, 365.0, 380.0),
    "dispersions.altitude_m": (150.0, 0.0, 800.0),
    "dispersions.horizontal_m": (300.0, 0.0, 1000.0),
    "dispersions.velocity_mps": (0.05, 0.0, 0.3),
    "dispersions.attitude_arcsec": (10.0, 0.0, 60.0),
    "dispersions.accel_bias_ug": (5.0, 0.0, 50.0),
    "dispersions.gyro_bias_degph": (0.005, 0.0, 0.05),
    "dispersions.thrust": (0.01, 0.0, 0.03),
    "dispersions.site_height_m": (30.0, 0.0, 80.0),
    "dispersions.slope": (0.01, 0.0, 0.03),
    "terrain.albedo": (0.12, 0.08, 0.16),
}


@st.composite
def starts(draw: st.DrawFn) -> dict[str, float]:
    """Overrides of start and dispersions; shrinks to none."""
    changed = {}
    for key in draw(st.lists(st.sampled_from(sorted(STARTS)), unique=True, max_size=4)):
        usual, lo, hi = STARTS[key]
        step = draw(st.integers(0, START_STEPS)) / START_STEPS
        end = draw(st.sampled_from((lo, hi)))
        changed[key] = six_digits(usual + step * (end - usual))
    return changed


@dataclass(frozen=True)
class Case:
    """One run: a seed, the rows of its faults, overrides of its start."""

    seed: int
    faults: list[Row]
    start: dict[str, float] = field(default_factory=dict)

    def document(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The document of a scenario with this case added."""
        document = dict(base)
        for key, value in self.start.items():
            document = with_overlay(document, override(key, repr(value)))
        document["faults"] = [*base.get("faults", []), *self.faults]
        return document

    def scenario(self, base: Mapping[str, Any], params: str | None = None) -> Scenario:
        """The scenario to fly, with a preset of parameters. Raises InputError."""
        return assemble(self.document(base), "", params=params)


@st.composite
def cases(
    draw: st.DrawFn,
    most: int = 3,
    *,
    kinds: Sequence[str] = FaultKind.labels(),
    horizon: Horizon = NOMINAL,
    limits: Limits | None = None,
    seed_max: int = SEED_MAX,
    disturbed: bool = True,
) -> Case:
    """A run with faults, and with a disturbed start where `disturbed`."""
    faults = draw(fault_tables(most, kinds=kinds, horizon=horizon, limits=limits))
    start = draw(starts()) if disturbed else {}
    return Case(draw(seeds(seed_max)), faults, start)
