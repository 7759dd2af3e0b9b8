"""What could be known, and when: the states that a lost run is judged from.

Two moments of a run are kept. *Onset*: a fault has just opened (the start, in a run without
faults). *Informed*: the first truthful range has come in since. Could everything still land at the
first, and nothing at the second, then guidance hedged badly in between; could it still land at
the second, then navigation made nothing of what it was told.

A range is truthful when its value is the true slant range of its own measurement within the
instrument's noise, and it can be dated: its stamp is right, or it has just been measured.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.timing import TICK_S
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.faults.table import FAULT_SLOTS, FaultKind
from sim.plant.truth_observer import motion_over_ground
from sim.plant.vehicle import mass_kg

# true slant ranges are remembered for so many samples, 12 s at 20 Hz
SAMPLES = 256
NOISE_SIGMAS = 6.0

# beyond its noise, a truthful range may be off by so much: quantum, footprint, ground
SLACK_M = 1.0

# a stamp so near the truth dates a sample; so does an arrival so soon after the measurement
STAMP_NS = 50_000_000
FRESH_NS = 500_000_000

# so near the ground a lie is within the noise of the truth, and too late to be of use
LAST_USE_M = 20.0

# truthful ranges count towards the time that the flight software had, above this clearance
USEFUL_M = 300.0


# a window that ends later than this, or lower, does not end
ENDLESS_S = 1e5

MOMENT = record(
    "Moment",
    "What is asked of a state to tell whether anything could land from it.",
    t_ns=i64("time; -1 when there was no such moment", default=-1),
    clearance_m=f64("lowest footpad above the ground below"),
    height_m=f64("centre of mass above the mean radius"),
    v_down_mps=f64("descent rate"),
    v_horizontal_mps=f64("speed over the turning ground"),
    mass_kg=f64("mass"),
    propellant_kg=f64("propellant that is left"),
    thrust_N=f64("full thrust of this run's engine, less what is lost for good"),
    exhaust_mps=f64("its exhaust speed"),
    gravity_mps2=f64("gravity at this height"),
    radius_m=f64("distance from the Moon's centre"),
    mode=i64("flight mode"),
)

KNOWLEDGE = record(
    "Knowledge",
    "Which ranges were truthful, and the two moments that a loss is judged from.",
    onset=MOMENT("a fault has just opened"),
    informed=MOMENT("the first truthful range that was measured since then"),
    measured=i64("range samples taken so far"),
    measured_t_ns=i64("when each was taken", SAMPLES),
    slant_m=f64("true slant range of each", SAMPLES),
    told=u8("1 once it has arrived in truth", SAMPLES),
    truthful_s=f64("time covered by truthful ranges that arrived above 300 m"),
)


@kernel
def _fault_opened(world):
    """True once a fault has opened; in a run without faults from the start."""
    count = int(world.board.n_faults)
    opened = count == 0
    for i in range(FAULT_SLOTS):
        if i < count and int(world.board.fault_memory[i].opened_ns) >= 0:
            opened = True
    return opened


@kernel
def lasting_thrust(world):
    """Share of the thrust that the faults which are open, and will not close, have left."""
    share = 1.0 if int(world.vehicle.propulsion_ready) == 1 else 0.0
    for i in range(FAULT_SLOTS):
        row = world.board.faults[i]
        lasts = float(row.end_s) > ENDLESS_S and float(row.until_altitude_m) <= 0.0
        is_open = i < int(world.board.n_faults) and int(world.board.fault_memory[i].open) == 1
        if not (is_open and lasts and int(row.mode) == 0):
            continue
        kind = int(row.kind)
        if kind == FaultKind.THRUST_SCALE:
            share = share * float(row.scale)
        elif kind == FaultKind.ENGINE_LOST:
            share = share * (1.0 - float(row.lost_share))
        elif kind == FaultKind.ENGINE_OUT or kind == FaultKind.PROPULSION_NOT_READY:
            share = 0.0
    return share


@kernel
def note_moment(moment, world, mode):
    """Keep the state of now; the mode is the flight software's."""
    truth = world.truth
    v_down, v_horizontal, _, _ = motion_over_ground(world)
    radius = float(world.moon.radius_m) + float(truth.height_m)
    moment.t_ns = int(world.t_ns)
    moment.clearance_m = float(truth.clearance_m)
    moment.height_m = float(truth.height_m)
    moment.v_down_mps = v_down
    moment.v_horizontal_mps = v_horizontal
    moment.mass_kg = mass_kg(world, float(truth.propellant_kg))
    moment.propellant_kg = float(truth.propellant_kg)
    full = float(world.vehicle.thrust_max_N) * float(world.errors.thrust)
    moment.thrust_N = full * lasting_thrust(world)
    exhaust = float(world.vehicle.isp_s) * float(world.errors.isp) * STANDARD_GRAVITY_MPS2
    moment.exhaust_mps = exhaust
    moment.gravity_mps2 = float(world.moon.gm_m3ps2) / (radius * radius)
    moment.radius_m = radius
    moment.mode = mode


@kernel
def note_knowledge(knowledge, world, inbox, mode):
    """After each tick: which ranges came in truthfully, and whether a moment has come."""
    if int(knowledge.onset.t_ns) < 0 and _fault_opened(world):
        note_moment(knowledge.onset, world, mode)
    _note_measurement(knowledge, world)
    for i in range(int(inbox.n_ranges)):
        row = truthful_row(knowledge, world, inbox.ranges[i])
        if row >= 0:
            _count(knowledge, world, row)
            _inform(knowledge, world, row, mode)


@kernel
def truthful_row(knowledge, world, sample):
    """Where a range's own measurement is remembered, when it is true and can be dated; else -1."""
    seq = int(sample.seq)
    measured = int(knowledge.measured)
    age = (measured - 1 - seq) & 0xFFFF  # samples taken since this one
    if int(sample.valid) == 0 or age >= SAMPLES or age >= measured:
        return -1
    row = (measured - 1 - age) % SAMPLES
    slant = float(knowledge.slant_m[row])
    if slant <= 0.0:
        return -1
    noise = (
        float(world.board.sensors.range.sigma_m)
        + float(world.board.sensors.range.sigma_share) * slant
    )
    if abs(float(sample.range_m) - slant) > NOISE_SIGMAS * noise + SLACK_M:
        return -1
    true_ns = int(knowledge.measured_t_ns[row])
    well_stamped = abs(int(sample.t_ns) - true_ns) <= STAMP_NS
    if well_stamped or int(world.t_ns) - true_ns <= FRESH_NS:
        return row
    return -1


@kernel
def _note_measurement(knowledge, world):
    """Remember the true slant range of the sample taken in this tick, where there was one."""
    count = int(world.board.range_state.count)
    if count == int(knowledge.measured):
        return
    row = (count - 1) % SAMPLES
    knowledge.measured = count
    knowledge.measured_t_ns[row] = int(world.sensor_inbox.beam.t_ns)
    knowledge.slant_m[row] = float(world.sensor_inbox.beam.slant_m)
    knowledge.told[row] = 0


@kernel
def _count(knowledge, world, row):
    """A truthful range has arrived: count the time it covers, once and where it is of use."""
    if int(knowledge.told[row]) == 1 or float(world.truth.clearance_m) < USEFUL_M:
        return
    knowledge.told[row] = 1
    period_s = float(int(world.board.sensors.range.period_ticks)) * TICK_S
    knowledge.truthful_s = float(knowledge.truthful_s) + period_s


@kernel
def _inform(knowledge, world, row, mode):
    """Keep the moment of the first truthful range that was measured since the onset."""
    onset_ns = int(knowledge.onset.t_ns)
    if onset_ns < 0 or int(knowledge.informed.t_ns) >= 0:
        return
    in_time = float(world.truth.clearance_m) > LAST_USE_M
    if in_time and int(knowledge.measured_t_ns[row]) >= onset_ns:
        note_moment(knowledge.informed, world, mode)
