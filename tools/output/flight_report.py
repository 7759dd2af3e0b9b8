"""A flight in a terminal: its timeline while it flies, then the verdict."""

from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sim.evaluation.requirements import REQUIREMENTS, broken

SEVERITY_STYLES = {"info": "dim", "notice": "", "warning": "yellow", "alarm": "bold red"}
SHOWN = ("notice", "warning", "alarm")


class Timeline:
    """Prints phases and events as they come; many of one kind in a row become one line."""

    SHOWN_EACH = 3

    def __init__(self, out: Console) -> None:
        self._out = out
        self._seen: dict[str, int] = {}

    def __call__(self, t_s: float, name: str, severity: str, detail: str) -> None:
        """One event, at flight time t_s."""
        if severity not in SHOWN:
            return
        self._seen[name] = self._seen.get(name, 0) + 1
        repeats = self._seen[name]
        if name == "mode_changed":
            self._out.print(Text(f"{t_s:9.2f} s  {detail}", style="bold cyan"))
        elif severity == "alarm" or repeats <= self.SHOWN_EACH:
            style = SEVERITY_STYLES[severity]
            label = name.replace("_", " ")
            self._out.print(Text(f"{t_s:9.2f} s    {label:<20} {detail}", style=style))
            if severity != "alarm" and repeats == self.SHOWN_EACH:
                self._out.print(Text(f"{'':13} ... further events of this kind are counted", "dim"))

    def close(self) -> None:
        """Print how many events were left out."""
        left_out = {n: c - self.SHOWN_EACH for n, c in self._seen.items() if c > self.SHOWN_EACH}
        left_out.pop("mode_changed", None)
        for name, count in left_out.items():
            self._out.print(Text(f"{'':13} {count} more: {name.replace('_', ' ')}", style="dim"))


def verdict_panel(result: dict[str, Any], as_expected: bool) -> Panel:
    """The verdict and its figures, from the object that --json prints."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_column()
    for label, text in _figures(result):
        rows.add_row(label, text)
    colour = "green" if as_expected else "red"
    title = Text(result["verdict"].replace("_", " "), style=f"bold {colour}")
    return Panel(rows, title=title, title_align="left", border_style=colour, expand=False)


def _figures(result: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    touchdown = result["touchdown"]
    if touchdown is not None:
        rows.append(
            (
                "touchdown",
                f"{touchdown['v_down_mps']:.2f} m/s down, "
                f"{touchdown['v_horizontal_mps']:.2f} m/s across",
            )
        )
        rows.append(
            ("attitude", f"{touchdown['tilt_deg']:.1f} deg, {touchdown['rate_degps']:.1f} deg/s")
        )
        rows.append(("from the site", f"{touchdown['miss_m']:.0f} m"))
    rows.append(("propellant left", f"{result['propellant_left_kg']:.1f} kg"))
    ranges = result["range"]
    rows.append(
        (
            "first range",
            f"{_metres(ranges['first_valid_alt_m'])} valid, "
            f"{_metres(ranges['first_fused_alt_m'])} fused",
        )
    )
    if result["verdict"] != "landed":
        rows.append(("survivable", _survivable(result["survivability"])))
    margin = result["worst_stopping_margin_m"]
    if margin is not None:
        rows.append(("stopping margin", f"{margin:.1f} m at worst"))
    rows += [("broken", text) for text in _broken(result["margins"])]
    rows.append(("flight time", f"{result['time_s']:.1f} s in {result['wall_s']:.2f} s"))
    if result["wall_s"] > 0.0:
        rows.append(("speed", f"{result['time_s'] / result['wall_s']:,.0f} x real time"))
    return rows + _wire_figures(result)


def _broken(margins: dict[str, float | None]) -> list[str]:
    """The requirements that were broken, the worst first."""
    docs = {each.name: each.doc for each in REQUIREMENTS}
    return [f"{margins[name]:+.2f} {docs[name]}" for name in broken(margins)]


def _survivable(judged: dict[str, Any]) -> str:
    if not judged["survivable"]:
        return f"no: {judged['why']}"
    known = "yes, as with perfect knowledge" if judged["how"] == "landing" else "not ruled out"
    return f"{known}; lost by {judged['loss']}"


def _wire_figures(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Figures that only a flight over a wire has."""
    if "link" not in result:
        return []
    link = result["link"]
    bad = sum(link[name] for name in ("cobs", "length", "crc", "header", "missing"))
    rows = [("line", f"{link['packets']:,} packets in, {bad} bad or missing")]
    if result["lateness_us"] is not None:
        late, hop = result["lateness_us"], result["latency_us"]["sensed_applied"]
        rows.append(("ticks", f"p99 {late['p99']:.0f} us late, {result['overruns']} skipped"))
        if hop is not None:
            rows.append(
                ("sensed to applied", f"p50 {hop['p50']:,.0f} us, p99 {hop['p99']:,.0f} us")
            )
    return rows + [("note", note) for note in result["notes"]]


def _metres(value: float | None) -> str:
    return "none" if value is None else f"{value:.0f} m"
