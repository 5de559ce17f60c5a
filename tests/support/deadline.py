"""Waiting for something to become true: polled, bounded, and telling what was seen when it did not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""Only a failure takes so long: enough for a machine that is ten times as busy as it should be."""


def eventually(
    look: Callable[[], T], *, what: str, within_seconds: float = PATIENCE_SECONDS, poll_seconds: float = 0.1
) -> T:
    """The first truthy answer of ``look``.

    Raises:
        AssertionError: there was none in time; the message holds ``what`` and the last answer.
    """
    give_up_at = time.monotonic() + within_seconds
    while True:
        seen = look()
        if seen:
            return seen
        _check(seen, what, give_up_at, within_seconds)
        time.sleep(poll_seconds)


async def comes_true(
    look: Callable[[], Awaitable[T]], what: str, *, within_seconds: float = PATIENCE_SECONDS, poll_seconds: float = 0.1
) -> T:
    """The same for a ``look`` that is awaited.

    Raises:
        AssertionError: as there.
    """
    give_up_at = time.monotonic() + within_seconds
    while True:
        seen = await look()
        if seen:
            return seen
        _check(seen, what, give_up_at, within_seconds)
        await asyncio.sleep(poll_seconds)


async def eventually_beside(
    look: Callable[[], T], *, what: str, within_seconds: float = PATIENCE_SECONDS, poll_seconds: float = 0.02
) -> T:
    """``eventually`` in a coroutine: what is waited for may happen in the same event loop.

    Raises:
        AssertionError: as there.
    """

    async def ask() -> T:
        return look()

    return await comes_true(ask, what, within_seconds=within_seconds, poll_seconds=poll_seconds)


def _check(seen: object, what: str, give_up_at: float, within_seconds: float) -> None:
    if time.monotonic() >= give_up_at:
        raise AssertionError(f"not within {within_seconds} s: {what}; last seen: {seen!r}")
