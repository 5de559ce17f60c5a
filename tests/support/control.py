"""Channels and origin endpoints through the control API, with AWS's own client, and the controller's metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from prometheus_client.parser import text_string_to_metric_families

from support import plain_http
from support.encoder import PushTarget
from support.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True)
class CreatedChannel:
    """A channel as the API answered."""

    id: str
    guid: str
    inputs: tuple[PushTarget, PushTarget]


@dataclass(frozen=True, slots=True)
class CreatedEndpoint:
    """An origin endpoint as the API answered."""

    id: str
    guid: str
    url: str
    segment_seconds: int
    time_delay_seconds: int


class Control:
    """The control API of one stack."""

    def __init__(self, stack: Whereabouts) -> None:
        self._stack = stack
        credentials = stack.credentials
        self.client: Any = boto3.client(
            "mediapackage",
            endpoint_url=stack.api_url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            region_name=credentials.region,
            config=Config(connect_timeout=5, read_timeout=15),
        )

    def create_channel(self, channel_id: str) -> CreatedChannel:
        """A new channel with its two input URLs."""
        answer = self.client.create_channel(Id=channel_id, Description="end-to-end test")
        endpoints = answer["HlsIngest"]["IngestEndpoints"]
        assert len(endpoints) == 2
        first, second = (PushTarget(one["Url"], one["Username"], one["Password"]) for one in endpoints)
        return CreatedChannel(channel_id, answer["Arn"].rpartition("/")[2], (first, second))

    def create_endpoint(
        self,
        endpoint_id: str,
        channel: CreatedChannel,
        *,
        segment_seconds: int,
        time_delay_seconds: int = 0,
        window_seconds: int = 60,
    ) -> CreatedEndpoint:
        """A new origin endpoint that offers HLS with TS and a program date time on every segment."""
        answer = self.client.create_origin_endpoint(
            Id=endpoint_id,
            ChannelId=channel.id,
            TimeDelaySeconds=time_delay_seconds,
            HlsPackage={
                "SegmentDurationSeconds": segment_seconds,
                "PlaylistWindowSeconds": window_seconds,
                "ProgramDateTimeIntervalSeconds": 1,
            },
        )
        guid = answer["Arn"].rpartition("/")[2]
        return CreatedEndpoint(endpoint_id, guid, answer["Url"], segment_seconds, time_delay_seconds)

    def active_input(self, endpoint: CreatedEndpoint) -> int | None:
        """The input an endpoint follows, by ``understudy_active_input``; None before its first slot."""
        active = [labels["input"] for labels, value in self._samples("understudy_active_input", endpoint) if value == 1]
        assert len(active) <= 1, f"{endpoint.id} follows inputs {active} at once"
        return int(active[0]) if active else None

    def decisions(self, endpoint: CreatedEndpoint) -> dict[str, int]:
        """How many slots were decided for each reason, by ``understudy_decisions_total``."""
        samples = self._samples("understudy_decisions_total", endpoint)
        return {labels["reason"]: int(value) for labels, value in samples}

    def events(self, channel: CreatedChannel) -> list[dict[str, Any]]:
        """What was told of a channel, in order of time."""
        answer = plain_http.get(
            f"{self._stack.service_url('controller')}/understudy/v1/events",
            params={"channel": channel.id, "limit": 1000},
            timeout=10,
        )
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["events"]
        return found

    def _samples(self, name: str, endpoint: CreatedEndpoint) -> list[tuple[dict[str, str], float]]:
        answer = plain_http.get(f"{self._stack.service_url('controller')}/metrics", timeout=10)
        answer.raise_for_status()
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == name and sample.labels["origin_endpoint"] == endpoint.id
        ]
