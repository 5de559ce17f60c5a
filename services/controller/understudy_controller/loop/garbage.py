"""When this process looks for garbage that refers to itself: seldom among what is old.

The states of a thousand channels are millions of objects, none of which refers to itself; by Python's defaults all of
them would be gone over every few seconds, and decisions would wait for a good part of a second each time.
"""

from __future__ import annotations

import asyncio
import gc

_YOUNG = 10_000
"""So many new objects are gone over at a time: about a millisecond."""
_MIDDLE = 10
_NEVER = 1_000_000_000
_ALL_SECONDS = 600.0
"""How often everything is gone over all the same: what serves requests does leave such garbage behind."""


async def collect_garbage() -> None:
    """Collect for ever, as is good for a process that decides."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    try:
        while True:
            await asyncio.sleep(_ALL_SECONDS)
            gc.collect()
    finally:
        gc.set_threshold(*before)
