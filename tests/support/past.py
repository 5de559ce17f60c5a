"""A programme's past in memory, with egress' start-over on top: storage that answers when a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from support.program_entries import ENDPOINT_GUID, START, make_endpoint, make_entry, seconds
from understudy_domain import codec
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.playlist_request import PlaylistRequest
from understudy_domain.retention import StoredObject
from understudy_domain.timeshift import TimeWindow
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.pieced import PiecedPlaylist
from understudy_egress.programme import Programme
from understudy_egress.startover import Startover
from understudy_runtime.errors import ObjectMissing
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

MEBIBYTE = 1 << 20
PAGE_ENTRIES = 64
SLOT_SECONDS = 2


@dataclass
class Log:
    """As much of a bus as reading a programme needs."""

    messages: list[StoredMessage] = field(default_factory=list)
    is_current: bool = True
    """What stands in it is in memory, too."""

    def append(self, entry: ProgramEntry) -> None:
        """The next one."""
        sequence = len(self.messages) + 1
        self.messages.append(StoredMessage("program", sequence, entry.as_of.instant, codec.encode(entry), 0))

    async def fetch(
        self,
        _stream: str,
        _subject: str,
        *,
        limit: int,
        start_time: int | None = None,
        first_sequence: int | None = None,
    ) -> list[StoredMessage]:
        """As ``Bus.fetch``."""
        await asyncio.sleep(0)
        found = [
            message
            for message in self.messages
            if (start_time is None or message.instant >= start_time)
            and (first_sequence is None or message.sequence >= first_sequence)
        ]
        return found[:limit]


@dataclass
class PageObjects:
    """As much of a storage as index pages need."""

    objects: dict[str, bytes] = field(default_factory=dict)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Reads wait for it."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody waits for it."""

    def close(self) -> None:
        """Let who reads from now on wait."""
        self.opened.clear()
        self.asked.clear()

    async def get_view(self, key: str) -> memoryview:
        """As ``ObjectStore.get_view``."""
        self.asked.set()
        await self.opened.wait()
        if key not in self.objects:
            raise ObjectMissing(key)
        return memoryview(self.objects[key])

    async def first(self, prefix: str, *, after: str | None = None) -> Sequence[StoredObject]:
        """As ``ObjectKeys.first``."""
        await asyncio.sleep(0)
        found = sorted(key for key in self.objects if key.startswith(prefix) and (after is None or key > after))
        return [StoredObject(key, len(self.objects[key]), 0) for key in found[:1000]]


class Past:
    """A programme of so many slots of two seconds, all but the newest of which may stand in pages."""

    def __init__(self, count: int, *, paged: int = 0, bytes_max: int = 64 * MEBIBYTE) -> None:
        self.log, self.storage = Log(), PageObjects()
        self.looked_up = 0
        """How often it was looked up what a window lists."""
        self.storage.opened.set()
        entries = [self.entry(number) for number in range(count)]
        for begin in range(0, paged, PAGE_ENTRIES):
            page = IndexPage.of(entries[begin : min(begin + PAGE_ENTRIES, paged)])
            self.storage.objects[page.key.render()] = page.encode()
        for entry in entries[max(paged - 1, 0) :]:
            self.log.append(entry)
        self.pages = IndexPages(self.storage, self.storage, bytes_max=bytes_max)
        self.startover = Startover(
            cast("Bus", self.log), self.pages, is_current=self._is_current, shards=1, bytes_max=bytes_max
        )
        self.programme = Programme(endpoint(), {}, secrets=CdnSecrets(None))

    def _is_current(self, _: Programme) -> bool:
        self.looked_up += 1
        return self.log.is_current

    @staticmethod
    def entry(number: int) -> ProgramEntry:
        """One slot."""
        return make_entry(number, slot_duration=seconds(SLOT_SECONDS))

    def tell(self, entries: Iterable[ProgramEntry], *, now: int) -> None:
        """What egress hears of new entries."""
        for entry in entries:
            self.log.append(entry)
            self.programme.append(entry, now=now)

    async def playlist(
        self, begin: float, end: float, *, name: str = "index_v1.m3u8", query: str = ""
    ) -> PiecedPlaylist:
        """That of a window, in slots."""
        start, until = (START + seconds(SLOT_SECONDS * slot) for slot in (begin, end))
        request = PlaylistRequest(ENDPOINT_GUID, name, start=start, end=until, child_query=query)
        return await self.startover.playlist(self.programme, request, TimeWindow(start, until))


def endpoint() -> OriginEndpoint:
    """With a fortnight to start over in, every segment dated."""
    return replace(make_endpoint(date_interval_seconds=SLOT_SECONDS), startover_window_seconds=14 * 86_400)


def slot(number: float) -> int:
    """When a slot begins, ticks since the epoch."""
    return START + seconds(SLOT_SECONDS * number)
