"""The application: what is opened, in which order, and how requests reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from understudy_domain.channel import Channel
from understudy_ingest.body import Budget
from understudy_ingest.endpoint import UploadEndpoint, Uploads
from understudy_ingest.inputs import Inputs
from understudy_ingest.metrics import IngestMetrics
from understudy_ingest.receiver import Outside, Receiver
from understudy_ingest.settings import IngestSettings
from understudy_runtime.access_log import AccessLog
from understudy_runtime.bus_metrics import BusMetrics
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.health import Health, health_routes
from understudy_runtime.jetstream import connect
from understudy_runtime.metrics import App, HttpMetrics, HttpMetricsMiddleware, new_registry
from understudy_runtime.objectstore import ObjectStore

SERVICE = "ingest"


def create_app(settings: IngestSettings, *, health: Health | None = None) -> App:
    """The ingest service as an ASGI application. Nothing is opened before its lifespan begins."""
    registry = new_registry()
    health = health or Health()
    budget = Budget(settings.held_size_max)
    metrics = IngestMetrics(registry, budget=budget)
    access_log = AccessLog(settings.access_log, trusted_proxies=TrustedProxies.parse(settings.trusted_proxies))
    registry.register(access_log)
    started = False
    # That NATS or the storage is away is no reason to be sent nothing: uploads are held, and a refused connection
    # ends many an encoder.
    health.add_check("configuration", lambda: None if started else "not read yet")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal started
        bus = await connect(settings, name=SERVICE)
        registry.register(BusMetrics(bus, service=SERVICE))
        await bus.ensure_streams()
        config = ConfigStore(bus)
        await config.start()
        receiver = Receiver(settings, Outside(bus, ObjectStore(settings)), metrics)

        def forget(change: ConfigChange) -> None:
            before = None if change.before is None else change.before.value
            after = None if change.after is None else change.after.value
            if isinstance(before, Channel) and (not isinstance(after, Channel) or after.guid != before.guid):
                receiver.forget(before.id, before.guid)

        config.on_change(forget)
        app.state.uploads = Uploads(
            settings,
            inputs=Inputs(config, nonce_seconds=settings.nonce_seconds),
            receiver=receiver,
            metrics=metrics,
            budget=budget,
            access_log=access_log,
        )
        access_log.start()
        receiver.warm_up()
        started = True
        try:
            yield
        finally:
            receiver.close()
            await config.stop()
            await bus.close()
            await access_log.close()

    service = FastAPI(title="Understudy ingest", lifespan=lifespan, openapi_url=None)
    service.router.routes.extend(health_routes(health, registry))
    # Around the framework, not among its own layers: each of these is passed at every step of an upload.
    return HttpMetricsMiddleware(UploadEndpoint(service), metrics=HttpMetrics(registry, service=SERVICE))
