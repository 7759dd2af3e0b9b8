"""Wall time of a piece of work."""

from hil.platform.clock import NS_PER_S, RealClock


class Stopwatch:
    """Runs from its making, or from the last `start`."""

    def __init__(self) -> None:
        self._clock = RealClock()
        self.start()

    def start(self) -> None:
        """Begin again at zero."""
        self._begun_ns = self._clock.now_ns()

    def seconds(self) -> float:
        """Wall time since the start [s]."""
        return (self._clock.now_ns() - self._begun_ns) / NS_PER_S
