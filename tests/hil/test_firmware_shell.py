"""The board's C code, built for this machine with sanitisers, against what Python makes of it."""

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fsw.framework.hash64 import HASH_OFFSET, hash_words
from hil.boards.toolchain import HOST_COMPILER
from hil.wire.framing import Decoder, Encoder
from hil.wire.messages import BY_NAME, MESSAGES, Message
from tests.hil.need_board import need_board
from tests.hil.workbench import Workbench

pytestmark = need_board(HOST_COMPILER)

ANY = st.floats(allow_nan=False)


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    bench = Workbench()
    for message in MESSAGES:
        bench.expect(message.first_word, message.size)
    yield bench
    bench.close()


messages = st.sampled_from(MESSAGES)
sparse_bytes = st.lists(st.sampled_from([0, 0, 0, 1, 7, 254, 255]), min_size=400, max_size=400)


def payload_of(message: Message, filling: list[int]) -> bytes:
    return bytes(filling[: message.size])


@given(messages, sparse_bytes, st.integers(0, 0x4001))
def test_a_frame_of_the_board_is_the_frame_of_python(bench, message, filling, sequence):
    encoder = Encoder()
    encoder._next[message.apid] = sequence & 0x3FFF
    expected = encoder.frame(message, payload_of(message, filling))
    assert bench.encode(message.first_word, sequence, payload_of(message, filling)) == expected


@st.composite
def streams(draw):
    """Frames of ours, whole, cut, changed or garbled, in one stream cut into pieces anywhere."""
    parts = []
    for _ in range(draw(st.integers(1, 6))):
        message = draw(messages)
        frame = bytearray(Encoder().frame(message, payload_of(message, draw(sparse_bytes))))
        spoil = draw(st.sampled_from(["no", "no", "flip", "cut", "garbage", "long"]))
        if spoil == "flip":
            frame[draw(st.integers(0, len(frame) - 1))] ^= draw(st.integers(1, 255))
        elif spoil == "cut":
            del frame[draw(st.integers(0, len(frame) - 1)) :]
        elif spoil == "garbage":
            frame = bytearray(draw(st.binary(max_size=60)))
        elif spoil == "long":
            frame = bytearray(b"\x05") * draw(st.integers(150, 600))
        parts.append(bytes(frame))
    stream = b"".join(parts)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    edges = [0, *cuts, len(stream)]
    return [stream[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@given(streams())
def test_the_board_takes_from_any_stream_what_python_takes_and_counts_the_rest_alike(bench, pieces):
    bench.forget()
    decoder = Decoder()
    for piece in pieces:
        expected = [(message.first_word, payload) for message, payload in decoder.feed(piece)]
        packets, counted = bench.decode(piece)
        assert packets == expected
    c = decoder.counters
    assert counted == (c.packets, c.cobs, c.length, c.crc, c.header)


def test_a_message_that_this_end_does_not_receive_is_counted_as_no_packet_of_ours(bench):
    bench.forget()
    stranger = BY_NAME["Done"]
    bench.expect(stranger.first_word, 0)
    packets, counted = bench.decode(Encoder().frame(stranger, bytes(stranger.size)))
    bench.expect(stranger.first_word, stranger.size)
    assert packets == [] and counted == (0, 0, 0, 0, 1)


@given(st.binary(max_size=300))
def test_the_boards_crc_is_zlibs(bench, data):
    assert bench.crc(data) == zlib.crc32(data)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40))
def test_the_boards_hash_is_that_of_parity(bench, words):
    array = np.array(words, np.uint64)
    assert bench.hash(array.tobytes()) == int(hash_words(array, 0, len(array), HASH_OFFSET))


def bits(x: float) -> bytes:
    return struct.pack("<d", x)


@given(ANY, ANY)
@example(1.0, 1.1671101208817266e-10)
@example(float.fromhex("0x1.ffffffffffff5p+737"), float.fromhex("0x1.0000000000001p+705"))
@example(1.7976931348623157e308, 1.7976931348623157e308)
@example(1.7976931348623157e308, 2.0**991)
@example(0.0, -0.0)
def test_the_boards_sum_and_difference_are_rounded_as_ieee_754_wants_them(bench, a, b):
    sums_agree(bench, a, b)


def sums_agree(bench, a, b):
    """On this machine: what libgcc is trusted with is done by the processor here."""
    for x, y in ((a, b), (b, a), (a, -b), (-b, a)):
        if not math.isnan(x + y):
            assert bits(bench.add(x, y)) == bits(x + y)
        if not math.isnan(x - y):
            assert bits(bench.subtract(x, y)) == bits(x - y)


significands = st.integers(2**52, 2**53 - 1) | st.builds(
    lambda n, places: (n >> places) << places, st.integers(2**52, 2**53 - 1), st.integers(0, 52)
)


@given(significands, significands, st.integers(30, 35), st.integers(-900, 900))
@example(2**52, 2**52 + 1, 33, 0)
@example(2**53 - 11, 2**52 + 1, 32, 0)
@example(2**52, 2**52, 32, 0)
@example(2**52 + 1, 2**52 + 2**31, 32, 0)  # ties
@example(2**52 + 2, 2**52 + 2**31, 32, 0)
def test_sums_of_numbers_that_libgcc_is_not_trusted_with_are_rounded_rightly(bench, m, n, apart, e):
    sums_agree(bench, math.ldexp(m, e), math.ldexp(n, e - apart))


@given(ANY, ANY.filter(lambda x: x != 0.0))
@example(1.0, 3.0)
@example(5e-324, 2.0)
@example(1.7976931348623157e308, 0.5)
@example(2.2250738585072014e-308, 1.5)
@example(0.0, -3.0)
# the divisor's last bits count here: without them its reciprocal is too large
@example(float.fromhex("0x1.8023p+0"), float.fromhex("0x1.46958c55e15p+0"))
@example(float.fromhex("0x1.db7dbe804e4abp+0"), float.fromhex("0x1.163bf8d3ca7a2p+0"))
def test_the_boards_quotient_is_rounded_as_ieee_754_wants_it(bench, a, b):
    with np.errstate(all="ignore"):
        expected = float(np.float64(a) / np.float64(b))
    if not math.isnan(expected):  # the sign of a NaN that was made is not specified
        assert bits(bench.divide(a, b)) == bits(expected)


@given(st.integers(2**52, 2**53 - 1), st.integers(2**52, 2**53 - 1))
@example(2**53 - 1, 2**52)
@example(2**52, 2**53 - 1)
@example(2**53 - 1, 2**53 - 2)
def test_no_pair_of_significands_is_divided_wrongly(bench, n, d):
    assert bench.divide(float(n), float(d)) == float(n) / float(d)


@given(st.floats(min_value=0.0))
@example(5e-324)
@example(2.2250738585072009e-308)
@example(math.inf)
@example(0.0)
@example(3.9999999999999996)
@example(0.9999999999999999)
def test_the_boards_root_is_rounded_as_ieee_754_wants_it(bench, x):
    assert bits(bench.root(x)) == bits(math.sqrt(x))


@given(st.integers(1, 2**26), st.sampled_from([-1, 0, 1]))
def test_roots_beside_a_square_are_not_off_by_one(bench, n, beside):
    x = float(n * n + beside)
    assert bits(bench.root(x)) == bits(math.sqrt(x))


def test_the_root_of_a_negative_is_no_number(bench):
    assert math.isnan(bench.root(-1.0)) and math.isnan(bench.root(-math.inf))
    assert bits(bench.root(-0.0)) == bits(-0.0)
