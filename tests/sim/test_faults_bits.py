"""Every fault gives the same bytes interpreted as compiled: messages, and the whole world after."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.faults.test_windows import ABOVE_REACH, AT_WORK
from tests.sim.faulty import received

ROOT = Path(__file__).parents[2]
SECONDS = 0.7
INTERPRETED = """
import warnings
from fsw.framework.kernel_cache import INTERPRETED
from tests.sim import test_faults_bits as bits
assert INTERPRETED
warnings.simplefilter("error")
bits.print_bits()
"""
PAIRS = (
    ("delayed", "stamp_at_arrival", "noise", "duplicate"),
    ("stamp_drift", "jitter", "spikes", "missed_ticks"),
    ("engine_lost", "imu_clip", "contact_spurious", "rcs_lost"),
)


def stretches():
    """Rows of every stretch, and what its rangefinder is like."""
    for kind, row in AT_WORK.items():
        yield [{"kind": kind, **row}], ABOVE_REACH if kind == "false_valid" else {}
    for kinds in PAIRS:
        yield [{"kind": kind, **AT_WORK[kind]} for kind in kinds], {}


def print_bits():
    """A line for every stretch: what arrived, and the world that was left."""
    for rows, sensors in stretches():
        stream = received(*rows, seconds=SECONDS, **sensors)
        name = "+".join(row["kind"] for row in rows)
        print(name, b"".join(stream.ticks).hex(), stream.world.tobytes().hex())


@pytest.mark.skipif("LEADLINE_INTERPRET" in os.environ, reason="nothing is compiled here")
def test_interpreted_faults_give_the_bytes_of_compiled_ones(capsys):
    print_bits()
    compiled = capsys.readouterr().out.splitlines()
    command = [sys.executable, "-c", INTERPRETED]
    environment = {**os.environ, "LEADLINE_INTERPRET": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    interpreted = done.stdout.splitlines()
    assert len(compiled) == len(AT_WORK) + len(PAIRS)
    differing = [a.split()[0] for a, b in zip(compiled, interpreted, strict=True) if a != b]
    assert differing == []
