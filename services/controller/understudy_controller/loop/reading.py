"""Reading a shard's part of ARRIVALS: every message in order, to the channel that it is about."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import lru_cache

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.rounds import Message, Rounds
from understudy_controller.loop.shard import Shard
from understudy_controller.loop.ticker import Ticker
from understudy_domain import codec, keys
from understudy_domain.errors import MalformedKey, MalformedRecord, NewerRecord, UnderstudyError
from understudy_domain.facts import Fact, Tick
from understudy_domain.keys import ArrivalsSubject
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_SUBJECTS_REMEMBERED = 16_384

_parsed_subject = lru_cache(_SUBJECTS_REMEMBERED)(keys.parse_arrivals_subject)


class Reading:
    """Reads shards for as long as this process holds them."""

    def __init__(
        self,
        bus: Bus,
        store: ConfigStore,
        channels: Channels,
        ticker: Ticker,
        metrics: LoopMetrics,
        *,
        holds: Callable[[int], bool],
        on_caught_up: Callable[[int], None],
    ) -> None:
        """``holds``: whether a shard is this process's; ``on_caught_up``: called with one, once, after its replay."""
        self._bus = bus
        self._store = store
        self._channels = channels
        self._ticker = ticker
        self._metrics = metrics
        self._holds = holds
        self._on_caught_up = on_caught_up
        self._rounds = Rounds(self._take, holds=holds)
        self._gone: set[str] = set()
        """Channels that messages speak of and that are in no configuration."""

    async def read(self, shard: Shard) -> None:
        """Read a shard from its position on, until it is lost."""
        end = await self._end_of(shard.number)
        if end == 0:
            self._catch_up(shard)
        subjects = keys.arrivals_filter(shard.number)
        reader = self._bus.reader(keys.ARRIVALS_STREAM, subjects, start_sequence=shard.position + 1)
        async with contextlib.aclosing(reader.batches()) as batches:
            async for batch in batches:
                await self._rounds.work_off(shard, [one async for one in self._known(batch, shard)])
                last = batch[-1]
                shard.position = last.sequence
                shard.read_until = last.instant if last.pending else None
                if not shard.caught_up and (last.pending == 0 or last.sequence >= end):
                    self._catch_up(shard)

    async def _known(self, batch: Sequence[StoredMessage], shard: Shard) -> AsyncIterator[Message]:
        """Those that are about anything, once it is known here what they are about."""
        for message in batch:
            subject = self._subject_of(message)
            if subject is None:
                continue
            if subject.channel_guid is None and shard.caught_up:
                self._ticker.heard(instant=message.instant)  # an old one says nothing of the clocks
            if self._is_to_be_learnt(subject):
                await self._learn(subject)
            yield message, subject

    async def _end_of(self, number: int) -> int:
        """The end of what has to be replayed of a shard; 0 if nothing has.

        A tick of its own is written first, so that there is a message to read however old the last one is.
        """
        while True:
            try:
                if self._channels.of_shard(number):
                    return await self._bus.publish(keys.clock_subject(number), codec.encode(Tick()))
            except BusUnavailable as err:
                _log.warning("cannot find the end of the log, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return 0

    def _catch_up(self, shard: Shard) -> None:
        shard.caught_up = True
        shard.replayed.set()
        self._on_caught_up(shard.number)

    def _subject_of(self, message: StoredMessage) -> ArrivalsSubject | None:
        try:
            return _parsed_subject(message.subject)
        except MalformedKey as err:
            self._skip(message, err)
            return None

    def _take(self, message_and_subject: Message) -> None:
        message, subject = message_and_subject
        guid = subject.channel_guid
        if guid is not None and self._channels.have_read(guid, message.sequence):
            return  # a replay begins where the oldest of the shard's snapshots ends
        try:
            fact = codec.decode(message.payload)
        except MalformedRecord as err:
            self._skip(message, err)
            if isinstance(err, NewerRecord) and guid is not None:
                self._channels.pass_over(guid, message.instant)
            return
        if guid is None:
            self._channels.pass_time(subject.shard, message.instant)
        elif isinstance(fact, Fact):
            self._channels.apply(guid, subject.input_id, fact, message)

    def _skip(self, message: StoredMessage, err: UnderstudyError) -> None:
        self._metrics.malformed.inc()
        _log.error("skipped a record of ARRIVALS: %s", err, extra={"subject": message.subject})

    def _is_to_be_learnt(self, subject: ArrivalsSubject) -> bool:
        guid = subject.channel_guid
        if guid is None:
            return False
        return subject.input_id is None or (guid not in self._channels and guid not in self._gone)

    async def _learn(self, subject: ArrivalsSubject) -> None:
        """See to it that what was configured a moment ago, through another controller, is known here.

        Commands are rare, and channels that are not known are asked for once: a guid never comes back.
        """
        guid = subject.channel_guid or ""
        while subject.input_id is None or self._store.channel_by_guid(guid) is None:
            try:
                await self._store.ensure_current()
            except BusUnavailable:
                if not self._holds(subject.shard):
                    return
            else:
                break
        if self._store.channel_by_guid(guid) is None:
            self._gone.add(guid)
