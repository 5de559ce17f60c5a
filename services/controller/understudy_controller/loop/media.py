"""The media bucket as retention needs it: oldest objects first, in batches, while the channel's lease is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING

from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_domain import keys, ticks
from understudy_domain.retention import KEYS_MAX, StoredObject, removable_objects
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

if TYPE_CHECKING:
    from understudy_runtime.objectkeys import ObjectKeys

_BATCHES_MAX = 8
"""Of one input in a round, so that one with a long past does not keep the others waiting."""


class Media:
    """Removes objects by prefix."""

    def __init__(self, settings: CommonSettings, metrics: RetentionMetrics, *, holds: Callable[[int], bool]) -> None:
        """``holds``: whether a shard is this process's."""
        self._settings = settings
        self._metrics = metrics
        self._holds = holds
        self._keys: ObjectKeys | None = None

    async def _object_keys(self) -> ObjectKeys:
        """The storage's library is loaded when there is something to remove, not while the controller starts."""
        if self._keys is None:
            self._keys = await asyncio.to_thread(_open, self._settings)
        return self._keys

    async def remove_before(
        self,
        prefix: str,
        *,
        before_milliseconds: int,
        modified_before: int,
        held: set[str],
        shard: int,
        looked_at: MutableMapping[str, int],
    ) -> None:
        """Remove what may go of an input's objects (``retention.removable_objects``).

        ``looked_at`` remembers from one round to the next, by prefix, when the first object was received that may be to
        be removed next (ms since the epoch), so that the storage is asked only once that may go.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        if looked_at.get(prefix, 0) >= before_milliseconds:
            return
        object_keys = await self._object_keys()
        after: str | None = None
        for _ in range(_BATCHES_MAX):
            asked_at = clock.now_ticks()
            listed = await object_keys.first(prefix, after=after)
            found = removable_objects(
                listed, before_milliseconds=before_milliseconds, modified_before=modified_before, held=held
            )
            if not await self._remove(object_keys, list(found), shard):
                return
            received = (keys.received_milliseconds(one.key) for one in listed)
            later = [one for one in received if one is not None and one >= before_milliseconds]
            if later or len(listed) < KEYS_MAX:
                # Where there is none, the next one is yet to be received.
                looked_at[prefix] = min(later, default=asked_at * 1_000 // ticks.TICKS_PER_SECOND)
                return
            after = listed[-1].key

    async def remove_all(self, prefix: str, *, shard: int) -> int:
        """Remove what begins with ``prefix``, in this round as much as fits; returns how many objects there were.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        object_keys = await self._object_keys()
        count = 0
        for _ in range(_BATCHES_MAX):
            listed = await object_keys.first(prefix)
            if not listed or not await self._remove(object_keys, listed, shard):
                break
            count += len(listed)
        return count

    async def _remove(self, object_keys: ObjectKeys, objects: Sequence[StoredObject], shard: int) -> bool:
        """Whether it may go on: not if the lease is lost."""
        if not self._holds(shard):
            return False
        if objects:
            await object_keys.remove([one.key for one in objects])
            self._metrics.objects.inc(len(objects))
            self._metrics.bytes.inc(sum(one.size for one in objects))
        return True


def _open(settings: CommonSettings) -> ObjectKeys:
    from understudy_runtime.objectkeys import ObjectKeys  # noqa: PLC0415

    return ObjectKeys(settings)
