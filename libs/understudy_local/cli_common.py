"""What the commands have in common: options of the same name and meaning, and how errors are told."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from understudy_local.errors import LocalError

DataDir = Annotated[
    Path, typer.Option("--data-dir", help="Where the stack keeps everything; one stack at a time each.")
]
Endpoint = Annotated[str, typer.Argument(help="Which origin endpoint, by its id.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def problem(err: LocalError) -> dict[str, dict[str, str]]:
    """What went wrong, for programs: ``{"error": {"code": …, "message": …}}``."""
    return {"error": {"code": err.refusal or err.code, "message": str(err)}}


@contextlib.contextmanager
def errors_told(*, as_json: bool = False) -> Iterator[None]:
    """Say what went wrong in a sentence, not in a traceback; with ``as_json`` as an object on stdout as well."""
    try:
        yield
    except LocalError as err:
        if as_json:
            typer.echo(json.dumps(problem(err), indent=2))
        typer.echo(f"understudy: {err}", err=True)
        raise typer.Exit(1) from err
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
