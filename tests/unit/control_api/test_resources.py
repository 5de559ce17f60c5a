"""Requests into stored resources, and those into responses."""

from __future__ import annotations

import dataclasses
import re

import pytest

from understudy_controller.api import resources
from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.api.models import (
    CreateChannelRequest,
    CreateOriginEndpointRequest,
    UpdateChannelRequest,
    UpdateOriginEndpointRequest,
)
from understudy_controller.api.render import Renderer
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec
from understudy_domain.channel import Channel, FormerCredentials, OriginEndpoint
from understudy_domain.errors import InvalidResource

NOW = 1_700_000_000 * 90_000
RENDERER = Renderer("https://in.example", "https://out.example/base", "eu-west-1", "123456789012")


def channel(**fields: object) -> Channel:
    return resources.new_channel(CreateChannelRequest.model_validate({"id": "news", **fields}), now=NOW)


def origin_endpoint(**fields: object) -> OriginEndpoint:
    body = {"id": "news-hls", "channelId": "news", "hlsPackage": {}, **fields}
    return resources.new_origin_endpoint(CreateOriginEndpointRequest.model_validate(body), channel(), now=NOW)


def changed(endpoint: OriginEndpoint, **fields: object) -> OriginEndpoint:
    return resources.changed_origin_endpoint(endpoint, UpdateOriginEndpointRequest.model_validate(fields))


def test_a_channel_has_two_ingest_endpoints_the_first_with_its_own_guid() -> None:
    made = channel()
    first, second = made.ingest_endpoints
    assert first.id == made.guid
    assert second.id != made.guid
    assert len({first.username, first.password, second.username, second.password}) == 4


def test_input_2_may_be_reached_under_a_name_of_its_own() -> None:
    made = channel()
    same = RENDERER.channel(made).hls_ingest.ingest_endpoints
    assert [one.url.startswith("https://in.example/in/v2/") for one in same] == [True, True]
    settings = ControllerSettings(
        ingest_public_url="https://in-1.example/", second_ingest_public_url="https://in-2.example/live/"
    )
    first, second = Renderer.of(settings).channel(made).hls_ingest.ingest_endpoints
    assert first.url == f"https://in-1.example/in/v2/{made.guid}/{made.guid}/channel"
    assert second.url == f"https://in-2.example/live/in/v2/{made.guid}/{second.id}/channel"


def test_a_channel_created_again_shares_nothing_with_the_first() -> None:
    one, other = channel(), channel()
    assert one.guid != other.guid
    assert one.ingest_endpoints[1].id != other.ingest_endpoints[1].id


def rotated(made: Channel, ingest_endpoint_id: str | None = None, *, now: int = NOW, grace: int = 0) -> Channel:
    return resources.rotated_channel(made, ingest_endpoint_id, resources.Rotation.new(now=now, grace=grace))


def test_a_rotation_replaces_both_halves_of_one_pair_and_nothing_else() -> None:
    made = channel()
    first, second = made.ingest_endpoints
    changed = rotated(made, second.id)
    assert changed == dataclasses.replace(made, ingest_endpoints=(first, changed.ingest_endpoints[1]))
    assert changed.ingest_endpoints[1].id == second.id
    assert changed.ingest_endpoints[1].username != second.username
    assert changed.ingest_endpoints[1].password != second.password
    assert changed.ingest_endpoints[1].former is None
    assert rotated(made).ingest_endpoints[1] == second, "the first is rotated where none is named"


def test_of_former_pairs_the_last_alone_is_kept_for_its_grace() -> None:
    made = channel()
    once = rotated(made, grace=60)
    twice = rotated(once, now=NOW + 1, grace=60)
    before, between, after = (one.ingest_endpoints[0] for one in (made, once, twice))
    assert between.former == FormerCredentials(before.username, before.password, NOW + 60)
    assert after.former == FormerCredentials(between.username, between.password, NOW + 61)
    assert rotated(once).ingest_endpoints[0].former is None, "without a grace period nothing of before is left"
    assert codec.decode(codec.encode(twice)) == twice


def test_a_rotation_that_was_written_already_changes_nothing_more() -> None:
    rotation = resources.Rotation.new(now=NOW, grace=60)
    once = resources.rotated_channel(channel(), None, rotation)
    assert resources.rotated_channel(once, None, rotation) == once


def test_an_ingest_endpoint_of_another_channel_cannot_be_rotated() -> None:
    with pytest.raises(ResourceNotFound, match="no ingest endpoint"):
        rotated(channel(), channel().guid)


def test_former_credentials_are_not_shown() -> None:
    changed = rotated(channel(), grace=60)
    former = changed.ingest_endpoints[0].former
    assert former is not None
    assert former.password not in RENDERER.channel(changed).model_dump_json()
    assert former.password not in repr(changed)


def test_a_channel_is_rendered_in_mediapackages_forms() -> None:
    made = channel(description="d", tags={"k": "v"})
    wire = RENDERER.channel(made).model_dump(by_alias=True)
    first, second = wire["hlsIngest"]["ingestEndpoints"]
    assert wire["arn"] == f"arn:aws:mediapackage:eu-west-1:123456789012:channels/{made.guid}"
    assert wire["createdAt"] == "2023-11-14T22:13:20.000Z"
    assert (wire["id"], wire["description"], wire["tags"]) == ("news", "d", {"k": "v"})
    assert first["url"] == f"https://in.example/in/v2/{made.guid}/{made.guid}/channel"
    assert second["url"] == f"https://in.example/in/v2/{made.guid}/{second['id']}/channel"


def test_an_origin_endpoint_is_rendered_with_every_default() -> None:
    made = origin_endpoint()
    wire = RENDERER.origin_endpoint(made).model_dump(by_alias=True, exclude_none=True)
    assert re.fullmatch(r"arn:aws:mediapackage:eu-west-1:123456789012:origin_endpoints/[0-9a-f]{32}", wire["arn"])
    assert wire["url"] == f"https://out.example/base/out/v1/{made.guid}/index.m3u8"
    assert wire["hlsPackage"] == {
        "adMarkers": "NONE",
        "includeDvbSubtitles": False,
        "includeIframeOnlyStream": False,
        "playlistType": "NONE",
        "playlistWindowSeconds": 60,
        "programDateTimeIntervalSeconds": 0,
        "segmentDurationSeconds": 6,
        "streamSelection": {
            "maxVideoBitsPerSecond": 2_147_483_647,
            "minVideoBitsPerSecond": 0,
            "streamOrder": "ORIGINAL",
        },
        "useAudioRenditionGroup": False,
    }
    assert (wire["origination"], wire["whitelist"], wire["tags"]) == ("ALLOW", [], {})
    assert (wire["timeDelaySeconds"], wire["startoverWindowSeconds"]) == (0, 0)


def test_an_update_keeps_what_it_leaves_out_at_every_depth() -> None:
    made = origin_endpoint(
        description="d",
        timeDelaySeconds=10,
        startoverWindowSeconds=300,
        tags={"k": "v"},
        hlsPackage={"segmentDurationSeconds": 4, "playlistWindowSeconds": 30, "adTriggers": []},
    )
    updated = changed(made, timeDelaySeconds=0, hlsPackage={"playlistWindowSeconds": 40})
    assert (updated.id, updated.guid, updated.created_at) == (made.id, made.guid, made.created_at)
    assert (updated.description, updated.tags) == ("d", {"k": "v"})
    assert (updated.time_delay_seconds, updated.startover_window_seconds) == (0, 300)
    assert updated.hls_package.segment_duration_seconds == 4
    assert updated.hls_package.playlist_window_seconds == 40
    assert updated.hls_package.ad_triggers == ()


def test_an_update_with_an_empty_body_changes_nothing() -> None:
    made = origin_endpoint(timeDelaySeconds=10)
    assert changed(made) == made
    assert resources.changed_channel(channel(description="d"), UpdateChannelRequest()).description == "d"


def test_a_description_can_be_emptied() -> None:
    updated = resources.changed_channel(channel(description="d"), UpdateChannelRequest(description=""))
    assert not updated.description


@pytest.mark.parametrize("window", [5, 10])
def test_a_time_delay_that_does_not_fit_the_startover_window_is_refused(window: int) -> None:
    with pytest.raises(InvalidResource, match="timeDelaySeconds must be less than startoverWindowSeconds"):
        origin_endpoint(timeDelaySeconds=10, startoverWindowSeconds=window)
    with pytest.raises(InvalidResource, match="timeDelaySeconds"):
        changed(origin_endpoint(timeDelaySeconds=10), startoverWindowSeconds=window)


def test_a_stream_selection_is_checked_with_what_is_kept_of_it() -> None:
    made = origin_endpoint(hlsPackage={"streamSelection": {"minVideoBitsPerSecond": 2, "streamOrder": "ORIGINAL"}})
    assert made.hls_package.stream_selection.max_video_bits_per_second == 2**31 - 1
    with pytest.raises(InvalidResource, match=r"hlsPackage\.streamSelection\.minVideoBitsPerSecond"):
        changed(made, hlsPackage={"streamSelection": {"maxVideoBitsPerSecond": 1}})


def test_resources_survive_the_codec() -> None:
    made = origin_endpoint(hlsPackage={"adTriggers": ["BREAK"], "adsOnDeliveryRestrictions": "NONE"})
    assert codec.decode(codec.encode(made)) == made
    assert codec.decode(codec.encode(channel(tags={"k": "é"}))) is not None


def test_an_endpoint_stored_by_an_older_release_still_parses() -> None:
    older = b"""{"type":"config.origin_endpoint","version":1,"id":"e","guid":"0","channel_id":"c","channel_guid":"1",
        "created_at":1,"hls_package":{"segment_duration_seconds":2}}"""
    read = codec.decode_as(OriginEndpoint, older)
    assert RENDERER.origin_endpoint(read).hls_package.stream_selection.stream_order == "ORIGINAL"
