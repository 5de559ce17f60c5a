"""The body of one upload while it arrives: collected in memory, bounded, never half-used."""

from __future__ import annotations

import asyncio

from understudy_domain.errors import UnderstudyError
from understudy_ingest.errors import BodyIncomplete, BodyStalled, BodyTooLarge, Overloaded


class Budget:
    """How many bytes all uploads together may hold."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self.held = 0
        """Bytes in memory now."""

    def take(self, size: int) -> bool:
        """Count ``size`` bytes more, if they fit."""
        if self.held + size > self._size_max:
            return False
        self.held += size
        return True

    def give_back(self, size: int) -> None:
        """Count ``size`` bytes less."""
        self.held -= size


class Body:
    """Fed by a connection, awaited by a request. ``close`` gives its bytes back to the budget."""

    def __init__(self, *, size_max: int, budget: Budget) -> None:
        self._size_max = size_max
        self._budget = budget
        self._received: list[bytes] = []
        self._size = 0
        self._ended = asyncio.Event()
        self._failure: UnderstudyError | None = None

    @property
    def size(self) -> int:
        """Bytes that arrived, until it is closed."""
        return self._size

    def feed(self, data: bytes) -> None:
        """More of it arrived."""
        if self._ended.is_set():
            return
        if self._size + len(data) > self._size_max:
            self._fail(BodyTooLarge(f"the body is larger than {self._size_max} bytes, the most that is taken"))
        elif not self._budget.take(len(data)):
            self._fail(Overloaded("too many uploads are held at present, send this one again"))
        else:
            self._size += len(data)
            self._received.append(data)

    def finish(self) -> None:
        """All of it arrived."""
        self._ended.set()

    def lose(self) -> None:
        """The connection ended; harmless after ``finish``."""
        if not self._ended.is_set():
            self._fail(BodyIncomplete(f"the connection ended after {self._size} bytes of a body that goes on"))

    def _fail(self, failure: UnderstudyError) -> None:
        self._failure = failure
        self._received.clear()
        self._ended.set()

    async def read(self, *, stall_seconds: float) -> bytes:
        """All of it, once it is there.

        Raises:
            BodyTooLarge, BodyIncomplete, Overloaded: as it says.
            BodyStalled: nothing more came for ``stall_seconds``.
        """
        while not self._ended.is_set():
            size_before = self._size
            try:
                async with asyncio.timeout(stall_seconds):
                    await self._ended.wait()
            except TimeoutError as err:
                if self._size == size_before:
                    raise BodyStalled(f"nothing more of the body came for {stall_seconds:g} s") from err
        if self._failure is not None:
            raise self._failure
        received, self._received = self._received, []
        return received[0] if len(received) == 1 else b"".join(received)

    def close(self) -> None:
        """Nobody needs it any longer."""
        self._received.clear()
        self._budget.give_back(self._size)
        self._size = 0
        self._ended.set()
