"""The loop around the pure core: an ordered reading of each shard that this process owns, one fold for each channel.

Which shards are its own it is told by the leases. It takes a shard by loading what its predecessor left, and reading
the shard's part of ARRIVALS from there; it drops a shard by forgetting everything about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

from understudy_controller.loop.active_inputs import ActiveInputs
from understudy_controller.loop.channels import Channels
from understudy_controller.loop.decision_traces import DecisionTraces
from understudy_controller.loop.events import Events
from understudy_controller.loop.garbage import collect_garbage
from understudy_controller.loop.leases import Leases
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.reading import Reading
from understudy_controller.loop.retention import Retention
from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_controller.loop.shards import Shards
from understudy_controller.loop.shown import ShownChannel
from understudy_controller.loop.snapshots import Snapshots
from understudy_controller.loop.taking import Taking
from understudy_controller.loop.tasks import Tasks
from understudy_controller.loop.telling import Telling
from understudy_controller.loop.ticker import Ticker
from understudy_controller.loop.transcriber import Transcriber
from understudy_controller.process import ProcessContext
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointRemoved


@asynccontextmanager
async def decision_loop(context: ProcessContext) -> AsyncIterator[None]:
    """The part of a controller that decides; runs for as long as it is entered."""
    loop = DecisionLoop(context)
    parts = Tasks("decisions")
    for part in loop.parts():
        parts.start(part)
    # At once when the process is told to end, not once its last request has ended: nobody waits for a decision.
    context.health.on_drain(lambda: parts.start(loop.give_everything_back()))
    try:
        yield
    finally:
        try:
            await loop.give_everything_back()
        finally:
            await parts.end()
            await loop.close()


class DecisionLoop:
    """Puts together what carries data to and from the folds of the channels that this process decides for."""

    def __init__(self, context: ProcessContext) -> None:
        bus, store, shards = context.bus, context.store, context.settings.shards
        bus.gather()
        self._store = store
        self._ready = False
        self._going = asyncio.Lock()
        self._tasks = Tasks("decisions")
        self._active_inputs = ActiveInputs(bus)
        self._snapshots = Snapshots(bus)
        self._transcriber = Transcriber(bus, store, shards=shards, owns=self._holds)
        metrics = LoopMetrics(context.registry, shown=self._shown, caught_up=self._has_caught_up)
        self._events = Events(bus, metrics)
        telling = Telling(store, metrics, self._active_inputs, self._events, shards=shards, owns=self._holds)
        self._channels = Channels(
            bus,
            store,
            telling,
            self._events,
            self._snapshots,
            metrics,
            self._tasks,
            DecisionTraces(context.tracer, store),
            shards=shards,
            on_superseded=self._superseded,
            on_appended=self._appended,
        )
        metrics.left_to_newer.set_function(lambda: self._channels.left_to_newer)
        self._ticker = Ticker(bus, self._channels.timers)
        reading = Reading(
            bus, store, self._channels, self._ticker, metrics, holds=self._holds, on_caught_up=self._reconcile
        )
        taking = Taking(bus, store, self._channels, telling, reading, self._snapshots, self._tasks, shards=shards)
        self._shards = Shards(self._channels, taking, self._snapshots, metrics, self._tasks, holds=self._holds)
        self._leases = Leases(bus, self._shards, shards=shards, on_lost=metrics.lease_losses.inc)
        self._retention = Retention(
            bus,
            store,
            self._channels,
            self._shards,
            RetentionMetrics(context.registry, is_on=context.settings.retention_interval_seconds > 0),
            context.settings,
            holds=self._holds,
        )
        context.decisions.fold_of = self._channels.fold_of
        context.health.add_check("decisions", self._waits_for)

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines to run side by side."""
        return [
            *self._leases.parts(),
            self._ticker.run(),
            self._transcriber.run(),
            self._active_inputs.run(),
            self._events.run(),
            self._snapshots.run(self._shards.checkpoint),
            self._retention.run(),
            collect_garbage(),
        ]

    async def give_everything_back(self) -> None:
        """Shard by shard: let what is decided come to stand, leave snapshots behind for a successor, and let go."""
        async with self._going:
            await self._leases.go()

    async def close(self) -> None:
        """End what still runs."""
        await self._tasks.end()

    # --- the parts ask each other -------------------------------------------------------------------------------------

    def _holds(self, shard: int) -> bool:
        return self._leases.holds(shard)

    def _superseded(self, shard: int) -> None:
        self._shards.give_way(shard)

    def _appended(self, entry: ProgramEntry, sequence: int) -> None:
        self._retention.appended(entry, sequence)

    def _shown(self) -> Iterator[ShownChannel]:
        return self._channels.shown()

    def _waits_for(self) -> str | None:
        """Readiness: said once, for neither a shard that moves nor NATS being away makes a controller useless."""
        self._ready = self._ready or (self._leases.has_settled and self._has_caught_up())
        return None if self._ready else "taking its share of the channels, and replaying the arrivals log"

    def _has_caught_up(self) -> bool:
        return self._shards.have_caught_up(self._leases.held)

    def _reconcile(self, number: int) -> None:
        """After a shard's replay: transcribe what CONFIG holds and its log does not say."""
        for versioned in self._store.origin_endpoints.values():
            if self._channels.shard_of(versioned.value.channel_guid) != number:
                continue
            fold = self._channels.fold_of(versioned.value.channel_guid)
            known = fold.state.endpoint(versioned.value.guid) if fold is not None else None
            if known is None or known.revision < versioned.revision:
                self._transcriber.write_endpoint(versioned)
        if self._store.unreadable:
            return  # what is missing may be what cannot be read
        for fold in self._channels.of_shard(number):
            for endpoint in fold.state.endpoints:
                guid = endpoint.origin_endpoint
                if self._store.origin_endpoint_by_guid(guid) is None:
                    self._transcriber.write(fold.state.channel, EndpointRemoved(guid), message_id=f"{guid}.removed")
