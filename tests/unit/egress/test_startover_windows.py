"""Windows of the past: what is made once, for whom, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest

from support.past import Past, slot
from understudy_domain.timeshift import LATE_ENTRIES
from understudy_egress.prepared import Prepared
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


def body_of(playlist: Prepared) -> bytes:
    return bytes(playlist.identity.body)


def said_of(playlist: Prepared) -> tuple[bool, bytes | None]:
    """Whether it is over, and for how long caches may keep it."""
    return b"#EXT-X-ENDLIST" in body_of(playlist), dict(playlist.identity.headers).get(b"cache-control")


async def held_up(past: Past) -> None:
    """Until the storage is being waited for."""
    async with asyncio.timeout(10):
        await past.storage.asked.wait()


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
