"""docs/operations/traces.md names every span and every attribute of ours that the code makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from support.metric_catalogue import ROOT
from understudy_runtime.messaging_spans import PUBLISH_ARRIVAL, PUBLISH_ENTRY

PAGE = (ROOT / "docs" / "operations" / "traces.md").read_text()
NO_ATTRIBUTES = {"understudy.route", "understudy.upload", "understudy.export"}
"""Keys of ASGI scopes, and a type of record."""


@cache
def code() -> list[ast.AST]:
    """Whatever tells of spans, as it is written."""
    paths = [path for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py")]
    texts = [text for path in paths if "understudy." in (text := path.read_text()) or "trac" in text]
    return [node for text in texts for node in ast.walk(ast.parse(text))]


def strings() -> Iterator[str]:
    return (node.value for node in code() if isinstance(node, ast.Constant) and isinstance(node.value, str))


def names_of_spans() -> Iterator[str]:
    """The names that are written where a span begins; those that are put together are below."""
    for node in code():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            name = node.args[0]
            begins = node.func.attr in ("child", "begin")
            if begins and isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


PUT_TOGETHER = {
    PUBLISH_ARRIVAL,
    PUBLISH_ENTRY,
    "PUT /in/v2/{channel}/{ingest_endpoint}/{name}",
    "GET /out/v1/{origin_endpoint}/{playlist}",
}


def documented(head: str) -> set[str]:
    """The names in the first column of a table."""
    table = PAGE.partition(head)[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))


def test_every_attribute_of_ours_is_documented_and_no_other() -> None:
    made = {text for text in strings() if re.fullmatch(r"understudy\.[a-z_]+", text)} - NO_ATTRIBUTES
    assert documented("| attribute | of | meaning |") == made


def test_every_span_is_documented_and_no_other() -> None:
    assert documented("| span | service | from, to |") == set(names_of_spans()) | PUT_TOGETHER


def test_the_picture_shows_the_spans_that_are_documented() -> None:
    picture = PAGE.partition("```text\n")[2].partition("```")[0]
    rows = [re.split(r" {2,}", line.strip())[0] for line in picture.splitlines()[1:]]
    assert set(rows) <= documented("| span | service | from, to |")
    assert rows[0].startswith("PUT ")
    assert rows[-1].startswith("GET ")
    assert any(float(took) > 20_000 for took in re.findall(r"([0-9.]+) ms", picture))
