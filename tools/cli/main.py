"""The command line: every command with its options.

A command imports the file that does its work when it runs, so that `leadline --help` imports no
compiler. Exit status: 0 ended as expected, 1 ran and did not, 2 bad request, 130 interrupted.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hil.platform.errors import PeerSilent
from sim.common.errors import InputError
from tools.cli.board import app as boards
from tools.cli.request import Ends, Part, Port, Request

FAILED = 1
BAD_REQUEST = 2
INTERRUPTED = 130

app = typer.Typer(
    name="leadline",
    help="Lunar descent guidance and its test bench.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(boards, name="board")


class Pace(StrEnum):
    """How time passes in a session over the wire."""

    LOCKSTEP = "lockstep"
    REALTIME = "realtime"


ScenarioArgument = Annotated[str, typer.Argument(help="Library name, or path of a TOML file.")]
SeedOption = Annotated[
    int | None, typer.Option(help="Seed of all random streams; default: the scenario's, or 0.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the scenario; repeatable."),
]
ParamsOption = Annotated[
    str | None,
    typer.Option(help="Parameter preset: default, as-flown, or a TOML file."),
]
LogOption = Annotated[str | None, typer.Option(metavar="FILE.mcap", help="Record the run here.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
PaceOption = Annotated[Pace, typer.Option(help="Virtual time or real time.")]
JobsOption = Annotated[int, typer.Option(help="Processes; 0 for one per processor.")]
SENSOR_ENDS, FLIGHT_ENDS = "emulator|host|qemu|PORT", "host|qemu|PORT"
LogArgument = Annotated[str, typer.Argument(metavar="LOG", help="A log that Leadline recorded.")]


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
    from tools.cli.fly import fly_once

    request = _request(scenario, seed, set_, params)
    return fly_once(request, log=log, as_json=as_json)


@app.command()
def hil(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    log: LogOption = None,
    sensors: Annotated[
        str, typer.Option(metavar=SENSOR_ENDS, help="The bench's own sensors, or a sensor board.")
    ] = "emulator",
    flight: Annotated[
        str, typer.Option(metavar=FLIGHT_ENDS, help="A separate process, or a board.")
    ] = "host",
    pace: PaceOption = Pace.LOCKSTEP,
    inject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[flight:|sensors:]WHAT@t=SECONDS",
            help="reset, freeze, hang, unplug, upset or slow-line at a flight time; repeatable.",
        ),
    ] = None,
    lever: Annotated[
        list[str] | None, typer.Option("--lever", hidden=True, help="Same as --inject.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Fly one descent over a serial line."""
    from tools.cli.hil import fly_over_wire

    request, ends = _request(scenario, seed, set_, params), Ends(sensors=sensors, flight=flight)
    interventions = [*(inject or ()), *(lever or ())]
    return fly_over_wire(
        request, ends=ends, pace=pace, inject=interventions, log=log, as_json=as_json
    )


@app.command()
def emulator(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    pace: PaceOption = Pace.LOCKSTEP,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Listen on TCP instead of a pseudo-terminal."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Start one end of a session by hand: plant and sensors, waiting for a flight computer."""
    from tools.cli.hil import emulate

    request = _request(scenario, seed, set_, params)
    return emulate(request, pace=pace, listen=listen, as_json=as_json)


@app.command()
def flight(
    port: Annotated[str, typer.Option(metavar="URL", help="A port that pyserial can open.")],
    baud: Annotated[int, typer.Option(help="Bit rate of a serial line.")] = 1_000_000,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """Start the other end by hand: the flight computer."""
    from tools.cli.hil import compute

    return compute(Port(url=port, baud=baud), log=log, as_json=as_json)


@app.command()
def sensors(
    port: Annotated[str, typer.Option(metavar="URL", help="A port that pyserial can open.")],
    baud: Annotated[int, typer.Option(help="Bit rate of a serial line.")] = 1_000_000,
    as_json: JsonOption = False,
) -> int:
    """Start a sensor board's host process by hand."""
    from tools.cli.hil import sense

    return sense(Port(url=port, baud=baud), as_json=as_json)


@app.command()
def parity(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    sensors: Annotated[
        str | None, typer.Option(metavar=SENSOR_ENDS, help="One pair of ends; default: all pairs.")
    ] = None,
    flight: Annotated[
        str | None, typer.Option(metavar=FLIGHT_ENDS, help="The other end of that pair.")
    ] = None,
    from_s: Annotated[
        float | None, typer.Option("--from", metavar="S", help="Start time of the comparison.")
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="S", help="Length of the comparison.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Fly in process and over lines; compare the memory of both ends at every tick."""
    from tools.cli.hil import check_parity

    request = _request(scenario, seed, set_, params)
    ends, part = Ends(sensors=sensors, flight=flight), Part(from_s=from_s, for_s=for_s)
    return check_parity(request, ends=ends, part=part, as_json=as_json)


@app.command()
def replay(log: LogArgument, as_json: JsonOption = False) -> int:
    """Fly a log's inputs again and compare every tick with the recording."""
    from tools.cli.replay import replay_log

    return replay_log(log, as_json)


@app.command()
def plot(
    log: Annotated[
        str, typer.Argument(metavar="LOG|DIR", help="A log, or the folder of a campaign.")
    ],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="PNG or SVG; default: beside the log.")
    ] = None,
) -> int:
    """Draw a recorded run, or the outcomes of a campaign."""
    if Path(log).is_dir():
        from tools.plots.campaign import plot_campaign

        print(plot_campaign(log, out or str(Path(log) / "envelope.png")))
        return 0
    from tools.plots.run import plot_log

    print(plot_log(log, out or str(Path(log).with_suffix(".png"))))
    return 0


@app.command()
def campaign(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="Library name, or a TOML file.")],
    runs: Annotated[
        int | None, typer.Option("-n", help="Number of runs; default: the spec's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed from which every run's seed is derived.")
    ] = None,
    set_: SetOption = None,
    jobs: JobsOption = 0,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Write rows and failures here.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the campaign in DIR.")] = False,
    params: ParamsOption = None,
    row: Annotated[int | None, typer.Option(help="Fly only this run and print its row.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Fly many runs with varied conditions and faults, and count the outcomes."""
    from tools.cli.campaign import fly_alone, fly_campaign

    request = _request(spec, seed, set_, params)
    if row is not None:
        return fly_alone(request, row, runs=runs, as_json=as_json)
    return fly_campaign(
        request, runs=runs, jobs=jobs, out_folder=out, resume=resume, as_json=as_json
    )


@app.command()
def search(
    budget: Annotated[
        str, typer.Option(help="Time limit, shrinking included: 60s, 10m, 1h.")
    ] = "60s",
    scenario: Annotated[
        str, typer.Option(help="Scenario to add faults to: library name, or a TOML file.")
    ] = "nominal",
    params: ParamsOption = None,
    faults: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS",
            help="Kinds or groups, as in delayed,stale,off:imu; default: the envelope's.",
        ),
    ] = None,
    anywhere: Annotated[
        bool,
        typer.Option("--anywhere", help="Beyond the documented envelope, several faults at once."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the search.")] = 0,
    jobs: JobsOption = 0,
    out: Annotated[
        str, typer.Option(metavar="DIR", help="Folder for the scenario found.")
    ] = "found",
    as_json: JsonOption = False,
) -> int:
    """Search for a fault that should be survived and is not; write the least as a scenario."""
    from tools.cli.search import search as search_faults

    return search_faults(
        Request(scenario=scenario, seed=seed, params=params),
        faults=faults,
        anywhere=anywhere,
        budget=budget,
        jobs=jobs,
        out_folder=out,
        as_json=as_json,
    )


@app.command()
def margin(
    scenario: ScenarioArgument = "nominal",
    seed: Annotated[int | None, typer.Option(help="The first seed.")] = None,
    count: Annotated[int, typer.Option("-n", help="Number of seeds, all of which must land.")] = 3,
    set_: SetOption = None,
    params: Annotated[
        str | None, typer.Option(help="One preset; default: default and as-flown.")
    ] = None,
    jobs: JobsOption = 0,
    as_json: JsonOption = False,
) -> int:
    """Find the largest delay, jitter, dropout and the lowest first range that still land."""
    from tools.cli.margin import find_margins

    request = _request(scenario, seed, set_, params)
    return find_margins(request, count=count, jobs=jobs, as_json=as_json)


@app.command()
def scenarios(
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Fly the past landings; tabulate them beside published figures."
        ),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File for that table; default: standard output."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """List the scenarios of the library, or tabulate those of past landings."""
    from tools.cli.scenarios import list_scenarios, show_history

    return show_history(out=out, as_json=as_json) if history else list_scenarios(as_json)


@app.command()
def dictionary(as_json: JsonOption = False) -> int:
    """Print every record, field, unit, packet and event."""
    from tools.cli.dictionary import show_dictionary

    return show_dictionary(as_json)


@app.command()
def bench(
    as_json: JsonOption = False,
    peer: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="A Python with Basilisk (bsk).")
    ] = None,
) -> int:
    """Measure speed: closed loop, one tick, lockstep, recording, and Basilisk."""
    from tools.benchmarks.benchmark import run_bench

    return run_bench(peer, as_json)


def _request(
    scenario: str, seed: int | None, pairs: list[str] | None, params: str | None
) -> Request:
    """The request of the options that all flights share; `pairs` are those of --set."""
    for pair in pairs or ():
        if "=" not in pair:
            raise InputError(f"--set: expected key=value, not '{pair}'")
    split = (pair.partition("=") for pair in pairs or ())
    overrides = tuple((key.strip(), value.strip()) for key, _, value in split)
    return Request(scenario=scenario, seed=seed, overrides=overrides, params=params)


def version(wanted: bool) -> None:
    """Print the version and exit."""
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
    """Declare the options that stand before a command."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its status; a bad request is one line on standard error."""
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
