"""Egress processes on listening sockets that outlive them, and requests to them as written."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from support.service_process import ServiceProcess

_REQUEST_SECONDS = 20.0
LIVE = "public, max-age=1, stale-while-revalidate=0, stale-if-error=30"
"""Cache-Control of a playlist that will change."""
_OF_THE_MOMENT = (b"date:", b"x-accel-expires:")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; header names in lower case, without those that say when it was given."""

    status: int
    headers: dict[str, str]
    body: bytes
    head: bytes
    """Status line and header lines as sent, without the same."""


class EgressProcess(ServiceProcess):
    """`python -m understudy_egress`."""

    service = "egress"

    def connect(self) -> Connection:
        """A kept connection."""
        return Connection(self.port)

    def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(path, *headers, method=method)


class UnheldEgressProcess(EgressProcess):
    """Nothing listens while the process is not there, as on a host of its own."""

    holds_socket = False


class Connection:
    """Requests written and answers read byte by byte, one after the other."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=_REQUEST_SECONDS)
        self._buffer = b""

    def request(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """Send one request and read its answer."""
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: egress", *headers, "", ""]).encode())
        return self.answer(method)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sock.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """Read one answer."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status_line, *lines = head.split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(_OF_THE_MOMENT)]
        headers = {
            name.decode().lower(): value.strip().decode() for name, _, value in (line.partition(b":") for line in kept)
        }
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(int(status_line.split()[1]), headers, body, b"\r\n".join([status_line, *kept]))

    def _receive(self) -> None:
        data = self._sock.recv(1 << 20)
        if not data:
            raise ConnectionError("the connection was closed")
        self._buffer += data

    @property
    def has_leftovers(self) -> bool:
        """Bytes arrived that belong to no answer."""
        return bool(self._buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sock.close()
