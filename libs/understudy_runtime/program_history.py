"""What stands of an origin endpoint's programme, however long ago: index pages, and behind them the log.

For whoever needs more of a programme than its live playlist lists (start-over viewing, harvesting):

    history = ProgramHistory(bus, pages, endpoint, shards=settings.shards)
    await history.refresh()                                  # the pages' keys, and the entries that are in none
    view = history.view(endpoint)                             # does not change any more
    cut = await view.cut(TimeWindow(start, end), now=now)    # spans of pages: what the window lists
    async for page, span in view.pages(cut.spans):           # read as it goes, through the cache of ``pages``
        for index in range(span.begin, span.end):
            page.dates[index]; page.lengths["v1"][index]; page.segment(page.first + index, "v1", rendering_version=1)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.index_page import IndexPage, Lineup
from understudy_domain.keys import IndexPageKey
from understudy_domain.program_tail import ProgramTail, stored_before, with_tail
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Cut, OutOfWindow, Span, TimeWindow, are_joined, chained, cut, newest_lineup
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable, HistoryTorn
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE: Final = 250
"""Entries that are read from the log at a time."""
_BUSY_SECONDS: Final = 0.005
"""How long decoding may keep others waiting."""
_SLACK: Final = ticks.from_seconds(10)
"""How much earlier than a page was decided the log is read from: two clocks, of two streams, have to agree."""
_READ_SECONDS_MAX: Final = 10.0
_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A programme as it was known at one moment, oldest first, without a hole, up to its newest entry."""

    endpoint: OriginEndpoint
    spans: Sequence[Span]
    has_ended: bool
    """The programme ended with its newest entry."""
    is_broken: bool
    """Older entries stand, or stood, that do not lead up to these: one between is missing, or another programme was."""
    has_passed_over: bool
    """Entries stand that do not parse: that none is known tells nothing."""
    stored: IndexPages
    in_memory: Mapping[IndexPageKey, IndexPage]
    """Pages of what stands in the log alone."""

    async def page(self, key: IndexPageKey) -> IndexPage:
        """A page of these spans.

        Raises:
            ObjectMissing, StorageUnavailable, ObjectDiffers: as ``IndexPages.page``.
        """
        found = self.in_memory.get(key)
        return await self.stored.page(key) if found is None else found

    async def cut(self, window: TimeWindow, *, now: int, is_current: bool = True) -> Cut:
        """What a window lists; ``now`` in ticks since the epoch, ``is_current`` as in ``timeshift.cut``.

        One that begins before what is known, where there was more, begins with what is known, and is never complete.

        Raises:
            OutOfWindow: nothing.
            HistoryTorn: nothing, but there may have been something that is missing.
            ObjectMissing, StorageUnavailable, ObjectDiffers: as ``page``.
        """
        reading = cut(
            self.spans,
            window,
            now=now,
            time_delay=self.endpoint.time_delay,
            ended=self.has_ended,
            is_current=is_current and not self.has_passed_over,
        )
        if not self._begins_behind_a_break(window):
            return await self.read(reading)
        try:
            return replace(await self.read(reading), is_complete=False)
        except OutOfWindow as err:
            raise HistoryTorn("what this window lists cannot be found now: index pages are missing") from err

    def _begins_behind_a_break(self, window: TimeWindow) -> bool:
        """Whether a window reaches back to what does not lead up to what is known."""
        if not self.is_broken:
            return False
        return not self.spans or window.start // _TICKS_PER_MILLISECOND < self.spans[0].key.begin_milliseconds

    async def lineup(self, spans: Sequence[Span]) -> Lineup | None:
        """The renditions that are offered of the newest entry of these spans that has any.

        Raises:
            ObjectMissing, StorageUnavailable, ObjectDiffers: as ``page``.
        """
        return await self.read(newest_lineup(spans, selection=self.endpoint.hls_package.stream_selection))

    async def pages(self, spans: Sequence[Span]) -> AsyncIterator[tuple[IndexPage, Span]]:
        """The pages of these spans, one after the other.

        Raises:
            ObjectMissing, StorageUnavailable, ObjectDiffers: as ``page``.
        """
        for span in spans:
            yield await self.page(span.key), span

    def reaches(self, entries: Sequence[ProgramEntry]) -> bool:
        """Whether it goes up to the last of these entries, or further."""
        newest = self.spans[-1] if self.spans else None
        return not entries or (newest is not None and newest.key.first + newest.end > entries[-1].media_sequence)

    def span_of(self, media_sequence: int) -> Span | None:
        """Where an entry stands; None where it is not known."""
        return next((one for one in self.spans if one.first <= media_sequence < one.key.first + one.end), None)

    async def read(self, reading: Generator[IndexPageKey, IndexPage, T]) -> T:
        """What comes of a function that asks for pages of these spans.

        Raises:
            ObjectMissing, StorageUnavailable, ObjectDiffers: as ``page``.
        """
        try:
            key = next(reading)
            while True:
                key = reading.send(await self.page(key))
        except StopIteration as done:
            result: T = done.value
            return result


class _Known(NamedTuple):
    """What is known of a programme, oldest first: replaced as a whole, so that nobody sees half of it."""

    stored: list[Span]
    """As ``stored_before`` the tail."""
    tail: ProgramTail
    is_broken: bool
    """As ``HistoryView.is_broken``."""


class ProgramHistory:
    """One origin endpoint's. Between two refreshes it can be told of new entries."""

    def __init__(self, bus: Bus, pages: IndexPages, endpoint: OriginEndpoint, *, shards: int) -> None:
        self._bus = bus
        self._pages = pages
        self._endpoint = endpoint
        self._subject = keys.program_subject(keys.shard_of(endpoint.channel_guid, shards=shards), endpoint.guid)
        self._known = _Known([], ProgramTail(), is_broken=False)
        self._refreshing = asyncio.Lock()
        self._has_passed_over = False
        self.is_loaded = False
        self.listed_up_to = 0
        """Media sequence behind the newest entry when the pages were last listed."""

    @property
    def is_broken(self) -> bool:
        """As ``HistoryView.is_broken``."""
        return self._known.is_broken

    @property
    def next_media_sequence(self) -> int | None:
        """Of the entry that comes next; None while none is known."""
        return self._known.tail.next

    async def refresh(self) -> None:
        """Find the pages that there are now, and read what is in none of them from the log, to its end.

        Meanwhile, and where it fails, all that was known stays.

        Raises:
            StorageUnavailable: the pages cannot be listed.
            BusUnavailable: NATS does not answer in time.
        """
        async with self._refreshing:
            listed = await self._pages.keys_of(self._endpoint.guid)
            tail = self._known.tail.copy()
            if tail.first is None:
                decided = max((key.decided_milliseconds for key in listed), default=None)
                since = None if decided is None else decided * _TICKS_PER_MILLISECOND
            else:
                _drop_paged(tail, listed)
                since = tail.decided_at
            has_hole = await self._read_log(tail, since=None if since is None else since - _SLACK)
            has_hole |= self._known.is_broken  # unless pages lead up to it now
            known = _joined(listed, tail, has_hole=has_hole)
            if known.is_broken:
                # A page may have been stored, and the log cut, since the pages were listed.
                known = _joined(await self._pages.keys_of(self._endpoint.guid), tail, has_hole=has_hole)
                if known.is_broken and not self._known.is_broken:
                    extra = {"origin_endpoint": self._endpoint.id}
                    _log.error(
                        "the past of an origin endpoint is broken: index pages or entries are missing", extra=extra
                    )
            self._known = known
            self.listed_up_to = tail.next or 0
            self.is_loaded = True

    def extend(self, entries: Iterable[ProgramEntry]) -> bool:
        """Take new entries, in order; False where some are missing before them: then a refresh is due."""
        return all(self._known.tail.append(entry) for entry in entries)

    def view(self, endpoint: OriginEndpoint) -> HistoryView:
        """What is known now, for the endpoint as it is configured now.

        Raises:
            HistoryTorn: that would have a hole.
        """
        stored, tail, is_broken = self._known
        pages = {page.key: page for page in tail.pages()}
        spans = with_tail(stored, tail)
        if not are_joined(spans):
            raise HistoryTorn("what is known of this origin endpoint's past does not join; try again")
        return HistoryView(endpoint, spans, tail.has_ended, is_broken, self._has_passed_over, self._pages, pages)

    async def _read_log(self, tail: ProgramTail, *, since: int | None) -> bool:
        """Entries that were stored from an instant on; a hole before one makes it the first, and whether one did."""
        sequence: int | None = None
        has_hole = False
        while True:
            messages = await self._fetch(since, sequence)
            busy_since = clock.monotonic()
            for message in messages:
                has_hole |= self._take(tail, message.payload)
                if clock.monotonic() - busy_since > _BUSY_SECONDS:
                    await asyncio.sleep(0)
                    busy_since = clock.monotonic()
            if len(messages) < _AT_ONCE:
                return has_hole
            sequence = messages[-1].sequence + 1

    async def _fetch(self, since: int | None, sequence: int | None) -> list[StoredMessage]:
        begin = {"start_time": since} if sequence is None else {"first_sequence": sequence}
        try:
            async with asyncio.timeout(_READ_SECONDS_MAX):
                return await self._bus.fetch(keys.PROGRAM_STREAM, self._subject, limit=_AT_ONCE, **begin)
        except TimeoutError as err:
            raise BusUnavailable("the entries of an origin endpoint cannot be read: NATS does not answer") from err

    def _take(self, tail: ProgramTail, payload: bytes) -> bool:
        """Take an entry; whether it begins anew, since others are missing before it."""
        try:
            entry = codec.decode_as(ProgramEntry, payload)
        except MalformedRecord as err:
            _log.error("an entry does not parse: %s", err, extra={"origin_endpoint": self._endpoint.id})
            self._has_passed_over = True
            return False
        if tail.append(entry):
            return False
        tail.clear()
        tail.append(entry)
        return True


def _drop_paged(tail: ProgramTail, listed: Sequence[IndexPageKey]) -> None:
    """Forget what stands in pages that lead back to the tail's first entry at least."""
    pages = tail.pages()
    for earlier, later in reversed(list(pairwise(pages))):
        spans = chained(listed, before=later.first, begin_milliseconds=later.key.begin_milliseconds)
        # Pages of a programme that was begun anew since were decided before the tail's.
        is_same = bool(spans) and spans[-1].key.decided_milliseconds >= earlier.key.decided_milliseconds
        if is_same and spans[0].first <= pages[0].first:
            tail.drop_before(later.first)
            return


def _joined(listed: Sequence[IndexPageKey], tail: ProgramTail, *, has_hole: bool) -> _Known:
    """``has_hole``: entries before the tail's first were known, and do not lead up to it."""
    if tail.first is None:
        return _Known([], tail, is_broken=bool(listed))
    stored = stored_before(tail, listed)
    first = stored[0].first if stored else tail.first
    leads_nowhere = first == tail.first
    is_broken = first > 0 and (any(key.last < first for key in listed) or (has_hole and leads_nowhere))
    return _Known(stored, tail, is_broken)
