"""A sensor board played by a process: it opens a port and plays the sensors there.

`python -m hil.ends.sensor_process --port URL` is how a session starts one of its own; by hand there
is `leadline sensors --port URL`. It needs no scenario: the bench loads it.
"""

import contextlib
import sys
from dataclasses import dataclass, field

from hil.ends.child_process import WAIT_S, announce_end, child_parser, live
from hil.ends.sensor_host import sensor_memory
from hil.ends.shell import Shell
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.platform.ports import BAUD, open_port
from hil.platform.scheduling import punctual
from hil.protocol.peer import Peer
from hil.wire.messages import SENSORS_RECEIVE
from hil.wire.session_messages import Role

SILENCE_LIMIT_NS = 10 * NS_PER_S


@dataclass
class SensorReport:
    """Figures of a session at the sensors' end."""

    reason: str
    verdict: str
    pace: str
    ticks: int
    link: dict[str, int] = field(default_factory=dict)
    wire: dict[str, int] = field(default_factory=dict)


def sense_with_bench(
    peer: Peer,
    meeting_limit_ns: int = int(WAIT_S * NS_PER_S),
    silence_limit_ns: int = SILENCE_LIMIT_NS,
) -> SensorReport:
    """Play the sensors for the bench at the other end until it sends End.

    Raises BenchError (PeerSilent, SchemaMismatch, LinkError) when the session cannot begin or
    go on.
    """
    shell = Shell(sensor_memory(), peer)
    shell.run(meeting_limit_ns, silence_limit_ns)
    return SensorReport(
        reason=shell.reason,
        verdict=shell.verdict,
        pace=shell.pace,
        ticks=shell.ticks.count,
        link=peer.link.counters.as_dict(),
        wire=peer.decoder.counters.as_dict(),
    )


def run_sensor_board(
    port: str, *, baud: int = BAUD, cpu: int | None = None, meeting_limit_s: float = WAIT_S
) -> SensorReport:
    """Play the sensors at `port`, a pyserial URL, until the bench there sends End.

    Raises BenchError, one line, when there is no such port, no bench, or none that fits.
    """
    clock = RealClock()
    link = Link(lambda: open_port(port, baud), clock)
    with contextlib.closing(link), punctual(cpu):
        sensor_memory().compile()
        peer = Peer(link, clock, Role.SENSORS, SENSORS_RECEIVE)
        with announce_end(peer):
            return sense_with_bench(peer, int(meeting_limit_s * NS_PER_S))


def main(arguments: list[str] | None = None) -> int:
    """Sensors that a session has started; errors are one line on standard error."""
    options = child_parser("hil.ends.sensor_process", __doc__).parse_args(arguments)
    return live(
        options.parent,
        lambda: run_sensor_board(
            options.port, baud=options.baud, cpu=options.cpu, meeting_limit_s=options.wait
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
