"""A real controller puts entries into index pages, so that the log may forget them and viewers need not.

Slots last 1 s, pages have 16 of them; without a startover window the log would keep 20 s.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from support.broadcast import metrics
from support.control_process import Controller
from support.deadline import comes_true
from support.egress_process import Answer, EgressProcess
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create
from understudy_domain import keys
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.index_pages import listed_pages
from understudy_runtime.page_store import PageStore
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=45)

BACKLOG = 100
"""Segments that are delivered at once: 50 s, three pages and two entries."""


def paging(settings: CommonSettings, **more: str) -> dict[str, str]:
    return controller_settings(settings, index_page_entries="16", **more)


def set_startover(controller: Controller, endpoint: str, seconds: int) -> None:
    status, answer = controller.json("PUT", f"/origin_endpoints/{endpoint}", {"startoverWindowSeconds": seconds})
    assert status == 200, answer


async def on_the_air(controller: Controller, studio: Studio, startover_seconds: int = 3600) -> tuple[str, str]:
    """A channel with a backlog, and its endpoint: their guids."""
    channel, guids = await asyncio.to_thread(create, controller, "show", "one")
    await asyncio.to_thread(set_startover, controller, "one", startover_seconds)
    t0 = time.time() - BACKLOG * SEGMENT_SECONDS
    await studio.deliver(channel, both_inputs(t0, range(BACKLOG)), t0)
    return channel, guids["one"]


async def log_of(studio: Studio, channel: str, endpoint: str) -> list[int]:
    return [entry.media_sequence for entry in await studio.entries(channel, endpoint)]


async def bounds(studio: Studio, endpoint: str) -> list[tuple[int, int]]:
    return [(page.first, page.last) for page in await listed_pages(studio.object_keys, endpoint)]


async def rolled(studio: Studio, channel: str, endpoint: str) -> bool:
    """Three pages stand, and the log has forgotten what is far enough back."""
    numbers = await log_of(studio, channel, endpoint)
    return bool(numbers) and numbers[0] >= 16 and len(await bounds(studio, endpoint)) == 3


async def page_of(studio: Studio, key: IndexPageKey) -> IndexPage:
    return IndexPage.parse(await studio.storage.get(key.render()))


async def window_of(studio: Studio, egress: EgressProcess, endpoint: str) -> tuple[str, Answer]:
    """The playlist of all that was ever shown of an endpoint, to ten slots before its end."""
    pages = [await page_of(studio, key) for key in await listed_pages(studio.object_keys, endpoint)]
    start, end = pages[0].dates[0] // TICKS_PER_SECOND, pages[-1].dates[-8] // TICKS_PER_SECOND
    url = f"/out/v1/{endpoint}/start/{start}/end/{end}/index_v1.m3u8"
    return url, await asyncio.to_thread(egress.get, url)


def pages_made(controller: Controller) -> int:
    found = re.search(r"^understudy_index_pages_total (\d+)", metrics(controller), re.MULTILINE)
    assert found is not None
    return int(found[1])


async def test_what_the_log_forgets_is_shown_from_pages_with_every_segment(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with (
        Controller(tmp_path, nats_url=settings.nats_url, **paging(settings)) as controller,
        EgressProcess(tmp_path, settings, name="cold") as cold,
    ):
        channel, endpoint = await on_the_air(controller, studio)
        await comes_true(lambda: rolled(studio, channel, endpoint), "pages are made, and the log forgets")
        assert await bounds(studio, endpoint) == [(0, 15), (16, 31), (32, 47)]
        url, answer = await window_of(studio, cold, endpoint)
        assert answer.status == 200, answer
        assert b"#EXT-X-PLAYLIST-TYPE:VOD\n" in answer.body
        listed = [line.decode() for line in answer.body.splitlines() if line.endswith(b".ts")]
        assert len(listed) >= 38
        assert listed[0].endswith("/r1/v1/0.ts")
        for line in listed:
            segment = await asyncio.to_thread(cold.get, f"/out/v1/{endpoint}/" + line.removeprefix("../../../../"))
            assert (segment.status, len(segment.body)) == (200, 2000), line
        stored = set(await studio.objects(channel))
        assert len(stored) == 2 * BACKLOG, "what a page names is kept, and what came after it"
        # The programme goes on, and so do its numbers.
        assert url.startswith("/out/v1/")
        numbers = await log_of(studio, channel, endpoint)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert "understudy_retention_errors_total 0.0" in metrics(controller)


async def test_a_controller_that_dies_anywhere_between_leaves_nothing_out(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    more = paging(settings, retention_interval_seconds="0.05")
    with Controller(tmp_path, nats_url=settings.nats_url, **more) as controller:
        channel, endpoint = await on_the_air(controller, studio, startover_seconds=0)

        async def decided() -> bool:
            return (await log_of(studio, channel, endpoint))[-1:] >= [48]

        await comes_true(decided, "all is decided")
        # With no window the log forgets the oldest: pages begin with what it still has.
        await asyncio.to_thread(set_startover, controller, "one", 3600)
        first = (await log_of(studio, channel, endpoint))[0]
        for delay in (0.0, 0.02, 0.05, 0.1):
            await asyncio.sleep(delay)
            controller.stop(kill=True)
            controller.start()
        await comes_true(lambda: _covered(studio, channel, endpoint, first), "pages and log hold all that there was")


async def test_a_page_that_was_stored_before_a_crash_is_taken_as_it_stands(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **paging(settings, retention_interval_seconds="0")) as silent:
        channel, endpoint = await on_the_air(silent, studio)

        async def decided() -> bool:
            return (await log_of(studio, channel, endpoint))[-1:] >= [48]

        await comes_true(decided, "all is decided")
    entries = {one.media_sequence: one for one in reversed(await studio.entries(channel, endpoint))}
    page = IndexPage.of([entries[number] for number in range(16)])
    await studio.storage.put(page.key.render(), page.encode())
    with Controller(tmp_path, nats_url=settings.nats_url, name="next", **paging(settings)) as controller:
        await comes_true(lambda: rolled(studio, channel, endpoint), "the next one goes on")
        assert pages_made(controller) == 2
    made = [await page_of(studio, key) for key in await listed_pages(studio.object_keys, endpoint)]
    for one in made:
        expected = IndexPage.of([entries[number] for number in range(one.first, one.first + len(one))])
        assert one.encode() == expected.encode()


async def test_pages_say_where_the_programme_began_anew_even_with_their_first_entry(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **paging(settings)) as controller:
        channel, guids = await asyncio.to_thread(create, controller, "show", "one")
        endpoint = guids["one"]
        await asyncio.to_thread(set_startover, controller, "one", 3600)
        t0 = time.time() - 2 * BACKLOG * SEGMENT_SECONDS
        await studio.deliver(channel, both_inputs(t0, range(32)), t0)

        async def paged_once() -> bool:
            return await bounds(studio, endpoint) == [(0, 15)]

        await comes_true(paged_once, "pages are made up to the newest entry")

        async def has_ended() -> bool:
            status, _ = await asyncio.to_thread(controller.json, "POST", "/understudy/v1/channels/show/end")
            return status == 202 and (await studio.entries(channel, endpoint))[-1].ended

        await comes_true(has_ended, "the programme has ended")
        assert (await log_of(studio, channel, endpoint))[-1] == 15
        await studio.deliver(channel, both_inputs(t0, range(40, 160)), t0)

        async def paged_again() -> bool:
            return len(await bounds(studio, endpoint)) >= 2

        await comes_true(paged_again, "the programme goes on, and is put into a page")
        made = [await page_of(studio, key) for key in await listed_pages(studio.object_keys, endpoint)]
        assert [page.beginnings for page in made[:2]] == [(0,), (0,)]


async def test_a_page_that_is_stored_keeps_its_bytes_whoever_writes_it_once_more(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    """A controller that was paused may write a page late; here something else is written in its place, to see it."""
    with Controller(tmp_path, nats_url=settings.nats_url, **paging(settings)) as controller:
        channel, endpoint = await on_the_air(controller, studio)
        await comes_true(lambda: rolled(studio, channel, endpoint), "pages are made")
        before = {
            key: (await page_of(studio, key)).encode() for key in await listed_pages(studio.object_keys, endpoint)
        }
        late = PageStore(settings)
        for key, payload in before.items():
            assert not await late.create(key, payload[::-1]), "what has a key keeps its bytes"
        assert {key: (await page_of(studio, key)).encode() for key in before} == before


async def test_a_shorter_window_a_deleted_endpoint_and_a_longer_window_do_what_they_say(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with (
        Controller(tmp_path, nats_url=settings.nats_url, **paging(settings)) as controller,
        EgressProcess(tmp_path, settings) as egress,
    ):
        channel, endpoint = await on_the_air(controller, studio)
        await comes_true(lambda: rolled(studio, channel, endpoint), "pages are made")
        url, answer = await window_of(studio, egress, endpoint)
        assert answer.status == 200
        await asyncio.to_thread(set_startover, controller, "one", 1)
        await comes_true(lambda: _answers(egress, url, 404), "the window is out of reach")

        async def some_are_gone() -> bool:
            """What stands in PROGRAM stays in its page as well, and the programme does not go on."""
            pages, numbers = await bounds(studio, endpoint), await log_of(studio, channel, endpoint)
            return len(await studio.objects(channel)) < 2 * BACKLOG and pages[0][0] > 0 and pages[0][1] >= numbers[0]

        await comes_true(some_are_gone, "pages and their media are gone")
        assert await studio.missing(channel, endpoint) == []
        await asyncio.to_thread(set_startover, controller, "one", 3600)
        await comes_true(
            lambda: _answers(egress, last_minutes(endpoint), 200), "what still stands can be asked for again"
        )
        status, _ = await asyncio.to_thread(controller.json, "DELETE", "/origin_endpoints/one")
        assert status in (200, 202)
        await comes_true(lambda: _nothing_left(studio, endpoint), "nothing is left of the endpoint")


def last_minutes(endpoint: str) -> str:
    """The playlist of the last minutes."""
    return f"/out/v1/{endpoint}/start/{int(time.time()) - 600}/index_v1.m3u8"


async def _answers(egress: EgressProcess, url: str, status: int) -> bool:
    return (await asyncio.to_thread(egress.get, url)).status == status


async def _nothing_left(studio: Studio, endpoint: str) -> bool:
    subjects = await studio.bus.subjects(keys.PROGRAM_STREAM, f"program.*.{endpoint}")
    return not subjects and not await studio.object_keys.first(keys.index_pages_prefix(endpoint))


async def _covered(studio: Studio, channel: str, endpoint: str, first: int) -> bool:
    pages = await bounds(studio, endpoint)
    numbers = await log_of(studio, channel, endpoint)
    held = {number for begin, end in pages for number in range(begin, end + 1)} | set(numbers)
    assert held >= set(range(first, 48))
    return len(pages) >= 2 and numbers[0] > pages[0][0]
