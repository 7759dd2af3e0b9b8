"""Navigation: the grid filter, its replay, and the head that flies on.

The grid point t_k is computed once now >= t_k + 100 ms, so that a range of nominal latency
needs no replay. The head is the grid's state carried forward through the increments to now. A
later range puts the grid back to the checkpoint before it and the points are redone, at most
`replay_grid_steps_per_tick` a tick, while the old head flies on; when the grid has caught up,
the head is taken from it anew. Ranges that arrive during a replay wait for the next one, so
that a steady delay cannot keep the grid from ever catching up.
"""

from math import sqrt

from fsw.cadence import (
    CADENCE,
    CADENCE_PARAMS,
    range_clock_mapped,
    repaired_stamp,
    seconds_to_ns,
)
from fsw.checkpoint import restore_before, save
from fsw.covariance import V0, variance_along
from fsw.elementary import to_int
from fsw.events import (
    EV_CHALLENGER_WON,
    EV_CLOCK_JUMP,
    EV_ESTIMATE_CONDEMNED,
    EV_NAV_UPDATED,
    EV_NONE,
    EV_RANGE_FIRST_FUSED,
    EV_RANGE_REJECTED,
    EV_RANGE_REPLAYED,
    EV_RANGE_RESUMED,
    EV_RANGE_SILENT,
    EV_STAMPS_REPAIRED,
    post_event,
)
from fsw.frames import q_FI_at, q_FL_at
from fsw.grid import (
    FILTER_PARAMS,
    GRID,
    GRID_NS,
    anchor,
    grid_step,
    increment_until,
)
from fsw.ground import altitude_variance
from fsw.history import IMU_SLOTS, SUMMED, forget_checkpoints, newest_imu_ns
from fsw.inertial import INERTIAL, INERTIAL_PARAMS, imu_clock_mapped, imu_clock_stepped, take_imu
from fsw.intake import INTAKE, NEVER, take_range
from fsw.kernel import kernel
from fsw.linear import (
    add_scaled3,
    cross3,
    dot3,
    load3,
    load4,
    norm3,
    quat_conj,
    quat_mul,
    quat_unit,
    rotate,
    scale3,
    store3,
    store4,
    sub3,
    unit3,
)
from fsw.messages import IMUS_PER_TICK
from fsw.record import f64, i64, record, u8
from fsw.strapdown import NOMINAL, strapdown
from fsw.timebase import (
    TIMEBASE,
    TIMEBASE_PARAMS,
    timebase_bound_ns,
    timebase_observe,
    to_flight_ns,
)
from fsw.trust import TRUST_PARAMS

# what an uplinked state cannot be: inside the Moon, beyond its reach, faster than an arrival
UPDATE_NEAREST_M = 1.6e6
UPDATE_FURTHEST_M = 6.0e7
UPDATE_FASTEST_MPS = 1.0e4

# a steady delay replays at every range: one report in a while tells as much
REPLAY_TOLD_NS = 10_000_000_000
# an increment longer than this says little of the rate at its end
HOLE_S = 0.05

NAVIGATION_PARAMS = record(
    "NavigationParams",
    "Navigation as a whole.",
    timebase=TIMEBASE_PARAMS("clock map"),
    cadence=CADENCE_PARAMS("stamps of ranges"),
    inertial=INERTIAL_PARAMS("inertial increments"),
    filter=FILTER_PARAMS("noise that the filter expects"),
    trust=TRUST_PARAMS("how ranges are believed"),
    update_age_max_s=f64(
        "an uplinked state older than this is refused", default=5.0, lo=0.1, hi=60.0
    ),
    replay_grid_steps_per_tick=i64(
        "grid points that may be computed in one tick", default=1, lo=1, hi=100
    ),
)

NAVIGATION = record(
    "Navigation",
    "All that navigation needs to fly on.",
    timebase=TIMEBASE("clock map"),
    cadence=CADENCE("line of the ranges' stamps"),
    inertial=INERTIAL("inertial sums"),
    intake=INTAKE("arrival facts and counters of ranges"),
    grid=GRID("the filter at its latest grid point"),
    head=NOMINAL("the estimate of now"),
    head_next=i64("count of the first increment that the head has not taken"),
    computed_k=i64("newest grid point ever computed"),
    replay_told_ns=i64("when a replay was reported last"),
    q_FL=f64("attitude of the site's frame, Moon-fixed", 4),
    omega_B_radps=f64("angular rate of the last increment, bias removed", 3),
    f_B_mps2=f64("specific force of the last increment, bias removed", 3),
    sigma_altitude_m=f64("standard deviation of the altitude, when the head was last renewed"),
    sigma_v_down_mps=f64("standard deviation of the descent rate, at that time"),
    ready=u8("1 once a state vector has come"),
    replaying=u8("1 while the grid is behind and the old head flies on"),
    silent=u8("1 while no range is fused"),
    lock_told=u8("1 once the first fused range was reported"),
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
    nav.grid.trust.rival_since_ns = -1
    site = params.site
    store4(nav.q_FL, q_FL_at(float(site.latitude_deg), float(site.longitude_deg)))


@kernel
def take_nav_update(nav, history, params, update, now_ns, outbox):
    """Anchor the grid in an uplinked state; legal while no force acts. True when it was taken.

    The state is moved from its epoch back to the grid point before it, by gravity alone.
    """
    t_ns = int(update.t_ns)
    age_max_ns = to_int(float(params.navigation.update_age_max_s) * 1e9, 0.0, 1e12)
    if t_ns < 0 or t_ns > now_ns or now_ns - t_ns > age_max_ns or not _plausible(update):
        return False
    before_r = load3(nav.head.r_BM_I_m)
    before_v = load3(nav.head.v_BM_I_mps)
    fresh = history.at_stamp
    fresh.t_ns = t_ns
    store3(fresh.r_BM_I_m, load3(update.r_BM_I_m))
    store3(fresh.v_BM_I_mps, load3(update.v_BM_I_mps))
    store4(fresh.q_IB, quat_unit(load4(update.q_IB)))
    store3(fresh.gyro_bias_B_radps, (0.0, 0.0, 0.0))
    store3(fresh.accel_bias_B_mps2, (0.0, 0.0, 0.0))
    k = t_ns // GRID_NS
    strapdown(params.moon, fresh, k * GRID_NS, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    sigmas = (
        float(update.sigma_radial_m),
        float(update.sigma_horizontal_m),
        float(update.sigma_velocity_mps),
        float(update.sigma_attitude_rad),
    )
    anchor(nav.grid, k, fresh, sigmas, params.navigation.filter, params.site)
    nav.grid.imu_next = _first_increment_after(history, k * GRID_NS)
    nav.computed_k = k
    nav.intake.dirty_k = NEVER
    nav.intake.anchor_t_ns = k * GRID_NS
    forget_checkpoints(history)
    save(nav.grid, history)
    _renew_head(nav, history, params)
    moved = (0.0, 0.0)
    if int(nav.ready) == 1:
        moved = (
            norm3(sub3(load3(nav.head.r_BM_I_m), before_r)),
            norm3(sub3(load3(nav.head.v_BM_I_mps), before_v)),
        )
    nav.ready = 1
    post_event(outbox, EV_NAV_UPDATED, moved[0], moved[1])
    return True


@kernel
def _plausible(update):
    """A state near the Moon with sane deviations; a NaN or an infinity fails the comparison."""
    r = load3(update.r_BM_I_m)
    v = load3(update.v_BM_I_mps)
    q = load4(update.q_IB)
    return (
        UPDATE_NEAREST_M < norm3(r) < UPDATE_FURTHEST_M
        and norm3(v) < UPDATE_FASTEST_MPS
        and 0.9 < q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3] < 1.1
        and 0.0 <= float(update.sigma_radial_m) < UPDATE_NEAREST_M
        and 0.0 <= float(update.sigma_horizontal_m) < UPDATE_NEAREST_M
        and 0.0 <= float(update.sigma_velocity_mps) < UPDATE_FASTEST_MPS
        and 0.0 <= float(update.sigma_attitude_rad) < 1.0
    )


@kernel
def _first_increment_after(history, t_ns):
    """Count of the first increment that ends after t_ns, searched from the newest back."""
    end = int(history.imu_count)
    place = end
    for i in range(min(end, IMU_SLOTS)):
        if int(history.imu_t_ns[(end - 1 - i) % IMU_SLOTS]) > t_ns:
            place = end - 1 - i
    return place


@kernel
def navigate(nav, history, params, inbox, quiet, pushed_mps2, outbox):
    """One tick of navigation: intake, grid, head. quiet and pushed_mps2 as in fsw.inertial."""
    now_ns = int(inbox.now_ns)
    own = params.navigation
    nav.inertial.gained_mps = 0.0
    punctual = 0
    if int(inbox.missed_ticks) == 0 and int(inbox.n_imus) < IMUS_PER_TICK:
        punctual = 1  # none is left of what has waited
    for i in range(int(inbox.n_imus)):
        take_imu(
            nav.inertial,
            history,
            nav.timebase,
            own.inertial,
            inbox.imus[i],
            now_ns,
            punctual,
            quiet,
            pushed_mps2,
            outbox,
        )
    if int(nav.ready) == 0:
        return
    for i in range(int(inbox.n_ranges)):
        sample = inbox.ranges[i]
        t_ns, trusted = _stamp(nav, own, sample, int(inbox.range_rx_ns[i]), outbox)
        take_range(
            nav.intake,
            history,
            own.trust,
            sample,
            t_ns,
            trusted,
            now_ns,
            int(nav.computed_k),
            int(nav.grid.k),
            outbox,
        )
    _catch_up(nav, history, params, now_ns, outbox)
    _carry_head(nav, history, params)


@kernel
def take_exchange(nav, params, exchange, now_ns, outbox):
    """Take a clock exchange; where it makes the map anew, stamps need no repair any more."""
    own = params.navigation
    code, a, b = timebase_observe(nav.timebase, own.timebase, exchange, now_ns)
    if code == EV_NONE:
        return
    post_event(outbox, code, a, b)
    range_clock_mapped(nav.cadence)
    if code == EV_CLOCK_JUMP:
        imu_clock_stepped(nav.inertial, seconds_to_ns(a))
    else:
        imu_clock_mapped(nav.inertial)


@kernel
def _stamp(nav, own, sample, rx_ns, outbox):
    """(stamp in flight time, 1) of a range, repaired where its clock is wrong; 0 for a bad one.

    Invalid samples have stamps too: the line is known long before the first valid range.
    """
    t_ns = to_flight_ns(nav.timebase, int(sample.t_ns))
    shift_ns = int(nav.cadence.shift_ns)
    t_ns, trusted = repaired_stamp(nav.cadence, own.cadence, t_ns, int(sample.seq), rx_ns)
    moved_ns = int(nav.cadence.shift_ns) - shift_ns
    if moved_ns != 0:
        post_event(outbox, EV_STAMPS_REPAIRED, float(moved_ns) * 1e-9, float(nav.cadence.jumps))
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
            _report_replay(nav, now_ns, dirty_k, due_k - int(grid.k), outbox)
    moved = 0
    rejected = int(grid.trust.rejects_in_a_row)
    won = int(grid.trust.won)
    condemned = int(grid.trust.condemned)
    for _ in range(int(params.navigation.replay_grid_steps_per_tick)):
        if int(grid.k) < due_k:
            grid_step(
                grid,
                history,
                params.moon,
                params.vehicle,
                params.site,
                params.navigation.filter,
                params.navigation.trust,
                nav.intake.verdicts,
            )
            save(grid, history)
            moved = 1
    nav.computed_k = max(int(nav.computed_k), int(grid.k))
    nav.replaying = 0
    if int(grid.k) < due_k:
        nav.replaying = 1
    elif moved == 1:
        _report_rejection(grid.trust, rejected, outbox)
        _report_hypotheses(nav, won, condemned, outbox)
        before_m = altitude_m(nav.head, params)
        _renew_head(nav, history, params)
        _carry_head(nav, history, params)
        if int(grid.trust.locked) == 1 and int(nav.lock_told) == 0:
            nav.lock_told = 1
            after_m = altitude_m(nav.head, params)
            post_event(outbox, EV_RANGE_FIRST_FUSED, after_m, after_m - before_m)


@kernel
def _report_replay(nav, now_ns, dirty_k, steps, outbox):
    """Say that a late range made grid points be redone; not more often than it helps."""
    if int(nav.replay_told_ns) > 0 and now_ns - int(nav.replay_told_ns) < REPLAY_TOLD_NS:
        return
    nav.replay_told_ns = now_ns
    post_event(outbox, EV_RANGE_REPLAYED, float(steps), float(now_ns - dirty_k * GRID_NS) * 1e-9)


@kernel
def _report_rejection(trust, before, outbox):
    """Say when a range is rejected after one that was not."""
    if before == 0 and int(trust.rejects_in_a_row) > 0:
        sigmas = sqrt(float(trust.rejected_nis))
        post_event(outbox, EV_RANGE_REJECTED, float(trust.rejected_innovation_m), sigmas)


@kernel
def _report_hypotheses(nav, won, condemned, outbox):
    """Say when a challenger has won, and when an altitude was proved wrong."""
    trust = nav.grid.trust
    if int(trust.won) > won:
        moved = float(nav.head.terrain_m) - float(nav.grid.nominal.terrain_m)
        kept = 1.0 if int(trust.rival_since_ns) >= 0 else 0.0
        post_event(outbox, EV_CHALLENGER_WON, moved, kept)
    if int(trust.condemned) > condemned:
        post_event(outbox, EV_ESTIMATE_CONDEMNED, float(trust.condemned), 0.0)


@kernel
def _renew_head(nav, history, params):
    """Take the head from the grid, and with it how well the altitude is known."""
    nav.head = nav.grid.nominal
    nav.head_next = nav.grid.imu_next
    P = nav.grid.P
    up = unit3(load3(nav.head.r_BM_I_m))
    nav.sigma_altitude_m = sqrt(altitude_variance(P, up))
    nav.sigma_v_down_mps = sqrt(max(variance_along(P, V0, up), 0.0))


@kernel
def _carry_head(nav, history, params):
    """Carry the head through the increments that it has not taken yet."""
    head = nav.head
    end = int(history.imu_count)
    for j in range(max(int(nav.head_next), end - IMU_SLOTS), end):
        end_ns = int(history.imu_t_ns[j % IMU_SLOTS])
        dt = float(end_ns - int(head.t_ns)) * 1e-9
        if dt > 0.0:
            dv, dtheta = increment_until(history, j, head, end_ns)
            strapdown(params.moon, head, end_ns, dv, dtheta)
            # the mean over a hole is not the rate of now
            if int(history.imu_flags[j % IMU_SLOTS]) & SUMMED == 0 or dt < HOLE_S:
                store3(nav.f_B_mps2, scale3(dv, 1.0 / dt))
                store3(nav.omega_B_radps, scale3(dtheta, 1.0 / dt))
    nav.head_next = end


@kernel
def report_silence(nav, params, now_ns, outbox):
    """Say when ranges stop being fused after the first lock, and when they resume; in flight."""
    if int(nav.grid.trust.locked) == 0:
        return
    age_s = float(now_ns - int(nav.grid.trust.last_fused_t_ns)) * 1e-9
    silent = age_s > float(params.navigation.trust.silent_s)
    if silent and int(nav.silent) == 0:
        nav.silent = 1
        post_event(outbox, EV_RANGE_SILENT, age_s, altitude_m(nav.head, params))
    elif int(nav.silent) == 1 and not silent:
        nav.silent = 0
        post_event(outbox, EV_RANGE_RESUMED, age_s, float(nav.grid.trust.last_innovation_m))


@kernel
def unproven_latency_s(nav, own, now_ns):
    """Time by which stamps may be younger than the measurements they stand for [s]."""
    bound_s = float(timebase_bound_ns(nav.timebase, own.timebase, now_ns)) * 1e-9
    if int(nav.cadence.doubtful) == 1:
        bound_s = bound_s + float(own.cadence.doubt_s)
    return bound_s


@kernel
def altitude_m(nominal, params):
    """Footpads above the ground under the beam."""
    ground = float(params.moon.radius_m) + float(nominal.terrain_m)
    return norm3(load3(nominal.r_BM_I_m)) - ground - float(params.vehicle.footpad_below_cm_m)


@kernel
def estimate_now(nav, params, now_ns, estimate):
    """Write the head into the site's frame for guidance and control."""
    head = nav.head
    moon = params.moon
    t_ns = int(head.t_ns)
    q_LI = quat_mul(quat_conj(load4(nav.q_FL)), q_FI_at(float(moon.omega_radps), t_ns))
    r_I = load3(head.r_BM_I_m)
    drift = cross3((0.0, 0.0, float(moon.omega_radps)), r_I)
    v_ground_I = sub3(load3(head.v_BM_I_mps), drift)
    r_L = rotate(q_LI, r_I)
    up_L = unit3(r_L)
    v_L = rotate(q_LI, v_ground_I)
    estimate.t_ns = t_ns
    site_radius = float(moon.radius_m) + float(params.site.height_m)
    store3(estimate.r_BL_L_m, add_scaled3(r_L, (0.0, 0.0, 1.0), -site_radius))
    store3(estimate.v_BL_L_mps, v_L)
    store4(estimate.q_LB, quat_unit(quat_mul(q_LI, load4(head.q_IB))))
    store3(estimate.omega_BL_B_radps, load3(nav.omega_B_radps))
    store3(estimate.f_B_mps2, load3(nav.f_B_mps2))
    store3(estimate.up_L, up_L)
    estimate.altitude_m = altitude_m(head, params)
    estimate.sigma_altitude_m = nav.sigma_altitude_m
    estimate.v_down_mps = -dot3(v_L, up_L)
    estimate.sigma_v_down_mps = nav.sigma_v_down_mps
    estimate.range_age_s = -1.0
    if int(nav.grid.trust.last_fused_t_ns) >= 0:
        estimate.range_age_s = float(now_ns - int(nav.grid.trust.last_fused_t_ns)) * 1e-9
