"""Real time from the flight computer's end: its own clock moves time.

The bench's Begin sets the clock's zero; the sensors' clock is learnt by asking. Each tick is
reported with the times at which it was received, begun, fused and commanded.
"""

from typing import Any

from fsw.interface.messages import IMU_SAMPLE
from fsw.interface.timing import TICK_NS
from hil.ends.flight_session import FlightEnd
from hil.platform.pacer import Pacer
from hil.protocol.peer import Patience
from hil.wire.codec import codec
from hil.wire.packets import BY_NAME, Message
from hil.wire.session_messages import ASK_TICKS, FIRST_ASK_TICKS, FIRST_TICKS, QUICK_ASK_NS
from sim.faults.records import ComputerAction

IMU_SEQ_AT = next(at for path, _, at in IMU_SAMPLE.leaves() if path == "seq")


class RealtimeEnd(FlightEnd):
    """The flight computer's own clock moves time."""

    PACE = "realtime"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clock = self._peer.clock
        self._zero_ns = self._begin.zero_ns
        self._exchange: tuple[int, int, int, int] | None = None
        self._questions = 0
        self._newest_imu: tuple[int, int] | None = None
        self._imu_apid = BY_NAME["ImuSample"].apid
        self._answer_apid = BY_NAME["ClockAnswer"].apid
        self._handlers[BY_NAME["Tick"].apid] = self._take_order
        self._order = ComputerAction.STEP
        self._stalled = 0

    def run(self, patience: Patience) -> None:
        """Fly by the clock until the bench says End."""
        self._learn_clock()
        pacer = Pacer(self._clock, self._zero_ns, TICK_NS)
        bytes_before = -1
        while not self.reason:
            turn = pacer.turn(self._listen_until)
            self.missed_ticks = pacer.missed
            self._tick(turn.tick, turn.due_ns - self._zero_ns, turn.missed)
            if self._peer.link.counters.bytes_in == bytes_before:
                patience.nothing()
            else:
                patience.heard()
                bytes_before = self._peer.link.counters.bytes_in

    def _now_ns(self) -> int:
        """Flight time."""
        return self._clock.now_ns() - self._zero_ns

    def _learn_clock(self) -> None:
        while self._clock.now_ns() < self._zero_ns - QUICK_ASK_NS and not self.reason:
            self._ask_clock()
            self._listen_until(self._clock.now_ns() + QUICK_ASK_NS)

    def _listen_until(self, deadline_ns: int) -> None:
        for packets in self._peer.listen_until(deadline_ns):
            received_ns = self._now_ns()
            for message, payload in packets:
                self._take(message, payload, received_ns)

    def _take(self, message: Message, payload: bytes, received_ns: int) -> None:
        if message.is_bench:
            self._handlers.get(message.apid, self._ignore)(payload)
        elif message.apid == self._answer_apid:
            self._take_clock(codec("ClockAnswer").unpack(payload), received_ns)
        else:
            self._computer.post(message, payload, received_ns)
            if message.apid == self._imu_apid:
                seq = int.from_bytes(payload[IMU_SEQ_AT : IMU_SEQ_AT + 2], "little")
                self._newest_imu = (seq, received_ns)

    def _take_order(self, payload: bytes) -> None:
        """What a fault of the bench's makes of the next tick."""
        self._order = codec("Tick").unpack(payload).action

    def _take_clock(self, answer: Any, received_ns: int) -> None:
        """Keep the quickest exchange since the last tick that took one."""
        found = (answer.t_question_ns, answer.t_received_ns, answer.t_ns, received_ns)
        if self._exchange is None or _travel_ns(found) < _travel_ns(self._exchange):
            self._exchange = found

    def _ask_clock(self) -> None:
        self._peer.say("ClockQuestion", t_ns=self._now_ns(), seq=self._questions & 0xFFFF)
        self._questions += 1

    def _tick(self, tick: int, due_ns: int, missed: int) -> None:
        order, self._order = self._order, ComputerAction.STEP
        if order in (ComputerAction.SKIP, ComputerAction.AWAY):
            self._stalled += 1 + missed
        else:
            resumed = order == ComputerAction.RESUME
            stalled, self._stalled = self._stalled, 0
            self._fly(tick, due_ns, 0 if resumed else missed + stalled, resumed)
        if tick % (FIRST_ASK_TICKS if tick < FIRST_TICKS else ASK_TICKS) == 0:
            self._ask_clock()

    def _fly(self, tick: int, due_ns: int, missed: int, resumed: bool) -> None:
        computer, peer = self._computer, self._peer
        begun_ns = self._now_ns()
        if resumed:
            computer.restart()
        if self._exchange:
            computer.post_exchange(self._exchange)
            self._exchange = None
        computer.tick(due_ns, missed, resumed)
        fused_ns = self._now_ns()
        peer.link.write(peer.frames(computer.said()))
        commanded_ns = self._now_ns()
        self._report(tick, due_ns, begun_ns, fused_ns, commanded_ns)
        self._record_tick()

    def _report(
        self, tick: int, due_ns: int, begun_ns: int, fused_ns: int, commanded_ns: int
    ) -> None:
        seq, received_ns = self._newest_imu or (0, 0)
        offset_ns, bound_ns = self._computer.sensor_clock(due_ns)
        self._peer.say(
            "Timing",
            t_ns=due_ns,
            received_ns=received_ns,
            begun_ns=begun_ns,
            fused_ns=fused_ns,
            commanded_ns=commanded_ns,
            offset_ns=offset_ns,
            bound_ns=bound_ns,
            tick=tick,
            missed_ticks=self.missed_ticks,
            imu_seq=seq,
            has_imu=self._newest_imu is not None,
            **self._computer.view(),
        )
        self._newest_imu = None


def _travel_ns(exchange: tuple[int, int, int, int]) -> int:
    asked, received, answered, back = exchange
    return back - asked - (answered - received)
