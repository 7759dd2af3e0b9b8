"""A line to one end of a session: its peer, and how to see that the end is alive."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hil.platform.clock import Clock
from hil.platform.link import Link
from hil.protocol.interventions import Injector, line_injectors


def no_liveness_check() -> None:
    """For an end that nothing here can watch."""


@dataclass(frozen=True)
class Line:
    """A link to an end, and what is known of that end."""

    link: Link
    clock: Clock
    meeting_limit_ns: int
    check_alive: Callable[[], None] = no_liveness_check  # raises when the end is known to be gone
    tick_wire_ns: int = 0  # what the messages of a tick take on a serial line
    notes: list[str] = field(default_factory=list)
    injectors: dict[str, Injector] = field(default_factory=dict)

    def all_injectors(self) -> dict[str, Injector]:
        """All that can be done to the end and to its line."""
        return {**line_injectors(self.link), **self.injectors}
