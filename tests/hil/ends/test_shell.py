"""The shell of a process: what it does with a bench that begins, repeats, restarts, or leaves."""

import pytest

from hil.ends.sensor_host import sensor_memory
from hil.ends.shell import Observer, Shell
from hil.platform.clock import VirtualClock
from hil.platform.errors import BenchError
from hil.platform.link import Link
from hil.protocol.peer import Peer
from hil.protocol.remote_end import FarEnd
from hil.wire.codec import codec
from hil.wire.framing import Decoder
from hil.wire.messages import BENCH_RECEIVES_FROM_SENSORS, REGIONS, SENSORS_RECEIVE
from hil.wire.session_messages import Pace, ReadyResult, Role, StartFrom

BOARD = REGIONS["board"].new(seed=7).tobytes()


class Buffer:
    """A port that collects what is written to it."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data
        return 0

    def take(self):
        data, self.data = self.data, b""
        return data


class Ends:
    """A bench and a shell with the sensors, and what each has sent."""

    def __init__(self):
        self.clock = VirtualClock()
        self.from_shell, self.observed = Buffer(), []
        observer = Observer()
        observer.begin = lambda realtime: self.observed.append(realtime)
        peer = Peer(Link(lambda: self.from_shell, self.clock), self.clock, 2, SENSORS_RECEIVE)
        self.memory = sensor_memory()
        self.shell = Shell(self.memory, peer, observer)
        self.decoder = Decoder(BENCH_RECEIVES_FROM_SENSORS)
        self.bench, self.from_bench = self.new_bench()

    def new_bench(self):
        port = Buffer()
        peer = Peer(
            Link(lambda: port, self.clock), self.clock, Role.BENCH, BENCH_RECEIVES_FROM_SENSORS
        )
        return FarEnd(peer, Role.SENSORS), port

    def answers(self, port=None):
        """Pass what the bench has sent to the shell; the answers, as names and values."""
        self.shell._take_all(Decoder(SENSORS_RECEIVE).feed((port or self.from_bench).take()))
        packets = self.decoder.feed(self.from_shell.take())
        return [(message.name, codec(message.name).unpack(data)) for message, data in packets]

    def begin(self, **options):
        self.bench.load({"board": BOARD}, Pace.LOCKSTEP, armed=False, **options)
        return self.answers()


def test_a_begin_that_is_repeated_is_answered_again_and_changes_nothing():
    ends = Ends()
    [(_, ready)] = ends.begin()
    assert ready.result == ReadyResult.STARTED and ends.observed == [False]
    ends.memory.record.board.contacts_sent = 5
    assert [values.result for _, values in ends.begin()] == [ReadyResult.STARTED]
    assert ends.memory.record.board.contacts_sent == 5 and ends.observed == [False]


def test_a_process_has_kept_no_core_and_refuses_a_start_from_one():
    ends = Ends()
    [(_, ready)] = ends.begin(start=StartFrom.KEPT)
    assert ready.result == ReadyResult.NOTHING_KEPT and not ends.shell.ticks.running


def test_a_region_that_is_missing_or_differs_is_refused_and_may_be_sent_again():
    ends = Ends()
    ends.bench.peer.hello(asks=False)
    ends.bench.peer.send("Begin", regions=0)
    assert [values.result for _, values in ends.answers()] == [ReadyResult.INCOMPLETE]
    assert [values.result for _, values in ends.begin()] == [ReadyResult.STARTED]


def test_a_bench_that_restarts_in_flight_ends_the_process_with_an_error():
    ends = Ends()
    ends.begin()
    other, port = ends.new_bench()
    other.peer.hello(asks=True)
    with pytest.raises(BenchError, match="the bench began anew in the middle of a flight"):
        ends.answers(port)


def test_an_end_before_begin_is_an_error_and_one_in_flight_is_answered():
    ends = Ends()
    ends.bench.peer.send("End", reason=1)
    with pytest.raises(BenchError, match="the bench ended the session: interrupted"):
        ends.answers()
    ends = Ends()
    ends.begin()
    ends.bench.peer.send("End", verdict=1)
    assert [name for name, _ in ends.answers()] == ["End"]
    assert (ends.shell.reason, ends.shell.ticks.running) == ("finished", False)


def test_messages_before_hello_are_ignored():
    ends = Ends()
    ends.bench.peer.send("BlockRequest", region=3, length=128)
    assert ends.answers() == []
