"""Interventions: what a bench can do to an end of a session, and to its line, in flight.

    reset       the processor starts anew
    freeze      it stops for 2 s, as a whole, and goes on
    hang        its program stops for good; a watchdog resets it after 1 s
    unplug      its line is gone for 1 s: what is on the way is lost
    upset       a bit of its memory flips
    slow-line   for 2 s its line carries 4,000 bytes a second

Which of them an end can take depends on what it is: an emulated board all, a process of this
machine can be frozen, a line can always be unplugged and slowed. An intervention is injected
between two ticks, at a time of the flight; its duration is wall-clock time, since in lockstep no
flight time passes while an end is stopped.
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
class Intervention:
    """What to inject, when, and at which end; "" for the only one that can take it."""

    what: str
    t_ns: int
    end: str = ""


@dataclass(frozen=True)
class Injector:
    """Injects one kind of intervention into an end, and undoes it after a while."""

    inject: Callable[[], None]
    doc: str
    undo: Callable[[], None] | None = None
    lasts_ns: int = 0
    undone: str = ""


Injectors = Mapping[str, Injector]
Note = Callable[[str, str, str], None]


def parse_intervention(text: str) -> Intervention:
    """`reset@t=120s` or `sensors:reset@t=120s`. Raises BenchError."""
    found = FORM.fullmatch(text)
    if not found:
        raise BenchError(f"--inject: expected [flight:|sensors:]WHAT@t=SECONDS, not '{text}'")
    end, what, seconds = found.groups()
    if what not in WHAT:
        raise BenchError(f"--inject {text}: expected one of {', '.join(WHAT)}, not '{what}'")
    if end and end not in ENDS:
        raise BenchError(f"--inject {text}: expected {' or '.join(ENDS)}, not '{end}'")
    return Intervention(what, round(float(seconds) * NS_PER_S), end or "")


def line_injectors(link: Link) -> dict[str, Injector]:
    """Interventions that any line can take."""
    return {
        "unplug": Injector(
            link.unplug, "the plug is pulled", link.plug, UNPLUG_NS, "the plug is back"
        ),
        "slow-line": Injector(
            lambda: link.slow_down(SLOW_BYTES_PER_S),
            f"the line carries {SLOW_BYTES_PER_S} bytes a second",
            link.speed_up,
            SLOW_NS,
            "the line has its full speed again",
        ),
    }


class Interventions:
    """The interventions of a session: injects each when its time has come, and undoes it."""

    def __init__(
        self,
        planned: Iterable[Intervention] = (),
        injectors: Mapping[str, Injectors] | None = None,
        clock: Clock | None = None,
        note: Note = lambda name, severity, detail: None,
    ) -> None:
        """`injectors` are those of each end. Raises BenchError where no end has the one planned."""
        self._injectors = injectors or {}
        self._clock = clock or RealClock()
        self._note = note
        self._waiting = sorted(((p.t_ns, self._end_of(p), p.what) for p in planned), reverse=True)
        self._active: list[tuple[int, str, str, Injector]] = []

    def act(self, t_ns: int) -> None:
        """Inject what is due at a time of the flight."""
        while self._waiting and self._waiting[-1][0] <= t_ns:
            _, end, what = self._waiting.pop()
            injector = self._injectors[end][what]
            self._note(f"injected_{_word(what)}", "notice", f"{end}: {injector.doc}")
            injector.inject()
            if injector.undo:
                self._active.append((self._clock.now_ns() + injector.lasts_ns, end, what, injector))
        self.undo_due()

    def undo_due(self) -> None:
        """Undo what has lasted long enough."""
        now_ns = self._clock.now_ns() if self._active else 0
        over = [entry for entry in self._active if entry[0] <= now_ns]
        for entry in over:
            self._active.remove(entry)
            _, end, what, injector = entry
            assert injector.undo is not None
            injector.undo()
            self._note(f"injected_{_word(what)}_over", "notice", f"{end}: {injector.undone}")

    def _end_of(self, planned: Intervention) -> str:
        able = [end for end, injectors in self._injectors.items() if planned.what in injectors]
        if planned.end:
            if planned.end not in able:
                raise BenchError(
                    f"--inject: {planned.what} cannot be done to the {planned.end} end here"
                )
            return planned.end
        if len(able) == 1:
            return able[0]
        if not able:
            raise BenchError(f"--inject: {planned.what} can be done to no end of this session")
        # a board is meant before a process, which cannot be reset
        boards = [end for end in able if "reset" in self._injectors[end]]
        if len(boards) == 1:
            return boards[0]
        which = " or ".join(f"{end}:{planned.what}" for end in able)
        raise BenchError(f"--inject: {planned.what} of which end? write {which}")


NO_INTERVENTIONS = Interventions()


def _word(what: str) -> str:
    return what.replace("-", "_")
