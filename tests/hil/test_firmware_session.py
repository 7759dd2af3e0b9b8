"""Sessions of the firmware's shell, a process with sanitisers that runs the sensors' kernels."""

import os
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.boards.build import FIRMWARE, kernels_object
from hil.boards.qemu_io import PipePort
from hil.boards.toolchain import HOST_COMPILER
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.platform.ports import open_port
from hil.protocol.peer import Peer
from hil.protocol.remote_end import FarEnd
from hil.wire.codec import codec
from hil.wire.messages import BENCH_RECEIVES_FROM_SENSORS, BY_NAME, MESSAGES, REGIONS
from hil.wire.session_messages import WANT_BOARD_HASH, DoneResult, Pace, Region, Role
from tests.hil.ends.test_sensor_host import twin
from tests.hil.need_board import need_board
from tests.hil.workbench import SHELL, compile_c

pytestmark = need_board(HOST_COMPILER)

LIMIT_NS = 20 * NS_PER_S
SOURCES = ("double", "frame", "kept", "send", "session", "ticks")


@pytest.fixture(scope="module")
def program():
    sources = [SHELL / "chip_host.c", *(FIRMWARE / f"{name}.c" for name in SOURCES)]
    return compile_c("shell", "sensors", sources, kernels_object("sensors", for_host=True))


class Shell:
    """The shell as a process, and a bench's peer on its line."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pipes = self.process.stdout.fileno(), self.process.stdin.fileno()
        clock = RealClock()
        link = Link(lambda: PipePort(*pipes), clock)
        self.peer = Peer(link, clock, Role.BENCH, BENCH_RECEIVES_FROM_SENSORS)
        self.far = FarEnd(self.peer, Role.SENSORS)

    def end(self):
        """Close its line; it must go without a complaint."""
        self.process.stdin.close()
        os.set_blocking(self.process.stdout.fileno(), True)
        self.process.stdout.read()
        self.process.stdout.close()
        assert self.process.wait(20) == 0

    def kill(self):
        """End it whatever it does; without effect on one that has ended."""
        self.process.kill()
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def shell(program) -> Iterator[Shell]:
    shell = Shell(program)
    yield shell
    shell.end()


@pytest.fixture(params=["firmware", "process"])
def either(request):
    """The firmware's shell in C, and the one in Python: both must run a payload alike."""
    if request.param == "firmware":
        yield request.getfixturevalue("shell")
        return
    with twin() as (path, _):
        clock = RealClock()
        link = Link(lambda: open_port(path), clock)
        peer = Peer(link, clock, Role.BENCH, BENCH_RECEIVES_FROM_SENSORS)
        far = FarEnd(peer, Role.SENSORS)
        yield SimpleNamespace(peer=peer, far=far)
        far.send_end()
        link.close()


def receive(peer, name, send):
    """The first message of a name that comes after `send`, and all flight messages before it."""
    flight, found = [], []

    def take(message, payload):
        if found:
            return None
        if message.name == name:
            found.append(codec(name).unpack(payload))
            return True
        if not message.is_bench:
            flight.append((message.name, payload))
        return None

    peer.request(send, take, LIMIT_NS, name, again_ns=LIMIT_NS)
    return found[0], flight


def frame(peer, name, **fields):
    message = BY_NAME[name]
    return peer.frames([(message, message.record.new(**fields).tobytes())])


def grant(peer, t_ns, messages=0):
    """A tick, with so many of its messages before it."""
    beams = frame(peer, "RangeTruth", t_ns=t_ns, slant_m=900.0) * messages
    return beams + truth(peer, t_ns, messages)


def truth(peer, t_ns, messages):
    wants = WANT_BOARD_HASH
    return frame(
        peer, "SensorTruth", t_ns=t_ns, clearance_m=1e3, mode=3, wants=wants, messages=messages
    )


def tick(shell, data):
    """The answer to what grants a tick, and the messages in it."""
    return receive(shell.peer, "SensorDone", lambda: shell.peer.link.write(data))


def begin(shell):
    shell.far.meet(LIMIT_NS)
    shell.far.begin({"board": REGIONS["board"].new(seed=7).tobytes()}, Pace.LOCKSTEP)


def test_a_tick_granted_twice_runs_once_and_is_answered_with_the_same_bytes(either):
    begin(either)
    first, outputs = tick(either, grant(either.peer, 0))
    board = either.far.read_region("board")
    again, outputs_again = tick(either, grant(either.peer, 0))
    assert (first, outputs) == (again, outputs_again) and outputs[0][0] == "ImuSample"
    assert either.peer.decoder.counters.disordered > 0
    assert either.far.read_region("board") == board
    after, _ = tick(either, grant(either.peer, 10_000_000))
    assert after.board_hash != first.board_hash


def test_a_tick_runs_when_all_of_its_messages_have_come_and_no_others(either):
    begin(either)
    for k in range(3):
        done, _ = tick(either, grant(either.peer, k * 10_000_000, messages=1))
        assert done.result == DoneResult.STEPPED


def test_a_tick_with_messages_missing_is_refused_and_changes_nothing(either):
    begin(either)
    before = either.far.read_region("board")
    done, outputs = tick(either, truth(either.peer, 0, messages=1))
    assert (done.result, done.messages, outputs) == (DoneResult.INCOMPLETE, 0, [])
    assert either.far.read_region("board") == before


def test_the_end_of_a_session_is_answered_and_another_can_begin(shell):
    begin(shell)
    receive(shell.peer, "End", lambda: shell.peer.send("End"))
    begin(shell)


def test_another_bench_ends_the_session_and_loads_its_own(shell):
    begin(shell)
    tick(shell, grant(shell.peer, 0))
    other = Peer(shell.peer.link, RealClock(), Role.BENCH, BENCH_RECEIVES_FROM_SENSORS)
    far = FarEnd(other, Role.SENSORS)
    far.meet(LIMIT_NS)
    board = REGIONS["board"].new(seed=8).tobytes()
    far.begin({"board": board}, Pace.LOCKSTEP)
    assert far.read_region("board") == board


def test_a_request_before_hello_is_not_answered(shell):
    names = []
    shell.peer.send("BlockRequest", region=Region.BOARD, length=128)

    def note(message, payload):
        names.append(message.name)
        return True if len(names) == 2 else None

    shell.peer.request(lambda: shell.peer.hello(asks=True), note, LIMIT_NS, "hello")
    assert names == ["Hello", "Hello"]  # its own at the start, and the answer to ours


def test_a_block_that_reaches_beyond_its_region_is_ignored(shell):
    shell.far.meet(LIMIT_NS)
    before = shell.far.read_region("board")
    where = {"offset": len(before) - 8, "size": len(before), "region": Region.BOARD}
    shell.peer.send("Block", **where, length=128, data=b"\xff" * 128)
    assert shell.far.read_region("board") == before
    shell.peer.send("Block", **where, length=8, data=b"\xff" * 8)
    assert shell.far.read_region("board") == before[:-8] + b"\xff" * 8


@settings(max_examples=40)
@given(st.data())
def test_no_bytes_on_the_line_bring_the_shell_down(program, data):
    shell = Shell(program)
    try:
        send_random_frames(shell, data)
        shell.end()
    finally:  # Hypothesis may give up an example in any draw
        shell.kill()


def send_random_frames(shell, data):
    """Valid frames of random content, then noise; it must still answer Hello."""
    shell.far.meet(LIMIT_NS)
    if data.draw(st.booleans()):
        shell.far.begin({"board": REGIONS["board"].new().tobytes()}, Pace.LOCKSTEP)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    for _ in range(data.draw(st.integers(1, 12))):
        message = data.draw(st.sampled_from(MESSAGES))
        if message.name == "SensorTruth":  # kernels are not made for a truth that is none
            continue
        payload = rng.integers(0, 256, message.size, np.uint8).tobytes()
        shell.peer.link.write(shell.peer.frames([(message, payload)]))
    shell.peer.link.write(rng.integers(0, 256, 400, np.uint8).tobytes())
    hello, _ = receive(shell.peer, "Hello", lambda: shell.peer.hello(asks=True))
    assert hello.role == Role.SENSORS
