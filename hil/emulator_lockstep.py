"""Lockstep from the bench's end: grant a tick, take the answer, move the truth.

A tick that is not answered whole is sent again, byte for byte as far as the messages go; the
flight computer flies none twice. So the boxes are the same as in process, whatever the line does.
"""

from collections.abc import Callable
from typing import Any

from hil.bench import DONE_STEPPED, PACE_LOCKSTEP
from hil.clock import NS_PER_S
from hil.codec import codec
from hil.emulator import TRUTH_TICKS, Emulator
from hil.framing import Packet
from hil.packets import BY_NAME
from hil.peer import Patience
from sim.loop import Result
from sim.world import TICK_NS

RESEND_S = 0.25
SILENCE_LIMIT_NS = 5 * NS_PER_S
DONE_RECORD = BY_NAME["Done"].record
VIEW_AT = next(at for path, _, at in DONE_RECORD.leaves() if path == "view.a_d_mps2")
VIEW_BYTES = DONE_RECORD.fields["view"].base.itemsize


Parcel = tuple[Callable[[], bytes], int]


class LockstepSession:
    """Flies an emulator that has met its flight computer, tick by tick."""

    def __init__(
        self,
        emulator: Emulator,
        wants: int = 0,
        silence_limit_ns: int = SILENCE_LIMIT_NS,
    ) -> None:
        """`wants` as in Tick."""
        self.tick = 0
        self._emulator = emulator
        self._peer = emulator.peer
        self.wants = wants
        self._patience = Patience(emulator.peer, silence_limit_ns, "flight computer")
        self._done = BY_NAME["Done"].apid
        self._unpack_done = codec("Done").unpack

    def begin(self) -> None:
        """Load the parameters and start."""
        self._emulator.begin(PACE_LOCKSTEP)

    def fly(self) -> Result:
        """Fly to the end and judge."""
        self.begin()
        while self.fly_tick()[0]:
            pass
        return self._emulator.judge()

    def fly_tick(self) -> tuple[bool, Any]:
        """One tick: whether the run goes on, and the flight computer's Done."""
        emulator = self._emulator
        emulator.sense()
        said, done, view = self._exchange(self._parcel(emulator.arrivals.packets()))
        emulator.see(view)
        if emulator.wire_back:
            said = emulator.wire_back.filter(said)
        emulator.outbox.clear()
        for message, payload in said:
            emulator.outbox.put(message, payload)
        going = emulator.move(any(message.name == "ActuatorCommand" for message, _ in said))
        if emulator.logging and self.tick % TRUTH_TICKS == 0:
            self._peer.link.write(emulator.truth_frame())
        self.tick += 1
        return going, done

    def read_region(self, name: str) -> bytes:
        """One of the flight computer's memory regions as it is after the last tick."""
        return self._emulator.read_region(name)

    def _parcel(self, arrivals: list[Packet]) -> Parcel:
        """The arrivals of a tick as they go on the line, and how many messages shall come of it.

        What a fault of the wire has spoiled is sent spoiled, however often it is sent.
        """
        wire = self._emulator.wire_out
        if not wire:
            return lambda: self._peer.frames(arrivals), len(arrivals)
        data, left = wire.spoil([self._peer.frames([packet]) for packet in arrivals])
        return lambda: data, len(left)

    def _exchange(self, arrivals: Parcel) -> tuple[list[Packet], Any, bytes]:
        """Grant the tick and wait for its answer, asking again where the line has lost some."""
        self._grant(arrivals)
        said: list[Packet] = []
        while True:
            packets = self._peer.hear(RESEND_S)
            if packets:
                self._patience.heard()
            else:
                self._emulator.watch_link()
                self._emulator.check_alive()
                self._patience.nothing()
                said = []
                self._grant(arrivals)
            for message, payload in packets:
                if not message.is_bench:
                    said.append((message, payload))
                elif message.apid != self._done:
                    self._emulator.refuse_end(message, payload)
                else:
                    done = self._unpack_done(payload)
                    if self._is_answer(done, said):
                        return said, done, payload[VIEW_AT : VIEW_AT + VIEW_BYTES]
                    if done.tick == self.tick:
                        self._grant(arrivals)
                    said = []

    def _is_answer(self, done: Any, said: list[Packet]) -> bool:
        whole = done.result == DONE_STEPPED and done.messages == len(said)
        return done.tick == self.tick and whole

    def _grant(self, arrivals: Parcel) -> None:
        frames, messages = arrivals
        self._peer.link.write(
            frames()
            + self._peer.frame(
                "Tick",
                t_ns=self.tick * TICK_NS,
                tick=self.tick,
                messages=messages,
                missed_ticks=self._emulator.missed_ticks,
                wants=self.wants,
                action=self._emulator.action,
            )
        )
