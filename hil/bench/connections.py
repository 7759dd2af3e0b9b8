"""Lines to the ends of a session: which end it is, and the port to it.

`host` is a process of our own on a pseudo-terminal, `qemu` an emulated board, anything else a
pyserial URL at which an end is waiting. Nothing is left running when a line is closed.
"""

import contextlib
from collections.abc import Iterator

from hil.ends.child_process import START_LIMIT_NS, child_process
from hil.ends.flight_process import write_description
from hil.platform.clock import NS_PER_S, Clock
from hil.platform.link import Link
from hil.platform.ports import BAUD, advice, open_port, open_pty
from hil.protocol.line import Line
from hil.protocol.remote_end import ANSWER_LIMIT_NS

TICK_BITS = 10 * 100  # an increment and a range, ten bits a byte

Description = tuple[dict[str, str], dict[str, bytes]]


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
        stdin = write_description(*description) if description else b""
        arguments += ["--described"] if description else []
        with _child_line(
            "hil.ends.flight_process",
            "flight computer",
            clock,
            pace,
            arguments=arguments,
            stdin=stdin,
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
        with _child_line("hil.ends.sensor_process", "sensor board", clock, pace) as line:
            yield line
    else:
        with _line_to(where, "sensors", clock, baud) as line:
            yield line


@contextlib.contextmanager
def _child_line(
    module: str,
    name: str,
    clock: Clock,
    pace: str,
    *,
    arguments: list[str] | None = None,
    stdin: bytes = b"",
) -> Iterator[Line]:
    """A pseudo-terminal with a process of ours at its other end."""
    port, path = open_pty()
    link = Link(lambda: port, clock)
    arguments = ["--port", path, *(arguments or [])]
    try:
        with child_process(module, name, arguments, pace, stdin=stdin) as child:
            yield Line(link, clock, START_LIMIT_NS, child.check, injectors=child.injectors())
    finally:
        link.close()


@contextlib.contextmanager
def _line_to(where: str, role: str, clock: Clock, baud: int) -> Iterator[Line]:
    if where == "qemu":
        from hil.bench.board_connection import board_line  # what it needs is not needed by others

        with board_line(role, clock) as line:
            yield line
        return
    link = Link(lambda: open_port(where, baud), clock)
    try:
        wire_ns = 0 if "://" in where else TICK_BITS * NS_PER_S // baud
        yield Line(link, clock, ANSWER_LIMIT_NS, tick_wire_ns=wire_ns, notes=advice(where))
    finally:
        link.close()
