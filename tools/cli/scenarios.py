"""`leadline scenarios`: the library, and past landings flown beside published figures."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from sim.campaign.historical_landings import fly_past, history_of, past_scenarios
from sim.common.errors import InputError
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


def show_history(*, out: str | None, as_json: bool) -> int:
    """Fly the past landings with both presets and print or write their table.

    out: file to write, None for standard output. The exit status is 1 when one ended otherwise
    than its file expects.
    """
    if out is not None:
        _write(out, "")  # refused before anything is flown
    progress = console(as_json=True)  # on standard error: standard output has the table
    pasts, ends = [], []
    for scenario in past_scenarios():
        past = fly_past(scenario.name)
        pasts.append(past)
        ends.append(past.ends())
        progress.print(Text("{scenario}: as flown {as_flown}, ours {ours}".format(**ends[-1])))
    if out is not None:
        _write(out, history_of(pasts))
    elif not as_json:
        print(history_of(pasts), end="")
    if as_json:
        emit({"history": ends})
    return 0 if all(past.as_expected() for past in pasts) else 1


def _write(out: str, text: str) -> None:
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or "cannot be written").lower()
        raise InputError(f"--out {out}: {reason}") from error
