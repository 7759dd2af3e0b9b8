"""Streams of an emulated board: the pipe to QEMU's serial port, and its debugger."""

import contextlib
import errno
import fcntl
import os
import select
import socket
import subprocess
from typing import Self

from hil.platform.errors import BenchError
from hil.platform.ports import CHUNK_BYTES, MAX_WAITING_BYTES

MONITOR_LIMIT_S = 5.0

CONNECT_TRIES = 500

PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031


class EmulatorGone(BenchError):
    """The emulator has ended, or its monitor does not answer."""


class PipePort:
    """A port of two pipes: read from one, written to the other."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """The descriptors stay their owner's; `close` only stops using them."""
        for fd in (read_fd, write_fd):
            os.set_blocking(fd, False)
        self._in, self._out = read_fd, write_fd
        self._waiting = b""
        self._open = True

    def read(self, timeout_s: float) -> bytes:
        """Whatever has arrived; empty when nothing came within the time."""
        self._check()
        if self._waiting:
            self._flush()
        writers = [self._out] if self._waiting else []
        readable, writable, _ = select.select([self._in], writers, [], max(timeout_s, 0.0))
        if writable:
            self._flush()
        if not readable:
            return b""
        data = os.read(self._in, CHUNK_BYTES)
        if not data:
            raise OSError(errno.EIO, "the emulated board has ended")
        return data

    def write(self, data: bytes) -> int:
        """Send, or keep until the line takes it; returns the bytes dropped for want of room."""
        self._check()
        if len(self._waiting) + len(data) > MAX_WAITING_BYTES:
            return len(data)
        self._waiting += data
        self._flush()
        return 0

    def fileno(self) -> int | None:
        """What select() can wait on."""
        return self._in

    def close(self) -> None:
        """Intervention the plug; another port may be made of the same pipes."""
        self._open = False

    def _check(self) -> None:
        if not self._open:
            raise OSError(errno.EIO, "the line was unplugged")

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            sent = os.write(self._out, self._waiting)
            self._waiting = self._waiting[sent:]


class Debugger:
    """A debugger's remote protocol, as much of it as reading and writing memory takes.

    Attaching halts the board; it goes on when the debugger leaves.
    """

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(MONITOR_LIMIT_S)
        self._path = path
        self._rest = b""

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, EmulatorGone):
            self.ask("D")
        self._socket.close()

    def ask(self, request: str) -> str:
        """Send a packet and return the answer's text. Raises EmulatorGone."""
        total = sum(request.encode()) % 256
        try:
            self._socket.sendall(f"${request}#{total:02x}".encode())
            answer = self._answer()
            while answer.startswith("T"):  # no answer: a report that the board has halted
                answer = self._answer()
            return answer
        except OSError as error:
            raise EmulatorGone("the emulator's debugger does not answer") from error

    def _connect(self) -> None:
        """Connect; the emulator listens a moment after its monitor answers."""
        for _ in range(CONNECT_TRIES):
            try:
                self._socket.connect(self._path)
                return
            except OSError:
                select.select([], [], [], MONITOR_LIMIT_S / CONNECT_TRIES)
        raise EmulatorGone("the emulator's debugger does not answer")

    def _answer(self) -> str:
        while True:
            start = self._rest.find(b"$")
            end = self._rest.find(b"#", start + 1)
            if start >= 0 and end >= 0 and len(self._rest) >= end + 3:
                text = self._rest[start + 1 : end].decode()
                self._rest = self._rest[end + 3 :]
                self._socket.sendall(b"+")
                return text
            data = self._socket.recv(CHUNK_BYTES)
            if not data:
                raise OSError(errno.EPIPE, "closed")
            self._rest += data


def widen(process: subprocess.Popen[bytes]) -> None:
    """Let the board send more before a full pipe stops the emulator."""
    if process.stdout:
        with contextlib.suppress(OSError):
            fcntl.fcntl(process.stdout.fileno(), F_SETPIPE_SZ, PIPE_BYTES)
