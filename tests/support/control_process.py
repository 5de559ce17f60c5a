"""A controller process, for tests of the control API."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import boto3
from botocore.config import Config

from support.botocore_shapes import problems
from support.pausing import pause

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
STOP_SECONDS = 15.0


class Controller:
    """`python -m understudy_controller` on a listening socket that outlives it."""

    program: ClassVar[tuple[str, ...]] = ("-m", "understudy_controller")

    def __init__(self, directory: Path, *, nats_url: str, name: str = "controller", **settings: str) -> None:
        self._log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._environment = {
            **os.environ,
            "UNDERSTUDY_NATS_URL": nats_url,
            "UNDERSTUDY_LISTEN_FD": str(self._socket.fileno()),
            "UNDERSTUDY_LOG_FORMAT": "text",
            "UNDERSTUDY_INGEST_PUBLIC_URL": "http://ingest.example:7071",
            "UNDERSTUDY_EGRESS_PUBLIC_URL": "http://egress.example:7072",
            # Nothing listens there: the control API needs no object storage.
            "UNDERSTUDY_S3_ENDPOINT_URL": "http://127.0.0.1:9",
            "UNDERSTUDY_AUTHENTICATION": "none",
            **_named(settings),
        }

    def start(self, **settings: str) -> None:
        """Start, with further settings."""
        self._environment |= _named(settings)
        fd = self._socket.fileno()
        command = [sys.executable, *self.program]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, env=self._environment, pass_fds=(fd,), cwd=REPOSITORY
            )

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        assert self._process is not None
        self._process.terminate()

    def stop(self, *, kill: bool = False) -> int | None:
        """End it and return its exit status; with ``kill`` by SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return None
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def pause(self) -> None:
        """SIGSTOP: connections stay, nothing answers."""
        assert self._process is not None
        pause(self._process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def wait_until_answering(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/channels", timeout=START_SECONDS):
                    return
            except (urllib.error.URLError, OSError) as err:
                if isinstance(err, urllib.error.HTTPError) and err.code == 403:
                    err.close()
                    return  # it wants a signature
                if not self.alive() or time.monotonic() > give_up_at:
                    raise AssertionError(f"the controller does not answer: {err}\n{self.log()}") from err
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """Whether it says so; False as well while it does not answer in time."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def client(self, access_key_id: str = "any", secret_access_key: str = "any") -> Any:
        """A boto3 client whose every successful answer is held against the service model."""
        client = boto3.client(
            "mediapackage",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}),
        )
        client.meta.events.register("after-call.mediapackage", _check_answer)
        return client

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request as written, ``(status, headers in lower case, body)``."""
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
        except urllib.error.HTTPError as err:
            with err:
                return err.code, {key.lower(): value for key, value in err.headers.items()}, err.read()

    def json(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request with a JSON body, and the parsed answer."""
        payload = None if body is None else json.dumps(body).encode()
        status, _, answer = self.request(method, path, payload, {"Content-Type": "application/json"})
        return status, json.loads(answer) if answer else None

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_answering()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, and refuse connections from now on."""
        self.stop()
        self._socket.close()


def _named(settings: dict[str, str]) -> dict[str, str]:
    return {f"UNDERSTUDY_{key.upper()}": value for key, value in settings.items()}


def _check_answer(http_response: Any, model: Any, **_: object) -> None:
    if http_response.status_code < 300:
        found = problems(model, http_response.status_code, http_response.content)
        assert not found, found
