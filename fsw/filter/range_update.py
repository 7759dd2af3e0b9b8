"""Range update: predict each range at its stamp, gate it, fuse it at the grid point.

The row of H at the stamp is carried to the grid point, with -lag times its position part for the
velocity, so that the update there is that of the stamp. Ranges of one step are scalar updates in
order of stamp; each innovation includes the corrections of those before it.
"""

from fsw.filter.buffers import GRID_NS, PREDICTIONS, RANGE_SLOTS, first_range_after
from fsw.filter.covariance import HT, N_STATES, R0, TH0, V0, fuse_vertical, project
from fsw.filter.imu_increments import increment_until
from fsw.filter.range_gate import (
    estimate_scatter,
    is_stale,
    judge_range,
    range_variance_m2,
    set_verdict,
)
from fsw.filter.range_model import predict_range
from fsw.filter.strapdown import strapdown
from fsw.filter.terrain_hypotheses import (
    candidate_is_promoted,
    promote_candidate,
    propose_terrain,
)
from fsw.framework.kernel import kernel
from fsw.interface.verdicts import RangeVerdict
from fsw.mathlib.frames import q_FI_at
from fsw.mathlib.vectors import dot3, load3, norm3, rotate, store3, sub3


@kernel
def predict_until(history, grid, params, j, stop_ns, first):
    """Predict every range from count `first` on with a stamp up to stop_ns, within increment j.

    Returns the count of the first range not predicted.
    """
    for _ in range(PREDICTIONS):
        if first < int(history.range_end) and int(history.grid_predictions) < PREDICTIONS:
            if int(history.ranges[first % RANGE_SLOTS].t_ns) <= stop_ns:
                _predict(history, grid, params, j, first)
                first = first + 1
    return first


@kernel
def _predict(history, grid, params, j, entry_count):
    """Expected range, its row and closing speed, from the nominal state moved to the stamp."""
    moon = params.moon
    n = int(history.grid_predictions)
    out = history.predictions[n]
    then = history.at_stamp
    history.at_stamp = grid.nominal
    t_ns = int(history.ranges[entry_count % RANGE_SLOTS].t_ns)
    if t_ns > int(then.t_ns):
        dv, dth = increment_until(history, j, then, t_ns)
        strapdown(then, moon, t_ns, dv, dth)
    hits, range_m, d_r, d_theta, d_h, hit_I = predict_range(moon, params.vehicle, then)
    lag = float((int(grid.k) + 1) * GRID_NS - t_ns) * 1e-9
    out.entry = entry_count
    out.hits = hits
    out.range_m = range_m
    out.closing_mps = -dot3(d_r, load3(then.v_BM_I_mps))  # the ground itself moves horizontally
    store3(out.hit_F_m, rotate(q_FI_at(float(moon.omega_radps), t_ns), hit_I))
    for i in range(3):
        out.H[R0 + i] = d_r[i]
        out.H[V0 + i] = -lag * d_r[i]
        out.H[TH0 + i] = d_theta[i]
    out.H[HT] = d_h
    history.grid_predictions = n + 1


@kernel
def fuse_ranges(grid, history, params, up, counts):
    """Gate and fuse the ranges of this step, in order of stamp. Returns how many were fused."""
    fused = 0
    for n in range(int(history.grid_predictions)):
        expected = history.predictions[n]
        entry = history.ranges[int(expected.entry) % RANGE_SLOTS]
        verdict = RangeVerdict.BAD_GEOMETRY
        if int(expected.hits) == 1:
            verdict = _fuse_range(grid, history, expected, entry, params, up)
        if verdict == RangeVerdict.FUSED_NOW:
            fused = fused + 1
            if int(entry.late) == 1:
                verdict = RangeVerdict.FUSED_LATE
        set_verdict(counts, entry, verdict)
    return fused


@kernel
def mark_excess_samples(history, t0_ns, t1_ns, counts):
    """Mark the ranges beyond the number that one grid step takes as excess."""
    first = first_range_after(history, t0_ns) + PREDICTIONS
    for count in range(first, first_range_after(history, t1_ns)):
        set_verdict(counts, history.ranges[count % RANGE_SLOTS], RangeVerdict.EXCESS)


@kernel
def _fuse_range(grid, history, expected, entry, params, up):
    """Gate one range and fuse it when it is accepted; returns the verdict.

    The ground may have risen or fallen along the footprint's path since the last fused range.
    That variance belongs to this sample, and enters P only with it: a rejection inflates
    nothing.
    """
    gate = params.navigation.trust
    H = expected.H
    PHt = history.PHt
    innovation = float(entry.range_m) - float(expected.range_m)
    for j in range(N_STATES):
        innovation = innovation - H[j] * history.dx[j]
    ground = _ground_variance(grid, expected, params)
    # a true sample is as long as expected; a false one is no more precise for being short
    length = min(float(expected.range_m), float(entry.range_m))
    R = range_variance_m2(gate, length, float(expected.closing_mps))
    trust = grid.trust
    t_ns = int(entry.t_ns)
    if is_stale(trust, gate, float(entry.range_m), float(expected.range_m)):
        return RangeVerdict.STALE_REPEAT
    noise = estimate_scatter(trust, gate, innovation, R)
    S = project(PHt, grid.P, H) + ground * H[HT] * H[HT] + noise
    verdict = judge_range(trust, gate, t_ns, innovation, S, R)
    if verdict == RangeVerdict.REJECTED:
        claim = float(grid.nominal.terrain_m) + history.dx[HT] + innovation / H[HT]
        if abs(claim - float(params.site.height_m)) <= float(gate.relief_m):
            verdict = propose_terrain(trust, gate, expected, entry, claim)
            if candidate_is_promoted(trust, gate, t_ns):
                promote_candidate(grid, history, gate, up, t_ns)
                store3(grid.footprint_F_m, load3(expected.hit_F_m))
    if verdict == RangeVerdict.FUSED_NOW:
        grid.P[HT, HT] += ground
        PHt[HT] += ground * H[HT]
        fuse_vertical(grid, history, S, innovation, up, float(gate.rate_doubt_mps))
        store3(grid.footprint_F_m, load3(expected.hit_F_m))
    return verdict


@kernel
def _ground_variance(grid, expected, params):
    """Variance of the ground's height over the footprint's path since the last fused range."""
    last = load3(grid.footprint_F_m)
    if dot3(last, last) == 0.0:
        return 0.0
    path_m = norm3(sub3(load3(expected.hit_F_m), last))
    slope = float(params.site.slope_rms)
    return slope * slope * path_m * float(params.navigation.filter.slope_length_m)
