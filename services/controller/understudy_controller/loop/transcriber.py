"""From CONFIG into the log: policies are messages there, at one place among the arrivals, for every reader the same.

The core knows of endpoints by these alone. The owner of a channel's shard transcribes, whoever wrote to CONFIG: so
commands stand in the order of their revisions, and a controller that was paused for long writes no outdated one
(message ids are remembered for two minutes only). Nothing is lost if the owner dies in between, or if there is none
just then: whoever takes the shard compares what the core has read with what CONFIG holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from understudy_domain import codec
from understudy_domain.channel import Channel, OriginEndpoint, configured
from understudy_domain.facts import ChannelRemoved, EndpointConfigured, EndpointRemoved
from understudy_domain.keys import command_subject, shard_of
from understudy_runtime.config_store import ConfigChange, ConfigStore, Versioned
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.2

Command = EndpointConfigured | EndpointRemoved | ChannelRemoved


class Transcriber:
    """Writes commands in the order in which CONFIG changed; tries until each one stands."""

    def __init__(self, bus: Bus, store: ConfigStore, *, shards: int, owns: Callable[[int], bool]) -> None:
        """``owns``: whether this process decides for a shard; what is not its own it leaves to the owner."""
        self._bus = bus
        self._owns = owns
        self._shards = shards
        self._queue: asyncio.Queue[tuple[str, Command, str]] = asyncio.Queue()
        store.on_change(self._changed)

    def write(self, channel_guid: str, command: Command, *, message_id: str) -> None:
        """Write a command into a channel's log; returns at once."""
        self._queue.put_nowait((channel_guid, command, message_id))

    def write_endpoint(self, endpoint: Versioned[OriginEndpoint]) -> None:
        """Write what an endpoint's configuration asks."""
        value = endpoint.value
        self.write(
            value.channel_guid,
            configured(value, revision=endpoint.revision),
            message_id=f"{value.guid}.{endpoint.revision}",
        )

    def _changed(self, change: ConfigChange) -> None:
        before, after = change.before, change.after
        if after is not None and isinstance(after.value, OriginEndpoint):
            self.write_endpoint(after)
        elif after is None and before is not None and isinstance(before.value, OriginEndpoint):
            guid = before.value.guid
            self.write(before.value.channel_guid, EndpointRemoved(guid), message_id=f"{guid}.removed")
        elif after is None and before is not None and isinstance(before.value, Channel):
            self.write(before.value.guid, ChannelRemoved(), message_id=f"{before.value.guid}.removed")

    async def run(self) -> None:
        """Work off what is to be written, for ever."""
        while True:
            channel_guid, command, message_id = await self._queue.get()
            shard = shard_of(channel_guid, shards=self._shards)
            subject = command_subject(shard, channel_guid)
            while self._owns(shard):
                try:
                    await self._bus.publish(subject, codec.encode(command), message_id=message_id)
                    break
                except (BusUnavailable, BusRefused) as err:
                    _log.warning("cannot write a command, trying again: %s", err, extra={"subject": subject})
                    await asyncio.sleep(_RETRY_SECONDS)
