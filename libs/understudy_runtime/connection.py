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
from understudy_runtime.gathering import Gathering
from understudy_runtime.log_limit import LogLimit
from understudy_runtime.nats_trouble import explained
from understudy_runtime.replies import Replies, open_replies
from understudy_runtime.secured_client import SecuredClient
from understudy_runtime.settings import CommonSettings

_log = logging.getLogger(__name__)

_RECONNECT_WAIT_SECONDS = 0.25
_CONNECT_TIMEOUT_SECONDS = 2
_PING_SECONDS = 4.0
_PING_TIMEOUT_SECONDS = 6
_AWAY_SECONDS_MAX = 20.0
_CANCEL_AGAIN_SECONDS = 3.0
"""Longer than a client takes to be given up, which is not to be cut short."""
_GATHERED_SECONDS_MAX = 0.005
"""What comes in a longer time need not fit into the system's buffers, and the sender would have to wait."""


class Connection:
    """``on_change(connected)`` is called whenever it is lost or made again; ``client`` may be another one then."""

    def __init__(self, settings: CommonSettings, *, name: str, on_change: Callable[[bool], None]) -> None:
        self._login = settings.nats_login
        self._tls = settings.nats_tls
        self._name = name
        self._on_change = on_change
        self._connected = asyncio.Event()
        self._replies: Replies | None = None
        self._guard: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._closing = False
        self._limit = LogLimit()
        self.trouble: str | None = None
        """Why there is no connection, as far as anything has said so; None while there is one."""
        self._gathering: Gathering | None = None
        self.client: DirectClient = self._new_client()

    @property
    def is_connected(self) -> bool:
        """Whether it stands, as far as is known."""
        return self._connected.is_set()

    async def open(self) -> None:
        """Connect, however long that takes, and stay connected until ``close``."""
        await self._connect()
        self._guard = asyncio.get_running_loop().create_task(self._watch_over(), name="nats")

    def gather(self) -> None:
        """Read what comes in bulk from here on: see ``Gathering``."""
        self.client.gathering = self._gathering = Gathering(longest_seconds=_GATHERED_SECONDS_MAX)

    async def close(self) -> None:
        """Close; what is not acknowledged may be lost."""
        self._closing = True
        guard = self._guard
        while guard is not None and not guard.done():
            # The library waits in asyncio.wait_for. Before Python 3.12 that swallows a cancellation which comes in the
            # very moment of what is waited for, and who cancelled once would wait for ever.
            guard.cancel()
            await asyncio.wait((guard,), timeout=_CANCEL_AGAIN_SECONDS)
        await self._give_up(self.client)

    async def replies(self) -> Replies:
        """For requests, once there is a connection."""
        while self._replies is None or not self.is_connected:
            await self._connected.wait()
        return self._replies

    # --- making it ----------------------------------------------------------------------------------------------------

    async def _connect(self) -> None:
        while True:
            client = self._new_client()
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

    def _new_client(self) -> SecuredClient:
        client = SecuredClient(self._login, self._tls)
        client.gathering = self._gathering
        return client

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
            servers=list(self._login.urls),
            name=self._name,
            error_cb=self._on_error,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            closed_cb=closed,
            # Its own way to try the first connect again hangs once TLS has failed, so that is done here.
            allow_reconnect=False,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT_SECONDS,  # type: ignore[arg-type]  # slept, so fractions work
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            tls_hostname=self._tls.server_name,
            **self._login.options,  # type: ignore[arg-type]  # mypy takes them for every parameter
        )
        client.options["allow_reconnect"] = True

    async def _give_up(self, client: DirectClient) -> None:
        # The library asserts that it was asked to connect at all.
        with contextlib.suppress(nats.errors.Error, OSError, RuntimeError, AssertionError):
            await asyncio.wait_for(client.close(), _CONNECT_TIMEOUT_SECONDS)

    # --- keeping it ---------------------------------------------------------------------------------------------------

    async def _watch_over(self) -> None:
        away_since: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PING_SECONDS):
                    await self._look.wait()
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
        self._limit = LogLimit()
        self.trouble = None
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
        sentence = explained(error, login=self._login, shows_certificate=self._tls.certificate_file is not None)
        # A server that refuses may close so fast that its reason is not read each time.
        if not self.is_connected and not (self.trouble and isinstance(error, ConnectionResetError | BrokenPipeError)):
            self.trouble = sentence
        # A server that is away, or refuses, does so four times a second: say it at once, then every few seconds.
        if self._limit.admit(sentence) is not None:
            _log.warning("NATS: %s", sentence, extra={"error": type(error).__name__})
