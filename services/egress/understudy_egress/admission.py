"""How much work of a kind is done at a time, and how much more may wait for that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from understudy_domain.errors import UnderstudyError


class Admission:
    """``at_once`` are in, ``waiting_max`` more wait, first come first served; others are refused."""

    def __init__(self, *, at_once: int, waiting_max: int, refuse: Callable[[], UnderstudyError]) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self._refuse = refuse
        self.waiting = 0
        self.refused_total = 0

    @contextlib.asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """While it is one's turn.

        Raises:
            UnderstudyError: what ``refuse`` makes; too many wait.
        """
        if self._room.locked() and self.waiting >= self._waiting_max:
            self.refused_total += 1
            raise self._refuse()
        self.waiting += 1
        try:
            await self._room.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._room.release()
