"""Harvest jobs as boto3's users make and look at them. No harvester runs here: nothing becomes of the jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from support.control_process import Controller
from support.field_paths import plain
from support.nats_server import NatsServer

NewId = Callable[[], str]

ROLE = "arn:aws:iam::123456789012:role/harvest"


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def destination(**changed: str) -> dict[str, str]:
    return {"BucketName": "vod", "ManifestKey": "shows/one/index.m3u8", "RoleArn": ROLE, **changed}


@pytest.fixture
def channel_id(client: Any, new_id: NewId) -> str:
    return str(client.create_channel(Id=new_id())["Id"])


@pytest.fixture
def endpoint_id(client: Any, channel_id: str, new_id: NewId) -> str:
    return str(
        client.create_origin_endpoint(Id=new_id(), ChannelId=channel_id, StartoverWindowSeconds=600, HlsPackage={})[
            "Id"
        ]
    )


@pytest.fixture
def wanted(endpoint_id: str, new_id: NewId) -> dict[str, Any]:
    """A job that can be."""
    return {
        "Id": new_id(),
        "OriginEndpointId": endpoint_id,
        "StartTime": ago(300),
        "EndTime": ago(60),
        "S3Destination": destination(),
    }


@pytest.mark.compatibility(
    "CreateHarvestJob",
    "DescribeHarvestJob",
    "HarvestJob.arn",
    "HarvestJob.channelId",
    "HarvestJob.createdAt",
    "HarvestJob.endTime",
    "HarvestJob.id",
    "HarvestJob.originEndpointId",
    "HarvestJob.s3Destination",
    "HarvestJob.s3Destination.bucketName",
    "HarvestJob.s3Destination.manifestKey",
    "HarvestJob.startTime",
    "HarvestJob.status",
)
def test_a_job_is_described_as_it_was_made(client: Any, channel_id: str, wanted: dict[str, Any]) -> None:
    made = plain(client.create_harvest_job(**wanted))
    assert {key: made[key] for key in wanted} == wanted
    assert re.fullmatch("arn:aws:mediapackage:us-east-1:000000000000:harvest_jobs/[0-9a-f]{32}", made["Arn"])
    assert (made["ChannelId"], made["Status"]) == (channel_id, "IN_PROGRESS")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["CreatedAt"])
    assert abs(datetime.now(UTC) - datetime.fromisoformat(made["CreatedAt"])) < timedelta(minutes=1)
    assert plain(client.describe_harvest_job(Id=wanted["Id"])) == made


@pytest.mark.compatibility(
    "ListHarvestJobs",
    "ListHarvestJobs.harvestJobs",
    "ListHarvestJobs.includeChannelId",
    "ListHarvestJobs.includeStatus",
)
def test_jobs_are_listed_by_channel_and_by_status(client: Any, channel_id: str, wanted: dict[str, Any]) -> None:
    made = plain(client.create_harvest_job(**wanted))
    assert made in client.list_harvest_jobs()["HarvestJobs"]
    assert client.list_harvest_jobs(IncludeChannelId=channel_id)["HarvestJobs"] == [made]
    assert client.list_harvest_jobs(IncludeChannelId=channel_id, IncludeStatus="IN_PROGRESS")["HarvestJobs"] == [made]
    assert client.list_harvest_jobs(IncludeChannelId=channel_id, IncludeStatus="FAILED")["HarvestJobs"] == []
    assert client.list_harvest_jobs(IncludeChannelId="nobody")["HarvestJobs"] == []
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="includeStatus"):
        client.list_harvest_jobs(IncludeStatus="WAITING")


@pytest.mark.compatibility("ListHarvestJobs.maxResults", "ListHarvestJobs.nextToken")
def test_jobs_are_listed_page_by_page_across_a_restart(nats_server: NatsServer, tmp_path: Path, new_id: NewId) -> None:
    with Controller(tmp_path, nats_url=nats_server.url) as controller:
        client = controller.client()
        client.create_channel(Id="c")
        client.create_origin_endpoint(Id="e", ChannelId="c", StartoverWindowSeconds=600, HlsPackage={})
        for number in range(5):
            client.create_harvest_job(
                Id=f"job-{number}",
                OriginEndpointId="e",
                StartTime=ago(300),
                EndTime=ago(60),
                S3Destination=destination(),
            )
        first = client.list_harvest_jobs(MaxResults=2)
        assert [one["Id"] for one in first["HarvestJobs"]] == ["job-0", "job-1"]
        controller.stop()
        controller.start()
        controller.wait_until_answering()
        pages = client.get_paginator("list_harvest_jobs").paginate(
            PaginationConfig={"PageSize": 2, "StartingToken": first["NextToken"]}
        )
        assert [one["Id"] for page in pages for one in page["HarvestJobs"]] == ["job-2", "job-3", "job-4"]


@pytest.mark.compatibility("HarvestJob.id", "CreateHarvestJob")
def test_an_id_can_be_used_once(client: Any, wanted: dict[str, Any]) -> None:
    made = plain(client.create_harvest_job(**wanted))
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="exists"):
        client.create_harvest_job(**{**wanted, "S3Destination": destination(BucketName="other")})
    assert plain(client.describe_harvest_job(Id=wanted["Id"])) == made


@pytest.mark.compatibility(
    "CreateHarvestJob",
    "HarvestJob.id",
    "HarvestJob.startTime",
    "HarvestJob.endTime",
    "HarvestJob.s3Destination",
    "HarvestJob.s3Destination.bucketName",
    "HarvestJob.s3Destination.manifestKey",
    "HarvestJob.s3Destination.roleArn",
)
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"StartTime": "yesterday"}, "startTime"),
        ({"EndTime": "2026-13-01T00:00:00Z"}, "endTime"),
        ({"EndTime": ago(400)}, "endTime"),
        ({"StartTime": ago(3600), "EndTime": ago(3500)}, "startTime: the startover window"),
        ({"StartTime": ago(300), "EndTime": ago(300 - 86_401)}, "endTime"),
        ({"StartTime": ago(-3_600), "EndTime": ago(-7_200)}, "startTime"),
        ({"S3Destination": destination(ManifestKey="shows/index.mpd")}, "s3Destination.manifestKey"),
        ({"S3Destination": destination(ManifestKey="/index.m3u8")}, "s3Destination.manifestKey"),
        ({"S3Destination": destination(ManifestKey="a/../index.m3u8")}, "s3Destination.manifestKey"),
        ({"S3Destination": destination(ManifestKey=".m3u8")}, "s3Destination.manifestKey"),
        ({"S3Destination": destination(ManifestKey=f"{'x' * 1000}/index.m3u8")}, "s3Destination.manifestKey"),
        (
            {"S3Destination": destination(BucketName="media", ManifestKey="media/index.m3u8")},
            "s3Destination.manifestKey",
        ),
        ({"S3Destination": destination(BucketName="not/a/bucket")}, "s3Destination.bucketName"),
        ({"S3Destination": destination(RoleArn="")}, "s3Destination.roleArn"),
        ({"Id": "a b"}, "id"),
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_its_field(
    client: Any, wanted: dict[str, Any], changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(client.exceptions.UnprocessableEntityException, match=field):
        client.create_harvest_job(**{**wanted, **changed})
    with pytest.raises(client.exceptions.NotFoundException):
        client.describe_harvest_job(Id=wanted["Id"])


@pytest.mark.compatibility("HarvestJob.originEndpointId")
def test_an_endpoint_without_a_startover_window_has_nothing_to_harvest(
    client: Any, endpoint_id: str, wanted: dict[str, Any]
) -> None:
    client.update_origin_endpoint(Id=endpoint_id, StartoverWindowSeconds=0)
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="startoverWindowSeconds"):
        client.create_harvest_job(**wanted)


@pytest.mark.compatibility("HarvestJob.originEndpointId")
def test_an_endpoint_that_is_not_there_is_not_found(client: Any, wanted: dict[str, Any]) -> None:
    with pytest.raises(client.exceptions.NotFoundException, match="originEndpointId"):
        client.create_harvest_job(**{**wanted, "OriginEndpointId": "nobody"})


@pytest.mark.parametrize("job_id", ["unknown", "a/b", "%2F", "ä", "x" * 2_000])
def test_a_job_that_is_not_there_is_not_found_whatever_its_name(client: Any, job_id: str) -> None:
    with pytest.raises(client.exceptions.NotFoundException):
        client.describe_harvest_job(Id=job_id)


@pytest.mark.compatibility("HarvestJob.startTime", "HarvestJob.endTime")
def test_a_job_spans_up_to_a_day(client: Any, endpoint_id: str, wanted: dict[str, Any], new_id: NewId) -> None:
    client.update_origin_endpoint(Id=endpoint_id, StartoverWindowSeconds=100_000)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=25)
    times = [(begin + timedelta(seconds=seconds)).isoformat() for seconds in (0, 86_400, 86_401)]
    client.create_harvest_job(**{**wanted, "StartTime": times[0], "EndTime": times[1]})
    for start, end in ((times[0], times[2]), (times[1], times[1])):
        with pytest.raises(client.exceptions.UnprocessableEntityException, match=": endTime: "):
            client.create_harvest_job(**{**wanted, "Id": new_id(), "StartTime": start, "EndTime": end})


@pytest.mark.compatibility("HarvestJob.endTime", "CreateHarvestJob")
def test_an_end_in_the_future_is_taken_and_waited_for(client: Any, wanted: dict[str, Any]) -> None:
    made = client.create_harvest_job(**{**wanted, "EndTime": ago(-3_600)})
    assert made["Status"] == "IN_PROGRESS"


@pytest.mark.compatibility("HarvestJob.startTime", "HarvestJob.endTime")
def test_instants_may_be_posix_seconds_or_of_any_zone(client: Any, wanted: dict[str, Any], new_id: NewId) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=200)
    utc = begin.isoformat().replace("+00:00", "")
    made = client.create_harvest_job(
        **{**wanted, "StartTime": str(int(begin.timestamp())), "EndTime": (begin + timedelta(minutes=1)).isoformat()}
    )
    assert made["StartTime"] == f"{utc}.000Z"
    eastern = timezone(timedelta(hours=2))
    zoned = client.create_harvest_job(
        **{
            **wanted,
            "Id": new_id(),
            "StartTime": begin.astimezone(eastern).isoformat(),
            "EndTime": made["EndTime"],
        }
    )
    assert (zoned["StartTime"], zoned["EndTime"]) == (made["StartTime"], made["EndTime"])
    with pytest.raises(client.exceptions.UnprocessableEntityException, match="endTime: names no time zone"):
        client.create_harvest_job(**{**wanted, "Id": new_id(), "EndTime": made["EndTime"][:-1]})


def test_more_unfinished_jobs_than_are_allowed_are_refused(nats_server: NatsServer, tmp_path: Path) -> None:
    with Controller(tmp_path, nats_url=nats_server.url, harvest_jobs_unfinished_max="1") as controller:
        client = controller.client()
        client.create_channel(Id="c")
        client.create_origin_endpoint(Id="e", ChannelId="c", StartoverWindowSeconds=600, HlsPackage={})
        times = {"StartTime": ago(300), "EndTime": ago(60)}
        client.create_harvest_job(Id="one", OriginEndpointId="e", S3Destination=destination(), **times)
        with pytest.raises(client.exceptions.TooManyRequestsException, match="not done yet"):
            client.create_harvest_job(Id="two", OriginEndpointId="e", S3Destination=destination(), **times)
