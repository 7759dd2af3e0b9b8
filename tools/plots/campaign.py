"""The envelope of a campaign: for each kind of fault, where it landed and where it was lost.

Every dot is a run with one fault: its magnitude across, the clearance at its onset upwards. Kinds
without magnitude are drawn along the onset alone. A kind that holds from the start is drawn where
it ends, at the first truthful range.
"""

import math
from pathlib import Path
from typing import Any

from sim.campaign.executors import Row
from sim.campaign.statistics import tally
from sim.campaign.store import read_campaign
from sim.common.errors import InputError
from sim.common.toml_records import UNITS, unit_of
from sim.run.survivability import LANDED
from tools.plots.style import EDGE, FAINT, INK, STYLE, check_suffix, load_pyplot, save

COLUMNS, PANEL_IN = 5, (2.6, 2.3)
LANDED_COLOUR = "#2a6f97"

# label, colour, marker, in the order in which they are drawn
OUTCOMES = (
    ("landed", LANDED_COLOUR, "o"),
    ("lost, not survivable", FAINT, "x"),
    ("lost", EDGE, "o"),
)
LOWEST_M = 1.0

# what opens so early holds from the start
START_S = 1.0

# a magnitude whose ends are further apart than this is drawn on a logarithmic axis
WIDE = 20.0


def plot_campaign(folder: str | Path, out: str | Path) -> Path:
    """Draw a campaign's folder; `out` ends in .png or .svg. Raises InputError."""
    target = check_suffix(out)
    manifest, rows = read_campaign(folder)
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if "+" not in row["kind"]:
            kinds.setdefault((row["kind"], row["magnitude_key"] or ""), []).append(row)
    if not kinds:
        raise InputError(f"{folder}: nothing to draw, no run had one fault")
    pyplot = load_pyplot()
    with pyplot.rc_context(STYLE):
        save(_draw(pyplot, manifest, kinds), target)
    return target


def outcome(row: Row) -> int:
    """The index of a run's outcome in OUTCOMES."""
    if row["verdict"] == LANDED:
        return 0
    return 2 if row["survivable"] else 1


def _draw(pyplot: Any, manifest: dict[str, Any], kinds: dict[tuple[str, str], list[Row]]) -> Any:
    lines = math.ceil(len(kinds) / COLUMNS)
    size = (COLUMNS * PANEL_IN[0], lines * PANEL_IN[1] + 0.8)
    figure, axes = pyplot.subplots(lines, COLUMNS, figsize=size, squeeze=False, sharey=True)
    for panel, (name, key) in zip(axes.flat, sorted(kinds), strict=False):
        _panel(panel, name, key, kinds[name, key])
    for panel in list(axes.flat)[len(kinds) :]:
        panel.set_visible(False)
    for line in axes:
        line[0].set_ylabel("clearance at onset, m")
    title = f"{manifest['campaign']}, seed {manifest['seed']}, parameters {manifest['params']}"
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", color=INK)
    handles = [
        pyplot.Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for label, colour, marker in OUTCOMES
    ]
    figure.legend(handles=handles, loc="upper right", ncols=len(OUTCOMES), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.45 / size[1]))
    return figure


def _panel(panel: Any, name: str, key: str, rows: list[Row]) -> None:
    drawn = [(_across(row), _upwards(row), outcome(row)) for row in rows]
    for index, (_, colour, marker) in enumerate(OUTCOMES):
        x = [x for x, _, f in drawn if f == index]
        y = [y for _, y, f in drawn if f == index]
        panel.scatter(x, y, s=9, c=colour, marker=marker, linewidths=0.8, alpha=0.8)
    across = [x for x, _, _ in drawn]
    if min(across) > 0.0 and max(across) > WIDE * min(across):
        panel.set_xscale("log")
    panel.set_xlabel(_with_unit(key))
    if not key:
        panel.set_xticks([])
        panel.set_xlim(-1.0, 1.0)
    panel.set_yscale("log")
    t = tally(rows)
    panel.set_title(f"{name.replace('_', ' ')}  {t.landed_of_survivable}/{t.survivable}")


def _with_unit(key: str) -> str:
    """`delay_s` as `delay, s`."""
    unit = unit_of(key)
    stem = key.removesuffix(f"_{unit}").replace("_", " ")
    return f"{stem}, {UNITS[unit]}" if unit else stem


def _across(row: Row) -> float:
    return 0.0 if row["magnitude"] is None else float(row["magnitude"])


def _upwards(row: Row) -> float:
    """Clearance at the onset; that of the first truthful range for what held from the start."""
    height = row["onset_alt_m"]
    if row["onset_s"] < START_S and row["first_truthful_alt_m"] is not None:
        height = row["first_truthful_alt_m"]
    return max(float(height or 0.0), LOWEST_M)
