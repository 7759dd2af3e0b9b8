"""What an end of a session runs: one record of memory, and the kernels that work on it.

A shell carries a payload: hil/firmware on a board, hil.ends.shell as a process of this machine. It
knows nothing of landers. It moves bytes between the line and places in the payload's memory, by
what is declared here, and calls six kernels, the entries. Each takes the memory record first and
returns an integer; all other arguments are integers.

    start(memory, how, armed, realtime)   all regions of a Begin are good: begin; returns a
                                          ReadyResult
    grant(memory, tick, now_ns, missed)   open a tick: by the clock, or by a message that lies in
                                          its place, then `tick` is -1; returns the number of
                                          messages that belong to it
    post(memory, apid, now_ns)            a message lies in its place; 1 to send the reply at once
    step(memory, whole)                   run the tick, or refuse it when messages are missing;
                                          1 when it ran and its outputs are to be sent
    report(memory, begun_ns, stepped_ns, sent_ns)   real time: the tick's outputs are on the line
    ask(memory, now_ns)                   own clock only: 1 to send the question now

All times are nanoseconds on the payload's clock: the bench's in lockstep, else the end's own,
which counts from flight time 0 for a payload that paces itself. Before `start`, memory is a new
record but for the regions that were loaded or kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fsw.framework.record import Record, layout
from hil.wire.messages import BY_NAME, Message
from hil.wire.slots import Slot

ENTRIES = {"start": 3, "grant": 3, "post": 2, "step": 1, "report": 3, "ask": 1}  # integers taken


@dataclass(frozen=True)
class Payload:
    """One payload: its memory, where things lie in it as dotted paths, and its entries by name."""

    name: str
    role: int
    paces_itself: bool  # in real time; else the bench's messages grant the ticks
    memory: Record
    regions: dict[str, str]  # region -> path; the first one is always needed
    kept: str  # the region that outlives a restart; empty for none
    inputs: tuple[str, ...]  # where received messages are put
    outbox: str  # where the record lies that holds the outputs
    outputs: tuple[Slot, ...]  # the messages in it
    grant: str  # the message that grants a tick
    done: str  # the answer to it
    timing: str  # sent in real time instead of `done`
    reply: str  # sent when `post` asks for it; empty for none
    question: str  # sent when `ask` asks for it; empty for none
    hashes: dict[int, tuple[str, str]]  # bit of the grant's `wants` -> region, field of `done`
    entries: dict[str, Callable[..., Any]]

    def message(self, path: str) -> Message:
        """The message that lies at a path."""
        record, names = self.memory, path.split(".")
        for name in names:
            field = record.fields[name]
            assert field.record is not None
            record = field.record
        return BY_NAME[record.name]

    def offset(self, path: str) -> int:
        """Byte in the memory at which a path begins."""
        at, dtype = 0, self.memory.dtype
        for name in path.split("."):
            dtype, start = layout(dtype)[name][:2]
            at += start
        return at
