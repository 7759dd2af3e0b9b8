"""Law: whatever the line does, good frames come through whole and bad ones are only counted."""

import io

import ccsdspy
import fastcrc
import numpy as np
import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ccsds.spacepacket import PacketType, SequenceFlags, SpacePacket, SpHeader

from fsw.framework.codes import Code
from fsw.interface.messages import IMU_SAMPLE, RANGE_SAMPLE
from hil.wire.framing import MAX_CODED_BYTES, Decoder, Encoder
from hil.wire.messages import (
    BY_NAME,
    FROM_EITHER,
    FROM_FLIGHT,
    FROM_SENSORS,
    MAX_PACKET_BYTES,
    MESSAGES,
    TO_FLIGHT,
    TO_SENSORS,
    message_of,
)
from hil.wire.wire_schema import wire_schema_hash

messages = st.sampled_from(MESSAGES)


@st.composite
def packets(draw):
    message = draw(messages)
    return message, draw(st.binary(min_size=message.size, max_size=message.size))


# longer than the longest frame too; zeros may stand anywhere in it
garbage = (
    st.binary(max_size=40)
    | st.integers(0, 255).map(lambda b: bytes([b]) * 700)
    | (st.binary(min_size=MAX_CODED_BYTES, max_size=MAX_CODED_BYTES + 60))
)


def pieces_of(stream, cuts):
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def feed_all(decoder, pieces):
    return [packet for piece in pieces for packet in decoder.feed(piece)]


def encoded(sent):
    encoder = Encoder()
    return [encoder.frame(message, payload) for message, payload in sent]


@given(st.lists(packets(), max_size=8), st.lists(st.integers(0, 5000), max_size=30))
def test_any_chunking_gives_the_same_packets_and_counters(sent, cuts):
    stream = b"".join(encoded(sent))
    whole, chopped = Decoder(), Decoder()
    assert feed_all(chopped, pieces_of(stream, cuts)) == whole.feed(stream) == sent
    assert chopped.counters == whole.counters
    assert whole.counters.refused == whole.counters.missing == 0


@given(st.lists(st.tuples(garbage, packets()), max_size=6), st.lists(st.integers(0, 9999)))
def test_garbage_between_frames_changes_nothing(noisy, cuts):
    frames = encoded([packet for _, packet in noisy])
    stream = b"".join(noise + frame for (noise, _), frame in zip(noisy, frames, strict=True))
    decoder = Decoder()
    assert feed_all(decoder, pieces_of(stream, cuts)) == [packet for _, packet in noisy]


@given(garbage, packets(), st.lists(st.integers(0, 9999)))
def test_counters_do_not_depend_on_chunking_even_of_garbage(noise, packet, cuts):
    stream = noise + encoded([packet])[0] + noise + b"\0"
    whole, chopped = Decoder(), Decoder()
    whole.feed(stream)
    feed_all(chopped, pieces_of(stream, cuts))
    assert chopped.counters == whole.counters


@given(garbage, packets())
def test_an_intact_frame_is_out_with_its_own_last_byte(noise, packet):
    decoder = Decoder()
    decoder.feed(noise)
    assert decoder.feed(encoded([packet])[0]) == [packet]


def test_after_a_damaged_frame_the_next_one_is_whole():
    message = message_of(RANGE_SAMPLE)
    first, second = encoded([(message, bytes(message.size))] * 2)
    for cut in range(len(first)):
        packets_out = Decoder().feed(first[:cut] + second)
        assert packets_out[-1] == (message, bytes(message.size)), cut


@pytest.mark.parametrize("name", ["RangeSample", "ImuSample"])
def test_every_corruption_of_a_single_byte_is_refused(name):
    message = BY_NAME[name]
    payload = bytes(range(1, message.size)) + b"\0"
    frame = Encoder().frame(message, payload)
    for where in range(1, len(frame) - 1):
        for wrong in range(256):
            if wrong != frame[where]:
                decoder = Decoder()
                damaged = frame[:where] + bytes([wrong]) + frame[where + 1 :]
                assert decoder.feed(damaged) == []
                assert decoder.counters.refused >= 1


@given(packets(), st.integers(0, 10**6), st.integers(1, 2**32 - 1))
def test_every_burst_of_up_to_32_bits_is_refused(packet, where, pattern):
    message, payload = packet
    body = bytearray(cobs.decode(Encoder().frame(message, payload)[1:-1]))
    at = where % (len(body) - 3)
    for k, byte in enumerate(pattern.to_bytes(4, "little")):
        body[at + k] ^= byte
    decoder = Decoder()
    assert decoder.feed(b"\0" + cobs.encode(bytes(body)) + b"\0") == []
    assert decoder.counters.crc == 1


@given(st.binary(max_size=3000))
def test_no_bytes_raise_an_error(noise):
    decoder = Decoder()
    decoder.feed(noise)
    assert decoder.counters.bytes == len(noise)


def test_an_endless_frame_is_counted_once_and_forgotten():
    decoder = Decoder()
    for _ in range(1000):
        decoder.feed(b"\x55" * 100)
    assert decoder.counters.length == 1
    assert len(decoder._partial) <= MAX_CODED_BYTES
    frame = Encoder().frame(message_of(RANGE_SAMPLE), bytes(16))
    assert len(decoder.feed(frame)) == 1


def test_lost_repeated_and_wrapped_sequence_numbers_are_counted():
    message = message_of(RANGE_SAMPLE)
    encoder = Encoder()
    frames = [encoder.frame(message, bytes(16)) for _ in range(0x10000 + 3)]
    decoder = Decoder()
    decoder.feed(b"".join(frames))
    assert (decoder.counters.missing, decoder.counters.disordered) == (0, 0)
    lossy = Decoder()
    lossy.feed(frames[0] + frames[4] + frames[4] + frames[5])
    assert (lossy.counters.missing, lossy.counters.disordered) == (3, 1)
    lossy.restart()
    lossy.feed(frames[1000])
    assert (lossy.counters.missing, lossy.counters.disordered) == (3, 1)


def test_what_goes_the_other_way_is_refused():
    decoder = Decoder((TO_FLIGHT,))
    assert decoder.feed(encoded([(BY_NAME["Telemetry"], bytes(160))])[0]) == []
    assert decoder.counters.header == 1
    assert Decoder((FROM_FLIGHT,)).feed(encoded([(BY_NAME["Telemetry"], bytes(160))])[0])


def test_a_record_of_another_size_is_our_own_mistake():
    with pytest.raises(ValueError, match="RangeSample has 16 bytes, not 15"):
        Encoder().frame(message_of(RANGE_SAMPLE), bytes(15))


# --- decoders that were not written here --------------------------------------------------


@given(packets(), st.integers(0, 3))
def test_spacepackets_reads_our_packets(packet, before):
    message, payload = packet
    encoder = Encoder()
    frame = [encoder.frame(message, payload) for _ in range(before + 1)][-1]
    raw = cobs.decode(frame[1:-1])
    header = SpHeader.unpack(raw[:6])
    assert header.apid == message.apid
    assert header.packet_type == (PacketType.TC if message.asks else PacketType.TM)
    assert header.seq_flags == SequenceFlags.UNSEGMENTED
    assert header.seq_count == before
    assert header.packet_len == len(raw)
    assert not header.sec_header_flag
    assert raw[6:-4] == payload
    assert fastcrc.crc32.iso_hdlc(raw[:-4]) == int.from_bytes(raw[-4:], "little")


@given(packets())
def test_our_decoder_reads_what_spacepackets_packs(packet):
    message, payload = packet
    header = SpHeader(
        PacketType.TC if message.asks else PacketType.TM, message.apid, 77, len(payload) + 3
    )
    raw = SpacePacket(header, None, payload + bytes(4)).pack()[:-4]
    raw = bytes(raw) + fastcrc.crc32.iso_hdlc(bytes(raw)).to_bytes(4, "little")
    assert Decoder().feed(b"\0" + cobs.encode(raw) + b"\0") == [packet]


def test_ccsdspy_reads_our_packets_field_by_field():
    rows = IMU_SAMPLE.array(5)
    rows["t_ns"] = np.arange(5) * 10_000_000 - 3
    rows["velocity_B"] = np.arange(15).reshape(5, 3) * 1_000_003 - 7_000_000
    rows["seq"] = [65534, 65535, 0, 1, 2]
    frames = encoded([(message_of(IMU_SAMPLE), row.tobytes()) for row in rows])
    stream = io.BytesIO(b"".join(cobs.decode(frame[1:-1]) for frame in frames))
    fields = [
        ccsdspy.PacketField("t_ns", "int", 64, byte_order="little"),
        ccsdspy.PacketArray(
            name="sums", data_type="int", bit_length=32, array_shape=6, byte_order="little"
        ),
        ccsdspy.PacketField("dt_ns", "uint", 32, byte_order="little"),
        ccsdspy.PacketField("seq", "uint", 16, byte_order="little"),
        ccsdspy.PacketField("saturated", "uint", 8),
        ccsdspy.PacketField("valid", "uint", 8),
        ccsdspy.PacketField("crc", "uint", 32, byte_order="little"),
    ]
    table = ccsdspy.FixedLength(fields).load(stream, include_primary_header=True)
    assert list(table["CCSDS_APID"]) == [0x101] * 5
    assert list(table["CCSDS_SEQUENCE_COUNT"]) == [0, 1, 2, 3, 4]
    assert list(table["t_ns"]) == list(rows["t_ns"])
    assert np.array_equal(table["sums"][:, :3], rows["velocity_B"])
    assert list(table["seq"]) == [65534, 65535, 0, 1, 2]


# --- the table ----------------------------------------------------------------------------


def test_apids_are_unique_and_their_bits_give_their_direction():
    assert len({message.apid for message in MESSAGES}) == len(MESSAGES)
    for message in MESSAGES:
        assert 0 < message.apid < 0x7FF
        said_by_an_end = message.direction in (FROM_FLIGHT, FROM_SENSORS, FROM_EITHER)
        assert bool(message.apid & 0x080) == said_by_an_end
        concerns_a_board = message.direction in (TO_SENSORS, FROM_SENSORS)
        assert (message.apid & 0x500 == 0x500) == concerns_a_board


def test_every_record_on_the_wire_begins_with_its_time_and_is_whole_words():
    for message in MESSAGES:
        assert next(iter(message.record.fields)) == "t_ns"
        assert message.size % 8 == 0
        assert message.packet_size <= MAX_PACKET_BYTES


def test_the_schema_hash_notices_a_change_of_layout_and_no_change_of_wording(monkeypatch):
    from dataclasses import replace

    from hil.wire import wire_schema

    def hash_with(**changes):
        fields = dict(RANGE_SAMPLE.fields)
        fields["seq"] = replace(fields["seq"], **changes)
        record = replace(RANGE_SAMPLE, fields=fields)
        table = tuple(
            replace(m, record=record) if m.record is RANGE_SAMPLE else m for m in MESSAGES
        )
        monkeypatch.setattr(wire_schema, "MESSAGES", table)
        wire_schema.wire_schema_sha256.cache_clear()
        try:
            return wire_schema.wire_schema_hash()
        finally:
            monkeypatch.undo()
            wire_schema.wire_schema_sha256.cache_clear()

    assert hash_with(doc="another wording") == wire_schema_hash()
    assert hash_with(type="i16") != wire_schema_hash()
    assert hash_with(codes=Code("Other", {"A": 0, "B": 1})) != wire_schema_hash()
