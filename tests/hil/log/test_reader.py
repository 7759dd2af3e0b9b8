"""A log is read up to its last whole chunk wherever it was cut; nothing else is taken for one."""

import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from fsw.interface.messages import EVENT, IMU_SAMPLE
from hil.log import reader as log_reader
from hil.log import recorder
from hil.log.reader import Log, open_log, repair
from hil.log.recorder import Recorder
from sim.common.errors import InputError
from tests.hil.flights import DESCRIPTION, rewrite


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def whole(folder):
    """A log of several chunks."""
    path = folder / "whole.mcap"
    with Recorder(path, DESCRIPTION, {"scenario.toml": b"a"}, ring_bytes=4096, wait=True) as log:
        for n in range(300):
            log.append("imu", n, IMU_SAMPLE.new(t_ns=n))
            if n % 7 == 0:
                log.append("event", n, EVENT.new(t_ns=n, a=float(n)))
    return path


@pytest.fixture(scope="module")
def chunk_ends(whole):
    """Byte at which each chunk ends, as the mcap package reads the summary."""
    with open(whole, "rb") as stream:
        chunks = make_reader(stream).get_summary().chunk_indexes
    assert len(chunks) > 3
    return [chunk.chunk_start_offset + chunk.chunk_length for chunk in chunks]


def contents(log: Log) -> list[bytes]:
    return [chunk.content.tobytes() for chunk in log.chunks()]


def copy(folder, data):
    path = folder / "copy.mcap"
    path.write_bytes(data)
    return path


def check_cut(folder, whole, chunk_ends, at):
    data = whole.read_bytes()
    at = min(at, len(data) - 1)
    chunks = contents(open_log(whole))
    expected = [content for content, end in zip(chunks, chunk_ends, strict=True) if end <= at]
    path = copy(folder, data[:at])
    try:
        log = open_log(path)
    except InputError as refusal:
        assert not expected and str(refusal).startswith(str(path)) and "\n" not in str(refusal)
        return
    assert contents(log) == expected
    assert log.cut.startswith("cut off") and not log.faults
    again = folder / "repaired.mcap"
    assert repair(path, again) == [log.cut]
    mended = open_log(again)
    assert contents(mended) == expected and not mended.cut and not mended.faults
    with open(again, "rb") as stream:
        read = list(make_reader(stream, validate_crcs=True).iter_messages())
    assert len(read) == sum(len(chunk.index) for chunk in open_log(again).chunks())


@given(at=st.integers(0, 40_000))
def test_a_log_cut_at_any_byte_is_read_up_to_its_last_whole_chunk(folder, whole, chunk_ends, at):
    check_cut(folder, whole, chunk_ends, at)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_cut_at_the_edge_of_a_chunk_keeps_exactly_the_whole_ones(
    folder, whole, chunk_ends, offset
):
    for end in chunk_ends:
        check_cut(folder, whole, chunk_ends, end + offset)


@given(at=st.integers(0, 40_000), bit=st.integers(0, 7))
@example(at=0, bit=0)
def test_a_bit_flipped_anywhere_in_the_file_is_noticed(folder, whole, at, bit):
    data = bytearray(whole.read_bytes())
    data[at % len(data)] ^= 1 << bit
    try:
        log = open_log(copy(folder, data))
    except InputError as refusal:
        assert "\n" not in str(refusal)
        return
    for _ in log.chunks():
        pass
    assert log.faults or log.cut


def test_records_are_looked_at_where_they_lie(whole):
    log = open_log(whole)
    chunk = next(log.chunks())
    assert chunk.record(3)["t_ns"] == 2
    assert np.shares_memory(chunk.record(3).reshape(1), log.data)


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_log_that_another_tool_rewrote_reads_the_same(folder, whole, compression):
    path = folder / "rewritten.mcap"
    rewrite(whole, path, compression=compression)
    ours, theirs = open_log(whole), open_log(path)
    for topic in ("imu", "event"):
        assert ours.table(topic).tobytes() == theirs.table(topic).tobytes()
    assert not theirs.faults and not theirs.cut
    again = folder / "again.mcap"
    assert repair(path, again) == []
    assert open_log(again).table("imu").tobytes() == ours.table("imu").tobytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a log of ours: it is empty"),
        (b"t,altitude\n0,1\n", "not a log of ours: it does not begin as an MCAP file does"),
    ],
)
def test_what_is_no_log_is_refused_in_a_line(folder, data, words):
    path = copy(folder, data)
    with pytest.raises(InputError) as refusal:
        open_log(path)
    assert str(refusal.value) == f"{path}: {words}"


def test_a_missing_file_is_refused_in_a_line(folder):
    with pytest.raises(InputError, match="none.mcap: cannot be read: No such file or directory"):
        open_log(folder / "none.mcap")


def test_an_mcap_file_of_another_program_is_refused_in_a_line(folder):
    stream = io.BytesIO()
    writer = Writer(stream)
    writer.start()
    writer.add_metadata("theirs", {"version": "7"})
    writer.finish()
    with pytest.raises(InputError, match="an MCAP file, but not a log of ours"):
        open_log(copy(folder, stream.getvalue()))


def test_a_log_of_another_version_is_refused_in_words(folder, monkeypatch):
    path = folder / "other.mcap"
    monkeypatch.setattr(recorder, "LOG_VERSION", 7)
    with Recorder(path, DESCRIPTION):
        pass
    with pytest.raises(InputError, match="log version 7, this program reads 1"):
        open_log(path)


def test_a_log_of_another_schema_is_refused_in_words(folder, monkeypatch):
    path = folder / "other.mcap"
    with Recorder(path, DESCRIPTION):
        pass
    monkeypatch.setattr(log_reader, "log_schema_hash", lambda: "0" * 64)
    with pytest.raises(InputError, match="recorded by version test with schema .* this program"):
        open_log(path)


def test_an_altered_description_is_refused(folder, whole):
    data = whole.read_bytes().replace(b"nominal", b"orbital", 1)
    with pytest.raises(InputError, match="its description was altered"):
        open_log(copy(folder, data))


def test_repair_keeps_description_and_files(folder, whole):
    again = folder / "again.mcap"
    repair(whole, again)
    assert open_log(again).metadata == open_log(whole).metadata
    assert open_log(again).files == {"scenario.toml": b"a"}
