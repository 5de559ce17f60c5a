"""One request to a receiver over HTTP/1.1, on the event loop, bounded in time and in what is read of the answer.

Names are looked up in a thread of each look-up's own: one that hangs must not take one of the few that the process has
for everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
from _thread import start_new_thread
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

import h11

from understudy_controller.webhooks.file import Webhook
from understudy_domain.webhooks.cloud_event import Message
from understudy_domain.webhooks.progress import Answer
from understudy_domain.webhooks.signature import signed_headers
from understudy_runtime import clock

USER_AGENT: Final = "Understudy-Webhook/1"
_HEAD_BYTES_MAX: Final = 64 << 10
_BODY_BYTES_MAX: Final = 16 << 10
"""Of an answer's body is read what keeps most receivers from a broken connection, and nothing is made of it."""
_BODY_SECONDS: Final = 1.0
_NAME_SECONDS: Final = 10.0
_PORTS: Final = {"http": 80, "https": 443}

Address = tuple[int, str, int]
"""Family, numeric host, port."""


async def send(webhook: Webhook, message: Message) -> Answer:
    """Send a message once, signed for now. Redirects are not followed. Whatever goes wrong is in the answer."""
    try:
        async with asyncio.timeout(webhook.timeout_seconds):
            reader, writer = await _connected(webhook)
            try:
                return await _exchange(reader, writer, webhook, message)
            finally:
                writer.transport.abort()  # at once: an orderly end of TLS would wait for the other side
    except TimeoutError:
        return Answer(None, f"no answer within {webhook.timeout_seconds:g} s")
    except ssl.SSLCertVerificationError as err:
        return Answer(None, f"its certificate is not trusted: {err.verify_message}")
    except ssl.SSLError as err:
        return Answer(None, f"no TLS with it: {err.reason or 'the handshake failed'}")
    except socket.gaierror as err:
        return Answer(None, f"its name cannot be looked up: {err.strerror}")
    except (h11.RemoteProtocolError, UnicodeError):
        return Answer(None, "what it answers is not HTTP")
    except OSError as err:
        return Answer(None, f"no connection with it: {err.strerror or type(err).__name__}")


async def _connected(webhook: Webhook) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = webhook.parts
    host = parts.hostname or ""
    addresses = await _names.addresses(host, parts.port or _PORTS[parts.scheme])
    context = await asyncio.to_thread(_context, webhook.ca) if parts.scheme == "https" else None
    failure: OSError | None = None
    for family, address, port in addresses:
        try:
            return await asyncio.open_connection(
                address,
                port,
                family=family,
                ssl=context,
                server_hostname=host if context is not None else None,
                limit=_HEAD_BYTES_MAX,
            )
        except ssl.SSLError:
            raise  # another address of the same name has no other certificate
        except OSError as err:
            failure = err
    raise failure or OSError("the name has no address")


@functools.lru_cache(maxsize=64)
def _context(ca: str | None) -> ssl.SSLContext:
    """Made once for each: to load what the system trusts takes some ten milliseconds."""
    return ssl.create_default_context(cadata=ca)


class _Names:
    """Addresses of names, for a few seconds: a flood of events asks once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, list[Address]]] = {}

    async def addresses(self, host: str, port: int) -> list[Address]:
        """Where a host is.

        Raises:
            OSError: nowhere, or it cannot be looked up.
            UnicodeError: it is no name.
        """
        with contextlib.suppress(ValueError):
            version = ip_address(host).version
            return [(socket.AF_INET if version == 4 else socket.AF_INET6, host, port)]
        now = clock.monotonic()
        self._known = {key: known for key, known in self._known.items() if now - known[0] < _NAME_SECONDS}
        found = self._known.get((host, port))
        if found is None:
            found = self._known[host, port] = now, await _looked_up(host, port)
        return found[1]


_names: Final = _Names()


async def _looked_up(host: str, port: int) -> list[Address]:
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def tell(addresses: list[Address], failure: OSError | UnicodeError | None) -> None:
        if found.done():
            return  # nobody waits any more
        if failure is None:
            found.set_result(addresses)
        else:
            found.set_exception(failure)

    def look_up() -> None:
        addresses: list[Address] = []
        failure: OSError | UnicodeError | None = None
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [(info[0], str(info[4][0]), port) for info in infos]
        except (OSError, UnicodeError) as err:
            failure = err
        with contextlib.suppress(RuntimeError):  # the process has ended meanwhile
            loop.call_soon_threadsafe(tell, addresses, failure)

    # Not threading.Thread: its start waits for the thread to run, and the loop, with decisions to make, would too.
    start_new_thread(look_up, ())
    return await found


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, webhook: Webhook, message: Message
) -> Answer:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
    parts = webhook.parts
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = h11.Request(method="POST", target=target, headers=list(_headers(webhook, message).items()))
    events = (request, h11.Data(data=message.body), h11.EndOfMessage())
    writer.write(b"".join(connection.send(event) or b"" for event in events))
    with contextlib.suppress(ConnectionError):  # it may have answered, and closed, before it had everything
        await writer.drain()
    response = await _response(connection, reader)
    with contextlib.suppress(TimeoutError, OSError, h11.RemoteProtocolError):
        async with asyncio.timeout(_BODY_SECONDS):
            await _pass_over(connection, reader)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status_code, retry_after=headers.get("retry-after"))


def _headers(webhook: Webhook, message: Message) -> Mapping[str, str]:
    own = {
        "host": webhook.parts.netloc,
        "content-type": message.content_type,
        "content-length": str(len(message.body)),
        "connection": "close",
        **signed_headers(message.id, message.body, keys=webhook.keys, now_seconds=clock.now_seconds()),
    }
    given = {name.lower(): value.get_secret_value() for name, value in webhook.headers.items()}
    return {"user-agent": USER_AGENT, **given, **own}


async def _response(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            received = await reader.read(_HEAD_BYTES_MAX)
            if not received:
                raise OSError(errno.ECONNRESET, "it ended the connection without an answer")
            connection.receive_data(received)
        elif isinstance(event, h11.Response):
            return event
        elif not isinstance(event, h11.InformationalResponse):
            raise h11.RemoteProtocolError("no answer in it")


async def _pass_over(connection: h11.Connection, reader: asyncio.StreamReader) -> None:
    left = _BODY_BYTES_MAX
    while left > 0:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_BODY_BYTES_MAX))
        elif isinstance(event, h11.Data):
            left -= len(event.data)
        else:
            return
