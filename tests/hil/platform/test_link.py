"""Links: any kind of port, over its losses, without ever blocking or raising on the way."""

import fcntl
import os
import re
import termios

import pytest

from hil.platform.clock import RealClock, VirtualClock
from hil.platform.errors import LinkError
from hil.platform.link import RETRY_NS, Link
from hil.platform.ports import MAX_WAITING_BYTES, FdPort, Listener, advice, open_port, open_pty
from hil.wire.framing import Decoder, Encoder
from hil.wire.messages import BY_NAME

RANGE = BY_NAME["RangeSample"]
LIMIT_NS = 5_000_000_000


def read_frames(link, count):
    """Packets from a link, at most for the limit."""
    clock, decoder, packets = RealClock(), Decoder(), []
    deadline_ns = clock.now_ns() + LIMIT_NS
    while len(packets) < count and clock.now_ns() < deadline_ns:
        packets += decoder.feed(link.read(clock.wait_s(deadline_ns)))
    return packets


@pytest.fixture
def pty_links():
    """Two links on the two ends of a pseudo-terminal."""
    port, path = open_pty()
    bench = Link(lambda: port, RealClock())
    flight = Link(lambda: open_port(path), RealClock())
    yield bench, flight, path
    flight.close()
    bench.close()


def test_frames_cross_a_pseudo_terminal_unchanged_both_ways(pty_links):
    bench, flight, _ = pty_links
    payload = bytes([0, 10, 13, 17, 19, 3, 4, 26, 255, 127, 28, 8, 21, 22, 18, 0])
    frame = Encoder().frame(RANGE, payload)
    bench.write(frame * 20)
    flight.write(frame * 20)
    assert read_frames(flight, 20) == [(RANGE, payload)] * 20
    assert read_frames(bench, 20) == [(RANGE, payload)] * 20
    assert flight.read(0.0) == bench.read(0.0) == b""
    assert flight.counters.unplugged == bench.counters.unplugged == 0


def test_frames_cross_the_loop_of_pyserial():
    link = Link(lambda: open_port("loop://"), RealClock())
    link.write(Encoder().frame(RANGE, bytes(16)))
    assert read_frames(link, 1) == [(RANGE, bytes(16))]
    link.close()


def test_frames_cross_a_socket_and_a_second_caller_replaces_the_first():
    listener = Listener("127.0.0.1:0")
    caller = Link(lambda: open_port(listener.url), RealClock())
    server = Link(listener.accept, RealClock())
    caller.write(Encoder().frame(RANGE, bytes(16)))
    assert read_frames(server, 1) == [(RANGE, bytes(16))]
    caller.close()
    assert server.read(5.0) == b""
    assert server.counters.unplugged == 1
    second = Link(lambda: open_port(listener.url), RealClock())
    second.write(Encoder().frame(RANGE, bytes(16)))
    assert read_frames(server, 1) == [(RANGE, bytes(16))]
    assert server.counters.replugged == 1
    for each in (server, second, listener):
        each.close()


def test_spy_is_read_through_pyserial(capsys):
    port, path = open_pty()
    link = Link(lambda: open_port(f"spy://{path}"), RealClock())
    link.write(b"\x00abc\x00")
    assert port.read(5.0) == b"\x00abc\x00"
    port.write(b"\x00answer\x00")
    assert link.read(5.0).startswith(b"\x00")
    link.close()
    port.close()
    assert "abc" in capsys.readouterr().err


def test_a_write_that_is_not_read_does_not_block_and_is_counted(pty_links):
    bench, _, _ = pty_links
    for _ in range(100):
        bench.write(b"\x55" * 10_000)
    assert bench.counters.bytes_dropped >= 1_000_000 - MAX_WAITING_BYTES - 100_000
    assert bench.counters.bytes_out + bench.counters.bytes_dropped == 1_000_000


def test_what_waits_leaves_when_the_line_takes_it_again(pty_links):
    bench, flight, _ = pty_links
    bench.write(b"\x55" * 50_000)
    received = 0
    for _ in range(1000):
        received += len(flight.read(0.01))
        bench.read(0.0)
        if received == 50_000:
            break
    assert received == 50_000


class Socketlike:
    """A port that can be pulled out."""

    def __init__(self):
        self.plugged, self.tried = True, 0

    def open(self):
        self.tried += 1
        if not self.plugged:
            raise OSError("gone")
        return self

    def read(self, timeout_s):
        if not self.plugged:
            raise OSError("gone")
        return b"x"

    def write(self, data):
        if not self.plugged:
            raise OSError("gone")
        return 0

    def close(self):
        pass


def test_unplugging_is_counted_and_replugging_survived():
    clock, port = VirtualClock(), Socketlike()
    link = Link(port.open, clock)
    port.plugged = False
    assert link.read(0.001) == b""
    link.write(b"abc")
    clock.advance(3 * RETRY_NS)
    assert link.read(0.001) == b""
    assert link.away_ns() >= 3 * RETRY_NS
    assert (link.counters.unplugged, link.counters.replugged) == (1, 0)
    assert link.counters.bytes_dropped == 3
    port.plugged = True
    clock.advance(RETRY_NS)
    assert link.read(0.001) == b"x"
    assert (link.counters.replugged, link.away_ns()) == (1, 0)


def test_a_lost_port_is_tried_again_ten_times_a_second_and_not_more():
    clock, port = VirtualClock(), Socketlike()
    link = Link(port.open, clock)
    port.plugged = False
    start_ns = clock.now_ns()
    for _ in range(100):
        link.read(0.02)
    elapsed_ns = clock.now_ns() - start_ns
    assert elapsed_ns >= 15 * RETRY_NS
    assert port.tried - 1 <= elapsed_ns // RETRY_NS + 1


def test_a_closed_line_is_a_loss_and_not_an_endless_empty_read():
    ours, theirs = os.pipe()
    port = FdPort(ours, lambda: os.close(ours))
    os.close(theirs)
    with pytest.raises(OSError, match="closed"):
        port.read(0.0)
    port.close()


def test_a_port_that_does_not_exist_is_named_in_one_line():
    with pytest.raises(LinkError, match=r"^port /dev/nowhere: there is no such port; serial") as e:
        open_port("/dev/nowhere")
    assert "\n" not in str(e.value)


def test_a_busy_port_is_named_as_busy():
    port, path = open_pty()
    holder = open_port(path)
    with pytest.raises(LinkError, match="busy; another program holds it"):
        open_port(path)
    holder.close()
    port.close()


def test_a_port_without_permission_names_the_group(monkeypatch):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LinkError, match="dialout"):
        open_port("/dev/ttyUSB0")


@pytest.mark.parametrize(
    "url", ["nonsense://x", "socket://127.0.0.1", "socket://127.0.0.1:1", "loop://?x=1", ""]
)
def test_other_bad_urls_are_one_line_too(url):
    with pytest.raises(LinkError, match=f"^port {re.escape(url)}: .") as refusal:
        open_port(url)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("address", ["7000", "host:port", ":99999", "256.0.0.1:80"])
def test_an_address_that_cannot_be_listened_on_is_one_line(address):
    with pytest.raises(LinkError, match="^--listen"):
        Listener(address)


def test_a_slow_usb_adapter_gets_advice(tmp_path):
    timer = tmp_path / "class" / "tty" / "ttyUSB0" / "device" / "latency_timer"
    timer.parent.mkdir(parents=True)
    timer.write_text("16\n")
    assert "16 ms" in advice("/dev/ttyUSB0", tmp_path)[0]
    timer.write_text("1\n")
    assert advice("/dev/ttyUSB0", tmp_path) == []
    assert advice("/dev/ttyACM0", tmp_path) == []


def test_a_pseudo_terminal_is_raw_and_held_exclusively(pty_links):
    _, _, path = pty_links
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        settings = termios.tcgetattr(fd)
        assert not settings[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(fd)
