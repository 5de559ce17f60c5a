"""When this process looks for garbage that refers to itself: often among what is new, and hardly ever among the rest.

The states of a thousand channels are more than a million objects, none of which refers to itself. To go over all of
them takes a second or two, longer than a lease lasts, and over those of the last minute a twentieth to a fifth of one:
for so long nothing is decided.
"""

from __future__ import annotations

import asyncio
import gc
import resource

_YOUNG = 2_000
"""So many new objects are gone over at a time: a millisecond or two."""
_NEVER = 1_000_000_000
_LOOK_SECONDS = 600.0
_GROWN = 2
"""Everything is gone over when memory has grown so many times: what serves requests does leave such garbage behind, a
little that was in use when the new objects were gone over."""


async def collect_garbage() -> None:
    """Collect for ever, as is good for a process that decides."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    size = None
    try:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if size is None:
                size = _peak()  # with the states of its channels
            elif _peak() >= _GROWN * size:
                size = _peak()
                gc.collect()
    finally:
        gc.set_threshold(*before)


def _peak() -> int:
    """The most memory that the process has had, in units of the system's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
