"""What makes a periodic process punctual: taken where the machine allows it, never required.

Measured on a two-core virtual machine, 100 Hz (wake-up lateness p99): an ordinary process about
0.17 ms idle and 3 to 5 ms beside three busy ones; with a real-time scheduling class and locked
memory below 0.07 ms and 0.02 ms. A timer slack of 1 ns instead of 50 us and a garbage collector
that stays out of the loop need no privilege.
"""

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

PRIORITY = 50
MCL_CURRENT_AND_FUTURE = 3
PR_SET_PDEATHSIG = 1
PR_SET_TIMERSLACK = 29


@dataclass(frozen=True)
class Privileges:
    """What a process was granted."""

    fifo: bool = False  # SCHED_FIFO
    locked: bool = False  # memory never paged out
    pinned: bool = False  # stays on one processor
    gc_frozen: bool = False
    fine_timer: bool = False

    def as_dict(self) -> dict[str, bool]:
        """All of them by name."""
        return asdict(self)


@contextlib.contextmanager
def punctual(cpu: int | None = None) -> Iterator[Privileges]:
    """Take what is allowed for as long as the context lasts; `cpu` pins the process to one."""
    undo = contextlib.ExitStack()
    with undo:
        yield Privileges(
            fifo=_fifo(undo),
            locked=_lock_memory(undo),
            pinned=cpu is not None and _pin(cpu, undo),
            gc_frozen=_freeze_garbage(undo),
            fine_timer=_prctl(PR_SET_TIMERSLACK, 1),
        )


def die_with_parent(signal_number: int) -> bool:
    """Ask the kernel to send this process a signal when its parent dies; False where it cannot."""
    return _prctl(PR_SET_PDEATHSIG, signal_number)


def _fifo(undo: contextlib.ExitStack) -> bool:
    if not hasattr(os, "sched_setscheduler"):
        return False
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    undo.callback(os.sched_setscheduler, 0, before, parameters)
    return True


def _lock_memory(undo: contextlib.ExitStack) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if libc.mlockall(MCL_CURRENT_AND_FUTURE) != 0:
        return False
    undo.callback(libc.munlockall)
    return True


def _pin(cpu: int, undo: contextlib.ExitStack) -> bool:
    if not hasattr(os, "sched_setaffinity"):
        return False
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        return False
    undo.callback(os.sched_setaffinity, 0, before)
    return True


def _freeze_garbage(undo: contextlib.ExitStack) -> bool:
    if not gc.isenabled():
        return True
    gc.collect()
    gc.freeze()
    gc.disable()
    undo.callback(gc.enable)
    undo.callback(gc.unfreeze)
    return True


def _prctl(option: int, value: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
