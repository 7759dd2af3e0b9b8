"""Ring buffers: what navigation needs to redo the past, and nothing else.

IMU increments of 10.2 s in float32, as they came; ranges in order of stamp; packed checkpoints of
the grid, 10 at its own 100 ms and 10 at 1 s. A range may be 8 s old when it arrives; a checkpoint
at or before it is then at most 1 s older, and its replay may wait for another one, which takes
0.9 s: 10.2 s of increments cover them. About 80 KB; sizes of rings are powers of two, since a
microcontroller divides 64 bits slowly.

History is not needed to continue flight: a restart begins with an empty one.
"""

from fsw.filter.covariance import N_ALL, N_STATES
from fsw.filter.range_gate import RANGE_TRUST
from fsw.filter.strapdown import NOMINAL
from fsw.framework.kernel import kernel
from fsw.framework.record import f32, f64, i64, record, u8, u16
from fsw.interface.verdicts import RangeVerdict

# period of the grid
GRID_NS = 100_000_000

# a grid point that is never reached
NEVER = 1 << 62

IMU_SLOTS = 1024
RANGE_SLOTS = 256
FINE_SLOTS = 10
COARSE_SLOTS = 10
COARSE_STEPS = 10
PREDICTIONS = 8
PACKED = N_STATES * (N_STATES + 1) // 2 + N_STATES * (N_ALL - N_STATES)

# flags of an increment, one bit each
FREE_FALL, BRIDGED, CLIPPED, SUMMED = 1, 2, 4, 8

# what insert_range returns instead of an entry's count
NO_PLACE_DUPLICATE, NO_PLACE_TOO_OLD = -1, -2

# halvings that find one place among RANGE_SLOTS entries or behind them
BISECTIONS = RANGE_SLOTS.bit_length()

RANGE_ENTRY = record(
    "RangeEntry",
    "One range in the ring, in order of stamp.",
    t_ns=i64("when the beam met the ground, flight clock"),
    range_m=f32("slant range"),
    seq=u16("sender's count"),
    verdict=u8("latest verdict"),
    late=u8("1 when its grid point had been computed before it arrived"),
)

PREDICTION = record(
    "Prediction",
    "Expected range and measurement row, for one range of the present grid step.",
    range_m=f64("range expected"),
    closing_mps=f64("speed towards the ground along the beam"),
    hit_F_m=f64("point hit, Moon-fixed", 3),
    H=f64("row over the states, at the grid point", N_STATES),
    entry=i64("count of the ring entry"),
    hits=i64("0 when the beam misses or grazes the ground"),
)

CHECKPOINT = record(
    "Checkpoint",
    "The grid at one of its points, packed.",
    k=i64("index of the grid point; -1 when empty"),
    imu_next=i64("count of the first increment that ends after it"),
    nominal=NOMINAL("estimate"),
    trust=RANGE_TRUST("range trust"),
    footprint_F_m=f64("point last hit, Moon-fixed", 3),
    free_fall_dv_B_mps=f64("velocity gained in free fall since the last calibration", 3),
    free_fall_s=f64("time of that"),
    P=f64("covariance: upper triangle of the states, then their rows of the considered", PACKED),
)

HISTORY = record(
    "History",
    "Ring buffers of the past; empty after a restart.",
    imu_t_ns=i64("end of each increment, flight clock", IMU_SLOTS),
    imu_dv_B_mps=f32("velocity gained", (IMU_SLOTS, 3)),
    imu_dtheta_B_rad=f32("angle turned", (IMU_SLOTS, 3)),
    imu_flags=u8("1 free fall, 2 bridged gap, 4 clipped, 8 sum of several", IMU_SLOTS),
    ranges=RANGE_ENTRY("ranges, a ring in order of stamp", RANGE_SLOTS),
    fine=CHECKPOINT("every grid point", FINE_SLOTS),
    coarse=CHECKPOINT("every tenth grid point", COARSE_SLOTS),
    at_stamp=NOMINAL("scratch: the estimate at a range's stamp"),
    predictions=PREDICTION("scratch of the present grid step", PREDICTIONS),
    PHt=f64("scratch: covariance times measurement row", N_ALL),
    K=f64("scratch: gain", N_STATES),
    dx=f64("scratch: error estimate of the present grid step", N_STATES),
    imu_count=i64("increments since the start"),
    range_first=i64("count of the oldest range kept"),
    range_end=i64("count after the newest range"),
    grid_predictions=i64("predictions in use"),
)


@kernel
def clear_history(history):
    """Empty every ring."""
    history.imu_count = 0
    history.range_first = 0
    history.range_end = 0
    clear_checkpoints(history)


@kernel
def clear_checkpoints(history):
    """Empty the checkpoints: the grid has a new anchor, the past cannot be redone."""
    for i in range(FINE_SLOTS):
        history.fine[i].k = -1
    for i in range(COARSE_SLOTS):
        history.coarse[i].k = -1


@kernel
def newest_imu_ns(history, empty_ns):
    """End of the newest increment, or empty_ns when there is none."""
    count = int(history.imu_count)
    if count == 0:
        return empty_ns
    return int(history.imu_t_ns[(count - 1) % IMU_SLOTS])


@kernel
def push_imu(history, t_ns, dv_B_mps, dtheta_B_rad, flags):
    """Append an increment that ends at t_ns and begins where the last one ended."""
    count = int(history.imu_count)
    slot = count % IMU_SLOTS
    history.imu_t_ns[slot] = t_ns
    history.imu_flags[slot] = flags
    for i in range(3):
        history.imu_dv_B_mps[slot, i] = dv_B_mps[i]
        history.imu_dtheta_B_rad[slot, i] = dtheta_B_rad[i]
    history.imu_count = count + 1


@kernel
def first_range_after(history, t_ns):
    """Count of the oldest kept range whose stamp is later than t_ns; by bisection."""
    lo = int(history.range_first)
    hi = int(history.range_end)
    for _ in range(BISECTIONS):
        if lo < hi:
            mid = (lo + hi) // 2
            if int(history.ranges[mid % RANGE_SLOTS].t_ns) > t_ns:
                hi = mid
            else:
                lo = mid + 1
    return lo


@kernel
def _sorts_behind(entry, t_ns, range_m):
    """True when the entry sorts at or after (t_ns, range_m)."""
    if int(entry.t_ns) != t_ns:
        return int(entry.t_ns) > t_ns
    return float(entry.range_m) >= range_m


@kernel
def insert_range(history, t_ns, range_m, seq, late):
    """Insert by (stamp, value), so that the ring is the same for every order of arrival.

    Returns the entry's count, NO_PLACE_DUPLICATE, or NO_PLACE_TOO_OLD when the ring is full of
    newer ones.
    """
    end = int(history.range_end)
    first = int(history.range_first)
    place = end
    for _ in range(RANGE_SLOTS):
        if place == first:
            break
        if not _sorts_behind(history.ranges[(place - 1) % RANGE_SLOTS], t_ns, range_m):
            break
        place = place - 1
    if place < end:
        same = history.ranges[place % RANGE_SLOTS]
        if int(same.t_ns) == t_ns and float(same.range_m) == range_m:
            return NO_PLACE_DUPLICATE
    if end - first == RANGE_SLOTS:
        if place == first:
            return NO_PLACE_TOO_OLD
        history.range_first = first + 1
    for i in range(end - place):
        history.ranges[(end - i) % RANGE_SLOTS] = history.ranges[(end - i - 1) % RANGE_SLOTS]
    entry = history.ranges[place % RANGE_SLOTS]
    entry.t_ns = t_ns
    entry.range_m = range_m
    entry.seq = seq
    entry.verdict = RangeVerdict.PENDING
    entry.late = late
    history.range_end = end + 1
    return place
