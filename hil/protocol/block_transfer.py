"""Memory regions on the line: cut into Blocks, put together again, and checked by their sums."""

import zlib
from collections.abc import Callable, Iterable
from typing import Any

from hil.protocol.peer import Peer
from hil.wire.codec import codec
from hil.wire.messages import REGIONS
from hil.wire.session_messages import BLOCK_BYTES, ReadyResult, Region


def region_number(name: str) -> int:
    """By which number the line knows a region."""
    return Region.of(name)


def region_size(name: str) -> int:
    """Bytes of a region."""
    return REGIONS[name].dtype.itemsize


def block_frames(
    peer: Peer, name: str, data: bytes, start: int = 0, end: int | None = None
) -> bytes:
    """The frames of the Blocks that hold bytes [start, end) of a region whose whole is `data`."""
    end = len(data) if end is None else min(end, len(data))
    pieces = [data[at : min(at + BLOCK_BYTES, end)] for at in range(start, end, BLOCK_BYTES)]
    return b"".join(
        peer.frame(
            "Block",
            offset=start + k * BLOCK_BYTES,
            size=len(data),
            region=region_number(name),
            length=len(piece),
            data=piece,
        )
        for k, piece in enumerate(pieces)
    )


class Loading:
    """Regions that are being loaded into an end's memory."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` are the regions that this end takes."""
        self._data = {region_number(name): bytearray(region_size(name)) for name in names}
        self._missing = {
            number: set(range(0, len(data), BLOCK_BYTES)) for number, data in self._data.items()
        }

    def take(self, payload: bytes) -> None:
        """Take a Block; one that fits nowhere is ignored."""
        block = codec("Block").unpack(payload)
        data = self._data.get(block.region)
        end = block.offset + block.length
        if data is None or block.length > BLOCK_BYTES or not end <= block.size == len(data):
            return
        data[block.offset : end] = block.data[: block.length]
        self._missing[block.region].discard(block.offset)

    def check(self, begin: Any) -> int:
        """What the regions that Begin counts on are worth: a ReadyResult."""
        for number in range(len(Region)):
            if not begin.regions & (1 << number):
                continue
            if number not in self._data or self._missing[number]:
                return ReadyResult.INCOMPLETE
            if zlib.crc32(self._data[number]) != getattr(begin, f"{Region.label_of(number)}_crc"):
                return ReadyResult.DIFFERS
        return ReadyResult.STARTED

    def loaded(self, begin: Any) -> dict[str, bytes]:
        """The regions that Begin counts on, by name, once `check` has found them right."""
        return {
            Region.label_of(number): bytes(data)
            for number, data in self._data.items()
            if begin.regions & (1 << number)
        }


class ReadBack:
    """Answers BlockRequests; what is asked for piece by piece is all of the same tick."""

    def __init__(self, peer: Peer, region: Callable[[str], bytes], names: Iterable[str]) -> None:
        """`region` gives the bytes of one of the regions `names` as they are now."""
        self._peer = peer
        self._region = region
        self._names = set(names)
        self._snapshot = b""

    def answer(self, payload: bytes) -> None:
        """Send the Blocks that are asked for."""
        request = codec("BlockRequest").unpack(payload)
        if request.region >= len(Region) or Region.label_of(request.region) not in self._names:
            return
        name = Region.label_of(request.region)
        if request.offset == 0:
            self._snapshot = self._region(name)
        end = request.offset + request.length
        self._peer.link.write(block_frames(self._peer, name, self._snapshot, request.offset, end))
