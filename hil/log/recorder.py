"""Recording that never disturbs the loop.

The loop copies records into a ring that was allocated before, and goes on. A thread takes
whatever has gathered and writes it as one MCAP chunk: when there are 64 KiB, or once a second,
so that a power loss costs a second. A full ring drops the record and counts it; a disk that
refuses is reported at the end, and the loop flies on. Where time is virtual nothing is gained
by dropping: `wait=True` then lets the loop wait for the disk instead.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from fsw.framework.kernel_cache import kernels_hash
from hil.log.channels import BY_ID, IDS, LOG_VERSION
from hil.log.log_schema import log_schema_hash
from hil.log.mcap_writer import Index, McapFile
from hil.log.ring_kernels import RING, Header, LogRing, append, as_rows
from hil.log.ros2msg import schema_name, schema_text
from sim.common.errors import InputError

RING_BYTES = 1 << 22
CHUNK_BYTES = 1 << 16
POLL_S = 0.1
POLLS_PER_FLUSH = 10
LIBRARY = "leadline"
END = "leadline-end"


@dataclass(frozen=True)
class RecorderReport:
    """Outcome of a recording; `error` is empty when the disk took everything."""

    path: str
    records: int
    bytes: int
    dropped: int
    error: str

    @property
    def whole(self) -> bool:
        """True when everything that was appended is in the file."""
        return not self.error and self.dropped == 0


class Recorder:
    """A log being written. A context manager: leaving it, for whatever reason, writes the rest.

    metadata: pairs of text that describe the run, among them `version`.
    files: what to attach, name to content.
    wait: let `append` wait for the disk when the ring is nearly full, for virtual time only.
    Raises InputError when the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        metadata: dict[str, str],
        files: dict[str, bytes] | None = None,
        *,
        wait: bool = False,
        ring_bytes: int = RING_BYTES,
    ) -> None:
        if ring_bytes & (ring_bytes - 1):
            raise ValueError(f"ring_bytes: {ring_bytes} is not a power of two")
        self.path = str(path)
        self.ring = new_ring()
        self.buffer = np.zeros(ring_bytes, np.uint8)
        self.log = LogRing(self.ring, self.buffer)
        self._head, self._tail = self.ring["head"], self.ring["tail"]
        self._high_water = ring_bytes // 2
        self._wait = wait
        self._stream = _create(path)
        self._file: McapFile | None = None
        self._error = ""
        self._wake = threading.Event()
        self._written = threading.Condition()
        self._closing = False
        self._closed = False
        self._begin(metadata, files or {})
        Index(self.buffer[:0])  # loads the kernel now, not when the first chunk is due
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def append(self, topic: str, t_ns: int, record: bytes, *, sent_ns: int | None = None) -> bool:
        """Record `record`'s bytes on a channel at t_ns, when this end received or gave it.

        t_ns must not run ahead of the next tick's time: log times never decrease.
        `sent_ns` is when the sender sent it, where that is known. False when the ring was full.
        """
        words = np.frombuffer(record, np.uint32)
        channel = IDS[topic]
        size = BY_ID[channel].record.dtype.itemsize
        if words.nbytes != size:
            raise ValueError(f"channel {topic}: {words.nbytes} bytes, expected {size}")
        self.make_room()
        sent_ns = t_ns if sent_ns is None else sent_ns
        header = Header(channel, t_ns, sent_ns)
        return append(self.log, header, words, 0, len(words))

    def make_room(self) -> None:
        """Hurry the writer when the ring is half full, and wait for it where that is allowed."""
        if self._backlog() < self._high_water:
            return
        self._wake.set()
        if self._wait:
            with self._written:
                self._written.wait_for(lambda: self._backlog() < self._high_water or self._closed)

    @property
    def report(self) -> RecorderReport:
        """Figures so far; final after close()."""
        ring = self.ring[0]
        return RecorderReport(
            path=self.path,
            records=int(ring["recorded"]),
            bytes=int(ring["head"]),
            dropped=int(ring["dropped"]),
            error=self._error,
        )

    def close(self) -> RecorderReport:
        """Write what is left and the summary, and close the file. May be called twice."""
        if not self._closed:
            self._closing = True
            self._wake.set()
            self._thread.join()
            self._closed = True
        return self.report

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, metadata: dict[str, str], files: dict[str, bytes]) -> None:
        try:
            file = McapFile(self._stream, LIBRARY)
            file.add_metadata(LIBRARY, describe(metadata))
            for name, data in files.items():
                file.add_attachment(name, "text/plain", data)
            declare_channels(file)
        except OSError as error:
            self._stream.close()
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from error
        self._file = file

    def _run(self) -> None:
        polls = 0
        while True:
            woken = self._wake.wait(POLL_S)
            self._wake.clear()
            closing = self._closing
            polls += 1
            if woken or polls >= POLLS_PER_FLUSH or self._backlog() >= CHUNK_BYTES:
                self._guarded(self._write_backlog, not woken)
                polls = 0
            if closing:
                self._guarded(self._finish)
                self._stream.close()
                return

    def _guarded(self, action: Callable[..., None], *arguments: object) -> None:
        """Run an action on the file; after the first failure only its side of the ring matters."""
        try:
            action(*arguments)
        except OSError as error:
            self._file = None
            self._error = self._error or f"{self.path}: writing stopped: {error.strerror}"

    def _write_backlog(self, flush: bool) -> None:
        content = self._take()
        if content and self._file:
            self._file.write_chunk(content)
            if flush:
                os.fsync(self._stream.fileno())

    def _take(self) -> bytes:
        ring = self.ring[0]
        tail, head = int(ring["tail"]), int(ring["head"])
        first, last = tail % len(self.buffer), head % len(self.buffer)
        if last < first or head - tail == len(self.buffer):
            content = self.buffer[first:].tobytes() + self.buffer[:last].tobytes()
        else:
            content = self.buffer[first:last].tobytes()
        with self._written:
            ring["tail"] = head
            self._written.notify_all()
        return content

    def _finish(self) -> None:
        if self._file:
            ring = self.ring[0]
            sums = " ".join(str(int(value)) for value in ring["sums"])
            end = {"records": str(ring["recorded"]), "dropped": str(ring["dropped"]), "sums": sums}
            self._file.add_metadata(END, end)
            self._file.finish()

    def _backlog(self) -> int:
        return int(self._head[0]) - int(self._tail[0])


def new_ring() -> np.ndarray:
    """A ring's bookkeeping before the first record: an array of one RING."""
    ring = as_rows(np.zeros(1, RING.dtype))
    ring[0] = RING.new()
    return ring


def declare_channels(file: McapFile) -> None:
    """Declare every channel, used or not, so that numbers in the file are the numbers here."""
    for number, channel in BY_ID.items():
        text = schema_text(channel.record)
        file.add_channel(number, channel.topic, schema_name(channel.record), text)


def describe(metadata: dict[str, str]) -> dict[str, str]:
    """The log's description: the caller's pairs, version and hashes, and a digest of all."""
    values = {
        **metadata,
        "log_version": str(LOG_VERSION),
        "schema_hash": log_schema_hash(),
        "kernels_hash": kernels_hash("fsw.executive.step"),
    }
    return {**values, "digest": digest(values)}


def digest(values: dict[str, str]) -> str:
    """SHA-256 of pairs of text, in hex: MCAP gives metadata no checksum of its own."""
    text = "".join(f"{key}={values[key]}\n" for key in sorted(values) if key != "digest")
    return hashlib.sha256(text.encode()).hexdigest()


def _create(path: str | Path) -> BinaryIO:
    try:
        return open(path, "wb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
