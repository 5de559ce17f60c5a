"""Output segments: from an entry's pieces in the storage to the bytes behind a URI."""

from __future__ import annotations

import asyncio

from prometheus_client import Histogram

from understudy_domain import keys
from understudy_domain.errors import LeftWindow
from understudy_domain.index_page_media import Joinable
from understudy_egress.board import Board
from understudy_egress.errors import MediaUnavailable
from understudy_egress.prepared import Prepared, SegmentDescription, describe_segment
from understudy_egress.segment_cache import SegmentCache
from understudy_runtime.errors import ObjectDiffers, ObjectMissing, StorageUnavailable
from understudy_runtime.output_segment import MediaStore, joined, read_pieces

_READ_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Segments:
    """Reads each segment once, however many ask for it at a time, and keeps the recent ones."""

    def __init__(self, store: MediaStore, cache: SegmentCache, *, reads_max: int, timeout_seconds: float) -> None:
        self._store = store
        self._timeout_seconds = timeout_seconds
        self._reading = asyncio.Semaphore(reads_max)
        self.cache = cache
        self.bytes_read_total = 0
        self.errors_total = 0
        self.read_seconds = Histogram(
            "understudy_egress_storage_read_seconds",
            "Reading one segment from the storage, waiting for its turn included; failures too.",
            buckets=_READ_BUCKETS,
            registry=None,
        )

    @staticmethod
    def describe(path: keys.SegmentPath, rendition: Joinable) -> SegmentDescription:
        """Its headers, without reading it."""
        return describe_segment(rendition, rendering_version=path.rendering_version, suffix=path.suffix)

    async def get(
        self, path: bytes, rendition: Joinable, description: SegmentDescription, *, board: Board, epoch: int
    ) -> Prepared:
        """The segment with its bytes; ``epoch`` as ``SegmentCache.get``.

        Raises:
            LeftWindow: the storage no longer has a piece of it.
            MediaUnavailable: the storage does not answer, or its object is not what the entry says.
        """
        return await self.cache.get(path, description, board=board, epoch=epoch, load=lambda: self._load(rendition))

    async def _load(self, rendition: Joinable) -> bytes | memoryview:
        with self.read_seconds.time():
            try:
                pieces = await self._read(rendition)
            except MediaUnavailable:
                self.errors_total += 1
                raise
        self.bytes_read_total += rendition.size
        return await joined(rendition, pieces)

    async def _read(self, rendition: Joinable) -> list[memoryview]:
        try:
            async with asyncio.timeout(self._timeout_seconds), self._reading:
                return await read_pieces(self._store, rendition)
        except TimeoutError as err:
            raise MediaUnavailable("the storage of the media does not answer in time") from err
        except StorageUnavailable as err:
            raise MediaUnavailable("the storage of the media is away") from err
        except ObjectDiffers as err:
            raise MediaUnavailable(str(err)) from err
        except ObjectMissing as err:
            raise LeftWindow("the media of this segment has been removed") from err
