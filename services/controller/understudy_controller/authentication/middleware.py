"""Every request of the control API passes here: its signature is checked, and what it wrote is told in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from understudy_controller.api.actions import Actions
from understudy_controller.api.errors import BodyTooLarge, error_response
from understudy_controller.authentication.authorization import HttpRequest, authorization_of
from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.metrics import AuthenticationMetrics
from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_controller.authentication.sessions import ProxiedViewers, Sessions, Viewer, check_same_origin
from understudy_controller.authentication.unsigned import UnsignedRequests
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.access_keys import AccessKey
from understudy_runtime.log_limit import LogLimit

_log = logging.getLogger(__name__)

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/understudy/v1/openapi.json"})
"""What needs no signature: probes and Prometheus sign nothing. The metrics name channels and origin endpoints, and tell
how they are; nothing here has a secret in it."""

_CONSOLE: Final = "/console"
_OPEN_BELOW: Final = ("/console/static/", "/console/sign-in")
"""What the console's pages are made of, and where people say who they are."""
_SIGN_OUT: Final = "/console/sign-out"
"""What is changed by it is the browser's own: who may only look may leave, too."""
_SIGN_IN: Final = "sign-in?to={}"
"""Below ``/console/``."""

_SIGNED: Final = b"AWS4-"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED: Final = 400
_TOLD_LENGTH_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks. ``request.state.sender`` has it."""

    access_key_id: str
    """Empty where requests need no signature."""
    name: str
    read_only: bool = False

    @override
    def __str__(self) -> str:
        return self.name or self.access_key_id or "anybody"


ANYBODY: Final = Sender("", "")


def utc_now() -> datetime:
    """The clock's time."""
    return ticks.to_datetime(clock.now_ticks())


class Authentication:
    """ASGI middleware. It reads the whole body of a request, which is bounded, before it passes it on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: AccessKeys | None,
        metrics: AuthenticationMetrics | None,
        now: Callable[[], datetime] = utc_now,
        hosts: Iterable[str] = (),
        sessions: Sessions | None = None,
        proxied: ProxiedViewers | None = None,
        actions: Callable[[], Actions | None] = lambda: None,
    ) -> None:
        """``keys`` and ``metrics`` are None where requests need no signature; ``hosts`` count only there.

        ``sessions`` and ``proxied``: who is known without a signature, where requests need one. ``actions``: where it
        is told who did what, once there is such a place.
        """
        self._actions = actions
        self._sessions = sessions
        self._proxied = proxied
        self._unsigned = UnsignedRequests(hosts)
        self._app = app
        self._keys = keys
        self._metrics = metrics
        self._now = now
        self._limit = LogLimit()
        if keys is not None:
            # botocore takes a tenth of a second to load: here, not with the first request, while decisions are due.
            from understudy_controller.authentication.signature import check_signature  # noqa: PLC0415

            self._check_signature = check_signature

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection's scope."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            sender, body = await self._sender(scope, receive)
        except RequestRefused as err:
            if self._metrics is not None:
                self._metrics.refused(err.reason)
            self._tell_refusal(err, scope)
            if err.reason is Reason.MISSING_SIGNATURE and _is_page(scope):
                await RedirectResponse(_to_sign_in(scope), 303)(scope, receive, send)
                return
            await error_response(err.status, str(err))(scope, receive, send)
            return
        except BodyTooLarge as err:
            await error_response(err.status_code, err.detail)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        scope["state"]["sender"] = sender
        await self._pass_on(scope, body, receive, send, sender)

    async def _sender(self, scope: Scope, receive: Receive) -> tuple[Sender, bytes]:
        """Who has sent a request, and its body.

        Raises:
            RequestRefused: nobody we know has signed it, or the key does not allow it; or, where nothing is signed, a
                page of another origin sends it.
            BodyTooLarge: its body is.
            ClientDisconnect: the client went away before its end: what it asked for is not known.
        """
        if self._keys is None:
            self._unsigned.check(scope["state"]["headers_as_sent"])
            return ANYBODY, await _body_of(receive)
        viewer = self._viewer(scope)
        if viewer is not None:
            return Sender(viewer.access_key_id, viewer.name, viewer.read_only), await _body_of(receive)
        request = _as_sent(scope)
        authorization = authorization_of(request, now=self._now())
        key = self._keys.get(authorization.access_key_id)
        if key is None:
            raise RequestRefused(Reason.UNKNOWN_KEY, f"no such access key here: {authorization.access_key_id:.128}")
        body = await _body_of(receive)
        self._check_signature(request, body, authorization, key.secret_access_key)
        _check_allowed(key, scope)
        return Sender(key.access_key_id, key.name, key.read_only), body

    def _viewer(self, scope: Scope) -> Viewer | None:
        """Who asks by a session or through a proxy; None where a signature has to say it.

        Raises:
            RequestRefused: they may only look, or a page of another origin asks in their name.
        """
        headers = scope["state"]["headers_as_sent"]
        if any(name == b"authorization" and value.startswith(_SIGNED) for name, value in headers):
            return None  # a proxy may have put its own token there: that is no signature
        client = scope.get("client")
        viewer = self._proxied.viewer(client[0] if client else None, headers) if self._proxied is not None else None
        if viewer is None and self._sessions is not None:
            viewer = self._sessions.viewer(headers)
        if viewer is not None and scope["method"] not in _READS:
            check_same_origin(headers)
            if viewer.read_only and scope["path"] != _SIGN_OUT:
                raise RequestRefused(Reason.READ_ONLY, f"{viewer.name} may only look: {scope['method']} writes")
        return viewer

    def _tell_refusal(self, err: RequestRefused, scope: Scope) -> None:
        """Those of a known key each, as all that is written; those of anybody as a log can bear it."""
        left_out = 0 if err.reason is Reason.READ_ONLY else self._limit.admit(err.reason)
        if left_out is None:
            return
        told = {"reason": err.reason.value, "resource": _told(scope["path"]), "left_out": left_out}
        _log.warning("request refused: %s", err, extra={**told, **_of_request(scope)})

    async def _pass_on(self, scope: Scope, body: bytes, receive: Receive, send: Send, sender: Sender) -> None:
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        actions = self._actions() if scope["method"] not in _READS else None
        target = actions.target(scope["path"], body) if actions is not None else None

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["method"] not in _READS:
                _tell(scope, body, sender, message["status"])
                if actions is not None and message["status"] < _REFUSED:
                    done_to = target or actions.target(scope["path"], body)  # what is created is known only now
                    if done_to is not None:
                        actions.tell(done_to, operation=_operation(scope), author=_author(sender))
            await send(message)

        try:
            await self._app(scope, receive_again, told)
        except Exception:
            if scope["method"] not in _READS:
                _tell(scope, body, sender, 500)
            raise


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(_OPEN_BELOW)


def _is_page(scope: Scope) -> bool:
    """Whether a person's browser asks for something to be looked at, and can be led to where they sign in."""
    accept = [value for name, value in scope["state"]["headers_as_sent"] if name == b"accept"]
    return (
        scope["method"] == "GET"
        and scope["path"].startswith(_CONSOLE)
        and any(b"text/html" in value for value in accept)
    )


def _to_sign_in(scope: Scope) -> str:
    """Relative to the page that is asked for: only a proxy in front knows below which path the console is served."""
    steps = scope["raw_path"].count(b"/") - _CONSOLE.count("/") - 1
    up = "../" * steps if steps >= 0 else "console/"
    return up + _SIGN_IN.format(quote(scope["path"], safe=""))


def _as_sent(scope: Scope) -> HttpRequest:
    headers = scope["state"]["headers_as_sent"]
    return HttpRequest(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers],
    )


def _check_allowed(key: AccessKey, scope: Scope) -> None:
    if key.read_only and scope["method"] not in _READS:
        whose = f" ({key.name})" if key.name else ""
        raise RequestRefused(
            Reason.READ_ONLY,
            f"the access key {key.access_key_id}{whose} may only read: {scope['method']} {scope['path'][:200]} writes",
        )


async def _body_of(receive: Receive) -> bytes:
    """The whole body."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _tell(scope: Scope, body: bytes, sender: Sender, status: int) -> None:
    """One line for each write: who did what to which resource, and what came of it. Never the body."""
    operation = _operation(scope)
    _log.info(
        "%s by %s",
        operation,
        sender,
        extra={
            "audit": True,
            "operation": operation,
            "resource": _resource(scope, body),
            "access_key_id": sender.access_key_id,
            "sender": sender.name,
            "status": status,
            **_of_request(scope),
        },
    )


def _operation(scope: Scope) -> str:
    return getattr(scope.get("route"), "summary", None) or "no operation"


def _author(sender: Sender) -> str:
    return "" if sender == ANYBODY else str(sender)


def _resource(scope: Scope, body: bytes) -> str:
    """The path below the root, with the id that a create has in its body."""
    path: str = scope["path"]
    if path in ("/channels", "/origin_endpoints", "/harvest_jobs"):
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        made = content.get("id") if isinstance(content, dict) else None
        path = f"{path}/{made}" if isinstance(made, str) else path
    return _told(path.removeprefix("/"))


def _told(path: str) -> str:
    """As much of a path as is told."""
    return path[:_TOLD_LENGTH_MAX]


def _of_request(scope: Scope) -> dict[str, str]:
    client = scope.get("client")
    return {
        "method": scope["method"],
        "client": client[0] if client else "",
        "request_id": scope["state"]["request_id"],
    }
