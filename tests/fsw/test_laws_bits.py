"""The laws give the same bytes interpreted as compiled, over a whole descent in pieces."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fsw.interface.modes import Mode
from tests.fsw.control.test_loop import BODY, flown, leaning, new_body
from tests.fsw.pointmass import CRAFT, descent, fly

ROOT = Path(__file__).parents[2]
CRAFT_S, BODY_S = 15.0, 3.0
INTERPRETED = """
import sys
from fsw.framework.kernel_cache import INTERPRETED
from tests.fsw import test_laws_bits as bits
assert INTERPRETED
bits.fly_on(sys.argv[1], sys.argv[2])
"""


def starts():
    """Crafts about ignition, the gate and the terminal descent, and bodies that turn and coast."""
    kept = descent()
    about = [
        np.argmax(kept.mode == mode) - 75 for mode in (Mode.BRAKING, Mode.APPROACH, Mode.TERMINAL)
    ]
    bodies = np.stack(
        [
            new_body(leaning(40.0), offset_Nm=(3.0, -2.0, 0.5), thrust=0.97),
            new_body((0.0, 0.0, -1.0), mode=1),
        ]
    )
    return kept[about].tobytes() + bodies.tobytes()


def fly_on(source, target):
    """Fly everything in a file on for a while, and write every tick of it to another."""
    data = Path(source).read_bytes()
    split = 3 * CRAFT.dtype.itemsize
    with Path(target).open("wb") as out:
        for start in np.frombuffer(bytearray(data[:split]), CRAFT.dtype).view(np.recarray):
            out.write(fly(start, limit_s=CRAFT_S).tobytes())
        for start in np.frombuffer(bytearray(data[split:]), BODY.dtype).view(np.recarray):
            out.write(flown(start, BODY_S).tobytes())


@pytest.mark.skipif("LEADLINE_INTERPRET" in os.environ, reason="nothing is compiled here")
def test_interpreted_laws_give_the_bytes_of_compiled_ones(tmp_path):
    (tmp_path / "starts").write_bytes(starts())
    fly_on(tmp_path / "starts", tmp_path / "compiled")
    command = [sys.executable, "-c", INTERPRETED, tmp_path / "starts", tmp_path / "interpreted"]
    environment = {**os.environ, "LEADLINE_INTERPRET": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    compiled = (tmp_path / "compiled").read_bytes()
    assert len(compiled) > 450 * CRAFT.dtype.itemsize
    assert (tmp_path / "interpreted").read_bytes() == compiled
