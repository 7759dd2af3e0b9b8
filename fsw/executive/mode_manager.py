"""The mode manager: applies cues to the mode table and reports every transition."""

from fsw.framework.kernel import kernel
from fsw.interface.events import EventCode, post_event
from fsw.interface.modes import Mode, next_mode
from fsw.mathlib.vectors import load3, norm3


@kernel
def apply_cue(core, cue, now_ns, outbox):
    """Apply a cue to the mode table; True when the mode changed."""
    before = int(core.executive.mode)
    after = next_mode(before, cue)
    if after < 0 or after == before:
        return False
    core.executive.mode = after
    core.executive.mode_since_ns = now_ns
    post_event(outbox, EventCode.MODE_CHANGED, float(after), float(before))
    estimate = core.estimate
    height = float(estimate.altitude_m)
    speed = float(estimate.v_down_mps)
    if after == Mode.BRAKING:
        post_event(outbox, EventCode.IGNITION, height, norm3(load3(estimate.v_BL_L_mps)))
    elif after == Mode.NOT_BEGUN:
        ready = float(int(core.propulsion.ready))
        post_event(outbox, EventCode.NOT_BEGUN, float(core.propulsion.mass_kg), ready)
    elif after == Mode.LANDED:
        post_event(outbox, EventCode.ENGINE_CUT, speed, height)
    elif after == Mode.ABORT:
        post_event(outbox, EventCode.ABORTED, height, -speed)
    return True
