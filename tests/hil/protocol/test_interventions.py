"""Wire: what a bench can do to an end while it flies, and how the session takes it."""

import pytest

from hil.bench.session import run_session
from hil.platform.clock import VirtualClock
from hil.platform.errors import BenchError
from hil.platform.link import Link
from hil.protocol.interventions import (
    FREEZE_NS,
    SLOW_BYTES_PER_S,
    UNPLUG_NS,
    Lever,
    Levers,
    Pull,
    line_levers,
    parse_pull,
)
from tests.hil.end_doubles import in_process, nominal

S = 1_000_000_000


def test_a_lever_names_what_when_and_where():
    assert parse_pull("reset@t=120s") == Pull("reset", 120 * S)
    assert parse_pull("sensors:slow-line@t=0.25") == Pull("slow-line", S // 4, "sensors")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("reset", "expected .flight:.sensors:.WHAT@t=SECONDS, not 'reset'"),
        ("reset@120", "WHAT@t=SECONDS"),
        ("kick@t=3s", "expected one of reset, freeze, .* not 'kick'"),
        ("moon:reset@t=3s", "expected flight or sensors, not 'moon'"),
    ],
)
def test_a_lever_that_nobody_knows_is_refused_in_one_line(text, complaint):
    with pytest.raises(BenchError, match=complaint):
        parse_pull(text)


def levers_of(*pulls, clock=None, told=None, **ends):
    note = (lambda *event: told.append(event)) if told is not None else (lambda *event: None)
    return Levers([parse_pull(pull) for pull in pulls], ends, clock or VirtualClock(), note)


def lever(done, name, lasts_ns=0):
    undo = (lambda: done.append(f"{name} over")) if lasts_ns else None
    return Lever(lambda: done.append(name), f"{name}!", undo, lasts_ns, f"{name} is over")


def test_levers_are_pulled_in_their_time_and_let_go_of_by_the_clock_on_the_wall():
    clock, done, told = VirtualClock(), [], []
    ends = {"freeze": lever(done, "freeze", FREEZE_NS), "reset": lever(done, "reset")}
    levers = levers_of("reset@t=3s", "freeze@t=1s", clock=clock, told=told, flight=ends)
    levers.act(S - 1)
    assert done == []
    levers.act(S)
    levers.act(2 * S)
    assert done == ["freeze"]
    clock.sleep_until(clock.now_ns() + FREEZE_NS)
    levers.look()
    levers.act(3 * S)
    levers.act(9 * S)
    assert done == ["freeze", "freeze over", "reset"]
    assert [name for name, _, _ in told] == ["lever_freeze", "lever_freeze_over", "lever_reset"]


def test_a_lever_without_an_end_is_the_board_s_before_a_process_s():
    done = []
    board = {"freeze": lever(done, "board"), "reset": lever(done, "reset")}
    levers_of("freeze@t=0s", sensors=board, flight={"freeze": lever(done, "process")}).act(0)
    assert done == ["board"]
    with pytest.raises(BenchError, match="say flight:freeze or sensors:freeze"):
        levers_of("freeze@t=0s", flight=board, sensors=board)
    with pytest.raises(BenchError, match="reset can be done to no end of this session"):
        levers_of("reset@t=0s", flight={})
    with pytest.raises(BenchError, match="reset cannot be done to the flight end"):
        levers_of("flight:reset@t=0s", flight={}, sensors=board)


# --- the line -----------------------------------------------------------------------------


class Loop:
    """A port that gives back what is written to it."""

    def __init__(self):
        self._data = b""

    def read(self, timeout_s):
        data, self._data = self._data, b""
        return data

    def write(self, data):
        self._data += data
        return 0

    def fileno(self):
        return None

    def close(self):
        pass


def test_a_line_that_is_unplugged_loses_what_is_on_the_way_and_says_so():
    clock = VirtualClock()
    link = Link(Loop, clock)
    link.write(b"before")
    levers = line_levers(link)
    levers["unplug"].pull()
    assert link.read(0.0) == b"" and link.away_ns() == 0
    link.write(b"meanwhile")
    clock.sleep_until(clock.now_ns() + UNPLUG_NS)
    assert link.away_ns() == UNPLUG_NS
    levers["unplug"].undo()
    link.write(b"after")
    assert link.read(0.0) == b"after" and link.away_ns() == 0
    counters = link.counters
    assert (counters.unplugged, counters.replugged, counters.bytes_dropped) == (1, 1, 9)


def test_a_slow_line_carries_everything_in_order_at_its_rate():
    clock = VirtualClock()
    link = Link(Loop, clock)
    slow = line_levers(link)["slow-line"]
    slow.pull()
    data = bytes(k % 251 for k in range(SLOW_BYTES_PER_S))
    link.write(data)
    start_ns, got = clock.now_ns(), b""
    while len(got) < len(data):
        got += link.read(0.01)
    assert got == data
    assert clock.now_ns() - start_ns == pytest.approx(S, rel=0.05)
    slow.undo()
    link.write(data)
    clock.sleep_until(clock.now_ns() + S // 1000)
    link.read(0.0)
    link.write(b"")
    clock.sleep_until(clock.now_ns() + S // 1000)
    assert clock.now_ns() - start_ns < 1.1 * S


# --- sessions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "events"),
    [
        ("freeze", ["lever_freeze", "lever_freeze_over"]),
        ("unplug", ["lever_unplug", "line_lost", "lever_unplug_over", "line_back"]),
        ("slow-line", ["lever_slow_line", "lever_slow_line_over"]),
    ],
)
def test_in_lockstep_a_flight_computer_that_is_held_up_flies_the_same(what, events, monkeypatch):
    monkeypatch.setattr("hil.protocol.tick_exchange.RESEND_NS", 50_000_000)
    pull = parse_pull(f"{what}@t=1s")
    # slow enough that the line is quick again before the flight is over
    session = run_session(nominal(), levers=[pull], time_limit_s=4.0)
    assert session.result.state_sha256 == in_process(4.0).state_sha256
    assert [event.name for event in session.bench_events][: len(events)] == events


def test_in_real_time_a_frozen_flight_computer_is_named_and_comes_back():
    session = run_session(
        nominal(), levers=[parse_pull("freeze@t=1s")], pace="realtime", time_limit_s=5.0
    )
    names = [event.name for event in session.bench_events]
    assert names == ["lever_freeze", "commands_stopped", "lever_freeze_over", "commands_back"]
    assert session.overruns > 150
    assert any(int(event.code) for event in session.result.events)
