"""The demo's channel and origin endpoints, made through the control API like anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from understudy_local.data_directory import Credentials
from understudy_local.demo.encoder import IngestEndpoint
from understudy_local.errors import DemoFailed

CHANNEL_ID: Final = "demo"

_ORIGIN_ENDPOINTS: Final[dict[str, dict[str, Any]]] = {
    "demo-short": {
        "Description": "Segments as the encoders cut them, no delay",
        "HlsPackage": {"SegmentDurationSeconds": 2, "PlaylistWindowSeconds": 60, "ProgramDateTimeIntervalSeconds": 2},
    },
    "demo-delayed": {
        "Description": "Three of the encoders' segments in one, ten seconds later: time to mend what is late",
        "TimeDelaySeconds": 10,
        "HlsPackage": {"SegmentDurationSeconds": 6, "PlaylistWindowSeconds": 60, "ProgramDateTimeIntervalSeconds": 6},
    },
}


# A thread cannot be called off: this is how long a Ctrl-C may have to wait for it.
ATTEMPTS_MAX: Final = 2
CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class DemoChannel:
    """What the encoders and a player need to know."""

    ingest_endpoints: tuple[IngestEndpoint, IngestEndpoint]
    playback_urls: dict[str, str]
    """By the origin endpoint's id."""


def ensure(api_url: str, credentials: Credentials) -> DemoChannel:
    """Create the demo's resources, or find those of an earlier run.

    Raises:
        DemoFailed: the control API refused.
    """
    client = boto3.client(
        "mediapackage",
        endpoint_url=api_url,
        region_name=credentials.region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS_MAX, "mode": "standard"},
        ),
    )
    try:
        channel = _existing(client.describe_channel, CHANNEL_ID) or client.create_channel(
            Id=CHANNEL_ID, Description="Two encoders on this machine"
        )
        playback_urls = {}
        for origin_endpoint_id, wanted in _ORIGIN_ENDPOINTS.items():
            origin_endpoint = _existing(
                client.describe_origin_endpoint, origin_endpoint_id
            ) or client.create_origin_endpoint(Id=origin_endpoint_id, ChannelId=CHANNEL_ID, **wanted)
            playback_urls[origin_endpoint_id] = origin_endpoint["Url"]
    except (BotoCoreError, ClientError) as err:
        raise DemoFailed(f"the demo channel could not be made: {err}") from err
    first, second = channel["HlsIngest"]["IngestEndpoints"]
    return DemoChannel((_ingest_endpoint(first), _ingest_endpoint(second)), playback_urls)


def _existing(describe: Any, resource_id: str) -> Any:
    try:
        return describe(Id=resource_id)
    except ClientError as err:
        if err.response["Error"]["Code"] == "NotFoundException":
            return None
        raise


def _ingest_endpoint(answered: Any) -> IngestEndpoint:
    return IngestEndpoint(url=answered["Url"], username=answered["Username"], password=answered["Password"])
