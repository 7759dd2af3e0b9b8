"""Executors of a campaign's runs: this process, or a pool of worker processes.

An executor delivers rows in the order in which they are done. One on several machines would have
the same interface.
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

# runs queued for each worker, so that none is idle
AHEAD = 3


class Executor(Protocol):
    """Interface of an executor."""

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Pass `task(plan, index)` of every index to `keep`, each as it is done."""
        ...


class InThisProcess:
    """Runs one after the other in this process."""

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Pass `task(plan, index)` of every index to `keep`, in their order."""
        for index in indices:
            keep(task(plan, index))


class ProcessPool:
    """A pool of `jobs` worker processes on this machine.

    When interrupted, it waits for the runs in progress and delivers them before the interrupt
    propagates; the one that was being delivered may be delivered twice.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def run(self, plan: Any, task: Task, indices: Iterable[int], keep: Keep) -> None:
        """Pass `task(plan, index)` of every index to `keep`, each as it is done."""
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
    """An executor of `jobs` processes; 0 for the number of processors. Raises InputError."""
    if jobs < 0:
        raise InputError(f"--jobs: expected a number not below 0, not {jobs}")
    if jobs == 0:
        jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return InThisProcess() if jobs == 1 else ProcessPool(jobs)


# --- in a worker -------------------------------------------------------------------------

_work: list[tuple[Any, Task]] = []


def _begin(plan: Any, task: Task) -> None:
    """Once per worker: keep plan and task, leave Ctrl-C to the parent process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _work.append((plan, task))


def end_with_parent() -> None:
    """End this worker when its parent process has ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def _fly(index: int) -> Row:
    plan, task = _work[0]
    return task(plan, index)
