"""The ticks of an end: what hil/firmware/ticks.c is on a board.

A tick is the same in both paces: grant, messages, step, answer. In lockstep the bench grants it,
its messages wait until then, and a grant that is repeated is answered with the same bytes. In real
time a payload that paces itself is granted ticks by this end's clock, on a grid that a late one
does not shift: missed ticks are counted and skipped.
"""

from collections.abc import Callable

from fsw.interface.timing import TICK_NS
from hil.ends.payload_memory import PayloadMemory
from hil.platform.pacer import Pacer
from hil.protocol.peer import Peer
from hil.wire.messages import Message, Packet
from hil.wire.session_messages import ReadyResult, StartFrom

ReceiveUntil = Callable[[int], None]


class Ticks:
    """Runs the ticks of one payload."""

    def __init__(self, memory: PayloadMemory, peer: Peer, on_tick: Callable[[], None]) -> None:
        """`on_tick` is called after every tick that ran, once its outputs are sent."""
        self.running = False
        self.count = 0  # ticks that ran
        self._memory = memory
        self._payload = memory.payload
        self._peer = peer
        self._clock = peer.clock
        self._on_tick = on_tick
        self._realtime = False
        self._zero_ns = 0
        self._pacer: Pacer | None = None
        self._waiting: list[Packet] = []
        self._answered_ns: int | None = None
        self._answer = b""

    @property
    def paced(self) -> bool:
        """True when this end's clock grants the ticks."""
        return self._pacer is not None

    def start(self, how: int, armed: bool, realtime: bool, zero_ns: int) -> int:
        """Begin, with flight time 0 at zero_ns by this end's clock; a ReadyResult."""
        result = self._memory.start(how, int(armed), int(realtime))
        self.running = result == ReadyResult.STARTED
        self._realtime = realtime
        self._waiting.clear()
        self._answered_ns = None
        if realtime and self._payload.paces_itself:
            self._zero_ns = zero_ns
            now_ns = self._now_ns()
            late = now_ns >= 0 and how != StartFrom.ANEW
            self._pacer = Pacer(
                self._clock, zero_ns, TICK_NS, first=now_ns // TICK_NS + 1 if late else 0
            )
        return result

    def take(self, message: Message, payload: bytes, received_ns: int) -> None:
        """Take a message of the payload's that arrived at received_ns by this end's clock."""
        grants = message is self._memory.grant_message
        if not self._realtime:
            if grants:
                self._take_grant(payload)
            else:
                self._waiting.append((message, payload))
        elif grants:
            self._memory.put(message, payload)
            if not self.paced:  # else it is for the next tick of this end's own clock
                self._run(-1, received_ns, 0)
        else:
            self._post(message, payload, received_ns - self._zero_ns)

    def turn(self, receive_until: ReceiveUntil) -> None:
        """Receive until the next tick of this end's own clock is due, and run it."""
        assert self._pacer is not None
        if self._now_ns() < -TICK_NS:
            self._ask()
            receive_until(self._clock.now_ns() + TICK_NS)
            return
        turn = self._pacer.turn(receive_until)
        if self.running:
            self._run(turn.tick, turn.due_ns - self._zero_ns, turn.missed)
            self._ask()

    def stop(self) -> None:
        """Run no more ticks."""
        self.running = False

    def _now_ns(self) -> int:
        """The payload's clock."""
        return self._clock.now_ns() - self._zero_ns

    def _post(self, message: Message, payload: bytes, at_ns: int) -> None:
        self._memory.put(message, payload)
        if self._memory.post(message.apid, at_ns):
            self._send([self._memory.answer(self._payload.reply)])

    def _send(self, packets: list[Packet]) -> None:
        self._peer.link.write(self._peer.frames(packets))

    # --- lockstep ------------------------------------------------------------------------

    def _take_grant(self, payload: bytes) -> None:
        t_ns = int.from_bytes(payload[:8], "little", signed=True)
        waiting, self._waiting = self._waiting, []
        if t_ns == self._answered_ns:
            self._peer.link.write(self._answer)
            return
        memory = self._memory
        memory.put(memory.grant_message, payload)
        whole = memory.grant(-1, t_ns, 0) == len(waiting)
        if whole:
            for message, data in waiting:
                self._post(message, data, t_ns)
        ran = memory.step(whole)
        packets = memory.outputs(ran)
        memory.fill_hashes(whole)
        answer = self._peer.frames([*packets, memory.answer(self._payload.done)])
        self._peer.link.write(answer)
        if whole:
            self._answered_ns, self._answer = t_ns, answer
        if ran:
            self._note_tick()

    # --- real time -----------------------------------------------------------------------

    def _run(self, tick: int, granted_ns: int, missed: int) -> None:
        memory = self._memory
        begun_ns = self._now_ns()
        memory.grant(tick, granted_ns, missed)
        if not memory.step(True):
            return
        stepped_ns = self._now_ns()
        self._send(memory.outputs(ran=True))
        memory.report(begun_ns, stepped_ns, self._now_ns())
        self._send([memory.answer(self._payload.timing)])
        self._note_tick()

    def _ask(self) -> None:
        if self._memory.ask(self._now_ns()):
            self._send([self._memory.answer(self._payload.question)])

    def _note_tick(self) -> None:
        self.count += 1
        self._on_tick()
