"""One channel's part of the two logs, read as the decision core has them: for explanations, which touch nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from understudy_domain import codec, keys, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.facts import Fact
from understudy_domain.reason import Reason
from understudy_domain.replay import WARM_UP_SECONDS, WARM_UP_SEGMENTS, LoggedFact, begins_at, segment_duration_of
from understudy_domain.slot_replay import AFTERWARDS
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

NARROW_ENOUGH: Final = 200
"""So many entries may be read that nobody asked for, before it is worth another question where to begin."""
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
        subjects = [*self._subjects(), keys.clock_subject(self._shard)]
        return await self._bus.reader(keys.ARRIVALS_STREAM, subjects, start_time=begin).read_present(until=end)

    async def arrivals_after(self, sequence: int, *, limit: int) -> list[LoggedFact]:
        """The channel's messages after ``sequence``, without ticks; the first ``limit`` of them."""
        reader = self._bus.reader(keys.ARRIVALS_STREAM, self._subjects(), start_sequence=sequence + 1)
        return logged_facts(await reader.read_present(limit=limit))

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
        if first.reason is Reason.START:
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

    async def program_messages(
        self, endpoint_guid: str, *, begin: int | None = None, end: int | None = None
    ) -> list[StoredMessage]:
        """The same, as they are stored; none that was appended after ``end`` (instants)."""
        reader = self._bus.reader(keys.PROGRAM_STREAM, self._subject(endpoint_guid), start_time=begin)
        return await reader.read_present(until=end)

    async def entries_up_to(self, endpoint_guid: str, media_sequence: int) -> list[ProgramEntry]:
        """An endpoint's entries up to this number, and before it as many as a replay begins with; maybe more."""
        last = await self.last_entry(endpoint_guid)
        if last is None or media_sequence > last.media_sequence:
            return []
        subject, warm_up = self._subject(endpoint_guid), _warm_up(last)

        async def first_at(instant: int) -> int | None:
            found = await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=instant, limit=1)
            return next((one.media_sequence for one in decoded(ProgramEntry, found)), None)

        begin, first = await begin_of(
            first_at,
            wanted=max(media_sequence - -(-warm_up // last.slot_duration), 0),
            now=last.as_of.instant,
            guess=(last.media_sequence - media_sequence) * last.slot_duration + 2 * warm_up,
        )
        limit = 0 if first is None else media_sequence - first + 1
        if limit <= 0:
            return []
        while True:
            # One more than there are slots: the programme may have ended with the last.
            messages = await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin, limit=limit + 1)
            entries = decoded(ProgramEntry, messages)
            if not entries or len(messages) <= limit or _reaches(entries[-1], media_sequence):
                return [one for one in entries if one.media_sequence <= media_sequence]
            # Each end of the programme on the way is a message, and no slot.
            limit += max(media_sequence - entries[-1].media_sequence, 1)

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

    def _subjects(self) -> list[str]:
        """What ARRIVALS holds of the channel."""
        inputs = (keys.arrivals_subject(self._shard, self._guid, input_id) for input_id in keys.INPUTS)
        return [*inputs, keys.command_subject(self._shard, self._guid)]

    def _subject(self, endpoint_guid: str) -> str:
        return keys.program_subject(self._shard, endpoint_guid)


async def begin_of(
    first_at: Callable[[int], Awaitable[int | None]], *, wanted: int, now: int, guess: int
) -> tuple[int, int | None]:
    """An instant from which on an endpoint's entries begin shortly before a number, and the number they begin with.

    Entries are found by the time they were appended, and a programme that was held for a while has fewer of them than
    that time would take: so the place is guessed, the guess doubled until it lies before, and then narrowed.

    Args:
        first_at: the number of the first entry appended at or after an instant; None without any.
        wanted: the number to begin with at the latest.
        now: when the newest entry was made; instants are ticks since the epoch.
        guess: how long before that it may be, ticks.

    Returns:
        The instant, and the number there: a later one than wanted where the log does not go back so far, None if empty.
    """
    late, early = now, max(now - guess, 0)
    first = await first_at(early)
    while early > 0 and (first is None or first > wanted):
        late, early = early, max(now - 2 * (now - early), 0)
        first = await first_at(early)
    while first is not None and wanted - first > NARROW_ENOUGH and late - early > TICKS_PER_SECOND:
        middle = (early + late) // 2
        there = await first_at(middle)
        if there is not None and there <= wanted:
            early, first = middle, there
        else:
            late = middle
    return early, first


def _reaches(entry: ProgramEntry, media_sequence: int) -> bool:
    """Nothing of this number comes after the entry: not the end of the programme either."""
    return entry.media_sequence > media_sequence or (entry.media_sequence == media_sequence and entry.ended)


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
