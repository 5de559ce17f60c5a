"""The AWS command line client, as its users call it, unchanged but for ``--endpoint-url``."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.aws_cli import AwsCli, Refused
from support.control_process import Controller


@pytest.fixture
def aws(controller: Controller, tmp_path: Path) -> AwsCli:
    return AwsCli(controller.url, tmp_path)


def test_a_users_day(aws: AwsCli) -> None:
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

    assert aws("delete-origin-endpoint", "--id", "cli-hls") is None
    assert aws("delete-channel", "--id", "cli") is None
    with pytest.raises(Refused, match="NotFoundException"):
        aws("describe-channel", "--id", "cli")


def test_a_list_is_paged_by_the_client(aws: AwsCli, controller: Controller) -> None:
    for number in range(3):
        controller.json("POST", "/channels", {"id": f"cli-{number}"})
    listed = aws("list-channels", "--page-size", "1", "--query", "Channels[?starts_with(Id, `cli-`)].Id")
    assert listed == ["cli-0", "cli-1", "cli-2"]
