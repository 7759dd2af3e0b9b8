"""Recorded flights for tests: the real flight software about its first range."""

from pathlib import Path

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer

from fsw.interface.mailbox import post_clock, post_command
from fsw.interface.messages import CLOCK_EXCHANGE, GROUND_COMMAND, CommandCode
from fsw.interface.timing import TICK_NS
from hil.log.recorder import Recorder, RecorderReport
from hil.log.tick_recorder import Tap
from hil.wire.session_messages import HOPS
from sim.evaluation.requirements import MARGINS
from sim.faults.records import INJECTION
from sim.plant.world import TRUTH_L
from sim.run.fly import new_run
from sim.run.loop import as_rows, fly_ticks, observe_run
from sim.scenario.load import load

TICKS = 240
LOCK_LIMIT = 100_000
DESCRIPTION = {"version": "test", "scenario": "nominal", "seed": "0"}


def run_before_first_lock(margin=120):
    """A run of the nominal scenario that will fuse its first range `margin` ticks later."""
    scout = new_run(load("nominal"), 0)
    while not scout.state.core.navigation.grid.trust.locked:
        assert fly_ticks(as_rows(scout), 10), "no range was ever fused"
    run = new_run(load("nominal"), 0)
    fly_ticks(as_rows(run), int(scout.world.tick) - margin)
    return run


def record(path: Path, ticks=TICKS, *, run=None, each=None, **options) -> RecorderReport:
    """Fly on for some ticks from before the first lock, recording them with the truth at 10 Hz.

    `each(tick, run, recorder)` is called before every tick.
    """
    run = run_before_first_lock() if run is None else run
    files = {"scenario.toml": b"name = 'test'\n", "history": run.state.history.tobytes()}
    start_ns = int(run.world.tick) * TICK_NS
    truths = TRUTH_L.array(1)
    with Recorder(path, DESCRIPTION, files, wait=True, **options) as recorder:
        tap = Tap(recorder, run.state, run.params, run.inbox, run.outbox, start_ns=start_ns)
        for tick in range(ticks):
            if each:
                each(tick, run, recorder)
            fly_ticks(as_rows(run), 1)
            observe_run(truths, as_rows(run))
            tap.record(truths[0] if tick % 10 == 0 else None)
    return recorder.report


def record_talk(path: Path) -> RecorderReport:
    """The first ticks of the nominal scenario, with traffic on the channels that are rare."""

    def talk(tick, run, recorder):
        now_ns = tick * TICK_NS
        if tick == 5:
            order = GROUND_COMMAND.new(t_ns=now_ns, seq=9, code=CommandCode.RANGE_POWER_CYCLE)
            post_command(run.mailbox, order)
        if tick == 8:
            times = {"t_remote_rx_ns": now_ns - 600, "t_remote_tx_ns": now_ns - 500}
            post_clock(run.mailbox, CLOCK_EXCHANGE.new(t_ns=now_ns - 900, t_rx_ns=now_ns, **times))
        recorder.append("hops", now_ns, HOPS.new(t_ns=now_ns, late_ns=70, applied_t_ns=-1))
        recorder.append("injection", now_ns, INJECTION.new(t_ns=now_ns, row=1, open=1))
        recorder.append("margins", now_ns, MARGINS.new(t_ns=now_ns, stopping=0.5))

    return record(path, 40, run=new_run(load("nominal"), 0), each=talk)


def rewrite(
    source, target, *, compression=CompressionType.ZSTD, change=lambda topic, n, data: data
):
    """Rewrite a log with the mcap package, which numbers channels anew and sorts messages."""
    with open(source, "rb") as stream, open(target, "wb") as out:
        reader = make_reader(stream)
        writer = Writer(out, compression=compression, chunk_size=3000)
        writer.start()
        for record in reader.iter_metadata():
            writer.add_metadata(record.name, record.metadata)
        for record in reader.iter_attachments():
            writer.add_attachment(0, 0, record.name, record.media_type, record.data)
        numbers, counts = {}, {}
        for schema, channel, message in reader.iter_messages():
            topic = channel.topic
            if topic not in numbers:
                number = writer.register_schema(schema.name, schema.encoding, schema.data)
                numbers[topic] = writer.register_channel(topic, "cdr", number)
            n = counts[topic] = counts.get(topic, -1) + 1
            data = change(topic, n, message.data)
            writer.add_message(numbers[topic], message.log_time, data, message.publish_time)
        writer.finish()
