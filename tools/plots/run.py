"""Pictures of a recorded run: descent rate under the stopping-distance law, ranges, throttle.

Altitude is drawn against descent rate on logarithmic axes, so that the last hundred metres take as
much room as the first ten kilometres. The edge of the shaded area is the stopping-distance law at
the mass of that moment: a vehicle in it could no longer be brought to touchdown speed with the
deceleration held back for stopping. Below, over time: the outcome of every range, throttle
and mode; then, where a session recorded them, the latencies of commands.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fsw.guidance.stopping_distance import usable_decel, v_cap
from fsw.interface.events import EventCode
from fsw.interface.modes import Mode
from fsw.interface.verdicts import RangeVerdict
from fsw.models.gravity import surface_gravity
from hil.log.reader import Log, open_log
from hil.log.replay import replay
from sim.common.errors import InputError
from tools.plots.style import EDGE, FAINT, INK, STYLE, check_suffix, load_pyplot, save

WIDTH_IN = 9.0
TRUE, ESTIMATED = INK, "#2a6f97"

# outcome of a range: label, colour, verdicts that count as it
OUTCOMES = (
    ("fused", "#2a6f97", ("fused_now", "fused_late")),
    ("held until others agree", "#e09f3e", ("held",)),
    ("rejected by the gate", "#b5442e", ("rejected",)),
    ("refused", "#8a929c", ()),
)
REFUSED = len(OUTCOMES) - 1
HOP_PARTS = (
    ("measured to received", "t_ns", "received_t_ns"),
    ("received to commanded", "received_t_ns", "commanded_t_ns"),
    ("commanded to applied", "commanded_t_ns", "applied_t_ns"),
)
HOP_COLOURS = ("#8a929c", "#2a6f97", "#e09f3e")
LOWEST_M, SLOWEST_MPS = 0.3, 0.5
LEAD_S = 20.0
HISTORY_TICKS = 100
THROTTLE_TICKS = 20
NS_PER_S = 1e9


@dataclass
class Flight:
    """Data of the pictures, read from a log; times in seconds of flight."""

    title: str
    params: Any
    truth: Any
    estimate: Any
    actuators: Any
    events: Any
    hops: Any
    ranges: Any
    verdicts: dict[int, list[tuple[int, int]]]  # sequence number -> (stamp, verdict)


def plot_log(path: str | Path, out: str | Path) -> Path:
    """Draw a run; `out` ends in .png or .svg. Raises InputError."""
    target = check_suffix(out)
    flight = _read(path)
    if len(flight.estimate) == 0:
        raise InputError(f"{path}: nothing to draw, no estimate was recorded")
    pyplot = load_pyplot()
    with pyplot.rc_context(STYLE):
        save(_draw(pyplot, flight), target)
    return target


def _read(path: str | Path) -> Flight:
    log = open_log(path)
    tables = {
        topic: log.table(topic)
        for topic in ("params", "truth", "estimate", "actuators", "event", "hops", "range")
    }
    if len(tables["params"]) == 0:
        raise InputError(f"{path}: nothing to draw, no parameters were recorded")
    return Flight(
        title=_title(log),
        params=tables["params"][0],
        truth=tables["truth"],
        estimate=tables["estimate"][tables["estimate"].mass_kg > 0.0],
        actuators=tables["actuators"],
        events=tables["event"],
        hops=tables["hops"],
        ranges=tables["range"],
        verdicts=_verdicts(path),
    )


def _title(log: Log) -> str:
    about = log.metadata
    params = about.get("params", "")
    return ", ".join(
        part
        for part in (
            about.get("scenario", ""),
            f"seed {about['seed']}" if "seed" in about else "",
            f"{params} parameters" if params else "",
        )
        if part
    )


def _verdicts(path: str | Path) -> dict[int, list[tuple[int, int]]]:
    """(Stamp on the flight clock, last verdict) by sequence number.

    They come from the rings that a replay fills once more: the log never holds them.
    """
    found: dict[tuple[int, int], int] = {}
    ticks = 0

    def look(states: Any, *_: Any) -> None:
        nonlocal ticks
        ticks += 1
        if ticks % HISTORY_TICKS:
            return
        entries = states[0]["history"]["ranges"]
        kept = entries[entries["t_ns"] > 0]
        keys = zip(kept["seq"].tolist(), kept["t_ns"].tolist(), strict=True)
        found.update(zip(keys, kept["verdict"].tolist(), strict=True))

    replay(path, watch=look)
    by_seq: dict[int, list[tuple[int, int]]] = {}
    for (seq, t_ns), verdict in found.items():
        by_seq.setdefault(seq, []).append((t_ns, verdict))
    return by_seq


# --- figures out of records ---------------------------------------------------------------


def _envelope(flight: Flight, h_m: np.ndarray) -> np.ndarray:
    """Greatest descent rate that the law allows at each height, at the mass it was reached with."""
    falling = flight.estimate[int(np.argmax(flight.estimate.altitude_m)) :]
    order = np.argsort(falling.altitude_m)
    mass_kg = np.interp(h_m, falling.altitude_m[order], falling.mass_kg[order])
    law, vehicle = flight.params.descent, flight.params.vehicle
    g_mps2 = surface_gravity(flight.params.moon, flight.params.site)
    decels = [usable_decel(law, a, g_mps2) for a in (vehicle.thrust_max_N / mass_kg).tolist()]
    return np.array([v_cap(law, h, a) for h, a in zip(h_m.tolist(), decels, strict=True)])


def _outcomes(flight: Flight) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each of OUTCOMES: times of its ranges [s], and their offset from the estimate [m].

    Samples in which the instrument saw nothing are left out.
    A range is taken to the vertical and to the footpads with the attitude estimated at its stamp.
    """
    found: list[list[tuple[float, float]]] = [[] for _ in OUTCOMES]
    outcome_of = {name: n for n, (_, _, names) in enumerate(OUTCOMES) for name in names}
    t_s, height_m, cosine = _beam_estimate(flight)
    for arrival in flight.ranges[flight.ranges.sample.range_m > 0.0]:
        seq, t_rx_ns = int(arrival.sample.seq), int(arrival.t_rx_ns)
        known = flight.verdicts.get(seq, [])
        stamp_ns, verdict = min(known, key=lambda one: abs(one[0] - t_rx_ns), default=(t_rx_ns, -1))
        outcome = (
            outcome_of.get(RangeVerdict.label_of(verdict), REFUSED) if verdict >= 0 else REFUSED
        )
        at_s = stamp_ns / NS_PER_S
        height = float(np.interp(at_s, t_s, height_m))
        measured = float(arrival.sample.range_m) * float(np.interp(at_s, t_s, cosine))
        found[outcome].append((at_s, measured - height))
    return [(np.array([a for a, _ in one]), np.array([b for _, b in one])) for one in found]


def _beam_estimate(flight: Flight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times [s], estimated height of the rangefinder over ground [m], cosine of the tilt."""
    estimate, vehicle = flight.estimate, flight.params.vehicle
    q = estimate.q_LB
    cosine = 1.0 - 2.0 * (q[:, 1] ** 2 + q[:, 2] ** 2)
    above = float(vehicle.footpad_below_cm_m) - float(vehicle.range_below_cm_m)
    return estimate.t_ns / NS_PER_S, estimate.altitude_m + above * cosine, cosine


def _event(flight: Flight, name: str) -> Any:
    """First event of a name, or None."""
    rows = flight.events[flight.events.code == EventCode.of(name)]
    return rows[0] if len(rows) else None


def _at(rows: Any, t_ns: int) -> Any:
    """The row nearest in time."""
    return rows[int(np.argmin(np.abs(rows.t_ns - t_ns)))]


def _mode_spans(flight: Flight) -> list[tuple[float, float, str]]:
    """(Begin [s], end [s], name) of every stay in a mode."""
    modes, t_s = flight.actuators.mode, flight.actuators.t_ns / NS_PER_S
    edges = [0, *(np.flatnonzero(np.diff(modes.astype(int))) + 1).tolist(), len(modes) - 1]
    spans = zip(edges[:-1], edges[1:], strict=True)
    return [(float(t_s[a]), float(t_s[b]), Mode.label_of(int(modes[a]))) for a, b in spans]


# --- pictures -----------------------------------------------------------------------------


def _draw(pyplot: Any, flight: Flight) -> Any:
    panels = [(_descent, 4.6), (_trust, 2.3), (_throttle, 1.6)]
    if len(flight.hops):
        panels.append((_latencies, 2.0))
    heights = [height for _, height in panels]
    figure, axes = pyplot.subplots(
        len(panels),
        figsize=(WIDTH_IN, sum(heights) + 0.7 * len(panels)),
        height_ratios=heights,
        layout="constrained",
    )
    pyplot.close(figure)
    figure.suptitle(flight.title, x=0.01, ha="left", fontsize=10, color=FAINT)
    for (draw, _), axis in zip(panels, axes, strict=True):
        draw(axis, flight)
    return figure


def _descent(axis: Any, flight: Flight) -> None:
    """Altitude against descent rate, under the stopping-distance law."""
    flown = flight.truth if len(flight.truth) else flight.estimate
    top = 1.4 * float(np.max(flown.altitude_m))
    h_m = np.geomspace(LOWEST_M, top, 400)
    cap = _envelope(flight, h_m)
    right = 1.6 * max(float(np.max(flown.v_down_mps)), float(cap[np.searchsorted(h_m, 5e3) - 1]))
    drawn = (cap < right) & (h_m < 0.5 * top)
    axis.fill_betweenx(h_m[drawn], cap[drawn], right, color=EDGE, alpha=0.08, lw=0)
    axis.plot(cap[drawn], h_m[drawn], color=EDGE, lw=1.2)
    at = int(np.searchsorted(h_m, 40.0))
    edge = (cap[at], h_m[at])
    axis.annotate("too fast to stop", edge, **_beside(14, -4), color=EDGE)
    estimate = flight.estimate
    axis.plot(estimate.v_down_mps, estimate.altitude_m, color=ESTIMATED, lw=3.2, alpha=0.45)
    if len(flight.truth):
        axis.plot(flight.truth.v_down_mps, flight.truth.altitude_m, color=TRUE, lw=1.3)
    axis.set(xscale="log", yscale="log", xlim=(SLOWEST_MPS, right), ylim=(LOWEST_M, top))
    axis.set(xlabel="descent rate [m/s]", ylabel="footpads above ground [m]")
    _plain_ticks(axis)
    _mark_ranges(axis, flight, flown)
    _mark_touchdown(axis, flight, flown)
    _key(axis, [("true", TRUE), ("estimated", ESTIMATED)] if len(flight.truth) else [])
    axis.set_title("Never faster than it could stop")


def _mark_ranges(axis: Any, flight: Flight, flown: Any) -> None:
    for name, words, shift in (
        ("range_first_valid", "first range", (-12, 8)),
        ("range_first_fused", "first fused", (-12, -16)),
    ):
        event = _event(flight, name)
        if event is None:
            continue
        row = _at(flown, int(event.t_ns))
        axis.plot(row.v_down_mps, row.altitude_m, "o", ms=5, color=INK, mec="white", mew=0.8)
        text = f"{words}: {row.altitude_m:,.0f} m up at {row.v_down_mps:.0f} m/s"
        place = (row.v_down_mps, row.altitude_m)
        axis.annotate(text, place, **_beside(*shift), ha="right")


def _mark_touchdown(axis: Any, flight: Flight, flown: Any) -> None:
    event = _event(flight, "contact")
    if event is None:
        return
    before = flown[flown.t_ns <= event.t_ns]
    row = before[-1] if len(before) else flown[-1]
    place = (max(float(row.v_down_mps), SLOWEST_MPS), max(float(row.altitude_m), LOWEST_M))
    axis.plot(*place, "o", ms=5, color=INK, mec="white", mew=0.8, clip_on=False)
    text = f"touchdown at {row.v_down_mps:.1f} m/s"
    axis.annotate(text, place, **_beside(12, 6))


def _trust(axis: Any, flight: Flight) -> None:
    """Outcome of every range, and three sigma of the altitude."""
    axis.set_title("Outcome of every range")
    axis.set(xlabel="flight time [s]", ylabel="range minus estimate [m]")
    outcomes = _outcomes(flight)
    seen = np.concatenate([at_s for at_s, _ in outcomes])
    if len(seen) == 0:
        axis.text(0.5, 0.5, "no range received", transform=axis.transAxes, ha="center")
        return
    begin, end = float(seen.min()) - LEAD_S, float(seen.max())
    reach = 1.2 * max(
        float(np.percentile(np.abs(outcomes[0][1]), 99.9)) if len(outcomes[0][1]) else 0, 5
    )
    t_s = flight.estimate.t_ns / NS_PER_S
    shown = (begin <= t_s) & (t_s <= end)
    three_sigma = 3.0 * flight.estimate.sigma_altitude_m[shown]
    axis.fill_between(t_s[shown], -three_sigma, three_sigma, color=FAINT, alpha=0.18, lw=0)
    axis.text(begin, 0.93 * reach, " three sigma of the altitude", color=FAINT, va="top")
    for (_, colour, _), (at_s, off_m) in zip(OUTCOMES, outcomes, strict=True):
        far = np.abs(off_m) > reach  # drawn at the edge
        axis.plot(at_s[~far], off_m[~far], ".", ms=3.5, color=colour, mec="none")
        axis.plot(at_s[far], np.sign(off_m[far]) * reach * 0.97, "D", ms=3.5, color=colour)
    axis.set(xlim=(begin, end), ylim=(-reach, reach))
    counted = zip(OUTCOMES, outcomes, strict=True)
    _key(axis, [(f"{label} {len(at_s)}", c) for (label, c, _), (at_s, _) in counted if len(at_s)])


def _throttle(axis: Any, flight: Flight) -> None:
    """Throttle and flight modes over time."""
    rows = flight.actuators[::THROTTLE_TICKS]
    burning = rows.throttle * rows.engine_on * 100.0
    axis.fill_between(rows.t_ns / NS_PER_S, burning, step="post", color=ESTIMATED, alpha=0.35, lw=0)
    spans = _mode_spans(flight)
    first, last = spans[0][0], spans[-1][1]
    taken = [first] * 3  # up to where each row of names reaches
    for begin, _, name in spans:
        row = next((k for k in range(3) if taken[k] <= begin), 2)
        taken[row] = begin + 0.0105 * (len(name) + 1) * (last - first)
        axis.plot([begin, begin], [0, 108 + 13 * row], color=FAINT, lw=0.6, clip_on=False)
        axis.text(begin, 104 + 13 * row, f" {name}", fontsize=8, va="bottom")
    axis.set(xlim=(first, last), ylim=(0, 100), xlabel="flight time [s]", ylabel="throttle [%]")


def _latencies(axis: Any, flight: Flight) -> None:
    """Histogram of the latency of each hop of a command."""
    hops = flight.hops
    figures = []
    for name, begin, end in HOP_PARTS:
        known = (hops[begin] >= 0) & (hops[end] >= 0)
        took_us = (hops[end][known] - hops[begin][known]) / 1000.0
        if len(took_us):
            figures.append((name, np.maximum(took_us, 1.0)))
    axis.set(xlabel="time taken [us]", ylabel="commands")
    axis.set_title("Latency of a command, hop by hop")
    if not figures:
        return
    bins = np.geomspace(1.0, max(float(np.max(f)) for _, f in figures) * 1.1 + 1.0, 120)
    for (name, took_us), colour in zip(figures, HOP_COLOURS, strict=False):
        p50, p99 = np.percentile(took_us, (50, 99))
        label = f"{name}: p50 {p50:,.0f}, p99 {p99:,.0f} us"
        axis.hist(took_us, bins=bins, histtype="stepfilled", color=colour, alpha=0.45, label=label)
    axis.set(xscale="log", yscale="log")
    _plain_ticks(axis)
    axis.legend(frameon=False, fontsize=8, loc="upper left")


def _beside(right_pt: float, up_pt: float) -> dict[str, Any]:
    """Offset of an annotation's text from its point."""
    return {"xytext": (right_pt, up_pt), "textcoords": "offset points"}


def _key(axis: Any, entries: list[tuple[str, str]]) -> None:
    """Names in their own colours, side by side above the axes' right end."""
    x = 1.0
    for text, colour in reversed(entries):
        axis.annotate(
            text, (x, 1.02), xycoords="axes fraction", ha="right", va="bottom", color=colour
        )
        x -= 0.0095 * len(text) + 0.02


def _plain_ticks(axis: Any) -> None:
    """Tick labels as plain numbers instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    formatter = FuncFormatter(lambda value, _: f"{value:,.10g}")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(formatter)
        side.set_minor_formatter(NullFormatter())
