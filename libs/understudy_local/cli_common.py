"""What the commands have in common: options of the same name and meaning, and how errors are told."""

from __future__ import annotations

import contextlib
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


@contextlib.contextmanager
def errors_told() -> Iterator[None]:
    """Say what went wrong in a sentence, not in a traceback."""
    try:
        yield
    except LocalError as err:
        typer.echo(f"understudy: {err}", err=True)
        raise typer.Exit(1) from err
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
