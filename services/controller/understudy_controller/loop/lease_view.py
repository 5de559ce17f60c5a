"""What this replica sees in LEASES: the keys as they change, each with the moment at which it was last renewed.

A value that runs out disappears without a word, so its age is counted here, by this process's own clock. Only time in
which the bucket was heard counts, and two renewals' worth for any silence however long: while this process was cut off
or paused nobody knows who has renewed, so whoever is alive has a moment to show it. Where all is slow, a dead replica
is found dead later, but it is found.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from understudy_domain import codec
from understudy_domain.errors import MalformedKey, MalformedRecord, NewerRecord
from understudy_domain.keys import parse_lease_key
from understudy_domain.ownership import LEASE_RENEWAL, LEASE_TTL, Lease, Seen
from understudy_domain.ticks import from_seconds
from understudy_runtime import clock
from understudy_runtime.errors import LogTruncated
from understudy_runtime.kv import Entry, KeyValue

_log = logging.getLogger(__name__)

_SILENCE_MAX = 2 * LEASE_RENEWAL
"""What a silence counts for at most, ticks: when all is well, this replica's own renewals are heard in half of it."""
_RETRY_SECONDS = 0.2


def monotonic_ticks() -> int:
    """This process's clock for leases."""
    return from_seconds(clock.monotonic())


class LeaseView:
    """The bucket as it is followed by ``follow``."""

    def __init__(self, kv: KeyValue, replica: str, *, on_change: Callable[[], None]) -> None:
        """``on_change`` is called whenever a lease is given back."""
        self._kv = kv
        self._replica = replica
        self._on_change = on_change
        self._heard_at = monotonic_ticks()
        self._observed = 0
        self._own_presence_seen = False
        self._first: dict[str, int] = {}
        self.leases: dict[int, Seen] = {}
        """By shard."""
        self.replicas: dict[str, Seen] = {}
        """By name."""
        self.revisions: dict[int, int] = {}
        """Of each lease, by shard."""

    @property
    def now(self) -> int:
        """For how long the bucket has been heard, ticks: the clock of what is seen."""
        return self._observed + min(monotonic_ticks() - self._heard_at, _SILENCE_MAX)

    @property
    def is_current(self) -> bool:
        """Whether what is seen is what stands, all of it, as far as one can tell."""
        return self._own_presence_seen and monotonic_ticks() < self._heard_at + LEASE_TTL

    async def follow(self) -> None:
        """Follow the bucket for ever."""
        while True:
            try:
                async with contextlib.aclosing(self._kv.watch()) as entries:
                    async for entry in entries:
                        self._hear(entry)
            except LogTruncated as err:
                _log.warning("the leases were replaced by older ones, reading them anew: %s", err)
            self.leases.clear()
            self.replicas.clear()
            self.revisions.clear()
            self._first.clear()
            self._own_presence_seen = False
            await asyncio.sleep(_RETRY_SECONDS)

    def _hear(self, entry: Entry) -> None:
        now = self._observed = self.now
        self._heard_at = monotonic_ticks()
        try:
            key = parse_lease_key(entry.key)
            seen = None if entry.value is None else Seen(_owner(key, entry.value), now)
        except (MalformedKey, MalformedRecord) as err:
            _log.error("skipped a record of LEASES: %s", err, extra={"key": entry.key})
            return
        if isinstance(key, int):
            self._set_lease(key, seen, entry.revision)
        elif seen is not None:
            self.replicas[key] = seen
        else:
            self.replicas.pop(key, None)
        if not self._own_presence_seen:
            self._look_at_first(entry, now)

    def _set_lease(self, shard: int, seen: Seen | None, revision: int) -> None:
        if seen is None:
            self.leases.pop(shard, None)
            self.revisions.pop(shard, None)
            self._on_change()
        else:
            self.leases[shard] = seen
            self.revisions[shard] = revision

    def _look_at_first(self, entry: Entry, now: int) -> None:
        """What stood before this replica came is as old as the server says, compared with the replica's own first key.

        So that whoever is started again need not wait a whole lifetime for the leases of its predecessor.
        """
        self._first[entry.key] = entry.instant
        if entry.key != f"replica.{self._replica}":
            return
        for key, instant in self._first.items():
            renewed_at = now - min(max(entry.instant - instant, 0), LEASE_TTL)
            parsed = parse_lease_key(key)
            if isinstance(parsed, int) and parsed in self.leases:
                self.leases[parsed] = Seen(self.leases[parsed].replica, renewed_at)
            elif isinstance(parsed, str) and parsed in self.replicas:
                self.replicas[parsed] = Seen(self.replicas[parsed].replica, renewed_at)
        self._first.clear()
        self._own_presence_seen = True
        self._on_change()


def _owner(key: int | str, payload: bytes) -> str:
    """Who wrote a value; of a shard's that a newer release wrote: somebody else."""
    try:
        return codec.decode_as(Lease, payload).replica
    except NewerRecord:
        return key if isinstance(key, str) else ""
