"""How fast this process copies: so many segments at a time, so many bytes a second on average."""

from __future__ import annotations

import asyncio

from understudy_runtime import clock


class Pace:
    """Shared by all jobs of a process."""

    def __init__(self, *, segments_max: int, bytes_per_second: int) -> None:
        """``bytes_per_second``: 0 for no limit."""
        self._places = asyncio.Semaphore(segments_max)
        self._bytes_per_second = bytes_per_second
        self._free_at = 0.0

    async def enter(self, size: int) -> None:
        """Wait until a segment of that size may be copied; ``leave`` once it is."""
        await self._places.acquire()
        if not self._bytes_per_second:
            return
        now = clock.monotonic()
        begin = max(self._free_at, now)
        # What comes next begins once this much time has passed: there is no saving up for a burst.
        self._free_at = begin + size / self._bytes_per_second
        try:
            await asyncio.sleep(begin - now)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """It is copied, or given up."""
        self._places.release()
