"""The application: what is opened, in which order, and how requests reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

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
from understudy_runtime.health import Health, health_app
from understudy_runtime.jetstream import Bus
from understudy_runtime.metrics import App, HttpMetrics, HttpMetricsMiddleware, new_registry
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.opening import Opening
from understudy_runtime.storage_check import StorageCheck
from understudy_runtime.tracing import NO_TRACER, Tracer, TracerMetrics

SERVICE = "ingest"


def create_app(settings: IngestSettings, *, health: Health | None = None, tracer: Tracer = NO_TRACER) -> App:
    """The ingest service as an ASGI application. Nothing is opened before its lifespan begins."""
    registry = new_registry()
    health = health or Health()
    budget = Budget(settings.held_size_max)
    metrics = IngestMetrics(registry, budget=budget)
    access_log = AccessLog(settings.access_log, trusted_proxies=TrustedProxies.parse(settings.trusted_proxies))
    registry.register(access_log)
    bus = Bus(settings, name=SERVICE)
    registry.register(BusMetrics(bus, service=SERVICE))
    registry.register(TracerMetrics(tracer, service=SERVICE))
    config = ConfigStore(bus)
    store = ObjectStore(settings)
    storage = StorageCheck(store, writes=True)
    health.add_check("storage", storage.waits_for)
    receiver = Receiver(settings, Outside(bus, store), metrics)

    def forget(change: ConfigChange) -> None:
        before = None if change.before is None else change.before.value
        after = None if change.after is None else change.after.value
        if isinstance(before, Channel) and (not isinstance(after, Channel) or after.guid != before.guid):
            receiver.forget(before.id, before.guid)

    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        try:
            storage.start()
            await bus.open()
            await bus.ensure_streams()
            await config.start()
            config.on_change(forget)
            access_log.start()
            receiver.warm_up()
            yield
        finally:
            receiver.close()
            await storage.stop()
            await config.stop()
            await bus.close()
            await access_log.close()

    opening = Opening(opened, trouble=lambda: bus.trouble)
    # That NATS or the storage goes away later is no reason to be sent nothing: uploads are held, and a refused
    # connection ends many an encoder.
    health.add_check("configuration", opening.waits_for)
    uploads = Uploads(
        settings,
        opening=opening,
        inputs=Inputs(config, nonce_seconds=settings.nonce_seconds),
        receiver=receiver,
        metrics=metrics,
        budget=budget,
        access_log=access_log,
        tracer=tracer,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with opening.running():
            yield

    service = health_app(health, registry, lifespan)
    # Around the framework, not among its own layers: each of these is passed at every step of an upload.
    return HttpMetricsMiddleware(UploadEndpoint(service, uploads), metrics=HttpMetrics(registry, service=SERVICE))
