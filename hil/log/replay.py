"""Replay: the recorded inbox of every tick goes through the flight software once more.

Nothing is copied from the log but what came in. Outputs, summary and the hash of core are
computed anew and compared with what was recorded, byte for byte. Before that, each tick's
locating sums show whether the log itself was altered: that is how a changed byte is noticed in a
channel that cannot be computed (the truth, hops), or in an input that made no difference.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fsw.executive.host_entry import boot_rows, step_rows
from fsw.executive.state import PARAMS, STATE
from fsw.framework.kernel_cache import kernels_hash
from fsw.interface.messages import INBOX, OUTBOX
from hil.log.channels import BY_ID, CORE_ID, IDS, MARK_ID, PARAMS_ID
from hil.log.differences import SEVERAL, Difference, Span, Sums, alteration, missing, unequal
from hil.log.mcap_writer import Index
from hil.log.reader import Log, Stretch, open_log
from hil.log.recorder import new_ring
from hil.log.ring_kernels import MAX_CHANNELS, LogRing, as_rows, first_unequal
from hil.log.tick_recorder import TickRecorder
from hil.wire.slots import CORE_SLOTS, INBOX_SLOTS, OUTBOX_SLOTS, Slot
from sim.common.errors import InputError

Step = Callable[[Any, Any, Any, Any], None]
Watch = Callable[[Any, Any, Any, Any], None]

SCRATCH_BYTES = 1 << 16
INBOX_BY_ID = {IDS[slot.topic]: slot for slot in INBOX_SLOTS}
COMPUTED = np.zeros(MAX_CHANNELS, np.bool_)
COMPUTED[[MARK_ID, *(IDS[s.topic] for s in (*INBOX_SLOTS, *OUTBOX_SLOTS, *CORE_SLOTS))]] = True


@dataclass
class ReplayReport:
    """What a replay found. `differences` counts ticks; `notes` are facts about the log, in words.

    `faults` are places where the file does not match its own checksums.
    """

    path: str
    ticks: int = 0
    differences: int = 0
    first: Difference | None = None
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """True when every tick came out as recorded, and nothing in the file was altered."""
        return self.differences == 0 and not self.faults

    def lines(self) -> list[str]:
        """The report as text: one line, and what explains it."""
        good = self.ticks - self.differences
        total = f"{good}/{self.ticks} ticks, {self.differences} differences"
        return [total, *([str(self.first)] if self.first else []), *self.faults, *self.notes]

    def add(self, difference: Difference | None) -> None:
        """Count a difference; the first one is kept."""
        if difference:
            self.differences += 1
            self.first = self.first or difference


def replay(path: str | Path, step: Step = step_rows, watch: Watch | None = None) -> ReplayReport:
    """Fly a log once more and compare everything. Raises InputError when it is no log of ours.

    `step` flies in place of the flight software, `watch` is called after every tick; both are
    handed state, params, inbox and outbox, as arrays of one record each.
    """
    log = open_log(path)
    report = ReplayReport(log.path)
    if log.metadata["kernels_hash"] != kernels_hash("fsw.executive.step"):
        report.notes.append("recorded by other kernels than these: differences may come from that")
    flight = _Flight(log.path, step, watch, log.files.get("history"))
    records = 0
    for stretch in log.stretches():
        if not _replay_stretch(stretch, flight, report):
            return report
        records += len(stretch.index)
    _check_tail(log, stretch, records, report)
    return report


def _check_tail(log: Log, tail: Stretch, records: int, report: ReplayReport) -> None:
    """Check the totals at the end of the log, and what came after the last tick."""
    report.faults += log.faults
    report.notes += [log.cut] if log.cut else []
    if "sums" not in log.end:
        return
    if int(log.end["records"]) != records:
        report.faults.append(f"{records} records in it, {log.end['records']} were recorded")
    sums = [int(text) for text in log.end["sums"].split()]
    report.add(alteration(Sums(), Span(tail, 0, len(tail.index)), sums, report.ticks, 0))


def _replay_stretch(stretch: Stretch, flight: "_Flight", report: ReplayReport) -> bool:
    """Replay a stretch's ticks; False where records are missing, so that replay must end."""
    for first, end in stretch.ticks():
        mark = stretch.record(end - 1)
        tick, t_ns = int(mark["tick"]), int(mark["t_ns"])
        span = Span(stretch, first, end)
        altered = alteration(flight.sums, span, mark["sums"].tolist(), tick, t_ns)
        if mark["dropped"] and not altered:
            text = f"the recorder had no room for {mark['dropped']} records"
            report.notes.append(f"{text} before tick {tick}: replay ends there")
            return False
        computed = flight.fly(stretch, first, end)
        vague = altered is not None and altered.field == SEVERAL
        report.ticks += 1
        report.add(computed if vague and computed else altered or computed)
    return True


class _Flight:
    """The flight software, and a recorder that records it as the log's did."""

    def __init__(self, path: str, step: Step, watch: Watch | None, history: bytes | None) -> None:
        self.sums = Sums()
        self._path = path
        self._step = step
        self._watch = watch
        self._history = history
        self._begun = False
        owners = (STATE, PARAMS, INBOX, OUTBOX)
        rows = (as_rows(np.zeros(1, owner.dtype)) for owner in owners)
        self._states, self._params, self._inbox, self._outbox = rows
        self._inbox_bytes = self._inbox.view(np.uint8, np.ndarray)
        self._ring = new_ring()
        self._buffer = np.zeros(SCRATCH_BYTES, np.uint8)
        state = self._states.view(np.recarray)[0]
        log = LogRing(self._ring, self._buffer)
        self._recorder = TickRecorder(log, state, self._inbox[0], self._outbox[0])

    def fly(self, stretch: Stretch, first: int, end: int) -> Difference | None:
        """Fly one tick of the log; the first field that comes out otherwise, or None."""
        self._load(stretch, first, end)
        if not self._begun:
            raise InputError(f"{self._path}: its first tick comes before parameters and core")
        self._step(self._states, self._params, self._inbox, self._outbox)
        if self._watch:
            self._watch(self._states, self._params, self._inbox, self._outbox)
        self._ring["head"] = self._ring["tail"] = 0
        self._recorder.record()
        return self._compare(stretch, first, end)

    def _load(self, stretch: Stretch, first: int, end: int) -> None:
        """Fill the inbox with a tick's messages, as it was."""
        for slot in INBOX_SLOTS:
            self._inbox_bytes[slot.count_at] = 0
        channels = stretch.index.channels
        for message in range(first, end):
            channel = int(channels[message])
            if channel in INBOX_BY_ID:
                self._place(INBOX_BY_ID[channel], stretch.payload(message))
            elif channel == PARAMS_ID:
                self._params.view(np.uint8)[:] = stretch.payload(message)
            elif channel == CORE_ID:
                self._begin(stretch.payload(message))
        mark = stretch.record(end - 1)
        self._inbox["now_ns"] = mark["t_ns"]
        for name in ("waiting", "lost", "missed_ticks", "resumed"):
            self._inbox[name] = mark[name]

    def _place(self, slot: Slot, payload: np.ndarray) -> None:
        n = int(self._inbox_bytes[slot.count_at])
        if n == slot.capacity:
            return  # more than any tick held: the log was altered, and its sums show it
        start = slot.offset + n * slot.size
        self._inbox_bytes[start : start + slot.size] = payload[: slot.size]
        if slot.received:
            received = slot.received_at + 8 * n
            self._inbox_bytes[received : received + 8] = payload[slot.size :]
        self._inbox_bytes[slot.count_at] = n + 1

    def _begin(self, core: np.ndarray) -> None:
        """Resume from a recorded core, with the rings that came with the log, or empty ones."""
        self._states.view(np.uint8)[:] = 0
        boot_rows(self._states, self._params)
        if self._history:
            self._states["history"] = np.frombuffer(self._history, STATE.dtype["history"])
        self._states["core"] = core.view(STATE.dtype["core"])
        self._outbox["events_lost"] = self._states["core"]["executive"]["events_lost"]
        self._begun = True

    def _compare(self, stretch: Stretch, first: int, end: int) -> Difference | None:
        index = stretch.index
        content = self._buffer[: int(self._ring["head"][0])]
        ours = Index(content)
        message, computed = first_unequal(index.messages, first, end, COMPUTED, ours.messages)
        if message == end and computed == len(ours):
            return None
        mark = stretch.record(end - 1)
        tick, t_ns = int(mark["tick"]), int(mark["t_ns"])
        was = int(index.channels[message]) if message < end else 0
        now = int(ours.channels[computed]) if computed < len(ours) else 0
        if was != now:
            return missing(tick, t_ns, was, now)
        start = int(ours.offsets[computed])
        found = content[start : start + int(ours.sizes[computed])]
        return unequal(tick, t_ns, BY_ID[was], stretch.payload(message), found)
