"""The host flight computer as a process: it opens a port and flies with the bench there.

`python -m hil.ends.flight_process --port URL` is how a session starts one of its own; by hand there
is `leadline flight --port URL`. It needs no scenario: its parameters come over the line.
"""

import contextlib
import json
import os
import sys
from dataclasses import dataclass, field
from importlib.metadata import version

from hil.ends.child_process import announce_end, child_parser, live
from hil.ends.flight_host import flight_memory
from hil.ends.flight_log import FlightLog, OpenRecorder, tap_of
from hil.ends.shell import Shell
from hil.log.recorder import Recorder
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.platform.ports import BAUD, open_port
from hil.platform.scheduling import punctual
from hil.protocol.peer import Peer
from hil.wire.messages import FLIGHT_RECEIVES
from hil.wire.session_messages import Role

MEETING_LIMIT_NS = 60 * NS_PER_S
SILENCE_LIMIT_NS = 10 * NS_PER_S


@dataclass
class FlightReport:
    """Figures of a session at the flight computer's end."""

    reason: str
    verdict: str
    pace: str
    ticks: int
    missed_ticks: int
    link: dict[str, int] = field(default_factory=dict)
    wire: dict[str, int] = field(default_factory=dict)


def fly_with_bench(
    peer: Peer,
    open_recorder: OpenRecorder | None = None,
    meeting_limit_ns: int = MEETING_LIMIT_NS,
    silence_limit_ns: int = SILENCE_LIMIT_NS,
) -> FlightReport:
    """Meet the bench, fly, and return when it sends End.

    `open_recorder` opens the log to be kept; its argument is True where time is virtual. Raises
    BenchError (PeerSilent, SchemaMismatch, LinkError) when the session cannot begin or go on.
    """
    memory = flight_memory()
    log = FlightLog(memory, open_recorder) if open_recorder else None
    shell = Shell(memory, peer, log)
    shell.run(meeting_limit_ns, silence_limit_ns)
    return FlightReport(
        reason=shell.reason,
        verdict=shell.verdict,
        pace=shell.pace,
        ticks=shell.ticks.count,
        missed_ticks=int(memory.rows["missed"][0]),
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
    """Fly with the bench at the other end of `port`, a pyserial URL, until it sends End.

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
        flight_memory().compile()
        if log:
            _rehearse_recording()
        peer = Peer(link, clock, Role.FLIGHT_COMPUTER, FLIGHT_RECEIVES)
        peer.records = log is not None
        with announce_end(peer):
            limit_ns = int(meeting_limit_s * NS_PER_S)
            return fly_with_bench(peer, open_recorder if log else None, limit_ns)


def _rehearse_recording() -> None:
    """Compile what recording calls, on a log that is discarded, so that no bench waits for it."""
    with Recorder(os.devnull, {}) as recorder:
        tap_of(flight_memory(), recorder).record()


def main(arguments: list[str] | None = None) -> int:
    """A flight computer that a session has started; errors are one line on standard error."""
    parser = child_parser("hil.ends.flight_process", __doc__)
    parser.add_argument("--log")
    parser.add_argument(
        "--described", action="store_true", help="standard input holds the log's description"
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
    """A log's description of its run, as a session passes it to its flight computer."""
    content = {name: text.decode("utf-8", "surrogateescape") for name, text in texts.items()}
    return json.dumps({"metadata": metadata, "texts": content}).encode()


def _read_description(data: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    description = json.loads(data)
    texts = {
        name: text.encode("utf-8", "surrogateescape") for name, text in description["texts"].items()
    }
    return description["metadata"], texts


if __name__ == "__main__":
    sys.exit(main())
