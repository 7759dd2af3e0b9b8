"""Replay recomputes every tick, and names what was changed, in the log or in the software."""

import os
import subprocess
import sys

import numpy as np
import pytest

from fsw.executive.host_entry import step_rows
from fsw.framework.kernel import kernel
from hil.log import replay as replay_module
from hil.log.channels import BY_ID, CHANNELS, IDS
from hil.log.differences import ALTERED, RECOMPUTED
from hil.log.reader import open_log
from hil.log.recorder import Recorder
from hil.log.replay import replay
from hil.log.ring_kernels import CDR_HEADER, HEADER, OVERHEAD
from hil.log.tick_recorder import Tap
from sim.common.errors import InputError
from sim.run.loop import as_rows, fly_ticks
from tests.hil.flights import (
    DESCRIPTION,
    TICKS,
    record,
    record_talk,
    rewrite,
    run_before_first_lock,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("replay")


@pytest.fixture(scope="module")
def flight(folder):
    """A log of the ticks about the first fused range."""
    path = folder / "flight.mcap"
    assert record(path).whole
    return path


@pytest.fixture(scope="module")
def talk(folder):
    """A log of a flight's first ticks, with something on every other channel."""
    path = folder / "talk.mcap"
    assert record_talk(path).whole
    return path


def longest(log):
    return max(log.chunks(), key=lambda chunk: len(chunk.index))


def test_a_flight_is_recomputed_to_the_last_bit(flight):
    report = replay(flight)
    assert report.lines() == [f"{TICKS}/{TICKS} ticks, 0 differences"]
    assert report.same
    assert len(open_log(flight).table("range")) > 10


def test_commands_clocks_and_orders_are_recomputed_too(talk):
    report = replay(talk)
    assert report.lines() == ["40/40 ticks, 0 differences"]
    log = open_log(talk)
    for topic in ("command", "ack", "range_command", "nav_update", "clock", "hops"):
        assert len(log.table(topic)), topic


def test_a_log_that_another_tool_sorted_and_compressed_replays_the_same(folder, flight):
    path = folder / "rewritten.mcap"
    rewrite(flight, path)
    assert replay(path).lines() == [f"{TICKS}/{TICKS} ticks, 0 differences"]


@pytest.mark.parametrize("topic", [c.topic for c in CHANNELS])
def test_one_changed_byte_in_any_channel_is_named(folder, flight, talk, topic):
    flight = flight if len(open_log(flight).table(topic)) else talk
    rows = open_log(flight).table(topic)
    which = len(rows) // 2
    size = rows.dtype.itemsize
    for byte in (size // 3, size - 1):
        report = replay(altered(folder, flight, topic, which, byte))
        assert not report.same and report.differences >= 1
        first = report.first
        assert (first.channel, first.kind) == (topic, ALTERED), (byte, str(first))
        name, was, now = field_at(topic, rows[which], byte)
        assert (first.field, first.recorded, first.found) == (name, was, now)


def altered(folder, flight, topic, which, byte):
    def edit(name, n, data):
        if (name, n) != (topic, which):
            return data
        changed = bytearray(data)
        changed[len(CDR_HEADER) + byte] ^= 0x40
        return bytes(changed)

    path = folder / "altered.mcap"
    rewrite(flight, path, change=edit)
    return path


def field_at(topic, row, byte):
    """Field that holds a byte of a record, its value, and its value with 0x40 flipped there."""
    declared = BY_ID[IDS[topic]].record
    for path, leaf, offset in declared.leaves():
        size = leaf.base.itemsize * int(np.prod(leaf.shape, dtype=int))
        if offset <= byte < offset + size:
            place = (byte - offset) // leaf.base.itemsize
            data = bytearray(row.tobytes())
            was = np.frombuffer(data, np.uint8).tobytes()
            data[byte] ^= 0x40
            start = offset + place * leaf.base.itemsize
            one, other = (np.frombuffer(d, leaf.base, 1, start)[0] for d in (was, bytes(data)))
            return (f"{path}[{place}]" if leaf.shape else path), str(one), str(other)
    raise AssertionError("no such byte")


def test_a_changed_byte_in_the_raw_file_is_named_and_its_checksum_missed(folder, flight):
    log = open_log(flight)
    chunk = longest(log)
    message = int(chunk.of("actuators")[5])
    row = chunk.record(message)
    place = int(chunk.payload(message).__array_interface__["data"][0]) - int(
        log.data.__array_interface__["data"][0]
    )
    data = bytearray(flight.read_bytes())
    data[place + row.dtype.fields["throttle"][1]] ^= 1
    path = folder / "flipped.mcap"
    path.write_bytes(data)
    report = replay(path)
    assert report.first.field == "throttle" and report.first.tick == int(row["tick"])
    assert any("does not match its checksum" in fault for fault in report.faults)


def test_a_record_taken_away_is_noticed(folder, flight):
    data = bytearray(flight.read_bytes())
    chunk = longest(open_log(flight))
    message = int(chunk.of("truth")[2])
    start = int(chunk.index.offsets[message]) - OVERHEAD
    end = int(chunk.index.offsets[message] + chunk.index.sizes[message])
    place = data.index(chunk.content.tobytes()[start:end])
    data[place] = 0x80  # an opcode that readers pass over
    path = folder / "short.mcap"
    path.write_bytes(data)
    report = replay(path)
    assert not report.same and report.first.kind == ALTERED
    assert any("records in it" in fault for fault in report.faults)


def test_a_changed_time_in_a_message_header_is_named(folder, flight):
    data = bytearray(flight.read_bytes())
    chunk = longest(open_log(flight))
    message = int(chunk.of("imu")[7])
    head = data.index(chunk.payload(message).tobytes()) - OVERHEAD
    data[head + HEADER - 8] ^= 1
    path = folder / "moved.mcap"
    path.write_bytes(data)
    first = replay(path).first
    assert (first.channel, first.field) == ("imu", "publish_time")


@kernel
def biased_step(states, params, inboxes, outboxes):
    step_rows(states, params, inboxes, outboxes)
    guidance = states[0].core.guidance
    guidance.a_d_mps2 = float(guidance.a_d_mps2) * (1.0 + 1e-15)


@kernel
def louder_step(states, params, inboxes, outboxes):
    step_rows(states, params, inboxes, outboxes)
    actuators = outboxes[0].actuators
    actuators.throttle = float(actuators.throttle) + 0.001


def test_flight_software_that_differs_in_core_is_named_by_tick_and_part(flight):
    mark = open_log(flight).table("tick")[0]
    first = replay(flight, step=biased_step).first
    assert (first.tick, first.channel, first.kind) == (int(mark.tick), "tick", RECOMPUTED)
    assert first.field == "core_hash, from guidance on"
    assert first.recorded == str(mark.core_hash) != first.found


def test_flight_software_that_differs_in_an_output_is_named_by_field_and_values(flight):
    recorded = open_log(flight).table("actuators")[0]
    report = replay(flight, step=louder_step)
    assert report.differences == TICKS
    first = report.first
    assert (first.tick, first.channel, first.field) == (int(recorded.tick), "actuators", "throttle")
    assert first.recorded == str(recorded.throttle)
    assert float(first.found) == pytest.approx(float(recorded.throttle) + 0.001, rel=1e-6)


def test_an_event_more_or_less_is_a_difference(flight):
    def silent(states, params, inboxes, outboxes):
        step_rows(states, params, inboxes, outboxes)
        outboxes["n_events"] = 0

    first = replay(flight, step=silent).first
    assert (first.channel, first.field, first.recorded) == ("event", "message", "event")


def test_another_build_of_the_kernels_is_noted_but_not_refused(flight, monkeypatch):
    monkeypatch.setattr(replay_module, "kernels_hash", lambda name: "other")
    report = replay(flight)
    assert report.same and "other kernels" in report.notes[0]


def test_a_log_cut_off_replays_up_to_its_last_whole_tick(folder):
    path = folder / "cut.mcap"
    record(path, ring_bytes=1 << 15)
    path.write_bytes(path.read_bytes()[:-60_000])
    report = replay(path)
    assert report.same and TICKS // 2 < report.ticks < TICKS
    assert report.notes[-1].startswith("cut off")


def test_where_the_recorder_dropped_records_replay_ends_with_a_note(folder):
    run = run_before_first_lock()
    path = folder / "dropped.mcap"
    with Recorder(path, DESCRIPTION, {"history": run.state.history.tobytes()}) as recorder:
        tap = Tap(recorder, run.state, run.params, run.inbox, run.outbox)
        for tick in range(20):
            fly_ticks(as_rows(run), 1)
            if tick == 10:
                recorder.ring["dropped"] += 3
            tap.record()
    report = replay(path)
    assert report.ticks == 10 and report.same
    assert "no room for 3 records" in report.notes[0]


def test_a_log_without_parameters_is_refused_in_a_line(folder):
    run = run_before_first_lock()
    path = folder / "bare.mcap"
    with Recorder(path, DESCRIPTION) as recorder:
        tap = Tap(recorder, run.state, run.params, run.inbox, run.outbox)
        recorder.ring["head"] = recorder.ring["tail"] = 0
        fly_ticks(as_rows(run), 1)
        tap.record()
    with pytest.raises(InputError, match="its first tick comes before parameters and core"):
        replay(path)


def test_a_log_recorded_compiled_replays_the_same_interpreted(talk):
    code = f"from hil.log.replay import replay; print(replay({str(talk)!r}).lines())"
    environment = {**os.environ, "LEADLINE_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['40/40 ticks, 0 differences']"
