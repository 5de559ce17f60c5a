"""A real S3 server (SeaweedFS) on ports and a directory of its own."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.certificates import Certificate
from support.deadline import eventually
from support.ports import free_ports

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "weed")

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


class S3Server:
    """One server with one bucket and one identity."""

    def __init__(
        self,
        directory: Path,
        *,
        bucket: str = "media",
        certificate: Certificate | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """``certificate``: for a second port that speaks TLS; ``options``: of the program, besides."""
        self.directory = directory
        self._options = list(options)
        self.tls_port = 0
        if certificate is not None:
            [self.tls_port] = free_ports(1)
            self._options += [f"-s3.port.https={self.tls_port}", f"-s3.cert.file={certificate.certificate_file}"]
            self._options += [f"-s3.key.file={certificate.key_file}"]
        self.bucket = bucket
        self.region = "us-east-1"
        self.access_key_id = "understudy-test"
        self.secret_access_key = secrets.token_hex(16)
        # Each port is said: what is left out is derived from another plus 10,000, and two servers meet.
        self._ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: tempfile.TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        """For clients: path-style requests."""
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    def start(self) -> None:
        """Start, and wait until an object can be stored."""
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        config = self.directory / "s3.json"
        config.write_text(json.dumps(self._identities()))
        # Not under the test's own directory: a socket's path may have 107 characters.
        self._sockets = tempfile.TemporaryDirectory(prefix="s3-")
        command = [
            *(PROGRAM, f"-logdir={self.directory}", "mini", f"-dir={data}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-webdav=false", "-admin.ui=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={config}", f"-bucket={self.bucket}"),
            f"-filer.localSocket={self._sockets.name}/filer.sock",
            f"-s3.localSocket={self._sockets.name}/s3.sock",
            *(f"-{name}={port}" for name, port in self._ports.items()),
            *self._options,
        ]
        with (self.directory / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        eventually(self._is_ready, within_seconds=_START_SECONDS, what="the S3 server is ready", poll_seconds=0.05)

    def _identities(self) -> dict[str, object]:
        """One who may everything, and one who may but write into the bucket."""
        of_writer = f"{self.secret_access_key}-writer"
        return {
            "identities": [
                _identity(self.access_key_id, self.secret_access_key, "Admin"),
                _identity("writer", of_writer, f"Write:{self.bucket}"),
            ]
        }

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "weed.log").read_text()[-2000:]
        return self._can_store()

    def _can_store(self) -> bool:
        # The port answers some time before a volume can be written to, and before the bucket exists.
        import obstore
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        store = S3Store(
            self.bucket,
            endpoint=self.url,
            region=self.region,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            client_options={"allow_http": True, "timeout": "2s"},
            retry_config={"max_retries": 0},
        )
        try:
            obstore.put(store, "ready", b"ready")
            obstore.delete(store, "ready")
        except (BaseError, OSError):
            return False
        return True

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)
            self._process = None
        if self._sockets is not None:
            self._sockets.cleanup()
            self._sockets = None

    def restart(self) -> None:
        """Kill, and start on the same data."""
        self.kill()
        self.start()


def _identity(access_key_id: str, secret_access_key: str, *actions: str) -> dict[str, object]:
    credentials = {"accessKey": access_key_id, "secretKey": secret_access_key}
    return {"name": access_key_id, "credentials": [credentials], "actions": actions}


@contextlib.contextmanager
def running_s3_server(
    directory: Path, *, certificate: Certificate | None = None, options: Sequence[str] = ()
) -> Iterator[S3Server]:
    """A started server that is gone afterwards."""
    server = S3Server(directory, certificate=certificate, options=options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
