"""Index pages: made of entries that stand in PROGRAM, so that these may go, and removed when no window reaches them.

A page is stored before anything that it holds is removed, under a key that follows from its entries, and never written
twice. So two controllers that both believe a channel is theirs make the same page, and whatever is interrupted is found
again as it stands: the pages by listing them, the entries by reading the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from understudy_controller.loop.kept import KeptProgramme
from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_controller.loop.shard import Shard
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec, keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.paging import next_page, removable_pages
from understudy_domain.retention import KEYS_MAX
from understudy_runtime import clock
from understudy_runtime.index_pages import listed_pages
from understudy_runtime.jetstream import Bus

if TYPE_CHECKING:
    from understudy_runtime.objectkeys import ObjectKeys
    from understudy_runtime.page_store import PageStore

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 250
"""Entries that are read at a time."""
_READ_SECONDS_MAX: Final = 10.0
_BUSY_SECONDS: Final = 0.005
"""How long decoding may keep decisions waiting."""


class Pages:
    """Makes and removes the index pages of the endpoints that this process decides for."""

    def __init__(
        self, bus: Bus, settings: ControllerSettings, metrics: RetentionMetrics, *, holds: Callable[[int], bool]
    ) -> None:
        """``holds``: whether a shard is this process's."""
        self._bus = bus
        self._settings = settings
        self._metrics = metrics
        self._holds = holds
        self._page_entries = settings.index_page_entries
        self._storage: tuple[ObjectKeys, PageStore] | None = None

    async def _open(self) -> tuple[ObjectKeys, PageStore]:
        """The storage's library is loaded beside the loop, not while the controller starts."""
        if self._storage is None:
            self._storage = await asyncio.to_thread(_opened, self._settings)
        return self._storage

    async def find(self, endpoint: OriginEndpoint, kept: KeptProgramme) -> None:
        """Find the pages that there are, once for each time that the endpoint becomes this process's.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        if kept.pages is None:
            object_keys, _ = await self._open()
            kept.pages = await listed_pages(object_keys, endpoint.guid)

    async def remove(self, shard: Shard, endpoint: OriginEndpoint, kept: KeptProgramme, *, margin: int) -> None:
        """Remove the pages that no window reaches any more; ``margin`` in ticks.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        if not kept.pages:
            return
        gone = removable_pages(endpoint, kept.pages, kept.programme, now=clock.now_ticks(), margin=margin)[:KEYS_MAX]
        if gone and self._holds(shard.number):
            object_keys, _ = await self._open()
            await object_keys.remove([page.render() for page in gone])
            removed = set(gone)  # of hundreds: a list would be searched for each page while decisions wait
            kept.pages = [page for page in kept.pages if page not in removed]
            self._metrics.objects.inc(len(gone))

    async def make(self, shard: Shard, endpoint: OriginEndpoint, kept: KeptProgramme, *, entries_max: int) -> int:
        """Make the pages that are due, of about ``entries_max`` entries; of how many they were made.

        Raises:
            BusUnavailable, StorageUnavailable: no answer.
            TimeoutError: no answer in time.
        """
        count = 0
        while count < entries_max and endpoint.startover_window_seconds and kept.complete and kept.pages is not None:
            due = next_page(kept.programme, kept.pages, page_entries=self._page_entries)
            if due is None:
                break
            entries, begins = await self._entries(shard, endpoint, kept, *due)
            if [entry.media_sequence for entry in entries] != list(range(due[0], due[1] + 1)):
                _log.error(
                    "entries from %d to %d cannot be put into an index page: they do not parse, or some are missing",
                    *due,
                    extra={"origin_endpoint": endpoint.id},
                )
                break
            page, payload = await asyncio.to_thread(_made, entries, begins)
            if not self._holds(shard.number):
                break
            _, store = await self._open()
            await store.create(page, payload)
            kept.pages.append(page)
            self._metrics.pages.inc()
            count += len(entries)
        return count

    async def _entries(
        self, shard: Shard, endpoint: OriginEndpoint, kept: KeptProgramme, first: int, last: int
    ) -> tuple[list[ProgramEntry], set[int]]:
        """The entries from one media sequence to another, and before which entries the programme had ended.

        Of two of one number the first counts; the second says that the programme ended.
        """
        subject = keys.program_subject(shard.number, endpoint.guid)
        sequence = kept.programme.sequence_before(max(first - 1, 0))
        found: dict[int, ProgramEntry] = {}
        begins: set[int] = set()
        while True:
            async with asyncio.timeout(_READ_SECONDS_MAX):
                messages = await self._bus.fetch(keys.PROGRAM_STREAM, subject, first_sequence=sequence, limit=_AT_ONCE)
            busy_since = clock.monotonic()
            for message in messages:
                try:
                    entry = codec.decode_as(ProgramEntry, message.payload)
                except MalformedRecord:
                    continue
                if entry.ended:
                    begins.add(entry.media_sequence + 1)
                if first <= entry.media_sequence <= last:
                    found.setdefault(entry.media_sequence, entry)
                if entry.media_sequence > last:
                    return list(found.values()), begins
                if clock.monotonic() - busy_since > _BUSY_SECONDS:
                    await asyncio.sleep(0)
                    busy_since = clock.monotonic()
            if len(messages) < _AT_ONCE:
                return list(found.values()), begins
            sequence = messages[-1].sequence + 1


def _made(entries: list[ProgramEntry], begins: set[int]) -> tuple[IndexPageKey, bytes]:
    page = IndexPage.of(entries, begins=begins)
    return page.key, page.encode()


def _opened(settings: ControllerSettings) -> tuple[ObjectKeys, PageStore]:
    from understudy_runtime.objectkeys import ObjectKeys  # noqa: PLC0415
    from understudy_runtime.page_store import PageStore  # noqa: PLC0415

    return ObjectKeys(settings), PageStore(settings)
