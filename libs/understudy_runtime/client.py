"""The library's client, with a short way for messages that are read in bulk.

The library parses each message's headers, puts it into a queue of its subscription and has a task call a coroutine for
it: a third of what reading a log costs. Here such a message goes from the library's parser to its reader as it is.
"""

from __future__ import annotations

import asyncio

from nats.aio.client import DEFAULT_BUFFER_SIZE, Client, Srv
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from typing_extensions import override

from understudy_runtime import clock
from understudy_runtime.direct_parser import DirectParser
from understudy_runtime.gathering import Gathering
from understudy_runtime.received import Deliver, Received


class DirectSubscription:
    """What ``subscribe_directly`` returns."""

    def __init__(self, directly: dict[int, Deliver], subscription: Subscription, deliver: Deliver) -> None:
        self._directly = directly
        self._subscription = subscription
        self._sid: int = subscription._id  # noqa: SLF001  # the library tells a subscription by nothing else
        directly[self._sid] = deliver

    async def unsubscribe(self) -> None:
        """Nothing more is delivered.

        Raises:
            nats.errors.Error: the server could not be told.
        """
        self._directly.pop(self._sid, None)
        await self._subscription.unsubscribe()


class DirectClient(Client):
    """A client whose ``subscribe_directly`` delivers without queue, task or parsing of headers."""

    def __init__(self) -> None:
        super().__init__()
        self._directly: dict[int, Deliver] = {}
        self._ps = DirectParser(self, self._directly, on_read=self._have_read)
        self.gathering: Gathering | None = None
        """Where it is set, what comes is left on the connection for moments, to be read together."""

    async def subscribe_directly(self, subject: str, deliver: Deliver) -> DirectSubscription:
        """Have ``deliver`` called with each message from here on."""
        return DirectSubscription(self._directly, await self.subscribe(subject, cb=_never), deliver)

    async def _have_read(self, length: int, messages: int) -> None:
        if self.gathering is None:
            return
        pause = self.gathering.pause_seconds(clock.monotonic(), messages=messages)
        if not pause or length >= DEFAULT_BUFFER_SIZE:
            return  # the buffer was full: more is there already
        # So that not even the event loop is woken. A transport of the library's that has no such thing is read all the
        # same, and what it reads waits.
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            writer.transport.pause_reading()
        try:
            await asyncio.sleep(pause)
        finally:
            if writer is not None and not writer.transport.is_closing():
                writer.transport.resume_reading()

    @override
    async def _connect_to_server(self, s: Srv) -> None:
        # A server that took the connection and then said nothing: the library dials again, and forgets the first one.
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call]  # it says not what it returns
        await super()._connect_to_server(s)

    @override
    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        deliver = self._directly.get(sid)
        if deliver is None:
            await super()._process_msg(sid, subject, reply, data, headers)  # type: ignore[arg-type]  # it may be None
        else:
            self.stats["in_msgs"] += 1
            self.stats["in_bytes"] += len(data)
            deliver(Received(subject, reply, data, headers))


async def _never(message: Msg) -> None:
    raise AssertionError(f"{message.subject} went the long way")
