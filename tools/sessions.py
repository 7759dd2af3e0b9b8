"""`leadline hil`, `emulator`, `flight`, `parity`: flights over a wire."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from rich.console import Console

from hil.clock import NS_PER_S
from hil.emulator import BenchEvent
from hil.flight_computer import run_flight_computer
from hil.parity import compare
from hil.session import Hooks, SessionResult, run_session, serve_emulator
from sim.errors import InputError
from sim.scenario import Scenario, load
from sim.world import TICK_NS
from tools.console import console, emit
from tools.flying import (
    announcement,
    conclude,
    log_description,
    result_figures,
    say_if_compiling,
    seed_of,
    teller,
)
from tools.report import Timeline

Overrides = tuple[tuple[str, str], ...]
TICKS_PER_S = NS_PER_S // TICK_NS


def fly_over_wire(
    name: str,
    seed: int | None,
    overrides: Overrides,
    params: str | None,
    log: str | None,
    sensors: str,
    flight: str,
    pace: str,
    as_json: bool,
) -> int:
    """Fly with both ends started from here, or with a flight computer at a port."""
    if sensors != "emulator":
        raise InputError(f"--sensors: expected emulator, not '{sensors}'")
    scenario, seed, out = _read(name, seed, overrides, params, as_json)
    timeline = Timeline(out)
    session = run_session(
        scenario,
        seed,
        flight=flight,
        pace=pace,
        log=log,
        description=log_description(scenario, seed),
        hooks=_hooks(out, scenario, seed, timeline),
    )
    timeline.close()
    return conclude(out, scenario, session_figures(scenario, session), as_json)


def emulate(
    name: str,
    seed: int | None,
    overrides: Overrides,
    params: str | None,
    pace: str,
    listen: str | None,
    as_json: bool,
) -> int:
    """The bench's end by hand: wait for a flight computer and fly with it."""
    scenario, seed, out = _read(name, seed, overrides, params, as_json)
    timeline = Timeline(out)

    def tell(url: str) -> None:
        out.print(f"waiting; in another terminal: leadline flight --port {url}", markup=False)

    hooks = _hooks(out, scenario, seed, timeline)
    session = serve_emulator(scenario, seed, pace=pace, listen=listen, on_ready=tell, hooks=hooks)
    timeline.close()
    return conclude(out, scenario, session_figures(scenario, session), as_json)


def compute(port: str, baud: int, log: str | None, as_json: bool) -> int:
    """The flight computer's end by hand, until the bench ends the session."""
    out = console(as_json)
    say_if_compiling(out, "hil.computer")
    report = run_flight_computer(port, baud=baud, log=log)
    out.print(f"{report.ticks} ticks flown, {report.missed_ticks} missed; {report.reason}")
    if as_json:
        emit({"version": version("leadline"), **asdict(report)})
    return 0 if report.reason == "finished" else 1


def check_parity(
    name: str, seed: int | None, overrides: Overrides, params: str | None, as_json: bool
) -> int:
    """Fly in process and over the line, compare at every tick; 0 when nothing differs."""
    scenario, seed, out = _read(name, seed, overrides, params, as_json)
    with out.status("comparing") as status:

        def tell(tick: int) -> None:
            if tick % (10 * TICKS_PER_S) == 0:
                status.update(f"comparing, {tick // TICKS_PER_S} s flown")

        report = compare(scenario, seed, on_tick=tell)
    if report.same:
        out.print(f"{report.ticks}/{report.ticks} ticks, core and history identical")
    else:
        out.print(str(report.difference), markup=False)
    if as_json:
        difference = report.difference and asdict(report.difference)
        emit({**asdict(report), "difference": difference, "same": report.same})
    return 0 if report.same else 1


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
        "privileges": session.privileges,
        "bench_events": [asdict(event) for event in session.bench_events],
        "notes": session.notes,
    }


def _read(
    name: str, seed: int | None, overrides: Overrides, params: str | None, as_json: bool
) -> tuple[Scenario, int, Console]:
    """The scenario, the seed, and where to speak of it."""
    scenario = load(name, overrides, params)
    seed = seed_of(scenario, seed)
    out = console(as_json)
    say_if_compiling(out, "hil.emulator")
    return scenario, seed, out


def _hooks(out: Console, scenario: Scenario, seed: int, timeline: Timeline) -> Hooks:
    def announce() -> None:
        out.print(announcement(scenario, seed))

    def tell(event: BenchEvent) -> None:
        timeline(event.t_s, event.name, event.severity, event.detail)

    return Hooks(on_event=teller(timeline), on_bench_event=tell, on_start=announce)
