"""A service's process on a listening socket that outlives it: to be killed, paused and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from support.deadline import eventually
from support.pausing import pause
from understudy_runtime.settings import CommonSettings

REPOSITORY = Path(__file__).resolve().parents[2]
_STOP_SECONDS = 20.0
_REQUEST_SECONDS = 20.0


class ServiceProcess:
    """`python -m understudy_<service>`."""

    service: str
    holds_socket: ClassVar[bool] = True
    start_seconds: ClassVar[float] = 30.0

    def __init__(self, directory: Path, settings: CommonSettings, *, name: str | None = None, **extra: str) -> None:
        self.name = name or self.service
        self._log = directory / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        # Bound for as long as the process may be started: nobody else gets the port meanwhile.
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        if self.holds_socket:
            self._socket.listen(128)
            listening = {"UNDERSTUDY_LISTEN_FD": str(self._socket.fileno())}
        else:
            listening = {"UNDERSTUDY_LISTEN_HOST": "127.0.0.1", "UNDERSTUDY_LISTEN_PORT": str(self.port)}
        self._passed = (self._socket.fileno(),) if self.holds_socket else ()
        secret = settings.s3_secret_access_key
        self._settings = {
            "UNDERSTUDY_NATS_URL": settings.nats_url,
            "UNDERSTUDY_S3_ENDPOINT_URL": settings.s3_endpoint_url or "",
            "UNDERSTUDY_S3_BUCKET": settings.s3_bucket,
            "UNDERSTUDY_S3_ACCESS_KEY_ID": settings.s3_access_key_id or "",
            "UNDERSTUDY_S3_SECRET_ACCESS_KEY": secret.get_secret_value() if secret else "",
            **listening,
            "UNDERSTUDY_LOG_FORMAT": "text",
            **{f"UNDERSTUDY_{key.upper()}": value for key, value in extra.items()},
        }

    def command(self) -> list[str]:
        """What is started; it has the settings in its environment."""
        return [sys.executable, "-m", f"understudy_{self.service}"]

    def start(self) -> None:
        """Start, without waiting."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                stdout=output,
                stderr=output,
                env={**os.environ, **self._settings},
                pass_fds=self._passed,
                cwd=REPOSITORY,
            )

    def wait_until_ready(self) -> None:
        """Until ``/readyz`` says so. Requests wait in the socket's queue until the process answers."""
        eventually(self.is_ready, within_seconds=self.start_seconds, what=f"{self.service} is ready\n{self._log}")

    def is_ready(self) -> bool:
        """Whether it says so."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=_REQUEST_SECONDS) as answer:
                return bool(answer.status == 200)
        except OSError:  # refused, reset, or too busy to answer
            return False

    @property
    def url(self) -> str:
        """Of the process itself."""
        return f"http://127.0.0.1:{self.port}"

    def metric(self, name: str) -> float:
        """The value of a sample, its labels as in the exposition."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=_REQUEST_SECONDS) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.rpartition(" ")[2])
        raise AssertionError(f"no metric {name}")

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing goes on."""
        assert self._process is not None
        pause(self._process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self._process is not None
        self._process.terminate()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.terminate()
        return self.wait()

    def wait(self, *, within_seconds: float = _STOP_SECONDS) -> int:
        """Until it has ended; returns the exit status."""
        assert self._process is not None
        process, self._process = self._process, None
        try:
            return process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def close(self) -> None:
        """End it, and refuse connections from now on."""
        self.kill()
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
