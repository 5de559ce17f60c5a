"""One running controller: what is opened when it starts, in order, and closed when it ends, in reverse.

The HTTP server accepts requests at once; what they need (the bus, the configuration, the loop) is opened beside it. A
request that comes before that waits a moment rather than fail, so that a restart is not seen by clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from understudy_controller.api.actions import Actions
from understudy_controller.api.endings import Endings
from understudy_controller.api.errors import NotStarted
from understudy_controller.api.folds import Folds
from understudy_controller.api.harvest_jobs import HarvestControl
from understudy_controller.api.inspection import Inspection
from understudy_controller.api.metrics import ConfigurationMetrics
from understudy_controller.api.render import Renderer
from understudy_controller.api.service import ControlService
from understudy_controller.api.switchovers import Switchovers
from understudy_controller.console.overview import Overview
from understudy_controller.console.past import Past
from understudy_controller.console.strips import Strips
from understudy_controller.decisions import Decisions
from understudy_controller.settings import ControllerSettings
from understudy_controller.webhooks.part import Webhooks, webhooks_of
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.bus_metrics import BusMetrics
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.health import Health
from understudy_runtime.jetstream import Bus
from understudy_runtime.opening import Opening
from understudy_runtime.tracing import NO_TRACER, Tracer


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What every part of a running controller may use."""

    settings: ControllerSettings
    bus: Bus
    store: ConfigStore
    """Current, and being kept current."""
    service: ControlService
    registry: CollectorRegistry
    """Where a part registers its metrics."""
    health: Health
    """Where a part adds what readiness depends on."""
    decisions: Decisions
    """Where the part that decides says what it lets others look at."""
    inspection: Inspection
    switchovers: Switchovers
    endings: Endings
    harvest: HarvestControl
    overview: Overview
    strips: Strips
    past: Past
    actions: Actions
    webhooks: Webhooks
    tracer: Tracer


class Part(Protocol):
    """Something that runs beside the API for as long as the process does: the decision loop is one."""

    def __call__(self, context: ProcessContext, /) -> AbstractAsyncContextManager[None]:
        """Start it on entering, end it on leaving."""


class Process:
    """Opens the context and the parts, hands the context to requests, and knows whether it is ready."""

    def __init__(
        self,
        settings: ControllerSettings,
        parts: Sequence[Part],
        *,
        registry: CollectorRegistry,
        health: Health,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """``parts`` are started in order, once the configuration is there."""
        self._tracer = tracer
        self.renderer = Renderer.of(settings)
        self._settings = settings
        self._parts = parts
        self._registry = registry
        self._health = health
        self._bus = Bus(settings, name="controller")
        self._started: asyncio.Future[ProcessContext] | None = None
        # NATS that goes away later is no reason to be not ready: a typed 503 tells a client more than a refusal.
        health.add_check("configuration", self._waits_for)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open everything beside the caller; on leaving, close it."""
        self._started = asyncio.get_running_loop().create_future()
        started = self._started
        async with Opening(lambda: self._opened(started), trouble=lambda: self._bus.trouble).running():
            yield

    async def context(self) -> ProcessContext:
        """The context, once it is there.

        Raises:
            NotStarted: it is not there within the configured wait.
        """
        if self._started is None:
            raise NotStarted("the controller is not running")
        try:
            return await asyncio.wait_for(asyncio.shield(self._started), self._settings.start_wait_seconds)
        except TimeoutError as err:
            raise NotStarted("the controller is starting and has not reached NATS yet; try again") from err

    @property
    def actions(self) -> Actions | None:
        """Where it is told what operators did; None before there is anything that they could do."""
        started = self._started
        if started is None or not started.done() or started.cancelled() or started.exception() is not None:
            return None
        return started.result().actions

    def _waits_for(self) -> str | None:
        if self._started is not None and self._started.done():
            return None
        return self._bus.trouble or "waiting for NATS"

    @asynccontextmanager
    async def _opened(self, started: asyncio.Future[ProcessContext]) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            bus = self._bus
            stack.push_async_callback(bus.close)
            await bus.open()
            self._registry.register(BusMetrics(bus, service="controller"))
            await bus.ensure_streams()
            store = ConfigStore(bus)
            stack.push_async_callback(store.stop)
            await store.start()
            self._registry.register(ConfigurationMetrics(store, shards=self._settings.shards))
            service = ControlService(
                store,
                self.renderer,
                now=clock.now_ticks,
                credentials_grace=self._settings.credentials_grace_seconds * ticks.TICKS_PER_SECOND,
            )
            decisions = Decisions()
            folds = Folds(self._settings, bus, decisions)
            inspection = Inspection(self._settings, bus, service, folds)
            switchovers = Switchovers(self._settings, bus, service, folds)
            overview = Overview(bus, store)
            stack.push_async_callback(overview.stop)
            self._health.on_drain(overview.close_pages)
            strips = Strips(bus, store, folds, shards=self._settings.shards)
            stack.push_async_callback(strips.stop)
            # Pages that are open would be waited for; told to, they ask another controller.
            self._health.on_drain(strips.close_pages)
            actions = Actions(bus, store)
            stack.push_async_callback(actions.stop)
            webhooks = webhooks_of(self._settings, bus, store)
            self._registry.register(webhooks.metrics)
            context = ProcessContext(
                self._settings,
                bus,
                store,
                service,
                self._registry,
                self._health,
                decisions,
                inspection,
                switchovers,
                Endings(self._settings, bus, service, folds),
                HarvestControl(self._settings, bus, service, now=clock.now_ticks),
                overview,
                strips,
                Past(self._settings, bus, replaying=inspection.replaying),
                actions,
                webhooks,
                self._tracer,
            )
            # The API needs the configuration alone, and a part may have much to read before it has started.
            started.set_result(context)
            for part in self._parts:
                await stack.enter_async_context(part(context))
            yield
