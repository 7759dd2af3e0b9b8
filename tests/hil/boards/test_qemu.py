"""Board: an emulated one flies as the host does, and outlives what is done to it."""

import os
import select
import subprocess
import sys

import numpy as np
import pytest

from fsw.interface.timing import TICK_NS
from hil.boards.flight_payload import FLIGHT_PAYLOAD
from hil.log.differences import first_field
from hil.platform.errors import BenchError
from hil.protocol.remote_end import FarEnd
from hil.wire.codec import codec
from hil.wire.messages import BY_NAME, REGIONS
from hil.wire.session_messages import (
    WANT_CORE_HASH,
    WANT_HISTORY_HASH,
    EndReason,
    Pace,
    ReadyResult,
    Role,
    StartFrom,
)
from sim.run.loop import fly_ticks
from tests.hil.need_board import (
    BOARD_LIMIT_NS,
    board_and_peer,
    flying_board,
    hash_in_process,
    need_board,
    run_at,
)

pytestmark = need_board()

BEFORE_LOCK_S = 690.0


def meet(peer, role=Role.FLIGHT_COMPUTER):
    far = FarEnd(peer, role)
    far.meet(BOARD_LIMIT_NS)
    return far


def answers(peer, name, ask, count=1):
    """The next messages of a name, asked for until they come."""
    found = []

    def take(message, payload):
        if message.name == name:
            found.append(codec(name).unpack(payload))
        return True if len(found) >= count else None

    peer.request(ask, take, BOARD_LIMIT_NS, name)
    return found


@pytest.fixture(scope="module")
def rows():
    return run_at(BEFORE_LOCK_S)


def test_core_and_history_are_the_hosts_after_every_tick(rows):
    ours = rows.copy()
    with flying_board(rows) as (_, _, session):
        session.wants = WANT_CORE_HASH | WANT_HISTORY_HASH
        for _ in range(60):
            fly_ticks(ours, 1)
            _, done = session.fly_tick()
            assert done.core_hash == hash_in_process(ours, "core")
            assert done.history_hash == hash_in_process(ours, "history")
        assert session.read_region("core") == ours[0]["state"]["core"].tobytes()


def test_a_bit_that_flips_in_the_boards_core_is_named_as_the_first_difference(rows):
    ours = rows.copy()
    with flying_board(rows) as (board, _, session):
        path, _, offset = next(
            leaf for leaf in REGIONS["core"].leaves() if leaf[0] == "propulsion.mass_kg"
        )
        core = board.address_of("payload_memory") + FLIGHT_PAYLOAD.offset("state.core")
        board.upset(core + offset + 5, 4)
        fly_ticks(ours, 1)
        session.wants = WANT_CORE_HASH
        _, done = session.fly_tick()
        assert done.core_hash != hash_in_process(ours, "core")
        theirs = np.frombuffer(session.read_region("core"), np.uint8)
        field, _, _ = first_field(REGIONS["core"], _bytes(ours, "core"), theirs)
        assert field == path


def _bytes(rows, region):
    return np.frombuffer(rows[0]["state"][region].tobytes(), np.uint8)


def test_a_board_that_is_reset_in_flight_has_kept_the_core_of_its_last_tick(rows):
    with flying_board(rows) as (board, bench, session):
        for _ in range(5):
            session.fly_tick()
        core = session.read_region("core")
        board.reset()
        far = meet(bench.peer)
        assert far.hello.kept == 1
        far.begin({"params": bench.run.params.tobytes()}, Pace.LOCKSTEP, start=StartFrom.KEPT)
        assert far.read_region("core") == core


def test_a_board_that_has_kept_nothing_reports_it():
    with board_and_peer() as (_, peer):
        far = meet(peer)
        assert far.hello.kept == 0
        params = REGIONS["params"].new().tobytes()
        with pytest.raises(BenchError, match="kept no core"):
            far.begin({"params": params}, Pace.LOCKSTEP, start=StartFrom.KEPT)


def test_garbage_on_the_line_costs_a_board_nothing():
    noise = bytes(np.random.default_rng(1).integers(0, 256, 3000, np.uint8))
    with board_and_peer() as (_, peer):
        meet(peer)
        peer.link.write(noise)
        assert meet(peer).hello.role == Role.FLIGHT_COMPUTER


def test_a_bench_of_another_schema_gets_hello_and_is_refused():
    with board_and_peer() as (_, peer):
        meet(peer)
        stranger = codec("Hello").pack(schema=1, boot=1, asks=1)
        frame = peer.frames([(BY_NAME["Hello"], stranger)])
        [end] = answers(peer, "End", lambda: peer.link.write(frame))
        assert end.reason == EndReason.REFUSED


def test_regions_that_did_not_all_come_are_sent_again():
    with board_and_peer() as (_, peer):
        meet(peer)
        [ready] = answers(peer, "Ready", lambda: peer.send("Begin", start=StartFrom.LOADED))
        assert ready.result == ReadyResult.INCOMPLETE


def test_an_unarmed_sensor_board_refuses_faults_and_an_armed_one_takes_them():
    board = REGIONS["board"].new(n_faults=1).tobytes()
    with board_and_peer("sensors") as (_, peer):
        far = meet(peer, Role.SENSORS)
        with pytest.raises(BenchError, match="not armed"):
            far.begin({"board": board}, Pace.LOCKSTEP)
        peer.send("Arm", armed=1)
        far.begin({"board": board}, Pace.LOCKSTEP)


def test_in_real_time_a_board_ticks_on_its_own_grid_and_reports_missed_ticks():
    with board_and_peer() as (_, peer):
        far = meet(peer)
        params = REGIONS["params"].new().tobytes()
        zero_ns = peer.clock.now_ns() + 200_000_000
        far.begin({"params": params}, Pace.REALTIME, start=StartFrom.ANEW, zero_ns=zero_ns)
        timings = answers(peer, "Timing", lambda: None, count=100)
        assert all(timing.t_ns == timing.tick * TICK_NS for timing in timings)
        last = timings[-1]
        assert last.tick == len(timings) - 1 + last.missed_ticks
        assert all(t.t_ns <= t.begun_ns <= t.fused_ns <= t.commanded_ns for t in timings)


def test_nothing_is_left_running_after_a_killed_session():
    script = (
        "from hil.boards.build import build; from hil.boards.qemu import QemuBoard\n"
        "with QemuBoard(build('sensors')) as board: print(board.pid, flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as session:
        assert session.stdout
        pid = int(session.stdout.readline())
        session.kill()
    assert _ends_within(pid, 10.0), "the emulator outlived its session"


def _ends_within(pid, limit_s):
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], limit_s)[0])
    finally:
        os.close(process)
