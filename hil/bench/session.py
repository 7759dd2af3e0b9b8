"""A session: the bench with the plant on one side, flight computer and sensors on the other.

`run_session` starts either end as a process of its own on a pseudo-terminal, starts an emulated
board, or uses an end that is waiting on a port already. `serve_bench` is the same by hand: it
reports where it waits, and the user starts a flight computer there. Nothing is left running when a
session ends, however it ends.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hil.bench.bench import Bench, BenchEvent
from hil.bench.connections import Description, flight_line, sensor_line
from hil.bench.lockstep import LockstepSession
from hil.bench.realtime import PHASE_NS, RealtimeSession
from hil.platform.clock import NS_PER_S, Clock, RealClock
from hil.platform.errors import BenchError, PeerSilent
from hil.platform.link import Link
from hil.platform.ports import BAUD, Listener, open_pty
from hil.platform.process import own_cpu
from hil.platform.scheduling import punctual
from hil.protocol.interventions import Intervention, Interventions
from hil.protocol.line import Line
from hil.protocol.peer import Peer
from hil.wire.messages import BENCH_RECEIVES_FROM_FLIGHT, BENCH_RECEIVES_FROM_SENSORS
from hil.wire.session_messages import EndReason, Role
from sim.run.fly import Result
from sim.scenario.load import Scenario

PACES = ("lockstep", "realtime")
HAND_LIMIT_NS = 600 * NS_PER_S

# with a sensor board the path of a sample is longer, by another line and the bench
BOARD_PHASE_NS = 4_000_000


@dataclass(frozen=True)
class SessionResult:
    """Outcome of a session: the run's result, and figures of lines and clocks.

    Latency and lateness are p50, p99 and max in microseconds, None in lockstep, where time is
    virtual. `overruns` counts ticks that the flight computer skipped.
    """

    result: Result
    pace: str
    wall_s: float
    bench_events: list[BenchEvent]
    latency_us: dict[str, Any] | None = None
    lateness_us: dict[str, float] | None = None
    bench_lateness_us: dict[str, float] | None = None
    overruns: int = 0
    link: dict[str, int] = field(default_factory=dict)
    sensor_link: dict[str, int] | None = None  # None without a sensor board
    privileges: dict[str, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hooks:
    """Callbacks during a session."""

    on_event: Callable[[Any], None] | None = None  # every Event of the flight software
    on_bench_event: Callable[[BenchEvent], None] | None = None
    on_start: Callable[[], None] | None = None  # the two ends have met and loaded


def run_session(
    scenario: Scenario,
    seed: int = 0,
    *,
    sensors: str = "emulator",
    flight: str = "host",
    pace: str = "lockstep",
    log: str | None = None,
    description: Description | None = None,
    interventions: Iterable[Intervention] = (),
    hooks: Hooks | None = None,
    time_limit_s: float | None = None,
    baud: int = BAUD,
) -> SessionResult:
    """Fly one descent over a line or two.

    sensors: "emulator" for the bench's own, else the sensor board. flight: the flight computer.
    Either may be "host", a process of its own on a pseudo-terminal, "qemu", an emulated board, or
    a pyserial URL at which one is waiting. log: MCAP file that a flight computer of its own keeps;
    `description` describes its run. interventions: what to inject into the ends in flight. Raises
    BenchError, one line, when the session cannot begin or go on.
    """
    _check(flight, pace, log)
    clock = RealClock()
    hooks = hooks or Hooks()
    with contextlib.ExitStack() as stack:
        to_flight = flight_line(flight, clock, pace, log=log, description=description, baud=baud)
        lines = _open_lines(stack, to_flight, _to_sensors(sensors, clock, pace, baud))
        bench = lines.bench(scenario, seed, hooks, time_limit_s, interventions=interventions)
        return _fly(lines, bench, pace, hooks)


@contextlib.contextmanager
def lockstep_session(
    scenario: Scenario,
    seed: int,
    *,
    sensors: str = "emulator",
    flight: str = "host",
    time_limit_s: float | None = None,
    start: Any = None,
    interventions: Iterable[Intervention] = (),
    baud: int = BAUD,
) -> Iterator[LockstepSession]:
    """A session to be flown tick by tick by the caller, who begins it; ends as in `run_session`.

    start: a Run that is under way, to be flown on; None to begin at the beginning.
    """
    clock = RealClock()
    with contextlib.ExitStack() as stack:
        to_flight = flight_line(flight, clock, baud=baud)
        lines = _open_lines(stack, to_flight, _to_sensors(sensors, clock, "lockstep", baud))
        bench = lines.bench(
            scenario, seed, Hooks(), time_limit_s, start=start, interventions=interventions
        )
        with _send_end(bench):
            lines.meet(bench)
            yield LockstepSession(bench)
            bench.end()


def serve_bench(
    scenario: Scenario,
    seed: int = 0,
    *,
    pace: str = "lockstep",
    listen: str | None = None,
    on_ready: Callable[[str], None] = lambda url: None,
    hooks: Hooks | None = None,
    time_limit_s: float | None = None,
    wait_limit_s: float = HAND_LIMIT_NS / NS_PER_S,
) -> SessionResult:
    """Wait on a pseudo-terminal, or at HOST:PORT, for a flight computer, and fly with it.

    `on_ready` gets what to open: the path of the pseudo-terminal, or a socket:// URL.
    """
    _check("host", pace, None)
    clock = RealClock()
    limit_ns = int(wait_limit_s * NS_PER_S)
    with contextlib.ExitStack() as stack:
        if listen is None:
            port, url = open_pty()
            on_ready(url)
            link = Link(lambda: port, clock)
        else:
            listener = Listener(listen)
            stack.callback(listener.close)
            on_ready(listener.url)
            link = _accept(listener, clock, limit_ns)
        stack.callback(link.close)
        hooks = hooks or Hooks()
        lines = Lines(Line(link, clock, limit_ns), None)
        return _fly(lines, lines.bench(scenario, seed, hooks, time_limit_s), pace, hooks)


@dataclass(frozen=True)
class Lines:
    """The lines of a session: to the flight computer, and to a sensor board where there is one."""

    flight: Line
    sensors: Line | None

    def bench(
        self,
        scenario: Scenario,
        seed: int,
        hooks: Hooks,
        time_limit_s: float | None,
        *,
        start: Any = None,
        interventions: Iterable[Intervention] = (),
    ) -> Bench:
        """The bench's end of these lines."""
        clock = self.flight.clock
        board = None
        if self.sensors:
            board = Peer(self.sensors.link, clock, Role.BENCH, BENCH_RECEIVES_FROM_SENSORS)
        bench = Bench(
            Peer(self.flight.link, clock, Role.BENCH, BENCH_RECEIVES_FROM_FLIGHT),
            scenario,
            seed,
            on_event=hooks.on_event,
            on_bench_event=hooks.on_bench_event,
            check_alive=self.check_alive,
            time_limit_s=time_limit_s,
            sensors=board,
            start=start,
        )
        injectors = {"flight": self.flight.all_injectors()}
        if self.sensors:
            injectors["sensors"] = self.sensors.all_injectors()
        bench.interventions = Interventions(interventions, injectors, clock, bench.note)
        return bench

    def check_alive(self) -> None:
        """Raise when an end of our own has gone."""
        self.flight.check_alive()
        if self.sensors:
            self.sensors.check_alive()

    def meet(self, bench: Bench) -> None:
        """Let the bench meet both ends."""
        limits = [line.meeting_limit_ns for line in (self.flight, self.sensors) if line]
        bench.meet(*limits)

    def phase_ns(self) -> int:
        """How long after the truth of a tick the flight computer shall begin it."""
        if not self.sensors:
            return PHASE_NS + self.flight.tick_wire_ns
        return BOARD_PHASE_NS + self.flight.tick_wire_ns + self.sensors.tick_wire_ns

    def notes(self) -> list[str]:
        """What could be better about them."""
        return [*self.flight.notes, *(self.sensors.notes if self.sensors else [])]


def _open_lines(
    stack: contextlib.ExitStack,
    to_flight: contextlib.AbstractContextManager[Line],
    to_sensors: contextlib.AbstractContextManager[Line] | None,
) -> Lines:
    """Open both lines of a session, or one where the bench plays the sensors."""
    flight = stack.enter_context(to_flight)
    return Lines(flight, stack.enter_context(to_sensors) if to_sensors else None)


def _to_sensors(
    sensors: str, clock: Clock, pace: str, baud: int
) -> contextlib.AbstractContextManager[Line] | None:
    return None if sensors == "emulator" else sensor_line(sensors, clock, pace, baud=baud)


def _fly(lines: Lines, bench: Bench, pace: str, hooks: Hooks) -> SessionResult:
    clock = lines.flight.clock
    with _send_end(bench), _deferred_interrupt(bench):
        lines.meet(bench)
        if hooks.on_start:
            hooks.on_start()
        start_ns = clock.now_ns()
        figures = (_fly_lockstep if pace == "lockstep" else _fly_realtime)(bench, lines)
        bench.end(verdict=figures["result"].verdict)
        return SessionResult(
            pace=pace,
            wall_s=(clock.now_ns() - start_ns) / NS_PER_S,
            bench_events=bench.bench_events,
            link=link_figures(bench.peer),
            sensor_link=link_figures(bench.sensors.peer) if bench.sensors else None,
            notes=lines.notes(),
            **figures,
        )


def _fly_lockstep(bench: Bench, _: Lines) -> dict[str, Any]:
    return {"result": LockstepSession(bench).fly()}


def _fly_realtime(bench: Bench, lines: Lines) -> dict[str, Any]:
    session = RealtimeSession(bench, lines.phase_ns())
    with punctual(own_cpu(first=True)) as granted:
        result = session.fly()
    return {
        "result": result,
        "latency_us": session.hops.latency_us(),
        "lateness_us": session.hops.lateness_us(),
        "bench_lateness_us": session.bench_lateness_us(),
        "overruns": session.missed_ticks,
        "privileges": granted.as_dict(),
    }


def link_figures(peer: Peer) -> dict[str, int]:
    """What went over the line, and what was wrong with it."""
    wire = peer.decoder.counters.as_dict()
    del wire["bytes"]  # the link's own count is the same
    return {**peer.link.counters.as_dict(), **wire}


@contextlib.contextmanager
def _send_end(bench: Bench) -> Iterator[None]:
    """Send End, whatever ends the session, so that the other end keeps what it has recorded."""
    try:
        yield
    except PeerSilent as silence:
        bench.note("peer_silent", "alarm", str(silence))
        bench.end(EndReason.SILENT)
        raise PeerSilent(f"{silence} at {bench.now_s:.2f} s") from silence
    except BaseException:
        bench.end(EndReason.INTERRUPTED)
        raise


@contextlib.contextmanager
def _deferred_interrupt(bench: Bench) -> Iterator[None]:
    """Raise Ctrl-C between ticks; a second one at once.

    An exception raised wherever a signal happens to fall may fall into a callback of the
    compiler, which loses it.
    """

    def ask(*_: Any) -> None:
        if bench.interrupted:
            raise KeyboardInterrupt
        bench.interrupted = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _accept(listener: Listener, clock: Clock, limit_ns: int) -> Link:
    deadline_ns = clock.now_ns() + limit_ns
    while clock.now_ns() < deadline_ns:
        with contextlib.suppress(BlockingIOError):
            return Link(lambda: listener.accept(), clock)
        clock.sleep_until(clock.now_ns() + 20_000_000)
    raise PeerSilent(f"no connection at {listener.url} within {limit_ns / NS_PER_S:g} s")


def _check(flight: str, pace: str, log: str | None) -> None:
    if pace not in PACES:
        raise BenchError(f"--pace: expected {' or '.join(PACES)}, not '{pace}'")
    if flight == "qemu" and log:
        raise BenchError("--log: an emulated board keeps none; fly it with --flight host")
    if flight != "host" and log:
        raise BenchError("--log: a flight computer on a port keeps its own log (flight --log)")
