"""Faults of engine, thrusters and computer, and the events of all windows."""

import numpy as np
import pytest

from fsw.interface.timing import TICK_NS
from sim.evaluation.event_text import event_detail, event_name
from sim.faults.injection_events import InjectionEvent, injection_of
from sim.faults.records import INJECTION
from sim.faults.table import FaultKind
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load
from tests.sim.faulty import faulty_world, receive

FULL_N = 1600.0


def thrust_after(*faults, seconds=2.0, throttle=0.5):
    world = faulty_world(faults)
    receive(world, seconds, throttle)
    return float(world.truth.thrust_N)


def test_thrust_is_scaled():
    assert thrust_after({"kind": "thrust_scale", "scale": 0.8}) == pytest.approx(640.0, rel=1e-3)


def test_factors_of_two_rows_multiply():
    rows = {"kind": "thrust_scale", "scale": 0.8}, {"kind": "engine_lost", "lost_share": 0.5}
    assert thrust_after(*rows) == pytest.approx(320.0, rel=1e-3)


def test_a_lost_engine_turns_the_vehicle_by_its_share_of_full_thrust():
    lost = {"kind": "engine_lost", "lost_share": 0.45, "torque_Nm": 30.0, "axis": "y"}
    world = faulty_world([lost])
    receive(world, 2.0, throttle=0.5, torque=0.0)
    assert world.truth.thrust_N == pytest.approx(0.55 * 0.5 * FULL_N, rel=1e-3)
    assert world.actuators.side_torque_B_Nm[1] == pytest.approx(15.0, rel=1e-3)
    assert world.truth.omega_BI_B_radps[1] > 0.03


def test_an_engine_can_go_out_and_come_back():
    out = {"kind": "engine_out", "start_s": 1.0, "end_s": 3.0}
    assert thrust_after(out, seconds=3.0) == 0.0
    assert thrust_after(out, seconds=6.0) == pytest.approx(800.0, rel=1e-3)


def test_a_stuck_throttle_stays_where_it_was_or_where_it_is_told():
    world = faulty_world([{"kind": "throttle_stuck", "start_s": 2.0}])
    receive(world, 2.5, throttle=0.6)
    receive(world, 3.0, throttle=0.1)
    assert world.truth.thrust_N == pytest.approx(960.0, rel=1e-3)
    assert thrust_after({"kind": "throttle_stuck", "throttle": 0.9}) == pytest.approx(
        1440, rel=1e-2
    )


def test_a_throttle_that_sticks_again_sticks_where_it_is_then():
    world = faulty_world([{"kind": "throttle_stuck", "mode": "descent"}])
    for throttle, mode in ((0.6, 3), (0.6, 4), (0.3, 3), (0.3, 4)):
        receive(world, 1.0, throttle, mode=mode)
    receive(world, 3.0, throttle=0.9, mode=4)
    assert world.truth.thrust_N == pytest.approx(480.0, rel=1e-3)


def test_lags_of_two_rows_add_up():
    rows = [{"kind": "thrust_lag", "lag_s": lag_s} for lag_s in (0.3, 0.5)]
    one = thrust_after({"kind": "thrust_lag", "lag_s": 0.8}, seconds=1.0)
    assert thrust_after(*rows, seconds=1.0) == pytest.approx(one)


def test_thrust_lags_more():
    slow = thrust_after({"kind": "thrust_lag", "lag_s": 0.8}, seconds=1.08)
    assert slow == pytest.approx(800.0 * (1.0 - np.exp(-1.0)), rel=0.02)


def test_a_lost_thruster_pair_takes_its_share_of_the_torque():
    def torque(*faults):
        world = faulty_world(faults)
        receive(world, 0.5, torque=40.0)
        return float(world.actuators.torque_B_Nm[0])

    assert torque() == pytest.approx(40.0)
    assert torque({"kind": "rcs_lost", "lost_share": 0.5}) == pytest.approx(20.0)
    assert torque({"kind": "rcs_lost", "lost_share": 1.0}) == 0.0
    assert torque({"kind": "rcs_lost", "lost_share": 1.0, "axis": "z"}) == pytest.approx(40.0)


# --- the loop ----------------------------------------------------------------------------


def flown(ticks, *sets):
    run = new_run(load("nominal", sets), 0)
    fly_ticks(as_rows(run), ticks)
    return run


def logged(run):
    """(tick, name, detail) of the injections in a run's log."""
    events = [run.log.events[i] for i in range(int(run.log.n))]
    return [
        (int(e.t_ns) // TICK_NS, event_name(int(e.code)), event_detail(int(e.code), e.a, e.b))
        for e in events
        if int(e.code) in list(InjectionEvent)
    ]


def test_openings_and_closings_are_events_of_the_run():
    window = [("faults.0.kind", "delayed"), ("faults.0.delay_s", "0.5"),
              ("faults.0.start_s", "0.5"), ("faults.0.end_s", "0.8"),
              ("faults.1.kind", "imu_zero"), ("faults.1.start_s", "0.8")]  # fmt: skip
    assert logged(flown(100, *window)) == [
        (50, "fault_opened", "row 0: delayed"),
        (80, "fault_closed", "row 0: delayed"),
        (80, "fault_opened", "row 1: imu_zero"),
    ]
    assert logged(flown(100)) == []


def test_an_injection_says_what_the_event_says():
    run = flown(100, ("faults.0.kind", "pause"), ("faults.0.start_s", "0.5"))
    event = next(run.log.events[i] for i in range(int(run.log.n)) if run.log.events[i].code >= 1000)
    wanted = INJECTION.new(t_ns=500_000_000, row=0, kind=FaultKind.PAUSE, open=1)
    assert injection_of(event) == wanted
    assert injection_of(run.log.events[0]) is None


def test_a_row_without_effect_changes_nothing_in_the_flight_software():
    idle = flown(300, ("faults.0.kind", "delayed"), ("faults.0.delay_s", "0.0"))
    assert idle.state.tobytes() == flown(300).state.tobytes()


def test_missed_ticks_keep_messages_waiting_and_the_last_command_in_force():
    stalled = [("faults.0.kind", "missed_ticks"), ("faults.0.ticks", "10"),
               ("faults.0.start_s", "1.0")]  # fmt: skip
    before, after = flown(110, *stalled), flown(111, *stalled)
    assert before.state.core.executive.tick == 100
    assert before.world.actuators.command_t_ns == 100 * TICK_NS
    assert (after.inbox.missed_ticks, after.inbox.n_imus, after.inbox.waiting) == (10, 4, 7)
    assert after.state.core.executive.overruns == 10
    assert after.world.actuators.command_t_ns == 111 * TICK_NS


def test_the_longer_of_two_stalls_holds():
    run = flown(130, *[
        (f"faults.{i}.{key}", value)
        for i, (ticks, start_s) in enumerate((("20", "1.0"), ("5", "1.02")))
        for key, value in (("kind", "missed_ticks"), ("ticks", ticks), ("start_s", start_s))
    ])  # fmt: skip
    assert run.state.core.executive.tick == 110


def test_no_event_is_logged_twice_in_a_tick_that_is_missed():
    stalled = [("faults.0.kind", "missed_ticks"), ("faults.0.ticks", "10"),
               ("faults.0.start_s", "0.02")]  # fmt: skip
    assert flown(12, *stalled).log.n == flown(2).log.n + 1


def test_a_restart_forgets_messages_that_waited_for_a_stalled_computer():
    run = flown(121, ("faults.0.kind", "missed_ticks"), ("faults.0.ticks", "10"),
                ("faults.0.start_s", "1.0"), ("faults.1.kind", "restart"),
                ("faults.1.start_s", "1.05"), ("faults.1.outage_s", "0.15"))  # fmt: skip
    assert (run.inbox.resumed, run.inbox.n_imus, run.inbox.waiting) == (1, 1, 0)


def test_a_restart_loses_what_arrives_meanwhile_and_what_waited():
    restart = [("faults.0.kind", "restart"), ("faults.0.outage_s", "0.1"),
               ("faults.0.start_s", "1.0")]  # fmt: skip
    back = flown(111, *restart)
    assert (back.inbox.resumed, back.inbox.missed_ticks, back.inbox.n_imus) == (1, 0, 1)
    assert back.state.core.executive.tick == 101
    assert flown(112, *restart).inbox.resumed == 0
