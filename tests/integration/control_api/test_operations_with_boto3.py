"""Every operation driven by boto3 as its users do; answers are held against the service model by the client fixture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.control_process import Controller
from support.field_paths import plain

NewId = Callable[[], str]


@pytest.fixture
def channel(client: Any, new_id: NewId) -> dict[str, Any]:
    return plain(client.create_channel(Id=new_id(), Description="d", Tags={"team": "news"}))


@pytest.fixture
def endpoint(client: Any, channel: dict[str, Any], new_id: NewId) -> dict[str, Any]:
    return plain(
        client.create_origin_endpoint(
            Id=new_id(),
            ChannelId=channel["Id"],
            Description="d",
            ManifestName="main",
            StartoverWindowSeconds=300,
            TimeDelaySeconds=10,
            Tags={"team": "news"},
            HlsPackage={"SegmentDurationSeconds": 4, "PlaylistWindowSeconds": 40, "ProgramDateTimeIntervalSeconds": 1},
        )
    )


# --- channels ---------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "CreateChannel",
    "Channel.id",
    "Channel.arn",
    "Channel.createdAt",
    "Channel.hlsIngest",
    "Channel.hlsIngest.ingestEndpoints",
    "Channel.hlsIngest.ingestEndpoints.id",
    "Channel.hlsIngest.ingestEndpoints.url",
    "Channel.hlsIngest.ingestEndpoints.username",
    "Channel.hlsIngest.ingestEndpoints.password",
)
def test_a_channel_is_created_with_two_ingest_endpoints(client: Any, new_id: NewId) -> None:
    channel_id = new_id()
    answer = client.create_channel(Id=channel_id)
    first, second = answer["HlsIngest"]["IngestEndpoints"]
    guid = answer["Arn"].removeprefix("arn:aws:mediapackage:us-east-1:000000000000:channels/")
    assert (answer["Id"], answer["Description"], answer["Tags"]) == (channel_id, "", {})
    assert first["Id"] == guid
    assert first["Url"] == f"http://ingest.example:7071/in/v2/{guid}/{guid}/channel"
    assert second["Url"] == f"http://ingest.example:7071/in/v2/{guid}/{second['Id']}/channel"
    assert len({first["Username"], first["Password"], second["Username"], second["Password"]}) == 4
    created = datetime.fromisoformat(answer["CreatedAt"])
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
    assert answer["ResponseMetadata"]["RequestId"]


@pytest.mark.compatibility("DescribeChannel", "ListChannels", "ListChannels.channels")
def test_a_channel_is_described_and_listed_as_it_was_created(client: Any, channel: dict[str, Any]) -> None:
    assert plain(client.describe_channel(Id=channel["Id"])) == channel
    assert channel in client.list_channels()["Channels"]


@pytest.mark.compatibility("UpdateChannel", "Channel.description")
def test_updating_a_channel_changes_its_description_alone(client: Any, channel: dict[str, Any]) -> None:
    assert plain(client.update_channel(Id=channel["Id"], Description="e")) == {**channel, "Description": "e"}
    assert plain(client.update_channel(Id=channel["Id"])) == {**channel, "Description": "e"}
    assert plain(client.update_channel(Id=channel["Id"], Description="")) == {**channel, "Description": ""}
    assert plain(client.describe_channel(Id=channel["Id"])) == {**channel, "Description": ""}


@pytest.mark.compatibility("DeleteChannel")
def test_a_deleted_channel_is_gone_and_its_id_makes_another(client: Any, channel: dict[str, Any]) -> None:
    answer = client.delete_channel(Id=channel["Id"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    with pytest.raises(client.exceptions.NotFoundException) as caught:
        client.describe_channel(Id=channel["Id"])
    assert channel["Id"] in caught.value.response["Error"]["Message"]
    assert channel["Id"] not in {listed["Id"] for listed in client.list_channels()["Channels"]}
    again = client.create_channel(Id=channel["Id"])
    assert again["Arn"] != channel["Arn"]
    assert not {one["Url"] for one in again["HlsIngest"]["IngestEndpoints"]} & {
        one["Url"] for one in channel["HlsIngest"]["IngestEndpoints"]
    }


@pytest.mark.compatibility("Channel.id")
def test_a_channel_id_can_be_used_once(client: Any, channel: dict[str, Any]) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="exists"):
        client.create_channel(Id=channel["Id"])
    assert plain(client.describe_channel(Id=channel["Id"])) == channel


@pytest.mark.compatibility("DeleteChannel")
def test_a_channel_with_origin_endpoints_is_not_deleted(
    client: Any, channel: dict[str, Any], endpoint: dict[str, Any]
) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match=endpoint["Id"]):
        client.delete_channel(Id=channel["Id"])
    client.delete_origin_endpoint(Id=endpoint["Id"])
    client.delete_channel(Id=channel["Id"])


@pytest.mark.parametrize("operation", ["describe", "update", "delete"])
@pytest.mark.parametrize("kind", ["channel", "origin_endpoint"])
@pytest.mark.parametrize("resource_id", ["unknown", "a/b", "a b", "%2F", "..", "ä", "x" * 2_000])
def test_what_does_not_exist_is_not_found_whatever_its_name(
    client: Any, operation: str, kind: str, resource_id: str
) -> None:
    with pytest.raises(client.exceptions.NotFoundException):
        getattr(client, f"{operation}_{kind}")(Id=resource_id)


# --- origin endpoints -------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "CreateOriginEndpoint", "OriginEndpoint.arn", "OriginEndpoint.url", "OriginEndpoint.manifestName"
)
def test_an_origin_endpoint_has_the_url_that_players_open(endpoint: dict[str, Any]) -> None:
    guid = endpoint["Arn"].removeprefix("arn:aws:mediapackage:us-east-1:000000000000:origin_endpoints/")
    assert endpoint["Url"] == f"http://egress.example:7072/out/v1/{guid}/main.m3u8"
    assert (endpoint["Origination"], endpoint["Whitelist"]) == ("ALLOW", [])
    assert (endpoint["TimeDelaySeconds"], endpoint["StartoverWindowSeconds"]) == (10, 300)
    assert endpoint["HlsPackage"]["SegmentDurationSeconds"] == 4


@pytest.mark.compatibility(
    "DescribeOriginEndpoint",
    "ListOriginEndpoints",
    "ListOriginEndpoints.originEndpoints",
    "ListOriginEndpoints.channelId",
    "OriginEndpoint.createdAt",
)
def test_an_origin_endpoint_is_described_and_listed_as_it_was_created(client: Any, endpoint: dict[str, Any]) -> None:
    assert plain(client.describe_origin_endpoint(Id=endpoint["Id"])) == endpoint
    assert endpoint in client.list_origin_endpoints()["OriginEndpoints"]
    assert client.list_origin_endpoints(ChannelId=endpoint["ChannelId"])["OriginEndpoints"] == [endpoint]
    assert client.list_origin_endpoints(ChannelId="unknown")["OriginEndpoints"] == []


@pytest.mark.compatibility(
    "UpdateOriginEndpoint", "OriginEndpoint.description", "OriginEndpoint.hlsPackage", "OriginEndpoint.timeDelaySeconds"
)
def test_an_update_keeps_what_it_leaves_out(client: Any, endpoint: dict[str, Any]) -> None:
    updated = client.update_origin_endpoint(
        Id=endpoint["Id"], TimeDelaySeconds=0, HlsPackage={"PlaylistWindowSeconds": 60}
    )
    expected = {
        **endpoint,
        "TimeDelaySeconds": 0,
        "HlsPackage": {**endpoint["HlsPackage"], "PlaylistWindowSeconds": 60},
    }
    assert plain(updated) == expected
    assert plain(client.describe_origin_endpoint(Id=endpoint["Id"])) == expected


@pytest.mark.compatibility("OriginEndpoint.hlsPackage")
def test_values_that_ask_for_nothing_are_returned_as_they_were_given(
    client: Any, channel: dict[str, Any], new_id: NewId
) -> None:
    package = {
        "AdMarkers": "NONE",
        "AdTriggers": ["SPLICE_INSERT", "BREAK"],
        "AdsOnDeliveryRestrictions": "UNRESTRICTED",
        "IncludeDvbSubtitles": False,
        "IncludeIframeOnlyStream": False,
        "PlaylistType": "NONE",
        "PlaylistWindowSeconds": 60,
        "ProgramDateTimeIntervalSeconds": 0,
        "SegmentDurationSeconds": 6,
        "StreamSelection": {
            "MaxVideoBitsPerSecond": 5_000_000,
            "MinVideoBitsPerSecond": 1_000_000,
            "StreamOrder": "VIDEO_BITRATE_DESCENDING",
        },
        "UseAudioRenditionGroup": False,
    }
    answer = client.create_origin_endpoint(
        Id=new_id(), ChannelId=channel["Id"], HlsPackage=package, Origination="ALLOW", Whitelist=[]
    )
    assert answer["HlsPackage"] == package


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"HlsPackage": {"AdMarkers": "PASSTHROUGH"}}, "hlsPackage.adMarkers"),
        ({"HlsPackage": {"IncludeIframeOnlyStream": True}}, "hlsPackage.includeIframeOnlyStream"),
        (
            {"HlsPackage": {"StreamSelection": {"MinVideoBitsPerSecond": 2, "MaxVideoBitsPerSecond": 1}}},
            "hlsPackage.streamSelection.minVideoBitsPerSecond",
        ),
        ({"HlsPackage": {"PlaylistType": "EVENT"}}, "hlsPackage.playlistType EVENT .* startoverWindowSeconds"),
        (
            {
                "HlsPackage": {
                    "Encryption": {
                        "SpekeKeyProvider": {"ResourceId": "r", "RoleArn": "a", "SystemIds": ["s"], "Url": "https://k"}
                    }
                }
            },
            "hlsPackage.encryption",
        ),
        ({"DashPackage": {"SegmentDurationSeconds": 2}}, "dashPackage"),
        ({"CmafPackage": {"HlsManifests": [{"Id": "m"}]}}, "cmafPackage"),
        ({"MssPackage": {}}, "mssPackage"),
        ({"HlsPackage": {}, "DashPackage": {}}, "exactly one packager"),
        ({}, "hlsPackage: required"),
        ({"HlsPackage": {}, "TimeDelaySeconds": 10, "StartoverWindowSeconds": 10}, "timeDelaySeconds"),
        ({"HlsPackage": {}, "TimeDelaySeconds": 86_401}, "timeDelaySeconds"),
        ({"HlsPackage": {}, "StartoverWindowSeconds": 1_209_601}, "startoverWindowSeconds"),
        ({"HlsPackage": {"SegmentDurationSeconds": 0}}, "hlsPackage.segmentDurationSeconds"),
        ({"HlsPackage": {}, "ManifestName": "a/b"}, "manifestName"),
        ({"HlsPackage": {}, "Whitelist": ["192.0.2.0/33"]}, "whitelist.0"),
        ({"HlsPackage": {"UseAudioRenditionGroup": True}}, "hlsPackage.useAudioRenditionGroup"),
        (
            {"HlsPackage": {}, "Authorization": {"CdnIdentifierSecret": "../s", "SecretsRoleArn": "r"}},
            "authorization.cdnIdentifierSecret",
        ),
        (
            {"HlsPackage": {}, "Authorization": {"CdnIdentifierSecret": "s", "SecretsRoleArn": ""}},
            "authorization.secretsRoleArn",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_field_named_and_nothing_created(
    client: Any, channel: dict[str, Any], new_id: NewId, fields: dict[str, Any], named: str
) -> None:
    endpoint_id = new_id()
    with pytest.raises(client.exceptions.UnprocessableEntityException, match=named):
        client.create_origin_endpoint(Id=endpoint_id, ChannelId=channel["Id"], **fields)
    with pytest.raises(client.exceptions.NotFoundException):
        client.describe_origin_endpoint(Id=endpoint_id)


@pytest.mark.compatibility("OriginEndpoint.origination", "OriginEndpoint.whitelist")
def test_a_whitelist_and_a_denial_are_kept_until_they_are_taken_back(client: Any, endpoint: dict[str, Any]) -> None:
    closed = client.update_origin_endpoint(Id=endpoint["Id"], Origination="DENY", Whitelist=["192.0.2.0/24"])
    assert (closed["Origination"], closed["Whitelist"]) == ("DENY", ["192.0.2.0/24"])
    opened = client.update_origin_endpoint(Id=endpoint["Id"], Origination="ALLOW", Whitelist=[])
    assert plain(opened) == endpoint


@pytest.mark.compatibility(
    "OriginEndpoint.authorization",
    "OriginEndpoint.authorization.cdnIdentifierSecret",
    "OriginEndpoint.authorization.secretsRoleArn",
)
def test_an_authorization_is_kept_as_it_was_written_until_it_is_emptied(client: Any, endpoint: dict[str, Any]) -> None:
    authorization = {
        "CdnIdentifierSecret": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cdn/news-AbCdEf",
        "SecretsRoleArn": "arn:aws:iam::111122223333:role/secrets",
    }
    closed = client.update_origin_endpoint(Id=endpoint["Id"], Authorization=authorization)
    assert closed["Authorization"] == authorization
    assert client.update_origin_endpoint(Id=endpoint["Id"], Description="d")["Authorization"] == authorization
    opened = client.update_origin_endpoint(
        Id=endpoint["Id"],
        Description=endpoint["Description"],
        Authorization={"CdnIdentifierSecret": "", "SecretsRoleArn": ""},
    )
    assert plain(opened) == endpoint


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.playlistType", "OriginEndpoint.startoverWindowSeconds")
def test_a_playlist_type_needs_a_startover_window_for_as_long_as_it_stands(
    client: Any, endpoint: dict[str, Any]
) -> None:
    refused = client.exceptions.UnprocessableEntityException
    for playlist_type in ("EVENT", "VOD"):
        changed = client.update_origin_endpoint(Id=endpoint["Id"], HlsPackage={"PlaylistType": playlist_type})
        assert changed["HlsPackage"]["PlaylistType"] == playlist_type
        with pytest.raises(refused, match=f"hlsPackage.playlistType {playlist_type} .* startoverWindowSeconds"):
            client.update_origin_endpoint(Id=endpoint["Id"], StartoverWindowSeconds=0)
    client.update_origin_endpoint(Id=endpoint["Id"], StartoverWindowSeconds=0, HlsPackage={"PlaylistType": "NONE"})
    with pytest.raises(refused, match=r"hlsPackage\.playlistType VOD .* startoverWindowSeconds"):
        client.update_origin_endpoint(Id=endpoint["Id"], HlsPackage={"PlaylistType": "VOD"})


@pytest.mark.compatibility("UpdateOriginEndpoint")
def test_a_refused_update_changes_nothing(client: Any, endpoint: dict[str, Any]) -> None:
    for fields in ({"TimeDelaySeconds": 300}, {"Description": "e", "DashPackage": {}}, {"ManifestName": ""}):
        with pytest.raises(client.exceptions.UnprocessableEntityException):
            client.update_origin_endpoint(Id=endpoint["Id"], **fields)
    assert plain(client.describe_origin_endpoint(Id=endpoint["Id"])) == endpoint


@pytest.mark.compatibility("OriginEndpoint.channelId")
def test_an_origin_endpoint_needs_a_channel(client: Any, new_id: NewId) -> None:
    with pytest.raises(client.exceptions.NotFoundException, match="channel"):
        client.create_origin_endpoint(Id=new_id(), ChannelId=new_id(), HlsPackage={})


@pytest.mark.compatibility("DeleteOriginEndpoint", "OriginEndpoint.id")
def test_an_origin_endpoint_id_can_be_used_once_and_again_after_deletion(
    client: Any, channel: dict[str, Any], endpoint: dict[str, Any]
) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="exists"):
        client.create_origin_endpoint(Id=endpoint["Id"], ChannelId=channel["Id"], HlsPackage={})
    answer = client.delete_origin_endpoint(Id=endpoint["Id"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    with pytest.raises(client.exceptions.NotFoundException):
        client.describe_origin_endpoint(Id=endpoint["Id"])
    again = client.create_origin_endpoint(Id=endpoint["Id"], ChannelId=channel["Id"], HlsPackage={})
    assert again["Arn"] != endpoint["Arn"]
    assert again["Url"].rpartition("/")[2] == "index.m3u8"


# --- tags -------------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "ListTagsForResource",
    "ListTagsForResource.resource-arn",
    "ListTagsForResource.tags",
    "TagResource",
    "TagResource.resource-arn",
    "TagResource.tags",
    "UntagResource",
    "UntagResource.resource-arn",
    "UntagResource.tagKeys",
    "Channel.tags",
    "OriginEndpoint.tags",
)
def test_tags_are_listed_added_and_removed(client: Any, channel: dict[str, Any], endpoint: dict[str, Any]) -> None:
    for arn in (channel["Arn"], endpoint["Arn"]):
        assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "news"}
        added = client.tag_resource(ResourceArn=arn, Tags={"team": "sport", "a b/c": "ü"})
        assert added["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "sport", "a b/c": "ü"}
        removed = client.untag_resource(ResourceArn=arn, TagKeys=["a b/c", "never there"])
        assert removed["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "sport"}
    assert client.describe_channel(Id=channel["Id"])["Tags"] == {"team": "sport"}
    assert client.describe_origin_endpoint(Id=endpoint["Id"])["Tags"] == {"team": "sport"}


@pytest.mark.compatibility("ListTagsForResource", "ListTagsForResource.resource-arn")
def test_tags_of_an_arn_that_names_nothing_are_not_found(client: Any, channel: dict[str, Any]) -> None:
    for arn in (
        "nonsense",
        channel["Arn"].replace("us-east-1", "eu-west-1"),
        channel["Arn"][:-1],
        channel["Arn"] + "/x",
    ):
        with pytest.raises(client.exceptions.NotFoundException):
            client.list_tags_for_resource(ResourceArn=arn)


@pytest.mark.compatibility("TagResource", "TagResource.tags", "Channel.tags")
def test_a_resource_has_at_most_fifty_tags(client: Any, channel: dict[str, Any]) -> None:
    client.tag_resource(ResourceArn=channel["Arn"], Tags={f"k{number}": "" for number in range(49)})
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="tags"):
        client.tag_resource(ResourceArn=channel["Arn"], Tags={"one": "more"})


# --- credentials ------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility("RotateIngestEndpointCredentials", "RotateIngestEndpointCredentials.ingest_endpoint_id")
def test_credentials_of_one_ingest_endpoint_are_rotated(client: Any, channel: dict[str, Any]) -> None:
    first, second = channel["HlsIngest"]["IngestEndpoints"]
    rotated = plain(client.rotate_ingest_endpoint_credentials(Id=channel["Id"], IngestEndpointId=second["Id"]))
    kept, changed = rotated["HlsIngest"]["IngestEndpoints"]
    assert kept == first
    assert (changed["Id"], changed["Url"]) == (second["Id"], second["Url"])
    assert changed["Username"] != second["Username"]
    assert changed["Password"] != second["Password"]
    assert plain(client.describe_channel(Id=channel["Id"])) == rotated


@pytest.mark.compatibility("RotateChannelCredentials")
def test_the_deprecated_rotation_is_of_the_first_ingest_endpoint(client: Any, channel: dict[str, Any]) -> None:
    first, second = channel["HlsIngest"]["IngestEndpoints"]
    changed, kept = client.rotate_channel_credentials(Id=channel["Id"])["HlsIngest"]["IngestEndpoints"]
    assert kept == second
    assert changed["Password"] != first["Password"]


@pytest.mark.compatibility("RotateChannelCredentials", "RotateIngestEndpointCredentials.ingest_endpoint_id")
def test_what_is_not_there_cannot_be_rotated(client: Any, channel: dict[str, Any], new_id: NewId) -> None:
    with pytest.raises(client.exceptions.NotFoundException, match="no channel"):
        client.rotate_channel_credentials(Id=new_id())
    with pytest.raises(client.exceptions.NotFoundException, match="no ingest endpoint"):
        client.rotate_ingest_endpoint_credentials(Id=channel["Id"], IngestEndpointId="0" * 32)


# --- access logs ------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "ConfigureLogs",
    "Channel.ingressAccessLogs",
    "Channel.ingressAccessLogs.logGroupName",
    "Channel.egressAccessLogs",
    "Channel.egressAccessLogs.logGroupName",
)
def test_access_logs_are_configured_half_by_half(client: Any, channel: dict[str, Any]) -> None:
    channel_id = channel["Id"]
    assert "IngressAccessLogs" not in channel
    both = plain(client.configure_logs(Id=channel_id, IngressAccessLogs={}, EgressAccessLogs={"LogGroupName": ""}))
    assert both["IngressAccessLogs"] == {"LogGroupName": "/aws/MediaPackage/IngressAccessLogs"}
    assert both["EgressAccessLogs"] == {"LogGroupName": "/aws/MediaPackage/EgressAccessLogs"}
    assert plain(client.update_channel(Id=channel_id, Description="other")) == {**both, "Description": "other"}
    own = plain(client.configure_logs(Id=channel_id, EgressAccessLogs={"LogGroupName": "/aws/MediaPackage/mine"}))
    assert own["EgressAccessLogs"] == {"LogGroupName": "/aws/MediaPackage/mine"}
    assert "IngressAccessLogs" not in own, "the half that is left out is switched off"
    assert plain(client.describe_channel(Id=channel_id)) == own
    assert plain(client.configure_logs(Id=channel_id)) == {**channel, "Description": "other"}


@pytest.mark.compatibility("ConfigureLogs")
def test_logs_of_a_channel_that_is_not_there_cannot_be_configured(client: Any, new_id: NewId) -> None:
    with pytest.raises(client.exceptions.NotFoundException):
        client.configure_logs(Id=new_id(), EgressAccessLogs={})


def test_a_log_group_has_a_name_that_cloudwatch_could_have(client: Any, channel: dict[str, Any]) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="logGroupName"):
        client.configure_logs(Id=channel["Id"], EgressAccessLogs={"LogGroupName": "a b"})


def test_every_operation_of_the_model_is_routed(controller: Controller, client: Any) -> None:
    model = client.meta.service_model
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].format(**{"id": "x", "ingest_endpoint_id": "x", "resource-arn": "x"})
        _, answer = controller.json(http["method"], path, {})
        assert "no operation of this API" not in str(answer), name
