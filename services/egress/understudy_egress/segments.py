"""Output segments: from an entry's pieces in the storage to the bytes behind a URI."""

from __future__ import annotations

import asyncio
from typing import Protocol

from understudy_domain import keys
from understudy_domain.entry import EntryRendition
from understudy_domain.errors import LeftWindow
from understudy_egress.board import Board
from understudy_egress.errors import MediaUnavailable
from understudy_egress.join import join_pieces
from understudy_egress.prepared import Prepared, SegmentDescription, describe_segment
from understudy_egress.segment_cache import SegmentCache
from understudy_runtime.errors import ObjectMissing, StorageUnavailable

_JOIN_IN_THREAD_BYTES = 256 * 1024
"""From this size on a join (a quarter of a millisecond a megabyte) would hold up other requests noticeably."""


class MediaStore(Protocol):
    """What is asked of the storage."""

    async def get_view(self, key: str) -> memoryview:
        """The whole object; raises ObjectMissing or StorageUnavailable."""


class Segments:
    """Reads each segment once, however many ask for it at a time, and keeps the recent ones."""

    def __init__(self, store: MediaStore, cache: SegmentCache, *, reads_max: int, timeout_seconds: float) -> None:
        self._store = store
        self._timeout_seconds = timeout_seconds
        self._reading = asyncio.Semaphore(reads_max)
        self.cache = cache
        self.bytes_read_total = 0

    @staticmethod
    def describe(path: keys.SegmentPath, rendition: EntryRendition) -> SegmentDescription:
        """Its headers, without reading it."""
        return describe_segment(rendition, rendering_version=path.rendering_version, suffix=path.suffix)

    async def get(
        self, path: bytes, rendition: EntryRendition, description: SegmentDescription, *, board: Board
    ) -> Prepared:
        """The segment with its bytes.

        Raises:
            LeftWindow: the storage no longer has a piece of it.
            MediaUnavailable: the storage does not answer, or its object is not what the entry says.
        """
        return await self.cache.get(path, description, board=board, load=lambda: self._load(rendition))

    async def _load(self, rendition: EntryRendition) -> bytes | memoryview:
        try:
            async with asyncio.timeout(self._timeout_seconds), self._reading:
                pieces = await self._pieces(rendition)
        except TimeoutError as err:
            raise MediaUnavailable("the storage of the media does not answer in time") from err
        except StorageUnavailable as err:
            raise MediaUnavailable("the storage of the media is away") from err
        except ObjectMissing as err:
            raise LeftWindow("the media of this segment has been removed") from err
        for piece, body in zip(rendition.pieces, pieces, strict=True):
            if len(body) != piece.size:
                raise MediaUnavailable(f"{piece.object_key} has {len(body)} bytes where {piece.size} were stored")
        self.bytes_read_total += rendition.size
        shifts = [piece.shifts for piece in rendition.pieces]
        if rendition.size > _JOIN_IN_THREAD_BYTES and (len(pieces) > 1 or any(shifts)):
            return await asyncio.to_thread(join_pieces, pieces, shifts)
        return join_pieces(pieces, shifts)

    async def _pieces(self, rendition: EntryRendition) -> list[memoryview]:
        if len(rendition.pieces) == 1:
            return [await self._store.get_view(rendition.pieces[0].object_key)]
        return await asyncio.gather(*(self._store.get_view(piece.object_key) for piece in rendition.pieces))
