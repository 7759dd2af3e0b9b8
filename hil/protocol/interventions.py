"""Levers: what a bench can do to an end of a session, and to its line, while it flies.

    reset       the processor starts anew
    freeze      it stands still for 2 s, as a whole, and goes on
    hang        it does nothing any more; a watchdog resets it after 1 s
    unplug      its line is gone for 1 s: what is on the way is lost
    upset       a bit of its memory flips
    slow-line   for 2 s its line carries 4,000 bytes a second

Which of them an end can do depends on what it is: an emulated board all, a process of this
machine may be frozen, a line can always be unplugged and slowed. A lever is pulled between two
ticks, at a time of the flight; how long it lasts is told by the clock on the wall, since in
lockstep no flight time passes while an end stands still.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hil.platform.clock import NS_PER_S, Clock, RealClock
from hil.platform.errors import BenchError
from hil.platform.link import Link

WHAT = ("reset", "freeze", "hang", "unplug", "upset", "slow-line")
ENDS = ("flight", "sensors")
FREEZE_NS = 2 * NS_PER_S
WATCHDOG_NS = NS_PER_S
UNPLUG_NS = NS_PER_S
SLOW_NS = 2 * NS_PER_S
SLOW_BYTES_PER_S = 4_000
FORM = re.compile(r"(?:(\w+):)?([\w-]+)@t=(\d+(?:\.\d+)?)s?")


@dataclass(frozen=True)
class Pull:
    """A lever to be pulled: which one, when, and at which end; "" for the only one that can."""

    what: str
    t_ns: int
    end: str = ""


@dataclass(frozen=True)
class Lever:
    """What can be done to an end, and what undoes it after a while."""

    pull: Callable[[], None]
    doc: str
    undo: Callable[[], None] | None = None
    lasts_ns: int = 0
    undone: str = ""


Handles = Mapping[str, Lever]
Note = Callable[[str, str, str], None]


def parse_pull(text: str) -> Pull:
    """`reset@t=120s` or `sensors:reset@t=120s`. Raises BenchError."""
    found = FORM.fullmatch(text)
    if not found:
        raise BenchError(f"--lever: expected [flight:|sensors:]WHAT@t=SECONDS, not '{text}'")
    end, what, seconds = found.groups()
    if what not in WHAT:
        raise BenchError(f"--lever {text}: expected one of {', '.join(WHAT)}, not '{what}'")
    if end and end not in ENDS:
        raise BenchError(f"--lever {text}: expected {' or '.join(ENDS)}, not '{end}'")
    return Pull(what, round(float(seconds) * NS_PER_S), end or "")


def line_levers(link: Link) -> dict[str, Lever]:
    """What can be done to any line."""
    return {
        "unplug": Lever(
            link.unplug, "the plug is pulled", link.plug, UNPLUG_NS, "the plug is back"
        ),
        "slow-line": Lever(
            lambda: link.slow_down(SLOW_BYTES_PER_S),
            f"the line carries {SLOW_BYTES_PER_S} bytes a second",
            link.speed_up,
            SLOW_NS,
            "the line is as quick as before",
        ),
    }


class Levers:
    """The levers of a session: pulls each when its time has come, and lets go of it again."""

    def __init__(
        self,
        pulls: Iterable[Pull] = (),
        handles: Mapping[str, Handles] | None = None,
        clock: Clock | None = None,
        note: Note = lambda name, severity, detail: None,
    ) -> None:
        """`handles` are the levers of each end. Raises BenchError for one that no end has."""
        self._handles = handles or {}
        self._clock = clock or RealClock()
        self._note = note
        self._waiting = sorted(((p.t_ns, self._end_of(p), p.what) for p in pulls), reverse=True)
        self._pulled: list[tuple[int, str, str, Lever]] = []

    def act(self, t_ns: int) -> None:
        """Pull what is due at a time of the flight."""
        while self._waiting and self._waiting[-1][0] <= t_ns:
            _, end, what = self._waiting.pop()
            lever = self._handles[end][what]
            self._note(f"lever_{_word(what)}", "notice", f"{end}: {lever.doc}")
            lever.pull()
            if lever.undo:
                self._pulled.append((self._clock.now_ns() + lever.lasts_ns, end, what, lever))
        self.look()

    def look(self) -> None:
        """Let go of what has lasted long enough."""
        now_ns = self._clock.now_ns() if self._pulled else 0
        over = [entry for entry in self._pulled if entry[0] <= now_ns]
        for entry in over:
            self._pulled.remove(entry)
            _, end, what, lever = entry
            assert lever.undo is not None
            lever.undo()
            self._note(f"lever_{_word(what)}_over", "notice", f"{end}: {lever.undone}")

    def _end_of(self, pull: Pull) -> str:
        able = [end for end, levers in self._handles.items() if pull.what in levers]
        if pull.end:
            if pull.end not in able:
                raise BenchError(f"--lever: {pull.what} cannot be done to the {pull.end} end here")
            return pull.end
        if len(able) == 1:
            return able[0]
        if not able:
            raise BenchError(f"--lever: {pull.what} can be done to no end of this session")
        # a board is meant before a process, which has no levers of a processor
        boards = [end for end in able if "reset" in self._handles[end]]
        if len(boards) == 1:
            return boards[0]
        which = " or ".join(f"{end}:{pull.what}" for end in able)
        raise BenchError(f"--lever: {pull.what} of which end? say {which}")


NO_LEVERS = Levers()


def _word(what: str) -> str:
    return what.replace("-", "_")
