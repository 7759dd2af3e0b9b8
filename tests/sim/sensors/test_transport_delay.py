"""Ranges take their time to arrive, in order, and none is lost uncounted."""

import numpy as np
import pytest

from fsw.framework.kernel import kernel
from fsw.interface.mailbox import MAILBOX, collect
from fsw.interface.messages import INBOX, RANGE_SAMPLE, RANGES_PER_TICK
from fsw.interface.timing import TICK_NS
from sim.plant.tick import advance, sense
from sim.sensors.records import DELIVERY, DELIVERY_SLOTS, RANGEFINDER, TICK_MESSAGES
from sim.sensors.transport_delay import deliver, range_latency_ns, send_range, take_due_ranges
from tests.sim.worlds import above_site, undispersed_world


@kernel
def latencies(parameters, seed, out):
    for i in range(len(out)):
        out[i] = float(range_latency_ns(parameters, seed, i)) * 1e-9


def test_latency_is_fifty_and_ten_milliseconds():
    out = np.zeros(50_000)
    latencies(RANGEFINDER.new(), 3, out)
    assert out.mean() == pytest.approx(0.05, abs=3e-4)
    assert out.std() == pytest.approx(0.01, rel=0.02)
    latencies(RANGEFINDER.new(latency_s=0.01, latency_sigma_s=0.1), 3, out)
    assert out.min() == 0.0


def test_a_sample_arrives_in_the_first_tick_at_or_after_its_time():
    delivery, messages = DELIVERY.new(), TICK_MESSAGES.new()
    send_range(delivery, RANGE_SAMPLE.new(seq=1), 50_000_000)
    send_range(delivery, RANGE_SAMPLE.new(seq=2), 50_000_001)
    got = {}
    for tick in range(8):
        take_due_ranges(messages, delivery, tick * TICK_NS)
        got[tick] = [int(s.seq) for s in messages.ranges[: messages.n_ranges]]
    assert {tick: seqs for tick, seqs in got.items() if seqs} == {5: [1], 6: [2]}


def test_what_is_sent_later_and_due_earlier_overtakes():
    delivery, messages = DELIVERY.new(), TICK_MESSAGES.new()
    for seq, due in ((1, 300), (2, 100), (3, 200), (4, 100)):
        send_range(delivery, RANGE_SAMPLE.new(seq=seq), due)
    take_due_ranges(messages, delivery, 250)
    assert [int(s.seq) for s in messages.ranges[:3]] == [2, 4, 3]
    assert delivery.n == 1


def test_a_burst_waits_for_the_next_ticks_and_a_full_queue_is_counted():
    delivery, messages = DELIVERY.new(), TICK_MESSAGES.new()
    for seq in range(DELIVERY_SLOTS + 3):
        send_range(delivery, RANGE_SAMPLE.new(seq=seq), 0)
    assert delivery.lost == 3
    seen = []
    while delivery.n:
        take_due_ranges(messages, delivery, 0)
        assert messages.n_ranges <= RANGES_PER_TICK
        seen += [int(s.seq) for s in messages.ranges[: messages.n_ranges]]
    assert seen == list(range(DELIVERY_SLOTS))


def test_everything_sensed_reaches_the_flight_software_s_inbox():
    world = above_site(undispersed_world(), 10.0)
    messages, mailbox, inbox = TICK_MESSAGES.new(), MAILBOX.new(), INBOX.new()
    counts = np.zeros(6, int)
    for _ in range(101):
        sense(world, messages)
        deliver(mailbox, messages, int(world.t_ns))
        collect(inbox, mailbox, int(world.t_ns), 0)
        counts += [
            inbox.n_ranges,
            inbox.n_imus,
            inbox.has_contact,
            inbox.has_propulsion,
            inbox.has_nav_update,
            inbox.n_commands,
        ]
        assert np.all(inbox.range_rx_ns[: inbox.n_ranges] == world.t_ns)
        advance(world)
    assert list(counts) == [
        world.board.range_state.count - world.board.delivery.n,
        101,
        101,
        2,
        1,
        1,
    ]
