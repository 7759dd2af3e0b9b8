"""`leadline scenarios`: what comes along, and those of the past flown beside what was published."""

from rich.table import Table
from rich.text import Text

from sim.campaign.historical_landings import HISTORY_PAGE, fly_past, history_of, past_scenarios
from sim.scenario.load import library, load
from tools.output.console import console, emit


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


def write_history(as_json: bool) -> int:
    """Fly the scenarios of the past both ways and write their table; returns the exit status.

    1 when one ended otherwise than its file expects.
    """
    out = console(as_json)
    pasts, told = [], []
    for scenario in past_scenarios():
        past = fly_past(scenario.name)
        pasts.append(past)
        told.append(past.ends())
        out.print(Text("{scenario}: as flown {as_flown}, ours {ours}".format(**told[-1])))
    HISTORY_PAGE.write_text(history_of(pasts), encoding="utf-8")
    if as_json:
        emit({"history": told})
    return 0 if all(past.as_expected() for past in pasts) else 1
