"""One connection to NATS that is always made again, and the requests over it.

The library reconnects by itself. Beneath that, every few seconds a ping must come back: a client that does not answer,
or is away for long although the server may be there again, is given up and replaced by a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import nats.errors

from understudy_runtime import clock
from understudy_runtime.client import DirectClient
from understudy_runtime.replies import Replies, open_replies

_log = logging.getLogger(__name__)

_RECONNECT_WAIT_SECONDS = 0.25
_CONNECT_TIMEOUT_SECONDS = 2
_PING_SECONDS = 4.0
_PING_TIMEOUT_SECONDS = 6
_AWAY_SECONDS_MAX = 20.0
_LOG_AGAIN_SECONDS = 5.0


class Connection:
    """``on_change(connected)`` is called whenever it is lost or made again; ``client`` may be another one then."""

    def __init__(self, urls: str, *, name: str, on_change: Callable[[bool], None]) -> None:
        self._urls = [url.strip() for url in urls.split(",")]
        self._name = name
        self._on_change = on_change
        self._connected = asyncio.Event()
        self._replies: Replies | None = None
        self._guard: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._closing = False
        self._logged_at = float("-inf")
        self.client = DirectClient()

    @property
    def is_connected(self) -> bool:
        """Whether it stands, as far as is known."""
        return self._connected.is_set()

    async def open(self) -> None:
        """Connect, however long that takes, and stay connected until ``close``."""
        await self._connect()
        self._guard = asyncio.get_running_loop().create_task(self._watch_over(), name="nats")

    async def close(self) -> None:
        """Close; what is not acknowledged may be lost."""
        self._closing = True
        if self._guard is not None:
            self._guard.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._guard
        await self._give_up(self.client)

    async def replies(self) -> Replies:
        """For requests, once there is a connection."""
        while self._replies is None or not self.is_connected:
            await self._connected.wait()
        return self._replies

    # --- making it ----------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        while True:
            client = DirectClient()
            try:
                await self._dial(client)
                self._replies = await open_replies(client)
            except (nats.errors.Error, OSError) as err:
                await self._on_error(err)
                await self._give_up(client)
                await asyncio.sleep(_RECONNECT_WAIT_SECONDS)
            except asyncio.CancelledError:
                # Nobody else knows of it yet, so nobody else would close it.
                await self._give_up(client)
                raise
            else:
                break
        self.client = client
        self._up("connected to NATS")

    async def _dial(self, client: DirectClient) -> None:
        # The callbacks of a client that was given up must not speak for its successor.
        async def disconnected() -> None:
            # A parser stopped amid a message would take the next connection's first bytes for the rest of it; the
            # library resets it too early, while its reader may still be at work.
            client._ps.reset()  # noqa: SLF001
            if client is self.client:
                self._down()

        async def reconnected() -> None:
            if client is self.client:
                self._up("reconnected to NATS")

        async def closed() -> None:
            # Some answers of the server (a refused login, too many connections) make the library close for good.
            self._look.set()

        await client.connect(
            servers=list(self._urls),
            name=self._name,
            error_cb=self._on_error,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            closed_cb=closed,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT_SECONDS,  # type: ignore[arg-type]  # slept, so fractions work
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
        )

    async def _give_up(self, client: DirectClient) -> None:
        with contextlib.suppress(nats.errors.Error, OSError, RuntimeError):
            await asyncio.wait_for(client.close(), _CONNECT_TIMEOUT_SECONDS)

    # --- keeping it ---------------------------------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        away_since: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), _PING_SECONDS)
            self._look.clear()
            if await self._answers():
                away_since = None
                continue
            away_since = away_since or clock.monotonic()
            away_too_long = clock.monotonic() - away_since > _AWAY_SECONDS_MAX
            if self.client.is_connected or self.client.is_closed or away_too_long:
                _log.warning("this connection to NATS is of no use any more, making another")
                self._down()
                await self._give_up(self.client)
                await self._connect()
                away_since = None

    async def _answers(self) -> bool:
        if not self.client.is_connected:
            return False
        with contextlib.suppress(nats.errors.Error, OSError):
            await self.client.flush(timeout=_PING_TIMEOUT_SECONDS)
            return True
        return False

    def _up(self, sentence: str) -> None:
        url = self.client.connected_url
        _log.info(sentence, extra={} if url is None else {"server": f"{url.hostname}:{url.port}"})
        self._logged_at = float("-inf")
        self._connected.set()
        self._on_change(True)

    def _down(self) -> None:
        if not self.is_connected:
            return
        self._connected.clear()
        if not self._closing:
            _log.warning("NATS is away, reconnecting")
        if self._replies is not None:
            self._replies.fail_all()
        self._on_change(False)

    async def _on_error(self, error: Exception) -> None:
        # A server that is away fails four times a second: say so at once, then every few seconds.
        if isinstance(error, OSError | nats.errors.UnexpectedEOF):
            if clock.monotonic() - self._logged_at < _LOG_AGAIN_SECONDS:
                return
            self._logged_at = clock.monotonic()
        _log.warning("NATS: %s", str(error) or type(error).__name__, extra={"error": type(error).__name__})
