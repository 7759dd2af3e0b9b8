"""Stamps: true ones pass in any order and at any delay, wrong ones are noticed and repaired."""

from hypothesis import given
from hypothesis import strategies as st

from fsw.intake.range_timestamps import RANGE_TIMESTAMPS, RANGE_TIMESTAMPS_PARAMS, repaired_stamp

PERIOD_NS = 50_000_000
LATENCY_NS = 50_000_000
S = 1_000_000_000
PARAMS = RANGE_TIMESTAMPS_PARAMS.new()


def feed(samples):
    """Stamps after repair, None for a distrusted one; samples are (true_ns, stamp, seq, rx)."""
    tags = RANGE_TIMESTAMPS.new()
    out = []
    for _, stamp, seq, rx in samples:
        t_ns, trusted = repaired_stamp(tags, PARAMS, stamp, seq & 0xFFFF, rx)
        out.append(int(t_ns) if trusted else None)
    return out, tags


def line(count, stamp=lambda n, t: t, latency=lambda n: LATENCY_NS, first=65500):
    """Samples as measured every 50 ms; the sequence counter wraps on the way."""
    times = [(n + 200) * PERIOD_NS for n in range(count)]
    return [(t, stamp(n, t), first + n, t + latency(n)) for n, t in enumerate(times)]


@given(
    delays=st.lists(st.integers(15_000_000, 8 * S), min_size=2, max_size=80),
    kept=st.data(),
)
def test_true_stamps_pass_unchanged_in_any_order_at_any_delay(delays, kept):
    samples = line(len(delays), latency=lambda n: delays[n])
    copies = kept.draw(st.lists(st.sampled_from(samples), max_size=20))
    arriving = sorted(samples + copies, key=lambda sample: sample[3])
    out, tags = feed(arriving)
    assert out == [sample[0] for sample in arriving]
    assert tags.shift_ns == 0 and tags.jumps == 0 and tags.doubtful == 0


@given(step_s=st.floats(-20.0, 20.0).filter(lambda s: abs(s) > 0.1), at=st.integers(5, 60))
def test_a_step_of_the_clock_is_repaired_after_three_samples(step_s, at):
    step_ns = round(step_s * S)
    samples = line(80, stamp=lambda n, t: t + (step_ns if n >= at else 0))
    out, tags = feed(samples)
    assert out[:at] == [sample[0] for sample in samples[:at]]
    assert out[at : at + 2] == [None, None]
    assert out[at + 2 :] == [sample[0] for sample in samples[at + 2 :]]
    assert tags.jumps == 1


@given(pause_s=st.floats(0.2, 30.0), jitter=st.lists(st.integers(0, 40_000_000), min_size=60))
def test_a_pause_of_the_instrument_is_no_step_of_its_clock(pause_s, jitter):
    pause_ns = round(pause_s * S)
    samples = [
        (t + pause_ns * (n >= 30), t + pause_ns * (n >= 30), seq, rx + pause_ns * (n >= 30))
        for n, (t, _, seq, rx) in enumerate(line(60, latency=lambda n: LATENCY_NS + jitter[n]))
    ]
    out, tags = feed(samples)
    assert out == [sample[0] for sample in samples]
    assert tags.jumps == 0


@given(lost=st.sets(st.integers(1, 99), max_size=60))
def test_lost_samples_are_no_step(lost):
    samples = [s for n, s in enumerate(line(100)) if n not in lost]
    out, tags = feed(samples)
    assert out == [sample[0] for sample in samples]
    assert tags.jumps == 0


def test_stamps_made_on_arrival_are_moved_back_by_the_usual_latency_and_marked_doubtful():
    samples = line(60, stamp=lambda n, t: t + LATENCY_NS)
    out, tags = feed(samples)
    assert out[20:] == [sample[0] for sample in samples[20:]]
    assert tags.doubtful == 1


def test_a_clock_that_is_ahead_from_the_start_is_set_back():
    samples = line(60, stamp=lambda n, t: t + 3 * S)
    out, _ = feed(samples)
    assert out[20:] == [sample[0] for sample in samples[20:]]


def test_a_clock_that_runs_fast_never_gets_ahead_of_arrival_for_long():
    samples = line(4000, stamp=lambda n, t: t + t // 1000)
    out, tags = feed(samples)
    ages = [s[3] - t for s, t in zip(samples, out, strict=True)]
    assert min(ages[100:]) > -20_000_000
    assert tags.doubtful == 1


def test_one_wrong_stamp_has_no_effect():
    samples = line(40, stamp=lambda n, t: t + (5 * S if n == 20 else 0))
    out, tags = feed(samples)
    assert out[20] is None
    assert out[21:] == [sample[0] for sample in samples[21:]]
    assert tags.jumps == 0
