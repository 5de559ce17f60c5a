"""The ``understudy`` command."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from understudy_domain.policy import PolicyKind
from understudy_local import cli_operate as operate
from understudy_local import data_directory
from understudy_local.cli_common import DataDir, Endpoint, Json, errors_told
from understudy_local.cli_webhooks import webhooks_app
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import DemoFailed

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A live origin that keeps the show on.")
demo_app = typer.Typer(no_args_is_help=True, help="Stop and start the demo's encoders, and see what is active.")
app.add_typer(demo_app, name="demo")
app.add_typer(webhooks_app, name="webhooks")

ExportFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="Read an export instead of a running stack.")
]
Encoder = Annotated[int, typer.Argument(min=1, max=2, help="Which encoder: 1 or 2.")]

_OBEY_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.05


@app.callback()
def understudy() -> None:
    """A live origin that keeps the show on when an encoder fails."""


@app.command()
def up(
    *,
    demo: Annotated[bool, typer.Option(help="With a demo channel and two encoders that push to it.")] = True,
    data_dir: DataDir = data_directory.DEFAULT,
    port_offset: Annotated[
        int,
        typer.Option(min=0, max=50_000, help="Added to every port (7070 and up); stacks side by side are 100 apart."),
    ] = 0,
    access_keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Have the control API take signed requests only, with the keys in this YAML or JSON."
        ),
    ] = None,
) -> None:
    """Run the whole system on this machine until Ctrl-C: NATS, S3 and the four services.

    When everything is ready, stack.json in the data directory names every URL and process. What the stack stored is
    there again the next time.
    """
    from understudy_local.stack import up as run  # noqa: PLC0415  # `--help` need not load it

    with errors_told():
        run(data_dir, port_offset=port_offset, demo=demo, access_keys=access_keys)


app.command()(operate.switchover)
app.command()(operate.policy)
app.command()(operate.end)
app.command()(operate.declare)


@demo_app.command()
def stop(encoder: Encoder, *, as_json: Json = False, data_dir: DataDir = data_directory.DEFAULT) -> None:
    """Kill an encoder, as a crash would; it stays away until it is started."""
    with errors_told(as_json=as_json):
        _wish(DataDirectory(data_dir), encoder, runs=False)
        words = f"encoder {encoder} is gone; in some seconds `understudy demo status` shows who carries on"
        typer.echo(json.dumps({"encoder": encoder, "runs": False}, indent=2) if as_json else words)


@demo_app.command()
def start(encoder: Encoder, *, as_json: Json = False, data_dir: DataDir = data_directory.DEFAULT) -> None:
    """Start an encoder again, at the next boundary of a segment."""
    with errors_told(as_json=as_json):
        _wish(DataDirectory(data_dir), encoder, runs=True)
        words = f"encoder {encoder} pushes again; no origin endpoint goes back to it before it must"
        typer.echo(json.dumps({"encoder": encoder, "runs": True}, indent=2) if as_json else words)


@demo_app.command()
def status(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Show which encoders run, and per origin endpoint the active input, since when and why."""
    from understudy_local.demo.status import look  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        found = look(DataDirectory(data_dir), channel_id="demo")
        typer.echo(json.dumps(found.as_json(), indent=2) if as_json else found.as_text())


@app.command()
def picture(
    *,
    channel: Annotated[str, typer.Option(help="Which channel, by its id.")] = "demo",
    last: Annotated[float, typer.Option("--last", metavar="SECONDS", min=1, help="How far back it goes.")] = 120.0,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where to write it.")] = Path("picture.svg"),
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Draw what arrived from each input, and what each origin endpoint made of it, as an SVG.

    Read from the two logs of a running stack; the log of arrivals goes back an hour.
    """
    from understudy_local.picture import draw_running  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        draw_running(DataDirectory(data_dir), channel_id=channel, last_seconds=last, output=output)
        words = f"{output} shows the last {last:g} s of {channel}; any browser opens it"
        told = {"file": str(output), "channel": channel, "last_seconds": last}
        typer.echo(json.dumps(told, indent=2) if as_json else words)


@app.command()
def explain(
    endpoint: Endpoint,
    *,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The slot with the programme of 12:00:07, or of a day and time; UTC."),
    ] = None,
    sequence: Annotated[int | None, typer.Option(min=0, help="The slot with this media sequence number.")] = None,
    file: ExportFile = None,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Say in words why a slot came from where it came: the newest, unless told which. Changes nothing."""
    from understudy_local import explain as explaining  # noqa: PLC0415  # as in up

    if at is not None and sequence is not None:
        raise typer.BadParameter("name the slot by --at or by --sequence, not by both")
    with errors_told(as_json=as_json):
        try:
            instant = None if at is None else explaining.instant_of(at)
        except ValueError as err:
            raise typer.BadParameter(f"{at} is no time such as 12:00:07 or 2026-11-23T12:00:07Z") from err
        if file is not None:
            told = explaining.explain_file(file, endpoint_id=endpoint, sequence=sequence, at=instant)
        else:
            told = explaining.explain_running(
                DataDirectory(data_dir), endpoint_id=endpoint, sequence=sequence, at=instant
            )
        typer.echo(json.dumps(asdict(told), indent=2) if as_json else explaining.as_text(told))


@app.command()
def what_if(
    endpoint: Endpoint,
    *,
    segment_duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, max=30, help="Instead of the one it has.")
    ] = None,
    time_delay: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, max=86_400, help="Instead of the one it has.")
    ] = None,
    policy: Annotated[PolicyKind | None, typer.Option(help="Instead of the one it has.")] = None,
    of: Annotated[
        int | None, typer.Option("--input", metavar="INPUT", min=1, max=2, help="Which input is preferred, or pinned.")
    ] = None,
    preferred_input: Annotated[int | None, typer.Option(min=1, max=2, hidden=True)] = None,
    hold_down: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, max=86_400, help="Instead of the one it has.")
    ] = None,
    file: ExportFile = None,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Replay the recent arrivals under other numbers, and list what would have been different. Changes nothing."""
    from understudy_local import what_if as asking  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        numbers = asking.Numbers(segment_duration, time_delay, policy, preferred_input if of is None else of, hold_down)
        if file is not None:
            found = asking.what_if_file(file, endpoint_id=endpoint, numbers=numbers)
        else:
            found = asking.what_if_running(DataDirectory(data_dir), endpoint_id=endpoint, numbers=numbers)
        typer.echo(json.dumps(asdict(found), indent=2) if as_json else asking.as_text(found))


@app.command()
def export(
    channel: Annotated[str, typer.Argument(help="Which channel, by its id.")],
    *,
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where to write it.")] = Path(
        "export.jsonl.gz"
    ),
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Write a channel's configuration and its part of both logs into a file, without passwords, for a bug report."""
    from understudy_local.export import export_running  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        made = export_running(DataDirectory(data_dir), channel_id=channel, output=output)
        words = f"{output} holds {len(made.arrivals)} messages of arrivals and {len(made.program)} slots of {channel}"
        arrivals, slots = len(made.arrivals), len(made.program)
        told = {"file": str(output), "channel": channel, "arrivals": arrivals, "slots": slots}
        typer.echo(json.dumps(told, indent=2) if as_json else words)


@app.command()
def events(
    *,
    channel: Annotated[str | None, typer.Option(help="Of this channel alone, by its id.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="From then on: 90s, 15m, 2h or 1d ago, or a time, 12:00:07; UTC. Else for a day."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the newest.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", help="Then show what happens, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: an object a line.")] = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Show what happened: failovers, repairs, gaps, holds, inputs that go and come. Kept for 14 days."""
    from understudy_local import events as showing  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        try:
            begin = showing.since_of(since)
        except ValueError as err:
            raise typer.BadParameter(f"{since} is no time such as 15m, 12:00:07 or 2026-11-23T12:00:07Z") from err
        wanted = showing.Wanted(channel, begin, limit, follow, as_json)
        showing.show_running(DataDirectory(data_dir), wanted, write=typer.echo)


@app.command()
def harvests(
    *,
    channel: Annotated[str | None, typer.Option(help="Of this channel alone, by its id.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Then show how far they come, until all are done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: an object a line.")] = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Show the harvest jobs, and how far they have come. Jobs are made over the control API."""
    from understudy_local import harvests as showing  # noqa: PLC0415  # as in up

    with errors_told(as_json=as_json):
        wanted = showing.Wanted(channel, watch, as_json)
        showing.show_running(DataDirectory(data_dir), wanted, write=typer.echo)


def _wish(directory: DataDirectory, encoder: int, *, runs: bool) -> None:
    from understudy_local.demo.wishes import Wishes  # noqa: PLC0415  # as in up

    directory.require_running()
    wishes = Wishes(directory)
    wishes.told()
    wishes.wish(encoder, runs=runs)
    if not _eventually(lambda: (wishes.told().get(encoder) is not None) == runs):
        raise DemoFailed(
            f"encoder {encoder} did not {'start' if runs else 'end'} within {_OBEY_SECONDS:g} s; "
            f"see {directory.log(f'encoder-{encoder}')}."
        )


def _eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _OBEY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def main() -> None:
    """Run the command line."""
    sys.exit(app())
