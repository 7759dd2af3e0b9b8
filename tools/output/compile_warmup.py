"""Compiling the loop the first time, on two processors: truth in one process, flight in another.

Every kernel goes to the cache on disk, so what the other process has compiled is only loaded
when the two are put together.
"""

import os
import subprocess
import sys
from typing import Any

import numba

from fsw.executive.step import step
from fsw.framework.kernel_cache import INTERPRETED, is_compiled
from hil.platform.process import own_path
from sim.run.loop import RUN, as_rows, fly_ticks, move_tick, sense_tick

COMPILE_TRUTH = "from tools.output.compile_warmup import compile_truth; compile_truth()"


def warm() -> None:
    """Compile the loop, or load it from the cache."""
    if not INTERPRETED and not is_compiled("sim.run.loop"):
        command = [sys.executable, "-P", "-c", COMPILE_TRUTH]
        own = {**os.environ, "PYTHONPATH": own_path()}
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=own):
            _compile_flight()
    fly_ticks(as_rows(RUN.new()), 0)


def _compile_flight() -> None:
    run = RUN.new()
    _compile(step, run.state, run.params, run.inbox, run.outbox)


def compile_truth() -> None:
    """Compile the simulator's part of a tick, in the second process."""
    run = RUN.new()
    _compile(move_tick, run, True)
    _compile(sense_tick, run)


def _compile(kernel: Any, *arguments: Any) -> None:
    """Compile for arguments of these types, without a call."""
    kernel.compile(tuple(numba.typeof(argument) for argument in arguments))
