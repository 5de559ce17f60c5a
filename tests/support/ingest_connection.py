"""A TCP connection to ingest, and requests on it byte by byte."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from understudy_domain.channel import Channel

_ANSWER_SECONDS = 20.0


@dataclass(frozen=True)
class Connection:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> str:
        """Status line and headers of the next answer."""
        async with asyncio.timeout(_ANSWER_SECONDS):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def answer(self) -> str:
        """The same, with the body that the next one has behind it read too."""
        head = await self.head()
        length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0] or "0")
        await self.reader.readexactly(length)
        return head

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[Connection]:
    """A new connection, closed afterwards."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


def head(channel: Channel, *headers: str, authorized: bool = True, name: str = "1.ts", method: str = "PUT") -> bytes:
    """A request's head, to input 1."""
    endpoint = channel.ingest_endpoints[0]
    lines = [f"{method} /in/v2/{channel.guid}/{endpoint.id}/{name} HTTP/1.1", "Host: ingest", *headers]
    if authorized:
        token = base64.b64encode(f"{endpoint.username}:{endpoint.password}".encode()).decode()
        lines.append(f"Authorization: Basic {token}")
    return "\r\n".join([*lines, "", ""]).encode()


def put(channel: Channel, body: bytes, *, name: str) -> bytes:
    """A whole upload, to input 1."""
    return head(channel, f"Content-Length: {len(body)}", name=name) + body


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
