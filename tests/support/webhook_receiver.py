"""A receiver of webhooks on a port of its own, which answers as a test says; and the documented way to verify."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from support.metric_catalogue import ROOT


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


Answering = Callable[[Received], int | tuple[int, Mapping[str, str]]]


class Receiver:
    """``received`` and ``answers`` are by path; what has no answer is taken with 204."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.received: defaultdict[str, list[Received]] = defaultdict(list)
        self.answers: dict[str, Answering] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def taken(self, path: str) -> list[str]:
        """The words of the events that came there, in order."""
        return [one.json["data"]["words"] for one in self.received[path]]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """One that ends afterwards."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    receiver = Receiver(server)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            one = Received(
                self.path, {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length)
            )
            receiver.received[self.path].append(one)
            answering = receiver.answers.get(self.path)
            answer = 204 if answering is None else answering(one)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def documented_verification() -> Callable[[Mapping[str, str], bytes, str], bool]:
    """``is_genuine`` of docs/webhooks.md."""
    page = (ROOT / "docs" / "webhooks.md").read_text()
    scope: dict[str, Any] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], scope)
    found: Callable[[Mapping[str, str], bytes, str], bool] = scope["is_genuine"]
    return found
