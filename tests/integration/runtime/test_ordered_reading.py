"""Reading a log in order, each message once, whatever happens to the connection and to the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from support.nats_server import NatsServer
from understudy_domain import keys
from understudy_runtime.errors import BusUnavailable, LogTruncated
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.messages import StoredMessage
from understudy_runtime.ordered import OrderedReader
from understudy_runtime.settings import CommonSettings

STREAM = keys.ARRIVALS_STREAM
SUBJECT = keys.arrivals_subject(0, "0" * 32, 1)
OTHER = keys.arrivals_subject(1, "1" * 32, 2)


async def take(messages: AsyncIterator[StoredMessage], count: int) -> list[StoredMessage]:
    """The next ``count`` messages."""
    async with asyncio.timeout(20):
        return [await anext(messages) for _ in range(count)]


async def fill(bus: Bus, count: int, *, subject: str = SUBJECT, first: int = 0) -> None:
    """Numbered messages, in order."""
    for number in range(first, first + count):
        await bus.publish(subject, b"%d" % number)


def numbers(messages: list[StoredMessage]) -> list[int]:
    return [int(message.payload) for message in messages]


async def test_a_log_is_read_from_its_beginning_and_followed(bus: Bus) -> None:
    await fill(bus, 10)
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        assert numbers(await take(messages, 10)) == list(range(10))
        await fill(bus, 5, first=10)
        found = await take(messages, 5)
    assert [message.sequence for message in found] == [11, 12, 13, 14, 15]
    assert found[-1].pending == 0


async def test_only_the_subjects_asked_for_are_read(bus: Bus) -> None:
    await fill(bus, 3)
    await fill(bus, 3, subject=OTHER)
    await fill(bus, 1, subject=keys.clock_subject(2))
    async with contextlib.aclosing(bus.messages(STREAM, [keys.arrivals_filter(0), keys.arrivals_filter(1)])) as both:
        assert [message.subject for message in await take(both, 6)] == [SUBJECT] * 3 + [OTHER] * 3
    async with contextlib.aclosing(bus.messages(STREAM, keys.arrivals_filter(2))) as one:
        assert [message.sequence for message in await take(one, 1)] == [7]


async def test_a_log_is_read_from_a_sequence_on(bus: Bus) -> None:
    await fill(bus, 10)
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT, start_sequence=8)) as messages:
        assert numbers(await take(messages, 3)) == [7, 8, 9]


async def test_a_log_is_read_from_an_instant_on(bus: Bus) -> None:
    await fill(bus, 10)
    present = await bus.fetch(STREAM, SUBJECT)
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT, start_time=present[6].instant)) as messages:
        assert (await take(messages, 1))[0].sequence in (6, 7)


async def test_nothing_is_skipped_or_repeated_when_the_server_is_killed_again_and_again(
    bus: Bus, nats_server: NatsServer
) -> None:
    stop = asyncio.Event()
    stored: list[int] = []

    async def write() -> None:
        number = 0
        while not stop.is_set():
            try:
                stored.append(await bus.publish(SUBJECT, b"%d" % number, message_id=str(number)))
                number += 1
            except BusUnavailable:
                await asyncio.sleep(0.02)

    writer = asyncio.create_task(write())
    found: list[StoredMessage] = []
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        for _ in range(3):
            found += await take(messages, 200)
            await asyncio.to_thread(nats_server.restart)
        found += await take(messages, 200)
        stop.set()
        await writer
        found += await take(messages, len(stored) - len(found))
    assert numbers(found) == list(range(len(stored)))
    assert [message.sequence for message in found] == stored


async def test_nothing_is_skipped_or_repeated_when_the_connection_breaks_under_a_burst(bus: Bus) -> None:
    for _ in range(200):
        await asyncio.gather(*(bus.publish(SUBJECT, bytes(200)) for _ in range(100)))
    sequences: list[int] = []
    async with asyncio.timeout(60), contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        async for message in messages:
            sequences.append(message.sequence)
            if message.sequence in (1_000, 7_777, 15_000):
                await bus.nc.force_reconnect()
            if message.sequence == 20_000:
                break
    assert sequences == list(range(1, 20_001))


async def test_a_slow_reader_holds_few_messages_and_misses_none(bus: Bus) -> None:
    payload = bytes(100_000)
    await asyncio.gather(*(bus.publish(SUBJECT, payload) for _ in range(600)))
    reader = bus.reader(STREAM, SUBJECT)
    most = 0
    async with asyncio.timeout(60), contextlib.aclosing(reader.messages()) as messages:
        first = await anext(messages)
        await asyncio.sleep(1)
        most = len(reader._queue)
        rest = [message.sequence for message in await take(messages, 599)]
    assert [first.sequence, *rest] == list(range(1, 601))
    assert most * len(payload) < 40_000_000


async def test_a_consumer_that_is_removed_behind_the_readers_back_is_made_again(bus: Bus) -> None:
    reader = bus.reader(STREAM, SUBJECT)
    async with contextlib.aclosing(reader.messages()) as messages:
        await fill(bus, 1)
        await take(messages, 1)
        assert reader._consumer is not None
        await bus.js.delete_consumer(STREAM, reader._consumer)
        await fill(bus, 3, first=1)
        assert numbers(await take(messages, 3)) == [1, 2, 3]


async def test_a_reader_waits_for_a_stream_that_is_not_there_yet(nats_server: NatsServer) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url), name="test")
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        waiting = asyncio.create_task(take(messages, 1))
        await asyncio.sleep(0.4)
        await bus.ensure_streams()
        await fill(bus, 1)
        assert numbers(await waiting) == [0]
    await bus.close()


async def test_a_log_that_lost_its_end_is_reported(bus: Bus) -> None:
    await fill(bus, 5)
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        await take(messages, 5)
        await bus.js.delete_stream(STREAM)
        await bus.ensure_streams()
        await fill(bus, 2)
        with pytest.raises(LogTruncated):
            await take(messages, 1)


async def test_fetching_gives_what_is_there_and_no_more(bus: Bus) -> None:
    await fill(bus, 10)
    await fill(bus, 5, subject=OTHER)
    assert numbers(await bus.fetch(STREAM, SUBJECT)) == list(range(10))
    assert numbers(await bus.fetch(STREAM, SUBJECT, first_sequence=9)) == [8, 9]
    assert numbers(await bus.fetch(STREAM, SUBJECT, limit=3)) == [0, 1, 2]
    assert await bus.fetch(STREAM, SUBJECT, first_sequence=11) == []
    assert await bus.fetch(STREAM, keys.clock_subject(3)) == []


async def test_fetching_ends_when_what_was_pending_is_removed_meanwhile(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(bus, 10)
    make_consumer = OrderedReader._make_consumer

    async def make_one_that_is_behind(reader: OrderedReader) -> None:
        await make_consumer(reader)
        reader.pending_at_open += 1

    monkeypatch.setattr(OrderedReader, "_make_consumer", make_one_that_is_behind)
    async with asyncio.timeout(20):
        assert await bus.fetch(STREAM, SUBJECT, first_sequence=11) == []


async def test_readers_leave_no_consumer_behind(bus: Bus) -> None:
    await fill(bus, 2)
    for _ in range(5):
        await bus.fetch(STREAM, SUBJECT)
    async with contextlib.aclosing(bus.messages(STREAM, SUBJECT)) as messages:
        await take(messages, 2)
    async with asyncio.timeout(20):
        while await bus.js.consumers_info(STREAM):  # noqa: ASYNC110  # a poll with a deadline
            await asyncio.sleep(0.01)


async def test_a_reader_is_current_only_while_all_that_stands_has_been_given(bus: Bus, nats_server: NatsServer) -> None:
    await fill(bus, 3)
    reader = bus.reader(STREAM, SUBJECT)
    assert not reader.is_current, "it has read nothing"
    async with contextlib.aclosing(reader.messages()) as messages:
        await take(messages, 3)
        assert reader.is_current
        nats_server.pause()
        async with asyncio.timeout(20):
            waiting = asyncio.create_task(anext(messages))
            while reader.is_current:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.05)
        nats_server.resume()
        await fill(bus, 1, first=3)
        async with asyncio.timeout(20):
            assert int((await waiting).payload) == 3
        assert reader.is_current


async def test_after_a_connection_was_lost_a_reader_is_current_again_once_it_has_read_what_it_missed(
    bus: Bus, nats_server: NatsServer
) -> None:
    await fill(bus, 3)
    reader = bus.reader(STREAM, SUBJECT)
    async with contextlib.aclosing(reader.messages()) as messages:
        await take(messages, 3)
        assert reader.is_current
        await fill(bus, 3, first=3)  # which it is not asked for yet
        nats_server.kill()
        nats_server.start()
        while not bus.is_connected:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.05)
        assert not reader.is_current, "connected, and it has not read on"
        assert numbers(await take(messages, 2)) == [3, 4]
        assert not reader.is_current
        assert numbers(await take(messages, 1)) == [5]
        assert reader.is_current
