"""`leadline bench`: speed on this machine, and of Basilisk in the same run."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fsw.executive.host_entry import boot_rows, step_rows
from fsw.executive.state import PARAMS, STATE
from fsw.interface.messages import INBOX, OUTBOX
from fsw.interface.timing import TICK_NS
from hil.bench.session import run_session
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.process import own_path
from sim.common.errors import InputError
from sim.run.fly import fly
from sim.scenario.load import Scenario, build, load
from tools.output.compile_warmup import warm
from tools.output.console import console, emit
from tools.output.recording import recorded
from tools.output.stopwatch import Stopwatch

DESCENTS = 50
PEER = Path(__file__).with_name("basilisk_peer.py")
PEER_SIMULATED_S = 1200.0
CHILD_LIMIT_S = 600.0


def run_bench(peer: str | None, as_json: bool) -> int:
    """Measure, print, and return the exit status."""
    out = console(as_json)
    figures: dict[str, Any] = {}

    def keep(measured: dict[str, Any]) -> None:
        for key, value in measured.items():
            out.print(f"{key:<26} {_shown(value)}")
        figures.update(measured)

    warm()
    for measure in (closed_loop, one_tick, recording, lockstep):
        keep(measure())
    keep(beside_basilisk(peer, figures["closed_loop_x_realtime"]))
    if as_json:
        emit(figures)
    return 0


def _shown(value: Any) -> str:
    if value is None:
        return "not installed"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"
    return str(value)


def closed_loop() -> dict[str, Any]:
    """Descents of seeds 0 to 49 in a process of its own: flight time over its whole wall time."""
    code = "from tools.benchmarks.benchmark import descents; descents()"
    stopwatch = Stopwatch()
    command, own = [sys.executable, "-P", "-c", code], {**os.environ, "PYTHONPATH": own_path()}
    done = subprocess.run(command, capture_output=True, check=True, timeout=CHILD_LIMIT_S, env=own)
    wall_s = stopwatch.seconds()
    child = json.loads(done.stdout)
    return {
        "closed_loop_x_realtime": child["simulated_s"] / wall_s,
        "closed_loop_landed": f"{child['landed']} of {DESCENTS}",
        "closed_loop_start_up_s": wall_s - child["flying_s"],
        "tick_in_kernel_us": child["flying_s"] / child["simulated_s"] * TICK_NS / 1e3,
    }


def descents() -> None:
    """Fly the descents of `closed_loop` and print their figures."""
    scenario = load("nominal")
    stopwatch = Stopwatch()
    results = [fly(scenario, seed) for seed in range(DESCENTS)]
    emit(
        {
            "simulated_s": sum(result.time_s for result in results),
            "landed": sum(result.verdict == "landed" for result in results),
            "flying_s": stopwatch.seconds(),
        }
    )


def one_tick() -> dict[str, Any]:
    """One call of the flight software from Python, for every tick of a descent."""
    scenario = load("nominal")
    inboxes = np.frombuffer(_inboxes(scenario), INBOX.dtype)
    params = np.frombuffer(build(scenario, 0)[1], PARAMS.dtype)
    states, outboxes = np.zeros(1, STATE.dtype), np.zeros(1, OUTBOX.dtype)
    boot_rows(states, params)
    clock = RealClock()
    spent_ns = np.empty(len(inboxes), np.int64)
    for i in range(len(inboxes)):
        inbox = inboxes[i : i + 1]
        begun_ns = clock.now_ns()
        step_rows(states, params, inbox, outboxes)
        spent_ns[i] = clock.now_ns() - begun_ns
    p50, p99, worst = np.percentile(spent_ns[1:], (50, 99, 100)) / 1e3
    return {
        "flight_tick_p50_us": float(p50),
        "flight_tick_p99_us": float(p99),
        "flight_tick_max_us": float(worst),
    }


def _inboxes(scenario: Scenario) -> bytearray:
    """The flight software's inbox at every tick of a descent."""
    content = bytearray()
    inboxes: list[memoryview] = []

    def begin(run: Any) -> None:
        inboxes.append(memoryview(run.inbox).cast("B"))

    fly(scenario, 0, on_tick=lambda _: content.extend(inboxes[0]), on_start=begin)
    return content


def recording() -> dict[str, Any]:
    """Time that recording adds to a tick of the loop."""
    scenario = load("nominal")
    with tempfile.TemporaryDirectory() as folder:
        _seconds_per_tick(scenario, str(Path(folder, "first.mcap")))  # compiles
        with_log = _seconds_per_tick(scenario, str(Path(folder, "second.mcap")))
    return {"recording_us_per_tick": (with_log - _seconds_per_tick(scenario, None)) * 1e6}


def _seconds_per_tick(scenario: Scenario, log: str | None) -> float:
    """Wall time of a tick, called one by one from Python, recorded or not."""
    stopwatch = Stopwatch()
    with recorded(scenario, 0, log) as (begin, record, _):

        def start(run: Any) -> None:
            begin(run)
            stopwatch.start()

        result = fly(scenario, 0, on_tick=record or (lambda _: None), on_start=start)
        return stopwatch.seconds() / (result.time_s * NS_PER_S / TICK_NS)


def lockstep() -> dict[str, Any]:
    """A descent over a pseudo-terminal, from the first granted tick on."""
    session = run_session(load("nominal"), 0)
    return {"lockstep_x_realtime": session.result.time_s / session.wall_s}


def beside_basilisk(python: str | None, ours: float) -> dict[str, Any]:
    """Basilisk's closed loop, without its start-up, and how many times as fast ours is."""
    if python is None and importlib.util.find_spec("Basilisk") is None:
        return {"basilisk_x_realtime": None, "times_basilisk": None}
    command = [python or sys.executable, str(PEER), str(PEER_SIMULATED_S)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            _expect(child.stdout.readline(), "begin", command)
            stopwatch = Stopwatch()
            _expect(child.stdout.readline(), "done", command)
            theirs = PEER_SIMULATED_S / stopwatch.seconds()
    except OSError as error:
        raise InputError(f"--peer {command[0]}: {(error.strerror or 'no').lower()}") from error
    return {"basilisk_x_realtime": theirs, "times_basilisk": ours / theirs}


def _expect(line: str, word: str, command: list[str]) -> None:
    if line.strip() != word:
        raise InputError(f"--peer {command[0]}: expected a Python with bsk, which failed to run")
