"""Requests over one connection whose answers are not waited for in vain: when it is lost, each fails at once."""

from __future__ import annotations

import asyncio
import itertools

from understudy_runtime.client import DirectClient
from understudy_runtime.received import Received

_NO_RESPONDERS = b"503"


class ConnectionLost(Exception):  # as its siblings are named
    """The connection went while an answer was outstanding; whether the request was heard is unknown."""


class NobodyAnswers(Exception):  # as above
    """The server says that nobody takes this subject: certainly not heard."""


class Replies:
    """One inbox for the answers to all requests of a connection. Made by ``open_replies``."""

    def __init__(self, nc: DirectClient, prefix: str) -> None:
        self._nc = nc
        self._prefix = prefix
        self._tokens = itertools.count()
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    def deliver(self, message: Received) -> None:
        """Hand an answer to whoever waits for it."""
        future = self._waiting.get(message.subject)
        if future is None or future.done():
            return
        if message.status == _NO_RESPONDERS:
            future.set_exception(NobodyAnswers())
        else:
            future.set_result(message.payload)

    def fail_all(self) -> None:
        """The connection is lost."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionLost())

    async def request(self, subject: str, payload: bytes, *, headers: dict[str, str] | None) -> bytes:
        """Send, and wait for the answer's payload; how long is the caller's affair.

        Raises:
            ConnectionLost: the connection went meanwhile.
            NobodyAnswers: nobody takes the subject.
            nats.errors.Error: it could not be sent.
        """
        inbox = f"{self._prefix}{next(self._tokens)}"
        key = inbox.encode()
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[key] = future
        try:
            await self._nc.publish(subject, payload, reply=inbox, headers=headers)
            return await future
        finally:
            del self._waiting[key]


async def open_replies(nc: DirectClient) -> Replies:
    """The inbox for a connected client's requests; it lives through reconnects."""
    prefix = nc.new_inbox() + "."
    replies = Replies(nc, prefix)
    await nc.subscribe_directly(prefix + "*", replies.deliver)
    return replies
