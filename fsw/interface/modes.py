"""The mode machine: one table, mode x cue -> mode. A missing entry is an illegal move.

Modes follow the descent: wait for the go, coast to ignition, brake at high thrust to the
gate, pitch up (approach), descend under the stopping-distance law, let down at constant
speed, and rest. Two legal ends lie off that line: not begun, before ignition, and abort, in
braking only, while the propellant still reaches orbit.
"""

from fsw.framework.kernel import kernel

MODE_NAMES = (
    "standby",
    "coast",
    "braking",
    "approach",
    "descent",
    "terminal",
    "landed",
    "abort",
    "not_begun",
)
STANDBY, COAST, BRAKING, APPROACH, DESCENT, TERMINAL, LANDED, ABORT, NOT_BEGUN = range(9)

CUE_NAMES = (
    "none",
    "go",
    "ignition_point",
    "propulsion_unfit",
    "near_gate",
    "at_gate",
    "low",
    "touchdown",
    "abort",
    "high",
)
(
    CUE_NONE,
    CUE_GO,
    CUE_IGNITION_POINT,
    CUE_PROPULSION_UNFIT,
    CUE_NEAR_GATE,
    CUE_AT_GATE,
    CUE_LOW,
    CUE_TOUCHDOWN,
    CUE_ABORT,
    CUE_HIGH,
) = range(10)

TRANSITIONS = {
    (STANDBY, CUE_GO): COAST,
    (COAST, CUE_IGNITION_POINT): BRAKING,
    (COAST, CUE_PROPULSION_UNFIT): NOT_BEGUN,
    (COAST, CUE_ABORT): NOT_BEGUN,
    (STANDBY, CUE_ABORT): NOT_BEGUN,
    (BRAKING, CUE_NEAR_GATE): APPROACH,
    (BRAKING, CUE_AT_GATE): DESCENT,
    (BRAKING, CUE_ABORT): ABORT,
    (APPROACH, CUE_AT_GATE): DESCENT,
    (APPROACH, CUE_LOW): TERMINAL,
    (DESCENT, CUE_LOW): TERMINAL,
    (TERMINAL, CUE_HIGH): DESCENT,
    (BRAKING, CUE_TOUCHDOWN): LANDED,
    (APPROACH, CUE_TOUCHDOWN): LANDED,
    (DESCENT, CUE_TOUCHDOWN): LANDED,
    (TERMINAL, CUE_TOUCHDOWN): LANDED,
}


def _dense(table):
    """The table as a tuple of rows, with -1 for an illegal move: what a kernel can index."""
    return tuple(
        tuple(table.get((mode, cue), -1) for cue in range(len(CUE_NAMES)))
        for mode in range(len(MODE_NAMES))
    )


NEXT_MODE = _dense(TRANSITIONS)


@kernel
def next_mode(mode, cue):
    """Mode after a cue, or -1 where the table has no entry."""
    return NEXT_MODE[mode][cue]


@kernel
def engine_may_run(mode):
    """True in the modes that fly on the main engine."""
    return (
        mode == BRAKING or mode == APPROACH or mode == DESCENT or mode == TERMINAL or mode == ABORT
    )
