"""``/console``: its pages, and what feeds them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from importlib import resources
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from understudy_controller.api.dependencies import Service
from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.console.overview import Overview
from understudy_controller.console.past import Past
from understudy_controller.console.strips import Strips
from understudy_controller.process import Process
from understudy_domain import ticks

router = APIRouter(include_in_schema=False)

_STATIC: Final = resources.files("understudy_controller.console") / "static"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src *; "
        "media-src * blob:; worker-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STREAM_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _overview(request: Request) -> Overview:
    process: Process = request.app.state.process
    return (await process.context()).overview


async def _strips(request: Request) -> Strips:
    process: Process = request.app.state.process
    return (await process.context()).strips


async def _past(request: Request) -> Past:
    process: Process = request.app.state.process
    return (await process.context()).past


Instant = Annotated[float, Query(ge=0, lt=10**10)]
Recalled = Annotated[Past, Depends(_past)]
Overviewed = Annotated[Overview, Depends(_overview)]
Stripped = Annotated[Strips, Depends(_strips)]


@router.get("/console", summary="Console")
async def to_overview() -> Response:
    """The overview, under a path to which its own are relative."""
    return RedirectResponse("console/", 307)


@router.get("/console/", summary="Console")
async def show_overview() -> Response:
    """All channels, the worst first."""
    return _file("overview.html")


@router.get("/console/channels/{channel_id}", summary="Console")
async def show_channel(channel_id: str, service: Service) -> Response:
    """One channel."""
    await service.channel(channel_id)
    return _file("channel.html")


@router.get("/console/static/{name}", summary="Console")
async def show_file(name: str) -> Response:
    """What the pages are made of."""
    return _file(name)


@router.get("/console/feed/overview", summary="ConsoleOverview")
async def feed_overview(overview: Overviewed) -> Response:
    """Server-sent events for the overview."""
    return _stream(overview.events())


@router.get("/console/feed/channels/{channel_id}", summary="ConsoleChannel")
async def feed_channel(channel_id: str, service: Service, strips: Stripped) -> Response:
    """Server-sent events for a channel's page."""
    channel = await service.channel(channel_id)
    return _stream((await strips.of(channel)).events())


@router.get("/console/feed/channels/{channel_id}/past", summary="ConsolePast")
async def feed_past(channel_id: str, service: Service, past: Recalled, begin: Instant, end: Instant) -> dict[str, Any]:
    """What the strip showed from an instant to another, seconds since the epoch; at most five minutes of it."""
    channel = await service.channel(channel_id)
    endpoints = await service.origin_endpoints_of(channel_id)
    marks = await past.marks(channel, endpoints, begin=ticks.from_seconds(begin), end=ticks.from_seconds(end))
    return {"marks": marks}


def _stream(events: AsyncGenerator[bytes, None]) -> Response:
    return StreamingResponse(events, media_type="text/event-stream", headers=_STREAM_HEADERS)


def _file(name: str) -> Response:
    found = _STATIC / name
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or not found.is_file():
        raise ResourceNotFound(f"the console has no {name[:100]}")
    return Response(found.read_bytes(), media_type=kind, headers=_HEADERS)
