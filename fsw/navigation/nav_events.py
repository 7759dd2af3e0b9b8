"""Events of navigation: replay, rejection, hypotheses, silence."""

from math import sqrt

from fsw.filter.buffers import GRID_NS
from fsw.framework.kernel import kernel
from fsw.interface.events import EventCode, post_event
from fsw.navigation.output_predictor import altitude_m

# a steady delay replays at every range: one report in ten seconds is enough
REPLAY_REPORT_NS = 10_000_000_000


@kernel
def report_replay(nav, now_ns, dirty_k, steps, outbox):
    """Report a replay after a late range, at most once in REPLAY_REPORT_NS."""
    if int(nav.replay_reported_ns) > 0 and now_ns - int(nav.replay_reported_ns) < REPLAY_REPORT_NS:
        return
    nav.replay_reported_ns = now_ns
    post_event(
        outbox, EventCode.RANGE_REPLAYED, float(steps), float(now_ns - dirty_k * GRID_NS) * 1e-9
    )


@kernel
def report_rejection(outbox, trust, before):
    """Report a range rejected after one that was not; before: rejections in a row so far."""
    if before == 0 and int(trust.rejects_in_a_row) > 0:
        sigmas = sqrt(float(trust.rejected_nis))
        post_event(outbox, EventCode.RANGE_REJECTED, float(trust.rejected_innovation_m), sigmas)


@kernel
def report_hypotheses(outbox, nav, promotions, invalidated):
    """Report a promoted candidate and an invalidated altitude, given the counts before."""
    trust = nav.grid.trust
    if int(trust.promotions) > promotions:
        moved = float(nav.current.terrain_m) - float(nav.grid.nominal.terrain_m)
        kept = 1.0 if int(trust.alternate_since_ns) >= 0 else 0.0
        post_event(outbox, EventCode.CANDIDATE_PROMOTED, moved, kept)
    if int(trust.invalidated) > invalidated:
        post_event(outbox, EventCode.ESTIMATE_INVALIDATED, float(trust.invalidated), 0.0)


@kernel
def report_silence(nav, params, now_ns, outbox):
    """Report when ranges stop being fused after the first lock, and when they resume."""
    if int(nav.grid.trust.locked) == 0:
        return
    age_s = float(now_ns - int(nav.grid.trust.last_fused_t_ns)) * 1e-9
    silent = age_s > float(params.navigation.trust.silent_s)
    if silent and int(nav.silent) == 0:
        nav.silent = 1
        post_event(outbox, EventCode.RANGE_SILENT, age_s, altitude_m(nav.current, params))
    elif int(nav.silent) == 1 and not silent:
        nav.silent = 0
        post_event(outbox, EventCode.RANGE_RESUMED, age_s, float(nav.grid.trust.last_innovation_m))
