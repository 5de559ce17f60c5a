"""What feeds pages: all there is first, then what changes; and nobody is waited for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from understudy_controller.console.feed import RETRY, Pages, event


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
