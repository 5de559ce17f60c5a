"""Windows of the past: what is made once, for whom, and what is said of it."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from support.past import Past, slot
from understudy_domain.timeshift import LATE_ENTRIES
from understudy_egress.errors import TooManyWindows
from understudy_egress.pieced import PiecedPlaylist
from understudy_runtime import clock


class Now:
    """The wall clock, as the test sets it."""

    ticks = slot(0)

    def __call__(self) -> int:
        return self.ticks


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    """In place of the clock."""
    told = Now()
    monkeypatch.setattr(clock, "now_ticks", told)
    return told


def body_of(playlist: PiecedPlaylist) -> bytes:
    return b"".join(playlist.identity.parts)


def said_of(playlist: PiecedPlaylist) -> tuple[bool, bytes | None]:
    """Whether it is over, and for how long caches may keep it."""
    return b"#EXT-X-ENDLIST" in body_of(playlist), dict(playlist.identity.headers).get(b"cache-control")


async def held_up(past: Past) -> None:
    """Until the storage is being waited for."""
    async with asyncio.timeout(10):
        await past.storage.asked.wait()


async def turns(count: int) -> None:
    """Of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_window_that_closes_while_it_is_rendered_is_said_to_be_over_to_who_asked_afterwards_alone(
    now: Now,
) -> None:
    past = Past(301, paged=256)
    now.ticks = slot(301)
    await past.playlist(0, 1)  # the first page is here, those between are not
    past.storage.close()
    early = asyncio.create_task(past.playlist(0, 302))
    await held_up(past)
    past.tell([past.entry(301)], now=slot(302))
    now.ticks = slot(303)
    late = asyncio.create_task(past.playlist(0, 302))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    past.storage.opened.set()
    growing, over = await asyncio.gather(early, late)
    assert (said_of(growing), growing.is_live) == ((False, None), True)
    assert body_of(growing).count(b"#EXTINF") == 301
    assert (said_of(over), over.is_live) == ((True, b"public, max-age=86400"), False)
    assert body_of(over).count(b"#EXTINF") == 302


async def test_a_window_is_not_over_for_being_old_while_entries_of_it_may_stand_unread(now: Now) -> None:
    past = Past(300, paged=256)
    now.ticks = slot(400) + LATE_ENTRIES
    past.log.is_current = False
    assert said_of(await past.playlist(200, 400)) == (False, None)
    past.log.is_current = True
    assert said_of(await past.playlist(200, 400))[0]


async def test_windows_that_overlap_share_what_they_have_in_common(now: Now) -> None:
    past = Past(1025, paged=1024)
    now.ticks = slot(1025)
    one, other = await past.playlist(1, 1000), await past.playlist(2, 1001)
    for mine, others in ((one.identity, other.identity), (one.gzip, other.gzip)):
        shared = {id(part) for part in mine.parts} & {id(part) for part in others.parts}
        in_common = sum(len(part) for part in mine.parts if id(part) in shared)
        assert in_common > 0.8 * sum(map(len, mine.parts))
    assert gzip.decompress(b"".join(one.gzip.parts)) == body_of(one)
    assert int(dict(one.gzip.headers)[b"content-length"]) == sum(map(len, one.gzip.parts))


async def test_what_a_window_takes_besides_its_text_is_counted(now: Now) -> None:
    past = Past(1025, paged=1024)
    now.ticks = slot(1025)
    playlist = await past.playlist(0, 1024, name="index.m3u8")
    assert past.startover.playlists.bytes_held > len(body_of(playlist)) + 16 * 200, "it names sixteen pages"


async def test_entity_tags_are_strong_where_bytes_are_the_same_in_every_process(now: Now) -> None:
    now.ticks = slot(301)
    from_log, from_pages = [await Past(301, paged=paged).playlist(10, 290) for paged in (0, 250)]
    assert body_of(from_log) == body_of(from_pages)
    assert from_log.identity.etag == from_pages.identity.etag
    assert from_log.gzip.etag == from_pages.gzip.etag
    assert b"".join(from_log.gzip.parts) != b"".join(from_pages.gzip.parts), "else it could be a strong one"
    assert from_log.gzip.etag.startswith(b'W/"')
    assert not from_log.identity.etag.startswith(b"W/")


async def test_more_windows_than_may_wait_are_refused_and_served_when_the_others_are(now: Now) -> None:
    past = Past(513, paged=512)
    now.ticks = slot(513)
    await past.playlist(0, 1)
    await past.playlist(511, 512)
    past.storage.close()
    asked = [asyncio.create_task(past.playlist(0, 511 + number / 1000)) for number in range(200)]
    await turns(1000)
    refused = [task for task in asked if task.done()]
    assert len(refused) == 200 - 4 - 128
    with pytest.raises(TooManyWindows):
        await refused[0]
    past.storage.opened.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, TooManyWindows) for answer in answers) == len(refused)
    assert sum(isinstance(answer, PiecedPlaylist) for answer in answers) == 4 + 128
    assert (await past.playlist(0, 511.5)).is_live is False


async def test_a_window_that_nobody_waits_for_any_more_is_not_rendered(now: Now) -> None:
    past = Past(513, paged=512)
    now.ticks = slot(513)
    await past.playlist(0, 1)
    await past.playlist(511, 512)
    past.storage.close()
    asked = [asyncio.create_task(past.playlist(0, 511 + number / 1000)) for number in range(100)]
    await turns(1000)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    past.storage.opened.set()
    rendered = len(past.startover.playlists)
    assert (await past.playlist(100, 200)).is_live is False
    assert len(past.startover.playlists) == rendered + 1


async def test_others_come_in_between_the_windows_of_many(now: Now) -> None:
    past = Past(513, paged=512)
    now.ticks = slot(513)
    await past.playlist(0, 513)
    asked = [asyncio.create_task(past.playlist(0, 511 + number / 1000)) for number in range(50)]
    before, most = past.looked_up, 0
    for _ in range(1000):
        await asyncio.sleep(0)
        before, most = past.looked_up, max(most, past.looked_up - before)
    await asyncio.gather(*asked)
    assert past.looked_up >= 50
    assert most <= 2
