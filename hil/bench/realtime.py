"""Real time from the bench's end: the plant goes by this end's clock and waits for no other.

At tick k the truth moves from k - 1 to k under the newest command that has come meanwhile,
then the sensors of tick k are sampled. When this process is late it catches up, since truth
skips no tick. The sensors stamp with a clock of their own, whose epoch is hours away from flight
time: a flight computer that does not map it fails.
"""

import secrets
from typing import Any

from fsw.interface.messages import IMU_SAMPLE
from fsw.interface.timing import TICK_NS
from hil.bench.bench import START_IN_NS, TRUTH_TICKS, Bench
from hil.bench.latency import Hops, Path
from hil.bench.remote_sensors import HELLO_NS, BoardWatch
from hil.platform.clock import EPOCH_HI_S, EPOCH_LO_S, NS_PER_S
from hil.platform.pacer import Pacer, percentiles_us
from hil.protocol.peer import SilenceLimit, receive_from_all
from hil.wire.codec import codec
from hil.wire.messages import BY_NAME, Message, Packet, message_of, stamped_by_sensors
from hil.wire.session_messages import Pace, StartFrom
from sim.faults.records import ComputerAction
from sim.run.fly import Result

SILENCE_LIMIT_NS = 10 * NS_PER_S

# the flight computer's ticks begin so long after the sensors spoke: room for jitter
PHASE_NS = 800_000
STAMPED = {message.apid for message in stamped_by_sensors()}
IMU_APID = message_of(IMU_SAMPLE).apid
IMU_SEQ_AT = next(at for path, _, at in IMU_SAMPLE.leaves() if path == "seq")
QUESTION = BY_NAME["ClockQuestion"]
TIMING_RECORD = BY_NAME["Timing"].record
VIEW_AT = next(at for path, _, at in TIMING_RECORD.leaves() if path == "view.a_d_mps2")
VIEW_BYTES = TIMING_RECORD.fields["view"].base.itemsize


class RealtimeSession:
    """Flies an emulator that has met its flight computer, by the clock."""

    def __init__(
        self,
        bench: Bench,
        phase_ns: int = PHASE_NS,
        silence_limit_ns: int = SILENCE_LIMIT_NS,
    ) -> None:
        """phase_ns: how long after the sensors the flight computer shall begin its tick."""
        self.hops = Hops()
        self.missed_ticks = 0  # of the flight computer
        self._pacer: Pacer | None = None
        self._bench = bench
        self._peer = bench.peer
        self._clock = bench.peer.clock
        self._phase_ns = phase_ns
        self._silence = SilenceLimit(bench.peer, silence_limit_ns, "flight computer")
        self._sensors = bench.sensors
        self._peers = [bench.peer]
        if self._sensors:
            self._peers.append(self._sensors.peer)
            self._watch = BoardWatch(self._sensors, bench.note, Pace.REALTIME)
        self._sensed: bytes | None = None
        epoch_s = EPOCH_LO_S + secrets.randbelow(EPOCH_HI_S - EPOCH_LO_S)
        self._sensor_epoch_ns = epoch_s * NS_PER_S
        self._zero_ns = 0
        self._commanded = False
        self._received_ns = 0  # bench clock, as is the next
        self._asked_ns = 0
        self._holding = False
        self._timings: list[Any] = []
        self._handlers = {
            BY_NAME["ClockQuestion"].apid: self._answer_clock,
            BY_NAME["Timing"].apid: self._take_timing,
            BY_NAME["Hello"].apid: self._bring_back,
        }
        self._sensor_handlers = {
            BY_NAME["SensorDone"].apid: self._take_done,
            BY_NAME["Hello"].apid: self._take_hello,
        }

    def fly(self) -> Result:
        """Fly to the end and judge."""
        if self._sensors:
            self._sensors.begin(Pace.REALTIME)
        self._zero_ns = self._clock.now_ns() + START_IN_NS
        self._received_ns = self._zero_ns
        if self._sensors:
            self._watch.begin(self._zero_ns)
        self._bench.begin(Pace.REALTIME, self._zero_ns + self._phase_ns, START_IN_NS)
        self._pacer = Pacer(self._clock, self._zero_ns, TICK_NS)
        tick, going = 0, True
        while going:
            turn = self._pacer.turn(self._receive_until)
            while tick < turn.tick + 1 and going:
                going = tick == 0 or self._move(tick)
                self._sense(tick)
                tick += 1
            self._watch_line()
        return self._bench.evaluate()

    def bench_lateness_us(self) -> dict[str, float] | None:
        """p50, p99 and max of how late this end's ticks began."""
        return percentiles_us(self._pacer.lateness_ns) if self._pacer else None

    # --- one tick ------------------------------------------------------------------------

    def _move(self, tick: int) -> bool:
        bench = self._bench
        going = bench.move(self._commanded)
        applied_ns = self._sensor_now_ns()
        self._commanded = False
        bench.outbox.clear()
        for timing in self._timings:
            path = self.hops.applied(timing, applied_ns)
            if path and bench.logging:
                self._log_path(timing, path)
        self._timings.clear()
        self._note_holding()
        if bench.logging and tick % TRUTH_TICKS == 0:
            self._peer.link.write(bench.truth_frame())
        return going

    def _sense(self, tick: int) -> None:
        self._bench.sense()
        if self._sensors:
            self._sensors.grant()
            self._sensors.drop_commands()
            self._send(self._bench.from_ground())
        else:
            self._send_samples(tick)
        if self._bench.action != ComputerAction.STEP:
            self._peer.send("Tick", tick=tick, action=self._bench.action)

    def _send_samples(self, tick: int) -> None:
        """Send the samples of the bench's own sensors."""
        packets = [self._stamped(packet) for packet in self._bench.arrivals.packets()]
        sent_ns = self._sensor_now_ns()
        self._send(packets)
        for message, payload in packets:
            if message.apid == IMU_APID:
                seq = int.from_bytes(payload[IMU_SEQ_AT : IMU_SEQ_AT + 2], "little")
                self.hops.sent(seq, self._sensor_epoch_ns + tick * TICK_NS, sent_ns)

    def _send(self, packets: list[Packet]) -> None:
        wire = self._bench.wire_out
        if wire:
            self._peer.link.write(wire.spoil([self._peer.frames([each]) for each in packets])[0])
        else:
            self._peer.link.write(self._peer.frames(packets))

    def _stamped(self, packet: Packet) -> Packet:
        """A sensor's message with the stamp of the sensors' own clock."""
        message, payload = packet
        if message.apid not in STAMPED:
            return packet
        t_ns = int.from_bytes(payload[:8], "little", signed=True) + self._sensor_epoch_ns
        return message, t_ns.to_bytes(8, "little", signed=True) + payload[8:]

    def _sensor_now_ns(self) -> int:
        if self._sensors:
            return self._watch.clock_ns(self._clock.now_ns())
        return self._clock.now_ns() - self._zero_ns + self._sensor_epoch_ns

    # --- what comes back -----------------------------------------------------------------

    def _receive_until(self, deadline_ns: int) -> None:
        for peer, packets in receive_from_all(self._peers, self._clock, deadline_ns):
            received_ns = self._clock.now_ns()
            if peer is self._peer:
                self._received_ns = received_ns
                for message, payload in packets:
                    self._take(message, payload)
            else:
                self._hand_on(packets, received_ns)

    def _hand_on(self, packets: list[Packet], received_ns: int) -> None:
        """Forward the sensor board's samples to the flight computer, unless that is away."""
        samples = [packet for packet in packets if not packet[0].is_bench]
        if samples and self._bench.action != ComputerAction.AWAY:
            self._send(samples)
        for message, payload in packets:
            if message.apid == IMU_APID:
                self._sensed = payload
            elif message.apid in self._sensor_handlers:
                self._sensor_handlers[message.apid](payload, received_ns)
            elif message.is_bench:
                assert self._sensors is not None
                self._sensors.far.is_ready(message, payload)

    def _take(self, message: Message, payload: bytes) -> None:
        handler = self._handlers.get(message.apid)
        wire = self._bench.wire_back
        if wire and not message.is_bench and not handler:
            for left in wire.filter([(message, payload)]):
                self._take_output(*left)
        elif handler:
            handler(payload)
        elif message.is_bench:
            self._bench.refuse_end(message, payload)
        else:
            self._take_output(message, payload)

    def _take_output(self, message: Message, payload: bytes) -> None:
        if self._bench.take_output(message, payload):
            self._commanded = self._commanded or message.name == "ActuatorCommand"

    def _answer_clock(self, payload: bytes) -> None:
        if self._sensors:
            self._sensors.peer.link.write(self._sensors.peer.frames([(QUESTION, payload)]))
            return
        question = codec("ClockQuestion").unpack(payload)
        now_ns = self._sensor_now_ns()
        self._peer.send(
            "ClockAnswer",
            t_ns=now_ns,
            t_received_ns=now_ns - (self._clock.now_ns() - self._received_ns),
            t_question_ns=question.t_ns,
            seq=question.seq,
        )

    def _take_timing(self, payload: bytes) -> None:
        timing = codec("Timing").unpack(payload)
        self._timings.append(timing)
        self.missed_ticks = timing.missed_ticks
        self._bench.see(payload[VIEW_AT : VIEW_AT + VIEW_BYTES])

    def _take_done(self, payload: bytes, received_ns: int) -> None:
        done = self._watch.done(payload, received_ns)
        if self._sensed is not None:
            seq = int.from_bytes(self._sensed[IMU_SEQ_AT : IMU_SEQ_AT + 2], "little")
            self.hops.sent(seq, done.stamp_ns, done.sent_ns)
            self._sensed = None

    def _take_hello(self, payload: bytes, received_ns: int) -> None:
        self._watch.hello(payload)

    def _bring_back(self, payload: bytes) -> None:
        """A flight computer that has restarted is given its parameters; the rest it has kept."""
        bench = self._bench
        if bench.flight.has_restarted(payload):
            bench.note_flight_restart()
            zero_ns = self._zero_ns + self._phase_ns
            bench.flight.load(bench.kept(), Pace.REALTIME, start=StartFrom.KEPT, zero_ns=zero_ns)

    def _log_path(self, timing: Any, path: Path) -> None:
        self._peer.send(
            "Hops",
            t_ns=path.sensed_ns,
            sent_t_ns=path.sent_ns,
            received_t_ns=path.received_ns,
            begun_t_ns=path.begun_ns,
            commanded_t_ns=path.commanded_ns,
            applied_t_ns=path.applied_ns,
            late_ns=timing.begun_ns - timing.t_ns,
            overruns=timing.missed_ticks,
            tick=timing.tick,
        )

    # --- silence -------------------------------------------------------------------------

    def _note_holding(self) -> None:
        """Note when the engine controller begins to fly on its own, and when it stops."""
        holding = self._bench.holding
        if holding == self._holding:
            return
        self._holding = holding
        if holding:
            detail = "no command for 0.2 s: the engine controller burns for one lunar g"
            self._bench.note("commands_stopped", "alarm", detail)
        else:
            self._bench.note("commands_back", "notice", "the flight computer commands again")

    def _watch_line(self) -> None:
        """Raise when the line has been dead for too long; note when it goes and comes back."""
        self._bench.watch_link()
        now_ns = self._clock.now_ns()
        if self._sensors:
            self._watch.look(now_ns)
        if now_ns - self._received_ns < HELLO_NS:
            self._silence.restart()
            return
        self._bench.check_alive()
        self._silence.check()
        if now_ns - self._asked_ns >= HELLO_NS:
            self._asked_ns = now_ns
            self._peer.hello(asks=True)
