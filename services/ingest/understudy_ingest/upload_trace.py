"""The trace of an upload: begun once it is clear who sends it, so that strangers begin none."""

from __future__ import annotations

from collections.abc import Mapping

from understudy_ingest.inputs import Input
from understudy_runtime.metrics import ROUTE, Scope
from understudy_runtime.trace_context import TRACEPARENT, TRACESTATE, TraceContext
from understudy_runtime.tracing import Kind, Span, Tracer


def begin_upload(
    tracer: Tracer, scope: Scope, headers: Mapping[bytes, bytes], found: Input, *, started: int, request_id: str
) -> Span:
    """The span of a request whose credentials are right, since ``started``.

    An encoder's own ``traceparent`` is taken up, whether it is sampled included: encoders have credentials.
    """
    client = scope.get("client")
    host, _, port = headers.get(b"host", b"").decode("latin-1").rpartition(":")
    attributes = {
        "http.request.method": scope["method"],
        "http.route": scope[ROUTE],
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
        "server.address": host if port.isdigit() else f"{host}:{port}".removeprefix(":"),
        "network.protocol.version": scope["http_version"],
        "user_agent.original": headers.get(b"user-agent", b"").decode("latin-1"),
        "understudy.channel": found.channel.id,
        "understudy.input": found.input_id,
        "understudy.request_id": request_id,
    }
    if client is not None:
        attributes["network.peer.address"] = client[0]
    return tracer.begin(
        f"{scope['method']} {scope[ROUTE]}",
        kind=Kind.SERVER,
        start=started,
        parent=_sent(headers),
        together=found.channel.guid,
        attributes=attributes,
    )


def _sent(headers: Mapping[bytes, bytes]) -> TraceContext | None:
    names = (TRACEPARENT, TRACESTATE)
    return TraceContext.parse(
        {name: headers[name.encode()].decode("latin-1") for name in names if name.encode() in headers}
    )
