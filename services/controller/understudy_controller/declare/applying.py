"""A declaration applied: planned on what is stored, written, and planned anew where others wrote meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from understudy_controller.api.errors import ChannelInUse, ResourceNotFound, TooManyWriters
from understudy_controller.api.writing import ConfigWriter
from understudy_controller.declare.declaration import Declaration
from understudy_controller.declare.plan import Plan, Terms, plan, plan_pruning
from understudy_domain import keys
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import AlreadyExists, StaleRevision
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_ATTEMPTS: Final = 50
"""Controllers that start together meet at each resource; each time one of them has written it."""

_LEFT_OVER: Final = (
    "its guid was used here before, and what is left of that is still being removed; "
    "it is created once nothing is left, within about a quarter of an hour"
)


@dataclass(slots=True)
class Outcome:
    """What an application did, in words for people, resource by resource."""

    done: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """What cannot be done yet, and why; to be tried again."""
    kept: list[str] = field(default_factory=list)
    """What was not pruned, and why."""


class Applier:
    """Writes declarations. Any number of processes may apply the same one at once."""

    def __init__(self, bus: Bus, store: ConfigStore) -> None:
        self._bus = bus
        self._store = store
        self._writer = ConfigWriter(store)
        self._snapshots = KeyValue(bus, keys.SNAPSHOTS_BUCKET)

    async def apply(self, declaration: Declaration, *, terms: Callable[[], Terms]) -> Outcome:
        """Write what has to be written.

        Raises:
            DeclarationInvalid: it contradicts what is stored; nothing was written.
            TooManyWriters: somebody else always wrote first.
            BusUnavailable: no answer; what was written by then stands, and the rest is for another time.
        """
        outcome = Outcome()
        for _ in range(_ATTEMPTS):
            await self._store.ensure_current()
            outcome.waiting, outcome.kept = [], []
            try:
                await self._write(plan(declaration, self._store, terms()), outcome)
            except (StaleRevision, AlreadyExists, ResourceNotFound, ChannelInUse):
                continue
            return outcome
        raise TooManyWriters("others kept changing what is declared; it is applied when they are done")

    async def prune(self, declaration: Declaration, *, is_agreed: Callable[[], Awaitable[bool]]) -> Outcome:
        """Delete what was declared before and is not any more, if the other controllers' files agree with that.

        They are asked after the plan is made: what they make after their answer is not in it.

        Raises:
            TooManyWriters: somebody else always wrote first.
            BusUnavailable: no answer; what was deleted by then is, and the rest is for another time.
        """
        outcome = Outcome()
        for _ in range(_ATTEMPTS):
            await self._store.ensure_current()
            outcome.kept = []
            what = plan_pruning(declaration, self._store)
            if (what.delete_endpoints or what.delete_channels) and not await is_agreed():
                going = [f"origin endpoint {one.value.id}" for one in what.delete_endpoints]
                going += [f"channel {one.value.id}" for one in what.delete_channels]
                outcome.kept = [f"{name}: another controller has another version of the file" for name in going]
                return outcome
            try:
                await self._prune(what, outcome)
            except (StaleRevision, AlreadyExists, ResourceNotFound, ChannelInUse):
                continue
            return outcome
        raise TooManyWriters("others kept changing what is to be pruned; it is when they are done")

    async def _write(self, what: Plan, outcome: Outcome) -> None:
        late = await self._used_before(what.pinned)
        for channel in what.create_channels:
            if channel.guid in late:
                outcome.waiting.append(f"channel {channel.id}: {_LEFT_OVER}")
                continue
            await self._writer.create(channel)
            outcome.done.append(f"created channel {channel.id}")
        for channel, revision in what.update_channels:
            await self._store.update(channel, revision)
            outcome.done.append(f"changed channel {channel.id}")
        for endpoint, channel in what.create_endpoints:
            if late & {channel.guid, endpoint.guid}:
                outcome.waiting.append(f"origin endpoint {endpoint.id}: {_LEFT_OVER}")
                continue
            await self._writer.create_origin_endpoint(endpoint, channel)
            outcome.done.append(f"created origin endpoint {endpoint.id}")
        for endpoint, revision in what.update_endpoints:
            await self._store.update(endpoint, revision)
            outcome.done.append(f"changed origin endpoint {endpoint.id}")
        await self._prune(what, outcome)

    async def _prune(self, what: Plan, outcome: Outcome) -> None:
        for found in what.delete_endpoints:
            await self._writer.delete(found)
            outcome.done.append(f"deleted origin endpoint {found.value.id}")
        for gone in what.delete_channels:
            await self._writer.delete_channel(gone)
            outcome.done.append(f"deleted channel {gone.value.id}")
        outcome.kept += [f"channel {name}: it has origin endpoints that no file has declared" for name in what.kept]

    async def _used_before(self, guids: Collection[str]) -> set[str]:
        """Those of which NATS still speaks.

        What is created under such a guid must not meet what is left of it: messages, media, and whoever removes them.
        """
        if not guids:
            return set()
        used = {keys.channel_of_snapshot_key(key) for key in await self._snapshots.keys()}
        for stream, subjects in (
            (keys.ARRIVALS_STREAM, keys.ARRIVALS_SUBJECTS),
            (keys.PROGRAM_STREAM, keys.PROGRAM_SUBJECTS),
        ):
            used.update(subject.split(".")[2] for subject in await self._bus.subjects(stream, subjects))
        return {guid for guid in guids if guid in used}
