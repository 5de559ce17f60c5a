"""``/console``: its pages, and what feeds them."""

from __future__ import annotations

import logging
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints
from pydantic.alias_generators import to_camel

from understudy_controller.api.dependencies import Service
from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.authentication.middleware import ANYBODY, Sender
from understudy_controller.authentication.refusal import RequestRefused
from understudy_controller.authentication.sessions import COOKIE, LASTS, Sessions, check_same_origin
from understudy_controller.console.overview import Overview
from understudy_controller.console.past import Past
from understudy_controller.console.places import Fed, Places
from understudy_controller.console.strips import Strips
from understudy_controller.process import Process
from understudy_domain import ticks

_log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False)

_STATIC: Final = resources.files("understudy_controller.console") / "static"
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_PLAYER: Final = "hls.mjs"
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


class SignIn(BaseModel):
    """An access key."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    access_key_id: Annotated[str, StringConstraints(max_length=128)]
    secret_access_key: Annotated[SecretStr, Field(max_length=512)]


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


@router.get("/console/sign-in", summary="Console")
async def show_sign_in() -> Response:
    """Where people say who they are."""
    return _file("sign_in.html")


@router.post("/console/sign-in", summary="ConsoleSignIn")
async def sign_in(request: Request, said: SignIn) -> Response:
    """Begin a session with an access key."""
    sessions: Sessions | None = request.app.state.sessions
    if sessions is None:
        return Response(status_code=204)
    check_same_origin(request.state.headers_as_sent)
    try:
        token = sessions.begin(said.access_key_id, said.secret_access_key.get_secret_value())
    except RequestRefused as err:
        request.app.state.authentication_metrics.refused(err.reason)
        left_out = sessions.refusals.admit(err.reason)
        if left_out is not None:
            told = {"reason": err.reason.value, "left_out": left_out, **_of(request)}
            _log.warning("signing in to the console was refused", extra=told)
        raise
    told = {"audit": True, "access_key_id": said.access_key_id, **_of(request)}
    _log.info("a session of the console was begun", extra=told)
    answer = Response(status_code=204)
    secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(
        COOKIE, token, max_age=int(LASTS.total_seconds()), httponly=True, samesite="strict", secure=secure
    )
    return answer


def _of(request: Request) -> dict[str, Any]:
    """Which request it was, and from where."""
    return {"client": request.client.host if request.client else "", "request_id": request.state.request_id}


@router.post("/console/sign-out", summary="ConsoleSignOut")
async def sign_out() -> Response:
    """End the session, in this browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/console/viewer", summary="ConsoleViewer")
async def show_viewer(request: Request) -> dict[str, Any]:
    """Who looks, and whether they may order something."""
    sender: Sender = request.state.sender
    return {"name": sender.name, "readOnly": sender.read_only, "hasSession": COOKIE in request.cookies}


@router.get("/console/static/{name}", summary="Console")
async def show_file(name: str, request: Request) -> Response:
    """What the pages are made of."""
    player: Path | None = request.app.state.player_file
    if name == _PLAYER and player is not None:
        return FileResponse(player, media_type=_TYPES["js"], headers=_HEADERS)
    return _file(name)


@router.get("/console/feed/overview", summary="ConsoleOverview")
async def feed_overview(request: Request, overview: Overviewed) -> Response:
    """Server-sent events for the overview."""
    places, viewer = _place(request)
    return Fed(overview.events(), places=places, viewer=viewer, headers=_STREAM_HEADERS)


@router.get("/console/feed/channels/{channel_id}", summary="ConsoleChannel")
async def feed_channel(request: Request, channel_id: str, service: Service, strips: Stripped) -> Response:
    """Server-sent events for a channel's page."""
    places, viewer = _place(request)  # before anything is followed for it
    channel = await service.channel(channel_id)
    strip = await strips.of(channel)
    await strip.opened()  # while a failure can still be answered as one
    return Fed(strip.events(), places=places, viewer=viewer, headers=_STREAM_HEADERS)


@router.get("/console/feed/channels/{channel_id}/past", summary="ConsolePast")
async def feed_past(channel_id: str, service: Service, past: Recalled, begin: Instant, end: Instant) -> dict[str, Any]:
    """What the strip showed from an instant to another, seconds since the epoch; at most five minutes of it."""
    channel = await service.channel(channel_id)
    endpoints = await service.origin_endpoints_of(channel_id)
    return await past.stretch(channel, endpoints, begin=ticks.from_seconds(begin), end=ticks.from_seconds(end))


def _place(request: Request) -> tuple[Places, str]:
    """Where there is a place for one page more, and for whom: by name, or by address where nobody has one.

    Raises:
        TooManyPages: there is none.
    """
    places: Places = request.app.state.places
    sender: Sender = request.state.sender
    viewer = str(sender) if sender != ANYBODY else (request.client.host if request.client else "")
    places.check(viewer)
    return places, viewer


def _file(name: str) -> Response:
    found = _STATIC / name
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or "/" in name or not found.is_file():
        raise ResourceNotFound(f"the console has no {name[:100]}")
    return Response(found.read_bytes(), media_type=kind, headers=_HEADERS)
