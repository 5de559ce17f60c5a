"""What an endpoint that lists everything lists already when it is first asked for: from index pages and the log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.event_listing import BLOCK_ENTRIES, EventListing, since_beginning, slots_of
from understudy_domain.index_page import IndexPage
from understudy_domain.program import contiguous_tail
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Span
from understudy_runtime import clock
from understudy_runtime.errors import HistoryTorn, ObjectDiffers, ObjectMissing, StorageUnavailable
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.program_history import ProgramHistory

PAST_UNREADABLE: Final = (StorageUnavailable, ObjectMissing, ObjectDiffers, HistoryTorn)
"""What reading it raises where the storage does not give it, or not all of it."""


class EventPast:
    """One per process."""

    def __init__(self, bus: Bus, pages: IndexPages, *, shards: int) -> None:
        self._bus = bus
        self._pages = pages
        self._shards = shards

    async def listing(self, endpoint: OriginEndpoint, recent: Sequence[ProgramEntry]) -> EventListing:
        """What is listed up to the newest of some ``recent`` entries, which were read before.

        Raises:
            BusUnavailable: NATS does not answer in time.
            StorageUnavailable, ObjectMissing, ObjectDiffers: the past cannot be read now.
            HistoryTorn: what can be read does not join, or does not go up to these entries.
        """
        found = EventListing(endpoint)
        if not recent:
            return found
        until = contiguous_tail(recent)[-1].media_sequence + 1
        history = ProgramHistory(self._bus, self._pages, endpoint, shards=self._shards)
        await history.refresh()
        view = history.view(endpoint)
        if not view.reaches(recent):
            raise HistoryTorn("the past of this origin endpoint does not reach its newest entries yet; try again")
        # What has come since is told by those who follow the log.
        known = [
            Span(span.key, span.begin, min(span.end, until - span.key.first))
            for span in view.spans
            if span.first < until
        ]
        now, reach = clock.now_ticks(), endpoint.startover_window_seconds * TICKS_PER_SECOND
        spans = await view.read(since_beginning(known, now=now, reach=reach))
        if spans is None:
            found.give_up(None)
            return found
        if spans:
            found.begin()
        async for page, span in view.pages(spans):
            for begin in range(span.begin, span.end, BLOCK_ENTRIES):
                part = Span(span.key, begin, min(begin + BLOCK_ENTRIES, span.end))
                await self._pages.turns.take(partial(_list, found, endpoint, page, part))
        return found


def _list(listing: EventListing, endpoint: OriginEndpoint, page: IndexPage, span: Span) -> None:
    for slot in slots_of(page, span, endpoint.hls_package.stream_selection):
        listing.append(slot)
