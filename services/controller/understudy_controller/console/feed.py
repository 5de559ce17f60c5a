"""What several pages look at, made once: a state that grows by messages, sent to each page as server-sent events.

A page that opens gets all there is, and then what changes. One that does not read is sent nothing more, and is closed:
it asks again by itself, and gets all there is once more.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any, Final

from understudy_runtime import clock

_log = logging.getLogger(__name__)

_QUEUED_MAX: Final = 64
"""Messages that a page may be behind: a quarter of a minute at the most frequent."""
KEEP_ALIVE_SECONDS: Final = 4.0
"""A page that hears nothing for some times longer takes its connection for lost, though nobody closed it: a network
that went away, a controller that stands still. Proxies close what is silent, too, mostly after a minute."""
_LASTS_SECONDS: Final = 900.0
"""Then a page has to ask again, and to be somebody who still may: its session may be over, or its key taken away."""

_UNHEARD_SECONDS: Final = 5.0
"""A consumer that is lost is made anew within four: less than that is nobody's concern."""

RETRY: Final = b"retry: 1000\n\n"
"""How soon a browser asks again after the connection was lost, milliseconds."""


def event(name: str, data: Mapping[str, Any]) -> bytes:
    """One server-sent event (HTML, 9.2): its data is one line of JSON."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


STILL_HERE: Final = event("still", {})
"""There is nothing to be told, and somebody who would. A comment would do for proxies; pages are not told of those."""
AGAIN: Final = event("again", {})
"""The page is to ask again: nothing is wrong."""


class Hearing:
    """Whether a log is read at all: who sees no arrivals while NATS is away must not take that for dead encoders."""

    def __init__(self, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._heard_at = monotonic()
        self.silence_seconds = 0.0
        """For how long it has not been up to date."""

    @property
    def is_lost(self) -> bool:
        """Whether that is long enough to be told."""
        return self.silence_seconds > _UNHEARD_SECONDS

    def note(self, *, is_current: bool) -> None:
        """Whether it is up to date now; to be said regularly."""
        now = self._monotonic()
        if is_current:
            self._heard_at = now
        self.silence_seconds = now - self._heard_at


class Pages:
    """The pages that are open, each with what is to be sent to it."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._queues)

    @property
    def is_closed(self) -> bool:
        """Whether leave was taken of all that come."""
        return self._is_closed

    def send(self, message: bytes) -> None:
        """To every page."""
        for queue in list(self._queues):
            if queue.qsize() >= _QUEUED_MAX:
                self._queues.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(message)

    def close(self) -> None:
        """End every page's connection, and of those that come yet."""
        self._is_closed = True
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues.clear()

    async def page(self, first: bytes) -> AsyncGenerator[bytes, None]:
        """One page's events, the ``first`` one made by the caller in the same turn of the loop."""
        if self._is_closed:
            return
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield RETRY + first
            until = clock.monotonic() + _LASTS_SECONDS
            while clock.monotonic() < until:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        message = await queue.get()
                except TimeoutError:
                    yield STILL_HERE
                    continue
                if message is None:
                    return
                yield message
            yield AGAIN
        finally:
            self._queues.discard(queue)


async def ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, and wait until it has ended."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def tell_failures(tasks: Iterable[asyncio.Task[None]], *, of: str) -> None:
    """Log what has failed of these; its pages are closed, and ask again."""
    for task in tasks:
        if task.done() and not task.cancelled() and (err := task.exception()) is not None:
            _log.error("the console could not go on with %s", of, exc_info=err)
