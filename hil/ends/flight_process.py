"""The host flight computer as a process: it opens a port, meets a bench there, and flies.

`python -m hil.ends.flight_process --port URL` is how a session starts one of its own; by hand there
is `leadline flight --port URL`. It needs no scenario: its parameters come over the wire.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from fsw.executive.state import PARAMS
from hil.ends.child_process import child_parser, last_word, live
from hil.ends.flight_host import Computer, compile_all
from hil.ends.flight_lockstep import LockstepEnd
from hil.ends.flight_realtime import RealtimeEnd
from hil.ends.flight_session import Meeting
from hil.log.recorder import Recorder
from hil.log.tick_recorder import Tap
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.platform.ports import BAUD, open_port
from hil.platform.scheduling import punctual
from hil.protocol.peer import Patience, Peer
from hil.wire.packets import FLIGHT_HEARS
from hil.wire.session_messages import Pace, Role

MEETING_LIMIT_NS = 60 * NS_PER_S
SILENCE_LIMIT_NS = 10 * NS_PER_S


@dataclass
class FlightReport:
    """What the flight computer's end can say of a session."""

    reason: str
    verdict: str
    pace: str
    ticks: int
    missed_ticks: int
    link: dict[str, int] = field(default_factory=dict)
    wire: dict[str, int] = field(default_factory=dict)


def fly_with_bench(
    peer: Peer,
    open_recorder: Callable[[bool], Recorder] | None = None,
    meeting_limit_ns: int = MEETING_LIMIT_NS,
    silence_limit_ns: int = SILENCE_LIMIT_NS,
) -> FlightReport:
    """Meet the bench, fly as it asks, and come back when it says so.

    `open_recorder` gives the log to be kept; it is told whether time is virtual. Raises BenchError
    (PeerSilent, SchemaMismatch, LinkError) when that does not work out.
    """
    begin = Meeting(peer).wait_for_begin(meeting_limit_ns)
    computer = Computer(**begin.regions)
    state, params, inbox, outbox = computer.boxes()
    recorder = open_recorder(begin.pace == Pace.LOCKSTEP) if open_recorder else None
    tap = Tap(recorder, state, params, inbox, outbox) if recorder else None
    kind: type[LockstepEnd] | type[RealtimeEnd] = (
        LockstepEnd if begin.pace == Pace.LOCKSTEP else RealtimeEnd
    )
    end = kind(peer, computer, begin, recorder, tap)
    end.say_ready()
    end.run(Patience(peer, silence_limit_ns, "bench"))
    return FlightReport(
        reason=end.reason,
        verdict=end.verdict,
        pace=kind.PACE,
        ticks=end.ticks,
        missed_ticks=end.missed_ticks,
        link=peer.link.counters.as_dict(),
        wire=peer.decoder.counters.as_dict(),
    )


def run_flight_computer(
    port: str,
    *,
    baud: int = BAUD,
    log: str | None = None,
    description: tuple[dict[str, str], dict[str, bytes]] | None = None,
    cpu: int | None = None,
    meeting_limit_s: float = MEETING_LIMIT_NS / NS_PER_S,
) -> FlightReport:
    """Fly with the bench at the other end of `port`, a pyserial URL, until it says End.

    Raises BenchError, one line, when there is no such port, no bench, or none that fits.
    """
    clock = RealClock()
    metadata, texts = description or ({"version": version("leadline")}, {})
    with contextlib.ExitStack() as stack:
        link = Link(lambda: open_port(port, baud), clock)
        stack.callback(link.close)

        def open_recorder(virtual_time: bool) -> Recorder:
            recorder = Recorder(str(log), metadata, texts, wait=virtual_time)
            return stack.enter_context(recorder)

        stack.enter_context(punctual(cpu))
        compile_all()
        if log:
            _rehearse_recording()
        peer = Peer(link, clock, Role.FLIGHT_COMPUTER, FLIGHT_HEARS)
        peer.records = log is not None
        with last_word(peer):
            limit_ns = int(meeting_limit_s * NS_PER_S)
            return fly_with_bench(peer, open_recorder if log else None, limit_ns)


def _rehearse_recording() -> None:
    """Compile what recording calls, on a log that nobody keeps: no bench shall wait for it."""
    with Recorder(os.devnull, {}) as recorder:
        Tap(recorder, *Computer(PARAMS.new().tobytes()).boxes()).record()


def main(arguments: list[str] | None = None) -> int:
    """A flight computer that a session has started; errors are one line on standard error."""
    parser = child_parser("hil.ends.flight_process", __doc__)
    parser.add_argument("--log")
    parser.add_argument(
        "--described", action="store_true", help="standard input holds what the log says of itself"
    )
    options = parser.parse_args(arguments)

    def run() -> None:
        run_flight_computer(
            options.port,
            baud=options.baud,
            log=options.log,
            description=_read_description(sys.stdin.buffer.read()) if options.described else None,
            cpu=options.cpu,
            meeting_limit_s=options.wait,
        )

    return live(options.parent, run)


def write_description(metadata: dict[str, str], texts: dict[str, bytes]) -> bytes:
    """What a log says of its run, as a session hands it to its flight computer."""
    told = {name: text.decode("utf-8", "surrogateescape") for name, text in texts.items()}
    return json.dumps({"metadata": metadata, "texts": told}).encode()


def _read_description(data: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    told = json.loads(data)
    texts = {name: text.encode("utf-8", "surrogateescape") for name, text in told["texts"].items()}
    return told["metadata"], texts


if __name__ == "__main__":
    sys.exit(main())
