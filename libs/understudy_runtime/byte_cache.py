"""What is worth keeping in memory, up to so many bytes: the least recently used goes first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteCache(Generic[K, V]):
    """Values by key. Simultaneous misses of one key become one load."""

    def __init__(self, *, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_held = 0
        self.hits = 0
        self.misses = 0
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._loads: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: K) -> V | None:
        """The value, if it is here."""
        held = self._held.get(key)
        if held is None:
            self.misses += 1
            return None
        self.hits += 1
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: K, value: V, *, weight: int) -> None:
        """Keep a value of ``weight`` bytes, in place of what the key had; one that is too large is not kept."""
        _, before = self._held.pop(key, (None, 0))
        self.bytes_held -= before
        if weight > self.bytes_max:
            return
        self._held[key] = (value, weight)
        self.bytes_held += weight
        while self.bytes_held > self.bytes_max:
            _, (_, gone) = self._held.popitem(last=False)
            self.bytes_held -= gone

    async def get(
        self,
        key: K,
        load: Callable[[], Awaitable[V]],
        *,
        weight: Callable[[V], int],
        is_current: Callable[[V], bool] = lambda _: True,
    ) -> V:
        """The value, from memory where it is still current, or by ``load``; whatever that raises reaches all who wait.

        A caller that goes away takes nothing from the others: the load goes on.
        """
        found = self.find(key)
        if found is not None and is_current(found):
            return found
        task = self._loads.get(key)
        if task is None:
            task = self._loads[key] = asyncio.create_task(self._load(key, load, weight))
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    async def _load(self, key: K, load: Callable[[], Awaitable[V]], weight: Callable[[V], int]) -> V:
        value = await load()
        self.put(key, value, weight=weight(value))
        return value

    def _forget(self, key: K, task: asyncio.Task[V]) -> None:
        self._loads.pop(key, None)
        if not task.cancelled():
            task.exception()  # Every waiter may have gone away; an exception nobody saw is no news then.
