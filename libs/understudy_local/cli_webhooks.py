"""``understudy webhooks``: how they are, and trying one."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from understudy_local import data_directory
from understudy_local.cli_common import DataDir, Json, errors_told
from understudy_local.data_directory import DataDirectory

webhooks_app = typer.Typer(
    invoke_without_command=True, help="Show how the webhooks are that events are sent to, and try one."
)


@webhooks_app.callback()
def webhooks(context: typer.Context, *, as_json: Json = False, data_dir: DataDir = data_directory.DEFAULT) -> None:
    """Show how each webhook is: what its receiver takes, or since when it fails, and why.

    Which there are says the file that UNDERSTUDY_WEBHOOKS_FILE named when the stack was started.
    """
    from understudy_local import webhooks as showing  # noqa: PLC0415  # `--help` need not load it
    from understudy_local.control_api import ControlApi  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    with errors_told(as_json=as_json):
        found = ControlApi(DataDirectory(data_dir)).get("webhooks")
        typer.echo(json.dumps(found, indent=2) if as_json else showing.as_text(found))


@webhooks_app.command("test")
def trial(
    name: Annotated[str, typer.Argument(help="Which webhook, by its name.")],
    *,
    as_json: Json = False,
    data_dir: DataDir = data_directory.DEFAULT,
) -> None:
    """Send a test message to a webhook, once, and say what its receiver answered. Ends with 1 if it is not taken."""
    from understudy_local.control_api import ControlApi, path_of  # noqa: PLC0415  # as in webhooks

    with errors_told(as_json=as_json):
        told = ControlApi(DataDirectory(data_dir)).post(path_of("webhooks", name, "test"), {})
        typer.echo(json.dumps(told, indent=2) if as_json else told["message"])
    if not told["taken"]:
        raise typer.Exit(1)
