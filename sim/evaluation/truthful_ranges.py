"""Truthful ranges, and the states from which a lost run is evaluated.

Two states of a run are kept. *Onset*: a fault has just opened (the start, in a run without faults).
*First truthful range*: the first one measured since the onset has arrived. If a landing was
possible at the onset and no longer at the first truthful range, guidance hedged badly in between;
if it was still possible then, navigation did not use the range.

A range is truthful when its value is the true slant range of its own measurement within the
instrument's noise, and it can be dated: its time-tag is right, or it has just been measured.
"""

from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.interface.timing import TICK_S
from sim.common.constants import STANDARD_GRAVITY_MPS2
from sim.faults.table import FAULT_SLOTS, FaultKind
from sim.plant.truth_observer import motion_over_ground
from sim.plant.vehicle import mass_kg

# samples whose true slant range is kept: 12 s at 20 Hz
SAMPLES = 256

# error of a truthful range, in standard deviations of its noise
NOISE_SIGMAS = 6.0

# error of a truthful range beyond its noise: quantum, footprint, ground
SLACK_M = 1.0

# error of a time-tag that still dates a sample, and age of a sample that needs none
STAMP_NS = 50_000_000
FRESH_NS = 500_000_000

# below this clearance a false range is within the noise, and a true one too late to be of use
LAST_USE_M = 20.0

# clearance above which a truthful range counts towards `truthful_s`
USEFUL_M = 300.0


# a window that ends later than this, or at no height, counts as open for good
ENDLESS_S = 1e5

MOMENT = record(
    "Moment",
    "State of a run from which the survivability bound is computed.",
    t_ns=i64("time; -1 without such a moment", default=-1),
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

TRUTHFUL_RANGES = record(
    "TruthfulRanges",
    "Which ranges were truthful, and the two moments from which a loss is evaluated.",
    onset=MOMENT("a fault has just opened"),
    first=MOMENT("the first truthful range measured since then has arrived"),
    measured=i64("range samples taken so far"),
    measured_t_ns=i64("when each was taken", SAMPLES),
    slant_m=f64("true slant range of each", SAMPLES),
    counted=u8("1 once its truthful arrival is counted", SAMPLES),
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
    """Share of the thrust left by those open faults whose windows will not close."""
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
    """Fill a Moment with the current state; mode: flight mode."""
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
def note_truthful_ranges(truthful, world, inbox, mode):
    """Update TruthfulRanges after a tick: measurements, truthful arrivals, the two moments."""
    if int(truthful.onset.t_ns) < 0 and _fault_opened(world):
        note_moment(truthful.onset, world, mode)
    _note_measurement(truthful, world)
    for i in range(int(inbox.n_ranges)):
        row = truthful_row(truthful, world, inbox.ranges[i])
        if row >= 0:
            _count_truthful_time(truthful, world, row)
            _note_first_truthful(truthful, world, row, mode)


@kernel
def truthful_row(truthful, world, sample):
    """Row of a range's own measurement when the range is truthful, else -1."""
    seq = int(sample.seq)
    measured = int(truthful.measured)
    age = (measured - 1 - seq) & 0xFFFF  # samples taken since this one
    if int(sample.valid) == 0 or age >= SAMPLES or age >= measured:
        return -1
    row = (measured - 1 - age) % SAMPLES
    slant = float(truthful.slant_m[row])
    if slant <= 0.0:
        return -1
    noise = (
        float(world.board.sensors.range.sigma_m)
        + float(world.board.sensors.range.sigma_share) * slant
    )
    if abs(float(sample.range_m) - slant) > NOISE_SIGMAS * noise + SLACK_M:
        return -1
    true_ns = int(truthful.measured_t_ns[row])
    well_stamped = abs(int(sample.t_ns) - true_ns) <= STAMP_NS
    if well_stamped or int(world.t_ns) - true_ns <= FRESH_NS:
        return row
    return -1


@kernel
def _note_measurement(truthful, world):
    """Keep the true slant range of the sample taken in this tick, if any."""
    count = int(world.board.range_state.count)
    if count == int(truthful.measured):
        return
    row = (count - 1) % SAMPLES
    truthful.measured = count
    truthful.measured_t_ns[row] = int(world.sensor_inbox.beam.t_ns)
    truthful.slant_m[row] = float(world.sensor_inbox.beam.slant_m)
    truthful.counted[row] = 0


@kernel
def _count_truthful_time(truthful, world, row):
    """Count the time that an arrived truthful range covers: once, and above USEFUL_M."""
    if int(truthful.counted[row]) == 1 or float(world.truth.clearance_m) < USEFUL_M:
        return
    truthful.counted[row] = 1
    period_s = float(int(world.board.sensors.range.period_ticks)) * TICK_S
    truthful.truthful_s = float(truthful.truthful_s) + period_s


@kernel
def _note_first_truthful(truthful, world, row, mode):
    """Keep the moment at which the first truthful range measured since the onset arrives."""
    onset_ns = int(truthful.onset.t_ns)
    if onset_ns < 0 or int(truthful.first.t_ns) >= 0:
        return
    in_time = float(world.truth.clearance_m) > LAST_USE_M
    if in_time and int(truthful.measured_t_ns[row]) >= onset_ns:
        note_moment(truthful.first, world, mode)
