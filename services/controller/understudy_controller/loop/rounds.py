"""What has been read of all shards, worked off together in rounds, channel by channel.

A channel's state lies in the machine's memory, not in the processor's caches: bringing it there takes longer than to
apply a fact to it, and a channel's ten facts come within a twentieth of a second. So what is read is let gather, the
longer the more comes, and the facts of a channel are applied one after the other. Among channels their order does not
matter; within one it is the log's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from understudy_controller.loop.shard import Shard
from understudy_domain.keys import ArrivalsSubject
from understudy_runtime import clock
from understudy_runtime.gathering import Gathering
from understudy_runtime.messages import StoredMessage

_LONGEST_SECONDS = 0.02
"""From the beginning of a round to that of the next: well within what a decision may take, 50 ms."""
_BUSY_SECONDS = 0.003
"""How long everything else is kept waiting: leases are to be renewed meanwhile, which takes several turns of the event
loop."""
_LAPSED_SECONDS = 0.02
"""How often to look whether a lease that had run out is renewed after all."""

Message = tuple[StoredMessage, ArrivalsSubject]


_LAST = "~"
"""Comes after every guid."""


@dataclass(slots=True, eq=False)
class _Batch:
    """Of one shard, in order."""

    shard: Shard
    messages: Sequence[Message]
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    left: list[Message] = field(default_factory=list)
    """Those that could not be taken in, and all after them."""


class Rounds:
    """Takes batches of messages, and has each message taken in."""

    def __init__(self, take: Callable[[Message], None], *, holds: Callable[[int], bool]) -> None:
        """``take`` is called with each message; ``holds``: whether a shard is this process's right now."""
        self._take = take
        self._holds = holds
        self._gathering = Gathering(longest_seconds=_LONGEST_SECONDS)
        self._begun_at = float("-inf")
        self._count = 0
        """Messages of the last round."""
        self._waiting: list[_Batch] = []
        self._task: asyncio.Task[None] | None = None

    async def work_off(self, shard: Shard, messages: Sequence[Message]) -> None:
        """Returns when all these have been taken in. If it is cancelled, those that are left never are."""
        batch = _Batch(shard, messages)
        self._waiting.append(batch)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="decisions")
        await batch.done

    async def _run(self) -> None:
        """Rounds for as long as there is anything to do."""
        batches: Sequence[_Batch] = ()
        try:
            while self._waiting:
                await asyncio.sleep(self._pause_seconds())
                batches, self._waiting = self._waiting, []
                self._begun_at, self._count = clock.monotonic(), sum(len(batch.messages) for batch in batches)
                await self._round(batches)
                held_back = [batch for batch in batches if not batch.done.done()]
                self._waiting += held_back
                if held_back:
                    await asyncio.sleep(_LAPSED_SECONDS)
        finally:
            self._task = None
            for batch in (*batches, *self._waiting):  # nobody is to wait for what is not done any more
                batch.done.cancel()

    def _pause_seconds(self) -> float:
        """How long to let gather what is read: the longer, the more comes."""
        now = clock.monotonic()
        pause = self._gathering.pause_seconds(now, messages=self._count)
        self._count = 0
        return max(self._begun_at + pause - now, 0)

    async def _round(self, batches: Sequence[_Batch]) -> None:
        """Take in what can be taken in; a batch of which nothing is left is done."""
        try:
            await self._take_in(batches)
        except Exception as err:  # noqa: BLE001  # whatever it is, whoever waits is told
            for batch in batches:
                if not batch.done.done():
                    batch.done.set_exception(err)
        for batch in batches:
            batch.messages, batch.left = batch.left, []
            if not batch.messages and not batch.done.done():
                batch.done.set_result(None)

    async def _take_in(self, batches: Sequence[_Batch]) -> None:
        yielded_at = clock.monotonic()
        for message, batch in _in_turn(batches):
            if batch.done.done():
                continue  # it is waited for no more: the shard is given back, or lost
            if batch.left or not self._holds(batch.shard.number):
                # Nothing may be decided now. A renewal that is under way may still save the lease; where none does,
                # the leases drop the shard in a moment.
                batch.left.append(message)
            else:
                self._take(message)
            if clock.monotonic() - yielded_at > _BUSY_SECONDS:
                await asyncio.sleep(0)
                yielded_at = clock.monotonic()


def _in_turn(batches: Sequence[_Batch]) -> Iterator[tuple[Message, _Batch]]:
    """Shard by shard, first those with a tick, for somebody's time has come there; and in each channel by channel."""
    for batch in sorted(batches, key=_has_no_tick):
        for part in _parts(batch.messages):
            for message in sorted(part, key=_channel_of):  # each channel's remain in the order of the log
                yield message, batch


def _parts(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Within each, ticks may come last: no message is stamped earlier than a tick that it follows.

    A server's clock may be set back, or another server leads. A fact must not count then where the tick has said that
    all is there.
    """
    part: list[Message] = []
    ticked = -1
    for message in messages:
        stored, subject = message
        if stored.instant < ticked:
            yield part
            part, ticked = [], -1
        if subject.channel_guid is None:
            ticked = max(ticked, stored.instant)
        part.append(message)
    yield part


def _has_no_tick(batch: _Batch) -> bool:
    return all(subject.channel_guid is not None for _, subject in batch.messages)


def _channel_of(message: Message) -> str:
    """Ticks, which are about no channel, come last: each says that all has been read which was stored before it."""
    _, subject = message
    return subject.channel_guid or _LAST
