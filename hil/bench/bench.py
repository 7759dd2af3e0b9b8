"""The bench's end of a session: truth, sensors, actuators, and the judgement of the run.

It sends the samples, applies the commands that come back, and judges the run with the loop's own
kernels; of the flight software it knows FlightView and, at the end, the core that it reads back
over the wire.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsw.executive.state import CORE
from hil.bench.remote_sensors import SensorPort
from hil.bench.run_rows import move_rows, sense_rows
from hil.bench.wire_faults import WireFaults
from hil.platform.clock import NS_PER_S
from hil.platform.errors import BenchError
from hil.protocol.interventions import NO_INTERVENTIONS
from hil.protocol.peer import Peer
from hil.protocol.remote_end import ANSWER_LIMIT_NS, FarEnd
from hil.wire.messages import BY_NAME, Message, Packet, uplinked
from hil.wire.session_messages import EndReason, Role, StartFrom
from hil.wire.slots import arrivals_of, memory_of, outbox_of, rows_of
from sim.evaluation.flight_view import FLIGHT_VIEW
from sim.evaluation.requirements import margins_record
from sim.faults.injection_events import injection_of
from sim.faults.records import ComputerAction
from sim.faults.table import WireDirection
from sim.plant.world import TRUTH_L
from sim.run.fly import Result, evaluate_run, new_run
from sim.run.loop import RUN, observe_run
from sim.scenario.load import Scenario

TRUTH_TICKS = 10
UPLINKED = uplinked()

# from Begin to flight time 0 in real time: room for booting, opening a log, and asking the clock
START_IN_NS = 2 * NS_PER_S


TRUTH_MESSAGE = BY_NAME["TruthL"]
INJECTION_MESSAGE = BY_NAME["Injection"]
MARGINS_MESSAGE = BY_NAME["Margins"]


@dataclass(frozen=True)
class BenchEvent:
    """Something that happened to the session, not to the flight."""

    t_s: float
    name: str
    severity: str
    detail: str


class Bench:
    """Truth, and the session with the flight computer at the other end."""

    def __init__(
        self,
        peer: Peer,
        scenario: Scenario,
        seed: int,
        *,
        on_event: Callable[[Any], None] | None = None,
        on_bench_event: Callable[[BenchEvent], None] | None = None,
        check_alive: Callable[[], None] = lambda: None,
        time_limit_s: float | None = None,
        sensors: Peer | None = None,
        start: Any = None,
    ) -> None:
        """`on_event` is called with every Event of the flight software as it comes.

        `check_alive` raises when an end is known to be gone. `sensors` is the line to a sensor
        board, where there is one. `start` is a Run that is under way, to be flown on.
        """
        self.peer = peer
        self.flight = FarEnd(peer, Role.FLIGHT_COMPUTER, check_alive, lambda: self.now_s)
        self.rows = rows_of(RUN)
        self.rows[0] = new_run(scenario, seed) if start is None else start
        self.run = self.rows.view(np.recarray)[0]
        self.outbox = outbox_of(memory_of(self.rows, "outbox"))
        self.arrivals = arrivals_of(memory_of(self.rows, "messages"))
        self.bench_events: list[BenchEvent] = []
        self.check_alive = check_alive
        self.logging = False  # the other end keeps a log
        self.interrupted = False  # requested; raised between ticks
        self._scenario, self._seed = scenario, seed
        self._on_event, self._on_bench_event = on_event, on_bench_event
        self._views = rows_of(FLIGHT_VIEW)
        self._view_memory = memory_of(self._views)
        self._truths = rows_of(TRUTH_L)
        _compile(self.rows.copy(), self._views)
        world = self.rows["world"]
        self._time, self._holding = world["t_ns"], world["actuators"]["holding"]
        self._action = world["computer"]["action"]
        self._missed = self.rows["inbox"]["missed_ticks"]
        self.wire_out = WireFaults(self.run.world, WireDirection.TO_FLIGHT)
        self.wire_back = WireFaults(self.run.world, WireDirection.FROM_FLIGHT)
        self._event_count = self.rows["log"]["n"]
        self._reported = 0
        self._links = {"flight computer": peer.link}
        self.sensors: SensorPort | None = None
        if sensors is not None:
            self._links["sensor board"] = sensors.link
            self.sensors = SensorPort(
                sensors,
                self.rows,
                note=self.note,
                watch=self.watch_link,
                check_alive=check_alive,
                now_s=lambda: self.now_s,
            )
            self._differed = False
        self._seen = {name: (0, 0) for name in self._links}
        self.interventions = NO_INTERVENTIONS
        if time_limit_s is not None:
            self.run.monitor.t_limit_ns = int(time_limit_s * NS_PER_S)

    # --- conversation --------------------------------------------------------------------

    def meet(
        self, limit_ns: int = ANSWER_LIMIT_NS, sensors_limit_ns: int = ANSWER_LIMIT_NS
    ) -> None:
        """Send Hello to both ends until they answer. Raises SchemaMismatch or PeerSilent."""
        self.logging = bool(self.flight.meet(limit_ns).records)
        if self.sensors:
            self.sensors.far.meet(sensors_limit_ns)

    def begin(self, pace: int, zero_ns: int = 0, limit_ns: int = ANSWER_LIMIT_NS) -> None:
        """Load the flight computer and start; flight time 0 is at zero_ns, bench clock.

        A run that is under way already is flown on from its state.
        """
        regions = {"params": self.run.params.tobytes()}
        start = StartFrom.ANEW
        if self.now_ns > 0:
            start = StartFrom.LOADED
            regions["core"] = self.run.state.core.tobytes()
            regions["history"] = self.run.state.history.tobytes()
        self.flight.begin(regions, pace, start=start, zero_ns=zero_ns, limit_ns=limit_ns)

    def note_flight_restart(self) -> None:
        """Note that the flight computer has restarted. Raises BenchError when it kept no core."""
        if not self.flight.hello.kept:
            raise BenchError(
                f"the flight computer restarted at {self.now_s:.2f} s and has kept no core"
            )
        detail = "it has started anew and flies on from the core that it kept"
        self.note("flight_restarted", "alarm", detail)

    def kept(self) -> dict[str, bytes]:
        """What a flight computer needs that has kept its core."""
        return {"params": self.run.params.tobytes()}

    def read_region(self, name: str) -> bytes:
        """The bytes of one of the flight computer's memory regions, read back over the wire."""
        return self.flight.read_region(name)

    def end(self, reason: int = EndReason.FINISHED, verdict: str = "unknown") -> None:
        """Send End to both ends, and wait for theirs."""
        self.flight.send_end(reason, verdict)
        if self.sensors:
            self.sensors.far.send_end(reason, verdict)

    def refuse_end(self, message: Message, payload: bytes) -> None:
        """Raise BenchError when the message is an End; any other is of no interest."""
        self.flight.refuse_end(message, payload)

    # --- truth ---------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Time of the truth."""
        return int(self._time[0])

    @property
    def now_s(self) -> float:
        """The same in seconds."""
        return self.now_ns / NS_PER_S

    @property
    def holding(self) -> bool:
        """True while commands are overdue and the engine controller flies on its own."""
        return bool(self._holding[0])

    def sense(self) -> bool:
        """What arrives in this tick; true when the flight software gets it."""
        self.raise_interrupt()
        self.interventions.act(self.now_ns)
        if self.sensors:
            self.sensors.remember()
        return bool(sense_rows(self.rows))

    def tick_arrivals(self) -> list[Packet]:
        """Lockstep: what arrives in this tick, from the sensor board where there is one."""
        own = self.arrivals.packets()
        if not self.sensors:
            return own
        samples = self.sensors.tick()
        if self.action == ComputerAction.AWAY:
            return []
        from_ground = self.from_ground()
        self._compare(samples, own[: len(own) - len(from_ground)])
        return samples + from_ground

    def from_ground(self) -> list[Packet]:
        """What arrives in this tick from the ground."""
        return [packet for packet in self.arrivals.packets() if packet[0] in UPLINKED]

    def take_output(self, message: Message, payload: bytes) -> bool:
        """Take an output of the flight software; false when there is no room for it."""
        if self.sensors:
            self.sensors.forward(message, payload)
        return self.outbox.put(message, payload)

    def _compare(self, samples: list[Packet], expected: list[Packet]) -> None:
        """Note once when the samples of the board and of the bench's own sensors differ."""
        if samples != expected and not self._differed:
            self._differed = True
            names = [message.name for message, _ in samples]
            detail = (
                f"the board's samples differ from those expected: {', '.join(names) or 'nothing'}"
            )
            self.note("sensors_differ", "warning", detail)

    def raise_interrupt(self) -> None:
        """Raise KeyboardInterrupt between ticks, once it has been requested."""
        if self.interrupted:
            raise KeyboardInterrupt

    @property
    def action(self) -> int:
        """Action of the faults on the flight computer in this tick: a ComputerAction."""
        return int(self._action[0])

    @property
    def missed_ticks(self) -> int:
        """Ticks that the flight software did not get before the last one that it got."""
        return int(self._missed[0])

    def see(self, view: bytes) -> None:
        """Take a FlightView's bytes."""
        self._view_memory[:] = view

    def move(self, commanded: bool) -> bool:
        """Move the truth by a tick under the commands taken; true while the run goes on."""
        going = bool(move_rows(self.rows, self._views, commanded))
        if self._event_count[0] != self._reported:
            self._report_events()
        return going

    def truth_frame(self) -> bytes:
        """The truth of now as a message for the log at the other end."""
        observe_run(self._truths, self.rows)
        return self.peer.frames([(TRUTH_MESSAGE, self._truths.tobytes())])

    def evaluate(self) -> Result:
        """The result of the run, with the core that the flight computer really has."""
        core = CORE.from_bytes(self.read_region("core"))
        self.rows[0]["state"]["core"] = core
        result = evaluate_run(self._scenario, self._seed, self.run)
        if self.logging:
            margins = margins_record(self.now_ns, result.margins)
            self.peer.link.write(self.peer.frames([(MARGINS_MESSAGE, margins.tobytes())]))
        return result

    def note(self, name: str, severity: str, detail: str) -> None:
        """Keep and report an event of the bench."""
        event = BenchEvent(self.now_s, name, severity, detail)
        self.bench_events.append(event)
        if self._on_bench_event:
            self._on_bench_event(event)

    def watch_link(self) -> None:
        """Note when a line goes and when it comes back; undo the interventions that are over."""
        self.raise_interrupt()
        self.interventions.undo_due()
        for name, link in self._links.items():
            lost, back = self._seen[name]
            if link.counters.unplugged > lost:
                detail = f"the port of the {name} is gone; it is tried again"
                self.note("line_lost", "alarm", detail)
            if link.counters.replugged > back:
                self.note("line_back", "notice", f"the port of the {name} is open again")
            self._seen[name] = (link.counters.unplugged, link.counters.replugged)

    def _report_events(self) -> None:
        count = int(self._event_count[0])
        for event in self.run.log.events[self._reported : count]:
            if self._on_event:
                self._on_event(event)
            injection = injection_of(event)
            if injection is not None and self.logging:
                frame = self.peer.frames([(INJECTION_MESSAGE, injection.tobytes())])
                self.peer.link.write(frame)
        self._reported = count


def _compile(rows: np.ndarray, views: np.ndarray) -> None:
    """Compile what a tick calls, on a run that is discarded, before an end has to wait for it."""
    sense_rows(rows)
    move_rows(rows, views, True)
    observe_run(rows_of(TRUTH_L), rows)
