"""Real time on virtual clocks: the plant does not wait, and reports missing commands."""

import pytest

from fsw.interface.messages import ACTUATOR_COMMAND, IMU_SAMPLE
from fsw.interface.timing import TICK_NS
from hil.bench.bench import Bench
from hil.bench.latency import HOP_NAMES, Hops
from hil.bench.realtime import RealtimeSession
from hil.platform.clock import VirtualClock
from hil.platform.errors import PeerSilent
from hil.wire.codec import codec
from tests.hil.end_doubles import S, bench_peer, hello, nominal, scripted


class Flight:
    """A flight computer that only ever says the same, in the first so many ticks."""

    def __init__(self, ticks):
        self._left = ticks
        self.imu_stamps = []
        self.answers = []

    def __call__(self, name, payload):
        if name == "Hello":
            return [hello()]
        if name == "Begin":
            return [("Ready", {})]
        if name == "ClockAnswer":
            self.answers.append(codec(name).unpack(payload))
        if name != "ImuSample" or self._left <= 0:
            return None
        self._left -= 1
        self.imu_stamps.append(int(IMU_SAMPLE.from_bytes(payload).t_ns))
        command = ACTUATOR_COMMAND.new(throttle=0.5, engine_on=1).tobytes()
        return [("ClockQuestion", {"t_ns": 77, "seq": 5}), ("ActuatorCommand", command)]


def flown(flight, clock=None, seconds=None):
    link, clock = scripted(flight, clock)
    bench = Bench(bench_peer(link, clock), nominal(), 0, time_limit_s=seconds)
    bench.meet()
    return bench, RealtimeSession(bench), clock


def test_when_commands_stop_an_event_reports_it_and_the_session_ends_in_time():
    bench, session, _ = flown(Flight(ticks=100))
    with pytest.raises(PeerSilent, match="the flight computer was silent for 10 s"):
        session.fly()
    [event] = bench.bench_events
    assert event.name == "commands_stopped"
    assert 1.2 <= event.t_s <= 1.25
    assert bench.now_ns < 13 * S


def test_commands_that_come_back_are_obeyed_again():
    flight = Flight(ticks=100)
    bench, session, _ = flown(flight)
    real_move = bench.move

    def move(commanded):
        if bench.now_ns == 3 * S:
            flight._left = 100
        return real_move(commanded)

    bench.move = move
    with pytest.raises(PeerSilent):
        session.fly()
    names = [event.name for event in bench.bench_events]
    assert names == ["commands_stopped", "commands_back", "commands_stopped"]


class Stalling(VirtualClock):
    """A clock on which one wait lasts much longer than it should."""

    stalls = 0

    def sleep_until(self, deadline_ns):
        super().sleep_until(deadline_ns)
        self.stalls += 1
        if self.stalls == 200:
            self.advance(7 * TICK_NS + 1000)


def test_truth_keeps_up_with_the_clock_when_this_end_was_late():
    flight = Flight(ticks=10**6)
    clock = Stalling()
    bench, session, _ = flown(flight, clock)
    behind_ns = []
    real_sense = bench.sense

    def sense():
        real_sense()
        behind_ns.append(session._sensor_now_ns() - session._sensor_epoch_ns - bench.now_ns)
        if len(behind_ns) == 400:
            raise KeyboardInterrupt

    bench.sense = sense
    with pytest.raises(KeyboardInterrupt):
        session.fly()
    assert max(behind_ns) >= 7 * TICK_NS
    assert all(0 <= late_ns < TICK_NS for late_ns in behind_ns[-100:])
    steps = {b - a for a, b in zip(flight.imu_stamps, flight.imu_stamps[1:], strict=False)}
    assert steps == {TICK_NS}


def test_sensors_stamp_with_a_clock_hours_away_and_answer_by_the_same():
    flight = Flight(ticks=50)
    _, session, _ = flown(flight)
    with pytest.raises(PeerSilent):
        session.fly()
    assert flight.imu_stamps[0] > 10_000 * S
    assert len(flight.answers) == 50
    for stamp_ns, answer in zip(flight.imu_stamps, flight.answers, strict=True):
        assert (answer.t_question_ns, answer.seq) == (77, 5)
        assert 0 <= answer.t_received_ns - stamp_ns <= TICK_NS
        assert answer.t_ns >= answer.t_received_ns


def test_hops_are_brought_to_one_clock_and_add_up():
    hops = Hops()
    ahead_ns = 5_000 * S
    hops.sent(imu_seq=65535, sensed_ns=ahead_ns + 100_000, sent_ns=ahead_ns + 110_000)
    timing = codec("Timing").unpack(
        codec("Timing").pack(
            t_ns=200_000,
            received_ns=150_000,
            begun_ns=230_000,
            fused_ns=240_000,
            commanded_ns=260_000,
            offset_ns=ahead_ns,
            bound_ns=40_000,
            imu_seq=65535,
            has_imu=1,
        )
    )
    way = hops.applied(timing, ahead_ns + 900_000)
    figures = hops.latency_us()
    assert [figures[name]["p50"] for name in HOP_NAMES] == [10.0, 40.0, 90.0, 20.0, 640.0, 800.0]
    assert sum(way.hops_ns()[:-1]) == way.hops_ns()[-1]
    assert figures["clock_bound"]["max"] == 40.0
    assert hops.lateness_us() == {"p50": 30.0, "p99": 30.0, "max": 30.0}


def test_a_tick_without_a_sample_has_no_way_but_a_lateness():
    hops = Hops()
    timing = codec("Timing").unpack(codec("Timing").pack(t_ns=0, begun_ns=7_000))
    assert hops.applied(timing, 0) is None
    assert hops.latency_us()["sensed_applied"] is None
    assert hops.lateness_us()["max"] == 7.0
