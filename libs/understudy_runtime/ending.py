"""A uvicorn server that ends without dropping a request, and says what it had to cut off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, Final

import uvicorn
from typing_extensions import override

from understudy_runtime import clock
from understudy_runtime.http_protocol import HttpProtocol, ServerState

_log = logging.getLogger(__name__)
_uvicorn_log = logging.getLogger("uvicorn.error")

_ACCEPTED_SECONDS: Final = 0.1
"""How long it may take until a connection that was accepted last is known."""
_FIRST_REQUEST_SECONDS: Final = 1.0
"""How long a new connection may take to its first request, beyond that."""
_LOOK_SECONDS: Final = 0.05
_CANCEL_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 10.0
"""How long what the application has opened may take to close."""
_TOLD_MAX: Final = 20


class DrainingServer(uvicorn.Server):
    """Ends with 0 upon a signal (uvicorn raises it again), and can be ended while it starts.

    SIGTERM: readiness goes; requests are taken as before for ``drain_delay_seconds``, each answer ending its
    connection; then nothing is accepted any more, and what is open has ``drain_seconds`` to end. SIGINT, which is for
    people and for a process that ends itself, leaves out the delay; a second one cuts off what is open.
    """

    server_state: ServerState

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_drain: Callable[[], bool] | None,
        drain_delay_seconds: float,
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self.server_state = ServerState()
        self._on_drain = on_drain
        self._drain_delay_seconds = drain_delay_seconds
        self._drain_seconds = drain_seconds
        self._hurries = False
        self._main: asyncio.Task[Any] | None = None

    # --- being told ---------------------------------------------------------------------------------------------------

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        loop.add_signal_handler(signal.SIGTERM, self.drain)
        loop.add_signal_handler(signal.SIGINT, self.interrupt)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                # What is left is to leave: to be told so once more makes no failure of it.
                signal.signal(number, signal.SIG_IGN)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.drain()

    def interrupt(self) -> None:
        """End without the delay; upon a second time without what is open."""
        self._hurries = self.should_exit
        self.drain()
        self.should_exit = True

    def drain(self) -> None:
        """Say that the process is about to end; after the delay stop accepting, and let open requests end.

        To be told so again changes nothing: wrappers that pass signals on may do it twice.
        """
        if self.server_state.is_draining:
            return
        self.server_state.is_draining = True
        _log.info("shutting down")
        was_ready = self._on_drain is None or self._on_drain()
        if not self.started and self._main is not None:
            # Still starting, perhaps waiting for NATS: there is no request to end. That the start is broken off is
            # told by uvicorn as a failure of the application, traceback and all; it is none.
            _uvicorn_log.disabled = True
            self._main.cancel()
            return
        for connection in self._connections():
            connection.drain()
        asyncio.get_running_loop().call_later(self._drain_delay_seconds if was_ready else 0, self._exit)

    def _exit(self) -> None:
        self.should_exit = True

    # --- ending -------------------------------------------------------------------------------------------------------

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._hear_new_connections()
        for sock in sockets or ():
            sock.close()
        for connection in self._connections():
            connection.shutdown()
        if not await self._has_ended():
            await self._cut()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.lifespan.shutdown()
        except TimeoutError:
            _log.error("closing took more than %g s, ending all the same", _CLOSE_SECONDS)

    async def _hear_new_connections(self) -> None:
        """Connections that were accepted a moment ago have their first request still under way."""
        await asyncio.sleep(_ACCEPTED_SECONDS)
        give_up_at = clock.monotonic() + _FIRST_REQUEST_SECONDS
        while any(one.is_new for one in self._connections()):
            if clock.monotonic() >= give_up_at:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _has_ended(self) -> bool:
        give_up_at = clock.monotonic() + self._drain_seconds
        while self.server_state.connections or self.server_state.tasks:
            if self._hurries or clock.monotonic() >= give_up_at:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    async def _cut(self) -> None:
        """End what did not end by itself, and say what it was: when it happens nobody asks for metrics any more."""
        cut = [what for connection in self._connections() if (what := connection.cut()) is not None]
        if cut:
            _log.error(
                "cut off %d requests that did not end within %g s",
                len(cut),
                self._drain_seconds,
                extra={"requests": cut[:_TOLD_MAX]},
            )
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _uvicorn_log.addFilter(_is_no_cancellation)
            await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)

    def _connections(self) -> list[HttpProtocol]:
        # All are made by the configured protocol class, which is one of ours.
        return [one for one in self.server_state.connections if isinstance(one, HttpProtocol)]


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Uvicorn tells each request that is cancelled as a failure, too."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
