"""Reading a log in order, each message once, across lost connections and restarts of the server.

A reader owns one ephemeral push consumer without acknowledgements. Rules:

1. Messages of one consumer are numbered without gaps. A gap means that some were lost on the way.
2. Upon a gap, a reconnect, or silence (the server sends heartbeats when idle), the consumer is thrown away and another
   is made that begins after the last message given. Each consumer delivers to a subject of its own, so that nothing of
   an earlier one is taken for the present one's.
3. The server stops sending until its flow-control messages are answered; they stand in the queue among the messages and
   are answered when their turn comes, so that a slow reader holds a bounded number of messages in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any

import nats.errors
from nats.js import api

from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.client import DirectSubscription
from understudy_runtime.errors import BusRefused, BusUnavailable, LogTruncated
from understudy_runtime.messages import StoredMessage, parse_header_block, parse_reply
from understudy_runtime.received import Deliver, Received

if TYPE_CHECKING:
    from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_CONTROL_STATUS = b"100"
_BATCH_MAX = 256
_HEARTBEAT_SECONDS = 1
_SILENCE_SECONDS = 3.0
_INACTIVE_SECONDS = 5
_RETRY_SECONDS = 0.25
_NANOSECONDS_PER_SECOND = 1_000_000_000


def _time_of(instant: int) -> str:
    """As the server reads it. Nothing was stored before 1970, nor will have been stored after now."""
    known = min(max(instant, 0), clock.now_ticks())
    return ticks.to_datetime(known).isoformat().replace("+00:00", "Z")


class OrderedReader:
    """One reader of one log; use ``messages`` or ``read_present``, one of them, once."""

    def __init__(
        self,
        bus: Bus,
        stream: str,
        subjects: tuple[str, ...],
        *,
        start_sequence: int | None = None,
        start_time: int | None = None,
        from_last: bool = False,
    ) -> None:
        """``from_last``: begin with the last message of each subject, where nothing else says where to begin."""
        self._bus = bus
        self._stream = stream
        self._subjects = subjects
        self._start_sequence = start_sequence
        self._start_time = start_time
        self._from_last = from_last
        self._queue: deque[Received] = deque()
        self._wake = asyncio.Event()
        self._subscription: DirectSubscription | None = None
        self._consumer: str | None = None
        self._consumer_sequence = 0
        self._must_restart = False
        self.last_sequence = 0
        """Of the stream, the last message given; 0: none yet."""
        self.pending_at_open = 0
        """How many messages were before the reader when its present consumer was made."""
        self._is_at_end = False
        self._heard_at = float("-inf")
        self._listening: asyncio.TimerHandle | None = None

    @property
    def is_current(self) -> bool:
        """Whether all that stands in the log has been given, as far as a server tells that is heard of right now.

        Not from a lost connection on until what was missed meanwhile has been read.
        """
        return (
            self._is_at_end
            and not self._must_restart
            and self._bus.is_connected
            and clock.monotonic() - self._heard_at < _SILENCE_SECONDS
            and all(message.status == _CONTROL_STATUS for message in self._queue)
        )

    def restart(self) -> None:
        """Make another consumer once what has arrived is read (rule 2)."""
        self._must_restart = True
        self._wake.set()

    async def messages(self) -> AsyncGenerator[StoredMessage, None]:
        """The messages, for ever.

        Raises:
            LogTruncated: the log now ends before the last message given.
        """
        self._bus.attach(self)
        try:
            while True:
                message = await self._next()
                if message is not None:
                    yield message
        finally:
            self._bus.detach(self)
            await self._discard()

    async def batches(self) -> AsyncGenerator[list[StoredMessage], None]:
        """The messages, for ever, as many at once as are there: for whoever reads many and cannot wait between two.

        Raises:
            LogTruncated: the log now ends before the last message given.
        """
        self._bus.attach(self)
        try:
            while True:
                message = await self._next()
                if message is not None:
                    yield [message, *self._following()]
        finally:
            self._bus.detach(self)
            await self._discard()

    async def read_present(self, *, limit: int | None = None, until: int | None = None) -> list[StoredMessage]:
        """What the log holds now, at most ``limit`` messages, and none stamped later than ``until`` (ticks)."""
        found: list[StoredMessage] = []
        self._bus.attach(self)
        try:
            await self._open()
            while self.pending_at_open and len(found) != limit:
                message = await self._next()
                if message is None:
                    break  # what was pending has been removed meanwhile
                if until is not None and message.instant > until:
                    break
                found.append(message)
                if message.pending == 0:
                    break
            return found
        finally:
            self._bus.detach(self)
            await self._discard()

    async def _next(self) -> StoredMessage | None:
        """The next message; None when the server says that it has nothing more for now."""
        while True:
            if self._subscription is None:
                await self._open()
            if self._queue:
                received = self._queue.popleft()
                if received.status == _CONTROL_STATUS:
                    if await self._control(received):
                        return None
                    continue
                message = self._take(received)
                if message is not None:
                    return message
            elif self._must_restart or not await self._arrived():
                await self._discard()

    def _following(self) -> Iterator[StoredMessage]:
        """What stands in the queue, up to the next word of the server's own."""
        for _ in range(_BATCH_MAX):
            if not self._queue or self._queue[0].status == _CONTROL_STATUS:
                return
            message = self._take(self._queue.popleft())
            if message is not None:
                yield message

    # --- one consumer after the other ---------------------------------------------------------------------------------

    async def _open(self) -> None:
        """Make a consumer that begins after the last message given; tries until it is made."""
        while True:
            await self._discard()
            self._must_restart = False
            try:
                await self._make_consumer()
            except (BusUnavailable, BusRefused, nats.errors.Error, OSError) as err:
                _log.warning("cannot read %s yet: %s", self._stream, err, extra={"stream": self._stream})
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def _make_consumer(self) -> None:
        nc = self._bus.nc
        if self.last_sequence:
            await self._refuse_truncated()
        inbox = nc.new_inbox()
        self._queue = deque()
        self._consumer_sequence = 0
        self._subscription = await nc.subscribe_directly(inbox, self._deliver_into(self._queue))
        answer = await self._bus.api_request(f"CONSUMER.CREATE.{self._stream}", self._consumer_request(inbox))
        self._consumer = answer["name"]
        self.pending_at_open = int(answer.get("num_pending", 0)) + int(answer["delivered"]["consumer_seq"])
        self._is_at_end = self.pending_at_open == 0
        self._heard_at = clock.monotonic()

    def _consumer_request(self, inbox: str) -> bytes:
        config: dict[str, Any] = {
            "deliver_subject": inbox,
            "ack_policy": api.AckPolicy.NONE,
            "max_deliver": 1,
            "flow_control": True,
            "idle_heartbeat": _HEARTBEAT_SECONDS * _NANOSECONDS_PER_SECOND,
            "inactive_threshold": _INACTIVE_SECONDS * _NANOSECONDS_PER_SECOND,
            "num_replicas": 1,
            "mem_storage": True,
            "replay_policy": api.ReplayPolicy.INSTANT,
        }
        if len(self._subjects) == 1:
            config["filter_subject"] = self._subjects[0]
        else:
            config["filter_subjects"] = list(self._subjects)
        if self.last_sequence or self._start_sequence:
            config["deliver_policy"] = api.DeliverPolicy.BY_START_SEQUENCE
            config["opt_start_seq"] = self.last_sequence + 1 if self.last_sequence else self._start_sequence
        elif self._start_time is not None:
            config["deliver_policy"] = api.DeliverPolicy.BY_START_TIME
            config["opt_start_time"] = _time_of(self._start_time)
        else:
            last, everything = api.DeliverPolicy.LAST_PER_SUBJECT, api.DeliverPolicy.ALL
            config["deliver_policy"] = last if self._from_last else everything
        return json.dumps({"stream_name": self._stream, "config": config}).encode()

    async def _refuse_truncated(self) -> None:
        newest = await self._bus.last_sequence(self._stream)
        if newest < self.last_sequence:
            raise LogTruncated(f"{self._stream} ends at {newest}, and {self.last_sequence} was read from it")

    async def _discard(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        subscription, self._subscription = self._subscription, None
        consumer, self._consumer = self._consumer, None
        self._queue = deque()
        self._is_at_end = False
        if subscription is None:
            return
        # Without interest the server removes the consumer by itself after a while; saying so is only tidier.
        with contextlib.suppress(nats.errors.Error, OSError):
            await subscription.unsubscribe()
            if consumer is not None and self._bus.nc.is_connected:
                await self._bus.nc.publish(f"$JS.API.CONSUMER.DELETE.{self._stream}.{consumer}")

    # --- what one consumer delivers -----------------------------------------------------------------------------------

    def _deliver_into(self, queue: deque[Received]) -> Deliver:
        def deliver(message: Received) -> None:
            queue.append(message)
            self._heard_at = clock.monotonic()
            self._wake.set()

        return deliver

    async def _arrived(self) -> bool:
        """Wait until something is in the queue; False upon silence, or when another consumer must be made."""
        self._wake.clear()
        if self._listening is None:
            self._listen()
        await self._wake.wait()
        return bool(self._queue)

    def _listen(self) -> None:
        """Wake the reader when nothing has been heard for too long: one timer for all that is waited for meanwhile."""
        remaining = self._heard_at + _SILENCE_SECONDS - clock.monotonic()
        if remaining > 0:
            self._listening = asyncio.get_running_loop().call_later(remaining, self._listen)
        else:
            self._listening = None
            self._wake.set()

    def _take(self, message: Received) -> StoredMessage | None:
        """What the next message of the queue is to the caller; None: it has been given before, or one is missing."""
        sequence, consumer_sequence, nanoseconds, pending = parse_reply(message.reply)
        if consumer_sequence != self._consumer_sequence + 1:
            self._lose()
            return None
        self._consumer_sequence = consumer_sequence
        self._is_at_end = pending == 0
        if sequence <= self.last_sequence:
            return None
        self.last_sequence = sequence
        instant = ticks.from_nanoseconds(nanoseconds)
        return StoredMessage(
            message.subject.decode(), sequence, instant, message.payload, pending, message.header_block
        )

    async def _control(self, message: Received) -> bool:
        """Answer flow control, look for a gap; True for a heartbeat of a server that has nothing more to send."""
        headers = parse_header_block(message.header_block or b"")
        stalled_until = headers.get("Nats-Consumer-Stalled")
        answer_to = message.reply.decode() or stalled_until
        if answer_to and self._bus.nc.is_connected:
            with contextlib.suppress(nats.errors.Error, OSError):
                await self._bus.nc.publish(answer_to)
        delivered = headers.get("Nats-Last-Consumer")
        if delivered is None:
            return False
        if int(delivered) != self._consumer_sequence:
            self._lose()
            return False
        self._is_at_end = self._is_at_end or stalled_until is None
        return stalled_until is None

    def _lose(self) -> None:
        _log.info("messages of %s were lost on the way, reading them again", self._stream)
        self._queue.clear()
        self.restart()
