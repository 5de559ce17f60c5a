"""What an endpoint that lists everything lists already when it is first asked for: from index pages and the log."""

from __future__ import annotations

import logging
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
from understudy_runtime.program_history import HistoryView, ProgramHistory

_log = logging.getLogger(__name__)

PAST_UNREADABLE: Final = (StorageUnavailable, ObjectMissing, HistoryTorn)
"""What reading it raises where the storage does not give it, or not all of it."""
CANNOT_BE_LISTED: Final = (
    "the programme cannot be listed since it began, which lies further back than a day or the startover window, or is "
    "not known: its playlists are ordinary ones until it begins anew"
)


class EventPast:
    """One per process."""

    def __init__(self, bus: Bus, pages: IndexPages, *, shards: int) -> None:
        self._bus = bus
        self._pages = pages
        self._shards = shards

    async def listing(self, endpoint: OriginEndpoint, recent: Sequence[ProgramEntry]) -> EventListing:
        """What is listed up to the newest of some ``recent`` entries, which were read before.

        A page that is no page, to this release at least, is a beginning that is not known: another try would not help.

        Raises:
            BusUnavailable: NATS does not answer in time.
            StorageUnavailable, ObjectMissing: the past cannot be read now.
            HistoryTorn: what can be read does not join, or does not go up to these entries.
        """
        found = EventListing(endpoint)
        if not recent:
            return found
        given_up = EventListing(endpoint)
        given_up.give_up(None)
        until = contiguous_tail(recent)[-1].media_sequence + 1
        view = await self._view(endpoint)
        if not view.reaches(recent):
            raise HistoryTorn("the past of this origin endpoint does not reach its newest entries yet; try again")
        # What has come since is told by those who follow the log.
        known = [
            Span(span.key, span.begin, min(span.end, until - span.key.first))
            for span in view.spans
            if span.first < until
        ]
        now, reach = clock.now_ticks(), endpoint.startover_window_seconds * TICKS_PER_SECOND
        try:
            spans = await view.read(since_beginning(known, now=now, reach=reach))
            if spans is not None:
                await self._list(found, endpoint, view, spans)
                return found
            given_up.known_from = known[0].first
        except ObjectDiffers as err:
            _log.error("an index page cannot be read: %s", err, extra={"origin_endpoint": endpoint.id})
        _log.warning(CANNOT_BE_LISTED, extra={"origin_endpoint": endpoint.id})
        return given_up

    async def _list(
        self, listing: EventListing, endpoint: OriginEndpoint, view: HistoryView, spans: Sequence[Span]
    ) -> None:
        if spans:
            listing.begin()
        async for page, span in view.pages(spans):
            for begin in range(span.begin, span.end, BLOCK_ENTRIES):
                part = Span(span.key, begin, min(begin + BLOCK_ENTRIES, span.end))
                await self._pages.turns.take(partial(_append, listing, endpoint, page, part))

    async def stands(self, endpoint: OriginEndpoint, listing: EventListing) -> bool:
        """Whether who begins to list now would find the same beginning, or none as well.

        Raises:
            BusUnavailable, StorageUnavailable, HistoryTorn: as ``listing``.
        """
        spans = (await self._view(endpoint)).spans
        if not spans:
            return True
        if listing.first_media_sequence is not None:
            return spans[0].first <= listing.first_media_sequence
        return listing.known_from is None or spans[0].first >= listing.known_from

    async def _view(self, endpoint: OriginEndpoint) -> HistoryView:
        history = ProgramHistory(self._bus, self._pages, endpoint, shards=self._shards)
        await history.refresh()
        return history.view(endpoint)


def _append(listing: EventListing, endpoint: OriginEndpoint, page: IndexPage, span: Span) -> None:
    for slot in slots_of(page, span, endpoint.hls_package.stream_selection):
        listing.append(slot)
