"""The command line. Each command imports what it needs when it runs, so that starting is quick.

Exit status: 0 it went as it should, 1 it ran and did not, 2 the request was bad, 130 interrupted.
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
    help="Lunar descent guidance, and the bench that proves it.",
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
JobsOption = Annotated[int, typer.Option(help="Processes; 0 for one per processor.")]
SENSOR_ENDS, FLIGHT_ENDS = "emulator|host|qemu|PORT", "host|qemu|PORT"
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
        str, typer.Option(metavar=SENSOR_ENDS, help="The bench itself, or a sensor board.")
    ] = "emulator",
    flight: Annotated[
        str, typer.Option(metavar=FLIGHT_ENDS, help="A process of its own, or a board.")
    ] = "host",
    pace: PaceOption = Pace.LOCKSTEP,
    inject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[flight:|sensors:]WHAT@t=SECONDS",
            help="reset, freeze, hang, unplug, upset or slow-line at that time; repeatable.",
        ),
    ] = None,
    lever: Annotated[
        list[str] | None, typer.Option("--lever", hidden=True, help="The same as --inject.")
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
        str | None, typer.Option(metavar="HOST:PORT", help="Wait there, not on a pseudo-terminal.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """One end of a session by hand: plant and sensors, waiting for a flight computer."""
    from tools.cli.hil import emulate

    request = _request(scenario, seed, set_, params)
    return emulate(request, pace=pace, listen=listen, as_json=as_json)


@app.command()
def flight(
    port: Annotated[str, typer.Option(metavar="URL", help="Any port that pyserial can open.")],
    baud: Annotated[int, typer.Option(help="Speed of a real line.")] = 1_000_000,
    log: LogOption = None,
    as_json: JsonOption = False,
) -> int:
    """The other end by hand: the flight computer."""
    from tools.cli.hil import compute

    return compute(Port(url=port, baud=baud), log=log, as_json=as_json)


@app.command()
def sensors(
    port: Annotated[str, typer.Option(metavar="URL", help="Any port that pyserial can open.")],
    baud: Annotated[int, typer.Option(help="Speed of a real line.")] = 1_000_000,
    as_json: JsonOption = False,
) -> int:
    """A sensor board's place by hand: its twin on this machine."""
    from tools.cli.hil import sense

    return sense(Port(url=port, baud=baud), as_json=as_json)


@app.command()
def parity(
    scenario: ScenarioArgument = "nominal",
    seed: SeedOption = None,
    set_: SetOption = None,
    params: ParamsOption = None,
    sensors: Annotated[
        str | None, typer.Option(metavar=SENSOR_ENDS, help="One pair of ends; all by default.")
    ] = None,
    flight: Annotated[str | None, typer.Option(metavar=FLIGHT_ENDS, help="The other one.")] = None,
    from_s: Annotated[
        float | None, typer.Option("--from", metavar="S", help="Begin there, from a saved state.")
    ] = None,
    for_s: Annotated[float | None, typer.Option("--for", metavar="S", help="For so long.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Fly in process and over lines, and compare the memory of both ends at every tick."""
    from tools.cli.hil import check_parity

    request = _request(scenario, seed, set_, params)
    ends, part = Ends(sensors=sensors, flight=flight), Part(from_s=from_s, for_s=for_s)
    return check_parity(request, ends=ends, part=part, as_json=as_json)


@app.command()
def replay(log: LogArgument, as_json: JsonOption = False) -> int:
    """Fly a log once more and compare everything with what was recorded."""
    from tools.cli.replay import replay_log

    return replay_log(log, as_json)


@app.command()
def plot(
    log: Annotated[str, typer.Argument(metavar="LOG|DIR", help="A log, or a campaign's folder.")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="PNG or SVG; beside the log by default.")
    ] = None,
) -> int:
    """Draw a recorded run, or the envelope of a campaign."""
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
    runs: Annotated[int | None, typer.Option("-n", help="Runs; as many as the spec says.")] = None,
    seed: Annotated[int | None, typer.Option(help="From which every run's seed comes.")] = None,
    set_: SetOption = None,
    jobs: JobsOption = 0,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Keep rows and failures.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in DIR.")] = False,
    params: ParamsOption = None,
    row: Annotated[int | None, typer.Option(help="Fly this run alone, and show its row.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Fly many runs, with what a spec varies and breaks, and count what landed."""
    from tools.cli.campaign import fly_alone, fly_campaign

    request = _request(spec, seed, set_, params)
    if row is not None:
        return fly_alone(request, row, runs=runs, as_json=as_json)
    return fly_campaign(
        request, runs=runs, jobs=jobs, out_folder=out, resume=resume, as_json=as_json
    )


@app.command()
def search(
    budget: Annotated[str, typer.Option(help="Time to search and shrink: 60s, 10m, 1h.")] = "60s",
    scenario: Annotated[
        str, typer.Option(help="What faults are laid over: library name, or a TOML file.")
    ] = "nominal",
    params: ParamsOption = None,
    faults: Annotated[
        str | None,
        typer.Option(
            metavar="KINDS",
            help="Kinds or groups, as in delayed,stale,off:imu; those of the envelope by default.",
        ),
    ] = None,
    anywhere: Annotated[
        bool,
        typer.Option("--anywhere", help="Beyond the documented envelope, and several at once."),
    ] = False,
    seed: Annotated[int, typer.Option(help="From which the search draws.")] = 0,
    jobs: JobsOption = 0,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where what is found goes.")] = "found",
    as_json: JsonOption = False,
) -> int:
    """Search for a fault that should have been survived, shrink it, write it as a scenario."""
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
    count: Annotated[int, typer.Option("-n", help="Seeds, all of which have to land.")] = 3,
    set_: SetOption = None,
    params: Annotated[str | None, typer.Option(help="One preset; both by default.")] = None,
    jobs: JobsOption = 0,
    as_json: JsonOption = False,
) -> int:
    """Find how much delay, jitter and dropout, and how late a first range, still land."""
    from tools.cli.margin import find_margins

    request = _request(scenario, seed, set_, params)
    return find_margins(request, count=count, jobs=jobs, as_json=as_json)


@app.command()
def scenarios(
    history: Annotated[
        bool, typer.Option("--history", help="Fly those of the past beside what was published.")
    ] = False,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where that table goes; standard output.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """List the scenarios of the library, or tabulate those of past landings."""
    from tools.cli.scenarios import list_scenarios, show_history

    return show_history(out=out, as_json=as_json) if history else list_scenarios(as_json)


@app.command()
def dictionary(as_json: JsonOption = False) -> int:
    """Every record, field, unit, packet and event."""
    from tools.cli.dictionary import show_dictionary

    return show_dictionary(as_json)


@app.command()
def bench(
    as_json: JsonOption = False,
    peer: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="A Python that has Basilisk (bsk).")
    ] = None,
) -> int:
    """Measure speed here: closed loop, one tick, lockstep, recording, beside Basilisk."""
    from tools.benchmarks.benchmark import run_bench

    return run_bench(peer, as_json)


def _request(
    scenario: str, seed: int | None, pairs: list[str] | None, params: str | None
) -> Request:
    """What the options that all flights share ask for; `pairs` are those of --set."""
    for pair in pairs or ():
        if "=" not in pair:
            raise InputError(f"--set: expected key=value, not '{pair}'")
    split = (pair.partition("=") for pair in pairs or ())
    overrides = tuple((key.strip(), value.strip()) for key, _, value in split)
    return Request(scenario=scenario, seed=seed, overrides=overrides, params=params)


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
