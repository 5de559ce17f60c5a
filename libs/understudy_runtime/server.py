"""Running an ASGI application: uvicorn on an inherited socket or an address, and an end that drops no request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import resource
import signal
import socket
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from typing_extensions import override

from understudy_runtime.http_protocol import HttpProtocol
from understudy_runtime.settings import CommonSettings

_log = logging.getLogger(__name__)

_FIRST_REQUEST_SECONDS = 0.25
_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _Server(uvicorn.Server):
    """Ends with 0 upon a signal (uvicorn raises it again), and can be ended while it starts."""

    def __init__(
        self, config: uvicorn.Config, *, on_drain: Callable[[], None] | None, drain_delay_seconds: float
    ) -> None:
        super().__init__(config)
        self._on_drain = on_drain
        self._drain_delay_seconds = drain_delay_seconds
        self._draining = False
        self._main: asyncio.Task[Any] | None = None

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.drain)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.drain()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Connections that were accepted a moment ago have their request still under way: uvicorn would close them.
        for server in self.servers:
            server.close()
        await asyncio.sleep(_FIRST_REQUEST_SECONDS)
        await super().shutdown(sockets)

    def drain(self) -> None:
        """Say that the process is about to end, then stop accepting and let open requests end."""
        if self._draining:
            return
        self._draining = True
        _log.info("shutting down")
        if self._on_drain is not None:
            self._on_drain()
        if not self.started and self._main is not None:
            # Still starting, perhaps waiting for NATS: there is no request to end.
            self._main.cancel()
            return
        asyncio.get_running_loop().call_later(self._drain_delay_seconds, self._exit)

    def _exit(self) -> None:
        self.should_exit = True


def run(
    app_factory: Callable[[], Any],
    settings: CommonSettings,
    *,
    http: type[HttpProtocol] = HttpProtocol,
    on_drain: Callable[[], None] | None = None,
) -> None:
    """Serve the application until SIGTERM or SIGINT; returns when everything has ended.

    Args:
        app_factory: makes the ASGI application; what it opens belongs in its lifespan.
        settings: ``listen_fd``, or ``listen_host`` and ``listen_port``; ``drain_delay_seconds`` and ``drain_seconds``.
        http: the protocol class that reads requests.
        on_drain: called first upon a signal: readiness goes false here (``Health.drain``).

    Raises:
        SystemExit: the application's start failed (3), or the address is taken (1).
    """
    _allow_many_connections()
    sock = listening_socket(settings)
    config = uvicorn.Config(
        app_factory,
        factory=True,
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        # Longer than proxies and CDNs keep theirs, so that it is never us who close under a request.
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
    )
    server = _Server(config, on_drain=on_drain, drain_delay_seconds=settings.drain_delay_seconds)
    with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve(sockets=[sock]))


def _allow_many_connections() -> None:
    """Take as many file descriptors as we may have; many systems grant a process a thousand unless it asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says "unlimited" and means something less
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def listening_socket(settings: CommonSettings) -> socket.socket:
    """The inherited socket, or a new one on the address.

    Raises:
        SystemExit: the address is taken, or the descriptor is no socket; the reason is logged.
    """
    try:
        if settings.listen_fd is not None:
            sock = socket.socket(fileno=settings.listen_fd)
            sock.set_inheritable(False)
        else:
            family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
            sock = socket.create_server(
                (settings.listen_host, settings.listen_port), family=family, backlog=_BACKLOG, reuse_port=False
            )
    except OSError as err:
        _log.error("cannot listen: %s", err)
        raise SystemExit(1) from err
    sock.setblocking(False)
    _log.info("listening", extra={"address": str(sock.getsockname())})
    return sock
