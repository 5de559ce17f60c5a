"""A connection made up for a protocol class: nothing listens, and what would be sent is kept."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import uvicorn
from typing_extensions import override

from understudy_runtime.http_protocol import HttpProtocol, ServerState

KEEP_ALIVE_SECONDS = 75
Protocol = TypeVar("Protocol", bound=HttpProtocol)


class Transport(asyncio.Transport):
    """Keeps what is written; ``unread`` bytes of it are said to be still on their way to the client."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unread = 0
        self.ended = False
        """Nothing more is to be written."""
        self.closed = False
        self.aborted = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        self.written += bytes(data)

    @override
    def write_eof(self) -> None:
        self.ended = True

    @override
    def get_write_buffer_size(self) -> int:
        return self.unread

    @override
    def close(self) -> None:
        self.closed = True

    @override
    def abort(self) -> None:
        self.closed = self.aborted = True

    @override
    def pause_reading(self) -> None:
        """Nothing reads here."""

    @override
    def resume_reading(self) -> None:
        """Nothing reads here."""

    @override
    def is_closing(self) -> bool:
        return self.closed

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


def connected(protocol_class: type[Protocol], app: Any) -> tuple[Protocol, Transport]:
    """A protocol in front of an ASGI application, with a client at its other end."""
    config = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    protocol = protocol_class(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Transport()
    protocol.connection_made(transport)
    return protocol, transport
