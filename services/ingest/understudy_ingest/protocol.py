"""How bodies come from a connection to a request.

uvicorn's own way, ``receive()``, has a flaw that costs segments: when a client closes its connection right after the
last byte of a body, as FFmpeg does without ``-http_persistent``, a body that has arrived whole can be reported as a
disconnect. It also copies every byte twice more. So a subclass of uvicorn's protocol hands the bytes over directly. It
leans on that class's internals, hence uvicorn is pinned; without it the application falls back to ``receive()``.

And how a connection ends when the process does. Encoders that keep their connection send a segment's playlist right
after the segment, and the next segment later, without ever reading an answer: FFmpeg does. Closing under that loses
what was sent. So after its last answer, and where nothing is asked at the end, a connection is closed in one direction:
the client is told that there is nothing more to come (RFC 9112, 9.6), and what it sends all the same is taken as ever,
until it has noticed. It sends that once more then; the controller knows a piece that comes twice.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from understudy_ingest.body import Body
from understudy_runtime.http_protocol import HttpProtocol

UPLOAD = "understudy.upload"
"""Key of the ASGI scope under which a request finds its ``Upload``."""

_DISCARDED_SIZE_MAX = 64 << 20
_UNNOTICED_SECONDS = 12
"""How long a client may send nothing that has not noticed yet: longer than the longest usual segment takes to be made.
FFmpeg has connections, too, on which it sends the multivariant playlist once, and nothing for hours."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upload:
    """The connection's side of one body. Until ``begin`` nothing is asked for and little is read."""

    def __init__(self, protocol: UploadProtocol) -> None:
        self.connection = protocol
        self._cycle: RequestResponseCycle | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._body: Body | None = None
        self._is_complete = False

    @property
    def is_awaited(self) -> bool:
        """The client waits for ``100 Continue``, and has sent nothing yet."""
        cycle = self._cycle
        return cycle is not None and cycle.waiting_for_100_continue and not self._early and not self._is_complete

    def begin(self, body: Body) -> None:
        """Ask for the body, and feed it to ``body`` as it comes."""
        cycle = self._cycle
        if cycle is not None and cycle.waiting_for_100_continue and not cycle.transport.is_closing():
            cycle.waiting_for_100_continue = False
            cycle.transport.write(_CONTINUE)
        for data in self._early:
            body.feed(data)
        self._early.clear()
        self._body = body
        if self._is_complete:
            body.finish()
        elif self.connection.is_lost:
            body.lose()
        else:
            self.connection.flow.resume_reading()

    def belongs_to(self, cycle: RequestResponseCycle) -> None:
        """Know the request."""
        self._cycle = cycle

    def feed(self, data: bytes) -> None:
        """More of the body arrived."""
        if self._body is not None:
            self._body.feed(data)
            return
        self._early.append(data)
        self._early_size += len(data)
        if self._early_size > HIGH_WATER_LIMIT:
            self.connection.flow.pause_reading()

    def finish(self) -> None:
        """All of the body arrived."""
        self._is_complete = True
        if self._body is not None:
            self._body.finish()

    def lose(self) -> None:
        """The connection ended."""
        if self._body is not None and not self._is_complete:
            self._body.lose()


class _LastAnswer:
    """Stands in for the transport where a request's answer is the last: closes in one direction, and then is silent."""

    def __init__(self, protocol: UploadProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        """Send, or nothing where all is said."""
        if not self._protocol.has_said_all:
            self._protocol.transport.write(data)

    def close(self) -> None:
        """All is said."""
        self._protocol.say_no_more()

    def is_closing(self) -> bool:
        """Whether the connection is at its end in both directions."""
        return self._protocol.transport.is_closing()


class UploadProtocol(HttpProtocol):
    """The HTTP protocol, with bodies of PUT and POST handed over without ``receive()``."""

    accepted_nonce: str | None = None
    """The Digest nonce that was last accepted on this connection."""
    is_lost = False
    has_said_all = False
    """Nothing is answered any more: the client has been told so, and may not know yet."""
    _is_an_encoders = False
    _upload: Upload | None = None
    _discarded_size = 0

    @override
    def on_headers_complete(self) -> None:
        self._discarded_size = 0
        if self.parser.get_method() not in (b"PUT", b"POST"):
            self._upload = None
            super().on_headers_complete()
            return
        self._is_an_encoders = True
        upload = self._upload = Upload(self)
        scope: Any = self.scope
        scope[UPLOAD] = upload
        super().on_headers_complete()
        upload.belongs_to(self.cycle)

    @override
    def on_body(self, body: bytes) -> None:
        self.unparsed_size = 0
        self.quiet_since = self.loop.time()
        if self.cycle.response_complete:
            self._discard(len(body))
        elif self._upload is not None:
            self._upload.feed(body)
        else:
            super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        if self._upload is not None and not self.parser.should_upgrade():
            self._upload.finish()
        super().on_message_complete()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._upload is not None:
            self._upload.lose()
        super().connection_lost(exc)

    # --- its end ------------------------------------------------------------------------------------------------------

    @override
    def end_with(self, cycle: RequestResponseCycle) -> None:
        super().end_with(cycle)
        last_answer: Any = _LastAnswer(self)
        cycle.transport = last_answer

    @override
    def shutdown(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self.end_with(cycle)
        elif self._is_an_encoders:
            self.say_no_more()
        else:
            self.transport.close()

    def say_no_more(self) -> None:
        """Close in one direction; the client closes in the other, or sends nothing for so long that it never will."""
        if not self.has_said_all and not self.transport.is_closing():
            self.has_said_all = True
            self.transport.write_eof()
            self.set_patience(_UNNOTICED_SECONDS)

    @override
    def send_400_response(self, msg: str) -> None:
        if self.has_said_all:
            self.transport.close()
        else:
            super().send_400_response(msg)

    @override
    def _refuse_head(self) -> None:
        if self.has_said_all:
            self.transport.close()
        else:
            super()._refuse_head()

    def _discard(self, size: int) -> None:
        # A refused body is read to its end, so that a client that sends before it reads finds the answer, and can use
        # the connection again; but not for ever.
        self._discarded_size += size
        if self._discarded_size > _DISCARDED_SIZE_MAX:
            self.transport.close()
