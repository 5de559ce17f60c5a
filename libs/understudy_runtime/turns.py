"""Work of some milliseconds, one piece in each turn of the event loop, so that others come in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Whoever shares these waits for the others: a loop runs all that is ready before it looks at its sockets."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def take(self, work: Callable[[], T]) -> T:
        """Do this in a turn of its own; whatever it raises is raised."""
        async with self._turn:
            await asyncio.sleep(0)
            return work()
