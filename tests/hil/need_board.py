"""What tests of boards need: the tools, an emulated board, and a bench on its line."""

import contextlib
import os

import numpy as np
import pytest

from hil.bench.bench import Bench
from hil.bench.lockstep import LockstepSession
from hil.boards.build import build
from hil.boards.qemu import QemuBoard
from hil.boards.toolchain import COMPILER, EMULATOR, missing_tools, why_missing
from hil.platform.clock import NS_PER_S, RealClock
from hil.platform.link import Link
from hil.protocol.peer import Peer
from hil.wire.messages import BENCH_RECEIVES_FROM_FLIGHT, BENCH_RECEIVES_FROM_SENSORS
from hil.wire.session_messages import Role
from hil.wire.slots import hash_of
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from tests.hil.end_doubles import nominal

REQUIRED = "LEADLINE_REQUIRE_BOARD"
BOARD_LIMIT_NS = 60 * NS_PER_S  # a busy machine emulates slowly


def need_board(*tools):
    """Mark of tests that are skipped where tools are missing; an error where they are required.

    Without arguments the tools are the cross compiler and the emulator.
    """
    missing = missing_tools(tools or (COMPILER, EMULATOR))
    why = why_missing(missing) if missing else ""
    if missing and os.environ.get(REQUIRED) == "1":
        raise RuntimeError(why)
    return pytest.mark.skipif(bool(missing), reason=why)


@contextlib.contextmanager
def board_and_peer(payload="flight", **options):
    """An emulated board and a bench's peer on its line."""
    clock = RealClock()
    directions = BENCH_RECEIVES_FROM_SENSORS if payload == "sensors" else BENCH_RECEIVES_FROM_FLIGHT
    with QemuBoard(build(payload), **options) as board:
        yield board, Peer(Link(board.port, clock), clock, Role.BENCH, directions)


def run_at(seconds, seed=0):
    """A nominal run in process, so many seconds on, as an array of one."""
    rows = as_rows(new_run(nominal(), seed))
    fly_ticks(rows, int(seconds * 100))
    return rows


@contextlib.contextmanager
def flying_board(rows):
    """A board that flies on from a run in process: the board, its emulator, its session."""
    with board_and_peer() as (board, peer):
        bench = Bench(peer, nominal(), 0)
        bench.rows[0] = rows[0]
        bench.meet(BOARD_LIMIT_NS)
        session = LockstepSession(bench, silence_limit_ns=BOARD_LIMIT_NS)
        session.begin()
        yield board, bench, session


def hash_in_process(rows, region):
    """Hash of a region of the run in process."""
    words = np.frombuffer(rows[0]["state"][region].tobytes(), np.uint64)
    return hash_of(words)
