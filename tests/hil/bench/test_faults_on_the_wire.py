"""Wire: faults are the same in process and over a line, and those of the line itself are dice."""

import numpy as np
import pytest
from mcap.reader import make_reader

from fsw.interface.events import EventCode
from fsw.interface.messages import RANGE_SAMPLE
from fsw.interface.timing import TICK_NS
from hil.bench.parity import Window, compare
from hil.bench.session import run_session
from hil.bench.wire_faults import WireFaults
from hil.log.replay import replay
from hil.wire.framing import Decoder, Encoder
from hil.wire.messages import message_of
from sim.common.errors import InputError
from sim.evaluation.requirements import MARGINS, margins_record
from sim.faults.reader import read_faults
from sim.faults.records import INJECTION
from sim.faults.table import WireDirection
from sim.plant.world import WORLD
from sim.run.fly import evaluate_run, new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load

S = 1_000_000_000
# a beam that sees the ground from the first second on
SEEING = [
    ("sensors.range.cant_deg", "90"),
    ("sensors.range.max_m", "90000"),
    ("sensors.range.reach_m", "900000"),
    ("params.navigation.trust.range_max_m", "90000"),
]
THREE = [
    ("faults.0.kind", "delayed"), ("faults.0.delay_s", "0.4"), ("faults.0.start_s", "1.0"),
    ("faults.1.kind", "missed_ticks"), ("faults.1.ticks", "12"), ("faults.1.start_s", "2.0"),
    ("faults.1.period_s", "1.5"),
    ("faults.2.kind", "restart"), ("faults.2.outage_s", "0.3"), ("faults.2.start_s", "4.0"),
]  # fmt: skip


def in_process(scenario, seconds):
    run = new_run(scenario, 0)
    run.monitor.t_limit_ns = int(seconds * S)
    fly_ticks(as_rows(run), 10**9)
    return evaluate_run(scenario, 0, run)


def codes(result):
    return [int(event.code) for event in result.event_records]


def test_three_faults_give_the_same_bytes_in_process_and_over_a_line():
    report = compare(load("nominal", SEEING + THREE), window=Window(for_s=6.0))
    assert (report.ticks, report.difference) == (600, None)


def rows_in(log, topic, record):
    with open(log, "rb") as stream:
        found = [m.data[4:] for _, _, m in make_reader(stream).iter_messages(topics=[topic])]
    return [np.frombuffer(data, record.dtype)[0] for data in found]


def injections(log):
    """(second, row, open) of every one in a log."""
    rows = rows_in(log, "injection", INJECTION)
    return [(int(r["t_ns"]) // S, int(r["row"]), int(r["open"])) for r in rows]


def test_a_session_with_faults_is_recorded_with_them_and_replays(tmp_path):
    scenario, log = load("nominal", SEEING + THREE), tmp_path / "flight.mcap"
    result = run_session(scenario, 0, time_limit_s=6.0, log=str(log)).result
    reference = in_process(scenario, 6.0)
    assert result.state_sha256 == reference.state_sha256
    assert [bytes(e) for e in result.event_records] == [bytes(e) for e in reference.event_records]
    assert result.range_verdicts["fused_late"] > 20
    assert (
        codes(result).count(EventCode.RESTARTED) == 1
        and codes(result).count(EventCode.MISSED_TICKS) == 3
    )
    report = replay(log)
    assert report.same and report.ticks == 600 - 3 * 12 - 30
    assert injections(log) == [(1, 0, 1), (2, 1, 1), (4, 2, 1)]
    (margins,) = rows_in(log, "margins", MARGINS)
    assert margins.tobytes() == margins_record(6 * S, reference.margins).tobytes()


def test_a_stall_and_a_restart_are_flown_in_real_time_too():
    result = run_session(load("nominal", THREE), 0, pace="realtime", time_limit_s=6.0).result
    assert (
        codes(result).count(EventCode.RESTARTED) == 1
        and codes(result).count(EventCode.MISSED_TICKS) >= 3
    )


# --- the wire itself ---------------------------------------------------------------------


def frames(count):
    encoder = Encoder()
    sample = RANGE_SAMPLE.new(range_m=500.0, valid=1)
    return [encoder.frame(message_of(RANGE_SAMPLE), sample.tobytes()) for _ in range(count)]


def spoiler(row, way=WireDirection.TO_FLIGHT, seed=3, is_open=True):
    world = WORLD.new(seed=seed)
    read_faults(world, [({"faults": [row]}, "")])
    world.board.fault_memory[0].open = is_open
    world.board.fault_memory[0].opened_ns = 0
    return WireFaults(world, way), world


@pytest.mark.parametrize("kind", ["wire_flip", "wire_drop", "wire_insert", "wire_truncate"])
def test_a_spoiled_frame_is_lost_and_no_other(kind):
    wire, _ = spoiler({"kind": kind, "probability": 0.3})
    good = frames(200)
    lost, counters = 0, Decoder()
    for frame in good:
        data, left = wire.spoil([frame])
        lost += not left
        assert bool(left) >= (data == frame)
        counters.feed(data + b"\0")
    assert 25 < lost < 90
    assert counters.counters.packets == 200 - lost
    assert counters.counters.refused > 10


def test_the_same_row_spoils_the_same_frames_again():
    row = {"kind": "wire_flip", "probability": 0.3}
    once, again, other = (spoiler(row, seed=seed)[0] for seed in (3, 3, 4))
    left = [wire.spoil(frames(50))[0] for wire in (once, again, other)]
    assert left[0] == left[1] != left[2]
    back = spoiler({**row, "direction": "both"}, WireDirection.FROM_FLIGHT)[0]
    assert back.spoil(frames(50))[0] != left[0]


@pytest.mark.parametrize(
    ("row", "is_open"),
    [
        ({"kind": "wire_flip", "probability": 0.0}, True),
        ({"kind": "wire_garbage", "probability": 1.0, "count": 0}, True),
        ({"kind": "wire_stall", "period_s": 0.0}, True),
        ({"kind": "wire_truncate", "probability": 1.0}, False),
    ],
)
def test_no_magnitude_or_a_closed_window_leaves_every_byte(row, is_open):
    wire, _ = spoiler(row, is_open=is_open)
    assert wire.spoil(frames(50))[0] == b"".join(frames(50))


def test_noise_before_a_frame_costs_no_frame():
    wire, _ = spoiler({"kind": "wire_garbage", "probability": 1.0, "count": 300})
    data, left = wire.spoil(frames(20))
    assert len(left) == 20 and len(data) > 20 * 300


def test_a_stall_holds_bytes_back_and_releases_all_of_them():
    wire, world = spoiler({"kind": "wire_stall", "period_s": 0.1})
    left = []
    for tick in range(21):
        world.t_ns = tick * TICK_NS
        left.append(len(wire.spoil(frames(1))[1]))
    assert [left[tick] for tick in (10, 20)] == [11, 10] and sum(left) == 21


def test_a_row_befalls_its_own_direction():
    row = {"kind": "wire_truncate", "probability": 1.0}
    assert (
        spoiler(row, WireDirection.TO_FLIGHT)[0] and not spoiler(row, WireDirection.FROM_FLIGHT)[0]
    )
    assert not spoiler({**row, "direction": "from_flight"}, WireDirection.TO_FLIGHT)[0]
    assert spoiler({**row, "direction": "both"}, WireDirection.FROM_FLIGHT)[0]


def test_what_a_fault_has_eaten_stays_lost_in_lockstep():
    cut = [("faults.0.kind", "wire_truncate"), ("faults.0.probability", "0.2"),
           ("faults.0.direction", "both"), ("faults.0.start_s", "0.5")]  # fmt: skip
    first, again = (run_session(load("nominal", cut), 0, time_limit_s=2.0).result for _ in range(2))
    healthy = in_process(load("nominal"), 2.0)
    assert first.state_sha256 == again.state_sha256 != healthy.state_sha256
    assert codes(first).count(EventCode.IMU_GAP) > 5


def test_a_comparison_with_the_run_in_process_refuses_faults_of_the_wire():
    flip = [("faults.0.kind", "wire_flip"), ("faults.0.probability", "0.1")]
    with pytest.raises(InputError, match="faults.0: wire_flip needs a wire"):
        compare(load("nominal", flip))
