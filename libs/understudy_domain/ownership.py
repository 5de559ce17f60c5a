"""Who decides for which shard: a function of what a replica sees of the leases, to what it should do about them.

Every replica asks for itself, of the same bucket. Their shares are disjoint in number, not in name: which shards a
replica has does not matter, so nothing moves without need. Two that reach for one shard are told apart by the bucket's
compare-and-set, and if both believe for a moment that they own it, by the programme's (an entry names the one before).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from understudy_domain.codec import record
from understudy_domain.ticks import from_seconds

LEASE_TTL: Final = from_seconds(1.5)
"""How long a lease holds after it was last renewed, ticks."""
LEASE_RENEWAL: Final = from_seconds(0.4)
"""How often leases are renewed, ticks: three may fail before one is lost."""


@record("lease")
@dataclass(frozen=True, slots=True)
class Lease:
    """The value of a shard's key, and of a replica's: who wrote it."""

    replica: str
    """One process, from its start to its end: whoever is started again is another."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A key of the bucket as one replica sees it."""

    replica: str
    renewed_at: int
    """When it was last seen to be renewed, ticks of a clock that never steps back."""

    def is_live(self, now: int) -> bool:
        """Whether it still counts."""
        return now < self.renewed_at + LEASE_TTL


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replica should do now."""

    acquire: tuple[int, ...] = ()
    """Shards to take, all of them free."""
    release: tuple[int, ...] = ()
    """Shards to give back, all of them its own."""


@dataclass(frozen=True, slots=True)
class View:
    """What one replica knows of the sharing at one moment."""

    replica: str
    """Whose view it is."""
    shards: int
    """How many there are to be shared."""
    owned: frozenset[int]
    """What the replica decides for."""
    leases: Mapping[int, Seen]
    """By shard."""
    replicas: Iterable[Seen]
    """Who has said that it is there."""
    now: int
    """Ticks of the clock of ``Seen``."""

    @property
    def share(self) -> int:
        """How many shards the replica should own; the shares of all live ones add up, and differ by one at most.

        It counts itself, whether the others see it yet or not.
        """
        replicas = sorted({self.replica, *(one.replica for one in self.replicas if one.is_live(self.now))})
        each, left = divmod(self.shards, len(replicas))
        return each + (replicas.index(self.replica) < left)

    @property
    def has_settled(self) -> bool:
        """Whether it owns its share, or every shard that is not its own has another owner."""
        return len(self.owned) >= self.share or not self._free()

    def plan(self) -> Plan:
        """What to do about it."""
        excess = len(self.owned) - self.share
        if excess > 0:
            return Plan(release=tuple(sorted(self.owned, key=self._order)[-excess:]))
        return Plan(acquire=tuple(sorted(self._free(), key=self._order)[:-excess]))

    def _free(self) -> list[int]:
        return [shard for shard in range(self.shards) if shard not in self.owned and self._is_free(shard)]

    def _is_free(self, shard: int) -> bool:
        """A lease that bears its own name, and which it does not own, is one it has lost and nobody else has taken."""
        lease = self.leases.get(shard)
        return lease is None or lease.replica == self.replica or not lease.is_live(self.now)

    def _order(self, shard: int) -> int:
        """Another order of shards for each replica, so that two that reach for some at once seldom collide."""
        return zlib.crc32(f"{self.replica}.{shard}".encode())
