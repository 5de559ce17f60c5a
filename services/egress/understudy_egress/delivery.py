"""Answers everything below ``/out/v1/``, as a bare ASGI application.

Bare, because a framework's request and response objects would cost more than the answer. The protocol's fast path
answers most requests before they get here; whatever it lets through is answered here in the same words.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable

from understudy_domain import keys
from understudy_domain.cdn_authorization import HEADER
from understudy_domain.errors import LeftWindow, MalformedKey, UnderstudyError, UnknownObject
from understudy_domain.index_page_media import Joinable
from understudy_domain.manifest_filter import PARAMETER, MalformedManifestFilter
from understudy_domain.playlist_request import PlaylistRequest, parse_playlist_request, requested_filter
from understudy_domain.timeshift import TimeWindow
from understudy_egress.access import CDN_IDENTIFIER
from understudy_egress.client_gone import ClientGone, unless_gone
from understudy_egress.climbing import ClimbingPlaylists
from understudy_egress.conditions import RangeNotSatisfiable, accepts_gzip, is_not_modified, requested_range
from understudy_egress.errors import MethodNotAllowed
from understudy_egress.filtered import FilteredPlaylists
from understudy_egress.logs import EgressLogs
from understudy_egress.pieced import PiecedPlaylist, PiecedRepresentation
from understudy_egress.prepared import (
    CACHE_NEVER,
    CORS_HEADERS,
    Headers,
    Prepared,
    Representation,
    live_freshness,
    segment_headers,
    segment_validators,
)
from understudy_egress.programme import Programme
from understudy_egress.programmes import Programmes
from understudy_egress.segments import Segments
from understudy_egress.startover import ROUTE as STARTOVER
from understudy_egress.startover import Startover
from understudy_runtime import clock
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.metrics import ROUTE, App, Receive, Scope, Send

_log = logging.getLogger(__name__)

PREFIX = "/out/v1/"
_METHODS = b"GET, HEAD, OPTIONS"
_PREFLIGHT_HEADERS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", _METHODS),
    (
        b"access-control-allow-headers",
        b"Range, If-None-Match, If-Range, Cache-Control, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, "
        + HEADER.encode(),
    ),
    (b"access-control-max-age", b"86400"),
)
_NOTHING_TO_FILTER = f"{PARAMETER} is for multivariant playlists; here there is nothing to filter"
_RETRY_AFTER_SECONDS = b"1"
_SERVICE_UNAVAILABLE = 503
_SENT_TOGETHER_BYTES = 64 * 1024


async def _at_once() -> None:
    """Everything is open."""


class Delivery:
    """The ASGI application; whatever is not below ``/out/v1/`` goes to ``otherwise``."""

    def __init__(
        self,
        programmes: Programmes,
        segments: Segments,
        startover: Startover,
        logs: EgressLogs,
        *,
        trusted_proxies: TrustedProxies,
        otherwise: App,
        opened: Callable[[], Awaitable[None]] = _at_once,
    ) -> None:
        """``opened`` returns once what is needed to answer is open, or raises what to answer instead."""
        self._opened = opened
        self._logs = logs
        self._programmes = programmes
        self._segments = segments
        self._startover = startover
        self._filtered = FilteredPlaylists()
        self._climbing = ClimbingPlaylists()
        self._trusted_proxies = trusted_proxies
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._otherwise(scope, receive, send)
            return
        scope[ROUTE] = "delivery"
        send = self._logs.logged(send, scope, _guid(scope["path"]))
        try:
            await self._answer(scope, receive, send)
        except ClientGone:
            return
        except UnderstudyError as err:
            await _send_error(scope, send, err)
        except Exception:  # noqa: BLE001  # whatever it was, the answer must not be cached
            _log.exception("an unexpected error", extra={"path": scope["path"]})
            await _send_error(scope, send, UnderstudyError("an error inside egress; its log says more"))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "OPTIONS":
            scope[ROUTE] = "preflight"
            await _send(send, 204, _PREFLIGHT_HEADERS, b"")
            return
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{method} is not for reading; use GET, HEAD or OPTIONS")
        path: str = scope["path"]
        guid = _guid(path)
        if not keys.GUID.fullmatch(guid) or not path.isascii():
            raise UnknownObject("there is no such origin endpoint")
        await self._opened()
        programme = await self._programmes.get(guid)
        self._check_access(scope, programme)
        if path.endswith(".m3u8"):
            request = parse_playlist_request(path, scope["query_string"].decode("latin-1"))
            if request.manifest_filter is not None and request.name != f"{programme.endpoint.manifest_name}.m3u8":
                raise MalformedManifestFilter(_NOTHING_TO_FILTER)
            if request.start is None:
                prepared: Prepared | PiecedPlaylist = self._live(programme, request)
            else:
                scope[ROUTE] = STARTOVER
                window = TimeWindow(request.start, request.end)
                prepared = await unless_gone(receive, self._startover.playlist(programme, request, window))
            scope[ROUTE] = prepared.route
            started = clock.monotonic()
            shown = programme.board.find(request.live_path.encode()) if request.start is None else None
            status = await _send_prepared(scope, send, prepared)
            if shown is not None and shown.used is not None:
                shown.used(method, status, clock.monotonic() - started)
        else:
            scope[ROUTE] = "segment"
            await self._answer_segment(scope, send, programme, path)

    def _live(self, programme: Programme, request: PlaylistRequest) -> Prepared:
        if request.manifest_filter is not None:
            return self._filtered.playlist(programme, request.manifest_filter)
        live = programme.playlist(request.live_path.encode())
        return self._climbing.playlist(live, request) if request.segment_prefix else live

    def _check_access(self, scope: Scope, programme: Programme) -> None:
        peer = scope["client"][0] if scope.get("client") else None
        client = self._trusted_proxies.client(peer, scope["headers"])
        programme.access.check(client, cdn_identifier=_headers(scope).get(CDN_IDENTIFIER))

    async def _answer_segment(self, scope: Scope, send: Send, programme: Programme, path: str) -> None:
        try:
            parsed = keys.parse_segment_path(path)
        except MalformedKey as err:
            raise UnknownObject("neither a playlist nor a segment") from err
        if requested_filter(scope["query_string"].decode("latin-1")) is not None:
            raise MalformedManifestFilter(_NOTHING_TO_FILTER)
        epoch = programme.board.epoch
        rendition = await self._segment(programme, parsed)
        description = self._segments.describe(parsed, rendition)
        headers = _headers(scope)
        if is_not_modified(headers.get(b"if-none-match"), description.etag):
            await _send(send, 304, segment_validators(description), b"")
            return
        try:
            part = requested_range(
                headers.get(b"range") if scope["method"] == "GET" else None,
                if_range=headers.get(b"if-range"),
                etag=description.etag,
                size=description.size,
            )
        except RangeNotSatisfiable:
            unsatisfied: Headers = ((b"content-range", b"bytes */%d" % description.size), (b"content-length", b"0"))
            await _send(send, 416, (*unsatisfied, (b"cache-control", CACHE_NEVER), *CORS_HEADERS), b"")
            return
        if scope["method"] == "HEAD":
            await _send(send, 200, segment_headers(description), b"")
            return
        prepared = await self._segments.get(path.encode(), rendition, description, board=programme.board, epoch=epoch)
        if part is None:
            await _send(send, 200, prepared.identity.headers, prepared.identity.body)
            return
        start, end = part
        partial: Headers = (
            (b"content-type", description.media_type),
            (b"content-length", b"%d" % (end - start)),
            (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, description.size)),
            *segment_validators(description),
        )
        await _send(send, 206, partial, prepared.identity.body[start:end])

    async def _segment(self, programme: Programme, path: keys.SegmentPath) -> Joinable:
        """What a segment is made of, also where it has left the live playlist and the startover window reaches it."""
        try:
            return programme.segment(path)
        except LeftWindow:
            if not programme.endpoint.startover_window_seconds:
                raise
        return await self._startover.segment(programme, path)


def _guid(path: str) -> str:
    """What stands where an origin endpoint's guid should be."""
    return path.removeprefix(PREFIX).partition("/")[0]


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """Request headers by lower-case name; repeated ones joined, as lists are."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else b", ".join(values) for name, values in found.items()}


async def _send_prepared(scope: Scope, send: Send, prepared: Prepared | PiecedPlaylist) -> int:
    """The status that it was answered with."""
    headers = _headers(scope)
    representation: Representation | PiecedRepresentation = prepared.identity
    if prepared.gzip is not None and accepts_gzip(headers.get(b"accept-encoding")):
        representation = prepared.gzip
    freshness = live_freshness(clock.now_seconds()) if prepared.is_live else ()
    if is_not_modified(headers.get(b"if-none-match"), representation.etag):
        await _send(send, 304, (*freshness, *representation.not_modified_headers), b"")
        return 304
    if scope["method"] == "GET":
        await _send(send, 200, (*freshness, *representation.headers), *representation.parts)
    else:
        await _send(send, 200, (*freshness, *representation.headers), b"")
    return 200


async def _send_error(scope: Scope, send: Send, err: UnderstudyError) -> None:
    if err.status >= 500:
        _log.warning("%s: %s", err.code, err, extra={"path": scope["path"], "reason": err.code, "status": err.status})
    body = json.dumps({"code": err.code, "message": str(err)}, separators=(",", ":")).encode() + b"\n"
    headers: Headers = (
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        # A miss at the live edge is over in a moment: no CDN may hold on to it.
        (b"cache-control", CACHE_NEVER),
        *CORS_HEADERS,
    )
    if err.status == _SERVICE_UNAVAILABLE:
        headers = (*headers, (b"retry-after", _RETRY_AFTER_SECONDS))
    if isinstance(err, MethodNotAllowed):
        headers = (*headers, (b"allow", _METHODS))
    await _send(send, err.status, headers, b"" if scope["method"] == "HEAD" else body)


async def _send(send: Send, status: int, headers: Headers, *parts: bytes | memoryview) -> None:
    """The client reads before more is sent, but for what its connection holds; small parts go together."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    batch: list[bytes | memoryview] = []
    size = 0
    for part in parts[:-1]:
        batch.append(part)
        size += len(part)
        if size >= _SENT_TOGETHER_BYTES:
            await send({"type": "http.response.body", "body": b"".join(batch), "more_body": True})
            batch, size = [], 0
    last = b"".join([*batch, parts[-1]]) if batch else parts[-1]
    await send({"type": "http.response.body", "body": last})
