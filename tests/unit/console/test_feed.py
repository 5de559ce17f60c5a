"""What feeds pages: all there is first, then what changes; and nobody is waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import ExitStack

import pytest

from understudy_controller.console import feed
from understudy_controller.console.feed import AGAIN, RETRY, STILL_HERE, Pages, event
from understudy_controller.console.places import PAGES_MAX, PAGES_OF_ONE_MAX, Places, TooManyPages


async def read(page: AsyncGenerator[bytes, None], count: int) -> list[bytes]:
    return [await anext(page) for _ in range(count)]


def test_an_event_is_one_line_whatever_is_in_it() -> None:
    sent = event("more", {"words": "a\nb\r\n\n: c", "umlaut": "ä"})
    name, data, *rest = sent.decode().split("\n")
    assert (name, rest) == ("event: more", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {"words": "a\nb\r\n\n: c", "umlaut": "ä"}


async def test_every_page_gets_what_is_sent_after_it_was_opened() -> None:
    pages = Pages()
    one, other = pages.page(b"all 1"), pages.page(b"all 2")
    assert await read(one, 1) == [RETRY + b"all 1"]
    pages.send(b"first")
    assert await read(other, 1) == [RETRY + b"all 2"]
    pages.send(b"second")
    assert await read(one, 2) == [b"first", b"second"]
    assert await read(other, 1) == [b"second"]
    assert len(pages) == 2
    await one.aclose()
    assert len(pages) == 1
    await other.aclose()


async def test_a_page_that_does_not_read_is_left_and_keeps_no_memory() -> None:
    pages = Pages()
    page = pages.page(b"all")
    await anext(page)
    for _ in range(1_000):
        pages.send(b"x" * 1_000)
    assert len(pages) == 0
    assert [message async for message in page] == []


async def test_pages_end_when_the_process_does_and_new_ones_at_once() -> None:
    pages = Pages()
    page = pages.page(b"all")
    await anext(page)
    pages.close()
    assert [message async for message in page] == []
    assert [message async for message in pages.page(b"all")] == []
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_page_that_is_told_nothing_is_told_that_somebody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an event, which scripts hear of, and not as a comment: a connection can be lost without being closed."""
    monkeypatch.setattr(feed, "KEEP_ALIVE_SECONDS", 0.001)
    page = Pages().page(b"all")
    assert (await read(page, 2))[1] == STILL_HERE
    assert STILL_HERE.startswith(b"event: ")
    await page.aclose()


async def test_a_page_that_was_fed_for_long_is_asked_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_LASTS_SECONDS", 0.0)
    assert [message async for message in Pages().page(b"all")] == [RETRY + b"all", AGAIN]


def test_one_viewer_does_not_take_all_places() -> None:
    places = Places()
    with ExitStack() as stack:
        for _ in range(PAGES_OF_ONE_MAX):
            places.check("one")
            stack.enter_context(places.taken("one"))
        with pytest.raises(TooManyPages, match="one has 100 pages"):
            places.check("one")
        places.check("other")
    places.check("one")


def test_there_are_so_many_places_and_no_more() -> None:
    places = Places()
    with ExitStack() as stack:
        for number in range(PAGES_MAX):
            stack.enter_context(places.taken(f"viewer {number}"))
        with pytest.raises(TooManyPages, match="ask another controller"):
            places.check("one more")
    places.check("one more")
