"""Egress access logs of real processes: written for channels that ask for them, however a request was answered."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.deadline import eventually
from support.egress_process import EgressProcess
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain.channel import AccessLogs, Channel, IngestEndpoint
from understudy_runtime.settings import CommonSettings

ACCOUNT = "111122223333"
SECONDS = 5.0


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "egress-access.log"


@pytest.fixture
def logging_egress(shared_settings: CommonSettings, log_file: Path, tmp_path: Path) -> Iterator[EgressProcess]:
    extra = {"access_log": str(log_file), "account_id": ACCOUNT, "region": "eu-west-1"}
    with EgressProcess(tmp_path, shared_settings, **extra, trusted_proxies="127.0.0.0/8") as process:
        yield process


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _wait_for(path: Path, count: int) -> list[dict[str, Any]]:
    eventually(lambda: len(_lines(path)) >= count, within_seconds=SECONDS, what=f"{path} has {count} lines")
    return _lines(path)


def _new_channel() -> Channel:
    guid = secrets.token_hex(16)
    inputs = (IngestEndpoint(guid, "u", "p"), IngestEndpoint(secrets.token_hex(16), "u", "p"))
    return Channel(f"news-{guid[:8]}", guid, inputs, 0)


@pytest.mark.compatibility("Channel.egressAccessLogs")
async def test_every_answer_of_a_channel_that_has_egress_logs_is_a_line(
    logging_egress: EgressProcess, publisher: ProgramPublisher, shown: Shown, log_file: Path
) -> None:
    channel = _new_channel()
    revision = await publisher.config.create(channel)
    endpoint = replace(shown.endpoint, channel_id=channel.id, channel_guid=channel.guid)
    await publisher.configure(endpoint)
    for _ in range(3):
        await publisher.publish(endpoint)
    sizes: list[int] = []
    agent, proxied = "User-Agent: player/1.0", "X-Forwarded-For: 203.0.113.9"

    def ask() -> None:
        with logging_egress.connect() as kept:
            for path in (shown.media, shown.multivariant, shown.segment(1)):
                for url in (path, f"{path}?token=secret"):
                    answer = kept.request(url, agent, proxied)
                    assert answer.status == 200
                    sizes.append(len(answer.body))
            part = kept.request(shown.segment(1), agent, proxied, "Range: bytes=0-99")
            assert part.status == 206
            unknown = kept.request(f"/out/v1/{endpoint.guid}/other.m3u8", agent, proxied)
            assert unknown.status == 404
            sizes.extend((100, len(unknown.body)))

    ask()
    assert _lines(log_file) == [], "nobody has asked for logs"

    present = await publisher.config.update(replace(channel, egress_access_logs=AccessLogs("any")), revision)
    sizes.clear()
    eventually(
        lambda: logging_egress.get(shown.media, agent, proxied).status == 200 and _lines(log_file),
        within_seconds=SECONDS,
        what="logs have begun",
    )
    before = len(_wait_for(log_file, 1))
    ask()
    lines = _wait_for(log_file, before + 8)[-8:]

    base = f"http://egress/out/v1/{endpoint.guid}"
    assert [line["request"] for line in lines] == [
        *[f"http://egress{path}" for path in (shown.media, shown.multivariant, shown.segment(1)) for _ in range(2)],
        f"http://egress{shown.segment(1)}",
        f"{base}/other.m3u8",
    ]
    assert [line["statusCode"] for line in lines] == ["200"] * 6 + ["206", "404"]
    assert [line["sentBytes"] for line in lines] == sizes
    arn = f"arn:aws:mediapackage:eu-west-1:{ACCOUNT}"
    for line in lines:
        assert (line["channelId"], line["channelArn"]) == (channel.id, f"{arn}:channels/{channel.guid}")
        assert (line["endpointId"], line["endpointArn"]) == (endpoint.id, f"{arn}:origin_endpoints/{endpoint.guid}")
        assert (line["clientIp"], line["userAgent"]) == ("203.0.113.9", "player/1.0")
    assert len({line["requestId"] for line in _lines(log_file)}) == len(_lines(log_file))
    assert "secret" not in json.dumps(_lines(log_file))

    await publisher.config.update(channel, present)
    await publisher.configure(replace(endpoint, origination="DENY"))
    eventually(lambda: logging_egress.get(shown.media).status == 403, within_seconds=SECONDS, what="both are noticed")
    assert logging_egress.metric("understudy_access_log_lines_total") == len(_lines(log_file))
    assert logging_egress.stop() == 0
    assert "403" not in [line["statusCode"] for line in _lines(log_file)]


async def test_what_was_asked_last_is_in_the_log_when_the_process_has_ended(
    logging_egress: EgressProcess, publisher: ProgramPublisher, shown: Shown, log_file: Path
) -> None:
    channel = replace(_new_channel(), egress_access_logs=AccessLogs("any"))
    await publisher.config.create(channel)
    endpoint = replace(shown.endpoint, channel_id=channel.id, channel_guid=channel.guid, origination="DENY")
    await publisher.configure(endpoint)
    await publisher.publish(endpoint)
    assert logging_egress.get(shown.media).status == 403
    assert logging_egress.stop() == 0
    (line,) = _lines(log_file)
    assert (line["statusCode"], line["request"]) == ("403", f"http://egress{shown.media}")
