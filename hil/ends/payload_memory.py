"""A payload in the memory of this process: its record, its entries, and its messages."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fsw.framework.kernel_cache import INTERPRETED
from hil.boards.payload import Payload
from hil.wire.messages import Message, Packet
from hil.wire.session_messages import StartFrom
from hil.wire.slots import MessageView, hash_of, memory_of, rows_of

Entry = Callable[..., Any]


class PayloadMemory:
    """What `payload_memory` and `table.h` are to the firmware.

    `entries` are the payload's entries for an array of one record: Numba finds the type of an
    array by a pointer, but that of a record by comparing all its fields.
    """

    def __init__(self, payload: Payload, entries: Mapping[str, Entry]) -> None:
        self.payload = payload
        self.rows = rows_of(payload.memory)
        self.record: Any = self.rows.view(np.recarray)[0]
        self.grant_message = payload.message(payload.grant)
        self._kernel_rows = self.rows.view(np.recarray) if INTERPRETED else self.rows
        self._entries = dict(entries)
        self._bytes = memory_of(self.rows)
        self._fresh = bytes(self._bytes)
        self._places = {
            payload.message(path).apid: self._at(path) for path in (*payload.inputs, payload.grant)
        }
        self._outputs = MessageView(self._at(payload.outbox), payload.outputs)
        self._answers = {
            path: (payload.message(path), self._at(path))
            for path in (payload.done, payload.timing, payload.reply, payload.question)
            if path
        }
        self._words = {
            name: np.frombuffer(self._at(path), np.uint64) for name, path in payload.regions.items()
        }
        self._message_count = self._at(f"{payload.done}.messages")
        self._wants = self._at(f"{payload.grant}.wants")
        self._hashes = [
            (bit, region, np.frombuffer(self._at(f"{payload.done}.{field}"), np.uint64))
            for bit, (region, field) in payload.hashes.items()
        ]

    def _at(self, path: str) -> memoryview:
        return memory_of(self.rows, path)

    # --- entries -------------------------------------------------------------------------

    def start(self, how: int, armed: int, realtime: int) -> int:
        """See hil.boards.payload, as for all entries."""
        return self._call("start", int(how), armed, realtime)  # a code would compile it once more

    def grant(self, tick: int, now_ns: int, missed: int) -> int:
        """Number of messages that belong to the tick."""
        return self._call("grant", tick, now_ns, missed)

    def post(self, apid: int, now_ns: int) -> bool:
        """True when the reply is to be sent."""
        return self._call("post", apid, now_ns) == 1

    def step(self, whole: bool) -> bool:
        """True when the tick ran."""
        return self._call("step", int(whole)) == 1

    def report(self, begun_ns: int, stepped_ns: int, sent_ns: int) -> None:
        """Real time: the outputs have been sent."""
        self._call("report", begun_ns, stepped_ns, sent_ns)

    def ask(self, now_ns: int) -> bool:
        """True when the question is to be sent."""
        return self._call("ask", now_ns) == 1

    def _call(self, entry: str, *arguments: int) -> int:
        return int(self._entries[entry](self._kernel_rows, *arguments))

    # --- messages ------------------------------------------------------------------------

    def takes(self, message: Message) -> bool:
        """True for an input of the payload and for the message that grants a tick."""
        return message.apid in self._places

    def put(self, message: Message, payload: bytes) -> None:
        """Put a message into its place."""
        self._places[message.apid][:] = payload

    def outputs(self, ran: bool) -> list[Packet]:
        """The outputs of a tick, none unless it ran; their number goes into the done message."""
        packets = self._outputs.packets() if ran else []
        self._message_count[0] = len(packets)
        return packets

    def answer(self, path: str) -> Packet:
        """The message at a path of the payload: done, timing, reply or question."""
        message, memory = self._answers[path]
        return message, bytes(memory)

    def fill_hashes(self, whole: bool) -> None:
        """Put the hashes that the grant wants into the done message, zero for the others."""
        for bit, region, field in self._hashes:
            field[0] = self.hash_of(region) if whole and self._wants[0] & bit else 0

    # --- regions -------------------------------------------------------------------------

    def load(self, regions: Mapping[str, bytes]) -> None:
        """Bring all memory to its defaults, but for these regions."""
        self._bytes[:] = self._fresh
        for name, data in regions.items():
            self._at(self.payload.regions[name])[:] = data

    def region(self, name: str) -> bytes:
        """The bytes of a region."""
        return self._words[name].tobytes()

    def hash_of(self, region: str) -> int:
        """Hash of a region."""
        return hash_of(self._words[region])

    def compile(self) -> None:
        """Call every entry once, so that no bench waits for the compiler; memory is lost."""
        self.start(StartFrom.ANEW, 0, 0)
        self.grant(-1, 0, 0)
        for apid in self._places:
            self.post(apid, 0)
        self.step(True)
        self.report(0, 0, 0)
        self.ask(0)
        self.hash_of(next(iter(self._words)))
        self.load({})
