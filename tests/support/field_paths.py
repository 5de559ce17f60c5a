"""Fields of requests and answers by path, as boto3 spells them: ``HlsPackage.StreamSelection.StreamOrder``."""

from __future__ import annotations

import functools
from typing import Any


def with_field(path: str, value: Any) -> dict[str, Any]:
    """A request's part that has this one field."""
    *outer, last = path.split(".")
    return functools.reduce(lambda inner, name: {name: inner}, reversed(outer), {last: value})


def field(answer: dict[str, Any], path: str) -> Any:
    """What an answer says of a field."""
    return functools.reduce(lambda inner, name: inner[name], path.split("."), answer)


def replaced(answer: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """An answer with another value of one field."""
    name, _, rest = path.partition(".")
    return {**answer, name: replaced(answer[name], rest, value) if rest else value}


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what boto3 adds."""
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
