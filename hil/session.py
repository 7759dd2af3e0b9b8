"""A session: an emulator with the plant at one end of a line, a flight computer at the other.

`run_session` starts the flight computer as a process of its own on a pseudo-terminal, or talks to
one that is there already on a port. `serve_emulator` is the same by hand: it says where it waits,
and somebody starts a flight computer there. Nothing is left running when a session ends, however
it ends.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.bench import END_INTERRUPTED, END_SILENT, ROLE_BENCH
from hil.clock import NS_PER_S, Clock, RealClock
from hil.emulator import BenchEvent, Emulator
from hil.emulator_lockstep import LockstepSession
from hil.emulator_realtime import PHASE_NS, RealtimeSession
from hil.errors import BenchError, PeerSilent
from hil.far_end import ANSWER_LIMIT_NS
from hil.flight_computer import write_description
from hil.link import Link
from hil.packets import BENCH_HEARS_FLIGHT
from hil.peer import Peer
from hil.ports import BAUD, Listener, advice, open_port, open_pty
from hil.privileges import punctual
from sim.loop import Result
from sim.scenario import Scenario

PACES = ("lockstep", "realtime")
GOODBYE_LIMIT_S = 10.0
# either end may have to compile its kernels first, and this machine may be busy
START_LIMIT_NS = 600 * NS_PER_S
HAND_LIMIT_NS = 600 * NS_PER_S
TICK_BITS = 10 * 100  # an increment and a range, ten bits a byte

Description = tuple[dict[str, str], dict[str, bytes]]


@dataclass(frozen=True)
class SessionResult:
    """What became of a session: the run's result, and how the wire and the clocks did.

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
    privileges: dict[str, bool] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hooks:
    """What a caller is told while a session goes on."""

    on_event: Callable[[Any], None] | None = None  # every Event of the flight software
    on_bench_event: Callable[[BenchEvent], None] | None = None
    on_start: Callable[[], None] | None = None  # the two ends have met and loaded


def run_session(
    scenario: Scenario,
    seed: int = 0,
    *,
    flight: str = "host",
    pace: str = "lockstep",
    log: str | None = None,
    description: Description | None = None,
    hooks: Hooks | None = None,
    time_limit_s: float | None = None,
    baud: int = BAUD,
) -> SessionResult:
    """Fly one descent over a line.

    flight: "host" starts a flight computer of its own on a pseudo-terminal; anything else is a
    pyserial URL at which one is waiting. log: MCAP file that the flight computer of its own
    keeps; `description` is what it says of itself. Raises BenchError, one line, when the session
    cannot begin or go on.
    """
    _check(flight, pace, log)
    clock = RealClock()
    with contextlib.ExitStack() as stack:
        if flight == "host":
            line = stack.enter_context(_own_flight_computer(clock, pace, log, description))
        else:
            link = Link(lambda: open_port(flight, baud), clock)
            stack.callback(link.close)
            wire_ns = 0 if "://" in flight else TICK_BITS * NS_PER_S // baud
            line = Line(link, clock, ANSWER_LIMIT_NS, tick_wire_ns=wire_ns, notes=advice(flight))
        return _fly(line, scenario, seed, pace, hooks or Hooks(), time_limit_s)


@contextlib.contextmanager
def lockstep_session(
    scenario: Scenario, seed: int, *, time_limit_s: float | None = None
) -> Iterator[LockstepSession]:
    """A session with a flight computer of its own, to be flown tick by tick by the caller."""
    with _own_flight_computer(RealClock(), "lockstep") as line:
        emulator = line.emulator(scenario, seed, Hooks(), time_limit_s)
        with _last_word(emulator):
            emulator.meet(line.meeting_limit_ns)
            yield LockstepSession(emulator)
            emulator.end()


def serve_emulator(
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

    `on_ready` is told what to open: the path of the pseudo-terminal, or a socket:// URL.
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
        line = Line(link, clock, limit_ns)
        return _fly(line, scenario, seed, pace, hooks or Hooks(), time_limit_s)


def _nobody_to_watch() -> None:
    pass


@dataclass(frozen=True)
class Line:
    """A link to a flight computer, and what is known of who is at its other end."""

    link: Link
    clock: Clock
    meeting_limit_ns: int
    check_alive: Callable[[], None] = _nobody_to_watch  # raises when nobody is there any more
    tick_wire_ns: int = 0  # what the messages of a tick take on a serial line
    notes: list[str] = field(default_factory=list)

    def emulator(
        self, scenario: Scenario, seed: int, hooks: Hooks, time_limit_s: float | None
    ) -> Emulator:
        """The bench's end of this line."""
        peer = Peer(self.link, self.clock, ROLE_BENCH, BENCH_HEARS_FLIGHT)
        told = hooks.on_event, hooks.on_bench_event
        return Emulator(peer, scenario, seed, *told, self.check_alive, time_limit_s)


def _fly(
    line: Line,
    scenario: Scenario,
    seed: int,
    pace: str,
    hooks: Hooks,
    time_limit_s: float | None,
) -> SessionResult:
    emulator = line.emulator(scenario, seed, hooks, time_limit_s)
    with _last_word(emulator), _deferred_interrupt(emulator):
        emulator.meet(line.meeting_limit_ns)
        if hooks.on_start:
            hooks.on_start()
        start_ns = line.clock.now_ns()
        figures = (_fly_lockstep if pace == "lockstep" else _fly_realtime)(emulator, line)
        emulator.end(verdict=figures["result"].verdict)
        return SessionResult(
            pace=pace,
            wall_s=(line.clock.now_ns() - start_ns) / NS_PER_S,
            bench_events=emulator.bench_events,
            link=link_figures(emulator.peer),
            notes=line.notes,
            **figures,
        )


def _fly_lockstep(emulator: Emulator, _: Line) -> dict[str, Any]:
    return {"result": LockstepSession(emulator).fly()}


def _fly_realtime(emulator: Emulator, line: Line) -> dict[str, Any]:
    session = RealtimeSession(emulator, PHASE_NS + line.tick_wire_ns)
    with punctual(_own_cpu(first=True)) as granted:
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
def _last_word(emulator: Emulator) -> Iterator[None]:
    """Say End, whatever ends the session, so that the other end keeps what it has recorded."""
    try:
        yield
    except PeerSilent as silence:
        emulator.note("peer_silent", "alarm", str(silence))
        emulator.end(END_SILENT)
        raise PeerSilent(f"{silence} at {emulator.now_s:.2f} s") from silence
    except BaseException:
        emulator.end(END_INTERRUPTED)
        raise


@contextlib.contextmanager
def _deferred_interrupt(emulator: Emulator) -> Iterator[None]:
    """Let the emulator heed Ctrl-C between ticks; a second one strikes where it falls.

    An exception raised wherever a signal happens to fall may fall into a callback of the
    compiler, which loses it.
    """

    def ask(*_: Any) -> None:
        if emulator.interrupted:
            raise KeyboardInterrupt
        emulator.interrupted = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- the flight computer's process ---------------------------------------------------------


class _FlightProcess:
    """A flight computer that this process has started and will not leave behind."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def check(self) -> None:
        """Raise BenchError when it has ended by itself."""
        if self._process.poll() is not None:
            assert self._process.stderr is not None
            said = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()
            reason = said[-1] if said else f"status {self._process.returncode}"
            raise BenchError(f"the flight computer ended by itself: {reason}")

    def finish(self) -> None:
        """Let it close its log, and insist when it does not."""
        try:
            self._process.wait(GOODBYE_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stderr:
                self._process.stderr.close()


@contextlib.contextmanager
def _own_flight_computer(
    clock: Clock, pace: str, log: str | None = None, description: Description | None = None
) -> Iterator[Line]:
    """A pseudo-terminal with a flight computer of ours at its other end."""
    port, path = open_pty()
    link = Link(lambda: port, clock)
    try:
        with _flight_process(path, log, description, pace) as child:
            yield Line(link, clock, START_LIMIT_NS, child.check)
    finally:
        link.close()


@contextlib.contextmanager
def _flight_process(
    path: str, log: str | None, description: Description | None, pace: str
) -> Iterator[_FlightProcess]:
    command = [sys.executable, "-P", "-m", "hil.flight_computer", "--port", path]
    command += ["--parent", str(os.getpid()), "--wait", str(START_LIMIT_NS // NS_PER_S)]
    if log:
        command += ["--log", log]
    cpu = _own_cpu(first=False) if pace == "realtime" else None
    if cpu is not None:
        command += ["--cpu", str(cpu)]
    if description:
        command += ["--described"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _own_path()},
        process_group=0,  # an interrupt from the terminal is ours to pass on
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(write_description(*description) if description else b"")
        process.stdin.close()
    child = _FlightProcess(process)
    try:
        yield child
    finally:
        child.finish()


def _own_path() -> str:
    """Where this program was loaded from: its flight computer shall be of the same source."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.pathsep.join(path for path in paths if path)


def _own_cpu(first: bool) -> int | None:
    """A processor for each end, where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return None
    return allowed[0] if first else allowed[-1]


def _accept(listener: Listener, clock: Clock, limit_ns: int) -> Link:
    deadline_ns = clock.now_ns() + limit_ns
    while clock.now_ns() < deadline_ns:
        with contextlib.suppress(BlockingIOError):
            return Link(lambda: listener.accept(), clock)
        clock.sleep_until(clock.now_ns() + 20_000_000)
    raise PeerSilent(f"nobody called at {listener.url} within {limit_ns / NS_PER_S:g} s")


def _check(flight: str, pace: str, log: str | None) -> None:
    if pace not in PACES:
        raise BenchError(f"--pace: expected {' or '.join(PACES)}, not '{pace}'")
    if flight != "host" and log:
        raise BenchError("--log: a flight computer on a port keeps its own log (flight --log)")
