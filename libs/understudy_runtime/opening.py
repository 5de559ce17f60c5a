"""Opening what a service needs beside its HTTP server, so that probes are answered while NATS is waited for.

A service that answered nothing until NATS does would be taken for one that hangs, and be started again and again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from understudy_runtime.errors import StillStarting

_log = logging.getLogger(__name__)

_CLOSE_SECONDS = 8.0
"""How long what was opened may take to close by itself; then it is cancelled."""


class Opening:
    """Opens a context once, beside whoever is inside ``running``."""

    def __init__(
        self, opened: Callable[[], AbstractAsyncContextManager[None]], *, trouble: Callable[[], str | None]
    ) -> None:
        """``opened`` opens everything, however long NATS takes; ``trouble`` says why it takes that long."""
        self._opened = opened
        self._trouble = trouble
        self._is_open = asyncio.Event()

    def waits_for(self) -> str | None:
        """What keeps it from being open, in a sentence; None: it is. A check for ``Health``."""
        return None if self._is_open.is_set() else self._trouble() or "waiting for NATS"

    async def wait(self, *, seconds: float) -> None:
        """Until it is open.

        Raises:
            StillStarting: it is not within so long.
        """
        if self._is_open.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._is_open.wait()
        except TimeoutError as err:
            raise StillStarting("the service is starting and has not reached NATS yet; try again") from err

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open beside the caller; on leaving, close."""
        stop = asyncio.Event()
        task = asyncio.create_task(self._run(stop), name="opening")
        task.add_done_callback(_end_process_if_failed)
        try:
            yield
        finally:
            stop.set()
            _, unfinished = await asyncio.wait((task,), timeout=_CLOSE_SECONDS if self._is_open.is_set() else 0)
            while unfinished:
                task.cancel()  # again and again: see ``Connection.close``
                _, unfinished = await asyncio.wait((task,), timeout=_CLOSE_SECONDS)

    async def _run(self, stop: asyncio.Event) -> None:
        async with self._opened():
            self._is_open.set()
            await stop.wait()


def _end_process_if_failed(task: asyncio.Task[None]) -> None:
    """A service that could not be opened, or failed to close, is of no use: let its supervisor begin anew."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("the service failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGINT)  # without the delay: nobody is to be waited for
