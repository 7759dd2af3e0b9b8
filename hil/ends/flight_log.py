"""The log that a flight computer's process keeps."""

from collections.abc import Callable

from hil.ends.payload_memory import PayloadMemory
from hil.ends.shell import Observer
from hil.log.recorder import Recorder
from hil.log.tick_recorder import Tap
from hil.wire.messages import Message

OpenRecorder = Callable[[bool], Recorder]


class FlightLog(Observer):
    """Records every tick, and what the bench sends for the log."""

    def __init__(self, memory: PayloadMemory, open_recorder: OpenRecorder) -> None:
        """`open_recorder` is called with True where time is virtual."""
        self._memory = memory
        self._open_recorder = open_recorder

    def begin(self, realtime: bool) -> None:
        """Open the log."""
        self._recorder = self._open_recorder(not realtime)
        self._tap = tap_of(self._memory, self._recorder)

    def tick(self) -> None:
        """Record the tick."""
        self._tap.record()

    def message(self, message: Message, payload: bytes) -> None:
        """Record a message that has a channel in the log."""
        if message.topic:
            t_ns = int.from_bytes(payload[:8], "little", signed=True)
            self._recorder.append(message.topic, t_ns, payload)


def tap_of(memory: PayloadMemory, recorder: Recorder) -> Tap:
    """Recording of the ticks of a flight payload."""
    flight = memory.record
    return Tap(recorder, flight.state, flight.params, flight.inbox, flight.outbox)
