"""The application: what one egress process holds, and how it starts and ends."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from understudy_domain.keys import Arns
from understudy_egress.board import Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.delivery import Delivery
from understudy_egress.event_past import EventPast
from understudy_egress.logs import EgressLogs
from understudy_egress.metrics import EgressCollector
from understudy_egress.programmes import Programmes
from understudy_egress.segment_cache import SegmentCache
from understudy_egress.segments import Segments
from understudy_egress.settings import EgressSettings
from understudy_egress.startover import Startover
from understudy_runtime.access_log import AccessLog
from understudy_runtime.bus_metrics import BusMetrics
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.health import Health, health_app
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.metrics import App, HttpMetrics, HttpMetricsMiddleware, new_registry
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.opening import Opening
from understudy_runtime.storage_check import StorageCheck
from understudy_runtime.tracing import NO_TRACER, Tracer, TracerMetrics

SERVICE = "egress"


@dataclass(frozen=True, slots=True)
class ProcessContext:
    """What both ways of answering share, made before either."""

    settings: EgressSettings
    registry: CollectorRegistry
    http_metrics: HttpMetrics
    health: Health
    shown: Shown
    """The board: what the protocol's fast path may answer."""
    access_log: AccessLog
    tracer: Tracer

    @classmethod
    def of(cls, settings: EgressSettings, *, tracer: Tracer = NO_TRACER) -> ProcessContext:
        """A fresh one."""
        registry = new_registry()
        registry.register(TracerMetrics(tracer, service=SERVICE))
        access_log = AccessLog(settings.access_log, trusted_proxies=TrustedProxies.parse(settings.trusted_proxies))
        registry.register(access_log)
        return cls(settings, registry, HttpMetrics(registry, service=SERVICE), Health(), {}, access_log, tracer)


def create_app(context: ProcessContext) -> App:
    """The ASGI application; it connects and begins to follow in its lifespan."""
    settings = context.settings
    bus = Bus(settings, name=SERVICE)
    config = ConfigStore(bus)
    secrets = CdnSecrets(settings.secrets_directory)
    logs = EgressLogs(context.access_log, config, Arns(settings.region, settings.account_id))
    store = ObjectStore(settings)
    storage = StorageCheck(store, writes=False)
    context.health.add_check("storage", storage.waits_for)
    pages = IndexPages(store, ObjectKeys(settings), bytes_max=settings.startover_cache_bytes // 4)
    programmes = Programmes(
        bus,
        config,
        names_of=logs.names_of,
        shown=context.shown,
        secrets=secrets,
        event_past=EventPast(bus, pages, shards=settings.shards),
        shards=settings.shards,
        wait_seconds=settings.first_request_wait_seconds,
        tracer=context.tracer,
    )
    segments = Segments(
        store,
        SegmentCache(bytes_max=settings.segment_cache_bytes),
        reads_max=settings.storage_reads_max,
        timeout_seconds=settings.s3_timeout_seconds,
    )
    startover = Startover(
        bus,
        pages,
        is_current=programmes.is_current,
        shards=settings.shards,
        bytes_max=settings.startover_cache_bytes * 3 // 4,
    )
    context.registry.register(
        EgressCollector(programmes=programmes, segments=segments, pages=pages, startover=startover)
    )
    context.registry.register(BusMetrics(bus, service=SERVICE))

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        # NATS is needed to start. Later on it may go away: what is in memory is served, and readiness stays, since
        # taking every egress process out of service at once would help nobody.
        try:
            context.access_log.start()
            storage.start()
            await bus.open()
            await bus.ensure_streams()
            await config.start()
            await secrets.start()
            await programmes.start()
            yield
        finally:
            await programmes.stop()
            await storage.stop()
            await secrets.stop()
            await config.stop()
            await bus.close()
            await context.access_log.close()

    opening = Opening(opened, trouble=lambda: bus.trouble)
    context.health.add_check(
        "program", lambda: opening.waits_for() or (None if programmes.is_following else "not followed yet")
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with opening.running():
            yield

    service = health_app(context.health, context.registry, lifespan)
    delivery = Delivery(
        programmes,
        segments,
        startover,
        logs,
        opened=lambda: opening.wait(seconds=settings.first_request_wait_seconds),
        trusted_proxies=TrustedProxies.parse(settings.trusted_proxies),
        otherwise=service,
    )
    return HttpMetricsMiddleware(delivery, metrics=context.http_metrics)
