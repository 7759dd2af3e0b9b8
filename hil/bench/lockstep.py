"""Lockstep from the bench's end: grant a tick, take the answer, move the truth.

A tick that is not answered whole is sent again, byte for byte as far as the messages go; the
flight computer flies none twice. So inputs and outputs are the same as in process, whatever the
line does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fsw.interface.timing import TICK_NS
from hil.bench.bench import TRUTH_TICKS, Bench
from hil.platform.clock import NS_PER_S
from hil.protocol.tick_exchange import Exchange
from hil.wire.messages import BY_NAME, Packet
from hil.wire.session_messages import WANT_BOARD_HASH, Pace, StartFrom
from sim.faults.records import ComputerAction
from sim.run.fly import Result

SILENCE_LIMIT_NS = 5 * NS_PER_S
DONE_RECORD = BY_NAME["Done"].record
VIEW_AT = next(at for path, _, at in DONE_RECORD.leaves() if path == "view.a_d_mps2")
VIEW_BYTES = DONE_RECORD.fields["view"].base.itemsize


Inputs = tuple[Callable[[], bytes], int]  # frames of a tick, and how many messages they hold


class LockstepSession:
    """Flies an emulator that has met its flight computer, tick by tick."""

    def __init__(
        self,
        bench: Bench,
        wants: int = 0,
        silence_limit_ns: int = SILENCE_LIMIT_NS,
    ) -> None:
        """`wants` as in Tick."""
        self.tick = bench.now_ns // TICK_NS
        self._bench = bench
        self._peer = bench.peer
        self.wants = wants
        self._resumes = False
        self._exchange = Exchange(
            bench.flight, "Done", silence_limit_ns, bench.watch_link, self._bring_back
        )

    @property
    def run(self) -> Any:
        """The Run as the bench knows it."""
        return self._bench.run

    def begin(self) -> None:
        """Load both ends and start."""
        self._bench.begin(Pace.LOCKSTEP)
        if self._bench.sensors:
            self._bench.sensors.begin(Pace.LOCKSTEP)

    def fly(self) -> Result:
        """Fly to the end and judge."""
        self.begin()
        while self.fly_tick()[0]:
            pass
        return self._bench.evaluate()

    def fly_tick(self) -> tuple[bool, Any]:
        """One tick: whether the run goes on, and the flight computer's Done."""
        bench = self._bench
        bench.sense()
        inputs = self._inputs(bench.tick_arrivals())
        outputs, done, payload = self._exchange.tick(bench.now_ns, lambda: self._grant(inputs))
        self._resumes = False
        bench.see(payload[VIEW_AT : VIEW_AT + VIEW_BYTES])
        if bench.wire_back:
            outputs = bench.wire_back.filter(outputs)
        bench.outbox.clear()
        for message, payload in outputs:
            bench.take_output(message, payload)
        going = bench.move(any(message.name == "ActuatorCommand" for message, _ in outputs))
        if bench.logging and self.tick % TRUTH_TICKS == 0:
            self._peer.link.write(bench.truth_frame())
        self.tick += 1
        return going, done

    def compare_sensors(self) -> None:
        """Have the record of a sensor board compared after every tick."""
        if self._bench.sensors:
            self._bench.sensors.wants = WANT_BOARD_HASH

    def sensor_records(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The bench's and the board's record of the sensors, when they have come to differ."""
        sensors = self._bench.sensors
        return sensors.difference if sensors else None

    def read_region(self, name: str) -> bytes:
        """One of the flight computer's memory regions as it is after the last tick."""
        return self._bench.read_region(name)

    def _inputs(self, arrivals: list[Packet]) -> Inputs:
        """The arrivals of a tick as they go on the line, and how many messages shall come of it.

        What a fault of the wire has spoiled is sent spoiled, however often it is sent.
        """
        wire = self._bench.wire_out
        if not wire:
            return lambda: self._peer.frames(arrivals), len(arrivals)
        data, left = wire.spoil([self._peer.frames([packet]) for packet in arrivals])
        return lambda: data, len(left)

    def _grant(self, inputs: Inputs) -> None:
        frames, messages = inputs
        self._peer.link.write(
            frames()
            + self._peer.frame(
                "Tick",
                t_ns=self.tick * TICK_NS,
                tick=self.tick,
                messages=messages,
                missed_ticks=self._bench.missed_ticks,
                wants=self.wants,
                action=ComputerAction.RESUME if self._resumes else self._bench.action,
            )
        )

    def _bring_back(self) -> None:
        """Let a flight computer that has restarted fly on in this tick."""
        bench = self._bench
        bench.note_flight_restart()
        bench.flight.begin(bench.kept(), Pace.LOCKSTEP, start=StartFrom.KEPT)
        self._resumes = bench.action == ComputerAction.STEP
