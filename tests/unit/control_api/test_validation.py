"""What a request may say, what is refused, and how the refusal names the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from understudy_controller.api.errors import NotHonouredYet, sentence
from understudy_controller.api.honoured import refuse_what_is_not_honoured
from understudy_controller.api.models import (
    CreateChannelRequest,
    CreateOriginEndpointRequest,
    TagResourceRequest,
    UpdateChannelRequest,
    UpdateOriginEndpointRequest,
)
from understudy_domain.errors import InvalidResource


def refusal(model: type[Any], body: object) -> str:
    """The sentence for a body that ``model`` refuses, located as FastAPI locates it."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return sentence([{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()])


def endpoint(**fields: object) -> dict[str, object]:
    return {"id": "e", "channelId": "c", "hlsPackage": {}, **fields}


@pytest.mark.parametrize("channel_id", ["a", "A-b_9", "x" * 256])
def test_an_id_of_letters_digits_dash_and_underscore_is_accepted(channel_id: str) -> None:
    assert CreateChannelRequest.model_validate({"id": channel_id}).id == channel_id


@pytest.mark.parametrize(
    "channel_id", ["", "x" * 257, "a b", "a/b", "a.b", "a\n", "ä", "a*", "a>", "\x00", 7, None, ["a"]]
)
def test_any_other_id_is_refused_by_name(channel_id: object) -> None:
    assert refusal(CreateChannelRequest, {"id": channel_id}).startswith("id: ")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"timeDelaySeconds": -1}, "timeDelaySeconds"),
        ({"timeDelaySeconds": 86_401}, "timeDelaySeconds"),
        ({"timeDelaySeconds": "10"}, "timeDelaySeconds"),
        ({"timeDelaySeconds": 10.0}, "timeDelaySeconds"),
        ({"timeDelaySeconds": True}, "timeDelaySeconds"),
        ({"timeDelaySeconds": 10**400}, "timeDelaySeconds"),
        ({"startoverWindowSeconds": 1_209_601}, "startoverWindowSeconds"),
        ({"manifestName": "a.b"}, "manifestName"),
        ({"manifestName": "../x"}, "manifestName"),
        ({"manifestName": ""}, "manifestName"),
        ({"origination": "allow"}, "origination"),
        ({"whitelist": ["not an address"]}, "whitelist.0"),
        ({"whitelist": ["10.0.0.0/33"]}, "whitelist.0"),
        ({"whitelist": ["10.0.0.0/8", "010.0.0.1"]}, "whitelist.1"),
        ({"whitelist": ["10.0.0.0/255.0.0.0"]}, "whitelist.0"),
        ({"whitelist": ["2001:db8::/32"]}, "whitelist.0"),
        ({"hlsPackage": {"segmentDurationSeconds": 0}}, "hlsPackage.segmentDurationSeconds"),
        ({"hlsPackage": {"segmentDurationSeconds": 31}}, "hlsPackage.segmentDurationSeconds"),
        ({"hlsPackage": {"playlistWindowSeconds": 0}}, "hlsPackage.playlistWindowSeconds"),
        ({"hlsPackage": {"adMarkers": "SOME"}}, "hlsPackage.adMarkers"),
        ({"hlsPackage": {"adTriggers": ["SOME"]}}, "hlsPackage.adTriggers.0"),
        (
            {"hlsPackage": {"streamSelection": {"minVideoBitsPerSecond": -1}}},
            "hlsPackage.streamSelection.minVideoBitsPerSecond",
        ),
        (
            {"hlsPackage": {"streamSelection": {"maxVideoBitsPerSecond": 2**31}}},
            "hlsPackage.streamSelection.maxVideoBitsPerSecond",
        ),
        ({"hlsPackage": {"streamSelection": {"streamOrder": "RANDOM"}}}, "hlsPackage.streamSelection.streamOrder"),
        ({"hlsPackage": {"segmentDuration": 6}}, "hlsPackage.segmentDuration: unknown field"),
        ({"hlsPackage": []}, "hlsPackage"),
        ({"streamSelection": {}}, "streamSelection: unknown field"),
        ({"time_delay_seconds": 5}, "time_delay_seconds: unknown field"),
        ({"authorization": {}}, "authorization.cdnIdentifierSecret: required; authorization.secretsRoleArn: required"),
        ({"authorization": {"cdnIdentifierSecret": "s"}}, "authorization.secretsRoleArn: required"),
        ({"authorization": {"secretsRoleArn": "r"}}, "authorization.cdnIdentifierSecret: required"),
        ({"authorization": {"cdnIdentifierSecret": 1, "secretsRoleArn": "r"}}, "authorization.cdnIdentifierSecret"),
        ({"tags": {"": "x"}}, "tags."),
        ({"tags": {"k": 1}}, "tags.k"),
        ({"tags": {f"k{number}": "" for number in range(51)}}, "tags"),
        ({"description": "x" * 4_097}, "description"),
        ({"description": "\ud800"}, "description"),
    ],
)
def test_a_value_that_the_model_forbids_is_refused_by_name(fields: dict[str, object], named: str) -> None:
    assert refusal(CreateOriginEndpointRequest, endpoint(**fields)).startswith(named)


def test_what_is_missing_is_named() -> None:
    assert refusal(CreateOriginEndpointRequest, {}) == "channelId: required; id: required"
    assert refusal(TagResourceRequest, {}) == "tags: required"


def test_null_means_absent() -> None:
    assert UpdateChannelRequest.model_validate({"description": None}).description is None


def test_many_problems_end_in_a_count() -> None:
    assert refusal(UpdateChannelRequest, {f"f{number}": 1 for number in range(8)}).endswith("and 3 more")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"origination": "DENY", "whitelist": ["10.0.0.0/8", "192.0.2.7", "192.0.2.7/24"]},
        {"origination": "ALLOW", "whitelist": [], "startoverWindowSeconds": 1_209_600, "timeDelaySeconds": 0},
        {"authorization": {"cdnIdentifierSecret": "s", "secretsRoleArn": "r"}},
        {"hlsPackage": {"adMarkers": "NONE", "adTriggers": ["BREAK"], "adsOnDeliveryRestrictions": "BOTH"}},
        {"hlsPackage": {"playlistType": "NONE", "includeDvbSubtitles": False, "includeIframeOnlyStream": False}},
        {"hlsPackage": {"playlistType": "EVENT"}, "startoverWindowSeconds": 1},
        {
            "hlsPackage": {
                "streamSelection": {
                    "minVideoBitsPerSecond": 1,
                    "maxVideoBitsPerSecond": 5_000_000,
                    "streamOrder": "VIDEO_BITRATE_ASCENDING",
                }
            }
        },
    ],
)
def test_what_is_honoured_and_what_asks_for_nothing_passes(fields: dict[str, object]) -> None:
    refuse_what_is_not_honoured(CreateOriginEndpointRequest.model_validate(endpoint(**fields)))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"hlsPackage": {"adMarkers": "DATERANGE"}}, "hlsPackage.adMarkers: DATERANGE"),
        ({"hlsPackage": {"encryption": {}}}, "hlsPackage.encryption"),
        ({"hlsPackage": {"includeDvbSubtitles": True}}, "hlsPackage.includeDvbSubtitles"),
        ({"hlsPackage": {"includeIframeOnlyStream": True}}, "hlsPackage.includeIframeOnlyStream"),
        ({"hlsPackage": {"useAudioRenditionGroup": True}}, "hlsPackage.useAudioRenditionGroup"),
        ({"hlsPackage": None, "dashPackage": {}}, "dashPackage"),
        ({"hlsPackage": None, "cmafPackage": {"any": "thing"}}, "cmafPackage"),
        ({"hlsPackage": None, "mssPackage": {}}, "mssPackage"),
    ],
)
def test_what_cannot_be_honoured_yet_is_refused_by_name(fields: dict[str, object], named: str) -> None:
    request = CreateOriginEndpointRequest.model_validate(endpoint(**fields))
    with pytest.raises(NotHonouredYet, match=named) as caught:
        refuse_what_is_not_honoured(request)
    assert "cannot be honoured yet" in str(caught.value)


def test_more_than_one_packager_is_refused() -> None:
    request = UpdateOriginEndpointRequest.model_validate({"hlsPackage": {}, "dashPackage": {}})
    with pytest.raises(InvalidResource, match="exactly one packager"):
        refuse_what_is_not_honoured(request)
