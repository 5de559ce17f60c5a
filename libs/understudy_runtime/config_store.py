"""CONFIG in memory: every channel and origin endpoint, followed in order, with the writes that change them.

Reads touch no network. A writer sees its own write upon return; ``ensure_current`` waits for everybody else's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from understudy_domain import codec, keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.errors import InvalidResource, MalformedRecord
from understudy_domain.unknown_fields import NOTHING_UNKNOWN, Unknown
from understudy_runtime.errors import BusUnavailable, LogTruncated
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import Entry, KeyValue

_log = logging.getLogger(__name__)

T = TypeVar("T")
Resource = Channel | OriginEndpoint

_CURRENT_TIMEOUT_SECONDS = 5.0
_RESTART_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """A resource and the CONFIG revision that wrote it."""

    value: T
    revision: int


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A resource came, changed or went."""

    key: str
    before: Versioned[Channel] | Versioned[OriginEndpoint] | None
    after: Versioned[Channel] | Versioned[OriginEndpoint] | None
    revision: int


class ConfigStore:
    """The configuration as of the last change read. ``start`` before use, ``stop`` at the end."""

    def __init__(self, bus: Bus) -> None:
        self._kv = KeyValue(bus, keys.CONFIG_BUCKET)
        self._channels: dict[str, Versioned[Channel]] = {}
        self._origin_endpoints: dict[str, Versioned[OriginEndpoint]] = {}
        self._channels_by_guid: dict[str, Versioned[Channel]] = {}
        self._origin_endpoints_by_guid: dict[str, Versioned[OriginEndpoint]] = {}
        self._origin_endpoints_of: dict[str, dict[str, Versioned[OriginEndpoint]]] = {}
        self._unknown: dict[str, Unknown] = {}
        """By key: fields of its newest record that this release does not know."""
        self._callbacks: list[Callable[[ConfigChange], None]] = []
        self._applied = 0
        self._unconfirmed: set[str] = set()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._following: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._next_refresh: asyncio.Task[None] | None = None
        self.malformed_total = 0
        """Records that did not parse and were skipped."""
        self.unreadable: set[str] = set()
        """Keys whose newest record does not parse: what they name is there, whatever is missing from the mappings."""
        self.channels: Mapping[str, Versioned[Channel]] = MappingProxyType(self._channels)
        """By id."""
        self.origin_endpoints: Mapping[str, Versioned[OriginEndpoint]] = MappingProxyType(self._origin_endpoints)
        """By id."""

    @property
    def revision(self) -> int:
        """The newest CONFIG revision read."""
        return self._applied

    async def start(self) -> None:
        """Begin to follow CONFIG; returns once all that it holds is here, however long NATS takes."""
        self._following = asyncio.get_running_loop().create_task(self._follow(), name="config")
        while True:
            try:
                await self.ensure_current()
            except BusUnavailable as err:
                _log.warning("the configuration is not here yet: %s", err)
            else:
                return

    async def stop(self) -> None:
        """Stop following."""
        for task in (self._following, self._refreshing, self._next_refresh):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, BusUnavailable):
                    await task

    def on_change(self, callback: Callable[[ConfigChange], None]) -> None:
        """Have ``callback`` called for each change, in order, after it is visible here; it must not block."""
        self._callbacks.append(callback)

    # --- lookups ------------------------------------------------------------------------------------------------------

    def channel_by_guid(self, guid: str) -> Versioned[Channel] | None:
        """The channel of that guid."""
        return self._channels_by_guid.get(guid)

    def origin_endpoint_by_guid(self, guid: str) -> Versioned[OriginEndpoint] | None:
        """The origin endpoint of that guid."""
        return self._origin_endpoints_by_guid.get(guid)

    def origin_endpoints_of(self, channel_guid: str) -> list[Versioned[OriginEndpoint]]:
        """The origin endpoints of a channel, by its guid."""
        return list(self._origin_endpoints_of.get(channel_guid, {}).values())

    # --- writes -------------------------------------------------------------------------------------------------------

    async def create(self, resource: Resource) -> int:
        """Store a new resource; returns its revision once it is visible here.

        Raises:
            AlreadyExists: there is one of that id.
            BusUnavailable: no acknowledgement in time; whether it is stored is unknown.
        """
        return await self._seen(await self._kv.create(_key(resource), codec.encode(resource)))

    async def update(self, resource: Resource, revision: int) -> int:
        """Replace the resource that is at ``revision``; returns the new one once it is visible here.

        Fields of it that this release does not know stay.

        Raises:
            StaleRevision: somebody has changed or deleted it since.
            BusUnavailable: as for ``create``.
        """
        key = _key(resource)
        payload = codec.encode(resource, unknown=self._unknown.get(key, NOTHING_UNKNOWN))
        return await self._seen(await self._kv.update(key, payload, revision=revision))

    async def delete(self, resource: Resource, revision: int) -> int:
        """Delete the resource that is at ``revision``; returns the deletion's own revision once it is gone here.

        Raises:
            StaleRevision: somebody has changed or deleted it since.
            BusUnavailable: as for ``create``.
        """
        return await self._seen(await self._kv.delete(_key(resource), revision=revision))

    async def ensure_current(self) -> None:
        """Return once everything that was written to CONFIG before the call is visible here.

        Concurrent calls share one question to NATS: those that come while one is being asked wait for the next, since
        the present one may be older than what they must see.

        Raises:
            BusUnavailable: NATS does not answer, or what it holds does not arrive, in time.
        """
        if self._next_refresh is None:
            self._next_refresh = asyncio.get_running_loop().create_task(self._refresh(self._refreshing))
        await asyncio.shield(self._next_refresh)

    async def _refresh(self, previous: asyncio.Task[None] | None) -> None:
        if previous is not None and not previous.done():
            await asyncio.wait((previous,))
        self._refreshing, self._next_refresh = self._next_refresh, None
        await self._seen(await self._kv.last_revision())

    async def _seen(self, revision: int) -> int:
        if revision > self._applied:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append((revision, future))
            try:
                async with asyncio.timeout(_CURRENT_TIMEOUT_SECONDS):
                    await future
            except TimeoutError as err:
                raise BusUnavailable(f"revision {revision} of the configuration has not arrived") from err
            finally:
                self._waiting = [waiting for waiting in self._waiting if waiting[1] is not future]
        return revision

    # --- following ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            try:
                async with contextlib.aclosing(self._kv.watch()) as entries:
                    async for entry in entries:
                        self._apply(entry)
            except LogTruncated as err:
                _log.error("the configuration was replaced by an older one, reading it anew: %s", err)
                self._applied = 0
            except Exception:  # noqa: BLE001  # whatever it is, without following nothing works
                _log.exception("following the configuration failed, beginning again")
            # What is known stays until all has been read again, so that nothing is missing meanwhile.
            self._unconfirmed = {keys.channel_key(id_) for id_ in self._channels}
            self._unconfirmed |= {keys.origin_endpoint_key(id_) for id_ in self._origin_endpoints}
            await asyncio.sleep(_RESTART_SECONDS)

    def _drop_unconfirmed(self, revision: int) -> None:
        for key in self._unconfirmed:
            self._set(key, None, revision)
        self._unconfirmed.clear()

    def _apply(self, entry: Entry) -> None:
        self._unconfirmed.discard(entry.key)
        try:
            value = None if entry.value is None else _decode(entry.key, entry.value)
        except (MalformedRecord, InvalidResource) as err:
            self.malformed_total += 1
            self.unreadable.add(entry.key)
            _log.error("skipped a record of CONFIG: %s", err, extra={"key": entry.key})
        else:
            self.unreadable.discard(entry.key)
            self._keep_unknown(entry)
            self._set(entry.key, value, entry.revision)
        if self._unconfirmed and entry.pending == 0:
            self._drop_unconfirmed(entry.revision)
        self._applied = entry.revision
        for revision, future in self._waiting:
            if revision <= self._applied and not future.done():
                future.set_result(None)

    def _keep_unknown(self, entry: Entry) -> None:
        self._unknown.pop(entry.key, None)
        if entry.value is not None and (unknown := codec.unknown_in(entry.value)):
            self._unknown[entry.key] = unknown

    def _set(self, key: str, value: Resource | None, revision: int) -> None:
        kind, _, id_ = key.partition(".")
        before: Versioned[Channel] | Versioned[OriginEndpoint] | None
        after: Versioned[Channel] | Versioned[OriginEndpoint] | None = None
        if kind == "channel":
            before = self._channels.pop(id_, None)
            if before is not None:
                del self._channels_by_guid[before.value.guid]
        else:
            before = self._origin_endpoints.pop(id_, None)
            if before is not None:
                del self._origin_endpoints_by_guid[before.value.guid]
                self._leave_channel(before.value)
        if isinstance(value, Channel):
            after = channel = Versioned(value, revision)
            self._channels[id_] = self._channels_by_guid[value.guid] = channel
        elif value is not None:
            after = origin_endpoint = Versioned(value, revision)
            self._origin_endpoints[id_] = self._origin_endpoints_by_guid[value.guid] = origin_endpoint
            self._origin_endpoints_of.setdefault(value.channel_guid, {})[value.guid] = origin_endpoint
        if before is not None or after is not None:
            self._tell(ConfigChange(key, before, after, revision))

    def _leave_channel(self, origin_endpoint: OriginEndpoint) -> None:
        siblings = self._origin_endpoints_of[origin_endpoint.channel_guid]
        del siblings[origin_endpoint.guid]
        if not siblings:
            del self._origin_endpoints_of[origin_endpoint.channel_guid]

    def _tell(self, change: ConfigChange) -> None:
        for callback in self._callbacks:
            try:
                callback(change)
            except Exception:  # noqa: BLE001  # one follower must not stop the others
                _log.exception("a follower of the configuration failed", extra={"key": change.key})


def _key(resource: Resource) -> str:
    if isinstance(resource, Channel):
        return keys.channel_key(resource.id)
    return keys.origin_endpoint_key(resource.id)


def _decode(key: str, payload: bytes) -> Resource:
    value = codec.decode(payload)
    if not isinstance(value, Channel | OriginEndpoint) or _key(value) != key:
        raise MalformedRecord(f"{key} holds something else")
    return value
