"""Recording of ticks: one call a tick records all that went into the flight software and out.

It reads inbox and outbox where they lie, after the step, so the loop that owns them (in process,
over a line, in real time) needs no code of its own for recording.
"""

from typing import Any

import numpy as np

from fsw.interface.messages import INBOX, OUTBOX
from hil.log.channels import TICK_MARK, core_parts, slot_table
from hil.log.recorder import Recorder, new_ring
from hil.log.ring_kernels import Flight, LogRing, append_tick, as_rows
from hil.wire.slots import CORE_SLOTS, INBOX_SLOTS, OUTBOX_SLOTS

SLOT_TABLES = (slot_table(INBOX_SLOTS), slot_table(OUTBOX_SLOTS), slot_table(CORE_SLOTS))
BOUNDS = np.array([end for _, end in core_parts()], np.int64)
SCRATCH_WORDS = 64
WARM_BYTES = 1 << 16


class TickRecorder:
    """Puts ticks into a ring: state, inbox and outbox stay the same objects, read in place."""

    def __init__(self, log: LogRing, state: Any, inbox: Any, outbox: Any) -> None:
        core = np.frombuffer(state.core, np.uint64)
        mark = np.zeros(1, TICK_MARK.dtype)
        self._log = log
        self._flight = Flight(
            *SLOT_TABLES,
            inbox=as_rows(np.frombuffer(inbox, INBOX.dtype)),
            inbox_words=np.frombuffer(inbox, np.uint32),
            outbox=as_rows(np.frombuffer(outbox, OUTBOX.dtype)),
            outbox_words=np.frombuffer(outbox, np.uint32),
            core=core,
            core_words=core.view(np.uint32),
            bounds=BOUNDS,
            mark=as_rows(mark),
            mark_words=mark.view(np.uint32),
            scratch=np.zeros(SCRATCH_WORDS, np.uint32),
        )

    def record(self) -> bool:
        """Put the tick that was just flown into the ring; False when it was full."""
        return append_tick(self._log, self._flight)


class Tap:
    """Records the ticks of one flight computer, whose records stay the same objects.

    Parameters and core are recorded once, by the constructor: call it before the first tick, which
    is at start_ns. A flight that does not begin with empty rings needs state.history among
    the recorder's files, under the name "history", to be replayed.
    """

    def __init__(
        self,
        recorder: Recorder,
        state: Any,
        params: Any,
        inbox: Any,
        outbox: Any,
        *,
        start_ns: int = 0,
    ) -> None:
        self._recorder = recorder
        self._inbox = inbox
        recorder.append("params", start_ns, params)
        recorder.append("core", start_ns, state.core)
        self._ticks = TickRecorder(recorder.log, state, inbox, outbox)
        # a tick that is discarded loads the kernel, not the first one that counts
        TickRecorder(
            LogRing(new_ring(), np.zeros(WARM_BYTES, np.uint8)), state, inbox, outbox
        ).record()

    def record(self, truth: Any = None) -> bool:
        """Record the tick that was just flown, and the truth when given (a TRUTH_L).

        False when the ring was full.
        """
        self._recorder.make_room()
        if truth is not None:
            self._recorder.append("truth", int(self._inbox.now_ns), truth)
        return self._ticks.record()
