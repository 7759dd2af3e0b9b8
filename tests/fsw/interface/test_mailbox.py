"""Law: the mailbox against queues, for any story of messages and ticks."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fsw.interface.mailbox import (
    COMMAND_SLOTS,
    IMU_SLOTS,
    MAILBOX,
    RANGE_QUEUE_SLOTS,
    collect,
    empty_mailbox,
    post_clock,
    post_command,
    post_contact,
    post_imu,
    post_nav_update,
    post_propulsion,
    post_range,
)
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    COMMANDS_PER_TICK,
    CONTACT_SAMPLE,
    GROUND_COMMAND,
    IMU_SAMPLE,
    IMUS_PER_TICK,
    INBOX,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
    RANGES_PER_TICK,
)

LATEST = {
    "contact": (post_contact, CONTACT_SAMPLE),
    "propulsion": (post_propulsion, PROPULSION_STATUS),
    "nav_update": (post_nav_update, NAV_UPDATE),
    "clock": (post_clock, CLOCK_EXCHANGE),
}


class MailboxStory(RuleBasedStateMachine):
    """Bursts of messages, marked by their time, and ticks that collect them."""

    def __init__(self):
        super().__init__()
        self.mailbox, self.inbox = MAILBOX.new(), INBOX.new()
        self.ranges, self.imus, self.commands = deque(), deque(), deque()
        self.latest = {}
        self.lost = self.mark = 0
        self.fresh = False

    def next_mark(self):
        self.mark += 1
        return self.mark

    def queue(self, kept, slots, mark):
        if len(kept) < slots:
            kept.append(mark)
        else:
            self.lost += 1

    @rule(count=st.integers(1, 20) | st.just(RANGE_QUEUE_SLOTS))
    def ranges_arrive(self, count):
        for _ in range(count):
            mark = self.next_mark()
            post_range(self.mailbox, RANGE_SAMPLE.new(t_ns=mark), 1000 + mark)
            self.queue(self.ranges, RANGE_QUEUE_SLOTS, mark)

    @rule(count=st.integers(1, 12) | st.just(IMU_SLOTS))
    def increments_arrive(self, count):
        for _ in range(count):
            mark = self.next_mark()
            post_imu(self.mailbox, IMU_SAMPLE.new(t_ns=mark))
            self.queue(self.imus, IMU_SLOTS, mark)

    @rule(count=st.integers(1, 5) | st.just(COMMAND_SLOTS))
    def commands_arrive(self, count):
        for _ in range(count):
            mark = self.next_mark()
            post_command(self.mailbox, GROUND_COMMAND.new(t_ns=mark))
            self.queue(self.commands, COMMAND_SLOTS, mark)

    @rule(kind=st.sampled_from(sorted(LATEST)))
    def a_report_arrives(self, kind):
        post, message = LATEST[kind]
        self.latest[kind] = self.next_mark()
        post(self.mailbox, message.new(t_ns=self.mark))

    @rule(missed=st.integers(0, 1000))
    def a_tick_collects(self, missed):
        now_ns = self.next_mark()
        collect(self.inbox, self.mailbox, now_ns, missed)
        assert (self.inbox.now_ns, self.inbox.missed_ticks) == (now_ns, min(missed, 255))
        ranges = self.taken(self.ranges, RANGES_PER_TICK)
        rows = self.inbox.ranges[: int(self.inbox.n_ranges)]
        assert [int(row.t_ns) for row in rows] == ranges
        received = self.inbox.range_rx_ns[: int(self.inbox.n_ranges)].tolist()
        assert received == [1000 + mark for mark in ranges]
        rows = self.inbox.imus[: int(self.inbox.n_imus)]
        assert [int(row.t_ns) for row in rows] == self.taken(self.imus, IMUS_PER_TICK)
        rows = self.inbox.commands[: int(self.inbox.n_commands)]
        assert [int(row.t_ns) for row in rows] == self.taken(self.commands, COMMANDS_PER_TICK)
        for kind in LATEST:
            assert int(self.inbox[f"has_{kind}"]) == (kind in self.latest)
            if kind in self.latest:
                assert int(self.inbox[kind].t_ns) == self.latest[kind]
        self.latest = {}
        assert int(self.inbox.lost) == self.lost
        waiting = len(self.ranges) + len(self.imus) + len(self.commands)
        assert int(self.inbox.waiting) == waiting

    @rule()
    def the_computer_restarts(self):
        empty_mailbox(self.mailbox)
        self.latest = {}
        for queue in (self.ranges, self.imus, self.commands):
            queue.clear()

    @staticmethod
    def taken(queue, room):
        return [queue.popleft() for _ in range(min(room, len(queue)))]

    @invariant()
    def what_is_lost_is_counted(self):
        assert int(self.mailbox.lost) == self.lost

    @precondition(lambda self: self.ranges)
    @rule()
    def the_oldest_range_waits_in_front(self):
        head = int(self.mailbox.range_head) % RANGE_QUEUE_SLOTS
        assert int(self.mailbox.ranges[head].t_ns) == self.ranges[0]


MailboxStory.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestTheMailboxIsAQueue = MailboxStory.TestCase


def drained(mailbox):
    """Ticks it takes to empty the mailbox, and the ranges in the order in which they came out."""
    inbox, marks = INBOX.new(), []
    ticks = 0
    while True:
        collect(inbox, mailbox, 0, 0)
        if int(inbox.n_ranges) == 0:
            return ticks, marks
        marks += [int(row.t_ns) for row in inbox.ranges[: int(inbox.n_ranges)]]
        ticks += 1


def test_a_burst_takes_eight_a_tick_oldest_first():
    mailbox = MAILBOX.new()
    for mark in range(100):
        post_range(mailbox, RANGE_SAMPLE.new(t_ns=mark), mark)
    assert drained(mailbox) == (13, list(range(100)))


def test_a_full_ring_drops_the_newest_and_counts_it():
    mailbox = MAILBOX.new()
    for mark in range(RANGE_QUEUE_SLOTS + 44):
        post_range(mailbox, RANGE_SAMPLE.new(t_ns=mark), mark)
    assert int(mailbox.lost) == 44
    assert drained(mailbox)[1] == list(range(RANGE_QUEUE_SLOTS))


def test_an_empty_tick_is_empty():
    mailbox, inbox = MAILBOX.new(), INBOX.new()
    for kind, (post, message) in LATEST.items():
        post(mailbox, message.new(t_ns=5))
        collect(inbox, mailbox, 1, 0)
        assert int(inbox[f"has_{kind}"]) == 1
        collect(inbox, mailbox, 2, 0)
        assert [int(inbox[f"has_{other}"]) for other in LATEST] == [0] * len(LATEST)
    assert (inbox.n_ranges, inbox.n_imus, inbox.n_commands) == (0, 0, 0)
    assert (inbox.waiting, inbox.lost) == (0, 0)
