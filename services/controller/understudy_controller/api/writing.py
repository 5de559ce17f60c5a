"""Writes to the CONFIG bucket that keep its rules, whoever else writes: the API and the declared file share them.

Every write is a create or a compare-and-set, tried again on what another has written meanwhile.

Two keys are never written at once, so one rule spans two of them: *a channel that has origin endpoints is not
deleted*. Creating an endpoint therefore writes the endpoint first and then its channel, unchanged, which gives the
channel a new revision. Deleting a channel reads its revision, looks for endpoints and deletes that revision. Whichever
of the two writes the channel's key first makes the other fail: the delete finds the endpoint when it looks again, or
the create finds no channel and takes its endpoint back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from understudy_controller.api.errors import ChannelInUse, ResourceNotFound, TooManyWriters
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.errors import UnderstudyError
from understudy_runtime.config_store import ConfigStore, Versioned
from understudy_runtime.errors import BusUnavailable, StaleRevision

R = TypeVar("R", Channel, OriginEndpoint)
T = TypeVar("T")

_ATTEMPTS: Final = 20
"""Of one compare-and-set. Each failure means that another writer succeeded, so nobody starves for long."""


class ConfigWriter:
    """Holds no state but the store's."""

    def __init__(self, store: ConfigStore) -> None:
        self._store = store

    def by_guid(self, guid: str) -> Versioned[Channel] | Versioned[OriginEndpoint] | None:
        """The channel or origin endpoint of that guid."""
        return self._store.channel_by_guid(guid) or self._store.origin_endpoint_by_guid(guid)

    async def create(self, resource: Channel | OriginEndpoint) -> int:
        """Store a new resource and return its revision, also when only the acknowledgement was lost.

        A client that were told 503 would try again, and hear that the id exists.
        """
        try:
            return await self._store.create(resource)
        except BusUnavailable:
            await self._store.ensure_current()
            found = self.by_guid(resource.guid)
            if found is None:
                raise
            return found.revision

    async def delete(self, found: Versioned[Channel] | Versioned[OriginEndpoint]) -> None:
        """Delete what was found, also when only the acknowledgement was lost; the reason is the same."""
        try:
            await self._store.delete(found.value, found.revision)
        except BusUnavailable:
            await self._store.ensure_current()
            if self.by_guid(found.value.guid) is not None:
                raise

    async def create_origin_endpoint(self, endpoint: OriginEndpoint, channel: Channel) -> None:
        """Store a new origin endpoint of ``channel``.

        Raises:
            AlreadyExists: there is one of that id.
            ResourceNotFound: the channel was deleted meanwhile; the endpoint is not there either then.
        """
        revision = await self.create(endpoint)
        try:
            await self._touch(channel)
        except BaseException:
            with suppress(UnderstudyError):
                await self._store.delete(endpoint, revision)
            raise

    async def delete_channel(self, channel: Versioned[Channel]) -> None:
        """Delete a channel as it was found.

        Raises:
            ChannelInUse: it has origin endpoints.
            StaleRevision: somebody has changed or deleted it since.
        """
        endpoints = self._store.origin_endpoints_of(channel.value.guid)
        if endpoints:
            names = ", ".join(sorted(endpoint.value.id for endpoint in endpoints)[:10])
            raise ChannelInUse(f"the channel {channel.value.id} has origin endpoints, delete them first: {names}")
        await self.delete(channel)

    async def _touch(self, channel: Channel) -> None:
        """Give the channel a new revision; see the head of this file.

        Raises:
            ResourceNotFound: it was deleted meanwhile, and perhaps created again.
        """

        def find() -> Versioned[Channel]:
            found = self._store.channels.get(channel.id)
            if found is None or found.value.guid != channel.guid:
                raise ResourceNotFound(f"the channel {channel.id} was deleted while its origin endpoint was created")
            return found

        await self.change(find, lambda unchanged: unchanged)

    async def change(self, find: Callable[[], Versioned[R]], change: Callable[[R], R]) -> R:
        """Write ``change`` of what ``find`` returns, on its newest revision."""

        async def attempt() -> R:
            found = find()
            changed = change(found.value)
            await self._store.update(changed, found.revision)
            return changed

        return await self.attempts(attempt)

    async def attempts(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What ``attempt`` returns, tried on what is newest until nobody else has written meanwhile.

        Raises:
            TooManyWriters: somebody always had.
        """
        for _ in range(_ATTEMPTS):
            await self._store.ensure_current()
            try:
                return await attempt()
            except StaleRevision:
                continue
        raise TooManyWriters("others kept changing this resource, nothing was written; try again")
