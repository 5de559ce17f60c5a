"""Waiting for something to become true: polled, bounded, and telling what was seen when it did not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_seconds: float, what: str, poll_seconds: float = 0.1) -> T:
    """The first truthy answer of ``look``.

    Raises:
        AssertionError: there was none in time; the message holds ``what`` and the last answer.
    """
    give_up_at = time.monotonic() + within_seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= give_up_at:
            raise AssertionError(f"not within {within_seconds} s: {what}; last seen: {seen!r}")
        time.sleep(poll_seconds)


async def eventually_beside(look: Callable[[], T], *, within_seconds: float, what: str) -> T:
    """The same in a coroutine: what is waited for may happen in the same event loop."""
    try:
        async with asyncio.timeout(within_seconds):
            while not (seen := look()):  # noqa: ASYNC110  # nobody says when
                await asyncio.sleep(0.02)
            return seen
    except TimeoutError as err:
        raise AssertionError(f"not within {within_seconds} s: {what}; last seen: {look()!r}") from err
