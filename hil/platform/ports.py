"""Ports: where bytes come from. Reading drains, writing never blocks, losing one is an OSError.

A port that has a file descriptor (serial line, pseudo-terminal, socket) is read and written
directly: a reader thread would cost two thread switches for every answer. What has none
(`loop://`, `rfc2217://`, `spy://`, Windows) gets a thread for each direction, since neither side of
a line may stop draining the other: two ends that both block in a write wait for ever.
"""

import contextlib
import errno
import os
import queue
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports

from hil.platform.errors import LinkError

BAUD = 1_000_000
CHUNK_BYTES = 65536
MAX_WAITING_BYTES = 1 << 18
CONNECT_LIMIT_S = 5.0
THREAD_POLL_S = 0.05
USB_LATENCY_MS = 1


class Port(Protocol):
    """An open port. Every method raises OSError once the port is gone."""

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; empty when nothing came within the time."""
        ...

    def write(self, data: bytes) -> int:
        """Send, or keep until the line takes it; returns the bytes dropped for want of room."""
        ...

    def fileno(self) -> int | None:
        """What select() can wait on; None where there is nothing of that kind."""
        ...

    def close(self) -> None:
        """Give the port back."""
        ...


class FdPort:
    """A port with a non-blocking file descriptor."""

    def __init__(self, fd: int, close: Callable[[], None]) -> None:
        """`close` gives the descriptor back."""
        os.set_blocking(fd, False)
        self._fd = fd
        self._close = close
        self._waiting = b""

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; empty when nothing came within the time."""
        if self._waiting:
            self._flush()
        writers = [self._fd] if self._waiting else []
        if not select.select([self._fd], writers, [], max(timeout_s, 0.0))[0]:
            return b""
        try:
            data = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.EIO, "the line was closed")
        return data

    def write(self, data: bytes) -> int:
        """Send, or keep until the line takes it; returns the bytes dropped for want of room."""
        if len(self._waiting) + len(data) > MAX_WAITING_BYTES:
            return len(data)
        self._waiting += data
        self._flush()
        return 0

    def fileno(self) -> int | None:
        """What select() can wait on."""
        return self._fd

    def close(self) -> None:
        """Give the port back."""
        self._close()

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = os.write(self._fd, self._waiting)
            self._waiting = self._waiting[sent:]


class ThreadedPort:
    """A pyserial port without a file descriptor, drained by one thread and fed by another."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._device.timeout = THREAD_POLL_S
        self._device.write_timeout = None
        self._received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._to_send: queue.Queue[bytes] = queue.Queue(MAX_WAITING_BYTES // 64)
        self._error: OSError | None = None
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(loop,), daemon=True)
            for loop in (self._drain, self._feed)
        ]
        for thread in self._threads:
            thread.start()

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; empty when nothing came within the time."""
        self._check()
        pieces = []
        with contextlib.suppress(queue.Empty):
            pieces.append(self._received.get(timeout=max(timeout_s, 0.0)))
            while True:
                pieces.append(self._received.get_nowait())
        return b"".join(pieces)

    def write(self, data: bytes) -> int:
        """Pass to the writer; returns the bytes dropped for want of room."""
        self._check()
        try:
            self._to_send.put_nowait(data)
        except queue.Full:
            return len(data)
        return 0

    def fileno(self) -> int | None:
        """None: a thread waits on it."""
        return None

    def close(self) -> None:
        """Stop the threads and give the port back."""
        self._closing.set()
        for thread in self._threads:
            thread.join(CONNECT_LIMIT_S)
        self._device.close()

    def _drain(self) -> None:
        data = self._device.read(self._device.in_waiting or 1)
        if data:
            self._received.put(data)

    def _feed(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._device.write(self._to_send.get(timeout=THREAD_POLL_S))

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            while not self._closing.is_set():
                loop()
        except Exception as error:  # whatever a port's driver raises, the port is gone
            self._error = error if isinstance(error, OSError) else OSError(errno.EIO, str(error))

    def _check(self) -> None:
        if self._error:
            raise self._error


def open_port(url: str, baud: int = BAUD) -> Port:
    """Open a pyserial URL exclusively. Raises LinkError, one line, with a hint where there is one.

    A baud rate means nothing to a pseudo-terminal or a socket and is ignored there.
    """
    if url.startswith("socket://"):
        return _open_socket(url)
    try:
        device = serial.serial_for_url(url, do_not_open=True, baudrate=baud)
        if not url.startswith("loop://"):
            device.exclusive = True
        device.open()
    except Exception as error:  # pyserial lets a KeyError of its own through, among others
        raise LinkError(_refusal(url, error)) from error
    if type(device) is serial.Serial and os.name == "posix":
        return _fd_port(device)
    return ThreadedPort(device)


def open_pty() -> tuple[Port, str]:
    """A pseudo-terminal in raw mode: this end's port, and the path of the other end.

    This process keeps the other end open too, so that nothing is lost before it is opened
    and the line survives being let go.
    """
    import pty
    import tty

    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def close() -> None:
        os.close(ours)
        os.close(theirs)

    return FdPort(ours, close), os.ttyname(theirs)


class Listener:
    """A TCP port on which one peer at a time is served."""

    def __init__(self, address: str) -> None:
        """`address` is HOST:PORT. Raises LinkError when it cannot be had."""
        host, colon, port = address.rpartition(":")
        if not colon or not port.isdigit() or not 0 <= int(port) < 65536:
            raise LinkError(f"--listen: expected HOST:PORT, not '{address}'")
        try:
            self._socket = socket.create_server((host or "127.0.0.1", int(port)))
        except OSError as error:
            raise LinkError(f"--listen {address}: {_reason(error)}") from error

    @property
    def url(self) -> str:
        """What the peer opens."""
        host, port = self._socket.getsockname()[:2]
        return f"socket://{host}:{port}"

    def accept(self) -> Port:
        """The next peer's line; OSError when none has called yet."""
        self._socket.setblocking(False)
        connection, _ = self._socket.accept()
        return _socket_port(connection)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def advice(url: str, system: Path = Path("/sys")) -> list[str]:
    """What could be better about a port that works."""
    timer = system / "class" / "tty" / Path(url).name / "device" / "latency_timer"
    with contextlib.suppress(OSError, ValueError):
        wait_ms = int(timer.read_text())
        if wait_ms > USB_LATENCY_MS:
            return [
                f"{url}: the USB adapter gathers bytes for {wait_ms} ms;"
                f" echo {USB_LATENCY_MS} | sudo tee {timer}"
            ]
    return []


def _fd_port(device: Any) -> Port:
    import termios

    fd = device.fileno()
    # pyserial asks the driver to return at once with nothing, which looks like the end of the line
    settings = termios.tcgetattr(fd)
    settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSANOW, settings)
    return FdPort(fd, device.close)


def _open_socket(url: str) -> Port:
    try:
        parts = urlsplit(url)
        if not parts.hostname or not parts.port:
            raise ValueError("expected socket://HOST:PORT")
        connection = socket.create_connection((parts.hostname, parts.port), CONNECT_LIMIT_S)
    except (OSError, ValueError) as error:
        raise LinkError(_refusal(url, error)) from error
    return _socket_port(connection)


def _socket_port(connection: socket.socket) -> Port:
    # a frame shall leave when it is written, not when the one before was acknowledged
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return FdPort(connection.fileno(), connection.close)


def _refusal(url: str, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        known = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
        return f"port {url}: there is no such port; serial ports here: {known}"
    if code in (errno.EACCES, errno.EPERM):
        return (
            f"port {url}: no permission; join the group that owns it"
            " (sudo usermod -aG dialout $USER) and log in again"
        )
    if code in (errno.EBUSY, errno.EAGAIN):
        return f"port {url}: busy; another program holds it (lsof {url} names it)"
    return f"port {url}: {_reason(error)}"


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.splitlines()[0] if text else type(error).__name__
