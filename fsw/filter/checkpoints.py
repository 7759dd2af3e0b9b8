"""Checkpoints of the grid: packed at each grid point, unpacked to redo the past.

A checkpoint is valid for a replay when its index is not beyond the grid's present one: a replay
rewrites every slot that it passes, so older slots are untouched and newer ones are stale.
"""

from fsw.filter.buffers import COARSE_SLOTS, COARSE_STEPS, FINE_SLOTS
from fsw.filter.covariance import N_ALL, N_STATES
from fsw.framework.kernel import kernel
from fsw.mathlib.vectors import load3, store3


@kernel
def save(history, grid):
    """Save the grid point just computed."""
    k = int(grid.k)
    _pack(history.fine[k % FINE_SLOTS], grid)
    if k % COARSE_STEPS == 0:
        _pack(history.coarse[k // COARSE_STEPS % COARSE_SLOTS], grid)


@kernel
def restore_before(grid, history, k):
    """Restore the newest valid checkpoint at or before point k; False when there is none."""
    limit = min(k, int(grid.k))
    best = -1
    best_fine = -1
    best_coarse = -1
    for i in range(FINE_SLOTS):
        at = int(history.fine[i].k)
        if best < at <= limit:
            best = at
            best_fine = i
    for i in range(COARSE_SLOTS):
        at = int(history.coarse[i].k)
        if best < at <= limit:
            best = at
            best_coarse = i
    if best < 0:
        return False
    if best_coarse >= 0:
        _unpack(grid, history.coarse[best_coarse])
    else:
        _unpack(grid, history.fine[best_fine])
    return True


@kernel
def _pack(slot, grid):
    """Copy the grid; P as its upper triangle, without the considered parameters' own block."""
    slot.k = grid.k
    slot.imu_next = grid.imu_next
    slot.nominal = grid.nominal
    slot.trust = grid.trust
    slot.free_fall_s = grid.free_fall_s
    store3(slot.footprint_F_m, load3(grid.footprint_F_m))
    store3(slot.free_fall_dv_B_mps, load3(grid.free_fall_dv_B_mps))
    n = 0
    for i in range(N_STATES):
        for j in range(i, N_ALL):
            slot.P[n] = grid.P[i, j]
            n = n + 1


@kernel
def _unpack(grid, slot):
    """Restore the grid, P by symmetry."""
    grid.k = slot.k
    grid.imu_next = slot.imu_next
    grid.nominal = slot.nominal
    grid.trust = slot.trust
    grid.free_fall_s = slot.free_fall_s
    store3(grid.footprint_F_m, load3(slot.footprint_F_m))
    store3(grid.free_fall_dv_B_mps, load3(slot.free_fall_dv_B_mps))
    n = 0
    for i in range(N_STATES):
        for j in range(i, N_ALL):
            grid.P[i, j] = slot.P[n]
            grid.P[j, i] = slot.P[n]
            n = n + 1
