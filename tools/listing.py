"""`leadline scenarios`: what comes along."""

from rich.table import Table
from rich.text import Text

from sim.scenario import library, load
from tools.console import console, emit


def list_scenarios(as_json: bool) -> int:
    """Print name, expected end and meaning of every scenario; returns the exit status."""
    scenarios = [load(name) for name in library()]
    if as_json:
        rows = [{"name": s.name, "expect": s.expect_verdict, "doc": s.doc} for s in scenarios]
        emit({"scenarios": rows})
        return 0
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("scenario", "ends", "about"):
        table.add_column(heading, overflow="fold")
    for scenario in scenarios:
        table.add_row(*(Text(t) for t in (scenario.name, scenario.expect_verdict, scenario.doc)))
    console(as_json).print(table)
    return 0
