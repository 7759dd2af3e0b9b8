"""Wire: in lockstep both ends compute what the in-process loop computes, whatever the line does."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.bench.bench import Bench
from hil.bench.lockstep import LockstepSession
from hil.ends.flight_process import fly_with_bench
from hil.platform.errors import BenchError, PeerSilent, SchemaMismatch
from hil.wire.codec import codec
from hil.wire.framing import Encoder
from hil.wire.messages import BY_NAME, MESSAGES
from hil.wire.session_messages import Pace
from hil.wire.slots import outbox_of
from tests.hil.end_doubles import (
    bench_peer,
    flight_peer,
    hello,
    in_process,
    nominal,
    scripted,
    two_ends,
)

RESULT_FIELDS = (
    "verdict time_s touchdown propellant_left_kg first_valid_alt_m first_fused_alt_m"
    " range_verdicts worst_stopping_margin_m margins state_sha256 mode"
).split()


def same_result(one, other):
    assert [bytes(event) for event in one.event_records] == [
        bytes(event) for event in other.event_records
    ]
    for name in RESULT_FIELDS:
        assert getattr(one, name) == getattr(other, name), name


def test_a_session_in_lockstep_has_the_result_of_the_run_in_process():
    with two_ends(5.0) as (bench, flight):
        result = LockstepSession(bench).fly()
        bench.end(verdict=result.verdict)
    same_result(result, in_process(5.0))
    assert (flight.report.reason, flight.report.verdict) == ("finished", "timed_out")
    assert flight.report.ticks == 500
    assert flight.report.wire["missing"] == flight.report.wire["crc"] == 0


class BadLine:
    """A port that damages, drops and doubles what is written to it, the same way every time."""

    def __init__(self, port, one_in):
        self._port, self._one_in, self._count = port, one_in, 0

    def read(self, timeout_s):
        return self._port.read(timeout_s)

    def fileno(self):
        return self._port.fileno()

    def close(self):
        self._port.close()

    def write(self, data):
        self._count += 1
        dice = zlib.crc32(self._count.to_bytes(4, "little"))
        if self._count > 20 and dice % self._one_in == 0:
            where = dice // self._one_in % len(data)
            kind = dice >> 28
            if kind < 5:
                data = data[:where]
            elif kind < 10:
                data = data[:where] + bytes([data[where] ^ 0x55]) + data[where + 1 :]
            else:
                data = b"\x13\x00garbage" + data + data
        return self._port.write(data)


def test_a_line_that_loses_and_spoils_frames_changes_nothing(monkeypatch):
    monkeypatch.setattr("hil.protocol.tick_exchange.RESEND_NS", 20_000_000)

    def bad(port):
        return BadLine(port, one_in=9)

    with two_ends(3.0, bench_line=bad, flight_line=bad) as (bench, flight):
        result = LockstepSession(bench).fly()
    same_result(result, in_process(3.0))
    assert flight.report.wire["crc"] + flight.report.wire["cobs"] > 5
    assert bench.peer.decoder.counters.refused > 5


class LooseLine:
    """A port that falls out once, after so many reads."""

    fallen = False

    def __init__(self, port):
        self._port, self._reads = port, 0

    def read(self, timeout_s):
        self._reads += 1
        if self._reads > 100 and not LooseLine.fallen:
            LooseLine.fallen = True
            raise OSError("unplugged")
        return self._port.read(timeout_s)

    def write(self, data):
        return self._port.write(data)

    def fileno(self):
        return self._port.fileno()

    def close(self):
        self._port.close()


def test_unplugging_and_replugging_the_flight_computer_changes_nothing(monkeypatch):
    monkeypatch.setattr("hil.protocol.tick_exchange.RESEND_NS", 50_000_000)
    LooseLine.fallen = False
    with two_ends(3.0, flight_line=LooseLine) as (bench, flight):
        result = LockstepSession(bench).fly()
    same_result(result, in_process(3.0))
    assert (flight.report.link["unplugged"], flight.report.link["replugged"]) == (1, 1)


def test_core_and_history_are_read_back_over_the_wire():
    with two_ends(0.5) as (bench, _):
        LockstepSession(bench).fly()
        core, history = bench.read_region("core"), bench.read_region("history")
        assert bench.read_region("params") == bench.run.params.tobytes()
    assert core == bytes(bench.rows[0]["state"]["core"])
    assert len(history) == bench.rows.dtype["state"]["history"].itemsize
    assert any(history)


# --- ends that do not fit -----------------------------------------------------------------


def test_another_schema_is_refused_in_words_by_the_bench():
    names = []

    def stranger(name, payload):
        names.append(name)
        return [hello(schema=0xABCDEF)] if name == "Hello" else None

    link, clock = scripted(stranger)
    words = r"flight computer at .* \(version 9.9\) has schema 0000000000abcdef, .* same records"
    with pytest.raises(SchemaMismatch, match=words):
        Bench(bench_peer(link, clock), nominal(), 0).meet()
    assert (names[0], names[-1]) == ("Hello", "End")


def test_another_schema_is_refused_in_words_by_the_flight_computer():
    link, clock = scripted(lambda name, payload: [])
    port = link._port
    port._inbound = Encoder().frame(
        BY_NAME["Hello"], codec("Hello").pack(schema=1, version=b"9.9", asks=1)
    )
    with pytest.raises(SchemaMismatch, match="the bench at the other end"):
        fly_with_bench(flight_peer(link, clock))


def test_a_flight_computer_that_never_answers_is_named_within_the_limit():
    link, clock = scripted(lambda name, payload: None)
    start_ns = clock.now_ns()
    with pytest.raises(PeerSilent, match=r"the flight computer: no answer within 10 s"):
        Bench(bench_peer(link, clock), nominal(), 0).meet()
    assert clock.now_ns() - start_ns <= 11 * 10**9


def test_a_bench_that_never_comes_is_named_within_the_limit():
    link, clock = scripted(lambda name, payload: None)
    with pytest.raises(PeerSilent, match=r"the bench on the other end: no answer within 60 s"):
        fly_with_bench(flight_peer(link, clock))


def test_a_flight_computer_that_goes_silent_in_flight_is_named():
    def dies(name, payload):
        if name == "Hello":
            return [hello()]
        return [("Ready", {})] if name == "Begin" else None

    link, clock = scripted(dies)
    # no wait takes time on this line: the liveness check advances the clock
    bench = Bench(
        bench_peer(link, clock), nominal(), 0, check_alive=lambda: clock.advance(250_000_000)
    )
    bench.meet()
    with pytest.raises(PeerSilent, match="the flight computer was silent for 5 s"):
        LockstepSession(bench).fly()


def test_a_flight_computer_that_sends_end_ends_the_session():
    def leaves(name, payload):
        if name == "Hello":
            return [hello()]
        if name == "Begin":
            return [("Ready", {})]
        return [("End", {"reason": 1})] if name == "Tick" else None

    link, clock = scripted(leaves)
    bench = Bench(bench_peer(link, clock), nominal(), 0)
    bench.meet()
    with pytest.raises(BenchError, match="ended the session at 0.00 s: interrupted"):
        LockstepSession(bench).fly()


def test_a_bench_that_goes_silent_in_flight_is_named():
    with two_ends(1.0, silence_limit_ns=300_000_000) as (bench, flight):
        LockstepSession(bench).begin()
        flight.join(20.0)
    assert isinstance(flight.error, PeerSilent)
    assert "the bench was silent for 0.3 s" in str(flight.error)


def test_a_flight_computer_without_all_parameters_does_not_start():
    link, clock = scripted(lambda name, payload: None)
    port, encoder = link._port, Encoder()
    port._inbound = b"".join(
        encoder.frame(BY_NAME[name], codec(name).pack(**fields))
        for name, fields in (
            hello(asks=1, role=0),
            ("Begin", {"regions": 1, "params_crc": 5, "pace": Pace.LOCKSTEP}),
        )
    )
    answers = []
    port._answer = lambda name, payload: answers.append((name, payload))
    with pytest.raises(PeerSilent):
        fly_with_bench(flight_peer(link, clock), meeting_limit_ns=10**9)
    assert [name for name, _ in answers] == ["Hello", "Ready"]
    assert codec("Ready").unpack(answers[1][1]).result == 1


# --- records as values, outboxes as packets -----------------------------------------------

CODED = [
    m for m in MESSAGES if m.name in ("Hello", "Block", "Tick", "Done", "Timing", "End", "Event")
]


@given(st.data(), st.sampled_from(CODED))
@settings(max_examples=60)
def test_a_codec_reads_and_writes_what_the_record_holds(data, message):
    payload = data.draw(st.binary(min_size=message.size, max_size=message.size))
    values = codec(message.name).unpack(payload)
    row = message.record.from_bytes(payload)
    for (path, _, _), value in zip(message.record.leaves(), values, strict=True):
        mine = row
        for part in path.split("."):
            mine = mine[part]
        assert mine.tobytes() == (
            value if isinstance(value, bytes) else mine.dtype.type(value).tobytes()
        )
    again = codec(message.name).unpack(codec(message.name).pack(**values._asdict()))
    assert repr(again) == repr(values)


def test_an_outbox_gives_what_was_put_in_and_refuses_what_has_no_room():
    from fsw.interface.messages import EVENT, EVENTS_PER_TICK, OUTBOX, TELEMETRY

    memory = memoryview(bytearray(OUTBOX.dtype.itemsize))
    outbox = outbox_of(memory)
    events = [EVENT.new(code=k, a=k).tobytes() for k in range(EVENTS_PER_TICK + 1)]
    assert [outbox.put(BY_NAME["Event"], event) for event in events] == [True] * 16 + [False]
    assert outbox.put(BY_NAME["Telemetry"], TELEMETRY.new(tick=7).tobytes())
    assert outbox.put(BY_NAME["Telemetry"], TELEMETRY.new(tick=8).tobytes())
    out = OUTBOX.from_bytes(bytes(memory))
    assert (out.n_events, out.has_telemetry, out.telemetry.tick) == (16, 1, 8)
    packets = [(message.name, payload) for message, payload in outbox.packets()]
    assert packets[1:] == [("Telemetry", TELEMETRY.new(tick=8).tobytes())] + [
        ("Event", event) for event in events[:16]
    ]
    outbox.clear()
    assert [message.name for message, _ in outbox.packets()] == ["ActuatorCommand"]
