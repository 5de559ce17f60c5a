"""A kept HTTP/1.1 connection as plain as can be, so that the client costs little."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_TIMEOUT_SECONDS = 30.0
_RECEIVE_BYTES = 1 << 20


class UnexpectedAnswer(Exception):
    """A server answered with something else than what was to be measured."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Requests one after the other to a port of the loopback address."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """Send a request and read its answer."""
        self.send(method, path, headers, body)
        return self.answer()

    def send(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Send a request to its last byte."""
        fields = {"Host": f"127.0.0.1:{self._port}"} | dict(headers or {})
        if body or method in ("PUT", "POST"):
            fields["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()
        if len(body) < _RECEIVE_BYTES // 16:
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._socket.sendall(body)

    def answer(self) -> Answer:
        """Read one answer.

        Raises:
            UnexpectedAnswer: the connection was closed, or the body's length is not given.
        """
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        status = int(status_line.split()[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if status in (204, 304) else int(headers.get("content-length", "-1"))
        if length < 0:
            raise UnexpectedAnswer(f"{status_line}: no Content-Length")
        chunks = [self._buffer]
        received = len(self._buffer)
        while received < length:
            self._buffer = b""
            self._receive()
            chunks.append(self._buffer)
            received += len(self._buffer)
        whole = b"".join(chunks)
        self._buffer = whole[length:]
        return Answer(status, headers, whole[:length])

    def _receive(self) -> None:
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise UnexpectedAnswer("the connection was closed")
        self._buffer += data

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
