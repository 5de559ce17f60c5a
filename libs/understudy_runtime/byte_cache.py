"""What is worth keeping in memory, up to so many bytes: the least recently used goes first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Load(Generic[V]):
    task: asyncio.Task[V]
    waiting: int = 0


class ByteCache(Generic[K, V]):
    """Values by key, and by the version of what they were made of, where that changes.

    One version of a key is held. Simultaneous misses of the same version become one load.
    """

    def __init__(self, *, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_held = 0
        self.hits = 0
        self.misses = 0
        self._held: OrderedDict[K, tuple[V, int, Hashable]] = OrderedDict()
        self._loads: dict[tuple[K, Hashable], _Load[V]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: K, *, version: Hashable = None) -> V | None:
        """The value, if it is here, and of this version."""
        held = self._held.get(key)
        if held is None or held[2] != version:
            self.misses += 1
            return None
        self.hits += 1
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: K, value: V, *, weight: int, version: Hashable = None) -> None:
        """Keep a value of ``weight`` bytes, in place of what the key had; one that is too large is not kept."""
        _, before, _ = self._held.pop(key, (None, 0, None))
        self.bytes_held -= before
        if weight > self.bytes_max:
            return
        self._held[key] = (value, weight, version)
        self.bytes_held += weight
        while self.bytes_held > self.bytes_max:
            _, (_, gone, _) = self._held.popitem(last=False)
            self.bytes_held -= gone

    async def get(
        self, key: K, load: Callable[[], Awaitable[V]], *, weight: Callable[[V], int], version: Hashable = None
    ) -> V:
        """The value, from memory or by ``load``; whatever that raises reaches all who wait.

        What is being loaded of another version is not waited for: it would be something else than was asked for. A
        caller that goes away takes nothing from the others: the load goes on, until the last of them has gone away.
        """
        found = self.find(key, version=version)
        if found is not None:
            return found
        loading = (key, version)
        one = self._loads.get(loading)
        if one is None:
            task = asyncio.create_task(self._load(key, load, weight, version))
            task.add_done_callback(lambda done: self._forget(loading, done))
            one = self._loads[loading] = _Load(task)
        one.waiting += 1
        try:
            return await asyncio.shield(one.task)
        finally:
            one.waiting -= 1
            if not one.waiting and not one.task.done():
                self._forget(loading, one.task)  # who comes now must not wait for what has been cancelled
                one.task.cancel()

    async def _load(self, key: K, load: Callable[[], Awaitable[V]], weight: Callable[[V], int], version: Hashable) -> V:
        value = await load()
        self.put(key, value, weight=weight(value), version=version)
        return value

    def _forget(self, loading: tuple[K, Hashable], task: asyncio.Task[V]) -> None:
        one = self._loads.get(loading)
        if one is not None and one.task is task:
            del self._loads[loading]
        if task.done() and not task.cancelled():
            task.exception()  # Every waiter may have gone away; an exception nobody saw is no news then.
