"""Live playlists that list everything since the programme began, over real sockets: they grow, end, and begin anew."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from support.deadline import eventually
from support.egress_process import LIVE, EgressProcess
from support.event_programme import BODY, END, EVENT, VOD, EventProgramme, listed, of_type
from support.hls_reader import read_media_playlist
from support.program_publisher import ProgramPublisher, Shown
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


@pytest.fixture
def store(shared_settings: CommonSettings) -> ObjectStore:
    return ObjectStore(shared_settings)


def lists_up_to(egress: EgressProcess, shown: Shown, last: int) -> bytes:
    """The media playlist once its newest segment is this one."""

    def look() -> bytes | None:
        answer = egress.get(shown.media)
        return answer.body if answer.status == 200 and listed(answer.body)[-1:] == [last] else None

    found = eventually(look, within_seconds=10, what=f"segment {last} is listed")
    assert found is not None
    return found


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.playlistType")
async def test_an_event_playlist_grows_from_pages_over_the_log_ends_and_begins_anew(
    egress: EgressProcess,
    publisher: ProgramPublisher,
    store: ObjectStore,
    shown: Shown,
    shared_settings: CommonSettings,
    logs: Path,
) -> None:
    shown = of_type(shown, "EVENT")
    await publisher.configure(shown.endpoint)
    show = EventProgramme(shown, publisher, store, age=100)
    show.decide(32)
    await store.put(show.entries[3].renditions[0].pieces[0].object_key, BODY)
    await show.store_page(0, 16)
    await show.store_page(16, 32)
    for entry in show.entries[30:]:
        await publisher.append(entry, shown.endpoint)
    await show.tell(8)
    first = await asyncio.to_thread(lists_up_to, egress, shown, 39)
    assert listed(first) == list(range(40)), "what stands in pages alone, too"
    assert EVENT in first
    assert END not in first
    read_media_playlist(first.decode(), url="http://e/")
    segment = egress.get(shown.segment(3))
    assert (segment.status, segment.body) == (200, BODY)

    await show.tell(30)
    await show.store_page(32, 48)
    grown = await asyncio.to_thread(lists_up_to, egress, shown, 69)
    assert grown.startswith(first)
    with EgressProcess(logs, shared_settings, name="cold") as cold:
        here, there = egress.get(shown.media), cold.get(shown.media)
        assert (there.body, there.headers) == (here.body, here.headers)
        assert here.headers["cache-control"] == LIVE
        assert here.headers["x-mediapackage-manifest-last-sequence"] == "69"
        packed = [one.get(shown.media, "Accept-Encoding: gzip") for one in (egress, cold)]
        assert packed[0].body == packed[1].body
        assert gzip.decompress(packed[0].body) == here.body
        assert egress.get(shown.media, f"If-None-Match: {here.headers['etag']}").status == 304

        await show.end()
        for one in (egress, cold):
            ended = eventually(lambda one=one: _ended(one, shown), within_seconds=10, what="the end")  # type: ignore[misc]
            assert ended == grown + END
        await show.tell(5)
        for one in (egress, cold):
            anew = await asyncio.to_thread(lists_up_to, one, shown, 74)
            assert listed(anew) == list(range(70, 75))
            assert EVENT in anew
            assert END not in anew
    await show.store_page(48, 64)
    await show.store_page(64, 72)
    with EgressProcess(logs, shared_settings, name="colder") as colder:
        assert colder.get(shown.media).body == egress.get(shown.media).body


def _ended(egress: EgressProcess, shown: Shown) -> bytes | None:
    body = egress.get(shown.media).body
    return body if body.endswith(END) else None


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.playlistType")
async def test_a_vod_endpoint_is_an_event_until_the_programme_ends(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    shown = of_type(shown, "VOD")
    await publisher.configure(shown.endpoint)
    show = EventProgramme(shown, publisher, store, age=50)
    await show.tell(40)
    before = await asyncio.to_thread(lists_up_to, egress, shown, 39)
    assert EVENT in before
    await show.end()
    ended = await asyncio.to_thread(
        eventually, lambda: _ended(egress, shown), within_seconds=10, what="the programme has ended"
    )
    assert ended == before.replace(EVENT, VOD) + END


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.playlistType")
async def test_another_playlist_type_takes_effect_on_a_running_programme(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    event = of_type(shown, "EVENT")
    plain = of_type(shown, "NONE")
    await publisher.configure(plain.endpoint)
    show = EventProgramme(plain, publisher, store, age=50)
    await show.tell(40)
    ordinary = await asyncio.to_thread(lists_up_to, egress, plain, 39)
    assert listed(ordinary) == list(range(30, 40))
    await publisher.configure(event.endpoint)

    def count() -> int:
        return len(listed(egress.get(event.media).body))

    eventually(lambda: count() == 40, within_seconds=10, what="everything is listed")
    await publisher.configure(plain.endpoint)
    eventually(lambda: egress.get(plain.media).body == ordinary, within_seconds=10, what="the window is")


async def test_a_programme_that_the_startover_window_no_longer_reaches_goes_on_as_an_ordinary_playlist(
    egress: EgressProcess,
    publisher: ProgramPublisher,
    store: ObjectStore,
    shown: Shown,
    shared_settings: CommonSettings,
    logs: Path,
) -> None:
    shown = of_type(shown, "EVENT", startover_seconds=90)
    await publisher.configure(shown.endpoint)
    show = EventProgramme(shown, publisher, store, age=42)  # its first slot became available 82 s to 84 s ago
    await show.tell(40)
    assert EVENT in await asyncio.to_thread(lists_up_to, egress, shown, 39)
    # By time alone: nothing is decided meanwhile.
    await asyncio.to_thread(
        eventually, lambda: EVENT not in egress.get(shown.media).body, within_seconds=20, what="the window passed it"
    )
    over = egress.get(shown.media).body
    assert listed(over) == list(range(30, 40))
    with EgressProcess(logs, shared_settings, name="cold") as cold:
        assert cold.get(shown.media).body == over
    await show.end()
    await show.tell(2)
    anew = await asyncio.to_thread(lists_up_to, egress, shown, 41)
    assert listed(anew) == [40, 41]
    assert EVENT in anew


async def test_without_the_storage_an_event_is_not_answered_in_part(
    publisher: ProgramPublisher, store: ObjectStore, shown: Shown, shared_settings: CommonSettings, logs: Path
) -> None:
    shown = of_type(shown, "EVENT")
    await publisher.configure(shown.endpoint)
    await EventProgramme(shown, publisher, store, age=50).tell(40)
    away = shared_settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with EgressProcess(logs, away) as process:
        answer = process.get(shown.media)
        assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
