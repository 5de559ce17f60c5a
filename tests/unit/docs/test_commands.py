"""Commands that the documentation shows exist: targets of make, and subcommands and options of `understudy`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from understudy_local.cli import app

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
SHOWN = re.compile(r"`([^`\n]+)`|^(?:\$ )?((?:make|\.venv/bin/understudy|understudy) .*)$", re.MULTILINE)
TARGET = re.compile(r"^make ([a-z][a-z0-9-]*)")
UNDERSTUDY = re.compile(r"(?:\.venv/bin/)?understudy ([a-z].*)")


def shown(page: Path) -> list[str]:
    """Everything on a page that may be a command."""
    return [quoted or line for quoted, line in SHOWN.findall(page.read_text())]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_of_make_that_a_page_shows_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {match[1] for text in shown(page) if (match := TARGET.match(text))} <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_understudy_command_that_a_page_shows_exists(page: Path) -> None:
    for text in shown(page):
        match = UNDERSTUDY.fullmatch(text.partition("#")[0].strip())
        if match:
            check(match[1].split())


def check(words: list[str]) -> None:
    """Walk down the command line as it is shown."""
    command = get_command(app)
    context = typer.Context(command, info_name="understudy")
    while words and hasattr(command, "get_command"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no `understudy {words[0]}`"
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options
