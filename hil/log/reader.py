"""Reading a log, whole or cut off at any byte.

The file is walked record by record; what a power loss cut off is missing at the end, and
everything before it stands, since chunks are written whole. Four nets catch what was altered
later: a digest of the description, the CRC of each chunk, the CRC of the file, and in the ticks
themselves the locating sums (hil.log.ring_kernels), which also hold when another tool rewrote the
file with CRCs of its own.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Attachment, Channel, Chunk, Metadata
from mcap.stream_reader import breakup_chunk, get_chunk_data_stream
from mcap.writer import MCAP0_MAGIC

from hil.log.channels import BY_ID, IDS, LOG_VERSION, MARK_ID
from hil.log.log_schema import log_schema_hash
from hil.log.mcap_writer import Index, McapFile
from hil.log.recorder import END, LIBRARY, declare_channels, digest
from hil.log.ring_kernels import OVERHEAD, PREFIX
from sim.common.errors import InputError

PREFIX_FORMAT = struct.Struct("<BQ")
CHUNK_FORMAT = struct.Struct("<QQQI")
SIZES = np.array([0] + [channel.record.dtype.itemsize for channel in BY_ID.values()])
Walk = Iterator[tuple[int, int, int]]


class Stretch:
    """A run of messages: their bytes, where each is, and its channel as hil.log.channels has it."""

    def __init__(self, content: np.ndarray, index: Index, numbers: dict[int, int]) -> None:
        """`index` is that of the content, uint8; `numbers` leads from the file's channels to ours.

        Raises ValueError when it holds what no channel of ours could.
        """
        self.content = content
        self.index = index
        table = np.zeros(1 << 16, np.int64)
        table[list(numbers)] = list(numbers.values())
        self.index.channels[:] = table[self.index.channels]
        if np.any(self.index.channels == 0):
            raise ValueError("a message of no channel")
        if np.any(self.index.sizes != SIZES[self.index.channels]):
            raise ValueError("a message that has not its record's size")

    def payload(self, message: int) -> np.ndarray:
        """The bytes of a message's record, where they lie."""
        start = int(self.index.offsets[message])
        return self.content[start : start + int(self.index.sizes[message])]

    def record(self, message: int) -> Any:
        """A message's record, where it lies."""
        return self.payload(message).view(BY_ID[int(self.index.channels[message])].record.dtype)[0]

    def of(self, topic: str) -> np.ndarray:
        """Numbers of the messages of one channel."""
        return np.flatnonzero(self.index.channels == IDS[topic])

    def ticks(self) -> list[tuple[int, int]]:
        """First message, and end, of each tick."""
        ends = (self.of("tick") + 1).tolist()
        return list(zip([0, *ends], ends, strict=False))


@dataclass
class Log:
    """An opened log of ours: its description, and its messages on demand.

    `cut` and `faults` fill while it is read, in words: where the file ends too early, and what
    does not match its checksum.
    """

    path: str
    data: np.ndarray
    metadata: dict[str, str]
    files: dict[str, bytes]
    numbers: dict[int, int]
    end: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    cut: str = ""

    def chunks(self) -> Iterator[Stretch]:
        """Every whole chunk in turn."""
        self.faults.clear()
        self.end.clear()
        self.cut = ""
        position = 0
        for opcode, start, position in walk(self.data):
            if opcode == Opcode.CHUNK:
                chunk = self._chunk(start, position)
                if chunk is None:
                    return
                yield chunk
            elif opcode == Opcode.METADATA:
                record = _parse(Metadata, self.data[start:position])
                self.end.update(record.metadata if record and record.name == END else {})
            elif opcode == Opcode.DATA_END:
                self._check_end(start, position)
                return
        self.cut = f"cut off: whole up to byte {position} of {len(self.data)}"

    def stretches(self) -> Iterator[Stretch]:
        """Every message in runs of whole ticks; last of all whatever follows the last tick."""
        left = np.empty(0, np.uint8)
        ours = {number: number for number in BY_ID}
        for chunk in self.chunks():
            content = np.concatenate((left, messages_of(chunk)))
            whole = Stretch(content, Index(content), ours)
            marks = whole.of("tick")
            end = 0
            if len(marks):
                end = int(whole.index.offsets[marks[-1]] + SIZES[MARK_ID])
                yield Stretch(content[:end], Index(content[:end]), ours)
            left = content[end:]
        yield Stretch(left, Index(left), ours)

    def table(self, topic: str) -> Any:
        """All records of one channel, in order, as a recarray."""
        dtype = BY_ID[IDS[topic]].record.dtype
        rows = [chunk.payload(m) for chunk in self.chunks() for m in chunk.of(topic)]
        joined = np.concatenate(rows) if rows else np.empty(0, np.uint8)
        return joined.view(dtype).view(np.recarray)

    def _chunk(self, start: int, end: int) -> Stretch | None:
        """A chunk's messages; None, and a fault in words, when they cannot be made out."""
        body = self.data[start:end]
        try:
            *_, crc = CHUNK_FORMAT.unpack_from(body.data)
            content = _chunk_content(body)
            index = Index(content)
            if not index.gapless:  # other tools declare channels inside of chunks
                inner = breakup_chunk(Chunk.read(_stream(body)))
                self.numbers.update(_numbers(r for r in inner if isinstance(r, Channel)))
            chunk = Stretch(content, index, self.numbers)
        except Exception as error:  # whatever a parser or decompressor makes of altered bytes
            self.faults.append(f"the chunk at byte {start} cannot be read: {error}")
            return None
        if crc not in (0, zlib.crc32(content.data)):
            self.faults.append(f"the chunk at byte {start} does not match its checksum")
        return chunk

    def _check_end(self, start: int, end: int) -> None:
        """Compare the CRC of the data, and the summary behind it with its own."""
        crc = int.from_bytes(self.data[start:end].tobytes(), "little")
        if crc not in (0, zlib.crc32(self.data[: start - PREFIX].data)):
            self.faults.append("the file does not match its checksum")
        rest = self.data[end:].tobytes()
        if not rest.endswith(MCAP0_MAGIC):
            self.cut = f"cut off in its summary, at byte {len(self.data)}"
            return
        recorded = int.from_bytes(rest[-12:-8], "little")
        if recorded not in (0, zlib.crc32(rest[:-12])):
            self.faults.append("the summary does not match its checksum")


def open_log(path: str | Path) -> Log:
    """Open a log of ours; raises InputError when it is none, or not of this version."""
    data = _map(path)
    if data[: len(MCAP0_MAGIC)].tobytes() != MCAP0_MAGIC:
        raise InputError(f"{path}: not a log of ours: it does not begin as an MCAP file does")
    metadata: dict[str, str] = {}
    files: dict[str, bytes] = {}
    channels = []
    for opcode, start, end in walk(data):
        if opcode in (Opcode.CHUNK, Opcode.DATA_END):
            break
        body = data[start:end]
        if opcode == Opcode.METADATA and (record := _parse(Metadata, body)):
            metadata.update(record.metadata if record.name == LIBRARY else {})
        elif opcode == Opcode.ATTACHMENT and (record := _parse(Attachment, body)):
            files[record.name] = record.data
        elif opcode == Opcode.CHANNEL and (record := _parse(Channel, body)):
            channels.append(record)
    else:
        raise InputError(f"{path}: cut off before its first record: nothing to read")
    _check_description(path, metadata)
    return Log(str(path), data, metadata, files, _numbers(iter(channels)))


def repair(path: str | Path, into: str | Path) -> list[str]:
    """Write what can be read of a log as a whole one; returns what was wrong with it, in words.

    Raises InputError as open_log does, and when the new file cannot be written.
    """
    log = open_log(path)
    try:
        with open(into, "wb") as stream:
            file = McapFile(stream, LIBRARY)
            file.add_metadata(LIBRARY, log.metadata)
            for name, data in log.files.items():
                file.add_attachment(name, "text/plain", data)
            declare_channels(file)
            for chunk in log.chunks():
                file.write_chunk(messages_of(chunk).tobytes())
            wrong = log.faults + ([log.cut] if log.cut else [])
            file.add_metadata(END, log.end or {"repaired": "; ".join(wrong)})
            file.finish()
    except OSError as error:
        raise InputError(f"{into}: cannot be written: {error.strerror}") from error
    return wrong


def walk(data: np.ndarray) -> Walk:
    """Whole records of an MCAP file, behind the magic: opcode, first byte and end of the body."""
    at = len(MCAP0_MAGIC)
    while at + PREFIX <= len(data):
        opcode, length = PREFIX_FORMAT.unpack_from(data.data, at)
        at += PREFIX
        if length > len(data) - at:
            return
        yield opcode, at, at + length
        at += length


def messages_of(stretch: Stretch) -> np.ndarray:
    """A stretch's bytes with nothing but messages, whose channels are numbered as ours."""
    index = stretch.index
    starts = index.offsets - OVERHEAD
    if not index.gapless:
        ends = index.offsets + index.sizes
        parts = [stretch.content[a:b] for a, b in zip(starts, ends, strict=True)]
        content = np.concatenate(parts) if parts else np.empty(0, np.uint8)
        lengths = index.sizes + OVERHEAD
        starts = np.cumsum(lengths) - lengths
    else:
        content = stretch.content
    if np.all(content[starts + PREFIX] == index.channels):
        return content
    content = content.copy()
    content[starts + PREFIX] = index.channels & 255
    content[starts + PREFIX + 1] = index.channels >> 8
    return content


def _check_description(path: str | Path, metadata: dict[str, str]) -> None:
    if not metadata:
        raise InputError(
            f"{path}: an MCAP file, but not a log of ours: it has no '{LIBRARY}' entry"
        )
    version = metadata.get("log_version")
    if version != str(LOG_VERSION):
        raise InputError(f"{path}: log version {version}, this program reads {LOG_VERSION}")
    schema = metadata.get("schema_hash", "")
    if schema != log_schema_hash():
        made = f"recorded by version {metadata.get('version', 'unknown')} with schema {schema[:12]}"
        raise InputError(f"{path}: {made}, this program has schema {log_schema_hash()[:12]}")
    if metadata.get("digest") != digest(metadata):
        raise InputError(f"{path}: its description was altered: it does not match its digest")


def _numbers(channels: Iterator[Channel]) -> dict[int, int]:
    return {c.id: IDS[c.topic] for c in channels if c.topic in IDS}


def _chunk_content(body: np.ndarray) -> np.ndarray:
    """Content of a chunk's body: where it lies, or decompressed."""
    name_at = CHUNK_FORMAT.size
    name_length = int.from_bytes(body[name_at : name_at + 4].tobytes(), "little")
    if name_length == 0:
        return body[name_at + 12 :]
    stream, size = get_chunk_data_stream(Chunk.read(_stream(body)))
    return np.frombuffer(stream.read(size), np.uint8)


def _stream(body: np.ndarray) -> ReadDataStream:
    return ReadDataStream(BytesIO(body.tobytes()))


def _parse(kind: Any, body: np.ndarray) -> Any:
    """A record of the description; None when its bytes make no sense."""
    try:
        return kind.read(_stream(body))
    except Exception:  # whatever a parser makes of altered bytes
        return None


def _map(path: str | Path) -> np.ndarray:
    try:
        if Path(path).stat().st_size == 0:
            raise InputError(f"{path}: not a log of ours: it is empty")
        return np.memmap(path, np.uint8, "r")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
