"""A channel's entries and events as they are read for people: by number, across ends, and counted."""

from __future__ import annotations

from dataclasses import replace

from support.program_entries import make_entry
from understudy_domain import codec, keys
from understudy_domain.entry import AsOf, ProgramEntry
from understudy_domain.event import Event, EventKind
from understudy_domain.facts import ProgramEndOrdered
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds
from understudy_runtime import clock
from understudy_runtime.channel_log import ChannelLog
from understudy_runtime.event_log import Selection, following_events, newest_events
from understudy_runtime.jetstream import Bus

CHANNEL, ENDPOINT, OTHER = "c" * 32, "e" * 32, "d" * 32
SHARDS = 16


async def append(bus: Bus, *entries: ProgramEntry) -> ChannelLog:
    """The endpoint's programme, as of now."""
    for one in entries:
        await bus.publish(
            keys.program_subject(keys.shard_of(CHANNEL, shards=SHARDS), ENDPOINT),
            codec.encode(replace(one, as_of=AsOf(clock.now_ticks(), 1))),
        )
    return ChannelLog(bus, CHANNEL, shards=SHARDS)


def ending(entry: ProgramEntry) -> ProgramEntry:
    """The end of the programme with it."""
    return replace(entry, ended=True, reason=Reason.END)


async def test_the_end_of_a_programme_is_read_with_its_slot_however_often_it_ended_before(bus: Bus) -> None:
    slots = [make_entry(number) for number in range(4)]
    log = await append(
        bus, slots[0], ending(slots[0]), slots[1], ending(slots[1]), slots[2], slots[3], ending(slots[3])
    )
    found = await log.entries_up_to(ENDPOINT, 3)
    assert [(one.media_sequence, one.ended) for one in found][-2:] == [(3, False), (3, True)]
    assert [(one.media_sequence, one.ended) for one in await log.entries_up_to(ENDPOINT, 1)][-1] == (1, True)
    assert [(one.media_sequence, one.ended) for one in await log.entries_up_to(ENDPOINT, 2)][-1] == (2, False)


async def test_there_are_no_entries_up_to_a_number_that_is_none_yet_nor_about_times_beyond_the_log(bus: Bus) -> None:
    log = await append(bus, make_entry(0), make_entry(1))
    for number in (2, 10**18 - 1):
        assert await log.entries_up_to(ENDPOINT, number) == []
    assert [one.media_sequence for one in await log.entries_around(ENDPOINT, from_seconds(-62_135_596_800))] == [0, 1]
    assert await log.entries_around(ENDPOINT, from_seconds(253_402_300_799)) == []


async def test_the_first_slot_is_explained_with_what_came_long_before_it_whatever_its_number(bus: Bus) -> None:
    log = ChannelLog(bus, CHANNEL, shards=SHARDS)
    subject = keys.command_subject(keys.shard_of(CHANNEL, shards=SHARDS), CHANNEL)
    await bus.publish(subject, codec.encode(ProgramEndOrdered()))
    in_a_while = AsOf(clock.now_ticks() + from_seconds(300), 1)
    for number in (0, 1_800_000_000):
        later = replace(make_entry(number), as_of=in_a_while)
        first = replace(later, reason=Reason.START)
        assert len(await log.arrivals_around(first, [first])) == 1
        assert await log.arrivals_around(later, [later]) == []


def event(number: int, *, channel: str = CHANNEL, name: str = "show", words: str = "", ago_seconds: float = 0) -> Event:
    return Event(
        EventKind.REPAIR,
        channel,
        clock.now_ticks() - from_seconds(ago_seconds),
        words or f"number {number}",
        channel_id=name,
        origin_endpoint=ENDPOINT,
        media_sequence=number,
    )


async def tell(bus: Bus, *events: Event) -> None:
    for one in events:
        await bus.publish(keys.event_subject(one.kind, one.channel, ENDPOINT), codec.encode(one))


async def test_only_events_that_were_asked_for_count_as_left_out(bus: Bus) -> None:
    old = [event(number, ago_seconds=3_600) for number in range(3)]  # told late: after a controller's death
    other = [event(number, channel=OTHER, name="other", words="as with show") for number in range(5)]
    await tell(bus, *old, *other, *(event(number) for number in range(4)))
    since = clock.now_ticks() - from_seconds(60)
    for selection in (Selection(guid=CHANNEL), Selection(channel_id="show")):
        found = await newest_events(bus, selection, since=since, limit=3)
        assert ([one.media_sequence for one in found.events], found.left_out) == ([1, 2, 3], 1)
    none = await newest_events(bus, Selection(guid=CHANNEL), since=clock.now_ticks() + from_seconds(60), limit=1)
    assert (none.events, none.left_out) == ((), 0)


async def test_after_events_of_which_none_were_wanted_only_new_ones_follow(bus: Bus) -> None:
    await tell(bus, *(event(number, ago_seconds=60) for number in range(3)))
    shown = await newest_events(bus, Selection(), since=clock.now_ticks() + from_seconds(60), limit=10)
    following = following_events(bus, Selection(), after=shown.last_sequence)
    await tell(bus, event(7))
    assert (await anext(following)).media_sequence == 7
    await following.aclose()
