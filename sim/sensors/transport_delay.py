"""Transport delay between the instruments and the flight computer.

Each range has a latency of its own; ranges in transit are queued by time of arrival, equal ones in
order of measurement. Increments, contacts and status are read out over a direct line and arrive in
the tick of their time-tag. `deliver` posts a tick's messages to the flight software's mailbox.
"""

from fsw.framework.kernel import kernel
from fsw.interface.mailbox import (
    post_command,
    post_contact,
    post_imu,
    post_nav_update,
    post_propulsion,
    post_range,
)
from fsw.interface.messages import RANGES_PER_TICK
from fsw.mathlib.elementary import nearest_int
from sim.common.random_streams import Stream, gauss, stream_key
from sim.sensors.records import DELIVERY_SLOTS


@kernel
def range_latency_ns(params, seed, count):
    """Time from measurement to arrival of sample number `count`: normal, never negative."""
    spread = gauss(stream_key(seed, Stream.RANGE_LATENCY), count)
    latency_s = float(params.latency_s) + float(params.latency_sigma_s) * spread
    return nearest_int(max(latency_s, 0.0) * 1e9)


@kernel
def send_range(delivery, sample, due_ns):
    """Queue a sample until it is due; where the queue is full it is dropped and counted."""
    n = int(delivery.n)
    if n >= DELIVERY_SLOTS:
        delivery.lost = int(delivery.lost) + 1
        return
    i = n
    while i > 0 and int(delivery.due_ns[i - 1]) > due_ns:
        delivery.due_ns[i] = delivery.due_ns[i - 1]
        delivery.ranges[i] = delivery.ranges[i - 1]
        i = i - 1
    delivery.due_ns[i] = due_ns
    delivery.ranges[i] = sample
    delivery.n = n + 1


@kernel
def take_due_ranges(messages, delivery, now_ns):
    """Move the samples that are due into a tick's messages, as many as these hold."""
    n = int(delivery.n)
    taken = 0
    while taken < n and taken < RANGES_PER_TICK and int(delivery.due_ns[taken]) <= now_ns:
        messages.ranges[taken] = delivery.ranges[taken]
        taken = taken + 1
    messages.n_ranges = taken
    if taken == 0:
        return
    for i in range(taken, n):
        delivery.due_ns[i - taken] = delivery.due_ns[i]
        delivery.ranges[i - taken] = delivery.ranges[i]
    delivery.n = n - taken


@kernel
def clear_messages(messages):
    """Mark every message of a tick as absent."""
    messages.n_ranges = 0
    messages.n_imus = 0
    messages.has_contact = 0
    messages.has_propulsion = 0
    messages.has_nav_update = 0
    messages.has_command = 0


@kernel
def deliver(mailbox, messages, now_ns):
    """Post the messages of the tick at now_ns to the flight software's mailbox."""
    for i in range(int(messages.n_ranges)):
        post_range(mailbox, messages.ranges[i], now_ns)
    for i in range(int(messages.n_imus)):
        post_imu(mailbox, messages.imus[i])
    if int(messages.has_contact) == 1:
        post_contact(mailbox, messages.contact)
    if int(messages.has_propulsion) == 1:
        post_propulsion(mailbox, messages.propulsion)
    if int(messages.has_nav_update) == 1:
        post_nav_update(mailbox, messages.nav_update)
    if int(messages.has_command) == 1:
        post_command(mailbox, messages.command)
