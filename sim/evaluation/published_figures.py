"""Figures of published landings, measured on a simulated one.

A scenario gives them under `[published]`, or under `[inferred]` where they were derived from
published ones; sim.campaign.historical_landings measures the same figures on its flights.
`v_192m_mps` is the descent rate where the clearance was 192 m for the first time, and so on for any
height.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fsw.interface.modes import Mode

Series = np.ndarray


@dataclass(frozen=True)
class Track:
    """A sampled flight: truth and the flight software's estimate; one element a sample.

    The scalars are of the first contact and None without one, as are `first_valid_alt_m` and
    `first_fused_alt_m` without ranges; `dry_t_s` is the time at which the tanks ran dry. `along_m`
    and `step_along_m` are distances along the direction in which the terrain's step rises.
    """

    t_s: Series
    clearance_m: Series
    v_down_mps: Series
    v_horizontal_mps: Series
    tilt_deg: Series
    thrust_N: Series
    along_m: Series
    mode: Series
    believed_m: Series
    range_age_s: Series
    first_valid_alt_m: float | None
    first_fused_alt_m: float | None
    contact_t_s: float | None
    contact_v_down_mps: float | None
    contact_v_horizontal_mps: float | None
    contact_tilt_deg: float | None
    contacts: int
    miss_m: float | None
    dry_t_s: float | None
    step_along_m: float


@dataclass(frozen=True)
class Figure:
    """One figure: its description, and its measurement on a track; None where there is none."""

    doc: str
    take: Callable[[Track], float | None]


def measure(name: str, track: Track) -> float | None:
    """A figure of a flight by its name; None where the flight has none."""
    at_height = AT_HEIGHT.fullmatch(name)
    if at_height:
        series = track.v_horizontal_mps if at_height["across"] else track.v_down_mps
        return _when(series, track.clearance_m <= float(at_height["height"]))
    return FIGURES[name].take(track)


def is_figure(name: str) -> bool:
    """True for a name that `measure` knows."""
    return name in FIGURES or AT_HEIGHT.fullmatch(name) is not None


def _when(series: Series, happened: Series) -> float | None:
    """Value of a series where a condition first holds; None where it never does."""
    return float(series[int(np.argmax(happened))]) if happened.any() else None


def _flying(track: Track) -> Series:
    end = np.inf if track.contact_t_s is None else track.contact_t_s
    return track.t_s <= end


def _descending(track: Track) -> Series:
    return _flying(track) & np.isin(track.mode, (Mode.APPROACH, Mode.DESCENT, Mode.TERMINAL))


def _v_first_valid(track: Track) -> float | None:
    if track.first_valid_alt_m is None:
        return None
    return _when(track.v_down_mps, track.clearance_m <= track.first_valid_alt_m)


def _believed_zero(track: Track) -> float | None:
    began = track.mode >= Mode.BRAKING
    return _when(track.clearance_m, began & _flying(track) & (track.believed_m <= ZERO_M))


def _hover(track: Track) -> float | None:
    """Mean descent rate from an estimated altitude of zero until the tanks are dry."""
    low = track.believed_m <= ZERO_M
    if track.dry_t_s is None or not low.any():
        return None
    over = (track.t_s >= track.t_s[int(np.argmax(low))]) & (track.t_s < track.dry_t_s)
    return float(np.mean(track.v_down_mps[over])) if over.any() else None


def _fall(track: Track) -> float | None:
    if track.dry_t_s is None or track.contact_t_s is None:
        return None
    return track.contact_t_s - track.dry_t_s


def _cut_clearance(track: Track) -> float | None:
    return _when(np.maximum(track.clearance_m, 0.0), track.mode == Mode.LANDED)


def _thrust_after_contact(track: Track) -> float | None:
    if track.contact_t_s is None:
        return None
    after = (track.t_s > track.contact_t_s) & (track.thrust_N > 0.0)
    return float(track.t_s[after][-1]) - track.contact_t_s if after.any() else 0.0


def _altitude_error(track: Track) -> float | None:
    at_contact = track.t_s >= (np.inf if track.contact_t_s is None else track.contact_t_s)
    return _when(track.believed_m - np.maximum(track.clearance_m, 0.0), at_contact)


def _last_fused(track: Track) -> float | None:
    used = _flying(track) & (track.range_age_s >= 0.0) & (track.range_age_s < FRESH_S)
    return float(track.clearance_m[used][-1]) if used.any() else None


def _burn(track: Track) -> float | None:
    period_s = float(track.t_s[1] - track.t_s[0])
    return float(np.count_nonzero(track.thrust_N > 0.0)) * period_s


def _braking(track: Track) -> float | None:
    ended = track.t_s[(track.mode == Mode.APPROACH) | (track.mode == Mode.DESCENT)]
    began = track.t_s[track.mode == Mode.BRAKING]
    return float(ended[0] - began[0]) if len(began) and len(ended) else None


def _swing(track: Track) -> float | None:
    settled = track.clearance_m < SETTLED_M
    seen = _flying(track) & settled & np.isin(track.mode, (Mode.DESCENT, Mode.TERMINAL))
    return float(track.tilt_deg[seen].max()) if seen.any() else None


def _over_step(track: Track) -> float | None:
    before = track.along_m < track.step_along_m
    return float(track.clearance_m[before][-1]) if before.any() else None


def _lowest_estimate(track: Track) -> float | None:
    seen = _descending(track)
    return float(track.believed_m[seen].min()) if seen.any() else None


# clearance below which the tilt of the approach is over
SETTLED_M = 2000.0

# greatest age of a range in a sample in which one was just fused
FRESH_S = 0.3

# estimated altitude that counts as zero
ZERO_M = 0.5
AT_HEIGHT = re.compile(r"v(?P<across>h?)_(?P<height>\d+)m_mps")

FIGURES = {
    "first_valid_alt_m": Figure("height of the first valid range", lambda t: t.first_valid_alt_m),
    "first_fused_alt_m": Figure("height of the first range used", lambda t: t.first_fused_alt_m),
    "v_first_valid_mps": Figure("descent rate at the first valid range", _v_first_valid),
    "v_impact_mps": Figure("descent rate at contact", lambda t: t.contact_v_down_mps),
    "vh_impact_mps": Figure("horizontal speed at contact", lambda t: t.contact_v_horizontal_mps),
    "tilt_impact_deg": Figure("tilt at contact", lambda t: t.contact_tilt_deg),
    "miss_m": Figure("distance from the site", lambda t: t.miss_m),
    "contacts": Figure("contacts with the ground", lambda t: float(t.contacts)),
    "last_fused_alt_m": Figure("height of the last range used", _last_fused),
    "burn_s": Figure("time under thrust", _burn),
    "believed_zero_alt_m": Figure("true height when the estimate was zero", _believed_zero),
    "believed_least_m": Figure("lowest altitude estimated after braking", _lowest_estimate),
    "altitude_error_m": Figure("estimated less true altitude at contact", _altitude_error),
    "v_hover_mps": Figure("descent rate from an estimate of zero until the tanks were dry", _hover),
    "fall_s": Figure("from dry tanks to the ground", _fall),
    "engine_cut_alt_m": Figure("true height when touchdown was declared", _cut_clearance),
    "thrust_after_contact_s": Figure("thrust after first contact", _thrust_after_contact),
    "braking_s": Figure("length of the braking phase", _braking),
    "swing_deg": Figure("greatest tilt in the vertical descent", _swing),
    "ridge_clearance_m": Figure("clearance over the edge of the step", _over_step),
}
