"""Two ends of a session inside one process: the flight computer in a thread, on any line."""

import contextlib
import threading
from functools import cache

import numpy as np
import pytest

from hil.bench.bench import Bench
from hil.ends.flight_host import flight_memory
from hil.ends.flight_process import fly_with_bench
from hil.platform.clock import RealClock, VirtualClock
from hil.platform.link import Link
from hil.platform.ports import open_port, open_pty
from hil.protocol.peer import Peer
from hil.wire.codec import codec
from hil.wire.framing import Decoder, Encoder
from hil.wire.messages import BENCH_RECEIVES_FROM_FLIGHT, BY_NAME, FLIGHT_RECEIVES
from hil.wire.session_messages import Role
from hil.wire.wire_schema import wire_schema_hash
from sim.run.fly import evaluate_run, new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load

S = 1_000_000_000


@cache
def nominal():
    return load("nominal")


def in_process(seconds, seed=0):
    """The result of the first seconds of a nominal run in process."""
    run = new_run(nominal(), seed)
    run.monitor.t_limit_ns = int(seconds * S)
    fly_ticks(as_rows(run), 10**9)
    return evaluate_run(nominal(), seed, run)


@contextlib.contextmanager
def _errors_at_the_end():
    """(position [m], velocity [m/s]) by which navigation errs where the sessions in here end."""
    errors, judged = [], Bench.evaluate

    def judge_and_look(bench):
        result = judged(bench)
        truth, head = bench.run.world.truth, bench.run.state.core.navigation.current
        late_s = (bench.now_ns - int(head.t_ns)) / S
        moved = truth.r_BM_I_m - truth.v_BM_I_mps * late_s - head.r_BM_I_m
        errors.append((np.linalg.norm(moved), np.linalg.norm(truth.v_BM_I_mps - head.v_BM_I_mps)))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bench, "evaluate", judge_and_look)
        yield errors


@contextlib.contextmanager
def navigation_goes_on():
    """The session in here ends with navigation that still knows where it is."""
    with _errors_at_the_end() as errors:
        yield
    # what an update from the ground has left, and some milliseconds at 1.7 km/s
    assert errors[0][0] < 1000.0 and errors[0][1] < 1.0


def bench_peer(link, clock=None):
    return Peer(link, clock or RealClock(), Role.BENCH, BENCH_RECEIVES_FROM_FLIGHT)


def flight_peer(link, clock=None):
    return Peer(link, clock or RealClock(), Role.FLIGHT_COMPUTER, FLIGHT_RECEIVES)


class Script:
    """A port on which the other end is a function from a packet to its answers.

    An answer is a name with the fields, or the bytes, of its record.
    """

    def __init__(self, answer):
        self._answer = answer
        self._decoder, self._encoder = Decoder(), Encoder()
        self._inbound = b""

    def open(self):
        return self

    def read(self, timeout_s):
        data, self._inbound = self._inbound, b""
        return data

    def write(self, data):
        for message, payload in self._decoder.feed(data):
            for name, fields in self._answer(message.name, payload) or ():
                record = fields if isinstance(fields, bytes) else codec(name).pack(**fields)
                self._inbound += self._encoder.frame(BY_NAME[name], record)
        return 0

    def fileno(self):
        return None

    def close(self):
        pass


def scripted(answer, clock=None):
    """A link to such an end, on a clock that jumps over every wait."""
    clock = clock or VirtualClock()
    return Link(Script(answer).open, clock), clock


def hello(**fields):
    return (
        "Hello",
        {"schema": wire_schema_hash(), "boot": 1, "version": b"9.9", "role": 1, **fields},
    )


class FlightThread(threading.Thread):
    """A flight computer on a port; keeps its report or what it raised."""

    def __init__(self, opener, **options):
        super().__init__(daemon=True)
        self.report = self.error = None
        self._opener, self._options = opener, options

    def run(self):
        link = Link(self._opener, RealClock())
        try:
            self.report = fly_with_bench(flight_peer(link), **self._options)
        except Exception as error:
            self.error = error
        finally:
            link.close()


@contextlib.contextmanager
def two_ends(seconds, bench_line=lambda port: port, flight_line=lambda port: port, **options):
    """An emulator that has met a flight computer in a thread, over a pseudo-terminal.

    The lines may be wrapped, to make them worse than they are.
    """
    flight_memory().compile()
    port, path = open_pty()
    flight = FlightThread(lambda: flight_line(open_port(path)), **options)
    bench_link = Link(lambda: bench_line(port), RealClock())
    bench = Bench(bench_peer(bench_link), nominal(), 0, time_limit_s=seconds)
    flight.start()
    try:
        bench.meet()
        yield bench, flight
    finally:
        bench.end()
        flight.join(20.0)
        bench_link.close()
        assert not flight.is_alive()
