"""Asking a program whether it is ready to be used. Each answers within a second, and never raises."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from typing import Final

_TIMEOUT_SECONDS: Final = 1.0


def http_says_ok(host: str, port: int, path: str) -> Callable[[], Awaitable[bool]]:
    """Ready once ``GET path`` is answered 200."""

    def get() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def ask() -> bool:
        return await asyncio.to_thread(get)

    return ask


def nats_greets(host: str, port: int) -> Callable[[], Awaitable[bool]]:
    """Ready once the server sends its ``INFO`` line."""

    async def ask() -> bool:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port)
                try:
                    return (await reader.readline()).startswith(b"INFO ")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    return ask
