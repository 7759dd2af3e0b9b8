"""Lines to the ends of a session: who plays an end, and over what one speaks to it.

`host` is a process of our own on a pseudo-terminal, `qemu` an emulated board, anything else a
pyserial URL at which somebody is waiting. Nothing is left running when a line is given back.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hil.child import START_LIMIT_NS, child_process
from hil.clock import NS_PER_S, Clock
from hil.far_end import ANSWER_LIMIT_NS
from hil.flight_computer import write_description
from hil.levers import Lever, line_levers
from hil.link import Link
from hil.ports import BAUD, advice, open_port, open_pty

TICK_BITS = 10 * 100  # an increment and a range, ten bits a byte

Description = tuple[dict[str, str], dict[str, bytes]]


def _nobody_to_watch() -> None:
    pass


@dataclass(frozen=True)
class Line:
    """A link to an end, and what is known of who is there."""

    link: Link
    clock: Clock
    meeting_limit_ns: int
    check_alive: Callable[[], None] = _nobody_to_watch  # raises when nobody is there any more
    tick_wire_ns: int = 0  # what the messages of a tick take on a serial line
    notes: list[str] = field(default_factory=list)
    levers: dict[str, Lever] = field(default_factory=dict)

    def handles(self) -> dict[str, Lever]:
        """All that can be done to the end and to its line."""
        return {**line_levers(self.link), **self.levers}


@contextlib.contextmanager
def flight_line(
    where: str,
    clock: Clock,
    pace: str = "lockstep",
    *,
    log: str | None = None,
    description: Description | None = None,
    baud: int = BAUD,
) -> Iterator[Line]:
    """A line to a flight computer. Raises BenchError, one line, where there is none."""
    if where == "host":
        arguments = ["--log", log] if log else []
        told = write_description(*description) if description else b""
        arguments += ["--described"] if description else []
        with _child_line(
            "hil.flight_computer", "flight computer", clock, pace, arguments, told
        ) as line:
            yield line
    else:
        with _line_to(where, "flight", clock, baud) as line:
            yield line


@contextlib.contextmanager
def sensor_line(
    where: str, clock: Clock, pace: str = "lockstep", *, baud: int = BAUD
) -> Iterator[Line]:
    """A line to a sensor board. Raises BenchError, one line, where there is none."""
    if where == "host":
        with _child_line("hil.sensor_computer", "sensor board", clock, pace) as line:
            yield line
    else:
        with _line_to(where, "sensors", clock, baud) as line:
            yield line


@contextlib.contextmanager
def _child_line(
    module: str,
    who: str,
    clock: Clock,
    pace: str,
    arguments: list[str] | None = None,
    told: bytes = b"",
) -> Iterator[Line]:
    """A pseudo-terminal with a process of ours at its other end."""
    port, path = open_pty()
    link = Link(lambda: port, clock)
    arguments = ["--port", path, *(arguments or [])]
    try:
        with child_process(module, who, arguments, pace, told) as child:
            yield Line(link, clock, START_LIMIT_NS, child.check, levers=child.levers())
    finally:
        link.close()


@contextlib.contextmanager
def _line_to(where: str, role: str, clock: Clock, baud: int) -> Iterator[Line]:
    if where == "qemu":
        from hil.board_line import board_line  # what it needs is not needed by others

        with board_line(role, clock) as line:
            yield line
        return
    link = Link(lambda: open_port(where, baud), clock)
    try:
        wire_ns = 0 if "://" in where else TICK_BITS * NS_PER_S // baud
        yield Line(link, clock, ANSWER_LIMIT_NS, tick_wire_ns=wire_ns, notes=advice(where))
    finally:
        link.close()
