"""The tasks that the decision loop starts as it goes: kept while they run, and missed when they fail."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class Tasks:
    """Tasks of one name; a failure of any ends the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside the caller."""
        task = asyncio.get_running_loop().create_task(work, name=self._name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(_report)
        return task

    async def end(self) -> None:
        """Cancel what still runs, and wait for it."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    """A controller that does not decide is of no use: let its supervisor begin anew."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the decision loop failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGINT)  # without the delay: nobody is to be waited for
