"""Egress processes on listening sockets that outlive them, and requests to them as written."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from support.deadline import eventually
from understudy_runtime.settings import CommonSettings

REPOSITORY = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
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


class EgressProcess:
    """`python -m understudy_egress`."""

    holds_socket = True

    def __init__(
        self,
        directory: Path,
        settings: CommonSettings,
        *,
        name: str = "egress",
        **extra: str,
    ) -> None:
        self._log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        listening = {"UNDERSTUDY_LISTEN_FD": str(self._socket.fileno())}
        if not self.holds_socket:
            self._socket.close()
            listening = {"UNDERSTUDY_LISTEN_HOST": "127.0.0.1", "UNDERSTUDY_LISTEN_PORT": str(self.port)}
        self._passed = (self._socket.fileno(),) if self.holds_socket else ()
        secret = settings.s3_secret_access_key
        self._environment = {
            **os.environ,
            "UNDERSTUDY_NATS_URL": settings.nats_url,
            "UNDERSTUDY_S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
            "UNDERSTUDY_S3_BUCKET": settings.s3_bucket,
            "UNDERSTUDY_S3_ACCESS_KEY_ID": settings.s3_access_key_id or "",
            "UNDERSTUDY_S3_SECRET_ACCESS_KEY": secret.get_secret_value() if secret else "",
            **listening,
            "UNDERSTUDY_LOG_FORMAT": "text",
            **{f"UNDERSTUDY_{key.upper()}": value for key, value in extra.items()},
        }

    def start(self) -> None:
        """Start, without waiting."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "understudy_egress"],
                stdout=output,
                stderr=output,
                env=self._environment,
                pass_fds=self._passed,
                cwd=REPOSITORY,
            )

    def wait_until_ready(self) -> None:
        """Until ``/readyz`` says so. Requests wait in the socket's queue until the process answers."""
        eventually(self._is_ready, within_seconds=_START_SECONDS, what=f"egress is ready\n{self._log}")

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            return self.get("/readyz").status == 200
        except ConnectionError:
            return False

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self._process is not None
        process, self._process = self._process, None
        process.terminate()
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def connect(self) -> Connection:
        """A kept connection."""
        return Connection(self.port)

    def get(self, path: str, *headers: str, method: str = "GET") -> Answer:
        """One request on a connection of its own."""
        with self.connect() as connection:
            return connection.request(path, *headers, method=method)

    def metric(self, name: str) -> float:
        """The value of a sample, its labels as in the exposition."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()
        self._socket.close()


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
