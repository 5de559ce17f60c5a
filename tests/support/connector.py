"""Someone who opens a new connection to every service, all the time: none may ever be refused."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

PERIOD_SECONDS = 0.05
ANSWER_SECONDS = 30.0


class Connector:
    """Opens a connection to each of several URLs every 50 ms, asks for it once, and counts what came of it."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.opened = dict.fromkeys(urls, 0)
        self.answered = dict.fromkeys(urls, 0)
        self.refused: list[str] = []
        """Connections that could not be opened."""
        self.broken: list[str] = []
        """Connections that were opened and brought no answer: under way when their process was killed."""
        self.slowest_seconds = dict.fromkeys(urls, 0.0)
        self._urls = dict(urls)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="connector", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after every connection under way has come to its end."""
        self._stop.set()
        self._thread.join(timeout=2 * ANSWER_SECONDS)
        assert not self._thread.is_alive(), "the connector hangs"

    def describe(self) -> str:
        """For messages."""
        return f"opened {self.opened}, answered {self.answered}, slowest {self.slowest_seconds}, broken {self.broken}"

    async def _run(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            for service, url in self._urls.items():
                task = asyncio.create_task(self._ask(service, url))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(PERIOD_SECONDS)
        await asyncio.gather(*under_way)

    async def _ask(self, service: str, url: str) -> None:
        started = time.monotonic()
        stamp = time.strftime("%H:%M:%S", time.gmtime())
        parts = urlsplit(url)
        try:
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError as err:
            self.refused.append(f"{stamp} {service}: {err}")
            return
        self.opened[service] += 1
        try:
            request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            answer = await asyncio.wait_for(reader.read(), ANSWER_SECONDS)
            if answer.startswith(b"HTTP/1.1 "):
                self.answered[service] += 1
                self.slowest_seconds[service] = max(self.slowest_seconds[service], time.monotonic() - started)
            else:
                self.broken.append(f"{stamp} {service}: closed without an answer")
        except (OSError, TimeoutError) as err:
            self.broken.append(f"{stamp} {service}: {err!r}")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
