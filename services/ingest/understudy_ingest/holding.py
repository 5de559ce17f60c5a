"""Hold and try again: what many encoders never do themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from understudy_ingest.errors import HeldTooLong
from understudy_ingest.metrics import IngestMetrics
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable, StorageUnavailable

_log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_SECONDS_FIRST = 0.05
_PAUSE_SECONDS_MAX = 0.5


class Hold:
    """The time that one upload may take to be stored and reported, over all its steps."""

    def __init__(self, *, seconds: float, metrics: IngestMetrics) -> None:
        self._seconds = seconds
        self._started = clock.monotonic()
        self._metrics = metrics
        self._reason = ""

    async def until_done(self, step: Callable[[], Awaitable[T]], *, what: str) -> T:
        """The result of ``step``, tried until it succeeds.

        Raises:
            HeldTooLong: it did not in time.
            Exception: what ``step`` raises besides being unavailable.
        """
        try:
            async with asyncio.timeout(self._remaining()):
                try:
                    return await step()
                except (BusUnavailable, StorageUnavailable) as err:
                    _log.info("%s has to wait: %s", what, err)
                    self._reason = str(err)
                return await self._again(step)
        except TimeoutError as err:
            why = f": {self._reason}" if self._reason else ""
            raise HeldTooLong(f"{what} was tried for {self._seconds:g} s in vain, send it again{why}") from err

    async def _again(self, step: Callable[[], Awaitable[T]]) -> T:
        pause = _PAUSE_SECONDS_FIRST
        with self._metrics.held_requests.track_inprogress():
            try:
                while True:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _PAUSE_SECONDS_MAX)
                    try:
                        return await step()
                    except (BusUnavailable, StorageUnavailable) as err:
                        self._reason = str(err)
            finally:
                self._metrics.held_seconds.observe(clock.monotonic() - self._started)

    def _remaining(self) -> float:
        return max(0.0, self._started + self._seconds - clock.monotonic())
