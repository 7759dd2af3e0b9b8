"""Lockstep from the flight computer's end: the bench grants every tick, and is answered.

What the line loses is sent again, and no tick is flown twice.
"""

from typing import Any

from hil.ends.flight_session import FlightEnd
from hil.protocol.peer import Patience
from hil.wire.codec import codec
from hil.wire.framing import Packet
from hil.wire.packets import BY_NAME
from hil.wire.session_messages import WANT_CORE_HASH, WANT_HISTORY_HASH, DoneResult
from sim.faults.records import ComputerAction

POLL_S = 0.5


class LockstepEnd(FlightEnd):
    """The bench moves time."""

    PACE = "lockstep"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._handlers[BY_NAME["Tick"].apid] = self._tick
        self._unpack_tick = codec("Tick").unpack
        self._pending: list[Packet] = []
        self._flown = -1
        self._answer = b""

    def run(self, patience: Patience) -> None:
        """Answer until the bench says End."""
        while not self.reason:
            packets = self._peer.hear(POLL_S)
            if not packets:
                patience.nothing()
                continue
            patience.heard()
            for message, payload in packets:
                if message.is_bench:
                    self._handlers.get(message.apid, self._ignore)(payload)
                else:
                    self._pending.append((message, payload))

    def _tick(self, payload: bytes) -> None:
        grant = self._unpack_tick(payload)
        pending, self._pending = self._pending, []
        if grant.tick == self._flown:
            self._peer.link.write(self._answer)
        elif len(pending) != grant.messages:
            self._peer.say("Done", t_ns=grant.t_ns, tick=grant.tick, result=DoneResult.INCOMPLETE)
        else:
            self._fly(grant, pending)

    def _fly(self, grant: Any, pending: list[Packet]) -> None:
        computer = self._computer
        resumed = grant.action == ComputerAction.RESUME
        flown = resumed or grant.action == ComputerAction.STEP
        if resumed:
            computer.restart()
        for message, payload in pending:
            computer.post(message, payload, grant.t_ns)
        if flown:
            computer.tick(grant.t_ns, grant.missed_ticks, resumed)
        said = computer.said() if flown else []
        self._answer = self._peer.frames(said) + self._peer.frame(
            "Done",
            t_ns=grant.t_ns,
            core_hash=computer.hash_of("core") if grant.wants & WANT_CORE_HASH else 0,
            history_hash=computer.hash_of("history") if grant.wants & WANT_HISTORY_HASH else 0,
            tick=grant.tick,
            messages=len(said),
            **computer.view(),
        )
        self._peer.link.write(self._answer)
        self._flown = grant.tick
        if flown:
            self.missed_ticks += grant.missed_ticks
            self._record_tick()
