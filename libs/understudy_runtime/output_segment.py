"""Output segments: from an entry's pieces in the storage to the bytes that viewers get, whoever reads them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Final, Protocol

from understudy_domain.entry import CounterShift
from understudy_domain.index_page_media import Joinable
from understudy_runtime.errors import ObjectDiffers

_JOIN_IN_THREAD_BYTES = 256 * 1024
"""From this size on a join (a quarter of a millisecond a megabyte) would hold up other requests noticeably."""
_JOINER: Final = "understudy_runtime.join"


class MediaStore(Protocol):
    """What is asked of the storage."""

    async def get_view(self, key: str) -> memoryview:
        """The whole object; raises ObjectMissing or StorageUnavailable."""


async def read_pieces(store: MediaStore, rendition: Joinable) -> list[memoryview]:
    """The pieces of a slot in one rendition, as they are stored.

    Raises:
        ObjectMissing: one has been removed.
        StorageUnavailable: no answer.
        ObjectDiffers: one is not what the entry says.
    """
    if len(rendition.pieces) == 1:
        pieces = [await store.get_view(rendition.pieces[0].object_key)]
    else:
        pieces = await asyncio.gather(*(store.get_view(piece.object_key) for piece in rendition.pieces))
    for piece, body in zip(rendition.pieces, pieces, strict=True):
        if len(body) != piece.size:
            raise ObjectDiffers(f"{piece.object_key} has {len(body)} bytes where {piece.size} were stored")
    return pieces


async def joined(rendition: Joinable, pieces: list[memoryview]) -> bytes | memoryview:
    """The output segment of the pieces that were read, its counters shifted as the entry says."""
    shifts = [piece.shifts for piece in rendition.pieces]
    if len(pieces) == 1 and not shifts[0]:
        return pieces[0]
    if rendition.size > _JOIN_IN_THREAD_BYTES or _JOINER not in sys.modules:
        return await asyncio.to_thread(_join, pieces, shifts)
    return _join(pieces, shifts)


def _join(pieces: list[memoryview], shifts: Sequence[Sequence[CounterShift] | None]) -> bytes | memoryview:
    # numpy takes a tenth of a second to load: a process starts without it, and most never join anything.
    from understudy_runtime.join import join_pieces  # noqa: PLC0415

    return join_pieces(pieces, shifts)
