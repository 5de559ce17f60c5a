"""Live playlists that list everything since the programme began, over real sockets: they grow, end, and begin anew."""

from __future__ import annotations

import asyncio
import gzip
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from support.deadline import eventually
from support.egress_process import LIVE, EgressProcess
from support.hls_reader import read_media_playlist
from support.program_entries import CHANNEL_GUID, make_entry, make_piece, make_video
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import keys, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_runtime import clock
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

SLOT = ticks.from_seconds(2)
BODY = b"G" * 188 * 10
EVENT, VOD, END = b"#EXT-X-PLAYLIST-TYPE:EVENT\n", b"#EXT-X-PLAYLIST-TYPE:VOD\n", b"#EXT-X-ENDLIST\n"


@pytest.fixture
def store(shared_settings: CommonSettings) -> ObjectStore:
    return ObjectStore(shared_settings)


def of_type(shown: Shown, playlist_type: str, *, startover_seconds: int = 3600) -> Shown:
    package = replace(shown.endpoint.hls_package, playlist_type=playlist_type, playlist_window_seconds=20)
    return Shown(replace(shown.endpoint, hls_package=package, startover_window_seconds=startover_seconds))


class Programme:
    """Slots of 2 s, the first ``age`` slots before now, each available when it ends."""

    def __init__(self, shown: Shown, publisher: ProgramPublisher, store: ObjectStore, *, age: int) -> None:
        self._shown, self._publisher, self._store = shown, publisher, store
        self._begin = (clock.now_ticks() // SLOT - age) * SLOT
        self._run = secrets.token_hex(8)
        self.entries: list[ProgramEntry] = []
        self._begins: set[int] = set()

    def decide(self, count: int) -> None:
        """The next slots, so far told to nobody."""
        for number in range(len(self.entries), len(self.entries) + count):
            date = self._begin + number * SLOT
            upload = f"{self._run}{number:08x}"
            key = keys.media_object_key(CHANNEL_GUID, 1, received_milliseconds=date // 90, upload=upload, suffix="ts")
            piece = make_piece(number, duration=SLOT, size=len(BODY), object_key=key)
            renditions = [make_video(piece)]
            entry = make_entry(number, slot_duration=SLOT, renditions=renditions, endpoint=self._shown.endpoint)
            as_of = replace(entry.as_of, instant=date + SLOT)
            self.entries.append(replace(entry, program_date_time=date, available_at=date + SLOT, as_of=as_of))

    async def tell(self, count: int) -> None:
        """Append slots that have become available to the log."""
        self.decide(count)
        for entry in self.entries[-count:]:
            await self._publisher.append(entry, self._shown.endpoint)

    async def end(self) -> None:
        """The programme ends with the newest slot."""
        self._begins.add(len(self.entries))
        await self._publisher.append(replace(self.entries[-1], ended=True), self._shown.endpoint)

    async def store_page(self, begin: int, end: int) -> None:
        """Have slots stand in a page."""
        page = IndexPage.of(self.entries[begin:end], begins=self._begins)
        await self._store.put(page.key.render(), page.encode())


def listed(body: bytes) -> list[int]:
    return [int(line[6:-3]) for line in body.splitlines() if line.startswith(b"r1/v1/")]


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
    show = Programme(shown, publisher, store, age=100)
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
    show = Programme(shown, publisher, store, age=50)
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
    show = Programme(plain, publisher, store, age=50)
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
    show = Programme(shown, publisher, store, age=42)  # its first slot became available 82 s to 84 s ago
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
    await Programme(shown, publisher, store, age=50).tell(40)
    away = shared_settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with EgressProcess(logs, away) as process:
        answer = process.get(shown.media)
        assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
