"""Controllers of two releases on one NATS: the older leaves alone what it cannot read, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

from support.broadcast import SHARDS, broadcast, create, metrics, publish_in_real_time, read, shard_of
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import NatsServer
from support.newer_release import PROGRAM
from support.synthetic import EPOCH, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import jetstream
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import kv_stream, kv_subject

LEFT = "understudy_channels_left_to_newer_release"

NOTHING_REMOVED = "retention goes on in the next round: the configuration holds what this release cannot read"
MALFORMED = "understudy_malformed_records_total"


class NewerController(Controller):
    """Of a release that writes one version more of all that a controller writes about a programme."""

    program = (*PROGRAM, "understudy_controller", "program.entry", "snapshot.channel", "active_input", "lease")


class ControllerOfNewerFacts(Controller):
    """Of a release of which ingest writes one version more."""

    program = (*PROGRAM, "understudy_controller", "arrival.segment", "arrival.playlist", "arrival.multivariant")


class ControllerOfNewerConfiguration(Controller):
    """Of a release that writes one version more of origin endpoints."""

    program = (*PROGRAM, "understudy_controller", "config.origin_endpoint")


@contextmanager
def started(
    kind: type[Controller], tmp_path: Path, nats_server: NatsServer, name: str, **settings: str
) -> Iterator[Controller]:
    with closing(kind(tmp_path, nats_url=nats_server.url, name=name, **settings)) as controller:
        controller.start()
        controller.wait_until_answering()
        yield controller


@asynccontextmanager
async def connected(settings: CommonSettings) -> AsyncIterator[Bus]:
    bus = await jetstream.connect(settings, name="test")
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def on_air(settings: CommonSettings, channel: str) -> AsyncIterator[None]:
    """Input 1 of a channel delivers, for as long as this lasts."""
    t0 = time.time() + 0.2
    encoder = SyntheticEncoder(1, segment_seconds=0.5, date_offset_seconds=t0 - EPOCH / TICKS_PER_SECOND)
    publishing = asyncio.create_task(publish_in_real_time(settings, channel, encoder.messages(range(600)), t0))
    try:
        yield
    finally:
        publishing.cancel()
        with suppress(asyncio.CancelledError):
            await publishing


async def eventually(look: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not await asyncio.to_thread(look):
        assert time.monotonic() < give_up_at, what
        await asyncio.sleep(0.1)


def metric(controller: Controller, name: str) -> float:
    return next(float(line.split()[-1]) for line in metrics(controller).splitlines() if line.startswith(name + " "))


async def log_of(settings: CommonSettings, channel: str, endpoint: str) -> list[dict[str, int]]:
    subject = keys.program_subject(shard_of(channel), endpoint)
    return [json.loads(one.payload) for one in await read(settings, keys.PROGRAM_STREAM, subject)]


async def grown(
    settings: CommonSettings, channel: str, endpoint: str, *, version: int, beyond: int = 0
) -> list[dict[str, int]]:
    """The log once it has more than so many entries, and the newest is of a version."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len(log := await log_of(settings, channel, endpoint)) <= beyond or log[-1]["version"] != version:
        assert time.monotonic() < give_up_at, log[-1:]
        await asyncio.sleep(0.1)
    return log


async def test_an_older_controller_decides_nothing_on_top_of_what_a_newer_one_decided_and_a_newer_one_goes_on(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=6)
    with started(Controller, tmp_path, nats_server, "older") as older:
        channel, guids = await asyncio.to_thread(create, older, endpoints={"one": (1, 0)})
        other, others = await asyncio.to_thread(create, older, "other", prefix="other-", endpoints={"one": (1, 0)})
        endpoint = guids["one"]
        async with on_air(settings, channel):
            await grown(settings, channel, endpoint, version=1)
            with started(NewerController, tmp_path, nats_server, "newer") as newer:
                await eventually(lambda: metric(newer, "understudy_controller_shards") == SHARDS / 2, "they share")
                await asyncio.to_thread(older.stop)
                await grown(settings, channel, endpoint, version=2)
            older.start()
            older.wait_until_answering()
            await eventually(lambda: metric(older, LEFT) == 1, "the older one leaves it alone")
            stood = len(await log_of(settings, channel, endpoint))
            async with on_air(settings, other):
                await grown(settings, other, others["other-one"], version=1)
            assert len(await log_of(settings, channel, endpoint)) == stood, "while it decides for others"
            assert "go on with the upgrade" in older.log()
            await asyncio.to_thread(older.stop)
            with started(NewerController, tmp_path, nats_server, "newest"):
                log = await grown(settings, channel, endpoint, version=2, beyond=stood)
    assert [one["media_sequence"] for one in log] == list(range(len(log)))
    assert [one["version"] for one in log] == sorted(one["version"] for one in log)
    assert all(earlier["end"] == later["start"] for earlier, later in pairwise(log))


async def test_what_a_newer_ingest_told_is_there_for_the_first_controller_that_can_read_it(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=6)
    with started(Controller, tmp_path, nats_server, "older") as older:
        channel, guids = await asyncio.to_thread(create, older, endpoints={"one": (1, 0)})
        shard = shard_of(channel)
        async with connected(settings) as bus:
            facts = [one for one in broadcast(time.time() - 20) if one.input_id == 1][:30]
            for message in facts:
                payload = codec.encode(message.fact).replace(b'"version":1', b'"version":2', 1)
                await bus.publish(keys.arrivals_subject(shard, channel, 1), payload)
            await eventually(lambda: metric(older, MALFORMED) == len(facts), "all are counted")
            assert await asyncio.to_thread(older.stop) == 0
            bucket = keys.SNAPSHOTS_BUCKET
            position = kv_subject(bucket, keys.position_snapshot_key(shard))
            assert await bus.fetch(kv_stream(bucket), position) == [], "else who comes would begin behind them"
    with started(ControllerOfNewerFacts, tmp_path, nats_server, "newer"):
        await grown(settings, channel, guids["one"], version=1)


async def test_an_endpoint_whose_configuration_a_newer_release_wrote_is_neither_removed_nor_begun_anew(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=6)
    with started(Controller, tmp_path, nats_server, "older", retention_interval_seconds="0.5") as older:
        channel, guids = await asyncio.to_thread(create, older, endpoints={"one": (1, 0)})
        endpoint = guids["one"]
        async with on_air(settings, channel):
            await grown(settings, channel, endpoint, version=1)
            await asyncio.to_thread(older.stop)
            async with connected(settings) as bus:
                bucket = KeyValue(bus, keys.CONFIG_BUCKET)
                stored = (await bucket.get(keys.origin_endpoint_key("one"))).value or b""
                await bucket.put(keys.origin_endpoint_key("one"), stored.replace(b'"version":1', b'"version":2', 1))
            older.start()
            older.wait_until_answering()
            await eventually(older.is_ready, "it has read the log")
            await eventually(lambda: NOTHING_REMOVED in older.log(), "it removes nothing")
            status, answer = await asyncio.to_thread(older.json, "GET", "/origin_endpoints/one")
            assert (status, "cannot read" in answer["message"]) == (503, True)
            stood = len(await log_of(settings, channel, endpoint))
            await asyncio.to_thread(older.stop)
            with started(ControllerOfNewerConfiguration, tmp_path, nats_server, "newer"):
                log = await grown(settings, channel, endpoint, version=1, beyond=stood)
        told = await read(settings, keys.ARRIVALS_STREAM, keys.command_subject(shard_of(channel), channel))
        assert "command.endpoint_removed" not in {json.loads(one.payload)["type"] for one in told}
    assert [one["media_sequence"] for one in log] == list(range(len(log)))
