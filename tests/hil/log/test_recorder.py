"""What is appended is in the file, for any MCAP reader to see; what is not, is counted."""

import errno
import io
import threading

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from fsw.interface.messages import EVENT, IMU_SAMPLE
from hil.log import recorder as recorder_module
from hil.log.channels import BY_ID, CHANNELS, IDS
from hil.log.reader import open_log
from hil.log.recorder import Recorder
from sim.common.errors import InputError
from tests.hil.flights import DESCRIPTION, record
from tests.hil.log.test_ros2msg import assert_equal_fields, filled


def messages(path):
    with open(path, "rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()], validate_crcs=True)
        yield from reader.iter_decoded_messages()


def test_every_channel_is_read_back_equal_by_ros_tools(tmp_path):
    path = tmp_path / "all.mcap"
    rows = {c.topic: filled(c.record, n) for n, c in enumerate(CHANNELS)}
    with Recorder(path, DESCRIPTION) as recorder:
        for n, (topic, row) in enumerate(rows.items()):
            recorder.append(topic, 1000 + n, row, sent_ns=900 + n)
    found = {}
    for n, (schema, channel, message, decoded) in enumerate(messages(path)):
        declared = BY_ID[IDS[channel.topic]].record
        assert schema.encoding == "ros2msg" and schema.name.endswith(f"/{declared.name}")
        assert (message.log_time, message.publish_time) == (1000 + n, 900 + n)
        assert_equal_fields(declared, rows[channel.topic], decoded)
        found[channel.topic] = True
    assert list(found) == list(rows)


def test_a_flight_is_read_back_equal_by_ros_tools(tmp_path):
    path = tmp_path / "flight.mcap"
    report = record(path, 60)
    assert report.whole
    ours = {c.topic: iter(open_log(path).table(c.topic)) for c in CHANNELS}
    read = 0
    for _, channel, _, decoded in messages(path):
        assert_equal_fields(BY_ID[IDS[channel.topic]].record, next(ours[channel.topic]), decoded)
        read += 1
    assert read == report.records
    assert not any(list(rest) for rest in ours.values())


def test_a_log_holds_its_description(tmp_path):
    path = tmp_path / "a.mcap"
    with Recorder(path, DESCRIPTION, {"scenario.toml": b"a = 1\n"}):
        pass
    with open(path, "rb") as stream:
        reader = make_reader(stream)
        names = {record.name: record.metadata for record in reader.iter_metadata()}
        files = {record.name: record.data for record in reader.iter_attachments()}
    assert names["leadline"].items() >= DESCRIPTION.items()
    assert len(names["leadline"]["schema_hash"]) == len(names["leadline"]["kernels_hash"]) == 64
    assert files == {"scenario.toml": b"a = 1\n"}


def test_log_times_never_decrease(tmp_path):
    path = tmp_path / "a.mcap"
    with Recorder(path, DESCRIPTION) as recorder:
        for t_ns in (50, 20, 70, 60):
            recorder.append("event", t_ns, EVENT.new(t_ns=t_ns))
    with open(path, "rb") as stream:
        times = [message.log_time for _, _, message in make_reader(stream).iter_messages()]
    assert times == [50, 50, 70, 70]


def test_a_full_ring_drops_and_counts_and_never_blocks(tmp_path, monkeypatch):
    gate = threading.Event()
    write = recorder_module.McapFile.write_chunk
    monkeypatch.setattr(
        recorder_module.McapFile, "write_chunk", lambda *a: (gate.wait(), write(*a))[1]
    )
    path = tmp_path / "a.mcap"
    with Recorder(path, DESCRIPTION, ring_bytes=4096) as recorder:
        taken = [recorder.append("imu", n, IMU_SAMPLE.new(t_ns=n)) for n in range(1000)]
        gate.set()
    report = recorder.report
    assert 0 < report.dropped == taken.count(False) < 1000
    assert report.records == taken.count(True) == len(open_log(path).table("imu"))
    assert not report.whole


def test_where_waiting_is_allowed_nothing_is_dropped(tmp_path):
    path = tmp_path / "a.mcap"
    with Recorder(path, DESCRIPTION, ring_bytes=4096, wait=True) as recorder:
        for n in range(5000):
            recorder.append("imu", n, IMU_SAMPLE.new(t_ns=n))
    assert recorder.report.whole
    assert np.array_equal(open_log(path).table("imu").t_ns, np.arange(5000))


class FullDisk(io.FileIO):
    """A file on a disk that takes so many bytes and no more."""

    room = 100_000

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_reported_and_the_loop_flies_on(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_module, "_create", lambda path: FullDisk(path, "wb"))
    path = tmp_path / "a.mcap"
    with Recorder(path, DESCRIPTION, ring_bytes=1 << 14, wait=True) as recorder:
        taken = [recorder.append("imu", n, IMU_SAMPLE.new(t_ns=n)) for n in range(5000)]
    assert all(taken)
    assert recorder.report.error == f"{path}: writing stopped: No space left on device"
    assert not recorder.report.whole
    kept = open_log(path).table("imu").t_ns
    assert np.array_equal(kept, np.arange(len(kept)))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_recorded_is_lost_by_an_exception(tmp_path, error):
    path = tmp_path / "a.mcap"
    with pytest.raises(error), Recorder(path, DESCRIPTION) as recorder:
        for n in range(10):
            recorder.append("event", n, EVENT.new(t_ns=n))
        raise error
    log = open_log(path)
    assert log.table("event").t_ns.tolist() == list(range(10))
    assert log.end["records"] == "10" and not log.cut and not log.faults


def test_what_was_recorded_is_on_disk_before_the_log_is_closed(tmp_path, monkeypatch):
    path = tmp_path / "a.mcap"
    written = threading.Event()
    write = recorder_module.McapFile.write_chunk
    monkeypatch.setattr(
        recorder_module.McapFile, "write_chunk", lambda *a: (write(*a), written.set())
    )
    with Recorder(path, DESCRIPTION) as recorder:
        recorder.append("event", 1, EVENT.new(t_ns=1))
        assert written.wait(30)
        assert open_log(path).table("event").t_ns.tolist() == [1]


def test_a_path_that_cannot_be_written_is_refused_in_a_line(tmp_path):
    with pytest.raises(InputError, match="cannot be written: No such file or directory"):
        Recorder(tmp_path / "no" / "such.mcap", DESCRIPTION)


def test_a_record_of_another_size_is_refused(tmp_path):
    with Recorder(tmp_path / "a.mcap", DESCRIPTION) as recorder:
        with pytest.raises(ValueError, match="channel params"):
            recorder.append("params", 0, IMU_SAMPLE.new())
