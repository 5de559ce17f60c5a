"""Requests to a receiver, bounded in time and in what is read of an answer.

httpcore speaks HTTP. It follows no redirects, keeps no cookies, finds no proxies in the environment, and sends a URL as
it is written.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from typing import Any, Final

import httpcore
from typing_extensions import override

from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.names import addresses
from understudy_domain.webhooks.cloud_event import Message
from understudy_domain.webhooks.progress import Answer
from understudy_domain.webhooks.signature import signed_headers
from understudy_runtime import clock

USER_AGENT: Final = "Understudy-Webhook/1"
_BODY_BYTES_MAX: Final = 16 << 10
"""Of an answer's body is read what keeps most receivers from a broken connection, and nothing is made of it."""
_BODY_SECONDS: Final = 1.0
_SIP_BYTES: Final = 4 << 10
_PORTS: Final = {"http": 80, "https": 443}

# Requests' headers would be in the log where it is set to debug.
logging.getLogger("httpcore").setLevel(logging.WARNING)


async def send(webhook: Webhook, message: Message) -> Answer:
    """Send a message once, signed for now, over a connection of its own. Whatever goes wrong is in the answer."""
    answer: Answer | None = None
    url = _url(webhook)
    try:
        async with (
            asyncio.timeout(webhook.timeout_seconds) as limit,
            httpcore.AsyncHTTPConnection(
                url.origin,
                ssl_context=await asyncio.to_thread(_context, webhook.ca) if url.scheme == b"https" else None,
                network_backend=_Network(webhook.timeout_seconds),
            ) as connection,
            connection.stream("POST", url, headers=_headers(webhook, message), content=message.body) as response,
        ):
            answer = Answer(response.status, retry_after=_retry_after(response.headers))
            # From here on it has answered, however long it goes on.
            limit.reschedule(asyncio.get_running_loop().time() + _BODY_SECONDS)
            await _pass_over(response)
    except Exception as err:  # noqa: BLE001  # whatever it was, it is tried again, and what it says may be secret
        return answer or Answer(None, _why(err, webhook))
    return answer


@functools.lru_cache(maxsize=64)
def _context(ca: str | None) -> ssl.SSLContext:
    """Made once for each: to load what the system trusts takes some ten milliseconds."""
    return ssl.create_default_context(cadata=ca)


class _Network(httpcore.AnyIOBackend):
    def __init__(self, seconds: float) -> None:
        """``seconds``: that the addresses of a name share, so that one that says nothing leaves time for the others."""
        self._seconds = seconds

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await addresses(host, port)
        share = self._seconds / (len(found) + 1)
        *others, last = found
        for address in others:
            try:
                return _Sipping(await super().connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return _Sipping(await super().connect_tcp(last, port, timeout, local_address, socket_options))


class _Sipping(httpcore.AsyncNetworkStream):
    """Reads little at a time, with turns for others in between: else heads without end (1xx) hold up decisions."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await asyncio.sleep(0)
        return await self._stream.read(min(max_bytes, _SIP_BYTES), timeout)

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return _Sipping(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _url(webhook: Webhook) -> httpcore.URL:
    parts = webhook.parts
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or _PORTS[parts.scheme]
    return httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=port, target=target)


def _headers(webhook: Webhook, message: Message) -> list[tuple[str, str]]:
    own = {
        "host": webhook.parts.netloc,
        "content-type": message.content_type,
        "content-length": str(len(message.body)),
        "connection": "close",
        **signed_headers(message.id, message.body, keys=webhook.keys, now_seconds=clock.now_seconds()),
    }
    given = {name.lower(): value.get_secret_value() for name, value in webhook.headers.items()}
    return list({"user-agent": USER_AGENT, **given, **own}.items())


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"retry-after"), None)


async def _pass_over(response: httpcore.Response) -> None:
    left = _BODY_BYTES_MAX
    async with aclosing(response.aiter_stream()) as chunks:  # type: ignore[type-var]  # a generator, it is
        async for chunk in chunks:
            left -= len(chunk)
            if left <= 0:
                return


def _why(err: Exception, webhook: Webhook) -> str:
    """In words, with nothing of the URL in them."""
    if isinstance(err, TimeoutError):
        return f"no answer within {webhook.timeout_seconds:g} s"
    for cause in _causes(err):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no TLS with it: {cause.reason or 'the handshake failed'}"
        if isinstance(cause, socket.gaierror):
            return f"its name cannot be looked up: {cause.strerror}"
        if isinstance(cause, OSError) and cause.strerror:
            return f"no connection with it: {cause.strerror}"
    if isinstance(err, httpcore.RemoteProtocolError):
        return "it ended the connection without an answer, or what it answers is not HTTP"
    if isinstance(err, httpcore.NetworkError):
        return "no connection with it"
    return f"it could not be sent: {type(err).__name__}"


def _causes(err: BaseException | None) -> Iterator[BaseException]:
    while err is not None:
        yield err
        err = err.__cause__ or err.__context__
