"""Flight modes: one table, mode x cue -> mode. A missing entry is an illegal transition.

Modes follow the descent: standby until the go, coast to ignition, brake at high thrust to the
gate, pitch up (approach), descend under the stopping-distance law, descend at constant speed
(terminal), landed. Two legal ends are off that line: not begun, before ignition, and abort, in
braking only, while the propellant still reaches orbit.
"""

from fsw.framework.codes import Code
from fsw.framework.kernel import kernel


class Mode(Code):
    """Flight modes."""

    STANDBY = 0
    COAST = 1
    BRAKING = 2
    APPROACH = 3
    DESCENT = 4
    TERMINAL = 5
    LANDED = 6
    ABORT = 7
    NOT_BEGUN = 8


class Cue(Code):
    """Cues that change the mode."""

    NONE = 0
    GO = 1
    IGNITION_POINT = 2
    PROPULSION_UNFIT = 3
    NEAR_GATE = 4
    AT_GATE = 5
    LOW = 6
    TOUCHDOWN = 7
    ABORT = 8
    HIGH = 9


TRANSITIONS = {
    (Mode.STANDBY, Cue.GO): Mode.COAST,
    (Mode.COAST, Cue.IGNITION_POINT): Mode.BRAKING,
    (Mode.COAST, Cue.PROPULSION_UNFIT): Mode.NOT_BEGUN,
    (Mode.COAST, Cue.ABORT): Mode.NOT_BEGUN,
    (Mode.STANDBY, Cue.ABORT): Mode.NOT_BEGUN,
    (Mode.BRAKING, Cue.NEAR_GATE): Mode.APPROACH,
    (Mode.BRAKING, Cue.AT_GATE): Mode.DESCENT,
    (Mode.BRAKING, Cue.ABORT): Mode.ABORT,
    (Mode.APPROACH, Cue.AT_GATE): Mode.DESCENT,
    (Mode.APPROACH, Cue.LOW): Mode.TERMINAL,
    (Mode.DESCENT, Cue.LOW): Mode.TERMINAL,
    (Mode.TERMINAL, Cue.HIGH): Mode.DESCENT,
    (Mode.BRAKING, Cue.TOUCHDOWN): Mode.LANDED,
    (Mode.APPROACH, Cue.TOUCHDOWN): Mode.LANDED,
    (Mode.DESCENT, Cue.TOUCHDOWN): Mode.LANDED,
    (Mode.TERMINAL, Cue.TOUCHDOWN): Mode.LANDED,
}


def _dense(table):
    """The table as a tuple of rows, which a kernel can index; -1 for an illegal transition."""
    return tuple(tuple(int(table.get((mode, cue), -1)) for cue in Cue) for mode in Mode)


NEXT_MODE = _dense(TRANSITIONS)


@kernel
def next_mode(mode, cue):
    """Mode after a cue, or -1 where the table has no entry."""
    return NEXT_MODE[int(mode)][int(cue)]


@kernel
def engine_may_run(mode):
    """True in the modes that fly on the main engine."""
    return (
        mode == Mode.BRAKING
        or mode == Mode.APPROACH
        or mode == Mode.DESCENT
        or mode == Mode.TERMINAL
        or mode == Mode.ABORT
    )
