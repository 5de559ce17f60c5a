"""Segments in memory: the least recently used go first, by bytes; simultaneous misses become one read."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from understudy_egress.board import Board
from understudy_egress.prepared import Prepared, SegmentDescription, prepare_segment

Load = Callable[[], Awaitable[bytes | memoryview]]


@dataclass(slots=True)
class CacheCounts:
    """What the cache did since the process began."""

    hits: int = 0
    misses: int = 0
    collapsed: int = 0
    """Requests that waited for another one's read."""
    evictions: int = 0


class SegmentCache:
    """Prepared segments by path. What is here is on the board too, for as long as its owner has it shown there."""

    def __init__(self, *, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_held = 0
        self.counts = CacheCounts()
        self._held: OrderedDict[bytes, tuple[Prepared, Board]] = OrderedDict()
        self._reads: dict[bytes, asyncio.Task[Prepared]] = {}

    def __len__(self) -> int:
        return len(self._held)

    async def get(
        self, path: bytes, description: SegmentDescription, *, board: Board, epoch: int, load: Load
    ) -> Prepared:
        """The segment, from memory or by ``load``; whatever ``load`` raises reaches all who wait for it.

        ``epoch`` is the board's from before it was found that the segment is offered: it is shown while that stands.

        A caller that goes away takes nothing from the others: the read goes on.
        """
        held = self._held.get(path)
        if held is not None:
            prepared, shown_on = held
            if prepared.identity.etag == description.etag:
                self._touch(path)
                if board.epoch == epoch and (shown_on is not board or board.find(path) is None):
                    self._held[path] = (prepared, board)
                    board.show(path, prepared)
                return prepared
            self._drop(path)  # of a programme that was replaced by another one, whose numbers begin anew
        read = self._reads.get(path)
        if read is None:
            self.counts.misses += 1
            read = asyncio.create_task(
                self._read(path, description, (board, epoch), load), name=f"segment {path.decode()}"
            )
            self._reads[path] = read
            read.add_done_callback(lambda task: self._forget_read(path, task))
        else:
            self.counts.collapsed += 1
        return await asyncio.shield(read)

    def _forget_read(self, path: bytes, task: asyncio.Task[Prepared]) -> None:
        self._reads.pop(path, None)
        if not task.cancelled():
            task.exception()  # Every waiter may have gone away; an exception nobody saw is no news then.

    async def _read(
        self, path: bytes, description: SegmentDescription, place: tuple[Board, int], load: Load
    ) -> Prepared:
        board, epoch = place
        body = await load()
        prepared = prepare_segment(description, body, touch=lambda: self._touch(path))
        if len(body) <= self.bytes_max:
            self._held[path] = (prepared, board)
            self.bytes_held += len(body)
            if board.epoch == epoch:
                board.show(path, prepared)
            self._evict()
        return prepared

    def _touch(self, path: bytes) -> None:
        self.counts.hits += 1
        if path in self._held:
            self._held.move_to_end(path)

    def _evict(self) -> None:
        while self.bytes_held > self.bytes_max:
            self._drop(next(iter(self._held)))
            self.counts.evictions += 1

    def _drop(self, path: bytes) -> None:
        prepared, board = self._held.pop(path)
        self.bytes_held -= len(prepared.identity.body)
        board.hide(path)
