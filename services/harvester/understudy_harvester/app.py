"""The application: what one harvester process holds, and how it starts and ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette

from understudy_harvester.counts import Counts
from understudy_harvester.metrics import HarvesterCollector
from understudy_harvester.settings import HarvesterSettings
from understudy_harvester.worker import Worker
from understudy_runtime.bus_metrics import BusMetrics
from understudy_runtime.health import Health, health_app
from understudy_runtime.jetstream import Bus
from understudy_runtime.metrics import App, HttpMetrics, HttpMetricsMiddleware, new_registry
from understudy_runtime.opening import Opening

SERVICE = "harvester"


def create_app(settings: HarvesterSettings, *, health: Health) -> App:
    """The ASGI application, which answers for its health alone; it works from its lifespan's start to its end."""
    registry = new_registry()
    bus = Bus(settings, name=SERVICE)
    counts = Counts()
    worker = Worker(bus, settings, counts)
    registry.register(HarvesterCollector(worker=worker, counts=counts))
    registry.register(BusMetrics(bus, service=SERVICE))

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        try:
            await bus.open()
            await bus.ensure_streams()
            await worker.start()
            health.on_drain(worker.give_back)
            yield
        finally:
            await worker.stop()
            await bus.close()

    opening = Opening(opened, trouble=lambda: bus.trouble)
    health.add_check("jobs", lambda: opening.waits_for() or (None if worker.is_current else "not read yet"))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with opening.running():
            yield

    app = health_app(health, registry, lifespan)
    return HttpMetricsMiddleware(app, metrics=HttpMetrics(registry, service=SERVICE))
