"""The fast path: answers what is on the board while the request's head is read, without a task, a scope or a framework.

It is a subclass of uvicorn's protocol for httptools and leans on that class's inside, so uvicorn is pinned and a test
compares its answers with the application's, byte for byte. Rules:

1. It answers complete, current, in-memory responses to plain GET and HEAD of HTTP/1.1 on a kept connection, and nothing
   else: everything unusual (a body, Range, Expect, Upgrade, Connection: close, a request behind one that is still being
   answered, a client that does not read) goes the ordinary way, which answers the same.
2. It parses nothing itself: httptools has accepted the head before anything is looked up.
3. It counts what it answers in the same metrics, and logs it where that is asked for, which costs the others nothing.
4. Who is not admitted goes the ordinary way, where a refusal says why.
5. A query that could ask for another playlist than the path alone (``playlist_request``) goes the ordinary way too.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from understudy_domain.playlist_request import means_something
from understudy_egress.access import CDN_IDENTIFIER
from understudy_egress.board import Shown
from understudy_egress.conditions import accepts_gzip, is_not_modified
from understudy_egress.prepared import Prepared, Representation, header_lines, live_freshness
from understudy_runtime import clock
from understudy_runtime.access_log import AccessLog, Exchange, Names, asked_by
from understudy_runtime.clock import stopwatch
from understudy_runtime.http_protocol import HttpProtocol
from understudy_runtime.metrics import HttpMetrics

_STATUS_OK = 200
_OK = STATUS_LINE[_STATUS_OK]
_NOT_MODIFIED = STATUS_LINE[304]

_LOOKED_AT = frozenset(
    {
        *(b"accept-encoding", b"if-none-match", b"connection", CDN_IDENTIFIER),
        # With any of these a request is not plain.
        *(b"range", b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"if-match", b"te"),
    }
)
_KEEP_ALIVE = b"keep-alive"
_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}


class FastPathProtocol(HttpProtocol):
    """The HTTP protocol with a board in front of the application. ``bound`` makes a class for one board."""

    shown: Shown
    metrics: HttpMetrics
    requests_log: AccessLog
    """Not uvicorn's own, which is off."""

    @classmethod
    def bound(cls, shown: Shown, metrics: HttpMetrics, requests_log: AccessLog) -> type[FastPathProtocol]:
        """A protocol class that answers from this board, counts into these metrics, and logs what is to be logged."""
        bound = {"shown": shown, "metrics": metrics, "requests_log": requests_log}
        return type("BoundFastPathProtocol", (cls,), bound)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_plain = True
        self._answered = False
        self._if_none_match: bytes | None = None
        self._accept_encoding: bytes | None = None
        self._cdn_identifier: bytes | None = None
        self._kept_explicitly = False
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._live_second = 0
        self._defaults = self._live_defaults = b""
        self._count = self.metrics.observe

    # --- one request --------------------------------------------------------------------------------------------------

    @override
    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._is_plain = True
        self._answered = False
        self._kept_explicitly = False
        self._if_none_match = self._accept_encoding = self._cdn_identifier = None

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self.headers.append((name, value))
        if name in _LOOKED_AT:
            self._look_at(name, value)

    def _look_at(self, name: bytes, value: bytes) -> None:
        if name == b"accept-encoding" and self._accept_encoding is None:
            self._accept_encoding = value
        elif name == b"if-none-match" and self._if_none_match is None:
            self._if_none_match = value
        elif name == CDN_IDENTIFIER and self._cdn_identifier is None:
            self._cdn_identifier = value
        elif name == b"connection" and value.lower() == _KEEP_ALIVE:
            self._kept_explicitly = True
        else:
            self._is_plain = False
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True

    @override
    def on_headers_complete(self) -> None:
        self.unparsed_size = 0
        self.quiet_since = self.loop.time()
        url = self.url
        prepared = self.shown.get(url)
        if prepared is None and b"?" in url:
            path, _, query = url.partition(b"?")
            if not means_something(query):
                prepared = self.shown.get(path)
        if prepared is None or not self._is_plain or not self._admits(prepared) or not self._answer(prepared):
            self._go_the_long_way()

    def _admits(self, prepared: Prepared) -> bool:
        return prepared.admits is None or prepared.admits(self._cdn_identifier)

    def _answer(self, prepared: Prepared) -> bool:
        """Whether the request was answered."""
        started = stopwatch()
        cycle: RequestResponseCycle | None = self.cycle
        if (cycle is not None and not cycle.response_complete) or self.flow.write_paused:
            return False
        if self.server_state.is_draining:
            return False  # the answer has to end the connection
        method = _METHODS.get(self.parser.get_method())
        if method is None or not self.parser.should_keep_alive():
            return False
        if self._kept_explicitly and self.parser.get_http_version() != "1.1":
            return False
        representation = prepared.identity
        if prepared.gzip is not None and self._accept_encoding is not None and accepts_gzip(self._accept_encoding):
            representation = prepared.gzip
        head = self._head_lines(is_live=prepared.is_live)
        status = _STATUS_OK
        if self._if_none_match is not None and is_not_modified(self._if_none_match, representation.etag):
            status = 304
            self.transport.write(_NOT_MODIFIED + head + representation.not_modified)
        elif method == "HEAD":
            self.transport.write(_OK + head + representation.head)
        elif representation.ok is not None:
            self.transport.write(_OK + head + representation.ok)
        else:
            self.transport.write(_OK + head + representation.head)
            self.transport.write(representation.body)
        self._answered = True
        if prepared.touch is not None:
            prepared.touch()
        self.server_state.total_requests += 1
        seconds = stopwatch() - started
        self._count(prepared.route, method, status, seconds)
        if prepared.used is not None:
            prepared.used(method, status, seconds)
        if prepared.logged_as is not None:
            self._log(prepared.logged_as, method, status, seconds, representation)
        return True

    def _head_lines(self, *, is_live: bool) -> bytes:
        """What depends on the moment: the server's own header lines, and how fresh a live playlist is."""
        defaults = self.server_state.default_headers
        if defaults is not self._default_headers:
            self._default_headers = defaults
            self._defaults = header_lines(defaults)
            self._live_second = 0
        if not is_live:
            return self._defaults
        second = clock.now_seconds()
        if second != self._live_second:
            self._live_second = second
            self._live_defaults = self._defaults + header_lines(live_freshness(second))
        return self._live_defaults

    def _log(self, names: Names, method: str, status: int, seconds: float, representation: Representation) -> None:
        user_agent, host = asked_by(self.headers)
        self.requests_log.add(
            Exchange(
                received_at=clock.now_ticks(),
                client=self.requests_log.client(self.client[0] if self.client else None, self.headers),
                processing_seconds=seconds,
                status=status,
                received_bytes=0,
                sent_bytes=len(representation.body) if status == _STATUS_OK and method == "GET" else 0,
                method=method,
                path=self.url.partition(b"?")[0],
                protocol="HTTP/1.1",
                user_agent=user_agent,
                host=host,
                names=names,
            )
        )

    def _go_the_long_way(self) -> None:
        self.scope = {  # type: ignore[typeddict-item]
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": self.root_path,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        if not self._answered:
            super().on_message_complete()
