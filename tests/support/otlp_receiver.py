"""A collector of traces: takes what services export by OTLP over HTTP, and can go away, or hang, as collectors do."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from typing_extensions import override

_HANG_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span as it was exported; instants are nanoseconds since the epoch."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it is the first of its trace."""
    start: int
    end: int
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, int, Mapping[str, Any]]]
    links: Sequence[tuple[str, str, Mapping[str, Any]]]
    """Trace id, span id, attributes."""
    is_error: bool


class OtlpReceiver:
    """Listens from when it is entered. ``hang`` makes it take requests and never answer."""

    def __init__(self) -> None:
        receiver = self
        self._lock = threading.Lock()
        self._spans: list[ReceivedSpan] = []
        self._released = threading.Event()
        self._released.set()
        self.paths: set[str] = set()
        """That were asked for."""
        self.answer = ExportTraceServiceResponse()
        self.answer_headers: dict[str, str] = {}
        self.statuses: list[int] = []
        """Of the next answers; then 200."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver._released.wait(_HANG_SECONDS_MAX)
                status = receiver._next_status()
                if status == HTTPStatus.OK:
                    receiver._take(
                        self.path, gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
                    )
                answer = receiver.answer.SerializeToString() if status == HTTPStatus.OK else b""
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                for name, value in receiver.answer_headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that gave up waiting
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def spans(self) -> list[ReceivedSpan]:
        """All so far."""
        with self._lock:
            return list(self._spans)

    def trace(self, trace_id: str) -> list[ReceivedSpan]:
        """Those of one trace, by when they began."""
        return sorted((one for one in self.spans if one.trace_id == trace_id), key=lambda one: one.start)

    def hang(self) -> None:
        """Answer nothing any more."""
        self._released.clear()

    def recover(self) -> None:
        """Answer again."""
        self._released.set()

    def _next_status(self) -> int:
        with self._lock:
            return self.statuses.pop(0) if self.statuses else HTTPStatus.OK

    def _take(self, path: str, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        found = [
            _received(span, str(_plain(resource.resource.attributes)["service.name"]))
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self.paths.add(path)
            self._spans += found


def _received(span: WireSpan, service: str) -> ReceivedSpan:
    return ReceivedSpan(
        service=service,
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_plain(span.attributes),
        events=[(one.name, one.time_unix_nano, _plain(one.attributes)) for one in span.events],
        links=[(one.trace_id.hex(), one.span_id.hex(), _plain(one.attributes)) for one in span.links],
        is_error=span.status.code == 2,
    )


def _plain(attributes: Sequence[KeyValue]) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return None if kind is None else getattr(value, kind)
