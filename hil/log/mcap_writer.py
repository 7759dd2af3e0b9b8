"""An MCAP file written chunk by chunk from bytes that are messages already.

The format is that of https://mcap.dev/spec: after magic and header come what describes the log
(metadata, attachments, schemas, channels), then chunks, each followed by its message indexes,
then a summary that lets a reader seek. The `mcap` package serialises all of it but messages and
their indexes, which arrive as bytes. Chunks stay uncompressed, so that a reader can look at
records where they lie; each carries the CRC of its content, and the whole a CRC at its end.
"""

import struct
import zlib
from typing import BinaryIO

import numpy as np
from mcap.data_stream import RecordBuilder
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    Chunk,
    ChunkIndex,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)
from mcap.writer import MCAP0_MAGIC

from hil.log.ring_kernels import OVERHEAD, Messages, index_messages


class Index:
    """The messages of a chunk: channel, both times, and place and size of each payload.

    `gapless`: there is nothing else in the chunk.
    """

    def __init__(self, content: np.ndarray) -> None:
        """Index a chunk's content, uint8. Raises ValueError when it is no run of whole records."""
        room = len(content) // OVERHEAD + 1
        columns = np.empty((5, room), np.int64)
        n = index_messages(Messages(content, *columns))
        if n < 0:
            raise ValueError("not a run of whole records")
        self.channels, self.log_ns, self.publish_ns, self.offsets, self.sizes = columns[:, :n]
        self.messages = Messages(content, *columns[:, :n])
        self.gapless = n * OVERHEAD + int(np.sum(self.sizes)) == len(content)

    def __len__(self) -> int:
        return len(self.channels)


class McapFile:
    """Writes one log into `stream`, which it does not close."""

    def __init__(self, stream: BinaryIO, library: str) -> None:
        self._stream = stream
        self._position = 0
        self._crc = 0
        self._repeated: list[McapRecord] = []  # schemas and channels, once more at the end
        self._indexes: list[McapRecord] = []
        self._counts: dict[int, int] = {}
        self._times: list[tuple[int, int]] = []
        self._write(MCAP0_MAGIC)
        self._write_record(Header("", library))

    def add_metadata(self, name: str, values: dict[str, str]) -> None:
        """Add named pairs of text."""
        start = self._position
        self._write_record(Metadata(name=name, metadata=values))
        self._indexes.append(MetadataIndex(start, self._position - start, name))

    def add_attachment(self, name: str, media_type: str, data: bytes) -> None:
        """Add a file."""
        start = self._position
        self._write_record(Attachment(0, 0, name, media_type, data))
        self._indexes.append(
            AttachmentIndex(start, self._position - start, 0, 0, len(data), name, media_type)
        )

    def add_channel(self, number: int, topic: str, schema: str, text: str) -> None:
        """Declare a channel of CDR messages and the ros2msg schema of its own."""
        self._repeated.append(Schema(number, text.encode(), "ros2msg", schema))
        self._repeated.append(Channel(number, topic, "cdr", {}, number))
        for record in self._repeated[-2:]:
            self._write_record(record)

    def write_chunk(self, content: bytes) -> None:
        """Write whole messages as one chunk, and the index of each channel behind it."""
        index = Index(np.frombuffer(content, np.uint8))
        times = index.log_ns.astype(np.uint64)
        first, last = int(times.min()), int(times.max())
        start = self._position
        self._write_record(Chunk("", content, last, first, zlib.crc32(content), len(content)))
        length = self._position - start
        offsets = self._write_message_indexes(index, times)
        self._times.append((first, last))
        self._indexes.append(
            ChunkIndex(
                chunk_length=length,
                chunk_start_offset=start,
                compression="",
                compressed_size=len(content),
                message_end_time=last,
                message_index_length=self._position - start - length,
                message_index_offsets=offsets,
                message_start_time=first,
                uncompressed_size=len(content),
            )
        )

    def finish(self) -> None:
        """Write the end of the data and the summary."""
        self._write_record(DataEnd(self._crc))
        start = self._position
        summary, offsets = RecordBuilder(), RecordBuilder()
        groups: list[tuple[int, list[McapRecord]]] = [
            (Opcode.SCHEMA, [r for r in self._repeated if isinstance(r, Schema)]),
            (Opcode.CHANNEL, [r for r in self._repeated if isinstance(r, Channel)]),
            (Opcode.STATISTICS, [self._statistics()]),
            (Opcode.CHUNK_INDEX, [r for r in self._indexes if isinstance(r, ChunkIndex)]),
            (Opcode.ATTACHMENT_INDEX, [r for r in self._indexes if isinstance(r, AttachmentIndex)]),
            (Opcode.METADATA_INDEX, [r for r in self._indexes if isinstance(r, MetadataIndex)]),
        ]
        for opcode, records in groups:
            group_start = summary.count
            for record in records:
                record.write(summary)
            length = summary.count - group_start
            if length:
                SummaryOffset(opcode, start + group_start, length).write(offsets)
        offsets_start = start + summary.count
        body = summary.end() + offsets.end()
        footer = struct.pack("<BQQQ", Opcode.FOOTER, 20, start, offsets_start)
        self._write(body)
        self._write_record(Footer(start, offsets_start, zlib.crc32(footer, zlib.crc32(body))))
        self._write(MCAP0_MAGIC)

    def _write_message_indexes(self, index: Index, times: np.ndarray) -> dict[int, int]:
        offsets = {}
        parts = []
        position = self._position
        for channel in np.unique(index.channels):
            mine = index.channels == channel
            pairs = np.column_stack((times[mine], index.offsets[mine].astype(np.uint64) - OVERHEAD))
            size = pairs.nbytes
            parts.append(struct.pack("<BQHI", Opcode.MESSAGE_INDEX, 6 + size, channel, size))
            parts.append(pairs.tobytes())
            number = int(channel)
            offsets[number] = position
            position += len(parts[-2]) + size
            self._counts[number] = self._counts.get(number, 0) + len(pairs)
        self._write(b"".join(parts))
        return offsets

    def _statistics(self) -> Statistics:
        def count(kind: type) -> int:
            return sum(isinstance(r, kind) for r in self._indexes + self._repeated)

        return Statistics(
            attachment_count=count(AttachmentIndex),
            channel_count=count(Channel),
            channel_message_counts=self._counts,
            chunk_count=count(ChunkIndex),
            message_count=sum(self._counts.values()),
            message_end_time=max((last for _, last in self._times), default=0),
            message_start_time=min((first for first, _ in self._times), default=0),
            metadata_count=count(MetadataIndex),
            schema_count=count(Schema),
        )

    def _write_record(self, record: McapRecord) -> None:
        builder = RecordBuilder()
        record.write(builder)
        self._write(builder.end())

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._position += len(data)
        self._crc = zlib.crc32(data, self._crc)
