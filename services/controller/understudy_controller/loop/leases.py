"""This replica's leases: taken, renewed, given back and lost. What it should have is decided in the domain (ownership).

A lease is a courtesy between controllers: it saves them from doing each other's work. What keeps a programme from
forking is that an append names the entry it follows.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from understudy_controller.loop.lease_view import LeaseView, monotonic_ticks
from understudy_domain import codec
from understudy_domain.keys import LEASES_BUCKET, lease_key, replica_key
from understudy_domain.ownership import LEASE_RENEWAL, LEASE_TTL, Lease, View
from understudy_domain.ticks import TICKS_PER_SECOND, to_seconds
from understudy_runtime import clock
from understudy_runtime.errors import AlreadyExists, BusRefused, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.1
"""How often leases are looked at: nothing tells when one runs out."""
_EXPECTED_BEFORE = LEASE_TTL // 2
"""How long before a lease runs out it is expected to, ticks: one renewal is missing then, and nearly a second one."""
_ANSWER_SECONDS = 1.0
"""How long one request may take; a lease is nearly lost by then."""


class ShardOwner(Protocol):
    """Who does what owning a shard means."""

    def expect(self, shards: Sequence[int]) -> None:
        """Those that may be this replica's in a moment, all of them, each time; returns at once."""

    def take(self, shards: Sequence[int]) -> None:
        """Decide for these from now on; returns at once."""

    def drop(self, shards: Collection[int]) -> None:
        """They are somebody else's: forget all about them, at once."""

    async def settle(self, shards: Collection[int]) -> None:
        """They are to be given back: decide nothing more, and leave what is decided in good order for a successor."""


@dataclass(slots=True)
class _Held:
    revision: int
    until: int
    """By this process's clock, counted from before it asked: never later than the server forgets it."""


class Leases:
    """The shards that this replica owns."""

    def __init__(self, bus: Bus, owner: ShardOwner, *, shards: int, on_lost: Callable[[int], None]) -> None:
        """``on_lost`` is called with how many shards were lost that had not been given back."""
        self.replica = secrets.token_hex(8)
        self._kv = KeyValue(bus, LEASES_BUCKET)
        self._owner = owner
        self._shards = shards
        self._on_lost = on_lost
        self._payload = codec.encode(Lease(self.replica))
        self._held: dict[int, _Held] = {}
        self._leaving: set[int] = set()
        self._is_going = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._acquiring: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._view = LeaseView(self._kv, self.replica, on_change=self._wake.set)

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines to run side by side."""
        return [self._view.follow(), self._be_there_for_ever(), self._renew_for_ever(), self._look_for_ever()]

    def holds(self, shard: int) -> bool:
        """Whether the shard is this replica's now, as far as one can know without asking."""
        held = self._held.get(shard)
        # Asked before each message of the log: to round a clock would take longer than all the rest of it.
        return held is not None and clock.monotonic() * TICKS_PER_SECOND < held.until

    @property
    def held(self) -> frozenset[int]:
        """All that it holds."""
        return frozenset(self._held)

    @property
    def has_settled(self) -> bool:
        """Whether this replica has its share, or all the rest have other owners."""
        return self._view.is_current and self._seen().has_settled

    async def go(self) -> None:
        """The process is about to end: give everything back while it is still renewed, and take nothing any more.

        Siblings are told first that this replica is gone, as they take no more than their shares.
        """
        if self._is_going:
            return
        self._is_going = True
        await asyncio.gather(*self._tasks, return_exceptions=True)  # none of them may say or take anything afterwards
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._kv.delete(replica_key(self.replica))
        except (TimeoutError, BusUnavailable, BusRefused) as err:
            _log.warning("could not say that this controller is gone: %s", str(err) or "no answer")
        if self._held:
            await self._give_back(sorted(self._held))

    # --- looking ------------------------------------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        while True:
            self._look()
            self._wake.clear()
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _look(self) -> None:
        now = monotonic_ticks()
        lapsed = [shard for shard, held in self._held.items() if now >= held.until]
        if lapsed:
            self._lose(lapsed, "could not be renewed in time")
        if self._is_going or not self._view.is_current:
            return
        seen = self._seen()
        plan = seen.plan()
        self._owner.expect(replace(seen, now=seen.now + _EXPECTED_BEFORE).plan().acquire)
        leaving = set(plan.release) - self._leaving
        if leaving and not self._leaving:
            self._start(self._give_back(leaving))
        if plan.acquire and (self._acquiring is None or self._acquiring.done()):
            self._acquiring = self._start(self._acquire(plan.acquire))

    def _seen(self) -> View:
        now = self._view.now
        for name in [name for name, seen in self._view.replicas.items() if not seen.is_live(now)]:
            del self._view.replicas[name]
        replicas = self._view.replicas.values()
        return View(self.replica, self._shards, frozenset(self._held), self._view.leases, replicas, now)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="leases")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- taking -------------------------------------------------------------------------------------------------------

    async def _acquire(self, shards: Sequence[int]) -> None:
        taken = [shard for shard in await asyncio.gather(*map(self._take, shards)) if shard is not None]
        if taken:
            _log.info("took %d shards", len(taken), extra={"shards": taken, "replica": self.replica})
            self._owner.take(taken)

    async def _take(self, shard: int) -> int | None:
        """The shard, if it is this replica's now."""
        key, asked_at, revision = lease_key(shard), monotonic_ticks(), self._view.revisions.get(shard)
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                try:
                    taken = await self._kv.create(key, self._payload)
                except AlreadyExists:
                    if revision is None:
                        return None
                    taken = await self._kv.update(key, self._payload, revision=revision)
        except (StaleRevision, TimeoutError, BusUnavailable, BusRefused):
            return None
        self._held[shard] = _Held(taken, asked_at + LEASE_TTL)
        return shard

    # --- keeping ------------------------------------------------------------------------------------------------------

    async def _be_there_for_ever(self) -> None:
        """Say so at a steady pace, however slow the answers: it is also how this replica knows that it hears."""
        while not self._is_going:
            self._start(self._be_there())
            await asyncio.sleep(to_seconds(LEASE_RENEWAL))

    async def _be_there(self) -> None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._kv.put(replica_key(self.replica), self._payload)
        except (TimeoutError, BusUnavailable, BusRefused) as err:
            _log.debug("cannot say that this controller is there: %s", str(err) or "no answer")

    async def _renew_for_ever(self) -> None:
        while True:
            asked_at = monotonic_ticks()
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await asyncio.gather(*(self._renew(shard, held) for shard, held in list(self._held.items())))
            except (TimeoutError, BusUnavailable, BusRefused) as err:
                _log.warning("cannot renew leases: %s", str(err) or "no answer")
            passed = monotonic_ticks() - asked_at
            await asyncio.sleep(to_seconds(max(LEASE_RENEWAL - passed, LEASE_RENEWAL // 4)))

    async def _renew(self, shard: int, held: _Held) -> None:
        asked_at = monotonic_ticks()
        try:
            revision = await self._kv.update(lease_key(shard), self._payload, revision=held.revision)
        except StaleRevision:
            await self._find(shard, held)
            return
        held.revision, held.until = revision, asked_at + LEASE_TTL

    async def _find(self, shard: int, held: _Held) -> None:
        """A lease is not as it was left: an acknowledgement got lost, or somebody else has taken it."""
        try:
            standing = await self._kv.get(lease_key(shard))
        except NotFound:
            standing = None
        if self._held.get(shard) is not held:
            return
        if standing is not None and standing.value == self._payload:
            held.revision = standing.revision
        else:
            self._lose([shard], "has been taken" if standing is not None else "has run out")

    # --- losing -------------------------------------------------------------------------------------------------------

    def _lose(self, shards: Sequence[int], what: str) -> None:
        for shard in shards:
            del self._held[shard]
        _log.warning("stepping down for %d shards, the lease %s", len(shards), what, extra={"shards": list(shards)})
        self._on_lost(len(shards))
        self._owner.drop(shards)

    async def _give_back(self, shards: Collection[int]) -> None:
        _log.info("giving %d shards back", len(shards), extra={"shards": sorted(shards), "replica": self.replica})
        self._leaving.update(shards)
        try:
            # One after the other: each is without an owner only for as long as its own channels take.
            for shard in shards:
                await self._owner.settle([shard])
                held = self._held.get(shard)
                if held is not None:
                    await self._delete(shard, held)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("could not give leases back, they run out by themselves: %s", err)
        finally:
            self._leaving.difference_update(shards)
            for shard in shards:
                self._held.pop(shard, None)
            self._owner.drop(shards)

    async def _delete(self, shard: int, held: _Held) -> None:
        self._held.pop(shard, None)
        self._owner.drop([shard])
        for _ in range(2):
            try:
                await self._kv.delete(lease_key(shard), revision=held.revision)
            except StaleRevision:  # a renewal was under way
                await self._find_own(shard, held)
            else:
                return

    async def _find_own(self, shard: int, held: _Held) -> None:
        try:
            standing = await self._kv.get(lease_key(shard))
        except NotFound:
            return
        if standing.value == self._payload:
            held.revision = standing.revision
