"""The part of the scenario guide on faults, written from the table of kinds."""

from fsw.framework.record import Field
from sim.common.toml_records import UNITS, default_text, expected, unit_of
from sim.faults.envelope import read_envelope
from sim.faults.magnitudes import Bounds
from sim.faults.reader import WINDOW
from sim.faults.table import FAULT, FAULT_SLOTS, KINDS, FaultSpec

TEXT = """\
## `[[faults]]`

Injected faults: up to {slots} rows, numbered from 0. `--set faults.0.delay_s=0.5` changes a row,
and `--set faults.0.kind=delayed --set faults.0.delay_s=0.5` adds one where there is none.

```toml
[[faults]]
kind = "delayed"
delay_s = 0.5
from_altitude_m = 2000.0       # from here
until_altitude_m = 500.0       # down to there

[[faults]]
kind = "stamp_at_arrival"
```

Rows act in their order, between measurement and arrival, each on the result of the rows above it:
here the time-tag is that of the delayed arrival. A row without effect, a magnitude that its kind
does not use, and rows that cannot compose (a delay for an instrument that is off) are refused in a
line with the row's number. When a window opens or closes, the timeline and the log show it
(`fault_opened`, `fault_closed`); the flight software does not get these events.

**Window.** A row is open while all given conditions of its window hold: a span of time, a band of
true clearance under the footpads, a flight mode. The band opens when its upper bound is first
passed and closes when the lower one is, whatever the ground does in between. The mode is that of
the actuator command in force, one tick after the flight software entered it.

**Random draws** are addressed by the row and the number of the message, and are made whether the
row is open or not: a window that opens at some time changes nothing before it, and a row of
magnitude zero (a delay of 0, a scale of 1, a probability of 0) changes nothing at all.

**Names.** `off`, `stuck`, `garbage`, `wrong`, `slow`, `delayed` and `intermittent` are PX4's
failure types (MAVLink `FAILURE_TYPE`); `scale` and `wrong_scale` are its `wrong` too. The others
are Leadline's. `late_acquisition` is open from the start and takes an end, `early_loss` takes a
beginning.

**Wire** faults need a wire: `leadline hil` flies them, `leadline fly` refuses them. They affect
the frames of flight messages, never those of the session protocol.
"""


ENVELOPE = """\
### The envelope

Within these bounds every single timing fault is landed, with default parameters in `{scenario}`,
whatever its window: tests fly it (`sim/envelope.toml`), and `leadline search` looks for
counterexamples. A kind without a sensor's name affects the rangefinder.
"""


def fault_sections() -> list[str]:
    """Text, table of kinds, table of keys."""
    return [TEXT.format(slots=FAULT_SLOTS), _kinds(), _keys(), _envelope()]


def _kinds() -> str:
    head = ["| kind | affects | what happens | needs | may have |", "|---|---|---|---|---|"]
    rows = [_kind_row(name, kind) for name, kind in KINDS.items()]
    return "\n".join(["### Kinds", "", *head, *rows, ""])


def _kind_row(name: str, kind: FaultSpec) -> str:
    affects = ", ".join(kind.sensors) or kind.group.spec.affects
    needs = ", ".join(_code(key) for key in kind.needs) or " or ".join(map(_code, kind.one_of))
    return f"| `{name}` | {affects} | {kind.doc} | {needs} | {', '.join(map(_code, kind.may))} |"


def _keys() -> str:
    head = ["| key | unit | takes | default | meaning |", "|---|---|---|---|---|"]
    rows = [_key_row(key, field) for key, field in FAULT.fields.items() if key != "spare"]
    return "\n".join(["### Keys of a row", "", *head, *rows, ""])


def _key_row(key: str, field: Field) -> str:
    takes = "one of the kinds above" if key == "kind" else expected(field)
    cells = (_code(key), UNITS.get(unit_of(key), ""), takes, _default(key, field), field.doc)
    return f"| {' | '.join(cells)} |"


def _default(key: str, field: Field) -> str:
    if key == "kind":
        return "must be given"
    if key == "sensor":
        return "the first that the kind affects"
    if key in WINDOW and field.default:
        return "no bound"
    return default_text(field)


def _envelope() -> str:
    envelope = read_envelope()
    head = ["| fault | landed within | beyond is not covered, because |", "|---|---|---|"]
    rows = [
        f"| `{label}` | {_bounds(envelope.inside.get(label))} | {envelope.outside.get(label, '')} |"
        for label in dict.fromkeys([*envelope.inside, *envelope.outside])
    ]
    return "\n".join([ENVELOPE.format(scenario=envelope.scenario), *head, *rows, ""])


def _bounds(bounds: Bounds | None) -> str:
    """Text of bounds; windows are unlimited where they give no limit."""
    if bounds is None:
        return ""
    parts = [f"`{key}` {lo:g} to {hi:g}" for key, (lo, hi) in bounds.magnitudes.items()]
    windows = [f"begun below {bounds.below_m:g} m"] if bounds.below_m else []
    windows += [f"for up to {bounds.longest_s:g} s"] if bounds.longest_s else []
    windows += [f"until {bounds.above_m:g} m or higher"] if bounds.above_m else []
    parts += [" or ".join(windows)] if windows else []
    parts += [f"after {bounds.after_s:g} s"] if bounds.after_s else []
    return ", ".join(parts) or "any window"


def _code(word: str) -> str:
    return f"`{word}`"
