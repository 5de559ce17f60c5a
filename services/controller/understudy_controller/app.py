"""The controller's HTTP application."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Final

from fastapi import FastAPI

from understudy_controller.api import (
    openapi,
    routes_channels,
    routes_harvest_jobs,
    routes_operator,
    routes_origin_endpoints,
    routes_tags,
    routes_understudy,
    routes_webhooks,
)
from understudy_controller.api.errors import add_error_handlers
from understudy_controller.api.wire import WireRules
from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.metrics import AuthenticationMetrics
from understudy_controller.authentication.middleware import Authentication, utc_now
from understudy_controller.authentication.sessions import ProxiedViewers, Sessions
from understudy_controller.console import routes as console
from understudy_controller.console.places import Places
from understudy_controller.process import Part, Process
from understudy_controller.settings import ControllerSettings
from understudy_runtime.health import Health, health_routes
from understudy_runtime.metrics import HttpMetrics, HttpMetricsMiddleware, new_registry
from understudy_runtime.tracing import NO_TRACER, Tracer, TracerMetrics

ROUTERS: Final = (
    routes_channels.router,
    routes_origin_endpoints.router,
    routes_harvest_jobs.router,
    routes_tags.router,
    routes_understudy.router,
    routes_operator.router,
    routes_webhooks.router,
)


def create_app(
    settings: ControllerSettings,
    *,
    keys: AccessKeys | None,
    parts: Sequence[Part] = (),
    health: Health | None = None,
    tracer: Tracer = NO_TRACER,
) -> FastAPI:
    """The application.

    Args:
        settings: the process's.
        keys: what requests must be signed with; None: they need no signature.
        parts: run beside the API for as long as it does (see ``process.Part``).
        health: where parts add what readiness depends on.
        tracer: where decisions are traced.
    """
    registry = new_registry()
    registry.register(TracerMetrics(tracer, service="controller"))
    health = health or Health()
    process = Process(settings, parts, registry=registry, health=health, tracer=tracer)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with nullcontext() if keys is None else keys.followed(), process.running():
            yield

    app = FastAPI(
        title="Understudy control API",
        summary="AWS Elemental MediaPackage v1's contract: channels and origin endpoints.",
        lifespan=lifespan,
        telemetry={"auto_configure": False},
        redirect_slashes=False,  # a redirect would lose the body of a signed request
        docs_url=None,
        redoc_url=None,
        openapi_url="/understudy/v1/openapi.json",
        responses=openapi.ERRORS,
        generate_unique_id_function=openapi.operation_id,
    )
    app.openapi = functools.partial(openapi.describe, app, ROUTERS)  # type: ignore[method-assign]  # FastAPI's own way to do it
    app.state.process = process
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(console.router)
    app.router.routes.extend(health_routes(health, registry))
    add_error_handlers(app)
    metrics = None if keys is None else AuthenticationMetrics(keys)
    if metrics is not None:
        registry.register(metrics)
    app.state.sessions = sessions = None if keys is None else Sessions(keys, now=utc_now)
    app.state.authentication_metrics = metrics
    app.state.places = Places()
    app.state.player_file = settings.console_player_file
    app.add_middleware(
        Authentication,
        keys=keys,
        metrics=metrics,
        hosts=_words(settings.api_hosts or ""),
        sessions=sessions,
        proxied=ProxiedViewers(settings),
        actions=lambda: process.actions,
    )
    app.add_middleware(WireRules)
    app.add_middleware(HttpMetricsMiddleware, metrics=HttpMetrics(registry, service="controller"))
    return app


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]
