"""Windows of the past over pages in memory, without anything that reads them from anywhere."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.multivariant import render_multivariant
from understudy_domain.timeshift import Cut, Span, TimeWindow, cut, newest_lineup
from understudy_domain.timeshift_playlist import render_block, render_window

T = TypeVar("T")


def pages_of(entries: Sequence[ProgramEntry], *, size: int) -> list[IndexPage]:
    """The entries in pages of so many, each written and read."""
    return [IndexPage.parse(IndexPage.of(entries[at : at + size]).encode()) for at in range(0, len(entries), size)]


def driven(reading: Generator[IndexPageKey, IndexPage, T], pages: Sequence[IndexPage]) -> T:
    """What comes of a reading of these pages."""
    by_key = {page.key: page for page in pages}
    try:
        key = next(reading)
        while True:
            key = reading.send(by_key[key])
    except StopIteration as done:
        result: T = done.value
        return result


def window_of(
    pages: Sequence[IndexPage], window: TimeWindow, *, now: int, time_delay: int = 0, ended: bool = False
) -> Cut:
    """What a window lists of these pages."""
    spans = [Span(page.key, 0, len(page)) for page in pages]
    return driven(cut(spans, window, now=now, time_delay=time_delay, ended=ended), pages)


def media_playlist(
    endpoint: OriginEndpoint, pages: Sequence[IndexPage], found: Cut, rendition: str, *, prefix: str = ""
) -> bytes:
    """The media playlist of a window."""
    by_key = {page.key: page for page in pages}
    blocks = [
        render_block(endpoint, by_key[span.key], span, rendition, prefix=prefix, is_first=span is found.spans[0])
        for span in found.spans
    ]
    return b"".join(render_window(found, blocks))


def multivariant_playlist(
    endpoint: OriginEndpoint, pages: Sequence[IndexPage], found: Cut, *, child_query: str = ""
) -> bytes:
    """The multivariant playlist of a window."""
    lineup = driven(newest_lineup(found.spans, selection=endpoint.hls_package.stream_selection), pages)
    assert lineup is not None
    return render_multivariant(endpoint, lineup, child_query=child_query).encode()
