"""Ingress access logs of a real process: what encoders sent, what they were answered, and no credentials."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.deadline import eventually
from support.encoded_media import AAC, H264, encode
from understudy_domain.channel import AccessLogs, Channel
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.settings import CommonSettings

from .conftest import IngestProcess, StartIngest, new_channel

SECONDS = 5.0


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encode(tmp_path_factory.mktemp("muxed"), f"{H264} {AAC}")[0].read_bytes()


@pytest.fixture
def settings(shared_settings: CommonSettings) -> CommonSettings:
    return shared_settings


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _url(ingest: IngestProcess, channel: Channel, name: str) -> str:
    return f"{ingest.url}/in/v2/{channel.guid}/{channel.ingest_endpoints[1].id}/{name}"


async def _push(ingest: IngestProcess, channel: Channel, segment: bytes) -> list[httpx.Response]:
    endpoint = channel.ingest_endpoints[1]
    auth = httpx.DigestAuth(endpoint.username, endpoint.password)
    async with httpx.AsyncClient(auth=auth, headers={"User-Agent": "encoder/1"}) as client:
        taken = await client.put(_url(ingest, channel, "a%20b.ts?token=secret"), content=segment)
        refused = await client.put(_url(ingest, channel, "x.m3u8"), content=b"<html>")
    async with httpx.AsyncClient() as client:
        nobody = await client.put(_url(ingest, channel, "1.ts"), content=segment)
    return [taken.history[0], taken, refused, nobody]


@pytest.mark.compatibility("Channel.ingressAccessLogs")
async def test_what_is_asked_of_a_channel_that_has_ingress_logs_is_in_the_file(
    start_ingest: StartIngest, config: ConfigStore, segment: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "ingest-access.log"
    ingest = start_ingest(UNDERSTUDY_ACCESS_LOG=str(path))
    silent = new_channel()
    logged = replace(new_channel(), ingress_access_logs=AccessLogs("any"), egress_access_logs=None)
    for channel in (silent, replace(new_channel(), egress_access_logs=AccessLogs("any")), logged):
        await config.create(channel)
        answers = await _push(ingest, channel, segment)

    assert [answer.status_code for answer in answers] == [401, 201, 400, 401]
    eventually(lambda: path.exists() and len(_lines(path.read_text())) >= 4, within_seconds=SECONDS, what="four lines")
    lines = _lines(path.read_text())
    assert [line["statusCode"] for line in lines] == ["401", "201", "400", "401"]
    assert [line["sentBytes"] for line in lines] == [len(answer.content) for answer in answers]
    assert [line["receivedBytes"] for line in lines] == [0, len(segment), len(b"<html>"), 0]
    assert [line["requestId"] for line in lines] == [answer.headers["x-amzn-requestid"] for answer in answers]
    for line in lines:
        assert (line["channelId"], line["method"], line["clientIp"]) == (logged.id, "PUT", "127.0.0.1")
        assert line["channelArn"].endswith(f":channels/{logged.guid}")
        assert (line["endpointId"], line["endpointArn"]) == (logged.ingest_endpoints[1].id, "-")
        assert line["domainName"] == "127.0.0.1"
    assert lines[1]["request"] == f"{ingest.url}/in/v2/{logged.guid}/{logged.ingest_endpoints[1].id}/a%20b.ts"
    assert lines[1]["userAgent"] == "encoder/1"
    assert 0 < lines[1]["processingTime"] < 10
    everything = path.read_text() + ingest.log()
    for secret in ("token", "Digest ", "response=", logged.ingest_endpoints[1].password):
        assert secret not in everything
    assert ingest.metric("understudy_access_log_lines_total") == 4
    assert ingest.metric("understudy_access_log_dropped_lines_total") == 0


async def test_without_a_file_the_lines_go_to_standard_output_to_the_last(
    start_ingest: StartIngest, config: ConfigStore, segment: bytes
) -> None:
    ingest = start_ingest()
    channel = replace(new_channel(), ingress_access_logs=AccessLogs("any"))
    await config.create(channel)
    await _push(ingest, channel, segment)
    assert ingest.stop() == 0
    assert [line["statusCode"] for line in _lines(ingest.log())] == ["401", "201", "400", "401"]
