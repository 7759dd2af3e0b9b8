"""Replay notices any bit of any record, and any constant of a kernel."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.log.channels import CHANNELS
from hil.log.differences import ALTERED
from hil.log.reader import open_log
from hil.log.replay import replay
from hil.log.ring_kernels import CDR_HEADER
from tests.hil.flights import record, record_talk, rewrite, run_before_first_lock

ROOT = Path(__file__).parents[3]
TICKS = 24
# kernel and constant, a literal or a named one, of every part with one in use about first lock
CONSTANTS = [
    ("fsw.filter.strapdown.strapdown", 0.5),
    ("fsw.models.gravity.gravity_mps2", 1.5),
    ("fsw.mathlib.frames.q_FI_at", 0.5),
    ("fsw.mathlib.vectors.rotate", 2.0),
    ("fsw.mathlib.vectors.quat_of_rotation", 0.5),
    ("fsw.filter.range_gate.estimate_scatter", "SCATTER_QUANTILE"),
    ("fsw.filter.terrain_hypotheses.altitude_variance", 2.0),
    ("fsw.filter.covariance._transition", 3.0),
    ("fsw.filter.covariance._matrix", 2.0),
    ("fsw.control.attitude.control_attitude", -2.0),
    ("fsw.guidance.stopping_distance.stoppable_speed", 2.0),
    ("fsw.guidance.approach_descent._shed_speed", 0.5),
]
# interpreted, a kernel is a plain function, and its constants can be changed one by one
NUDGE = """
import importlib, json, sys, warnings
from hil.log.replay import replay
warnings.filterwarnings("ignore", "overflow", RuntimeWarning)
found = [replay(sys.argv[1]).differences]
for path, constant in json.loads(sys.argv[2]):
    module, _, name = path.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    code, names = function.__code__, function.__globals__
    if isinstance(constant, str):
        exact, names[constant] = names[constant], 1.001 * names[constant]
    else:
        near = list(code.co_consts)
        place = next(i for i, c in enumerate(near) if isinstance(c, float) and c == constant)
        near[place] = 1.001 * constant
        function.__code__ = code.replace(co_consts=tuple(near))
    found.append(replay(sys.argv[1]).differences)
    function.__code__ = code
    if isinstance(constant, str):
        names[constant] = exact
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notices")


@pytest.fixture(scope="module")
def logs(folder):
    """Two logs that have something on every channel between them: the first lock, and talk."""
    paths = folder / "lock.mcap", folder / "talk.mcap"
    record(paths[0], TICKS, run=run_before_first_lock(margin=TICKS // 2))
    record_talk(paths[1])
    for path in paths:
        sound = replay(path)
        assert sound.same, sound.first
    return paths


@functools.cache
def rows_of(path, topic):
    return open_log(path).table(topic)


@settings(max_examples=60)
@given(
    topic=st.sampled_from([channel.topic for channel in CHANNELS]),
    place=st.integers(0, 10**6),
    byte=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
def test_any_flipped_bit_of_any_record_is_noticed_and_its_channel_named(
    folder, logs, topic, place, byte, bit
):
    path = next(log for log in logs if len(rows_of(log, topic)))
    rows = rows_of(path, topic)
    which = place % len(rows)

    def flip(name, n, data):
        if (name, n) != (topic, which):
            return data
        changed = bytearray(data)
        changed[len(CDR_HEADER) + byte % rows.dtype.itemsize] ^= 1 << bit
        return bytes(changed)

    rewrite(path, folder / "flipped.mcap", change=flip)
    report = replay(folder / "flipped.mcap")
    assert not report.same
    assert (report.first.channel, report.first.kind) == (topic, ALTERED)


def test_a_constant_of_a_kernel_that_is_off_by_a_thousandth_is_noticed(logs):
    words = [sys.executable, "-c", NUDGE, str(logs[0]), json.dumps(CONSTANTS)]
    environment = {**os.environ, "LEADLINE_INTERPRET": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sound, *differences = json.loads(done.stdout)
    assert sound == 0
    unnoticed = [pair for pair, n in zip(CONSTANTS, differences, strict=True) if n == 0]
    assert unnoticed == []
