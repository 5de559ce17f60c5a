"""Requests over one connection whose answers are not waited for in vain: when it is lost, each fails at once."""

from __future__ import annotations

import asyncio
import itertools

from nats.aio.client import Client
from nats.aio.msg import Msg

_NO_RESPONDERS = "503"


class ConnectionLost(Exception):  # as its siblings are named
    """The connection went while an answer was outstanding; whether the request was heard is unknown."""


class NobodyAnswers(Exception):  # as above
    """The server says that nobody takes this subject: certainly not heard."""


class Replies:
    """One inbox for the answers to all requests of a connection. Made by ``open_replies``."""

    def __init__(self, nc: Client, prefix: str) -> None:
        self._nc = nc
        self._prefix = prefix
        self._tokens = itertools.count()
        self._waiting: dict[str, asyncio.Future[Msg]] = {}

    async def deliver(self, message: Msg) -> None:
        """Hand an answer to whoever waits for it."""
        future = self._waiting.get(message.subject)
        if future is None or future.done():
            return
        if message.headers is not None and message.headers.get("Status") == _NO_RESPONDERS:
            future.set_exception(NobodyAnswers())
        else:
            future.set_result(message)

    def fail_all(self) -> None:
        """The connection is lost."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionLost())

    async def request(self, subject: str, payload: bytes, *, headers: dict[str, str] | None) -> Msg:
        """Send, and wait for the answer; how long is the caller's affair.

        Raises:
            ConnectionLost: the connection went meanwhile.
            NobodyAnswers: nobody takes the subject.
            nats.errors.Error: it could not be sent.
        """
        inbox = f"{self._prefix}{next(self._tokens)}"
        future = self._waiting[inbox] = asyncio.get_running_loop().create_future()
        try:
            await self._nc.publish(subject, payload, reply=inbox, headers=headers)
            answer: Msg = await future
            return answer
        finally:
            del self._waiting[inbox]


async def open_replies(nc: Client) -> Replies:
    """The inbox for a connected client's requests; it lives through reconnects."""
    prefix = nc.new_inbox() + "."
    replies = Replies(nc, prefix)
    await nc.subscribe(prefix + "*", cb=replies.deliver)
    return replies
