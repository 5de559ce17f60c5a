"""Publishing and single reads, against a real nats-server."""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest

from support.nats_server import NatsServer
from understudy_domain import keys, ticks
from understudy_runtime import clock, connection
from understudy_runtime.errors import BusRefused, BusUnavailable, WrongLastSequence
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.settings import CommonSettings

SUBJECT = keys.arrivals_subject(0, "0" * 32, 1)


async def test_a_published_message_is_stored_once_it_is_acknowledged(bus: Bus) -> None:
    before = clock.now_ticks()
    sequence = await bus.publish(SUBJECT, b"one")
    message = await bus.last_message(keys.ARRIVALS_STREAM, SUBJECT)
    assert message is not None
    assert (message.subject, message.sequence, message.payload) == (SUBJECT, sequence, b"one")
    assert before <= message.instant <= clock.now_ticks()
    assert await bus.last_sequence(keys.ARRIVALS_STREAM) == sequence


async def test_a_subject_without_messages_has_no_last_one(bus: Bus) -> None:
    assert await bus.last_message(keys.PROGRAM_STREAM, keys.program_subject(0, "1" * 32)) is None


async def test_every_way_of_reading_gives_a_message_the_same_instant(bus: Bus) -> None:
    await bus.publish(SUBJECT, b"one", headers={"Some": "header"})
    last = await bus.last_message(keys.ARRIVALS_STREAM, SUBJECT)
    assert last is not None
    assert last.headers == {"Some": "header"}
    assert await bus.fetch(keys.ARRIVALS_STREAM, SUBJECT) == [last]


async def test_a_message_id_stores_a_message_once(bus: Bus) -> None:
    first = await bus.publish(SUBJECT, b"one", message_id="a")
    assert await bus.publish(SUBJECT, b"one", message_id="a") == first
    assert await bus.publish(SUBJECT, b"two", message_id="b") == first + 1


async def test_a_message_id_stores_a_message_once_across_a_crash_of_the_server(
    bus: Bus, nats_server: NatsServer
) -> None:
    first = await bus.publish(SUBJECT, b"one", message_id="a")
    nats_server.restart()
    assert await bus.publish(SUBJECT, b"one", message_id="a") == first


async def test_an_unexpected_last_sequence_is_told_apart(bus: Bus) -> None:
    subject = keys.program_subject(0, "1" * 32)
    first = await bus.publish(subject, b"one", expected_last_subject_sequence=0)
    with pytest.raises(WrongLastSequence):
        await bus.publish(subject, b"two", expected_last_subject_sequence=0)
    assert await bus.publish(subject, b"two", expected_last_subject_sequence=first) == first + 1


async def test_many_messages_in_flight_are_all_stored(bus: Bus) -> None:
    sequences = await asyncio.gather(*(bus.publish(SUBJECT, b"%d" % number) for number in range(500)))
    assert sorted(sequences) == list(range(1, 501))


async def test_what_no_stream_takes_is_not_acknowledged(nats_server: NatsServer) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=0.3), name="test")
    with pytest.raises(BusUnavailable):
        await bus.publish("nobody.listens", b"")
    await bus.close()


async def test_a_message_that_is_too_large_is_refused(bus: Bus) -> None:
    with pytest.raises(BusRefused):
        await bus.publish(SUBJECT, bytes(2_000_000))


async def test_publishing_gives_up_in_time_while_the_server_is_silent(nats_server: NatsServer) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url), name="test")
    hasty = await connect(CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=0.3), name="hasty")
    patient = await connect(CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=60), name="patient")
    await bus.ensure_streams()
    nats_server.pause()
    try:
        waiting = asyncio.create_task(patient.publish(SUBJECT, b"", message_id="a"))
        async with asyncio.timeout(50):
            with pytest.raises(BusUnavailable):
                await hasty.publish(SUBJECT, b"", message_id="a")
        assert not waiting.done(), "each waits for as long as it was told to"
    finally:
        nats_server.resume()
    assert await waiting == 1
    for one in (bus, hasty, patient):
        await one.close()


async def test_publishing_gives_up_in_time_while_the_server_is_away_and_works_again_after(
    nats_server: NatsServer,
) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=0.3), name="test")
    await bus.ensure_streams()
    seen: list[bool] = []
    bus.on_connection(seen.append)
    nats_server.kill()
    with pytest.raises(BusUnavailable):
        await bus.publish(SUBJECT, b"lost", message_id="lost")
    nats_server.start()
    sequence = await _publish_until_stored(bus, b"kept")
    assert (await bus.fetch(keys.ARRIVALS_STREAM, SUBJECT))[-1].sequence == sequence
    assert seen == [False, True]
    await bus.close()


async def _publish_until_stored(bus: Bus, payload: bytes) -> int:
    while True:
        try:
            return await bus.publish(SUBJECT, payload)
        except BusUnavailable:
            await asyncio.sleep(0.05)


def _open_writers() -> list[asyncio.StreamWriter]:
    """Connections of this process that nobody has closed."""
    return [one for one in gc.get_objects() if isinstance(one, asyncio.StreamWriter) and not one.is_closing()]


async def test_connecting_waits_for_the_server(nats_server: NatsServer) -> None:
    nats_server.kill()
    connecting = asyncio.create_task(connect(CommonSettings(nats_url=nats_server.url), name="test"))
    await asyncio.sleep(0.4)
    assert not connecting.done()
    nats_server.start()
    bus = await asyncio.wait_for(connecting, 30)
    assert bus.is_connected
    await bus.close()


async def test_a_connection_that_the_client_gave_up_is_opened_again(bus: Bus) -> None:
    await bus.nc.close()
    assert not bus.is_connected
    assert await bus.publish(SUBJECT, b"one") == 1


async def test_a_server_that_hangs_is_connected_to_anew_when_it_goes_on(
    nats_settings: CommonSettings, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(connection, "_PING_TIMEOUT_SECONDS", 0.2)
    bus = await connect(nats_settings, name="test")
    await bus.ensure_streams()
    changes: list[bool] = []
    lost = asyncio.Event()
    bus.on_connection(changes.append)
    bus.on_connection(lambda _: lost.set())
    before = bus.nc
    async with contextlib.aclosing(bus.messages(keys.ARRIVALS_STREAM, SUBJECT)) as messages:
        await bus.publish(SUBJECT, b"one")
        assert (await anext(messages)).payload == b"one"
        nats_server.pause()
        try:
            await asyncio.wait_for(lost.wait(), 30)
        finally:
            nats_server.resume()
        await _publish_until_stored(bus, b"two")
        assert (await asyncio.wait_for(anext(messages), 30)).payload == b"two"
    assert changes == [False, True]
    assert bus.nc is not before
    await bus.close()


async def test_while_a_server_takes_connections_and_says_nothing_each_try_ends_the_one_before(
    nats_settings: CommonSettings, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CONNECT_TIMEOUT_SECONDS", 0.1)
    bus = await connect(nats_settings, name="test")
    nats_server.pause()
    try:
        await bus.nc.force_reconnect()
        async with asyncio.timeout(30):
            while bus.nc._server_pool[0].reconnects < 3:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.05)
        assert len(_open_writers()) <= 1
    finally:
        nats_server.resume()
    await bus.close()


async def test_a_connection_that_is_given_up_while_it_is_made_is_closed(nats_server: NatsServer) -> None:
    nats_server.pause()
    connecting = asyncio.create_task(connect(CommonSettings(nats_url=nats_server.url), name="test"))
    try:
        async with asyncio.timeout(30):
            while not (writers := _open_writers()):  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.02)
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
        assert all(one.is_closing() for one in writers)
    finally:
        nats_server.resume()


async def test_a_connection_closes_whatever_moment_its_keeper_is_at(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def close_after(steps: int) -> None:
        kept = connection.Connection(CommonSettings(nats_url=nats_server.url), name="test", on_change=lambda _: None)
        await kept.open()
        asked = asyncio.Event()
        flush = kept.client.flush

        async def answered_at_once(timeout: int) -> None:  # noqa: ASYNC109  # the library's own
            await flush(timeout)
            asked.set()
            await asyncio.wait_for(asyncio.sleep(0), timeout)  # as the library waits, and over in a known moment

        monkeypatch.setattr(kept.client, "flush", answered_at_once)
        kept._look.set()
        await asked.wait()
        for _ in range(steps):
            await asyncio.sleep(0)
        await kept.close()

    async with asyncio.timeout(30):
        await asyncio.gather(*(close_after(steps) for steps in range(8)))


async def test_several_processes_may_create_the_streams_at_once(nats_server: NatsServer) -> None:
    buses = [await connect(CommonSettings(nats_url=nats_server.url), name=f"test {n}") for n in range(3)]
    await asyncio.gather(*(bus.ensure_streams() for bus in buses))
    info = await buses[0].js.stream_info(keys.ARRIVALS_STREAM)
    assert info.config.max_age == 3600
    assert info.config.duplicate_window == 120
    for bus in buses:
        await bus.close()


async def test_a_stream_of_other_settings_is_brought_up_to_date(nats_server: NatsServer) -> None:
    bus = await connect(CommonSettings(nats_url=nats_server.url), name="test")
    await bus.js.add_stream(name=keys.ARRIVALS_STREAM, subjects=[keys.ARRIVALS_SUBJECTS], max_age=60)
    await bus.ensure_streams()
    assert (await bus.js.stream_info(keys.ARRIVALS_STREAM)).config.max_age == 3600
    await bus.close()


async def test_instants_are_log_time_in_ticks(bus: Bus) -> None:
    await bus.publish(SUBJECT, b"one")
    [message] = await bus.fetch(keys.ARRIVALS_STREAM, SUBJECT)
    assert abs(message.instant - clock.now_ticks()) < ticks.from_seconds(5)


async def test_a_subject_is_purged_up_to_a_sequence_and_the_others_stay(bus: Bus) -> None:
    other = keys.arrivals_subject(0, "1" * 32, 1)
    sequences = [await bus.publish(subject, b"one") for subject in (SUBJECT, SUBJECT, other, SUBJECT)]
    assert await bus.purge(keys.ARRIVALS_STREAM, SUBJECT, before_sequence=sequences[3]) == 2
    assert [one.sequence for one in await bus.fetch(keys.ARRIVALS_STREAM, "arrivals.>")] == sequences[2:]
    assert await bus.subjects(keys.ARRIVALS_STREAM, "arrivals.0.>") == {SUBJECT: 1, other: 1}
    assert await bus.purge(keys.ARRIVALS_STREAM, keys.channel_arrivals_filter(0, "0" * 32)) == 1
    assert await bus.subjects(keys.ARRIVALS_STREAM, "arrivals.0.>") == {other: 1}
    assert await bus.subjects(keys.ARRIVALS_STREAM, "arrivals.1.>") == {}
    assert await bus.publish(SUBJECT, b"two") == sequences[3] + 1
