"""Every value that the service model names for a field of an origin endpoint is kept as it is, or refused by name."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StringShape

from support.compatibility import fields_of_an_origin_endpoint
from understudy_controller.api import resources
from understudy_controller.api.errors import NotHonouredYet
from understudy_controller.api.honoured import refuse_what_is_not_honoured
from understudy_controller.api.models import CreateChannelRequest, CreateOriginEndpointRequest
from understudy_controller.api.render import Renderer

RENDERER = Renderer("https://in.example", "https://out.example", "eu-west-1", "123456789012")
OTHER_PACKAGERS = ("cmafPackage", "dashPackage", "mssPackage", "hlsPackage.encryption")


def values_of(shape: Shape) -> Iterator[Any]:
    """All of an enumeration, alone and in a list; both truths."""
    if isinstance(shape, ListShape):
        yield []
        yield from ([value] for value in values_of(shape.member))
    elif isinstance(shape, StringShape):
        yield from shape.enum
    elif shape.type_name == "boolean":
        yield from (False, True)


HONOURED_IN_PART: dict[str, Any] = {
    "hlsPackage.adMarkers": "NONE",
    "hlsPackage.includeDvbSubtitles": False,
    "hlsPackage.includeIframeOnlyStream": False,
    "hlsPackage.useAudioRenditionGroup": False,
}
"""The one value of these fields that is taken."""
VALUES = [
    (name.removeprefix("OriginEndpoint."), value)
    for name, shape in fields_of_an_origin_endpoint().items()
    if not name.removeprefix("OriginEndpoint.").startswith(OTHER_PACKAGERS)
    for value in values_of(shape)
]
KEPT = [(path, value) for path, value in VALUES if HONOURED_IN_PART.get(path, value) == value]
REFUSED = [(path, value) for path, value in VALUES if HONOURED_IN_PART.get(path, value) != value]


def request_for(path: str, value: Any) -> CreateOriginEndpointRequest:
    asked = functools.reduce(lambda inner, field: {field: inner}, reversed(path.split(".")), value)
    whole = {"id": "e", "channelId": "c", "hlsPackage": {}, "startoverWindowSeconds": 3600, **asked}
    return CreateOriginEndpointRequest.model_validate(whole)


@pytest.mark.parametrize(("path", "value"), KEPT)
def test_what_is_honoured_is_returned_as_it_was_asked_for(path: str, value: Any) -> None:
    request = request_for(path, value)
    refuse_what_is_not_honoured(request)
    channel = resources.new_channel(CreateChannelRequest.model_validate({"id": "c"}), now=0)
    made = resources.new_origin_endpoint(request, channel, now=0)
    answer: Any = RENDERER.origin_endpoint(made).model_dump(by_alias=True, exclude_none=True)
    assert functools.reduce(lambda inner, field: inner[field], path.split("."), answer) == value


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_what_is_not_honoured_is_refused_by_name(path: str, value: Any) -> None:
    with pytest.raises(NotHonouredYet, match=re.escape(path)):
        refuse_what_is_not_honoured(request_for(path, value))


def test_there_are_values_to_try() -> None:
    assert {path for path, _ in REFUSED} == set(HONOURED_IN_PART)
    assert {path for path, _ in KEPT} >= {*HONOURED_IN_PART, "origination", "hlsPackage.playlistType"}
