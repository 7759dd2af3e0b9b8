"""Who flies the runs of a campaign: this process, or a pool of others.

An executor hands rows over in whatever order they are done. One on several machines would have
the same face.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any, Protocol

from sim.common.errors import InputError

Row = dict[str, Any]
Task = Callable[[Any, int], Row]
Keep = Callable[[Row], None]

# runs that wait at the pool's door for each worker, so that none is ever idle
AHEAD = 3


class Executor(Protocol):
    """Whatever can fly runs."""

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Hand `task(plan, index)` of every index to `keep`, each as it is done."""
        ...


class InThisProcess:
    """One after the other, here."""

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Hand `task(plan, index)` of every index to `keep`, in their order."""
        for index in indices:
            keep(task(plan, index))


class ProcessPool:
    """So many processes on this machine.

    Interrupted, it waits for the runs that have begun and hands them over before it goes on up;
    one that was being handed over may be handed over twice.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Hand `task(plan, index)` of every index to `keep`, each as it is done."""
        waiting = iter(indices)
        flying: set[Future[Row]] = set()
        context = multiprocessing.get_context("spawn")  # threads of the caller are not copied
        pool = ProcessPoolExecutor(self._jobs, context, _begin, (plan, task))
        try:
            flying |= {pool.submit(_fly, i) for i in islice(waiting, AHEAD * self._jobs)}
            while flying:
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                flying |= {pool.submit(_fly, i) for i in islice(waiting, len(done))}
                for future in done:
                    keep(future.result())
                    flying.discard(future)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for future in flying:
                if not future.cancelled() and future.exception() is None:
                    keep(future.result())


def executor(jobs: int) -> Executor:
    """An executor of so many processes; 0 for as many as there are processors."""
    if jobs < 0:
        raise InputError(f"--jobs: expected a number not below 0, not {jobs}")
    if jobs == 0:
        jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return InThisProcess() if jobs == 1 else ProcessPool(jobs)


# --- in a worker -------------------------------------------------------------------------

_work: list[tuple[Any, Task]] = []


def _begin(plan: Any, task: Task) -> None:
    """Once per worker: keep what is flown, and leave Ctrl-C to whoever gave the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()
    _work.append((plan, task))


def leave_with_parent() -> None:
    """End this worker when whoever gave the work is gone, however it went."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _fly(index: int) -> Row:
    plan, task = _work[0]
    return task(plan, index)
