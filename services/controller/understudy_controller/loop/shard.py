"""A shard of channels that this process decides for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Shard:
    """How far its part of ARRIVALS has been read. A shard that is taken anew is another one of the same number."""

    number: int
    position: int = 0
    """ARRIVALS sequence up to which it has been read."""
    read_until: int | None = None
    """Log time up to which it has been read, ticks since the epoch; None: to its end."""
    caught_up: bool = False
    replayed: asyncio.Event = field(default_factory=asyncio.Event)
    """It has caught up, or will not any more."""
    leaving: bool = False
    """It is to be given back: nothing more is decided for it."""
    reading: asyncio.Task[None] | None = None

    def leave(self) -> None:
        """Nothing more is to be decided for it."""
        self.leaving = True
        self.replayed.set()

    async def stop_reading(self) -> None:
        """Read no more; returns once nothing is read any more."""
        self.leave()
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.wait((self.reading,))
