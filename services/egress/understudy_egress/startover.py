"""Time-shifted viewing: playlists of windows of the past, and segments that have left the live playlist.

What is rendered once is kept, up to so many bytes: the lines of whole pages, which all windows share, and each playlist
as it was last answered. So a window that grows costs what is new of it. Windows are rendered a few at a time, in turns
of the event loop of some milliseconds each, and digested in a thread of their own; so many more wait, others are
refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from understudy_domain import keys
from understudy_domain.channel import HlsPackage
from understudy_domain.errors import LeftWindow, NotYetAvailable, UnderstudyError, UnknownObject
from understudy_domain.index_page import Lineup
from understudy_domain.index_page_media import Joinable
from understudy_domain.keys import IndexPageKey
from understudy_domain.multivariant import render_multivariant
from understudy_domain.playlist_request import PlaylistRequest
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Cut, Span, TimeWindow, check_reach, leaves_reach_at
from understudy_domain.timeshift_playlist import Block, is_listed, render_block, render_window
from understudy_egress.admission import Admission
from understudy_egress.errors import MediaUnavailable, TooManyWindows
from understudy_egress.gzip_pieces import deflated
from understudy_egress.pieced import PiecedPlaylist, PiecedText
from understudy_egress.prepared import Headers
from understudy_egress.programme import Programme
from understudy_runtime import clock
from understudy_runtime.byte_cache import ByteCache
from understudy_runtime.errors import ObjectDiffers, ObjectMissing, StorageUnavailable
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.program_history import HistoryView, ProgramHistory
from understudy_runtime.turns import Turns

_log = logging.getLogger(__name__)

T = TypeVar("T")

ROUTE: Final = "startover_playlist"
_MAX_AGE_SECONDS: Final = 24 * 3600
"""How long caches may keep a playlist that is complete: it never changes, but it may get out of reach."""
_LOOK_AFTER_ENTRIES: Final = 128
"""So many entries after the last look, new pages are looked for."""
_LOOK_AGAIN_SECONDS: Final = 10.0
"""While pages are missing, they are looked for no more often."""
_IDLE_SECONDS: Final = 600.0
"""So long after it was last asked for, what is known of a programme's past is forgotten."""
_IN_THREAD_BYTES: Final = 128 * 1024
"""From this size on, to digest a playlist would hold up other requests noticeably."""
_AT_ONCE: Final = 16
"""Blocks of a playlist that are made at a time: more would only wait for each other's pages."""
_WINDOWS_AT_ONCE: Final = 4
"""Playlists that are rendered at a time: one that waits for the storage leaves the processor to the others."""
_WAITING_MAX: Final = 128
"""Playlists that may wait to be rendered, a few seconds' worth."""
_SPAN_BYTES: Final = 256
"""What a span of a window takes, with the key of its page."""
_BLOCK_OVERHEAD_BYTES: Final = 1_024
"""What a block takes besides its lines: its key, objects."""


class _Piece(NamedTuple):
    """A block, and its lines compressed."""

    block: Block
    deflated: bytes


class _BlockKey(NamedTuple):
    page: IndexPageKey
    rendition: str
    prefix: str
    package: HlsPackage


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A playlist, and what it lists."""

    cut: Cut
    text: PiecedText

    @property
    def weight(self) -> int:
        """Bytes that it takes, shared or not."""
        return self.text.weight + len(self.cut.spans) * _SPAN_BYTES


@dataclass(slots=True)
class _Past:
    """What is known of a programme's past."""

    history: ProgramHistory
    used_at: float = 0.0
    looking: asyncio.Task[None] | None = None
    looked_at: float = float("-inf")
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)


class Startover:
    """One per process."""

    def __init__(
        self, bus: Bus, pages: IndexPages, *, is_current: Callable[[Programme], bool], shards: int, bytes_max: int
    ) -> None:
        """``is_current``: whether no newer entry of a programme stands than it has in memory."""
        self._bus = bus
        self._is_current = is_current
        self._pages = pages
        self._shards = shards
        self._turns = Turns()
        self._pasts: WeakKeyDictionary[Programme, _Past] = WeakKeyDictionary()
        self.blocks: ByteCache[_BlockKey, _Piece] = ByteCache(bytes_max=bytes_max // 2)
        self.playlists: ByteCache[PlaylistRequest, _Rendered] = ByteCache(bytes_max=bytes_max // 2)
        self._admission = Admission(
            at_once=_WINDOWS_AT_ONCE,
            waiting_max=_WAITING_MAX,
            refuse=lambda: TooManyWindows("too many windows of the past are asked for at once; ask again in a moment"),
        )
        # Its own: who joins segments of live playlists must not wait behind windows of the past.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="start-over")

    # --- what is asked for --------------------------------------------------------------------------------------------

    async def playlist(self, programme: Programme, request: PlaylistRequest, window: TimeWindow) -> PiecedPlaylist:
        """The playlist of the window that is asked for.

        Raises:
            OutOfWindow: the startover window does not reach it, or there is nothing in it.
            UnknownObject: there is no such playlist in it.
            MediaUnavailable: the storage does not answer.
            BusUnavailable: the past of the programme cannot be read now.
            TooManyWindows: of other playlists too many wait to be rendered.
        """
        now = clock.now_ticks()
        check_reach(programme.endpoint, window, now=now)

        async def read(view: HistoryView) -> PiecedPlaylist:
            is_current = self._is_current(programme) and view.reaches(programme.window.entries)
            cut = await view.cut(window, now=now, is_current=is_current)
            rendered = await self._rendered(view, request, cut)
            return PiecedPlaylist.of(
                rendered.text,
                route=ROUTE,
                # What is said of it is said of what it lists.
                extra=_caching(rendered.cut, left=leaves_reach_at(programme.endpoint, window) - now),
                is_live=not rendered.cut.is_complete,
            )

        return await self._reading(programme, read)

    async def segment(self, programme: Programme, path: keys.SegmentPath) -> Joinable:
        """What a segment is made of that has left the live playlist.

        Raises:
            LeftWindow: it is no longer kept.
            NotYetAvailable, UnknownObject: as ``ProgramWindow.segment``.
            MediaUnavailable, BusUnavailable: as ``playlist``.
        """

        async def read(view: HistoryView) -> Joinable:
            span = view.span_of(path.media_sequence)
            if span is None:
                raise LeftWindow(f"segment {path.media_sequence} has left the startover window")
            page = await view.page(span.key)
            if page.available_at[path.media_sequence - page.first] > clock.now_ticks():
                raise NotYetAvailable(f"segment {path.media_sequence} is not available yet")
            found = page.segment(path.media_sequence, path.rendition, rendering_version=path.rendering_version)
            index, selection = path.media_sequence - page.first, view.endpoint.hls_package.stream_selection
            if found is None or not page.names(path.rendition, index, index + 1, selection=selection):
                raise UnknownObject(f"there is nothing of {path.rendition} in segment {path.media_sequence}")
            return found

        return await self._reading(programme, read)

    # --- what is known ------------------------------------------------------------------------------------------------

    async def _reading(self, programme: Programme, read: Callable[[HistoryView], Awaitable[T]]) -> T:
        """``read`` what is known; once more where a page has been removed meanwhile."""
        try:
            await self._turns.take(lambda: None)  # to find out what a window lists takes some tenths of a millisecond
            past = await self._past(programme)
            try:
                return await read(past.history.view(programme.endpoint))
            except ObjectMissing:
                await _refreshed(past.history)
                return await read(past.history.view(programme.endpoint))
        except (StorageUnavailable, ObjectDiffers, ObjectMissing) as err:
            raise MediaUnavailable(f"the past of this origin endpoint cannot be read: {err}") from err

    async def _past(self, programme: Programme) -> _Past:
        now = clock.monotonic()
        for other, past in list(self._pasts.items()):
            if now - past.used_at > _IDLE_SECONDS:
                del self._pasts[other]
        past = self._pasts.get(programme) or _Past(
            ProgramHistory(self._bus, self._pages, programme.endpoint, shards=self._shards)
        )
        self._pasts[programme] = past
        past.used_at = now
        if not past.history.is_loaded:
            async with past.loading:  # who comes meanwhile waits for the same
                if not past.history.is_loaded:
                    await _refreshed(past.history)
        if not past.history.extend(programme.window.entries):
            await _refreshed(past.history)
            past.history.extend(programme.window.entries)
        is_due = (past.history.next_media_sequence or 0) - past.history.listed_up_to >= _LOOK_AFTER_ENTRIES
        if is_due or (past.history.is_broken and now - past.looked_at >= _LOOK_AGAIN_SECONDS):
            self._look(past)
        return past

    def _look(self, past: _Past) -> None:
        """Look for new pages, while requests are answered from what is known."""
        if past.looking is None or past.looking.done():
            past.looked_at = clock.monotonic()
            past.history.listed_up_to = past.history.next_media_sequence or 0
            past.looking = asyncio.create_task(self._refresh(past.history), name="look for pages")

    @staticmethod
    async def _refresh(history: ProgramHistory) -> None:
        try:
            await history.refresh()
        except UnderstudyError as err:
            _log.warning("new index pages are looked for again later: %s", err)

    # --- rendering ----------------------------------------------------------------------------------------------------

    async def _rendered(self, view: HistoryView, request: PlaylistRequest, cut: Cut) -> _Rendered:
        return await self.playlists.get(
            request,
            lambda: self._render(view, request, cut),
            weight=lambda one: one.weight,
            version=(cut, view.endpoint.hls_package, view.endpoint.manifest_name),  # while that is the same, so is it
        )

    async def _render(self, view: HistoryView, request: PlaylistRequest, cut: Cut) -> _Rendered:
        async with self._admission.admitted():
            if request.name == f"{view.endpoint.manifest_name}.m3u8":
                plain = await self._multivariant(view, request, cut)
                return _Rendered(cut, PiecedText.of([plain], [deflated(plain)]))
            pieces = await self._pieces(view, request, cut, _rendition_of(request, view.endpoint.manifest_name))
            parts = render_window(cut, [piece.block for piece in pieces])
            return _Rendered(cut, await self._put_together(parts, pieces))

    async def _multivariant(self, view: HistoryView, request: PlaylistRequest, cut: Cut) -> bytes:
        lineup = await view.lineup(cut.spans)
        if lineup is None:
            raise NotYetAvailable("there is nothing of any rendition in this window")
        if request.manifest_filter is not None:
            lineup = Lineup(request.manifest_filter.apply(lineup.renditions))
        return render_multivariant(view.endpoint, lineup, child_query=request.child_query).encode()

    async def _pieces(self, view: HistoryView, request: PlaylistRequest, cut: Cut, rendition: str) -> list[_Piece]:
        async def piece(span: Span) -> _Piece:
            is_first = span is cut.spans[0]
            if is_first or not span.is_whole:
                return await self._piece(view, span, rendition, request.segment_prefix, is_first=is_first)
            return await self.blocks.get(
                _BlockKey(span.key, rendition, request.segment_prefix, view.endpoint.hls_package),
                lambda: self._piece(view, span, rendition, request.segment_prefix, is_first=False),
                weight=lambda one: len(one.block.lines) + len(one.deflated) + _BLOCK_OVERHEAD_BYTES,
            )

        pieces: list[_Piece] = []
        for begin in range(0, len(cut.spans), _AT_ONCE):
            pieces += await asyncio.gather(*map(piece, cut.spans[begin : begin + _AT_ONCE]))
        if not is_listed(piece.block for piece in pieces):
            raise UnknownObject(f"there is no rendition {rendition} in this window")
        return pieces

    async def _piece(self, view: HistoryView, span: Span, rendition: str, prefix: str, *, is_first: bool) -> _Piece:
        page = await view.page(span.key)

        def made() -> _Piece:
            block = render_block(view.endpoint, page, span, rendition, prefix=prefix, is_first=is_first)
            return _Piece(block, deflated(block.lines))

        return await self._pages.turns.take(made)

    async def _put_together(self, parts: list[bytes], pieces: list[_Piece]) -> PiecedText:
        """The text of a playlist: ``parts`` are what ``render_window`` gave, ``pieces`` the blocks among them."""
        known = {id(piece.block.lines): piece.deflated for piece in pieces}

        def work() -> PiecedText:
            return PiecedText.of(parts, [known.get(id(part)) or deflated(part) for part in parts])

        if sum(map(len, parts)) <= _IN_THREAD_BYTES:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


async def _refreshed(history: ProgramHistory) -> None:
    """Others need what is read of it as well: it goes on if the client goes away who asked first."""
    await asyncio.shield(asyncio.create_task(history.refresh()))


def _rendition_of(request: PlaylistRequest, manifest_name: str) -> str:
    rendition = request.name.removesuffix(".m3u8").removeprefix(f"{manifest_name}_")
    if keys.media_playlist_name(manifest_name, rendition) != request.name:
        raise UnknownObject(f"this origin endpoint has no playlist {request.name}")
    return rendition


def _caching(cut: Cut, *, left: int) -> Headers:
    """One that is complete may be kept for as long as its window can be asked for: ``left``, ticks."""
    if not cut.is_complete:
        return ()
    return ((b"cache-control", b"public, max-age=%d" % min(max(left // TICKS_PER_SECOND, 1), _MAX_AGE_SECONDS)),)
