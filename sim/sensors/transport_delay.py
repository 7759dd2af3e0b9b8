"""The way of a message from the instrument to the flight computer's door.

Ranges take their time, each another; they wait here sorted by arrival, equal arrivals in order
of measurement. Increments, contacts and status are read out over a direct line and arrive in
the tick of their stamp. `deliver` hands a tick's arrivals over to the flight software's mailbox.
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
def range_latency_ns(parameters, seed, count):
    """Time from measurement to arrival of sample number `count`: normal, never negative."""
    spread = gauss(stream_key(seed, Stream.RANGE_LATENCY), count)
    latency_s = float(parameters.latency_s) + float(parameters.latency_sigma_s) * spread
    return nearest_int(max(latency_s, 0.0) * 1e9)


@kernel
def send_range(delivery, sample, due_ns):
    """Put a sample on its way; where the queue is full it is dropped and counted."""
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
def arrive(delivery, arrivals, now_ns):
    """Move the samples that are due into this tick's arrivals, as many as it holds."""
    n = int(delivery.n)
    taken = 0
    while taken < n and taken < RANGES_PER_TICK and int(delivery.due_ns[taken]) <= now_ns:
        arrivals.ranges[taken] = delivery.ranges[taken]
        taken = taken + 1
    arrivals.n_ranges = taken
    if taken == 0:
        return
    for i in range(taken, n):
        delivery.due_ns[i - taken] = delivery.due_ns[i]
        delivery.ranges[i - taken] = delivery.ranges[i]
    delivery.n = n - taken


@kernel
def lose_arrivals(arrivals):
    """Nothing arrives in this tick, or nobody is there to take it."""
    arrivals.n_ranges = 0
    arrivals.n_imus = 0
    arrivals.has_contact = 0
    arrivals.has_propulsion = 0
    arrivals.has_nav_update = 0
    arrivals.has_command = 0


@kernel
def deliver(arrivals, mailbox, now_ns):
    """Post everything that arrives in the tick at now_ns to the flight software's mailbox."""
    for i in range(int(arrivals.n_ranges)):
        post_range(mailbox, arrivals.ranges[i], now_ns)
    for i in range(int(arrivals.n_imus)):
        post_imu(mailbox, arrivals.imus[i])
    if int(arrivals.has_contact) == 1:
        post_contact(mailbox, arrivals.contact)
    if int(arrivals.has_propulsion) == 1:
        post_propulsion(mailbox, arrivals.propulsion)
    if int(arrivals.has_nav_update) == 1:
        post_nav_update(mailbox, arrivals.nav_update)
    if int(arrivals.has_command) == 1:
        post_command(mailbox, arrivals.command)
