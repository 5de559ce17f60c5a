"""Requests under ``/in/``: a plain ASGI callable in front of the application, as all that is pushed passes here.

The order matters. Who it is for, whether they may, and whether it fits are settled from the head alone, before the body
is asked for: an encoder that waits for ``100 Continue`` reads its 401 first, and uploads once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from understudy_domain import keys
from understudy_domain.errors import UnderstudyError
from understudy_ingest.body import Body, Budget
from understudy_ingest.digest import Request
from understudy_ingest.errors import (
    BodyTooLarge,
    HeldTooLong,
    MethodNotAllowed,
    Overloaded,
    Unauthorized,
)
from understudy_ingest.inputs import Input, Inputs
from understudy_ingest.metrics import IngestMetrics
from understudy_ingest.protocol import UPLOAD, Upload
from understudy_ingest.receiver import Receiver, may_be_a_segment
from understudy_ingest.settings import IngestSettings
from understudy_ingest.upload_trace import begin_upload
from understudy_runtime import clock
from understudy_runtime.access_log import AccessLog, LoggedSend, Names
from understudy_runtime.log_limit import LogLimit
from understudy_runtime.metrics import ROUTE, App, Receive, Scope, Send
from understudy_runtime.opening import Opening
from understudy_runtime.tracing import NO_SPAN, NO_TRACER, Span, Tracer

_log = logging.getLogger(__name__)

PREFIX = "/in/"
_ROUTE_NAME = "/in/v2/{channel}/{ingest_endpoint}/{name}"
_OLD_PREFIX = "/in/v1/"
_OLD_ROUTE_NAME = "/in/v1/{channel}/{name}"
_WRITING = frozenset({"PUT", "POST"})
_ALLOWED = "PUT, POST, DELETE, MKCOL, OPTIONS"
_RETRY_AFTER_SECONDS = 1

_Headers = list[tuple[bytes, bytes]]


class UploadEndpoint:
    """Answers what is under ``/in/``, and passes everything else on."""

    def __init__(self, service: App, uploads: Uploads) -> None:
        self._service = service
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http" and (scope["path"].startswith(PREFIX) or scope["method"] in _WRITING):
            await self._uploads.handle(scope, receive, send)
        else:
            await self._service(scope, receive, send)


class Uploads:
    """The requests of encoders."""

    def __init__(
        self,
        settings: IngestSettings,
        *,
        opening: Opening,
        inputs: Inputs,
        receiver: Receiver,
        metrics: IngestMetrics,
        budget: Budget,
        access_log: AccessLog,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._tracer = tracer
        self._settings = settings
        self._opening = opening
        self._inputs = inputs
        self._receiver = receiver
        self._metrics = metrics
        self._budget = budget
        self._access_log = access_log
        self._arns = keys.Arns(settings.region, settings.account_id)
        self._limit = LogLimit()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found: Input | None = None
        path: str = scope["path"]
        scope[ROUTE] = _OLD_ROUTE_NAME if path.startswith(_OLD_PREFIX) else _ROUTE_NAME
        if scope["method"] not in _WRITING:
            path = path.rstrip("/")  # a folder's URL ends so
        request_id = self._access_log.new_request_id()
        logged: LoggedSend | None = None
        headers: _Headers = [(b"x-amzn-requestid", request_id.encode())]
        try:
            await self._opening.wait(seconds=self._settings.hold_seconds)
            found = await self._inputs.find(path)
            if found.channel.ingress_access_logs is not None:
                exchange = self._access_log.exchange(scope, self._names(found), request_id=request_id)
                send = logged = LoggedSend(send, log=self._access_log, exchange=exchange)
            status = await self._answer(scope, receive, found, logged, request_id=request_id)
        except UnderstudyError as err:
            await self._refuse(err, found, scope, send, headers, request_id=request_id)
        else:
            if scope["method"] == "OPTIONS":
                headers.append((b"allow", _ALLOWED.encode()))
            await _respond(send, status, headers)

    def _names(self, found: Input) -> Names:
        return Names.of(
            account=self._arns.account_id,
            channel_id=found.channel.id,
            channel_arn=self._arns.channel(found.channel.guid),
            endpoint_id=found.path.ingest_guid,
        )

    async def _answer(
        self, scope: Scope, receive: Receive, found: Input, logged: LoggedSend | None, *, request_id: str
    ) -> int:
        started = clock.now_nanoseconds()
        method = scope["method"]
        if method == "OPTIONS":
            return 200
        headers = dict(scope["headers"])
        upload: Upload | None = scope.get(UPLOAD)
        self._authorize(scope, headers, upload, found)
        if method == "DELETE":
            return 200  # media is kept for as long as retention says, whatever the encoder's own window
        if method == "MKCOL":
            return 201  # folders need no making
        if method not in _WRITING:
            raise MethodNotAllowed(f"an input URL is for writing, {method} is not answered here")
        self._fits(headers)
        if not self._tracer.is_on or not may_be_a_segment(found):
            return await self._take(headers, upload, receive, found, logged, NO_SPAN)
        span = begin_upload(self._tracer, scope, headers, found, started=started, request_id=request_id)
        span.name_in_logs()
        with span:
            status = await self._take(headers, upload, receive, found, logged, span)
            span.set({"http.response.status_code": status})
            return status

    async def _take(
        self,
        headers: dict[bytes, bytes],
        upload: Upload | None,
        receive: Receive,
        found: Input,
        logged: LoggedSend | None,
        span: Span,
    ) -> int:
        body = Body(size_max=self._settings.body_size_max, budget=self._budget)
        try:
            try:
                with span.child("receive body"):
                    data = await self._read(body, upload, receive)
            finally:
                if logged is not None:
                    logged.body_received(body.size)
            encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
            return await self._receiver.receive(
                data, found, content_encoding="" if encoding == "identity" else encoding, span=span
            )
        finally:
            body.close()

    def _authorize(self, scope: Scope, headers: dict[bytes, bytes], upload: Upload | None, found: Input) -> None:
        authorization = headers.get(b"authorization")
        connection = None if upload is None else upload.connection
        nonce = found.credentials.check(
            Request(scope["method"], scope["path"], None if authorization is None else authorization.decode("latin-1")),
            now_seconds=clock.now_milliseconds() / 1_000,
            accepted_nonce=None if connection is None else connection.accepted_nonce,
        )
        if connection is not None:
            connection.accepted_nonce = nonce

    def _fits(self, headers: dict[bytes, bytes]) -> None:
        length = headers.get(b"content-length")
        if length is None:
            return
        size = int(length)  # the parser has refused what is no number
        if size > self._settings.body_size_max:
            raise BodyTooLarge(f"{size} bytes are more than {self._settings.body_size_max}, the most that is taken")
        if self._budget.held + size > self._settings.held_size_max:
            raise Overloaded("too many uploads are held at present, send this one again")

    async def _read(self, body: Body, upload: Upload | None, receive: Receive) -> bytes:
        if upload is not None:
            upload.begin(body)
            return await body.read(stall_seconds=self._settings.stall_seconds)
        return await read_with_receive(body, receive, stall_seconds=self._settings.stall_seconds)

    # --- refusals -----------------------------------------------------------------------------------------------------

    async def _refuse(
        self,
        err: UnderstudyError,
        found: Input | None,
        scope: Scope,
        send: Send,
        headers: _Headers,
        *,
        request_id: str,
    ) -> None:
        headers.append((b"x-understudy-error", err.code.encode()))
        if isinstance(err, Unauthorized) and found is not None:
            now = clock.now_milliseconds() / 1_000
            headers += [
                (b"www-authenticate", challenge.encode())
                for challenge in found.credentials.challenges(now_seconds=now, stale=err.stale)
            ]
        if err.status == 503:
            headers.append((b"retry-after", str(_RETRY_AFTER_SECONDS).encode()))
        if isinstance(err, MethodNotAllowed):
            headers.append((b"allow", _ALLOWED.encode()))
        if _must_close(scope):
            headers.append((b"connection", b"close"))
        self._count(err, found, scope, request_id=request_id)
        await _respond(send, err.status, headers, f"{err}\n".encode())

    def _count(self, err: UnderstudyError, found: Input | None, scope: Scope, *, request_id: str) -> None:
        # The first request of a connection has no credentials, by the rules of HTTP: that is no refusal.
        if isinstance(err, Unauthorized) and not any(name == b"authorization" for name, _ in scope["headers"]):
            return
        self._metrics.rejected.labels(err.code).inc()
        if isinstance(err, Unauthorized) and found is not None:
            self._metrics.unauthorized(found.channel.id, found.input_id)
        who = "" if found is None else f"{found.channel.id}/{found.input_id}"
        left_out = self._limit.admit((who, err.code))
        if left_out is None:
            return
        _log.log(
            logging.ERROR if isinstance(err, HeldTooLong | Overloaded) else logging.WARNING,
            "refused an upload: %s",
            err,
            extra={
                "reason": err.code,
                "status": err.status,
                "path": scope["path"],
                "channel": None if found is None else found.channel.id,
                "input": None if found is None else found.input_id,
                "request_id": request_id,
                "left_out": left_out,
            },
        )


async def read_with_receive(body: Body, receive: Receive, *, stall_seconds: float) -> bytes:
    """The body by ASGI's ``receive``, on servers without ``UploadProtocol``.

    Raises:
        What ``Body.read`` raises.
    """
    try:
        while True:
            async with asyncio.timeout(stall_seconds):
                message = await receive()
            if message["type"] == "http.disconnect":
                body.lose()
                break
            body.feed(message.get("body", b""))
            if not message.get("more_body", False):
                body.finish()
                break
    except TimeoutError:
        pass
    return await body.read(stall_seconds=0)


def _must_close(scope: Scope) -> bool:
    """A client that waits for 100 Continue sends its body or not upon a refusal: only a new connection is clear."""
    upload: Upload | None = scope.get(UPLOAD)
    if upload is not None:
        return upload.is_awaited
    return any(name == b"expect" for name, _ in scope["headers"])


async def _respond(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes = b"") -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-length", str(len(body)).encode()),
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"cache-control", b"no-store"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
