"""A TCP relay between a client and a server of this machine: what the server says can be held back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 1 << 16


class Relay:
    """Listens on ``port`` and passes everything on, both ways; keeps what the clients have said since ``hold``."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.said = b""
        """By clients, since answers were last held back."""
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def hold(self) -> None:
        """The server hears the clients from here on, and they do not hear the server."""
        self.said = b""
        self._may_answer.clear()

    def release(self) -> None:
        """What was held back goes on its way."""
        self._may_answer.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                client.close()
                continue
            self._open += [client, server]
            self._spawn(self._pass_on, client, server)
            self._spawn(self._pass_back, server, client)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(_CHUNK_BYTES):
                self.said += data
                server.sendall(data)
        _end(client, server)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_CHUNK_BYTES):
                self._may_answer.wait()
                client.sendall(data)
        _end(client, server)

    def _spawn(self, run: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        _end(*self._open)
        for thread in self._threads:
            thread.join()
        for sock in self._open:
            sock.close()


def _end(*sockets: socket.socket) -> None:
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
