"""Mailbox: queues of messages between their arrival and the tick that reads them.

One queue for every path: the in-process loop and the serial link both post to it and collect from
it, so that a burst that overfills a tick is handled alike on all of them. Oldest first; a message
that finds a full queue is dropped and counted.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import U8_MAX, i64, record, u8, u32
from fsw.interface.messages import (
    CLOCK_EXCHANGE,
    COMMANDS_PER_TICK,
    CONTACT_SAMPLE,
    GROUND_COMMAND,
    IMU_SAMPLE,
    IMUS_PER_TICK,
    NAV_UPDATE,
    PROPULSION_STATUS,
    RANGE_SAMPLE,
    RANGES_PER_TICK,
)

RANGE_QUEUE_SLOTS = 256
IMU_SLOTS = 128
COMMAND_SLOTS = 16

MAILBOX = record(
    "Mailbox",
    "Messages that have arrived and are queued for a tick.",
    ranges=RANGE_SAMPLE("ring of ranges", RANGE_QUEUE_SLOTS),
    range_rx_ns=i64("when each range arrived, flight clock", RANGE_QUEUE_SLOTS),
    imus=IMU_SAMPLE("ring of increments", IMU_SLOTS),
    commands=GROUND_COMMAND("ring of commands", COMMAND_SLOTS),
    contact=CONTACT_SAMPLE("latest"),
    propulsion=PROPULSION_STATUS("latest"),
    nav_update=NAV_UPDATE("latest"),
    clock=CLOCK_EXCHANGE("latest"),
    range_head=u32("ranges collected since the start"),
    range_tail=u32("ranges posted since the start"),
    imu_head=u32("increments collected since the start"),
    imu_tail=u32("increments posted since the start"),
    command_head=u32("commands collected since the start"),
    command_tail=u32("commands posted since the start"),
    lost=u32("messages dropped because a ring was full"),
    has_contact=u8("1 when contact is new"),
    has_propulsion=u8("1 when propulsion is new"),
    has_nav_update=u8("1 when nav_update is new"),
    has_clock=u8("1 when clock is new"),
)


@kernel
def post_range(mailbox, sample, t_rx_ns):
    """Queue a range that arrived at t_rx_ns, flight clock."""
    tail = int(mailbox.range_tail)
    if tail - int(mailbox.range_head) >= RANGE_QUEUE_SLOTS:
        mailbox.lost = int(mailbox.lost) + 1
        return
    mailbox.ranges[tail % RANGE_QUEUE_SLOTS] = sample
    mailbox.range_rx_ns[tail % RANGE_QUEUE_SLOTS] = t_rx_ns
    mailbox.range_tail = tail + 1


@kernel
def post_imu(mailbox, sample):
    """Queue an inertial increment."""
    tail = int(mailbox.imu_tail)
    if tail - int(mailbox.imu_head) >= IMU_SLOTS:
        mailbox.lost = int(mailbox.lost) + 1
        return
    mailbox.imus[tail % IMU_SLOTS] = sample
    mailbox.imu_tail = tail + 1


@kernel
def post_command(mailbox, command):
    """Queue a ground command."""
    tail = int(mailbox.command_tail)
    if tail - int(mailbox.command_head) >= COMMAND_SLOTS:
        mailbox.lost = int(mailbox.lost) + 1
        return
    mailbox.commands[tail % COMMAND_SLOTS] = command
    mailbox.command_tail = tail + 1


@kernel
def post_contact(mailbox, sample):
    """Keep the latest footpad state."""
    mailbox.contact = sample
    mailbox.has_contact = 1


@kernel
def post_propulsion(mailbox, status):
    """Keep the latest propulsion status."""
    mailbox.propulsion = status
    mailbox.has_propulsion = 1


@kernel
def post_nav_update(mailbox, update):
    """Keep the latest uplinked state vector."""
    mailbox.nav_update = update
    mailbox.has_nav_update = 1


@kernel
def post_clock(mailbox, exchange):
    """Keep the latest clock exchange."""
    mailbox.clock = exchange
    mailbox.has_clock = 1


@kernel
def empty_mailbox(mailbox):
    """Empty all queues, as a restart of the computer does."""
    mailbox.range_head = mailbox.range_tail
    mailbox.imu_head = mailbox.imu_tail
    mailbox.command_head = mailbox.command_tail
    mailbox.has_contact = 0
    mailbox.has_propulsion = 0
    mailbox.has_nav_update = 0
    mailbox.has_clock = 0


@kernel
def collect(inbox, mailbox, now_ns, missed_ticks):
    """Fill the inbox of the tick at now_ns with a tick's number of messages, oldest first."""
    inbox.now_ns = now_ns
    inbox.missed_ticks = min(missed_ticks, U8_MAX)
    _collect_ranges(inbox, mailbox)
    _collect_imus(inbox, mailbox)
    _collect_commands(inbox, mailbox)
    _collect_latest(inbox, mailbox)
    inbox.lost = mailbox.lost
    inbox.waiting = (
        int(mailbox.range_tail)
        - int(mailbox.range_head)
        + int(mailbox.imu_tail)
        - int(mailbox.imu_head)
        + int(mailbox.command_tail)
        - int(mailbox.command_head)
    )


@kernel
def _collect_ranges(inbox, mailbox):
    """Move up to a tick's number of ranges, oldest first."""
    head = int(mailbox.range_head)
    n = min(int(mailbox.range_tail) - head, RANGES_PER_TICK)
    for i in range(n):
        slot = (head + i) % RANGE_QUEUE_SLOTS
        inbox.ranges[i] = mailbox.ranges[slot]
        inbox.range_rx_ns[i] = mailbox.range_rx_ns[slot]
    mailbox.range_head = head + n
    inbox.n_ranges = n


@kernel
def _collect_imus(inbox, mailbox):
    """Move up to a tick's number of inertial samples, oldest first."""
    head = int(mailbox.imu_head)
    n = min(int(mailbox.imu_tail) - head, IMUS_PER_TICK)
    for i in range(n):
        inbox.imus[i] = mailbox.imus[(head + i) % IMU_SLOTS]
    mailbox.imu_head = head + n
    inbox.n_imus = n


@kernel
def _collect_commands(inbox, mailbox):
    """Move up to a tick's number of commands, oldest first."""
    head = int(mailbox.command_head)
    n = min(int(mailbox.command_tail) - head, COMMANDS_PER_TICK)
    for i in range(n):
        inbox.commands[i] = mailbox.commands[(head + i) % COMMAND_SLOTS]
    mailbox.command_head = head + n
    inbox.n_commands = n


@kernel
def _collect_latest(inbox, mailbox):
    """Move the messages of which only the latest counts."""
    inbox.has_contact = mailbox.has_contact
    inbox.has_propulsion = mailbox.has_propulsion
    inbox.has_nav_update = mailbox.has_nav_update
    inbox.has_clock = mailbox.has_clock
    if int(mailbox.has_contact) == 1:
        inbox.contact = mailbox.contact
    if int(mailbox.has_propulsion) == 1:
        inbox.propulsion = mailbox.propulsion
    if int(mailbox.has_nav_update) == 1:
        inbox.nav_update = mailbox.nav_update
    if int(mailbox.has_clock) == 1:
        inbox.clock = mailbox.clock
    mailbox.has_contact = 0
    mailbox.has_propulsion = 0
    mailbox.has_nav_update = 0
    mailbox.has_clock = 0
