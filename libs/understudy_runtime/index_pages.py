"""Index pages in the storage: found, read and kept in memory up to so many bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from understudy_domain import keys
from understudy_domain.errors import MalformedKey, MalformedRecord, NewerRecord
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.retention import KEYS_MAX, StoredObject
from understudy_runtime.byte_cache import ByteCache
from understudy_runtime.errors import ObjectDiffers, ObjectOfANewerRelease
from understudy_runtime.turns import Turns

_READS_MAX = 16
"""Pages that are read at a time: more would only wait to be parsed."""


class PageBytes(Protocol):
    """What is asked of the storage for a page: ``ObjectStore`` has it."""

    async def get_view(self, key: str) -> memoryview:
        """The whole object; raises ObjectMissing or StorageUnavailable."""


class PageKeys(Protocol):
    """What is asked of the storage to find pages: ``ObjectKeys`` has it."""

    async def first(self, prefix: str, *, after: str | None = None) -> Sequence[StoredObject]:
        """The first objects under a prefix, after a key, ``KEYS_MAX`` at most; raises StorageUnavailable."""


async def listed_pages(object_keys: PageKeys, origin_endpoint_guid: str) -> list[IndexPageKey]:
    """The keys of all pages of an origin endpoint, sorted by media sequence. A day of 2 s takes one request.

    Raises:
        StorageUnavailable: no answer, or an error.
    """
    prefix, after = keys.index_pages_prefix(origin_endpoint_guid), None
    found: list[IndexPageKey] = []
    while True:
        listed = await object_keys.first(prefix, after=after)
        for one in listed:
            try:
                found.append(keys.parse_index_page_key(one.key))
            except MalformedKey:
                continue  # somebody else's; a bucket may be shared
        if len(listed) < KEYS_MAX:
            return found
        after = listed[-1].key


class IndexPages:
    """One per process."""

    def __init__(self, store: PageBytes, object_keys: PageKeys, *, bytes_max: int) -> None:
        self._store = store
        self._object_keys = object_keys
        self._reading = asyncio.Semaphore(_READS_MAX)
        self.turns = Turns()
        """In which pages are parsed; for whoever makes something of them too."""
        self.cache: ByteCache[IndexPageKey, IndexPage] = ByteCache(bytes_max=bytes_max)

    async def keys_of(self, origin_endpoint_guid: str) -> list[IndexPageKey]:
        """As ``listed_pages``."""
        return await listed_pages(self._object_keys, origin_endpoint_guid)

    async def page(self, key: IndexPageKey) -> IndexPage:
        """A page.

        Raises:
            ObjectMissing: it has been removed.
            StorageUnavailable: no answer.
            ObjectDiffers: it is no page; ObjectOfANewerRelease: it is one that is not read yet.
        """
        return await self.cache.get(key, lambda: self._read(key), weight=lambda page: page.weight)

    async def _read(self, key: IndexPageKey) -> IndexPage:
        async with self._reading:
            payload = await self._store.get_view(key.render())
        try:
            return await self.turns.take(lambda: IndexPage.parse(payload))
        except NewerRecord as err:
            raise ObjectOfANewerRelease(f"{key.render()} cannot be read by this release: {err}") from err
        except MalformedRecord as err:
            raise ObjectDiffers(f"{key.render()} cannot be read: {err}") from err
