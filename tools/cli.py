"""The command line. Each command imports what it needs when it runs, so that starting is quick.

Exit status: 0 it went as it should, 1 it ran and did not, 2 the request was bad, 130 interrupted.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hil.errors import PeerSilent
from sim.errors import InputError

FAILED = 1
BAD_REQUEST = 2
INTERRUPTED = 130

app = typer.Typer(
    name="leadline",
    help="Lunar descent guidance, and the bench that proves it.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Pace(StrEnum):
    """How time passes in a session over the wire."""

    LOCKSTEP = "lockstep"
    REALTIME = "realtime"


ScenarioArgument = Annotated[str, typer.Argument(help="Library name, or path of a TOML file.")]
SeedOption = Annotated[
    int | None, typer.Option(help="From which all dice of the run come; the scenario's, or 0.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a scenario's key.")
]
ParamsOption = Annotated[
    str | None,
    typer.Option(help="Preset of parameters: default, as-flown, or a TOML file; the scenario's."),
]
LogOption = Annotated[str | None, typer.Option(metavar="FILE.mcap", help="Record the run.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
PaceOption = Annotated[Pace, typer.Option(help="How time passes.")]
LogArgument = Annotated[str, typer.Argument(metavar="LOG", help="An MCAP log of ours.")]


@app.command()
def fly(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fly one descent in process."""
    from tools.flying import fly_once

    return fly_once(scenario, seed, overrides(set_), params, log, as_json)


@app.command()
def hil(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    log: LogOption = None,
    sensors: Annotated[str, typer.Option(help="Who plays the sensors: emulator.")] = "emulator",
    flight: Annotated[
        str, typer.Option(metavar="host|PORT", help="A process of its own, or one at a port.")
    ] = "host",
    pace: PaceOption = Pace.LOCKSTEP,
    as_json: JsonOption = False,
) -> int:
    """Fly one descent over a serial line."""
    from tools.sessions import fly_over_wire

    changes = overrides(set_)
    return fly_over_wire(scenario, seed, changes, params, log, sensors, flight, pace, as_json)


@app.command()
def emulator(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    pace: PaceOption = Pace.LOCKSTEP,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Wait there, not on a pseudo-terminal.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """One end of a session by hand: plant and sensors, waiting for a flight computer."""
    from tools.sessions import emulate

    return emulate(scenario, seed, overrides(set_), params, pace, listen, as_json)


@app.command()
def flight(
    port: Annotated[str, typer.Option(metavar="URL", help="Any port that pyserial can open.")],
    baud: Annotated[int, typer.Option(help="Speed of a real line.")] = 1_000_000,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """The other end by hand: the flight computer."""
    from tools.sessions import compute

    return compute(port, baud, log, as_json)


@app.command()
def parity(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fly in process and over the line, and compare the flight software's memory at every tick."""
    from tools.sessions import check_parity

    return check_parity(scenario, seed, overrides(set_), params, as_json)


@app.command()
def replay(log: LogArgument, as_json: JsonOption = False) -> int:
    """Fly a log once more and compare everything with what was recorded."""
    from tools.replaying import replay_log

    return replay_log(log, as_json)


@app.command()
def plot(
    log: LogArgument,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="PNG or SVG; beside the log by default.")
    ] = None,
) -> int:
    """Draw a recorded run: descent, range trust, throttle and modes, latencies."""
    from tools.plot import plot_log

    print(plot_log(log, out or str(Path(log).with_suffix(".png"))))
    return 0


@app.command()
def scenarios(as_json: JsonOption = False) -> int:
    """List the scenarios that come along."""
    from tools.listing import list_scenarios

    return list_scenarios(as_json)


@app.command()
def dictionary(as_json: JsonOption = False) -> int:
    """Every record, field, unit, packet and event."""
    from tools.dictionary import show_dictionary

    return show_dictionary(as_json)


@app.command()
def bench(
    as_json: JsonOption = False,
    peer: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="A Python that has Basilisk (bsk).")
    ] = None,
) -> int:
    """Measure speed here: closed loop, one tick, lockstep, recording, beside Basilisk."""
    from tools.bench import run_bench

    return run_bench(peer, as_json)


def overrides(pairs: list[str] | None) -> tuple[tuple[str, str], ...]:
    """`--set key=value`, taken apart."""
    for pair in pairs or ():
        if "=" not in pair:
            raise InputError(f"--set: expected key=value, not '{pair}'")
    return tuple((k.strip(), v.strip()) for k, _, v in (p.partition("=") for p in pairs or ()))


def version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        from importlib.metadata import version as installed

        print(f"leadline {installed('leadline')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its status; a bad request is one line on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = app(arguments or ["--help"], prog_name="leadline", standalone_mode=False)
    except PeerSilent as error:
        status = _refuse(str(error), FAILED)
    except InputError as error:
        status = _refuse(str(error))
    except typer.TyperException as error:
        status = _refuse(error.format_message())
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        print("leadline: interrupted", file=sys.stderr)
    sys.exit(status or 0)


def _refuse(reason: str, status: int = BAD_REQUEST) -> int:
    print("leadline: " + " ".join(reason.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
