"""The navigation tick: grid filter, replay of late ranges, and output predictor.

The grid point t_k is computed once now >= t_k + 100 ms, so that a range of nominal latency
needs no replay. The output predictor propagates the grid's state through the increments to now. A
later range restores the checkpoint before it and the grid points are redone, at most
`replay_grid_steps_per_tick` a tick, while the output predictor continues from the old state; when
the grid has caught up, it restarts from the new one. Ranges that arrive during a replay wait for
the next one, so that a steady delay cannot keep the grid from ever catching up.
"""

from fsw.filter.buffers import GRID_NS, NEVER, newest_imu_ns
from fsw.filter.checkpoints import restore_before, save
from fsw.filter.grid_filter import FILTER_PARAMS, GRID, grid_step
from fsw.filter.range_gate import TRUST_PARAMS
from fsw.filter.strapdown import NOMINAL
from fsw.framework.kernel import kernel
from fsw.framework.record import f64, i64, record, u8
from fsw.intake.clock_sync import TIMEBASE, TIMEBASE_PARAMS, timebase_observe, to_flight_ns
from fsw.intake.imu_intake import (
    INERTIAL,
    INERTIAL_PARAMS,
    imu_clock_mapped,
    imu_clock_stepped,
    take_imu,
)
from fsw.intake.range_intake import INTAKE, Arrival, take_range
from fsw.intake.range_timestamps import (
    RANGE_TIMESTAMPS,
    RANGE_TIMESTAMPS_PARAMS,
    range_clock_mapped,
    repaired_stamp,
)
from fsw.interface.events import EventCode, post_event
from fsw.mathlib.frames import q_FL_at
from fsw.mathlib.units import seconds_to_ns
from fsw.mathlib.vectors import store4
from fsw.navigation.nav_events import report_hypotheses, report_rejection, report_replay
from fsw.navigation.output_predictor import altitude_m, propagate_current, reset_current

NAVIGATION_PARAMS = record(
    "NavigationParams",
    "Parameters of navigation.",
    timebase=TIMEBASE_PARAMS("clock map"),
    timestamps=RANGE_TIMESTAMPS_PARAMS("time-tags of ranges"),
    inertial=INERTIAL_PARAMS("inertial increments"),
    filter=FILTER_PARAMS("noise that the filter expects"),
    trust=TRUST_PARAMS("range gate and terrain hypotheses"),
    update_age_max_s=f64(
        "an uplinked state older than this is refused", default=5.0, lo=0.1, hi=60.0
    ),
    replay_grid_steps_per_tick=i64(
        "grid points that may be computed in one tick", default=1, lo=1, hi=100
    ),
)

NAVIGATION = record(
    "Navigation",
    "All that navigation needs to continue.",
    timebase=TIMEBASE("clock map"),
    timestamps=RANGE_TIMESTAMPS("time-tags of ranges"),
    inertial=INERTIAL("inertial integrals"),
    intake=INTAKE("facts of arrival and counters of ranges"),
    grid=GRID("the filter at its latest grid point"),
    current=NOMINAL("output predictor: the estimate at the present time"),
    current_next=i64("count of the first increment that the output predictor has not taken"),
    computed_k=i64("newest grid point ever computed"),
    replay_reported_ns=i64("when a replay was reported last"),
    q_FL=f64("attitude of the site's frame, Moon-fixed", 4),
    omega_B_radps=f64("angular rate of the last increment, bias removed", 3),
    f_B_mps2=f64("specific force of the last increment, bias removed", 3),
    sigma_altitude_m=f64(
        "standard deviation of the altitude, when the output predictor was last reset"
    ),
    sigma_v_down_mps=f64("standard deviation of the descent rate, at that time"),
    ready=u8("1 once a state vector was taken"),
    replaying=u8("1 while the grid is behind, in a replay"),
    silent=u8("1 while no range is fused"),
    lock_reported=u8("1 once the first fused range was reported"),
    spare=u8("zero", 4),
)


@kernel
def begin_navigation(nav, params):
    """State before the first uplinked state vector."""
    nav.grid.k = -1
    nav.computed_k = -1
    nav.intake.dirty_k = NEVER
    nav.intake.newest_range_t_ns = -1
    nav.grid.trust.last_fused_t_ns = -1
    nav.grid.trust.alternate_since_ns = -1
    site = params.site
    store4(nav.q_FL, q_FL_at(float(site.latitude_deg), float(site.longitude_deg)))


@kernel
def navigate(nav, history, params, inbox, tick, outbox):
    """One tick of navigation: intake, grid filter, output predictor."""
    nav.inertial.delta_v_mps = 0.0
    for i in range(int(inbox.n_imus)):
        take_imu(nav, history, params.navigation.inertial, inbox.imus[i], tick, outbox)
    if int(nav.ready) == 0:
        return
    for i in range(int(inbox.n_ranges)):
        sample = inbox.ranges[i]
        rx_ns = int(inbox.range_rx_ns[i])
        t_ns, trusted = _stamp(nav, params.navigation, sample, rx_ns, outbox)
        arrival = Arrival(t_ns, trusted, tick.now_ns)
        take_range(nav, history, params.navigation.trust, sample, arrival, outbox)
    _catch_up(nav, history, params, tick.now_ns, outbox)
    propagate_current(nav, history, params)


@kernel
def take_exchange(nav, params, exchange, now_ns, outbox):
    """Take a clock exchange; where it makes a new map, the repairs of stamps are taken back."""
    code, a, b = timebase_observe(nav.timebase, params.navigation.timebase, exchange, now_ns)
    if code == EventCode.NONE:
        return
    post_event(outbox, code, a, b)
    range_clock_mapped(nav.timestamps)
    if code == EventCode.CLOCK_JUMP:
        imu_clock_stepped(nav.inertial, seconds_to_ns(a))
    else:
        imu_clock_mapped(nav.inertial)


@kernel
def _stamp(nav, params, sample, rx_ns, outbox):
    """(stamp in flight time, 1) of a range, repaired where its clock is wrong; 0 for a bad one.

    Invalid samples have stamps too: their sequence is known long before the first valid range.
    """
    t_ns = to_flight_ns(nav.timebase, int(sample.t_ns))
    shift_ns = int(nav.timestamps.shift_ns)
    t_ns, trusted = repaired_stamp(nav.timestamps, params.timestamps, t_ns, int(sample.seq), rx_ns)
    moved_ns = int(nav.timestamps.shift_ns) - shift_ns
    if moved_ns != 0:
        post_event(
            outbox, EventCode.STAMPS_REPAIRED, float(moved_ns) * 1e-9, float(nav.timestamps.jumps)
        )
    return (t_ns, trusted)


@kernel
def _catch_up(nav, history, params, now_ns, outbox):
    """Compute the grid points that are due, redoing old ones first where a range came late."""
    grid = nav.grid
    due_k = min(now_ns - GRID_NS, newest_imu_ns(history, 0)) // GRID_NS
    dirty_k = int(nav.intake.dirty_k)
    if dirty_k != NEVER and int(nav.replaying) == 0:
        nav.intake.dirty_k = NEVER
        if restore_before(grid, history, dirty_k - 1):
            report_replay(nav, now_ns, dirty_k, due_k - int(grid.k), outbox)
    moved = 0
    rejected = int(grid.trust.rejects_in_a_row)
    promotions = int(grid.trust.promotions)
    invalidated = int(grid.trust.invalidated)
    for _ in range(int(params.navigation.replay_grid_steps_per_tick)):
        if int(grid.k) < due_k:
            grid_step(grid, history, params, nav.intake.verdicts)
            save(history, grid)
            moved = 1
    nav.computed_k = max(int(nav.computed_k), int(grid.k))
    nav.replaying = 0
    if int(grid.k) < due_k:
        nav.replaying = 1
    elif moved == 1:
        report_rejection(outbox, grid.trust, rejected)
        report_hypotheses(outbox, nav, promotions, invalidated)
        before_m = altitude_m(nav.current, params)
        reset_current(nav, history, params)
        propagate_current(nav, history, params)
        if int(grid.trust.locked) == 1 and int(nav.lock_reported) == 0:
            nav.lock_reported = 1
            after_m = altitude_m(nav.current, params)
            post_event(outbox, EventCode.RANGE_FIRST_FUSED, after_m, after_m - before_m)
