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
    Injector,
    Intervention,
    Interventions,
    line_injectors,
    parse_intervention,
)
from tests.hil.end_doubles import in_process, nominal

S = 1_000_000_000


def test_an_intervention_names_what_when_and_where():
    assert parse_intervention("reset@t=120s") == Intervention("reset", 120 * S)
    assert parse_intervention("sensors:slow-line@t=0.25") == Intervention(
        "slow-line", S // 4, "sensors"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("reset", "expected .flight:.sensors:.WHAT@t=SECONDS, not 'reset'"),
        ("reset@120", "WHAT@t=SECONDS"),
        ("kick@t=3s", "expected one of reset, freeze, .* not 'kick'"),
        ("moon:reset@t=3s", "expected flight or sensors, not 'moon'"),
    ],
)
def test_an_unknown_intervention_is_refused_in_one_line(text, complaint):
    with pytest.raises(BenchError, match=complaint):
        parse_intervention(text)


def interventions_of(*planned, clock=None, events=None, **ends):
    note = (lambda *event: events.append(event)) if events is not None else (lambda *event: None)
    return Interventions(
        [parse_intervention(text) for text in planned], ends, clock or VirtualClock(), note
    )


def injector(done, name, lasts_ns=0):
    undo = (lambda: done.append(f"{name} over")) if lasts_ns else None
    return Injector(lambda: done.append(name), f"{name}!", undo, lasts_ns, f"{name} is over")


def test_interventions_are_injected_in_flight_time_and_undone_in_wall_clock_time():
    clock, done, events = VirtualClock(), [], []
    ends = {"freeze": injector(done, "freeze", FREEZE_NS), "reset": injector(done, "reset")}
    interventions = interventions_of(
        "reset@t=3s", "freeze@t=1s", clock=clock, events=events, flight=ends
    )
    interventions.act(S - 1)
    assert done == []
    interventions.act(S)
    interventions.act(2 * S)
    assert done == ["freeze"]
    clock.sleep_until(clock.now_ns() + FREEZE_NS)
    interventions.undo_due()
    interventions.act(3 * S)
    interventions.act(9 * S)
    assert done == ["freeze", "freeze over", "reset"]
    assert [name for name, _, _ in events] == [
        "injected_freeze",
        "injected_freeze_over",
        "injected_reset",
    ]


def test_an_intervention_without_an_end_is_for_the_board_before_a_process():
    done = []
    board = {"freeze": injector(done, "board"), "reset": injector(done, "reset")}
    interventions_of(
        "freeze@t=0s", sensors=board, flight={"freeze": injector(done, "process")}
    ).act(0)
    assert done == ["board"]
    with pytest.raises(BenchError, match="write flight:freeze or sensors:freeze"):
        interventions_of("freeze@t=0s", flight=board, sensors=board)
    with pytest.raises(BenchError, match="reset can be done to no end of this session"):
        interventions_of("reset@t=0s", flight={})
    with pytest.raises(BenchError, match="reset cannot be done to the flight end"):
        interventions_of("flight:reset@t=0s", flight={}, sensors=board)


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


def test_a_line_that_is_unplugged_loses_bytes_in_transit_and_is_reported():
    clock = VirtualClock()
    link = Link(Loop, clock)
    link.write(b"before")
    interventions = line_injectors(link)
    interventions["unplug"].inject()
    assert link.read(0.0) == b"" and link.away_ns() == 0
    link.write(b"meanwhile")
    clock.sleep_until(clock.now_ns() + UNPLUG_NS)
    assert link.away_ns() == UNPLUG_NS
    interventions["unplug"].undo()
    link.write(b"after")
    assert link.read(0.0) == b"after" and link.away_ns() == 0
    counters = link.counters
    assert (counters.unplugged, counters.replugged, counters.bytes_dropped) == (1, 1, 9)


def test_a_slow_line_carries_everything_in_order_at_its_rate():
    clock = VirtualClock()
    link = Link(Loop, clock)
    slow = line_injectors(link)["slow-line"]
    slow.inject()
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
        ("freeze", ["injected_freeze", "injected_freeze_over"]),
        ("unplug", ["injected_unplug", "line_lost", "injected_unplug_over", "line_back"]),
        ("slow-line", ["injected_slow_line", "injected_slow_line_over"]),
    ],
)
def test_in_lockstep_a_flight_computer_that_is_held_up_flies_the_same(what, events, monkeypatch):
    monkeypatch.setattr("hil.protocol.tick_exchange.RESEND_NS", 50_000_000)
    planned = parse_intervention(f"{what}@t=1s")
    # slow enough that the line is quick again before the flight is over
    session = run_session(nominal(), interventions=[planned], time_limit_s=4.0)
    assert session.result.state_sha256 == in_process(4.0).state_sha256
    assert [event.name for event in session.bench_events][: len(events)] == events


def test_in_real_time_a_frozen_flight_computer_is_named_and_comes_back():
    session = run_session(
        nominal(),
        interventions=[parse_intervention("freeze@t=1s")],
        pace="realtime",
        time_limit_s=5.0,
    )
    names = [event.name for event in session.bench_events]
    assert names == ["injected_freeze", "commands_stopped", "injected_freeze_over", "commands_back"]
    assert session.overruns > 150
    assert any(int(event.code) for event in session.result.event_records)
