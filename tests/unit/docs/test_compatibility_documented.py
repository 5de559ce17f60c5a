"""docs/mediapackage-compatibility.md has a line for all that the service model has, and a test behind every "same"."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from botocore.model import ListShape, StringShape, StructureShape

from support.compatibility import VERDICTS, fields_of_an_origin_endpoint, lines_of_model, lines_of_page, markers
from understudy_controller.api.errors import NotHonouredYet
from understudy_controller.api.honoured import refuse_what_is_not_honoured
from understudy_controller.api.models import CreateOriginEndpointRequest

REFUSED_FIELDS = [
    name for name, verdict in lines_of_page() if verdict == "refused" and name in fields_of_an_origin_endpoint()
]


def test_every_operation_and_field_of_the_model_has_one_line_and_nothing_else_has() -> None:
    names = [name for name, _ in lines_of_page()]
    assert sorted(names) == sorted(lines_of_model())


def test_every_line_has_a_known_verdict() -> None:
    assert {verdict for _, verdict in lines_of_page()} <= set(VERDICTS)


def test_every_line_that_says_same_has_a_test() -> None:
    assert [name for name, verdict in lines_of_page() if verdict == "same" and name not in markers()] == []


def test_no_test_stands_behind_a_line_that_is_not_there() -> None:
    lines = {name for name, _ in lines_of_page()}
    assert {name: files for name, files in markers().items() if name not in lines} == {}


@pytest.mark.parametrize("name", REFUSED_FIELDS)
def test_a_field_that_the_page_calls_refused_is_refused_by_name(name: str) -> None:
    _, *path = name.split(".")
    value = _value_of(fields_of_an_origin_endpoint()[name])
    asked = functools.reduce(lambda inner, field: {field: inner}, reversed(path), value)
    packager: dict[str, Any] = {} if path[0].endswith("Package") else {"hlsPackage": {}}
    request = CreateOriginEndpointRequest.model_validate({"id": "e", "channelId": "c", **packager, **asked})
    with pytest.raises(NotHonouredYet, match=path[0]):
        refuse_what_is_not_honoured(request)


def _value_of(shape: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {}
    if isinstance(shape, ListShape):
        return []
    if isinstance(shape, StringShape):
        return shape.enum[-1] if shape.enum else "x"
    return True if shape.type_name == "boolean" else 1
