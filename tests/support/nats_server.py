"""A real nats-server with JetStream, on a port and a directory of its own; to be killed and started again in tests."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx

from support import plain_http
from support.deadline import eventually
from support.pausing import pause
from support.ports import accepts, free_ports

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "nats-server")

_START_SECONDS = 15.0
_STOP_SECONDS = 10.0


class NatsServer:
    """One server; ``kill`` and ``start`` on the same store are a crash and a restart."""

    def __init__(self, directory: Path, *, config: str = "") -> None:
        """``config``: what stands in a file of configuration besides: users, TLS, a cluster."""
        self.directory = directory
        self.config = config
        self.port, self.monitor_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For clients."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until JetStream answers."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start, without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / "nats.conf"
        file.write_text(self.config)
        command = [
            PROGRAM,
            "-c",
            str(file),
            "-a",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-m",
            str(self.monitor_port),
            "-js",
        ]
        with (self.directory / "nats-server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-sd", str(self.directory / "store")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        """Until JetStream answers; in a cluster until this server has caught up."""
        eventually(self._is_ready, within_seconds=_START_SECONDS, what="nats-server is ready", poll_seconds=0.02)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "nats-server.log").read_text()[-2000:]
        if not accepts(self.port):
            return False
        with contextlib.suppress(httpx.HTTPError):
            return plain_http.get(f"http://127.0.0.1:{self.monitor_port}/healthz", timeout=1).status_code == 200
        return False

    def reload(self, config: str) -> None:
        """Have it take another configuration while it runs."""
        assert self._process is not None
        self.config = config
        (self.directory / "nats.conf").write_text(config)
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """SIGKILL: nothing is said goodbye to."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)
            self._process = None

    def restart(self) -> None:
        """Kill, and start on the same store."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing answers."""
        assert self._process is not None
        pause(self._process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None


@contextlib.contextmanager
def running_nats_server(directory: Path, *, config: str = "") -> Iterator[NatsServer]:
    """A started server that is gone afterwards."""
    server = NatsServer(directory, config=config)
    try:
        server.start()
        yield server
    finally:
        server.kill()
