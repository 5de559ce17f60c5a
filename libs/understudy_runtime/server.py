"""Running an ASGI application: uvicorn on an inherited socket or an address, until it is told to end (``ending``)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop

from understudy_runtime.ending import DrainingServer
from understudy_runtime.http_protocol import HttpProtocol
from understudy_runtime.settings import CommonSettings

_log = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS = 75
_BACKLOG = 2048


def run(
    app_factory: Callable[[], Any],
    settings: CommonSettings,
    *,
    http: type[HttpProtocol] = HttpProtocol,
    on_drain: Callable[[], bool] | None = None,
) -> None:
    """Serve the application until SIGTERM or SIGINT; returns when everything has ended.

    Args:
        app_factory: makes the ASGI application; what it opens belongs in its lifespan.
        settings: ``listen_fd``, or ``listen_host`` and ``listen_port``; ``drain_delay_seconds`` and ``drain_seconds``.
        http: the protocol class that reads requests.
        on_drain: called first upon a signal: readiness goes false here, and it says whether the process was ever ready
            (``Health.drain``). There is no delay if not.

    Raises:
        SystemExit: the application's start failed (3), or the address is taken (1).
    """
    gc.freeze()  # what is loaded by now stays: it is never looked through again
    gc.enable()
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
    )
    server = DrainingServer(
        config,
        on_drain=on_drain,
        drain_delay_seconds=settings.drain_delay_seconds,
        drain_seconds=settings.drain_seconds,
    )
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
