"""Commands for a cluster, in the pages of operations, ask the namespace that these pages install into."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[3] / "docs" / "operations").glob("*.md"))
# To be tried, it is installed wherever the reader is.
OF_THE_TRIAL = "--set evaluation.enabled=true"


def commands(page: Path) -> list[str]:
    """Lines of a page that begin with kubectl or helm, and what stands of these in its sentences with a verb."""
    text = page.read_text()
    in_blocks = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    in_sentences = re.findall(
        r"`(kubectl [^`]*(?:rollout|logs \w|exec)[^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    )
    return [one for one in [*in_blocks, *in_sentences] if re.match(r"(kubectl|helm) ", one)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_command_for_a_cluster_names_the_namespace(page: Path) -> None:
    without = [one for one in commands(page) if "origin" not in one and OF_THE_TRIAL not in one]
    assert without == []


def test_there_are_such_commands() -> None:
    assert sum(len(commands(page)) for page in PAGES) > 10
