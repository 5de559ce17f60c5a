"""The whole system as a user starts it, `understudy up`, on ports and a data directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from support import plain_http
from support.deadline import eventually
from support.ports import BLOCK_PORTS, claim_block
from support.whereabouts import Credentials

START_SECONDS = 60
STOP_SECONDS = 20
_LOG_TAIL_LINES = 40


class Stack:
    """A running local stack; every question about it is answered from its ``stack.json``, read anew."""

    def __init__(
        self,
        data_directory: Path,
        *,
        port_offset: int,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """``environment``: what its services are told besides."""
        self.data_directory = data_directory
        self.output_path = data_directory.parent / f"{data_directory.name}-understudy-up.log"
        self._command = [
            *_understudy(),
            *("up", "--no-demo", "--data-dir", str(data_directory), "--port-offset", str(port_offset)),
            *options,
        ]
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until everything is ready.

        Raises:
            AssertionError: it ended, or was not ready in time.
        """
        with self.output_path.open("ab") as output:
            # A session of its own: a Ctrl-C meant for pytest must reach it through stop() only.
            self._process = subprocess.Popen(
                self._command, stdout=output, stderr=output, start_new_session=True, env=self._environment
            )

        def is_ready() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise AssertionError(f"understudy up ended with {self._process.returncode}\n{self.describe()}")
            return self._description_path.exists()

        try:
            eventually(is_ready, within_seconds=START_SECONDS, what="stack.json")
        except AssertionError as err:
            self.stop()
            raise AssertionError(f"{err}\n{self.describe()}") from err

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> float:
        """SIGTERM; how many seconds it took to end.

        Raises:
            AssertionError: it had to be killed, or left a process behind.
        """
        assert self._process is not None
        try:
            pids = list(self.processes().values())
        except FileNotFoundError:  # not started yet, or already on its way out: it removes the file at its end
            pids = []
        started = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
            raise AssertionError(
                f"understudy up did not end {STOP_SECONDS} s after SIGTERM\n{self.describe()}"
            ) from None
        took = time.monotonic() - started
        left = [pid for pid in pids if _exists(pid)]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"understudy up ended and left processes {left} behind\n{self.describe()}"
        return took

    @property
    def api_url(self) -> str:
        """Of the control API; the controller's health and metrics are under it too."""
        return str(self._description()["api_url"])

    @property
    def ingest_url(self) -> str:
        """Of the ingest service."""
        return str(self._description()["ingest_url"])

    @property
    def egress_url(self) -> str:
        """Of the egress service."""
        return str(self._description()["egress_url"])

    @property
    def nats_url(self) -> str:
        """Of its NATS server."""
        return str(self._description()["nats_url"])

    @property
    def s3_url(self) -> str:
        """Of its S3 server."""
        return str(self._description()["s3_url"])

    @property
    def credentials(self) -> Credentials:
        """For the control API and S3."""
        plain = self._description()["credentials"]
        return Credentials(plain["access_key_id"], plain["secret_access_key"], plain["region"])

    def processes(self) -> dict[str, int]:
        """Process ids by name, as of now."""
        return {str(name): int(pid) for name, pid in self._description()["processes"].items()}

    def service_url(self, service: str) -> str:
        """Where ``/healthz``, ``/readyz`` and ``/metrics`` of a service are."""
        return str(self._description()["api_url" if service == "controller" else f"{service}_url"]).rstrip("/")

    def kill(self, process: str) -> int:
        """SIGKILL one process of the stack by its name. Returns the pid it had."""
        pid = self.processes()[process]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_restarted(self, process: str, *, old_pid: int, within_seconds: float = 30.0) -> None:
        """Until a killed service runs again under another pid and says it is ready."""

        def has_new_pid() -> bool:
            return self.processes().get(process, old_pid) != old_pid

        def is_ready() -> bool:
            try:
                return plain_http.get(f"{self.service_url(process)}/readyz", timeout=5).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        eventually(has_new_pid, within_seconds=within_seconds, what=f"a new pid of {process} in stack.json")
        eventually(is_ready, within_seconds=within_seconds, what=f"{process} ready again")

    def describe(self) -> str:
        """For messages: the tails of all logs."""
        logs = [self.output_path, *sorted((self.data_directory / "logs").glob("*"))]
        return "\n".join(f"--- {path.name}\n{_tail(path)}" for path in logs if path.is_file())

    @property
    def _description_path(self) -> Path:
        return self.data_directory / "stack.json"

    def _description(self) -> dict[str, Any]:
        plain = json.loads(self._description_path.read_text())
        assert isinstance(plain, dict)
        return plain


def free_port_offset() -> int:
    """An offset beyond the default stack's whose whole range of ports is free, and given to nobody else."""
    return claim_block() * BLOCK_PORTS


def _understudy() -> list[str]:
    beside = Path(sys.executable).parent / "understudy"
    found = str(beside) if beside.exists() else shutil.which("understudy")
    return [found] if found else [sys.executable, "-m", "understudy_local"]


def _exists(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
