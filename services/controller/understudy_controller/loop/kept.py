"""What stands in PROGRAM of the endpoints that this process decides for: read once, then told of each append.

All of a programme has to be known before an object may go: any entry may name an old one. So a controller that takes a
shard reads its programmes from their beginnings, a bounded number of entries at a time, oldest first. What it knows is
of one shard taken once: when the shard is dropped, or taken anew, it begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from understudy_controller.loop.shard import Shard
from understudy_domain import codec, keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import IndexPageKey
from understudy_domain.paging import unpaged_from
from understudy_domain.retention import EntryOutline, Programme, run_duration_of
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus

_PAGE = 250
"""Entries that are read at once."""
_READ_SECONDS_MAX = 10.0
_BUSY_SECONDS = 0.005
"""How long the reading may keep decisions waiting."""


@dataclass(slots=True)
class KeptProgramme:
    """A programme, and whether all of it is known."""

    programme: Programme = field(default_factory=Programme)
    complete: bool = False
    appended: int = 0
    """PROGRAM sequence of the last entry that is known to have been appended."""
    run_duration: int = 0
    pages: list[IndexPageKey] | None = None
    """The index pages that there are; None: they have not been looked for yet."""

    @property
    def unpaged(self) -> int:
        """The media sequence up to which all that stands in PROGRAM stands in index pages too."""
        return unpaged_from(self.programme, self.pages or ())


@dataclass(slots=True)
class _KeptShard:
    shard: Shard
    programmes: dict[str, KeptProgramme] = field(default_factory=dict)
    """By endpoint guid."""
    looked_at: dict[str, int] = field(default_factory=dict)
    """By prefix of object keys: when the first object was received that may not go yet, ms since the epoch."""


class Kept:
    """By shard and endpoint, what is kept."""

    def __init__(self, bus: Bus, *, shards: int, margin: int, current: Callable[[int], Shard | None]) -> None:
        """``margin`` in ticks; ``current``: a shard of this process by number, once it has been read to its end."""
        self._bus = bus
        self._count = shards
        self._margin = margin
        self._current = current
        self._shards: dict[int, _KeptShard] = {}

    def _of(self, shard: Shard) -> _KeptShard:
        kept = self._shards.get(shard.number)
        if kept is None or kept.shard is not shard:
            kept = self._shards[shard.number] = _KeptShard(shard)
        return kept

    def forget_others(self) -> None:
        """Forget the shards that are no longer this process's."""
        for number in [number for number, kept in self._shards.items() if self._current(number) is not kept.shard]:
            del self._shards[number]

    def looked_at(self, shard: Shard) -> dict[str, int]:
        """What was seen of the storage."""
        return self._of(shard).looked_at

    def of(self, shard: Shard, endpoint: OriginEndpoint) -> KeptProgramme:
        """What is kept of an endpoint."""
        kept = self._of(shard).programmes.setdefault(endpoint.guid, KeptProgramme())
        kept.run_duration = run_duration_of(endpoint, margin=self._margin)
        return kept

    def forget(self, shard: Shard, endpoints: set[str]) -> None:
        """Forget all endpoints of a shard but these (guids)."""
        programmes = self._of(shard).programmes
        for guid in programmes.keys() - endpoints:
            del programmes[guid]

    def appended(self, entry: ProgramEntry, sequence: int) -> None:
        """An entry stands that this process has appended."""
        kept = self._shards.get(keys.shard_of(entry.channel, shards=self._count))
        found = kept.programmes.get(entry.origin_endpoint) if kept is not None else None
        if found is None:
            return
        found.appended = max(found.appended, sequence)
        if found.complete and sequence > found.programme.last_sequence:
            if found.programme.next_media_sequence in (None, entry.media_sequence + entry.ended):
                found.programme.add(entry, sequence, run_duration=found.run_duration)
            else:
                found.complete = False  # something lies between that this process did not append

    async def read(self, shard: Shard, endpoint: OriginEndpoint, *, entries_max: int) -> int:
        """Read on in an endpoint's programme, until all is known or about ``entries_max`` are read; how many were.

        Raises:
            BusUnavailable: NATS is away.
            TimeoutError: no answer in time.
        """
        kept, count = self.of(shard, endpoint), 0
        subject = keys.program_subject(shard.number, endpoint.guid)
        busy_since = clock.monotonic()
        while not kept.complete and count < entries_max:
            async with asyncio.timeout(_READ_SECONDS_MAX):
                messages = await self._bus.fetch(
                    keys.PROGRAM_STREAM, subject, first_sequence=kept.programme.last_sequence + 1, limit=_PAGE
                )
            for message in messages:
                try:
                    entry = codec.decode_outline(ProgramEntry, EntryOutline, message.payload)
                    kept.programme.add(entry, message.sequence, run_duration=kept.run_duration)
                except MalformedRecord:
                    kept.programme.add_unreadable(message.sequence, run_duration=kept.run_duration)
                if clock.monotonic() - busy_since > _BUSY_SECONDS:
                    await asyncio.sleep(0)
                    busy_since = clock.monotonic()
            count += len(messages)
            # Nothing is awaited from here to the next append: it is either read, or told of.
            kept.complete = len(messages) < _PAGE and kept.programme.last_sequence >= kept.appended
        return count
