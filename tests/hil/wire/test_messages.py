"""The message table: every place that depends on it follows it, or disagrees by name."""

from itertools import pairwise
from statistics import mean

import numpy as np
import pytest

from fsw.framework.record import i64, record, u8
from fsw.interface.mailbox import MAILBOX
from fsw.interface.messages import IMU_SAMPLE, INBOX, OUTBOX
from fsw.interface.timing import TICK_NS
from hil.boards.c_headers import table_header
from hil.boards.flight_payload import FLIGHT_PAYLOAD
from hil.boards.sensor_payload import SENSORS_PAYLOAD
from hil.ends.flight_host import flight_memory
from hil.ends.sensor_host import sensor_memory
from hil.log.channels import channels_of
from hil.wire.framing import Decoder
from hil.wire.icd import delivery_table, packet_table
from hil.wire.messages import (
    BENCH_RECEIVES_FROM_SENSORS,
    FLIGHT_RECEIVES,
    MESSAGES,
    SENSORS_RECEIVE,
    Delivery,
    Direction,
    Message,
    flight_inputs,
    flight_outputs,
    stamped_by_sensors,
    uplinked,
)
from hil.wire.slots import (
    ARRIVALS_SLOTS,
    INBOX_SLOTS,
    OUTBOX_SLOTS,
    SENSOR_INBOX_SLOTS,
    arrivals_of,
    inbox_slots,
    memory_of,
    outbox_of,
    outbox_slots,
    slots_of,
)
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks
from sim.scenario.load import load
from sim.sensors.records import SENSOR_INBOX, TICK_MESSAGES

INPUTS = flight_inputs()
DOPPLER = record("DopplerSample", "A message that no table has.", t_ns=i64("time"), rate=i64("-"))
HOLDER = record(
    "DopplerHolder",
    "A record that holds a known message and the new one.",
    imus=IMU_SAMPLE("increments", 2),
    doppler=DOPPLER("samples", 3),
    doppler_rx_ns=i64("when each arrived", 3),
    n_imus=u8("increments present"),
    n_doppler=u8("samples present"),
    spare=u8("zero", 6),
)
ROW = Message(
    0x10F,
    DOPPLER,
    Direction.TO_FLIGHT,
    period_ms=20,
    topic="doppler",
    member="doppler",
    delivery=Delivery.QUEUED,
)
TABLE = (*MESSAGES, ROW)


# --- what is derived ------------------------------------------------------------------------


def test_a_row_that_is_added_is_followed_by_all_that_is_derived():
    assert flight_inputs(TABLE) == (*INPUTS, ROW)
    assert ROW in stamped_by_sensors(TABLE) and ROW not in uplinked(TABLE)
    assert [c.record for c in channels_of(TABLE) if c.topic == "doppler"] == [DOPPLER]
    assert [slot.topic for slot in slots_of(HOLDER, TABLE)] == ["imu", "doppler"]
    found = slots_of(HOLDER, TABLE)[1]
    assert (found.count, found.received, found.capacity) == ("n_doppler", "doppler_rx_ns", 3)
    packets, interface = list(packet_table(TABLE)), list(delivery_table(TABLE))
    assert [len(packets), len(interface)] == [len(TABLE) + 2, len(INPUTS + flight_outputs()) + 3]
    assert "| 0x10F |" in packets[-1] and "to flight" in packets[-1] and "20 ms" in packets[-1]
    assert "| DopplerSample | to flight | Inbox.doppler | queued | doppler |" in interface


def test_a_row_without_its_member_of_the_inbox_is_refused():
    with pytest.raises(KeyError, match="doppler"):
        inbox_slots(TABLE)[-1].offset  # noqa: B018


def test_slots_follow_the_rows_and_find_counts_and_arrival_times_by_name():
    without_imu = tuple(m for m in MESSAGES if m.topic != "imu")
    assert inbox_slots(without_imu) == INBOX_SLOTS[1:]
    assert [s.topic for s in outbox_slots(MESSAGES[:-1])] == [m.topic for m in flight_outputs()]
    assert slots_of(TICK_MESSAGES, without_imu) == ARRIVALS_SLOTS[1:]
    [ranges] = [slot for slot in INBOX_SLOTS if slot.topic == "range"]
    assert (ranges.count, ranges.received) == ("n_ranges", "range_rx_ns")


@pytest.mark.parametrize(
    ("owner", "slots"),
    [
        (INBOX, INBOX_SLOTS),
        (OUTBOX, OUTBOX_SLOTS),
        (TICK_MESSAGES, ARRIVALS_SLOTS),
        (SENSOR_INBOX, SENSOR_INBOX_SLOTS),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_every_message_that_a_record_holds_has_a_slot_with_a_count(owner, slots):
    held = {name for name, field in owner.fields.items() if field.record}
    always = {"actuators"} if owner is OUTBOX else {"truth"} & held
    assert {slot.member for slot in slots} | always == held
    assert {slot.member for slot in slots if not slot.count} <= always


def test_the_c_table_of_each_payload_holds_its_messages():
    for payload, received in ((FLIGHT_PAYLOAD, INPUTS), (SENSORS_PAYLOAD, ())):
        text = table_header(payload)
        inputs = text.partition("struct place inputs")[2].partition("};")[0]
        for message in (*received, *(payload.message(path) for path in payload.inputs)):
            assert f"0x{message.first_word:04X}, {message.size}," in inputs, message.name
        for slot in payload.outputs:
            assert f"0x{slot.message.first_word:04X}" in text, slot.topic


# --- kernels, which are written by hand -----------------------------------------------------


def sample(message, number):
    """A record of this message with other bytes for every number."""
    rest = bytes((number + i) % 100 for i in range(8, message.size))
    return (number * 1_000_000).to_bytes(8, "little") + rest


def posted(message, numbers):
    """A flight end into which samples of one kind have been posted, and a tick granted."""
    memory = flight_memory()
    memory.start(0, 0, 0)
    for number in numbers:
        memory.put(message, sample(message, number))
        memory.post(message.apid, 7_000_000 + number)
    memory.grant(-1, 0, 0)
    memory.step(True)
    return memory.record.inbox


@pytest.mark.parametrize("message", INPUTS, ids=lambda m: m.name)
def test_what_is_posted_reaches_its_member_of_the_inbox_and_no_other(message):
    inbox = posted(message, [1])
    present = {
        slot.topic
        for slot in INBOX_SLOTS
        if np.any(np.frombuffer(inbox, np.uint8)[slot.count_at : slot.count_at + 1])
    }
    assert present == {message.topic}


@pytest.mark.parametrize("message", [m for m in INPUTS if m.topic != "clock"], ids=lambda m: m.name)
def test_the_mailbox_queues_or_keeps_the_latest_as_the_table_says(message):
    inbox = posted(message, [1, 2])
    [slot] = [slot for slot in INBOX_SLOTS if slot.topic == message.topic]
    memory = bytes(inbox)
    starts = [slot.offset + k * slot.size for k in range(memory[slot.count_at])]
    found = [memory[start : start + slot.size] for start in starts]
    queued = message.delivery is Delivery.QUEUED
    assert found == [sample(message, n) for n in ([1, 2] if queued else [2])]


@pytest.mark.parametrize("message", INPUTS, ids=lambda m: m.name)
def test_the_mailbox_has_a_ring_or_one_place_as_the_table_says(message):
    queued = message.delivery is Delivery.QUEUED
    assert (f"{message.topic}_head" in MAILBOX.fields) == queued
    assert (f"has_{message.topic}" in MAILBOX.fields) != queued
    assert bool(MAILBOX.fields[message.member].shape) == queued


@pytest.mark.parametrize("slot", SENSOR_INBOX_SLOTS, ids=lambda slot: slot.message.name)
def test_a_sensor_board_takes_what_the_table_sends_to_it(slot):
    memory = sensor_memory()
    memory.put(slot.message, sample(slot.message, 3))
    memory.post(slot.message.apid, 0)
    counts = {each.count: int(memory.record.inbox[each.count]) for each in SENSOR_INBOX_SLOTS}
    assert counts == {each.count: int(each is slot) for each in SENSOR_INBOX_SLOTS}


# --- directions and periods -----------------------------------------------------------------


def test_each_end_receives_what_its_payload_takes():
    for payload, directions in (
        (FLIGHT_PAYLOAD, FLIGHT_RECEIVES),
        (SENSORS_PAYLOAD, SENSORS_RECEIVE),
    ):
        taken = [payload.message(path) for path in (*payload.inputs, payload.grant)]
        assert {message.direction for message in taken} <= set(directions)
    for slot in SENSORS_PAYLOAD.outputs:
        assert slot.message.direction in BENCH_RECEIVES_FROM_SENSORS
    assert Decoder(FLIGHT_RECEIVES)._known.keys() >= {m.first_word for m in INPUTS}


def test_periodic_messages_of_a_nominal_flight_come_as_often_as_the_table_says():
    rows = as_rows(new_run(load("nominal"), 0))
    plain = np.frombuffer(rows, rows.dtype)
    views = (arrivals_of(memory_of(plain, "messages")), outbox_of(memory_of(plain, "outbox")))
    seen = {}
    for tick in range(1000):
        fly_ticks(rows, 1)
        for view in views:
            for message, _ in view.packets():
                seen.setdefault(message, []).append(tick)
    for message in (*INPUTS, *flight_outputs()):
        if message.period_ms and message.topic != "clock":
            gaps = [b - a for a, b in pairwise(seen[message])]
            mean_ms = mean(gaps) * TICK_NS / 1e6
            assert mean_ms == pytest.approx(message.period_ms, rel=0.02), message.name
        elif message.topic != "clock":
            assert len(seen.get(message, ())) < 10, message.name
