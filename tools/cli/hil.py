"""`leadline hil`, `emulator`, `flight`, `parity`: flights over a wire."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console

from fsw.interface.timing import TICK_NS
from hil.bench.bench import BenchEvent
from hil.bench.parity import WHOLE, Pair, ParityReport, Window, compare, windows_of
from hil.bench.session import Hooks, SessionResult, serve_bench
from hil.boards.toolchain import missing_tools, why_missing
from hil.ends.flight_process import run_flight_computer
from hil.ends.sensor_process import run_sensor_board
from hil.platform.clock import NS_PER_S
from sim.scenario.load import Scenario
from tools.cli.fly import announce_compiling, announcement, conclude, event_printer, result_figures
from tools.cli.request import Ends, Part, Port, Request
from tools.output.console import console, emit
from tools.output.flight_report import Timeline
from tools.output.flights import run_session

TICKS_PER_S = NS_PER_S // TICK_NS


def fly_over_wire(
    request: Request, *, ends: Ends, pace: str, inject: list[str], log: str | None, as_json: bool
) -> int:
    """Fly with ends started from here, emulated boards, or those that wait at a port."""
    scenario, seed = request.read()
    out = _console(as_json)
    timeline = Timeline(out)
    session = run_session(
        scenario,
        seed,
        sensors=ends.sensors or "emulator",
        flight=ends.flight or "host",
        pace=pace,
        inject=inject,
        log=log,
        hooks=_hooks(out, scenario, seed, timeline),
    )
    timeline.close()
    return conclude(out, scenario, session_figures(scenario, session), as_json)


def emulate(request: Request, *, pace: str, listen: str | None, as_json: bool) -> int:
    """The bench's end by hand: wait for a flight computer and fly with it."""
    scenario, seed = request.read()
    out = _console(as_json)
    timeline = Timeline(out)

    def print_url(url: str) -> None:
        out.print(f"waiting; in another terminal: leadline flight --port {url}", markup=False)

    hooks = _hooks(out, scenario, seed, timeline)
    session = serve_bench(scenario, seed, pace=pace, listen=listen, on_ready=print_url, hooks=hooks)
    timeline.close()
    return conclude(out, scenario, session_figures(scenario, session), as_json)


def compute(port: Port, *, log: str | None, as_json: bool) -> int:
    """The flight computer's end by hand, until the bench ends the session."""
    out = console(as_json)
    announce_compiling(out, "hil.ends.flight_host")
    report = run_flight_computer(port.url, baud=port.baud, log=log)
    out.print(f"{report.ticks} ticks flown, {report.missed_ticks} missed; {report.reason}")
    if as_json:
        emit({"version": version("leadline"), **asdict(report)})
    return 0 if report.reason == "finished" else 1


def sense(port: Port, *, as_json: bool) -> int:
    """The sensors' end by hand, until the bench ends the session."""
    out = console(as_json)
    announce_compiling(out, "hil.ends.sensor_host")
    report = run_sensor_board(port.url, baud=port.baud)
    out.print(f"{report.ticks} ticks sensed; {report.reason}")
    if as_json:
        emit({"version": version("leadline"), **asdict(report)})
    return 0 if report.reason == "finished" else 1


def check_parity(request: Request, *, ends: Ends, part: Part, as_json: bool) -> int:
    """Fly in process and over lines, compare at every tick; 0 when nothing differs.

    Boards are compared in parts of a flight when no part is given.
    """
    scenario, seed = request.read()
    out = _console(as_json)
    if ends == Ends() and missing_tools():
        out.print(f"without boards: {why_missing(missing_tools())}", markup=False)
    found = []
    for pair in _pairs(ends):
        for window in _windows(scenario, seed, pair, part):
            report = _compare(out, scenario, seed, pair, window)
            what = report.difference or f"{report.ticks}/{report.ticks} ticks identical"
            out.print(f"{pair}, {window}: {what}", markup=False)
            found.append((pair, window, report))
    same = all(report.same for _, _, report in found)
    if as_json:
        differences = [report.difference for *_, report in found if report.difference]
        emit(
            {
                "same": same,
                "ticks": sum(report.ticks for *_, report in found),
                "difference": asdict(differences[0]) if differences else None,
                "comparisons": [_comparison(*each) for each in found],
            }
        )
    return 0 if same else 1


def _pairs(ends: Ends) -> list[Pair]:
    if ends != Ends():
        return [Pair(ends.sensors or "emulator", ends.flight or "host")]
    pairs = [Pair("emulator", "host"), Pair("host", "host")]
    if not missing_tools():
        pairs += [Pair("qemu", "host"), Pair("emulator", "qemu"), Pair("qemu", "qemu")]
    return pairs


def _windows(scenario: Scenario, seed: int, pair: Pair, part: Part) -> list[Window]:
    if not part.is_whole():
        return [Window(part.from_s or 0.0, part.for_s)]
    return windows_of(scenario, seed) if "qemu" in (pair.sensors, pair.flight) else [WHOLE]


def _compare(
    out: Console, scenario: Scenario, seed: int, pair: Pair, window: Window
) -> ParityReport:
    with out.status(f"comparing: {pair}") as status:

        def show(tick: int) -> None:
            if tick % (10 * TICKS_PER_S) == 0:
                status.update(f"comparing: {pair}, {tick // TICKS_PER_S} s")

        return compare(scenario, seed, pair=pair, window=window, on_tick=show)


def _comparison(pair: Pair, window: Window, report: ParityReport) -> dict[str, Any]:
    return {**asdict(pair), **asdict(window), **asdict(report), "same": report.same}


def session_figures(scenario: Scenario, session: SessionResult) -> dict[str, Any]:
    """The object that --json prints of a flight over a wire."""
    return {
        **result_figures(scenario, session.result, session.wall_s),
        "pace": session.pace,
        "latency_us": session.latency_us,
        "lateness_us": session.lateness_us,
        "bench_lateness_us": session.bench_lateness_us,
        "overruns": session.overruns,
        "link": session.link,
        "sensor_link": session.sensor_link,
        "privileges": session.privileges,
        "bench_events": [asdict(event) for event in session.bench_events],
        "notes": session.notes,
    }


def _console(as_json: bool) -> Console:
    """The console of a session, with a notice where the bench's kernels are compiled first."""
    out = console(as_json)
    announce_compiling(out, "hil.bench.bench")
    return out


def _hooks(out: Console, scenario: Scenario, seed: int, timeline: Timeline) -> Hooks:
    def announce() -> None:
        out.print(announcement(scenario, seed))

    def show(event: BenchEvent) -> None:
        timeline(event.t_s, event.name, event.severity, event.detail)

    return Hooks(on_event=event_printer(timeline), on_bench_event=show, on_start=announce)
