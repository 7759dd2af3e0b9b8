"""Wire: whole sessions with a flight computer that is a process of its own. Nothing is left behind.

Real time is asserted loosely: this machine has other things to do.
"""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.bench.session import Hooks, run_session, serve_bench
from hil.ends.flight_process import run_flight_computer
from hil.log.reader import open_log
from hil.log.replay import replay
from hil.platform.clock import RealClock
from hil.platform.errors import BenchError, LinkError
from tests.hil.end_doubles import in_process, nominal

ROOT = Path(__file__).parents[3]
DESCRIPTION = ({"scenario": "nominal", "seed": "0"}, {"scenario.toml": b"name = 'x'\n"})


def ended(pid, limit_s=20.0):
    """True once a process that is not our child has ended; waits for it without sleeping."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(fd):
        return bool(select.select([fd], [], [], limit_s)[0])


def flight_processes(parent):
    """Processes that a session's process has started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children]


# --- lockstep -----------------------------------------------------------------------------


def test_a_session_in_lockstep_ends_as_in_process_and_its_log_replays(tmp_path):
    log = tmp_path / "flight.mcap"
    seen = []
    hooks = Hooks(on_event=lambda event: seen.append(bytes(event)))
    outcome = run_session(
        nominal(), log=str(log), description=DESCRIPTION, time_limit_s=5.0, hooks=hooks
    )
    expected = in_process(5.0)
    assert outcome.result.state_sha256 == expected.state_sha256
    assert seen == [bytes(event) for event in expected.event_records]
    assert outcome.link["crc"] == outcome.link["missing"] == outcome.link["bytes_dropped"] == 0
    report = replay(log)
    assert (report.ticks, report.differences, report.same) == (500, 0, True)
    contents = open_log(log)
    assert contents.metadata["scenario"] == "nominal"
    assert len(contents.table("truth")) == 50


# --- real time ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def minute(tmp_path_factory):
    """Sixty seconds of real time, and its log."""
    log = tmp_path_factory.mktemp("realtime") / "flight.mcap"
    return run_session(nominal(), pace="realtime", log=str(log), time_limit_s=60.0), log


def test_a_minute_in_real_time_keeps_its_pace_and_loses_nothing(minute):
    outcome, _ = minute
    assert outcome.wall_s == pytest.approx(60.0, abs=5.0)
    assert outcome.overruns < 600
    assert outcome.lateness_us["p50"] < 5_000
    for counter in ("crc", "cobs", "length", "header", "missing", "bytes_dropped", "unplugged"):
        assert outcome.link[counter] == 0, counter


def test_a_minute_in_real_time_measures_every_hop(minute):
    outcome, _ = minute
    hops = outcome.latency_us
    assert 0 < hops["fused_commanded"]["p50"] < 5_000
    assert 0 < hops["received_fused"]["p50"] < 10_000
    # a command acts one tick after the samples behind it
    assert 9_000 < hops["sensed_applied"]["p50"] < 31_000
    assert hops["clock_bound"]["p50"] < 5_000
    assert abs(hops["sent_received"]["p50"]) < 5_000


def test_in_real_time_the_flight_software_maps_a_clock_that_is_hours_away(minute):
    outcome, _ = minute
    names = [int(event.code) for event in outcome.result.event_records]
    from fsw.interface.events import EventCode

    assert names.count(EventCode.CLOCK_MAPPED) == 1
    assert EventCode.CLOCK_JUMP not in names
    assert EventCode.IGNITION in names
    [mapped] = [
        event for event in outcome.result.event_records if event.code == EventCode.CLOCK_MAPPED
    ]
    assert mapped.a > 9_000.0


def test_the_log_of_a_minute_in_real_time_replays_and_holds_the_hops(minute):
    _, log = minute
    report = replay(log)
    assert report.ticks >= 5_000
    assert (report.differences, report.same) == (0, True)
    hops = open_log(log).table("hops")
    assert len(hops) >= 5_000
    assert (hops["applied_t_ns"] > hops["commanded_t_ns"]).mean() > 0.9


# --- by hand ------------------------------------------------------------------------------


def start_flight_computer(url, *options):
    command = [sys.executable, "-m", "hil.ends.flight_process", "--port", url, *options]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.parametrize("listen", [None, "127.0.0.1:0"])
def test_two_ends_started_by_hand_meet_on_a_terminal_or_a_socket(listen):
    started = []
    outcome = serve_bench(
        nominal(),
        listen=listen,
        time_limit_s=2.0,
        on_ready=lambda url: started.append(start_flight_computer(url)),
        wait_limit_s=120.0,
    )
    assert outcome.result.state_sha256 == in_process(2.0).state_sha256
    assert started[0].communicate(timeout=20.0)[1] == b""
    assert started[0].returncode == 0


def test_a_bench_without_a_flight_computer_gives_up_within_its_limit():
    with pytest.raises(BenchError, match=r"no connection at socket://127.0.0.1:\d+ within 0.1 s"):
        serve_bench(nominal(), listen="127.0.0.1:0", wait_limit_s=0.1)


def test_a_flight_computer_without_a_bench_gives_up_within_its_limit():
    with pytest.raises(BenchError, match=r"the bench on the other end: no answer within 0.2 s"):
        run_flight_computer("loop://", meeting_limit_s=0.2)


def test_bad_requests_are_one_line_each():
    with pytest.raises(BenchError, match="^--pace: expected lockstep or realtime, not 'fast'$"):
        run_session(nominal(), pace="fast")
    with pytest.raises(LinkError, match="^port /dev/nowhere: there is no such port"):
        run_session(nominal(), flight="/dev/nowhere")
    with pytest.raises(BenchError, match="^--log: an emulated board keeps none"):
        run_session(nominal(), flight="qemu", log="x.mcap")
    with pytest.raises(BenchError, match="keeps its own log"):
        run_session(nominal(), flight="/dev/nowhere", log="x.mcap")
    with pytest.raises(BenchError, match="ended by itself: /nowhere/x.mcap: cannot be written"):
        run_session(nominal(), log="/nowhere/x.mcap", time_limit_s=1.0)


def test_a_flight_computer_of_ours_reports_an_error_in_one_line_and_exits_with_2():
    process = start_flight_computer("/dev/nowhere")
    stderr = process.communicate(timeout=60.0)[1].decode()
    assert stderr.startswith("port /dev/nowhere: there is no such port")
    assert stderr.count("\n") == 1
    assert process.returncode == 2


# --- ends that are killed -----------------------------------------------------------------

SESSION = """
import sys
from hil.platform.errors import BenchError
from hil.bench.session import Hooks, run_session
from sim.scenario.load import load
try:
    run_session(
        load("nominal"),
        pace="realtime",
        log=sys.argv[1],
        hooks=Hooks(on_event=lambda event: print(int(event.t_ns), flush=True)),
    )
except BenchError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def session(tmp_path):
    """A session in real time that is under way, its flight computer's process, and its log."""
    log = tmp_path / "flight.mcap"
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, str(log)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(2):  # the second event comes with the go, in tick 1
        assert process.stdout.readline().strip().isdigit(), process.stderr.read()
    [child] = flight_processes(process.pid)
    yield process, child, log
    process.kill()
    process.communicate()


def test_a_killed_session_leaves_no_flight_computer_behind(session):
    process, child, _ = session
    process.kill()
    assert ended(child)


def test_an_interrupted_session_leaves_with_130_and_keeps_what_was_recorded(session):
    process, child, log = session
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30.0)
    assert process.returncode == 130
    assert ended(child)
    report = replay(log)
    assert report.ticks >= 2 and report.same


def test_a_flight_computer_that_dies_ends_the_session_with_one_line(session):
    process, child, _ = session
    os.kill(child, signal.SIGKILL)
    _, stderr = process.communicate(timeout=30.0)
    assert process.returncode == 2
    assert stderr.decode().strip() == "the flight computer ended by itself: status -9"


def test_a_stopped_flight_computer_is_an_event_and_then_an_error(session):
    process, child, _ = session
    os.kill(child, signal.SIGSTOP)
    clock = RealClock()
    start_ns = clock.now_ns()
    _, stderr = process.communicate(timeout=60.0)
    assert "the flight computer was silent for 10 s" in stderr.decode()
    assert process.returncode == 2
    assert clock.now_ns() - start_ns < 30 * 10**9
    assert ended(child)
