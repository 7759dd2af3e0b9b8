"""The mode manager: applies cues to the mode table and reports every transition."""

from fsw.framework.kernel import kernel
from fsw.interface.events import (
    EV_ABORTED,
    EV_ENGINE_CUT,
    EV_IGNITION,
    EV_MODE_CHANGED,
    EV_NOT_BEGUN,
    post_event,
)
from fsw.interface.modes import ABORT, BRAKING, LANDED, NOT_BEGUN, next_mode
from fsw.mathlib.vectors import load3, norm3

# --- modes and commands ------------------------------------------------------------------


@kernel
def apply_cue(core, cue, now_ns, outbox):
    """Give a cue to the mode machine; true when it moved."""
    before = int(core.executive.mode)
    after = next_mode(before, cue)
    if after < 0 or after == before:
        return False
    core.executive.mode = after
    core.executive.mode_since_ns = now_ns
    post_event(outbox, EV_MODE_CHANGED, float(after), float(before))
    estimate = core.estimate
    height = float(estimate.altitude_m)
    speed = float(estimate.v_down_mps)
    if after == BRAKING:
        post_event(outbox, EV_IGNITION, height, norm3(load3(estimate.v_BL_L_mps)))
    elif after == NOT_BEGUN:
        ready = float(int(core.propulsion.ready))
        post_event(outbox, EV_NOT_BEGUN, float(core.propulsion.mass_kg), ready)
    elif after == LANDED:
        post_event(outbox, EV_ENGINE_CUT, speed, height)
    elif after == ABORT:
        post_event(outbox, EV_ABORTED, height, -speed)
    return True
