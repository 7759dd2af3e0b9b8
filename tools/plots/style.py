"""Style and formats of all pictures; the same data give the same bytes."""

from pathlib import Path
from typing import Any

from sim.common.errors import InputError

SUFFIXES = (".png", ".svg")
DPI = 150
INK, FAINT, EDGE = "#22272e", "#8a929c", "#b5442e"
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.hashsalt": "leadline",
}


def check_suffix(out: str | Path) -> Path:
    """The file to be drawn. Raises InputError for another format."""
    target = Path(out)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{out}: expected a file name that ends in .png or .svg")
    return target


def load_pyplot() -> Any:
    """Matplotlib's pyplot, drawing into files. Raises InputError where it is not installed."""
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("pictures need matplotlib: pip install 'leadline[plots]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def save(figure: Any, target: Path) -> None:
    """Write a figure, without date or random ids. Raises InputError where it cannot be written."""
    undated = {"Date": None} if target.suffix.lower() == ".svg" else None
    try:
        figure.savefig(target, dpi=DPI, metadata=undated)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}") from error
