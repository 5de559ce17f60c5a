"""uvicorn's HTTP protocol, with bounds on what a connection may cost that completes no request or reads no answer.

uvicorn with httptools bounds neither how large a request's head may grow nor how long a client may take over it, and
writes to a client that does not read for as long as it stays. It also takes trailers for headers, which they must not
become (RFC 9110, 6.5.1), and drops the body of a request that asks for another protocol, as Java's HTTP client does
(``Upgrade: h2c``), instead of ignoring that it asks. This leans on the class's inside, hence uvicorn is pinned.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
import uvicorn.server
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SIZE_MAX = 64 << 10
"""Bytes of a request's head, or of its trailers."""

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n"
    b"cache-control: no-store\r\n\r\n"
)
_CUT_OFF = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-length: 0\r\n"
    b"cache-control: no-store\r\n\r\n"
)
_FRAMING = (b"content-length", b"transfer-encoding")


class ServerState(uvicorn.server.ServerState):
    """What all connections of a server share."""

    def __init__(self) -> None:
        super().__init__()
        self.is_draining = False
        """The process is about to end: each answer is the last one of its connection."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. Subclasses that override a callback of the parser without calling it here keep its promises."""

    server_state: ServerState

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unparsed_size = 0
        """Bytes received since the parser last got anywhere: to the end of a head, some of a body, its end."""
        self.quiet_since = 0.0
        """When the client last got anywhere, by the loop's clock."""
        self._made_at = 0.0
        self._unread: tuple[int, float] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # --- what arrives -------------------------------------------------------------------------------------------------

    @override
    def data_received(self, data: bytes) -> None:
        self.unparsed_size += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        else:
            if self.unparsed_size > HEAD_SIZE_MAX:
                self._refuse_head()

    @override
    def on_headers_complete(self) -> None:
        self.unparsed_size = 0
        self.quiet_since = self.loop.time()
        super().on_headers_complete()
        self.headers = []  # what the parser calls headers from here on are trailers
        if self.server_state.is_draining:
            self.end_with(self.cycle)

    @override
    def on_body(self, body: bytes) -> None:
        self.unparsed_size = 0
        self.quiet_since = self.loop.time()
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self.unparsed_size = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        self.quiet_since = self.loop.time()
        super().on_response_complete()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Take the request as though it had not asked: the parser has stopped where its body would begin."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or self.transport.is_closing():
            return
        cycle.keep_alive = False
        framing = [b"%b: %b\r\n" % header for header in cycle.scope["headers"] if header[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(_RestOfRequest(self))
        self.data_received(b"".join((b"POST / HTTP/1.1\r\n", *framing, b"\r\n", rest)))

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self.transport.write(_HEAD_TOO_LARGE)
        self.transport.close()

    # --- its end ------------------------------------------------------------------------------------------------------

    @property
    def is_new(self) -> bool:
        """Nothing has been asked yet."""
        return self.quiet_since == self._made_at

    def drain(self) -> None:
        """The process is about to end: what is answered from now on is answered with ``Connection: close``.

        A connection on which nothing is asked stays for now: a request may be on its way, and closing would lose it.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_started:
            self.end_with(cycle)

    def end_with(self, cycle: RequestResponseCycle) -> None:
        """Have this answer be the last one of the connection."""
        cycle.keep_alive = False

    def cut(self) -> str | None:
        """End the connection, whatever is going on; returns what was cut off, None where nothing was."""
        cycle: RequestResponseCycle | None = self.cycle
        unread = self.transport.get_write_buffer_size()
        is_open = False
        if cycle is not None and not cycle.response_complete:
            is_open = True
            if not cycle.response_started and not self.transport.is_closing():
                cycle.transport.write(_CUT_OFF)
            cycle.disconnected = True
        if unread:
            self.transport.abort()
        else:
            self.transport.close()
        if not (is_open or unread):
            return None
        return "an answer" if cycle is None else f"{cycle.scope['method']} {cycle.scope['path']}"

    # --- one connection's time ----------------------------------------------------------------------------------------

    # One timer outlives many requests and looks how long it has really been quiet: making and cancelling one for each
    # would cost a tenth of an answer from memory.

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base class has it
        super().connection_made(transport)
        self.quiet_since = self._made_at = self.loop.time()
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._look)

    def set_patience(self, seconds: int) -> None:
        """How long the client may get nowhere, instead of what is usual."""
        self.timeout_keep_alive = seconds
        if self._timer is not None:
            self._timer.cancel()
        self._look()

    def _look(self) -> None:
        self._timer = None
        unread = self.transport.get_write_buffer_size()
        if unread and self._unread == (unread, self.quiet_since):
            self.transport.abort()
            return
        if unread:
            self._unread = (unread, self.quiet_since)
        elif self._unread is not None:
            self._unread = None
            self.quiet_since = self.loop.time()
        remaining: float = self.timeout_keep_alive
        if not unread and self._is_client_awaited():
            remaining += self.quiet_since - self.loop.time()
        if remaining > 0:
            self._timer = self.loop.call_later(remaining, self._look)
        else:
            self.timeout_keep_alive_handler()

    def _is_client_awaited(self) -> bool:
        """It is the client's turn: to send a request, or the rest of one."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)


class _RestOfRequest:
    """What a parser that joins amid a request tells: only what comes after the head."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete
