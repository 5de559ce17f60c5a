"""`understudy picture` on a real NATS server: what is read from the two logs is what is drawn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from support.program_entries import CHANNEL_GUID, make_endpoint, make_entry, make_piece, make_video
from support.synthetic import SyntheticEncoder
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_domain.entry import AsOf
from understudy_domain.facts import SegmentArrived
from understudy_domain.reason import Reason
from understudy_local.cli import app
from understudy_local.data_directory import DataDirectory, write_json
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.settings import CommonSettings

SEGMENTS = 3
ENDPOINT = make_endpoint(segment_seconds=2, name="news-hls")


@pytest.fixture
def stack(tmp_path: Path, nats_settings: CommonSettings) -> Iterator[Path]:
    """A data directory that a stack with a little in its logs seems to run on."""
    asyncio.run(_fill(nats_settings))
    directory = DataDirectory(tmp_path / "stack")
    directory.create()
    write_json(directory.stack_file, {"nats_url": nats_settings.nats_url})
    with directory.locked():
        yield directory.path


async def _fill(settings: CommonSettings) -> None:
    bus = await connect(settings, name="test")
    await bus.ensure_streams()
    config = ConfigStore(bus)
    await config.start()
    ingest_endpoints = tuple(IngestEndpoint(str(number) * 32, "user", "password") for number in keys.INPUTS)
    await config.create(Channel("channel", CHANNEL_GUID, ingest_endpoints, created_at=clock.now_ticks()))
    await config.create(ENDPOINT)
    await _publish(bus, shard=keys.shard_of(CHANNEL_GUID, shards=settings.shards))
    await config.stop()
    await bus.close()


async def _publish(bus: Bus, *, shard: int) -> None:
    for input_id in keys.INPUTS:
        for message in SyntheticEncoder(input_id).messages(range(SEGMENTS)):
            if isinstance(message.fact, SegmentArrived):
                subject = keys.arrivals_subject(shard, CHANNEL_GUID, input_id)
                await bus.publish(subject, codec.encode(message.fact))
    for number, reason in enumerate((Reason.START, Reason.KEEP, Reason.FAILOVER)):
        piece = replace(make_piece(number, duration=ticks.from_seconds(2)), input_id=1 + (reason is Reason.FAILOVER))
        entry = make_entry(number, slot_duration=ticks.from_seconds(2), renditions=[make_video(piece)])
        published = replace(
            entry,
            origin_endpoint=ENDPOINT.guid,
            reason=reason,
            active_input=piece.input_id,
            available_at=_instant(number),
            as_of=AsOf(_instant(number), number),
        )
        await bus.publish(keys.program_subject(shard, ENDPOINT.guid), codec.encode(published))


def _instant(number: int) -> int:
    """Slots follow each other up to now."""
    return clock.now_ticks() - ticks.from_seconds(2 * (SEGMENTS - number))


def test_what_the_logs_of_a_running_stack_hold_is_drawn(stack: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.svg"
    arguments = ["picture", "--data-dir", str(stack), "--channel", "channel", "--last", "30", "--output", str(output)]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"file": str(output), "channel": "channel", "last_seconds": 30}
    texts = [element.text for element in ET.parse(output).iter("{http://www.w3.org/2000/svg}text")]
    assert {"input 1", "input 2", "news-hls", "2 s segments, no delay", "start", "failover to 2"} <= set(texts)


def test_a_channel_that_is_not_there_is_an_error_in_a_sentence(stack: Path, tmp_path: Path) -> None:
    arguments = ["picture", "--data-dir", str(stack), "--channel", "other", "--output", str(tmp_path / "out.svg")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "there is no channel other" in result.output


def test_without_a_running_stack_there_is_nothing_to_draw(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["picture", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "no stack runs" in result.output
