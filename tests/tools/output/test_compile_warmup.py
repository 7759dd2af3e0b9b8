"""The loop is compiled by two processes: truth in one, flight in the other."""

import subprocess
import sys

import pytest

from fsw.framework.kernel_cache import INTERPRETED
from tools.output.compile_warmup import COMPILE_TRUTH

REPORT = """
import fsw.executive.step, sim.run.loop
kernels = (sim.run.loop.move_tick, sim.run.loop.sense_tick, fsw.executive.step.step)
print(*(len(kernel.signatures) for kernel in kernels))
"""


@pytest.mark.skipif(INTERPRETED, reason="nothing is compiled when interpreting")
def test_the_second_process_compiles_the_truth_and_leaves_flight_alone():
    done = subprocess.run(
        [sys.executable, "-c", COMPILE_TRUTH + REPORT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "1", "0"]
