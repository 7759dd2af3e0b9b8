"""The command line. Each command imports what it needs when it runs, so that starting is quick.

Exit status: 0 it went as it should, 1 it ran and did not, 2 the request was bad, 130 interrupted.
"""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from sim.errors import InputError

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
SeedOption = Annotated[int, typer.Option(help="From which all dice of the run come.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a scenario's key.")
]
ParamsOption = Annotated[str, typer.Option(help="Preset of parameters: default, or a TOML file.")]
LogOption = Annotated[str | None, typer.Option(metavar="FILE.mcap", help="Record the run.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
LogArgument = Annotated[str, typer.Argument(metavar="LOG", help="An MCAP log of ours.")]


@app.command()
def fly(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = 0,
    set_: SetOption = None,
    params: ParamsOption = "default",
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fly one descent in process."""
    from tools.flying import fly_once

    return fly_once(scenario, seed, overrides(set_), params, log, as_json)


@app.command()
def replay(log: LogArgument, as_json: JsonOption = False) -> int:
    """Fly a log once more and compare everything with what was recorded."""
    from tools.replaying import replay_log

    return replay_log(log, as_json)


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
    except InputError as error:
        status = _refuse(str(error))
    except typer.TyperException as error:
        status = _refuse(error.format_message())
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        print("leadline: interrupted", file=sys.stderr)
    sys.exit(status or 0)


def _refuse(reason: str) -> int:
    print("leadline: " + " ".join(reason.split()), file=sys.stderr)
    return BAD_REQUEST


if __name__ == "__main__":
    main()
