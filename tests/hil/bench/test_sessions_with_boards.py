"""Board: whole sessions with emulated boards at one end or at both."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fsw.interface.events import EventCode
from hil.bench.parity import Pair, Window, compare, windows_of
from hil.bench.session import lockstep_session, run_session
from hil.boards.qemu import QemuBoard
from hil.platform.errors import LinkError
from hil.protocol.interventions import parse_intervention
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load
from tests.hil.bench.test_session import ended
from tests.hil.end_doubles import navigation_goes_on
from tests.hil.ends.test_sensor_host import faulty, in_process
from tests.hil.need_board import need_board

pytestmark = need_board()

ROOT = Path(__file__).parents[3]
BOTH = Pair("qemu", "qemu")


def names(session):
    return [event.name for event in session.bench_events]


# --- parity -------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [Pair("qemu", "host"), Pair("emulator", "qemu")], ids=str)
def test_a_board_at_one_end_computes_what_is_computed_in_process(pair):
    report = compare(faulty(), 3, pair=pair, window=Window(500.0, 5.0))
    assert (report.ticks, report.difference) == (500, None)


@pytest.mark.parametrize("scenario", [load("nominal"), faulty()], ids=["nominal", "three faults"])
def test_both_boards_compute_what_is_computed_in_process_where_it_matters(scenario):
    ignition, end = windows_of(scenario, 3)
    for window, ticks in ((ignition, 2000), (end, 12000)):
        report = compare(scenario, 3, pair=BOTH, window=window)
        assert report.difference is None
        assert report.ticks == pytest.approx(ticks, abs=1)


@pytest.mark.parametrize(
    ("pair", "found_in"),
    [
        (Pair("emulator", "qemu"), {("core", "navigation.grid.nominal")}),
        # flight software feels it in the same tick, but for rounding
        (Pair("qemu", "host"), {("core", "navigation.inertial"), ("board", "imu_state")}),
    ],
    ids=["flight", "sensors"],
)
def test_a_bit_flipped_through_the_debugger_is_named(pair, found_in):
    found = compare(
        load("nominal"),
        pair=pair,
        window=Window(300.0, 1.0),
        interventions=[parse_intervention("upset@t=300.5s")],
    ).difference
    assert found.tick == 30050
    assert any(found.region == r and found.field.startswith(f) for r, f in found_in), str(found)


# --- interventions -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["reset", "freeze", "hang", "unplug", "slow-line"])
def test_in_lockstep_nothing_done_to_a_sensor_board_changes_the_flight(what):
    planned = parse_intervention(f"sensors:{what}@t=1s")
    session = run_session(faulty(), 3, sensors="qemu", interventions=[planned], time_limit_s=3.0)
    assert session.result.state_sha256 == in_process(faulty(), 3.0, 3).state_sha256
    found = names(session)
    assert found[0] == f"injected_{what.replace('-', '_')}"
    assert ("sensors_back" in found) == (what in ("reset", "hang"))


@pytest.mark.parametrize("what", ["reset", "hang"])
def test_a_flight_board_that_restarts_flies_on_from_its_core_with_the_engine_burning(what):
    start = new_run(load("nominal"), 0)
    fly_ticks(as_rows(start), 30_000)
    assert start.world.truth.thrust_N > 0.0
    planned = parse_intervention(f"{what}@t=300.2s")
    with lockstep_session(
        load("nominal"), 0, flight="qemu", start=start, interventions=[planned], time_limit_s=301.0
    ) as session:
        session.begin()
        throttles = []
        while session.fly_tick()[0]:
            throttles.append(float(session.run.world.truth.thrust_N))
        run = session.run
    codes = [int(event.code) for event in run.log.events[: run.log.n]]
    assert codes.count(EventCode.RESTARTED) == 1
    assert len(throttles) == 99 and min(throttles) > 0.5 * max(throttles)
    assert run.world.actuators.holding == 0


def reset_in_real_time(at_s, **ends):
    """Six seconds in real time, in which a board's reset button is pressed."""
    with navigation_goes_on():
        return run_session(
            load("nominal"),
            pace="realtime",
            interventions=[parse_intervention(f"reset@t={at_s}s")],
            time_limit_s=6.0,
            **ends,
        )


def test_in_real_time_a_sensor_board_that_is_reset_comes_back_and_navigation_goes_on():
    session = reset_in_real_time(2, sensors="qemu")
    found = names(session)
    assert found.index("injected_reset") < found.index("sensors_restarted")
    assert session.sensor_link["crc"] == session.sensor_link["cobs"] == 0


def test_in_real_time_a_flight_board_that_is_reset_flies_on_from_its_core():
    session = reset_in_real_time(3, flight="qemu")
    restarts = [
        event for event in session.result.event_records if int(event.code) == EventCode.RESTARTED
    ]
    assert len(restarts) == 1 and 0.0 < restarts[0].a < 1.0  # seconds away
    assert session.overruns < 200  # and never flown at time 0


def test_a_minute_in_real_time_with_a_sensor_board_loses_no_frame():
    session = run_session(load("nominal"), sensors="qemu", pace="realtime", time_limit_s=60.0)
    line = session.sensor_link
    for fault in ("crc", "cobs", "length", "header", "missing", "disordered"):
        assert line[fault] == 0, fault
    # an increment and a done message in every tick, a range in every fifth
    assert line["packets"] > 0.95 * 6000 * 2.2
    assert session.latency_us["sensed_applied"]["p50"] < 50_000.0  # loose: the machine is shared


# --- what QEMU does not model -------------------------------------------------------------

# clock tree and pins: their reads give 0, which start-up knows how to take
NOT_MODELLED = {
    ("RCC", 0x00),  # CR: by its 0 the shell knows that it is emulated
    ("RCC", 0x30),  # AHB1ENR
    ("RCC", 0x40),  # APB1ENR
    ("GPIOA", 0x00),  # MODER
    ("GPIOA", 0x08),  # OSPEEDR
    ("GPIOA", 0x0C),  # PUPDR
    ("GPIOA", 0x20),  # AFRL
}
COMPLAINT = re.compile(r"(\w+): unimplemented device (?:read|write) .*offset 0x([0-9a-f]+)")


def test_boards_touch_no_register_that_is_not_modelled_but_those_of_start_up(tmp_path, monkeypatch):
    def complaining(image):
        return QemuBoard(image, complaints=tmp_path / image.payload)

    monkeypatch.setattr("hil.bench.board_connection.QemuBoard", complaining)
    planned = [
        parse_intervention("sensors:reset@t=0.5s"),
        parse_intervention("flight:reset@t=0.7s"),
    ]
    run_session(faulty(), 3, sensors="qemu", flight="qemu", interventions=planned, time_limit_s=1.0)
    for payload in ("sensors", "flight"):
        lines = (tmp_path / payload).read_text().splitlines()
        touched = {match.groups() for match in map(COMPLAINT.match, lines) if match}
        assert not [line for line in lines if not COMPLAINT.match(line)]
        assert {(device, int(offset, 16)) for device, offset in touched} == NOT_MODELLED


# --- nothing is left behind ---------------------------------------------------------------

SESSION = """
from hil.bench.session import Hooks, run_session
from sim.scenario.load import load
hooks = Hooks(on_start=lambda: print("started", flush=True))
run_session(load("nominal"), sensors="qemu", pace="realtime", hooks=hooks)
"""


@contextlib.contextmanager
def started(script):
    """A process that flies the session of a script, from its start; killed with the context."""
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout.readline().strip() == b"started"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_session_leaves_no_emulator_behind(number):
    with started(SESSION) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        process.send_signal(number)
        assert process.wait(20.0) != 0
        assert all(ended(int(child)) for child in children)


def test_the_command_line_flies_with_a_board_and_tells_of_its_line():
    command = "hil nominal --sensors qemu --lever sensors:reset@t=2s --json"
    command += " --set vehicle.propulsion_ready=0 --set expect.verdict=not_begun"
    process = subprocess.run(
        [sys.executable, "-m", "tools.cli.main", *command.split()],
        cwd=ROOT,
        capture_output=True,
        timeout=300.0,
    )
    report = json.loads(process.stdout)
    assert process.returncode == 0
    assert report["sensor_link"]["packets"] > 100
    assert [event["name"] for event in report["bench_events"]][:2] == [
        "injected_reset",
        "sensors_restarted",
    ]


# --- one board, two benches ---------------------------------------------------------------


@pytest.fixture
def port_of_a_board():
    command = [sys.executable, "-m", "tools.cli.main", "board", "run", "sensors"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_a_second_session_on_a_board_s_port_is_refused_and_a_later_one_flies(port_of_a_board):
    port = port_of_a_board
    script = SESSION.replace('"qemu"', repr(port))
    with started(script) as first:
        with pytest.raises(LinkError, match=f"port {port}: busy"):
            run_session(load("nominal"), sensors=port, time_limit_s=1.0)
        assert first.poll() is None
    session = run_session(faulty(), 3, sensors=port, time_limit_s=1.0)
    assert session.result.state_sha256 == in_process(faulty(), 1.0, 3).state_sha256
