"""Interpreted and compiled kernels end with the same bytes: truth, wire and flight software."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fsw.interface.modes import Mode
from fsw.interface.verdicts import RangeVerdict
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load

TICKS = 300
ROOT = Path(__file__).parent.parent


def lines(checkpoint, interpreted):
    environment = {**os.environ, "LEADLINE_INTERPRET": "1" if interpreted else "0"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.stretch", str(checkpoint), str(TICKS)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def stop_when(reached, ahead_ticks, faults=()):
    """The nominal run, stopped some ticks before `reached` is first true of it."""
    scout = as_rows(new_run(load("nominal"), 0))
    while not reached(scout["state"]["core"][0]):
        assert fly_ticks(scout, 1)
    rows = as_rows(new_run(load("nominal", faults), 0))
    fly_ticks(rows, int(scout["world"]["tick"][0]) - ahead_ticks)
    return rows


def both_ways(tmp_path, rows):
    checkpoint = tmp_path / "run.bin"
    checkpoint.write_bytes(rows.tobytes())
    compiled, interpreted = lines(checkpoint, False), lines(checkpoint, True)
    assert len(compiled) == TICKS
    return compiled, interpreted


def test_about_ignition(tmp_path):
    rows = stop_when(lambda core: core["executive"]["mode"] == Mode.BRAKING, 150)
    compiled, interpreted = both_ways(tmp_path, rows)
    assert interpreted == compiled
    modes = {int(line.split()[1]) for line in compiled}
    assert modes == {Mode.COAST, Mode.BRAKING}


def test_about_first_lock_with_a_late_sample_and_a_rejection(tmp_path):
    rows = stop_when(lambda core: core["navigation"]["grid"]["trust"]["locked"] == 1, 50)
    delay_and_spoil(rows)
    compiled, interpreted = both_ways(tmp_path, rows)
    assert interpreted == compiled
    last = [int(n) for n in compiled[-1].split()[2].split("/")]
    assert last[RangeVerdict.FUSED_LATE] >= 1
    assert last[RangeVerdict.REJECTED] >= 1


def test_about_a_stall_and_a_restart(tmp_path):
    faults = [
        ("faults.0.kind", "missed_ticks"),
        ("faults.0.ticks", "15"),
        ("faults.0.from_altitude_m", "3440"),
        ("faults.1.kind", "restart"),
        ("faults.1.outage_s", "0.3"),
        ("faults.1.from_altitude_m", "3380"),
    ]
    locked = stop_when(lambda core: core["navigation"]["grid"]["trust"]["locked"] == 1, 30, faults)
    compiled, interpreted = both_ways(tmp_path, locked)
    assert interpreted == compiled
    last = as_rows(locked)
    fly_ticks(last, TICKS)
    assert last["world"]["tick"][0] - last["state"]["core"]["executive"]["tick"][0] == 45


def delay_and_spoil(rows):
    """Fly past the lock; then make one range on its way late by a second, and one wrong."""
    fly_ticks(rows, 100)
    delivery = rows["world"]["board"]["delivery"][0]
    while delivery["n"] < 2:
        fly_ticks(rows, 1)
    delivery["ranges"][0]["range_m"] -= 500.0
    delivery["due_ns"][1] += 1_000_000_000


@pytest.fixture(autouse=True)
def _needs_compiled_parent():
    assert os.environ.get("LEADLINE_INTERPRET", "0") in ("", "0")
