"""A kept HTTP/1.1 connection for many asynchronous clients at once: little work for each answer, and nothing hidden."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

REQUEST_SECONDS = 15.0
_READ_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; header names in lower case. The body is as it was sent: gzipped, if it was."""

    status: int
    headers: dict[str, str]
    body: bytes


class Exchange:
    """Requests to a port of this machine, one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """Send one and read its answer; over a new connection where the server has closed the kept one.

        Raises:
            OSError, EOFError: the connection broke, or none was made.
            TimeoutError: no whole answer in time.
        """
        async with asyncio.timeout(REQUEST_SECONDS):
            is_kept = self._writer is not None
            try:
                return await self._request_once(method, path, headers)
            except (OSError, EOFError):
                self.close()
                if not is_kept:
                    raise
                return await self._request_once(method, path, headers)
            except BaseException:
                self.close()
                raise

    async def _request_once(self, method: str, path: str, headers: tuple[str, ...]) -> Answer:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=_READ_BYTES)
        lines = [f"{method} {path} HTTP/1.1", "Host: viewers.example", *headers, "", ""]
        self._writer.write("\r\n".join(lines).encode())
        status_line, *found = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in found if line)
        answered = {name.lower(): value.strip() for name, _, value in pairs}
        status = int(status_line.split()[1])
        body = b"" if method == "HEAD" or status in (204, 304) else await self._body(self._reader, answered)
        if answered.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, answered, body)

    @staticmethod
    async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return await reader.readexactly(int(headers.get("content-length", "0")))
        chunks = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            chunks.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return b"".join(chunks)

    def close(self) -> None:
        """Hang up; the next request makes a new connection."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
