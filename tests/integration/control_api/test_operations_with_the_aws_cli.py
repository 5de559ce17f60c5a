"""The AWS command line client, as its users call it, unchanged but for ``--endpoint-url``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.aws_cli import AwsCli, Refused
from support.botocore_shapes import service_model
from support.control_process import Controller

pytestmark = pytest.mark.takes(seconds=20)


@pytest.fixture
def aws(controller: Controller, tmp_path: Path) -> AwsCli:
    return AwsCli(controller.url, tmp_path)


def both(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """The ingest endpoints of two answers, side by side."""
    yield from zip(one["HlsIngest"]["IngestEndpoints"], other["HlsIngest"]["IngestEndpoints"], strict=True)


def test_every_operation_is_there_for_the_command_line(aws: AwsCli) -> None:
    channel = aws("create-channel", "--id", "cli", "--description", "from the CLI", "--tags", "team=news")
    assert len(channel["HlsIngest"]["IngestEndpoints"]) == 2
    assert aws("describe-channel", "--id", "cli") == channel
    assert aws("update-channel", "--id", "cli", "--description", "other")["Description"] == "other"

    package = "SegmentDurationSeconds=2,PlaylistWindowSeconds=30,ProgramDateTimeIntervalSeconds=1,AdMarkers=NONE"
    endpoint = aws(
        *("create-origin-endpoint", "--id", "cli-hls", "--channel-id", "cli", "--manifest-name", "main"),
        *("--hls-package", package, "--startover-window-seconds", "300", "--time-delay-seconds", "10"),
    )
    assert endpoint["Url"].endswith("/main.m3u8")
    assert aws("describe-origin-endpoint", "--id", "cli-hls") == endpoint
    updated = aws("update-origin-endpoint", "--id", "cli-hls", "--time-delay-seconds", "0")
    assert updated == {**endpoint, "TimeDelaySeconds": 0}
    assert aws("list-origin-endpoints", "--channel-id", "cli") == {"OriginEndpoints": [updated]}

    with pytest.raises(Refused, match=r"UnprocessableEntityException.*cli-hls"):
        aws("delete-channel", "--id", "cli")
    with pytest.raises(Refused, match=r"UnprocessableEntityException.*dashPackage cannot be honoured yet"):
        aws("create-origin-endpoint", "--id", "d", "--channel-id", "cli", "--dash-package", "SegmentDurationSeconds=2")

    assert aws("tag-resource", "--resource-arn", channel["Arn"], "--tags", "tier=1") is None
    assert aws("list-tags-for-resource", "--resource-arn", channel["Arn"]) == {"Tags": {"team": "news", "tier": "1"}}
    assert aws("untag-resource", "--resource-arn", channel["Arn"], "--tag-keys", "tier", "team") is None

    logs = aws("configure-logs", "--id", "cli", "--ingress-access-logs", "{}")
    assert set(logs) & {"IngressAccessLogs", "EgressAccessLogs"} == {"IngressAccessLogs"}
    second = channel["HlsIngest"]["IngestEndpoints"][1]
    rotated = aws("rotate-ingest-endpoint-credentials", "--id", "cli", "--ingest-endpoint-id", second["Id"])
    assert [one["Password"] == was["Password"] for one, was in both(rotated, channel)] == [True, False]
    again = aws("rotate-channel-credentials", "--id", "cli")
    assert [one["Password"] == was["Password"] for one, was in both(again, rotated)] == [False, True]

    aws("update-origin-endpoint", "--id", "cli-hls", "--startover-window-seconds", "300")
    now = int(time.time())
    job = aws(
        *("create-harvest-job", "--id", "cli-job", "--origin-endpoint-id", "cli-hls"),
        *("--start-time", str(now - 120), "--end-time", str(now - 60)),
        *("--s3-destination", "BucketName=vod,ManifestKey=cli/index.m3u8,RoleArn=any"),
    )
    assert (job["Status"], job["ChannelId"]) == ("IN_PROGRESS", "cli")
    assert aws("describe-harvest-job", "--id", "cli-job") == job
    assert aws("list-harvest-jobs", "--include-channel-id", "cli") == {"HarvestJobs": [job]}

    assert aws("delete-origin-endpoint", "--id", "cli-hls") is None
    assert aws("delete-channel", "--id", "cli") is None
    with pytest.raises(Refused, match="NotFoundException"):
        aws("describe-channel", "--id", "cli")
    called = {name.replace("-", "") for name in (*aws.operations, "list-channels")}
    assert called == {name.lower() for name in service_model().operation_names}


def test_a_list_is_paged_by_the_client(aws: AwsCli, controller: Controller) -> None:
    for number in range(3):
        controller.json("POST", "/channels", {"id": f"cli-{number}"})
    listed = aws("list-channels", "--page-size", "1", "--query", "Channels[?starts_with(Id, `cli-`)].Id")
    assert listed == ["cli-0", "cli-1", "cli-2"]
