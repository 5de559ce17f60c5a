"""Streams and buckets in a real cluster of three: as many copies as asked for, also of those that are there already."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from support.deadline import eventually_beside
from support.nats_cluster import NatsCluster, running_nats_cluster
from support.nats_server import NatsServer
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import stream_configs

T = TypeVar("T")

STREAMS = sorted(config["name"] for config in stream_configs(replicas=1))
SECONDS = 20.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with running_nats_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


async def with_replicas(cluster: NatsCluster, replicas: int) -> Bus:
    """What a service does that starts with this setting."""
    bus = await connect(CommonSettings(nats_url=cluster.url, nats_replicas=replicas), name="test")
    await bus.ensure_streams()
    return bus


async def answered(ask: Callable[[], Awaitable[T]]) -> T:
    """What a service gets that asks again: a stream may be without a leader while its copies are being made."""
    async with asyncio.timeout(SECONDS):
        while True:
            with contextlib.suppress(BusUnavailable):
                return await ask()
            await asyncio.sleep(0.1)


async def replicas_of(bus: Bus, stream: str) -> int:
    info = await answered(lambda: bus.api_request(f"STREAM.INFO.{stream}", repeatable=True))
    return int(info["config"]["num_replicas"])


async def test_another_number_of_replicas_changes_what_is_there_and_loses_nothing(cluster: NatsCluster) -> None:
    bus = await with_replicas(cluster, 1)
    sequence = await bus.publish("events.kind.channel.about", b"before")
    await bus.close()
    for replicas in (3, 1, 3):
        bus = await with_replicas(cluster, replicas)
        found = {stream: await replicas_of(bus, stream) for stream in STREAMS}
        assert found == dict.fromkeys(STREAMS, replicas)
        assert (await bus.fetch("EVENTS", "events.>"))[0].sequence == sequence
        assert await answered(partial(bus.publish, "events.kind.channel.about", b"after")) > sequence
        await bus.close()
    await eventually_beside(
        lambda: all(cluster.is_whole(stream) for stream in STREAMS), within_seconds=SECONDS, what="three copies of each"
    )


async def test_more_replicas_than_there_are_servers_are_told_as_that(nats_server: NatsServer) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url, nats_replicas=3), name="test")
    ensuring = asyncio.create_task(bus.ensure_streams())
    try:
        await eventually_beside(lambda: bus.trouble, within_seconds=SECONDS, what="why it waits")
        assert bus.trouble == (
            "NATS: stream ARRIVALS is not ready: $JS.API.STREAM.CREATE.ARRIVALS: "
            "replicas > 1 not supported in non-clustered mode; look at UNDERSTUDY_NATS_REPLICAS"
        )
    finally:
        ensuring.cancel()
        await bus.close()
