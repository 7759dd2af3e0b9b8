"""The inner loops of recording and reading: messages in a ring, and sums that locate a change.

A message stands in the ring as it will stand in the file: an MCAP message record (opcode,
length, channel, sequence, log time, publish time), the CDR header, the record's bytes. The
writer thread then moves whole stretches of bytes and holds the interpreter's lock for
microseconds, where building message by message would hold up the loop for milliseconds.

Log times never decrease, so a tool that sorts messages by them, as MCAP readers do, leaves
every tick together and its mark last.

*Locating sums.* The 64-bit words of all that is logged for a tick (channel, log time and publish
time of each message, then its payload) are numbered i = 1, 2, ... and summed twice, low halves
and high halves apart:

    S0 = sum lo_i    S1 = sum i lo_i    S2 = sum hi_i    S3 = sum i hi_i    (mod 2^62)

When a single word was changed later, by d in a half, the sums disagree by d and i d. Their
quotient says which word, and the difference what it was before. Other changes are noticed, but
not located.
"""

from typing import NamedTuple

import numpy as np

from fsw.framework.hash64 import HASH_OFFSET, hash_words
from fsw.framework.kernel import kernel
from fsw.framework.kernel_cache import INTERPRETED
from fsw.framework.record import i64, record
from hil.log.channels import MARK_ID, TICK_MARK

OP_MESSAGE = 5
PREFIX = 9  # opcode and length, in front of every MCAP record
HEADER = PREFIX + 22  # then channel, sequence, log time, publish time
OVERHEAD = HEADER + 4  # then the CDR header
HEADER_WORDS = 3  # 64-bit words of a message's header that are summed
MAX_CHANNELS = 64
SUM_MASK = (1 << 62) - 1
SUM_PERIOD = 65535  # numbers start anew, so that no sum outgrows 64 bits
SUMS_BYTES = 8 * TICK_MARK.fields["sums"].shape[0]
SUMMARY_TICKS = 10  # core's summary is recorded ten times a second
LOW = 0xFFFFFFFF
CDR_HEADER = b"\x00\x01\x00\x00"  # plain CDR, little-endian, no options
CDR_HEADER_INT = int.from_bytes(CDR_HEADER, "little")

RING = record(
    "Ring",
    "Where the recorder stands: bytes in and out of the ring, and sums since the last mark.",
    head=i64("bytes written since the start"),
    tail=i64("bytes taken out since the start"),
    dropped=i64("records that found no room"),
    recorded=i64("records written"),
    last_log_ns=i64("newest log time", default=-(1 << 63)),
    words=i64("words summed since the last mark"),
    sums=i64("locating sums since the last mark", 4),
    sequences=i64("messages so far on each channel", MAX_CHANNELS),
)


class LogRing(NamedTuple):
    """Where records go: an array of one RING, and its bytes, a power of two of them."""

    ring: np.ndarray
    buffer: np.ndarray


class Header(NamedTuple):
    """What stands in front of a record: channel number and times [ns]."""

    channel: int
    log_ns: int
    publish_ns: int


class Flight(NamedTuple):
    """What a tick is recorded from; `*_words` are the same memory as 32-bit words.

    Inbox, outbox and mark are arrays of one record, core its uint64 words, bounds the words at
    which its parts end. The slot tables are those of hil.log.channels.slot_table.
    """

    inbox_slots: np.ndarray
    outbox_slots: np.ndarray
    core_slots: np.ndarray
    inbox: np.ndarray
    inbox_words: np.ndarray
    outbox: np.ndarray
    outbox_words: np.ndarray
    core: np.ndarray
    core_words: np.ndarray
    bounds: np.ndarray
    mark: np.ndarray
    mark_words: np.ndarray
    scratch: np.ndarray


class Messages(NamedTuple):
    """The bytes of a chunk, and for each message its channel, times, and the payload's place."""

    content: np.ndarray
    channels: np.ndarray
    log_ns: np.ndarray
    publish_ns: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray


def as_rows(memory: np.ndarray) -> np.ndarray:
    """An array of records as kernels want it: plain, and with attributes when interpreted."""
    return memory.view(np.recarray) if INTERPRETED else memory


@kernel
def append(log, header, words, first, count):
    """Put one record, 32-bit words [first, first + count), into the ring; False when it is full.

    Sums cover it.
    """
    if not _has_room(log, count):
        return False
    stamped = _stamped(log.ring, header)
    _sum_header(log.ring, stamped)
    _sum_words(log.ring, words, first, count)
    _write(log, stamped, words, first, count)
    return True


@kernel
def append_mark(log, mark, words):
    """Close a tick: put `mark` (`words`: its memory) and the sums into the ring; False when full.

    The sums start anew.
    """
    ring = log.ring
    count = len(words)
    mark[0].dropped = int(ring[0].dropped)
    if not _has_room(log, count):
        return False
    now_ns = int(mark[0].t_ns)
    stamped = _stamped(ring, Header(MARK_ID, now_ns, now_ns))
    _sum_header(ring, stamped)
    _sum_words(ring, words, 0, count - SUMS_BYTES // 4)
    for k in range(4):
        mark[0].sums[k] = ring[0].sums[k]
    _write(log, stamped, words, 0, count)
    reset_sums(ring)
    return True


@kernel
def append_slots(log, slots, words, now_ns, scratch):
    """Put the messages that stand in a record into the ring."""
    for s in range(len(slots)):
        n = slots[s, 3]
        if slots[s, 4] >= 0:
            n = min(n, _byte(words, slots[s, 4]))
        count = slots[s, 2]
        header = Header(slots[s, 0], now_ns, now_ns)
        for i in range(n):
            first = slots[s, 1] + i * count
            if slots[s, 5] < 0:
                append(log, header, words, first, count)
                continue
            for k in range(count):
                scratch[k] = words[first + k]
            scratch[count] = words[slots[s, 5] + 2 * i]
            scratch[count + 1] = words[slots[s, 5] + 2 * i + 1]
            append(log, header, scratch, 0, count + 2)


@kernel
def hash_parts(parts, core, bounds):
    """Hash of core (uint64 words); the running hash's low byte after each part goes to `parts`.

    `bounds` are the words at which parts end. The first part whose byte differs is the first
    that differs.
    """
    h = HASH_OFFSET
    first = 0
    for k in range(len(bounds)):
        h = hash_words(core, first, bounds[k] - first, h)
        parts[k] = h & np.uint64(255)
        first = bounds[k]
    return h


@kernel
def append_tick(log, flight):
    """Record one tick: inputs, outputs, ten times a second the summary, the mark.

    False when the ring is full.
    """
    mark, inbox, outbox = flight.mark, flight.inbox, flight.outbox
    now_ns = int(inbox[0].now_ns)
    tick = int(outbox[0].actuators.tick)
    append_slots(log, flight.inbox_slots, flight.inbox_words, now_ns, flight.scratch)
    append_slots(log, flight.outbox_slots, flight.outbox_words, now_ns, flight.scratch)
    if tick % SUMMARY_TICKS == 0:
        append_slots(log, flight.core_slots, flight.core_words, now_ns, flight.scratch)
    mark[0].t_ns = now_ns
    mark[0].core_hash = hash_parts(mark[0].core_parts, flight.core, flight.bounds)
    mark[0].tick = tick
    mark[0].waiting = inbox[0].waiting
    mark[0].lost = inbox[0].lost
    mark[0].events_lost = outbox[0].events_lost
    mark[0].missed_ticks = inbox[0].missed_ticks
    mark[0].resumed = inbox[0].resumed
    mark[0].n_ranges = inbox[0].n_ranges
    mark[0].n_imus = inbox[0].n_imus
    mark[0].n_commands = inbox[0].n_commands
    return append_mark(log, mark, flight.mark_words)


@kernel
def index_messages(messages):
    """Find the messages among the records of a chunk: fills the columns from the content.

    The payload is what stands behind the CDR header. Returns how many; -1 where the bytes are no
    run of whole records.
    """
    content = messages.content
    at = 0
    n = 0
    end = len(content)
    while at < end:
        if end - at < PREFIX:
            return -1
        length = _u(content, at + 1, 4)
        after = at + PREFIX + length
        if _u(content, at + 5, 4) != 0 or after > end:
            return -1
        if int(content[at]) == OP_MESSAGE:
            if length < OVERHEAD - PREFIX or n == len(messages.offsets):
                return -1
            messages.channels[n] = _u(content, at + 9, 2)
            messages.log_ns[n] = _time(content, at + 15)
            messages.publish_ns[n] = _time(content, at + 23)
            messages.offsets[n] = at + OVERHEAD
            messages.sizes[n] = after - at - OVERHEAD
            n += 1
        at = after
    return n


@kernel
def sum_messages(ring, messages, first, end):
    """Add messages [first, end) to the sums of `ring`, a mark without its own sums."""
    content = messages.content
    for m in range(first, end):
        channel = messages.channels[m]
        _sum_header(ring, Header(channel, messages.log_ns[m], messages.publish_ns[m]))
        size = messages.sizes[m]
        if channel == MARK_ID:
            size -= SUMS_BYTES
        start = messages.offsets[m]
        for at in range(start, start + size, 8):
            _sum_pair(ring, _u(content, at, 4), _u(content, at + 4, 4))


@kernel
def first_unequal(messages, first, end, wanted, other):
    """First message of [first, end) that is not the next of another run of messages.

    Only channels with wanted[channel] count, and a mark's own sums are left out. Returns
    (message, message of the other run); each is past its end when all of them are equal.
    """
    b = 0
    for m in range(first, end):
        channel = messages.channels[m]
        if not wanted[channel]:
            continue
        if b == len(other.channels) or other.channels[b] != channel:
            return m, b
        size = messages.sizes[m]
        if other.sizes[b] != size:
            return m, b
        if channel == MARK_ID:
            size -= SUMS_BYTES
        start, other_start = messages.offsets[m], other.offsets[b]
        for k in range(size):
            if messages.content[start + k] != other.content[other_start + k]:
                return m, b
        b += 1
    return end, b


@kernel
def reset_sums(ring):
    """Begin the sums of the next tick."""
    for k in range(4):
        ring[0].sums[k] = 0
    ring[0].words = 0


@kernel
def _has_room(log, count):
    ring = log.ring
    if len(log.buffer) - (int(ring[0].head) - int(ring[0].tail)) >= OVERHEAD + 4 * count:
        return True
    ring[0].dropped = int(ring[0].dropped) + 1
    return False


@kernel
def _stamped(ring, header):
    """The header with a log time that is not before the newest one."""
    log_ns = max(header.log_ns, int(ring[0].last_log_ns))
    ring[0].last_log_ns = log_ns
    return Header(header.channel, log_ns, header.publish_ns)


@kernel
def _sum_header(ring, header):
    _sum_pair(ring, header.channel, 0)
    _sum_pair(ring, header.log_ns & LOW, (header.log_ns >> 32) & LOW)
    _sum_pair(ring, header.publish_ns & LOW, (header.publish_ns >> 32) & LOW)


@kernel
def _sum_words(ring, words, first, count):
    for k in range(first, first + count, 2):
        _sum_pair(ring, int(words[k]), int(words[k + 1]))


@kernel
def _sum_pair(ring, low, high):
    number = int(ring[0].words) % SUM_PERIOD + 1
    ring[0].words = int(ring[0].words) + 1
    ring[0].sums[0] = (int(ring[0].sums[0]) + low) & SUM_MASK
    ring[0].sums[1] = (int(ring[0].sums[1]) + number * low) & SUM_MASK
    ring[0].sums[2] = (int(ring[0].sums[2]) + high) & SUM_MASK
    ring[0].sums[3] = (int(ring[0].sums[3]) + number * high) & SUM_MASK


@kernel
def _write(log, header, words, first, count):
    ring, buffer = log.ring, log.buffer
    sequence = int(ring[0].sequences[header.channel])
    ring[0].sequences[header.channel] = sequence + 1
    at = int(ring[0].head)
    at = _put(buffer, at, OP_MESSAGE, 1)
    at = _put(buffer, at, OVERHEAD - PREFIX + 4 * count, 8)
    at = _put(buffer, at, header.channel, 2)
    at = _put(buffer, at, sequence, 4)
    at = _put(buffer, at, header.log_ns, 8)
    at = _put(buffer, at, header.publish_ns, 8)
    at = _put(buffer, at, CDR_HEADER_INT, 4)
    for k in range(first, first + count):
        at = _put(buffer, at, int(words[k]), 4)
    ring[0].head = at
    ring[0].recorded = int(ring[0].recorded) + 1


@kernel
def _put(buffer, at, value, size):
    for k in range(size):
        buffer[(at + k) & (len(buffer) - 1)] = (value >> (8 * k)) & 255
    return at + size


@kernel
def _u(content, at, size):
    value = 0
    for k in range(size):
        value = value | (int(content[at + k]) << (8 * k))
    return value


@kernel
def _time(content, at):
    low = _u(content, at, 4)
    high = _u(content, at + 4, 4)
    if high >= 1 << 31:
        high -= 1 << 32
    return (high << 32) | low


@kernel
def _byte(words, at):
    return (int(words[at >> 2]) >> (8 * (at & 3))) & 255
