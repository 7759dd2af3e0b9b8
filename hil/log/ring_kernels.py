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


def as_rows(memory: np.ndarray) -> np.ndarray:
    """An array of records as kernels want it: plain, and with attributes when interpreted."""
    return memory.view(np.recarray) if INTERPRETED else memory


@kernel
def append(ring, buffer, channel, log_ns, publish_ns, words, first, count):
    """Put one record, 32-bit words [first, first + count), into the ring; False when it is full.

    `ring` is an array of one RING, `buffer` its bytes, a power of two of them. Sums cover it.
    """
    if not _has_room(ring, buffer, count):
        return False
    log_ns = _log_time(ring, log_ns)
    _sum_header(ring, channel, log_ns, publish_ns)
    _sum_words(ring, words, first, count)
    _write(ring, buffer, channel, log_ns, publish_ns, words, first, count)
    return True


@kernel
def append_mark(ring, buffer, mark, words):
    """Close a tick: put `mark` (`words`: its memory) and the sums into the ring; False when full.

    The sums start anew.
    """
    count = len(words)
    mark[0].dropped = int(ring[0].dropped)
    if not _has_room(ring, buffer, count):
        return False
    now_ns = int(mark[0].t_ns)
    log_ns = _log_time(ring, now_ns)
    _sum_header(ring, MARK_ID, log_ns, now_ns)
    _sum_words(ring, words, 0, count - SUMS_BYTES // 4)
    for k in range(4):
        mark[0].sums[k] = ring[0].sums[k]
    _write(ring, buffer, MARK_ID, log_ns, now_ns, words, 0, count)
    reset_sums(ring)
    return True


@kernel
def append_box(ring, buffer, slots, words, now_ns, scratch):
    """Put what a box holds into the ring. `slots`: see hil.log.channels.slot_table."""
    for s in range(len(slots)):
        n = slots[s, 3]
        if slots[s, 4] >= 0:
            n = min(n, _byte(words, slots[s, 4]))
        count = slots[s, 2]
        for i in range(n):
            first = slots[s, 1] + i * count
            if slots[s, 5] < 0:
                append(ring, buffer, slots[s, 0], now_ns, now_ns, words, first, count)
                continue
            for k in range(count):
                scratch[k] = words[first + k]
            scratch[count] = words[slots[s, 5] + 2 * i]
            scratch[count + 1] = words[slots[s, 5] + 2 * i + 1]
            append(ring, buffer, slots[s, 0], now_ns, now_ns, scratch, 0, count + 2)


@kernel
def hash_parts(core, bounds, parts):
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
def append_tick(
    ring, buffer, slots, inbox, inbox_words, outbox, outbox_words,
    core, core_words, bounds, mark, mark_words, scratch,
):  # fmt: skip
    """Record one tick: messages in, messages out, ten times a second the summary, the mark.

    `slots` are the tables for inbox, outbox and core. Boxes and mark are arrays of one record,
    `core` its uint64 words, `*_words` the 32-bit words of each. False when the ring is full.
    """
    now_ns = int(inbox[0].now_ns)
    tick = int(outbox[0].actuators.tick)
    append_box(ring, buffer, slots[0], inbox_words, now_ns, scratch)
    append_box(ring, buffer, slots[1], outbox_words, now_ns, scratch)
    if tick % SUMMARY_TICKS == 0:
        append_box(ring, buffer, slots[2], core_words, now_ns, scratch)
    mark[0].t_ns = now_ns
    mark[0].core_hash = hash_parts(core, bounds, mark[0].core_parts)
    mark[0].tick = tick
    mark[0].waiting = inbox[0].waiting
    mark[0].lost = inbox[0].lost
    mark[0].events_lost = outbox[0].events_lost
    mark[0].missed_ticks = inbox[0].missed_ticks
    mark[0].resumed = inbox[0].resumed
    mark[0].n_ranges = inbox[0].n_ranges
    mark[0].n_imus = inbox[0].n_imus
    mark[0].n_commands = inbox[0].n_commands
    return append_mark(ring, buffer, mark, mark_words)


@kernel
def index_messages(content, channels, log_ns, publish_ns, offsets, sizes):
    """Find the messages among the records of a chunk: channel, times, payload's place and size.

    The payload is what stands behind the CDR header. Returns how many; -1 where the bytes are no
    run of whole records.
    """
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
            if length < OVERHEAD - PREFIX or n == len(offsets):
                return -1
            channels[n] = _u(content, at + 9, 2)
            log_ns[n] = _time(content, at + 15)
            publish_ns[n] = _time(content, at + 23)
            offsets[n] = at + OVERHEAD
            sizes[n] = after - at - OVERHEAD
            n += 1
        at = after
    return n


@kernel
def sum_messages(ring, content, channels, log_ns, publish_ns, offsets, sizes, first, end):
    """Add messages [first, end) of an index to the sums of `ring`, a mark without its own sums."""
    for m in range(first, end):
        _sum_header(ring, channels[m], log_ns[m], publish_ns[m])
        size = sizes[m]
        if channels[m] == MARK_ID:
            size -= SUMS_BYTES
        for at in range(offsets[m], offsets[m] + size, 8):
            _sum_pair(ring, _u(content, at, 4), _u(content, at + 4, 4))


@kernel
def first_unequal(
    content, channels, offsets, sizes, first, end, wanted,
    other, other_channels, other_offsets, other_sizes,
):  # fmt: skip
    """First message of [first, end) that is not the next of another run of messages.

    Only channels with wanted[channel] count, and a mark's own sums are left out. Returns
    (message, message of the other run); each is past its end when all of them are equal.
    """
    b = 0
    for m in range(first, end):
        if not wanted[channels[m]]:
            continue
        if b == len(other_channels) or other_channels[b] != channels[m]:
            return m, b
        size = sizes[m]
        if other_sizes[b] != size:
            return m, b
        if channels[m] == MARK_ID:
            size -= SUMS_BYTES
        for k in range(size):
            if content[offsets[m] + k] != other[other_offsets[b] + k]:
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
def _has_room(ring, buffer, count):
    if len(buffer) - (int(ring[0].head) - int(ring[0].tail)) >= OVERHEAD + 4 * count:
        return True
    ring[0].dropped = int(ring[0].dropped) + 1
    return False


@kernel
def _log_time(ring, log_ns):
    log_ns = max(log_ns, int(ring[0].last_log_ns))
    ring[0].last_log_ns = log_ns
    return log_ns


@kernel
def _sum_header(ring, channel, log_ns, publish_ns):
    _sum_pair(ring, channel, 0)
    _sum_pair(ring, log_ns & LOW, (log_ns >> 32) & LOW)
    _sum_pair(ring, publish_ns & LOW, (publish_ns >> 32) & LOW)


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
def _write(ring, buffer, channel, log_ns, publish_ns, words, first, count):
    sequence = int(ring[0].sequences[channel])
    ring[0].sequences[channel] = sequence + 1
    at = int(ring[0].head)
    at = _put(buffer, at, OP_MESSAGE, 1)
    at = _put(buffer, at, OVERHEAD - PREFIX + 4 * count, 8)
    at = _put(buffer, at, channel, 2)
    at = _put(buffer, at, sequence, 4)
    at = _put(buffer, at, log_ns, 8)
    at = _put(buffer, at, publish_ns, 8)
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
