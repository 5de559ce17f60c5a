"""The commands that change something on a running stack: switchover, policy, end and declare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from understudy_domain.policy import PolicyKind
from understudy_local import data_directory
from understudy_local.cli_common import DataDir, Endpoint, Json, errors_told, problem
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import LocalError

if TYPE_CHECKING:
    from understudy_local import end as _end
    from understudy_local import switchover as _switchover

_Outcome = TypeVar("_Outcome", "_switchover.Outcome", "_end.Outcome")


def switchover(
    endpoint: Annotated[str | None, typer.Argument(help="Which origin endpoint, by its id.")] = None,
    *,
    channel: Annotated[str | None, typer.Option(help="All origin endpoints of a channel, by its id, instead.")] = None,
    to: Annotated[
        int | None, typer.Option("--input", metavar="INPUT", min=1, max=2, help="Which input to follow: the other one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Even with a discontinuity.")] = False,
    wait: Annotated[bool, typer.Option(help="Until it follows the input, or the order is off.")] = True,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Have an origin endpoint follow the other input, once, and say what came of it.

    Refused where viewers would notice, unless forced. Ends with 1 if an endpoint does not follow the input.
    """
    from understudy_local import switchover as switching  # noqa: PLC0415  # `--help` need not load it
    from understudy_local.control_api import ControlApi  # noqa: PLC0415

    if (endpoint is None) == (channel is None):
        raise typer.BadParameter("name an origin endpoint, or a channel with --channel")
    with errors_told(as_json=as_json):
        api = ControlApi(DataDirectory(data_dir))
        given = switching.give(api, endpoint=endpoint, channel=channel, input_id=to, force=force)
        if not as_json:
            told = [(one.origin_endpoint, one.message) for one in given.refused]
            told += [(one.origin_endpoint, one.message) for one in given.ordered]
            for name, message in told:
                typer.echo(f"{name}: {message}")
        found, lost = _told_of(switching.outcomes(api, given.ordered) if wait else (), as_json=as_json)
        if as_json:
            outcomes = {"outcomes": [asdict(one) for one in found]} if wait else {}
            typer.echo(json.dumps({**asdict(given), **outcomes, **lost}, indent=2))
        if lost or given.amiss or not all(outcome.followed for outcome in found):
            raise typer.Exit(1)


def policy(
    endpoint: Endpoint,
    kind: Annotated[PolicyKind | None, typer.Argument(metavar="POLICY", help="Which; left out: show it.")] = None,
    *,
    of: Annotated[
        int | None, typer.Option("--input", metavar="INPUT", min=1, max=2, help="Which input is preferred, or pinned.")
    ] = None,
    hold_down: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=86_400,
            help="For how long the preferred input has to have been well before a failback; 60 by default.",
        ),
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Show by which policy an origin endpoint chooses its input, or set it: sticky, preferred, pinned or off."""
    from understudy_local.control_api import ControlApi, path_of  # noqa: PLC0415  # as in switchover

    if kind is None and (of is not None or hold_down is not None):
        raise typer.BadParameter("name the policy as well: it is set whole")
    with errors_told(as_json=as_json):
        api = ControlApi(DataDirectory(data_dir))
        path = path_of("origin_endpoints", endpoint, "policy")
        if kind is None:
            found = api.get(path)
        else:
            wished: dict[str, object] = {"policy": kind.value, "input": of, "holdDownSeconds": hold_down}
            found = api.put(path, {name: value for name, value in wished.items() if value is not None})
        shown = {"policy": found["policy"], "input": found["input"], "hold_down_seconds": found["holdDownSeconds"]}
        typer.echo(json.dumps(shown, indent=2) if as_json else f"{endpoint}: {_in_words(found)}")


def end(
    channel: Annotated[str, typer.Argument(help="Which channel, by its id.")],
    *,
    wait: Annotated[bool, typer.Option(help="Until it has ended.")] = True,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """End the programme of a channel now, on all its origin endpoints: their playlists get EXT-X-ENDLIST.

    Refused while an input delivers. Ends with 1 if an endpoint goes on. An encoder that comes back makes it live again.
    """
    from understudy_local import end as ending  # noqa: PLC0415  # as in switchover
    from understudy_local.control_api import ControlApi  # noqa: PLC0415

    with errors_told(as_json=as_json):
        api = ControlApi(DataDirectory(data_dir))
        order = ending.give(api, channel)
        if not as_json:
            typer.echo(f"{channel}: {order.message}")
        found, lost = _told_of(ending.outcomes(api, order) if wait else (), as_json=as_json)
        if as_json:
            outcomes = {"outcomes": [asdict(one) for one in found]} if wait else {}
            typer.echo(json.dumps({**asdict(order), **outcomes, **lost}, indent=2))
        if lost or any(outcome.ended is False for outcome in found):
            raise typer.Exit(1)


def declare(
    file: Annotated[Path, typer.Argument(help="A YAML file of channels and origin endpoints.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with it, and do nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also delete what was declared before and is not in it.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--export", help="Write what there is into the file instead, with passwords.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Create and change channels and origin endpoints as a file declares them.

    All of it is checked before anything is changed; --check alone needs no stack.
    """
    from understudy_local import declare as declaring  # noqa: PLC0415  # as in switchover

    chosen = {"--check": check, "--prune": prune, "--export": write}
    words = [word for word, is_chosen in chosen.items() if is_chosen]
    if len(words) > 1:
        raise typer.BadParameter(f"{' and '.join(words)} exclude each other")
    with errors_told(as_json=as_json):
        words += ["--json"] if as_json else []
        status = declaring.run(file, *words, directory=None if check else DataDirectory(data_dir))
    if status:
        raise typer.Exit(status)


def _told_of(outcomes: Iterable[_Outcome], *, as_json: bool) -> tuple[list[_Outcome], dict[str, dict[str, str]]]:
    """What became of an order that was given, told as it comes; and what kept the rest from being known, if anything.

    The order stands whatever becomes of the question: what is known by then is told.
    """
    found: list[_Outcome] = []
    try:
        for outcome in outcomes:
            found.append(outcome)
            if not as_json:
                typer.echo(f"{outcome.origin_endpoint} {outcome.message}")
    except LocalError as err:
        typer.echo(f"understudy: {err} The order was given; what becomes of it is not known.", err=True)
        return found, problem(err)
    return found, {}


def _in_words(found: dict[str, object]) -> str:
    one = found["input"]
    match found["policy"]:
        case PolicyKind.PREFERRED:
            held = found["holdDownSeconds"]
            return f"preferred: goes back to input {one} once that has been complete and on time for {held} s"
        case PolicyKind.PINNED:
            return f"pinned to input {one}: nothing moves it; what input {one} lacks may come from the other"
        case PolicyKind.OFF:
            return "off: input 1 as it comes, and no other"
        case _:
            return "sticky: stays where it is until it has to leave"
