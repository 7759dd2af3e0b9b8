"""Wire: sensors on a board, played by its twin on this machine, over a pseudo-terminal."""

import contextlib
import threading
from pathlib import Path

import numpy as np
import pytest

from fsw.interface.events import EventCode
from fsw.interface.messages import RANGE_COMMAND, RangeAction
from fsw.interface.timing import TICK_NS
from hil.bench.parity import Pair, Window, compare
from hil.bench.remote_sensors import SensorPort
from hil.bench.session import Hooks, run_session
from hil.ends.sensor_host import sensor_memory
from hil.ends.shell import Shell
from hil.platform.clock import RealClock
from hil.platform.errors import BenchError, SchemaMismatch
from hil.platform.link import Link
from hil.platform.ports import open_port, open_pty
from hil.protocol.peer import Peer
from hil.protocol.remote_end import FarEnd
from hil.wire.codec import codec
from hil.wire.framing import Decoder
from hil.wire.messages import BENCH_RECEIVES_FROM_SENSORS, BY_NAME, SENSORS_RECEIVE, message_of
from hil.wire.session_messages import Pace, Role
from hil.wire.slots import memory_of, sensor_inbox_of
from sim.plant.tick import advance, obey_range_command
from sim.run.fly import evaluate_run, new_run
from sim.run.loop import as_rows, fly_ticks, sense_tick
from sim.scenario.load import load
from sim.sensors.records import SENSOR_BOARD, SENSOR_INBOX, TICK_MESSAGES
from sim.sensors.sensor_suite import tick_board
from tests.hil.end_doubles import S, hello, navigation_goes_on, scripted

FAULTY = Path(__file__).parents[1] / "three-faults.toml"


def faulty():
    return load(str(FAULTY))


def in_process(scenario, seconds, seed=0):
    run = new_run(scenario, seed)
    run.monitor.t_limit_ns = int(seconds * S)
    fly_ticks(as_rows(run), 10**9)
    return evaluate_run(scenario, seed, run)


class Twin(threading.Thread):
    """A sensor board in a thread; `reset` puts a fresh one in its place, as a reset would."""

    def __init__(self, port, upset=None):
        super().__init__(daemon=True)
        self.error = None
        self.restarts = 0
        self._port, self._upset = port, upset
        self._reset = threading.Event()
        self._done = False

    def reset(self):
        self._reset.set()

    def run(self):
        link = Link(lambda: self._port, RealClock())
        try:
            while not self._done:
                self._live(link)
        except Exception as error:
            self.error = error

    def _live(self, link):
        self._reset.clear()
        memory = sensor_memory()
        end = Shell(memory, Peer(link, RealClock(), Role.SENSORS, SENSORS_RECEIVE))
        if self._upset:
            memory.step = self._upset(memory, memory.step)
        while not end.reason and not self._reset.is_set():
            end.receive(0.02)
        self._done = bool(end.reason)
        self.restarts += not self._done


@contextlib.contextmanager
def twin(**options):
    """A sensor board at the path of a pseudo-terminal."""
    sensor_memory().compile()
    port, path = open_pty()
    thread = Twin(port, **options)
    thread.start()
    try:
        yield path, thread
    finally:
        thread._done = True
        thread.reset()
        thread.join(10.0)
        port.close()
        assert not thread.is_alive()


# --- lockstep -----------------------------------------------------------------------------


def test_a_flight_with_a_sensor_board_ends_with_the_bytes_of_one_in_process():
    with twin() as (path, _):
        session = run_session(faulty(), 3, sensors=path, time_limit_s=4.0)
    assert session.result.state_sha256 == in_process(faulty(), 4.0, 3).state_sha256
    assert session.result.state_sha256 != in_process(load("nominal"), 4.0, 3).state_sha256
    assert session.bench_events == []
    assert session.sensor_link["packets"] > 400


def test_parity_begins_in_mid_flight_and_compares_the_board_s_record_too():
    with twin() as (path, _):
        report = compare(faulty(), 3, pair=Pair(path), window=Window(500.0, 3.0))
    assert (report.ticks, report.difference) == (300, None)
    assert report.state_sha256 == in_process(faulty(), 503.0, 3).state_sha256


def test_a_flipped_bit_in_a_board_s_memory_is_named():
    def upset(memory, step):
        def step_upset(whole):
            if memory.record.inbox.truth.t_ns == 50 * TICK_NS:
                memory.record.board.imu_errors.gyro_bias_radps[1] *= -1e3
            return step(whole)

        return step_upset

    with twin(upset=upset) as (path, _):
        report = compare(load("nominal"), pair=Pair(path), window=Window(for_s=2.0))
    found = report.difference
    assert (found.tick, found.region) == (50, "core")  # flight software feels it at once
    with twin(upset=upset) as (path, _):
        [event] = run_session(load("nominal"), sensors=path, time_limit_s=1.0).bench_events
    assert event.name == "sensors_differ" and 0.5 <= event.t_s < 1.0


def test_a_bit_that_is_not_felt_is_named_as_well():
    def upset(memory, step):
        def step_upset(whole):
            if memory.record.inbox.truth.t_ns == 50 * TICK_NS:
                memory.record.board.range_state.cycles += 1
            return step(whole)

        return step_upset

    with twin(upset=upset) as (path, _):
        found = compare(load("nominal"), pair=Pair(path), window=Window(for_s=2.0)).difference
    assert (found.tick, found.region, found.field) == (50, "board", "range_state.cycles")


def test_a_board_that_restarts_in_mid_descent_goes_on_where_it_was():
    with twin() as (path, board):
        grant, ticks = SensorPort.grant, []

        def grant_and_reset(port):
            ticks.append(1)
            if len(ticks) == 120:
                board.reset()
            grant(port)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SensorPort, "grant", grant_and_reset)
            session = run_session(faulty(), 3, sensors=path, time_limit_s=3.0)
    assert board.restarts == 1
    assert [event.name for event in session.bench_events] == ["sensors_restarted", "sensors_back"]
    assert session.result.state_sha256 == in_process(faulty(), 3.0, 3).state_sha256


class Lossy:
    """A port that loses every seventh piece written to it, and gives garbage with every fifth."""

    def __init__(self, port):
        self._port, self._written, self._read = port, 0, 0

    def __getattr__(self, name):
        return getattr(self._port, name)

    def write(self, data):
        self._written += 1
        return 0 if self._written % 7 == 0 else self._port.write(data)

    def read(self, timeout_s):
        self._read += 1
        data = self._port.read(timeout_s)
        return bytes(range(256)) * 3 + data if self._read % 5 == 0 else data


def test_a_line_that_loses_messages_and_brings_garbage_changes_nothing(monkeypatch):
    monkeypatch.setattr("hil.protocol.tick_exchange.RESEND_NS", 20_000_000)
    monkeypatch.setattr(
        "hil.bench.connections.open_port", lambda url, baud: Lossy(open_port(url, baud))
    )
    with twin() as (path, _):
        session = run_session(faulty(), 3, sensors=path, time_limit_s=1.0)
    assert session.result.state_sha256 == in_process(faulty(), 1.0, 3).state_sha256
    assert [event.name for event in session.bench_events] == []


def test_range_commands_reach_the_board_a_tick_later_as_in_process():
    board, run = sensor_memory(), new_run(load("nominal"), 0)
    rows = as_rows(run)
    truth, expected = memory_of(rows, "world.sensor_inbox.truth"), memory_of(rows, "world.board")
    board.load({"board": bytes(expected)})
    command = RANGE_COMMAND.new(action=RangeAction.POWER_CYCLE).tobytes()
    inputs = sensor_inbox_of(memory_of(rows, "world.sensor_inbox"))
    for tick in range(400):
        sense_tick(run)
        power_cycle = [(message_of(RANGE_COMMAND), command)] if tick == 101 else []
        for message, payload in [*inputs.packets(), *power_cycle]:
            board.put(message, payload)
            board.post(message.apid, tick * TICK_NS)
        board.put(board.grant_message, bytes(truth))
        board.step(True)
        assert board.region("board") == bytes(expected), f"tick {tick}"
        advance(run.world)
        if tick == 100:
            obey_range_command(run.world, RANGE_COMMAND.from_bytes(command))
    assert run.world.board.range_state.cycles == 1


# --- refusals -----------------------------------------------------------------------------


def far_of(answer):
    link, clock = scripted(answer)
    return FarEnd(Peer(link, clock, 0, BENCH_RECEIVES_FROM_SENSORS), Role.SENSORS)


def begin_at_twin(armed):
    world = new_run(faulty(), 3).world
    with twin() as (path, _):
        link = Link(lambda: open_port(path), RealClock())
        try:
            far = FarEnd(Peer(link, RealClock(), 0, BENCH_RECEIVES_FROM_SENSORS), Role.SENSORS)
            far.meet()
            far.begin({"board": world.board.tobytes()}, Pace.LOCKSTEP, armed=armed)
            return far.read_region("board")
        finally:
            far.send_end()
            link.close()


def test_a_board_plays_faults_only_when_it_was_armed():
    assert SENSOR_BOARD.from_bytes(begin_at_twin(armed=True)).n_faults == 3
    with pytest.raises(BenchError, match="the sensor board refuses to play faults: it is not"):
        begin_at_twin(armed=False)


def test_a_port_with_no_board_at_it_is_named_within_the_limit(monkeypatch):
    monkeypatch.setattr("hil.bench.connections.ANSWER_LIMIT_NS", S // 5)
    port, path = open_pty()
    try:
        with pytest.raises(BenchError, match="the sensor board: no answer within 0.2 s"):
            run_session(load("nominal"), flight="host", sensors=path, time_limit_s=1.0)
    finally:
        port.close()


def test_a_flight_computer_in_the_board_s_place_is_refused():
    far = far_of(lambda name, _: [hello(role=1)] if name == "Hello" else None)
    with pytest.raises(BenchError, match="sensor board was expected .* flight computer answers"):
        far.meet()


def test_a_board_of_another_schema_is_refused():
    far = far_of(lambda name, _: [hello(role=2, schema=5)] if name == "Hello" else None)
    with pytest.raises(SchemaMismatch, match="the sensor board at the other end"):
        far.meet()


def test_a_board_answers_a_tick_twice_with_the_same_bytes_and_none_that_is_not_whole():
    class Memory:
        def __init__(self):
            self.out = []

        def read(self, timeout_s):
            return b""

        def write(self, data):
            self.out.append(data)
            return 0

        def fileno(self):
            return None

        def close(self):
            pass

    memory = Memory()
    peer = Peer(Link(lambda: memory, RealClock()), RealClock(), Role.SENSORS, SENSORS_RECEIVE)
    end = Shell(sensor_memory(), peer)
    board = new_run(load("nominal"), 0).world.board.tobytes()
    bench = Peer(Link(lambda: memory, RealClock()), RealClock(), 0, BENCH_RECEIVES_FROM_SENSORS)
    FarEnd(bench, Role.SENSORS).load({"board": board}, Pace.LOCKSTEP, armed=False)
    for data in memory.out[:]:
        end._take_all(Decoder(SENSORS_RECEIVE).feed(data))
    memory.out.clear()
    truth = bytearray(BY_NAME["SensorTruth"].size)
    truth[62] = 1
    end._take_all([(BY_NAME["SensorTruth"], bytes(truth))])  # a message that it counts is missing
    assert end.ticks.count == 0
    truth[62] = 0
    for _ in range(2):
        end._take_all([(BY_NAME["SensorTruth"], bytes(truth))])
    assert end.ticks.count == 1
    refused, first, again = memory.out
    assert first == again
    done = codec("SensorDone").unpack(Decoder().feed(refused)[0][1])
    assert done.result == 1 and done.messages == 0


# --- time ---------------------------------------------------------------------------------


def stamps(arrive_ns):
    """Stamps of the samples of ticks of which the truth came at these times by the board."""
    boards = new_run(load("nominal"), 0).world.board
    inbox, arrivals = SENSOR_INBOX.new(), TICK_MESSAGES.new()
    found = []
    for tick, came_ns in enumerate(arrive_ns):
        inbox.truth.t_ns = tick * TICK_NS
        tick_board(boards, inbox, arrivals, came_ns)
        found.append(int(arrivals.imus[0].t_ns))
    return np.array(found)


def test_stamps_are_by_the_board_s_clock_and_do_not_shake_with_the_line():
    rng = np.random.default_rng(1)
    due = 7_000_000_000 + np.arange(3000) * TICK_NS
    late = rng.exponential(300_000, 3000).astype(np.int64)
    error = stamps(due + late) - due
    assert np.abs(error[500:]).max() < 400_000
    assert np.abs(np.diff(error)[500:]).max() < 50_000


def test_stamps_follow_a_clock_that_drifts():
    due = np.arange(6000) * TICK_NS
    drifting = (due * 1.0002).astype(np.int64)
    assert np.abs(stamps(drifting) - drifting)[1000:].max() < 200_000


def test_one_message_that_is_two_seconds_late_moves_no_stamp_by_more_than_a_hundredth_of_a_tick():
    due = np.arange(1000) * TICK_NS
    came = due.copy()
    came[500] += 2 * S
    assert np.abs(stamps(came) - due).max() <= TICK_NS // 100


def test_in_real_time_nothing_is_lost_and_the_board_s_clock_is_mapped():
    with twin() as (path, _):
        session = run_session(faulty(), 3, sensors=path, pace="realtime", time_limit_s=3.0)
    line = session.sensor_link
    assert line["missing"] == line["crc"] == line["cobs"] == 0
    assert session.link["missing"] == 0
    assert session.latency_us["sensed_applied"]["p50"] < 20_000
    assert session.latency_us["clock_bound"]["p50"] < 5_000


def test_in_real_time_a_board_that_restarts_is_loaded_again_and_navigation_goes_on():
    """Its clock begins anew, too: the flight software's map of it takes seconds to follow."""
    with twin() as (path, board), navigation_goes_on():
        first = threading.Timer(3.0, board.reset)  # from Begin on: a second into the flight
        session = run_session(
            faulty(),
            3,
            sensors=path,
            pace="realtime",
            hooks=Hooks(on_start=first.start),
            time_limit_s=6.0,
        )
        first.cancel()
    names = [event.name for event in session.bench_events if event.name.startswith("sensors")]
    assert board.restarts == 1 and names.count("sensors_restarted") == 1
    assert (
        names[0] == "sensors_silent" and "sensors_back" in names[names.index("sensors_restarted") :]
    )
    assert EventCode.CLOCK_JUMP in [int(event.code) for event in session.result.event_records]
