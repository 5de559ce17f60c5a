"""Field by field what docs/mediapackage-compatibility.md says of channels and origin endpoints.

Which values a field takes, which it refuses by name, what it is where a request leaves it out, and how it is written.
What a value then does is shown in ``test_what_values_do.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.control_process import Controller
from support.field_paths import field, plain, replaced, with_field

NewId = Callable[[], str]

GUID = "[0-9a-f]{32}"
ARN = "arn:aws:mediapackage:us-east-1:000000000000:"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
LEAST, MOST = ("HlsPackage.StreamSelection." + name for name in ("MinVideoBitsPerSecond", "MaxVideoBitsPerSecond"))
TEXT: dict[str, list[Any]] = {"taken": ["", "d" * 4_096, "ü\n" * 2_048], "refused": ["d" * 4_097]}
TAGS: dict[str, list[Any]] = {
    "taken": [{}, {f"key {number}": "" for number in range(50)}, {"k" * 128: "v" * 256}],
    "refused": [{f"k{number}": "" for number in range(51)}, {"k" * 129: ""}, {"": ""}, {"k": "v" * 257}],
}
IDS: dict[str, list[Any]] = {
    "taken": ["AZaz09_-", "i" * 256],
    "refused": ["", "i" * 257, "a b", "a.b", "a/b", "ä", "a\n"],
}


def upto(least: int, most: int) -> dict[str, list[Any]]:
    return {"taken": [least, most], "refused": [least - 1, most + 1]}


FIELDS: dict[str, dict[str, list[Any]]] = {
    "Description": TEXT,
    "Tags": TAGS,
    "ManifestName": IDS,
    "Origination": {"taken": ["ALLOW", "DENY"], "refused": ["", "allow", "MAYBE"]},
    "Whitelist": {
        "taken": [["192.0.2.0/24"] * 1_000, ["0.0.0.0/0", "192.0.2.7", "192.0.2.7/32"], []],
        "refused": [["192.0.2.0/24"] * 1_001, ["2001:db8::/32"], ["192.0.2.0/33"], ["192.0.2.256/32"], ["host"], [""]],
    },
    "TimeDelaySeconds": {"taken": [0, 1, 4, 5, 86_400], "refused": [-1, 86_401]},
    "StartoverWindowSeconds": upto(0, 1_209_600),
    "HlsPackage.SegmentDurationSeconds": upto(1, 30),
    "HlsPackage.PlaylistWindowSeconds": upto(1, 3_600),
    "HlsPackage.ProgramDateTimeIntervalSeconds": upto(0, 3_600),
    LEAST: upto(0, 2**31 - 1),
    MOST: upto(0, 2**31 - 1),
    "HlsPackage.StreamSelection.StreamOrder": {
        "taken": ["ORIGINAL", "VIDEO_BITRATE_ASCENDING", "VIDEO_BITRATE_DESCENDING"],
        "refused": ["", "RANDOM"],
    },
}
"""Of an origin endpoint, by the name that boto3 gives it."""

DEFAULTS = {
    "Description": "",
    "HlsPackage": {
        "AdMarkers": "NONE",
        "IncludeDvbSubtitles": False,
        "IncludeIframeOnlyStream": False,
        "PlaylistType": "NONE",
        "PlaylistWindowSeconds": 60,
        "ProgramDateTimeIntervalSeconds": 0,
        "SegmentDurationSeconds": 6,
        "StreamSelection": {
            "MaxVideoBitsPerSecond": 2**31 - 1,
            "MinVideoBitsPerSecond": 0,
            "StreamOrder": "ORIGINAL",
        },
        "UseAudioRenditionGroup": False,
    },
    "ManifestName": "index",
    "Origination": "ALLOW",
    "StartoverWindowSeconds": 0,
    "Tags": {},
    "TimeDelaySeconds": 0,
    "Whitelist": [],
}
OTHERS = {
    "Description": "another",
    "ManifestName": "another",
    "Origination": "DENY",
    "Whitelist": ["198.51.100.0/24"],
    "TimeDelaySeconds": 7,
    "StartoverWindowSeconds": 700,
    "HlsPackage.SegmentDurationSeconds": 3,
    "HlsPackage.PlaylistWindowSeconds": 33,
    "HlsPackage.ProgramDateTimeIntervalSeconds": 3,
    LEAST: 3,
    MOST: 333,
    "HlsPackage.StreamSelection.StreamOrder": "VIDEO_BITRATE_ASCENDING",
}
"""Values that are no defaults."""


@pytest.fixture(scope="module")
def channel_id(controller: Controller) -> str:
    """A channel for the origin endpoints of this module."""
    return str(controller.client().create_channel(Id="limits-and-defaults")["Id"])


def assert_made_now(created_at: str) -> None:
    assert re.fullmatch(INSTANT, created_at)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(created_at)) < timedelta(minutes=1)


@pytest.mark.compatibility(
    "CreateChannel",
    "DescribeChannel",
    "Channel.id",
    "Channel.arn",
    "Channel.createdAt",
    "Channel.description",
    "Channel.tags",
    "Channel.hlsIngest",
    "Channel.hlsIngest.ingestEndpoints",
    "Channel.hlsIngest.ingestEndpoints.id",
    "Channel.hlsIngest.ingestEndpoints.username",
)
def test_a_channel_has_these_values_where_a_request_leaves_them_out(client: Any, new_id: NewId) -> None:
    channel_id = new_id()
    made = plain(client.create_channel(Id=channel_id))
    guid = made["Arn"].removeprefix(ARN + "channels/")
    assert re.fullmatch(GUID, guid)
    assert_made_now(made["CreatedAt"])
    assert plain(client.describe_channel(Id=channel_id)) == made
    first, second = made.pop("HlsIngest")["IngestEndpoints"]
    assert first["Id"] == guid != second["Id"]
    assert re.fullmatch(GUID, second["Id"])
    assert len({one[name] for one in (first, second) for name in ("Username", "Password")}) == 4
    assert made == {"Id": channel_id, "Arn": made["Arn"], "CreatedAt": made["CreatedAt"], "Description": "", "Tags": {}}


@pytest.mark.compatibility(
    "CreateOriginEndpoint",
    "DescribeOriginEndpoint",
    "OriginEndpoint.id",
    "OriginEndpoint.arn",
    "OriginEndpoint.channelId",
    "OriginEndpoint.createdAt",
    "OriginEndpoint.description",
    "OriginEndpoint.tags",
    "OriginEndpoint.manifestName",
    "OriginEndpoint.origination",
    "OriginEndpoint.whitelist",
    "OriginEndpoint.authorization",
    "OriginEndpoint.timeDelaySeconds",
    "OriginEndpoint.startoverWindowSeconds",
    "OriginEndpoint.hlsPackage",
    "OriginEndpoint.hlsPackage.segmentDurationSeconds",
    "OriginEndpoint.hlsPackage.playlistWindowSeconds",
    "OriginEndpoint.hlsPackage.programDateTimeIntervalSeconds",
    "OriginEndpoint.hlsPackage.playlistType",
    "OriginEndpoint.hlsPackage.adMarkers",
    "OriginEndpoint.hlsPackage.includeIframeOnlyStream",
    "OriginEndpoint.hlsPackage.includeDvbSubtitles",
    "OriginEndpoint.hlsPackage.useAudioRenditionGroup",
    "OriginEndpoint.hlsPackage.streamSelection",
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.maxVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.streamOrder",
)
def test_an_origin_endpoint_has_these_values_where_a_request_leaves_them_out(
    client: Any, channel_id: str, new_id: NewId
) -> None:
    endpoint_id = new_id()
    made = plain(client.create_origin_endpoint(Id=endpoint_id, ChannelId=channel_id, HlsPackage={}))
    assert re.fullmatch(f"{ARN}origin_endpoints/{GUID}", made["Arn"])
    assert_made_now(made["CreatedAt"])
    assert plain(client.describe_origin_endpoint(Id=endpoint_id)) == made
    names = ("Id", "ChannelId", "Arn", "CreatedAt", "Url")
    assert made == DEFAULTS | {name: made[name] for name in names}
    assert (made["Id"], made["ChannelId"]) == (endpoint_id, channel_id)


@pytest.mark.compatibility("Channel.id", "OriginEndpoint.id", "CreateChannel", "CreateOriginEndpoint")
def test_ids_are_of_the_letters_and_the_length_that_are_allowed(client: Any, channel_id: str) -> None:
    for name in IDS["refused"]:
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=": id: "):
            client.create_channel(Id=name)
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=": id: "):
            client.create_origin_endpoint(Id=name, ChannelId=channel_id, HlsPackage={})
    for name in IDS["taken"]:
        assert client.create_channel(Id=name)["Id"] == name
        assert client.create_origin_endpoint(Id=name, ChannelId=name, HlsPackage={})["ChannelId"] == name
        assert client.describe_origin_endpoint(Id=name)["Id"] == client.describe_channel(Id=name)["Id"] == name


@pytest.mark.compatibility(
    "CreateChannel", "UpdateChannel", "Channel.description", "Channel.tags", "TagResource.tags", "TagResource"
)
def test_descriptions_and_tags_of_a_channel_are_of_the_length_that_is_allowed(client: Any, new_id: NewId) -> None:
    for path, values in {"Description": TEXT, "Tags": TAGS}.items():
        channel_id = new_id()
        named = re.escape(path[0].lower() + path[1:])
        for value in values["refused"]:
            with pytest.raises(client.exceptions.UnprocessableEntityException, match=f": {named}"):
                client.create_channel(Id=channel_id, **{path: value})
        for value in values["taken"]:
            one = client.create_channel(Id=new_id(), **{path: value})
            assert one[path] == client.describe_channel(Id=one["Id"])[path] == value
    made = client.create_channel(Id=channel_id)
    for value in TAGS["refused"]:
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=": tags"):
            client.tag_resource(ResourceArn=made["Arn"], Tags=value)
    for value in TEXT["refused"]:
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=": description"):
            client.update_channel(Id=channel_id, Description=value)
    assert plain(client.describe_channel(Id=channel_id)) == plain(made)


@pytest.mark.compatibility(
    "CreateOriginEndpoint",
    "OriginEndpoint.description",
    "OriginEndpoint.tags",
    "OriginEndpoint.manifestName",
    "OriginEndpoint.origination",
    "OriginEndpoint.whitelist",
    "OriginEndpoint.timeDelaySeconds",
    "OriginEndpoint.startoverWindowSeconds",
    "OriginEndpoint.hlsPackage",
    "OriginEndpoint.hlsPackage.segmentDurationSeconds",
    "OriginEndpoint.hlsPackage.playlistWindowSeconds",
    "OriginEndpoint.hlsPackage.programDateTimeIntervalSeconds",
    "OriginEndpoint.hlsPackage.streamSelection",
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.maxVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.streamOrder",
)
@pytest.mark.parametrize("path", FIELDS)
def test_a_field_of_an_origin_endpoint_takes_its_values_and_no_others(
    client: Any, channel_id: str, new_id: NewId, path: str
) -> None:
    endpoint_id = new_id()
    wire = ".".join(name[0].lower() + name[1:] for name in path.split("."))
    for value in FIELDS[path]["refused"]:
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=f": {re.escape(wire)}"):
            client.create_origin_endpoint(
                **{"Id": endpoint_id, "ChannelId": channel_id, "HlsPackage": {}} | with_field(path, value)
            )
    for value in FIELDS[path]["taken"]:
        made = client.create_origin_endpoint(
            **{"Id": endpoint_id, "ChannelId": channel_id, "HlsPackage": {}} | with_field(path, value)
        )
        assert field(made, path) == value
        assert plain(client.describe_origin_endpoint(Id=endpoint_id)) == plain(made)
        client.delete_origin_endpoint(Id=endpoint_id)


@pytest.mark.compatibility(
    "UpdateOriginEndpoint",
    "DescribeOriginEndpoint",
    "OriginEndpoint.arn",
    "OriginEndpoint.channelId",
    "OriginEndpoint.createdAt",
    "OriginEndpoint.description",
    "OriginEndpoint.manifestName",
    "OriginEndpoint.origination",
    "OriginEndpoint.whitelist",
    "OriginEndpoint.timeDelaySeconds",
    "OriginEndpoint.startoverWindowSeconds",
    "OriginEndpoint.hlsPackage",
    "OriginEndpoint.hlsPackage.segmentDurationSeconds",
    "OriginEndpoint.hlsPackage.playlistWindowSeconds",
    "OriginEndpoint.hlsPackage.programDateTimeIntervalSeconds",
    "OriginEndpoint.hlsPackage.streamSelection",
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.maxVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.streamOrder",
)
def test_an_update_changes_the_fields_that_it_has_and_no_others(
    client: Any, controller: Controller, channel_id: str, new_id: NewId
) -> None:
    endpoint_id = new_id()
    expected = plain(client.create_origin_endpoint(Id=endpoint_id, ChannelId=channel_id, HlsPackage={}))
    # The greater ones first: a least bit rate is never above the greatest, nor a delay longer than its window.
    for path in (MOST, LEAST, "StartoverWindowSeconds", "TimeDelaySeconds", *OTHERS):
        updated = plain(client.update_origin_endpoint(Id=endpoint_id, **with_field(path, OTHERS[path])))
        expected = replaced(expected, path, OTHERS[path])
        if path == "ManifestName":
            expected["Url"] = expected["Url"].replace("/index.m3u8", "/another.m3u8")
        assert updated == expected
    assert plain(client.describe_origin_endpoint(Id=endpoint_id)) == expected
    for name in ("id", "channelId", "arn", "createdAt", "tags"):
        status, answer = controller.json("PUT", f"/origin_endpoints/{endpoint_id}", {name: "other"})
        assert (status, answer["message"].partition(":")[0]) == (422, name)
    assert plain(client.describe_origin_endpoint(Id=endpoint_id)) == expected


@pytest.mark.compatibility(
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.timeDelaySeconds",
    "UpdateOriginEndpoint",
)
def test_fields_that_contradict_each_other_are_refused_in_an_update_too(
    client: Any, channel_id: str, new_id: NewId
) -> None:
    package = with_field(MOST, 100)["HlsPackage"]
    made = client.create_origin_endpoint(
        Id=new_id(), ChannelId=channel_id, StartoverWindowSeconds=10, TimeDelaySeconds=9, HlsPackage=package
    )
    for fields, named in (({"TimeDelaySeconds": 10}, "timeDelaySeconds"), (with_field(LEAST, 101), "minVideoBits")):
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=named):
            client.update_origin_endpoint(Id=made["Id"], **fields)
    assert plain(client.describe_origin_endpoint(Id=made["Id"])) == plain(made)
