"""Reading a running stack's configuration and logs, without touching them: for the commands that explain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import LogsUnreadable, NoSuchResource
from understudy_runtime import jetstream
from understudy_runtime.channel_log import ChannelLog, decoded
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import kv_stream, kv_subject

_PATIENCE_SECONDS: Final = 60.0
"""An hour of a busy channel takes seconds to read."""

T = TypeVar("T")


class StackLog:
    """What stands in CONFIG, and the logs of a channel of it."""

    def __init__(self, bus: Bus, channels: list[Channel], origin_endpoints: list[OriginEndpoint], shards: int) -> None:
        self.bus = bus
        self._channels = channels
        self._origin_endpoints = origin_endpoints
        self._shards = shards

    def channel(self, channel_id: str) -> Channel:
        """A channel by id.

        Raises:
            NoSuchResource: there is none.
        """
        return found(self._channels, "channel", channel_id)

    def origin_endpoint(self, endpoint_id: str) -> OriginEndpoint:
        """An origin endpoint by id.

        Raises:
            NoSuchResource: there is none.
        """
        return found(self._origin_endpoints, "origin endpoint", endpoint_id)

    def origin_endpoints_of(self, channel: Channel) -> list[OriginEndpoint]:
        """A channel's origin endpoints, by id."""
        mine = [one for one in self._origin_endpoints if one.channel_guid == channel.guid]
        return sorted(mine, key=lambda one: one.id)

    def log_of(self, channel_guid: str) -> ChannelLog:
        """A channel's part of the logs."""
        return ChannelLog(self.bus, channel_guid, shards=self._shards)


R = TypeVar("R", Channel, OriginEndpoint)


def found(resources: list[R], kind: str, resource_id: str) -> R:
    """The one with this id.

    Raises:
        NoSuchResource: there is none.
    """
    for one in resources:
        if one.id == resource_id:
            return one
    raise NoSuchResource(f"there is no {kind} {resource_id}.")


def with_stack(
    directory: DataDirectory,
    work: Callable[[StackLog], Awaitable[T]],
    *,
    patience_seconds: float | None = _PATIENCE_SECONDS,
) -> T:
    """Do ``work`` on the logs of the stack that runs on ``directory``; for at most so long, or for ever.

    Raises:
        StackNotRunning: none does.
        LogsUnreadable: its NATS server gives no answer.
    """
    directory.require_running()
    return asyncio.run(_with_bus(directory.read_stack()["nats_url"], work, patience_seconds))


async def _with_bus(nats_url: str, work: Callable[[StackLog], Awaitable[T]], patience_seconds: float | None) -> T:
    settings = CommonSettings(nats_url=nats_url)
    try:
        async with asyncio.timeout(patience_seconds):
            bus = await jetstream.connect(settings, name="understudy explain")
            try:
                bucket = keys.CONFIG_BUCKET
                configured = await bus.fetch(kv_stream(bucket), kv_subject(bucket, ">"))
                return await work(
                    StackLog(bus, decoded(Channel, configured), decoded(OriginEndpoint, configured), settings.shards)
                )
            finally:
                await bus.close()
    except (TimeoutError, BusUnavailable) as err:
        raise LogsUnreadable("the stack's NATS server gives no answer; see its log in the data directory.") from err
