"""EVENTS: what operators did, told by whom. What came of it is told by who decides."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from typing_extensions import override

from understudy_domain import codec, keys
from understudy_domain.event import Event, EventKind
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_CHANNEL: Final = re.compile(r"/(?:understudy/v1/)?channels/([^/]+)(?:/.*)?")
_ENDPOINT: Final = re.compile(r"/(?:understudy/v1/)?origin_endpoints/([^/]+)(?:/.*)?")
_TAGS: Final = re.compile(r"/tags/(.+)")


@dataclass(frozen=True, slots=True)
class Target:
    """What somebody does something to."""

    channel_guid: str
    channel_id: str
    endpoint_guid: str | None = None
    endpoint_id: str | None = None

    @override
    def __str__(self) -> str:
        return f"{self.channel_id}/{self.endpoint_id}" if self.endpoint_id else self.channel_id


class Actions:
    """Tells what was done, once it was: who asked for it need not wait for that."""

    def __init__(self, bus: Bus, store: ConfigStore) -> None:
        self._bus = bus
        self._store = store
        self._telling: set[asyncio.Task[None]] = set()

    def target(self, path: str, body: bytes) -> Target | None:
        """What a request is about, as of now; None where that is no channel's."""
        if path in ("/channels", "/origin_endpoints", "/harvest_jobs"):
            return self._made(path, body)
        if (found := _ENDPOINT.fullmatch(path)) is not None:
            return self._endpoint(unquote(found[1]))
        if (found := _CHANNEL.fullmatch(path)) is not None:
            return self._channel(unquote(found[1]))
        if (found := _TAGS.fullmatch(path)) is not None:
            return self._tagged(unquote(found[1]))
        return None

    def _made(self, path: str, body: bytes) -> Target | None:
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            return None
        field = "originEndpointId" if path == "/harvest_jobs" else "id"
        name = said.get(field) if isinstance(said, dict) else None
        if not isinstance(name, str):
            return None
        return self._channel(name) if path == "/channels" else self._endpoint(name)

    def _channel(self, channel_id: str) -> Target | None:
        found = self._store.channels.get(channel_id)
        return None if found is None else Target(found.value.guid, channel_id)

    def _endpoint(self, endpoint_id: str) -> Target | None:
        found = self._store.origin_endpoints.get(endpoint_id)
        if found is None:
            return None
        one = found.value
        return Target(one.channel_guid, one.channel_id, one.guid, endpoint_id)

    def _tagged(self, arn: str) -> Target | None:
        guid = arn.rpartition("/")[2]
        channel, endpoint = self._store.channel_by_guid(guid), self._store.origin_endpoint_by_guid(guid)
        if endpoint is not None:
            return self._endpoint(endpoint.value.id)
        return self._channel(channel.value.id) if channel is not None else None

    def tell(self, target: Target, *, operation: str, author: str) -> None:
        """Somebody did something, and it was taken; returns at once."""
        event = Event(
            EventKind.OPERATOR_ACTION,
            target.channel_guid,
            clock.now_ticks(),
            f"{author or 'Somebody'} did this: {operation} of {target}.",
            channel_id=target.channel_id,
            origin_endpoint=target.endpoint_guid,
            origin_endpoint_id=target.endpoint_id,
            author=author,
            operation=operation,
        )
        task = asyncio.create_task(self._publish(event), name="operator action")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _publish(self, event: Event) -> None:
        subject = keys.event_subject(event.kind, event.channel, event.about)
        try:
            await self._bus.publish(subject, codec.encode(event), message_id=event.id)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("what an operator did is told by this log alone: %s", err, extra={"event": event.id})

    async def stop(self) -> None:
        """Wait for what is being told."""
        await asyncio.gather(*self._telling, return_exceptions=True)
