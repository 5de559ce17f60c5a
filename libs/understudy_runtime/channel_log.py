"""One channel's part of the two logs, read as the decision core has them: for explanations, which touch nothing."""

from __future__ import annotations

from typing import Final, TypeVar

from understudy_domain import codec, keys, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.facts import Fact
from understudy_domain.replay import WARM_UP_SECONDS, WARM_UP_SEGMENTS, LoggedFact, begins_at, segment_duration_of
from understudy_domain.slot_replay import AFTERWARDS
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

ENTRIES_MAX: Final = 5_000
"""As many entries are read at most to find one: hours of a programme."""
_BEFORE_SEGMENTS: Final = 12
_BEFORE_FIRST: Final = ticks.from_seconds(600)
"""An endpoint is made some time before its first slot, and a replay of its first minute begins there."""

T = TypeVar("T")


class ChannelLog:
    """Reads what stands of one channel."""

    def __init__(self, bus: Bus, channel_guid: str, *, shards: int) -> None:
        self._bus = bus
        self._guid = channel_guid
        self._shard = keys.shard_of(channel_guid, shards=shards)

    # --- ARRIVALS -----------------------------------------------------------------------------------------------------

    async def arrivals_messages(self, *, begin: int | None = None, end: int | None = None) -> list[StoredMessage]:
        """The channel's messages and its shard's ticks from ``begin`` to ``end`` (instants), as they are stored."""
        subjects = [
            *(keys.arrivals_subject(self._shard, self._guid, input_id) for input_id in keys.INPUTS),
            keys.command_subject(self._shard, self._guid),
            keys.clock_subject(self._shard),
        ]
        return await self._bus.reader(keys.ARRIVALS_STREAM, subjects, start_time=begin).read_present(until=end)

    async def arrivals(self, *, begin: int | None = None, end: int | None = None) -> list[LoggedFact]:
        """The same, decoded."""
        return logged_facts(await self.arrivals_messages(begin=begin, end=end))

    async def arrivals_around(self, entry: ProgramEntry, entries: list[ProgramEntry]) -> list[StoredMessage]:
        """As much as it takes to explain ``entry``: from before the first of ``entries`` to a while after it.

        Not decoded: that is work for another thread where there is an event loop to be kept free.
        """
        first = entries[0] if entries else entry
        segment_duration = segment_duration_of(first) or first.slot_duration
        begin = begins_at(first, segment_duration) - _BEFORE_SEGMENTS * segment_duration
        if first.media_sequence == 0:
            begin -= _BEFORE_FIRST
        return await self.arrivals_messages(begin=begin, end=entry.as_of.instant + AFTERWARDS + TICKS_PER_SECOND)

    # --- PROGRAM ------------------------------------------------------------------------------------------------------

    async def last_entry(self, endpoint_guid: str) -> ProgramEntry | None:
        """An endpoint's newest entry."""
        message = await self._bus.last_message(keys.PROGRAM_STREAM, self._subject(endpoint_guid))
        return next(iter(decoded(ProgramEntry, [message])), None) if message is not None else None

    async def entries(self, endpoint_guid: str, *, begin: int | None = None) -> list[ProgramEntry]:
        """An endpoint's entries that were appended from ``begin`` on."""
        return decoded(ProgramEntry, await self.program_messages(endpoint_guid, begin=begin))

    async def program_messages(self, endpoint_guid: str, *, begin: int | None = None) -> list[StoredMessage]:
        """The same, as they are stored."""
        return await self._bus.fetch(keys.PROGRAM_STREAM, self._subject(endpoint_guid), start_time=begin)

    async def entries_up_to(self, endpoint_guid: str, media_sequence: int) -> list[ProgramEntry]:
        """An endpoint's entries up to this number, and before it as many as a replay begins with; maybe more.

        Entries are found by time, and a programme that was held for a while has fewer of them than its media lasts: so
        the place is guessed, and the guess doubled until it lies before.
        """
        last = await self.last_entry(endpoint_guid)
        if last is None:
            return []
        warm_up = _warm_up(last)
        wanted = media_sequence - -(-warm_up // last.slot_duration)
        back = (last.media_sequence - media_sequence) * last.slot_duration + 2 * warm_up
        subject = self._subject(endpoint_guid)
        oldest: int | None = None
        while True:
            begin = max(last.as_of.instant - back, 0)
            found = decoded(
                ProgramEntry, await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin, limit=1)
            )
            first = found[0].media_sequence if found else None
            if first is None or first <= max(wanted, 0) or begin == 0 or (first == oldest and back > 4 * warm_up):
                break
            oldest, back = first, 2 * back
        if first is None:
            return []
        limit = min(max(media_sequence - first + 1, 0), ENTRIES_MAX)
        messages = await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin, limit=limit) if limit else []
        return decoded(ProgramEntry, messages)

    async def entries_around(self, endpoint_guid: str, instant: int) -> list[ProgramEntry]:
        """An endpoint's entries about the programme of ``instant``, and before as many as a replay begins with."""
        last = await self.last_entry(endpoint_guid)
        if last is None:
            return []
        begin = instant - 2 * _warm_up(last)
        reach = 3 * _warm_up(last) + ticks.from_seconds(300)
        limit = reach // last.slot_duration + 10
        subject = self._subject(endpoint_guid)
        messages = await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin, limit=limit)
        return decoded(ProgramEntry, messages)

    def _subject(self, endpoint_guid: str) -> str:
        return keys.program_subject(self._shard, endpoint_guid)


def _warm_up(entry: ProgramEntry) -> int:
    """How far before a slot the replay may want to begin, with what comes between: ticks."""
    segment_duration = segment_duration_of(entry) or entry.slot_duration
    return max(WARM_UP_SECONDS * TICKS_PER_SECOND, WARM_UP_SEGMENTS * segment_duration) + 3 * entry.slot_duration


def logged_facts(messages: list[StoredMessage]) -> list[LoggedFact]:
    """ARRIVALS messages as the core takes them; what does not parse is left out, as the core does."""
    found = []
    for message in messages:
        try:
            subject = keys.parse_arrivals_subject(message.subject)
            fact = codec.decode(message.payload)
        except (MalformedKey, MalformedRecord):
            continue
        if isinstance(fact, Fact):
            found.append(LoggedFact(message.sequence, message.instant, subject.input_id, fact))
    return found


def decoded(kind: type[T], messages: list[StoredMessage]) -> list[T]:
    """Those messages that are a ``kind``; of another release, or the mark of a deleted key, are not."""
    found = []
    for message in messages:
        try:
            value = codec.decode(message.payload)
        except MalformedRecord:
            continue
        if isinstance(value, kind):
            found.append(value)
    return found
