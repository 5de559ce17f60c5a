"""When entries are put into index pages, and when pages may go.

A page holds the entries up to the next whole multiple of its size, so that whoever makes it makes the same. Nothing
else depends on the size: it may be changed at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from understudy_domain.channel import OriginEndpoint
from understudy_domain.keys import IndexPageKey
from understudy_domain.retention import Programme
from understudy_domain.ticks import TICKS_PER_SECOND

_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000


def unpaged_from(programme: Programme, pages: Iterable[IndexPageKey]) -> int:
    """The media sequence of the first entry of PROGRAM that is in no page; 0 where that cannot be said.

    Of a programme that was begun anew after a loss, older pages may have the same numbers: they end too early to hold
    any of these entries.
    """
    oldest = programme.runs[0] if programme.runs else None
    if oldest is None or oldest.first_media_sequence is None:
        return 0
    unpaged = oldest.first_media_sequence
    for page in sorted(pages, key=lambda page: page.first):
        if _stands_in(programme, page) and page.first <= unpaged <= page.last:
            unpaged = page.last + 1
    return unpaged


def next_page(programme: Programme, pages: Iterable[IndexPageKey], *, page_entries: int) -> tuple[int, int] | None:
    """The media sequences of the first and the last entry of the page that is to be made; None: none yet."""
    if not programme.runs or programme.runs[0].first_media_sequence is None or programme.next_media_sequence is None:
        return None
    first = unpaged_from(programme, pages)
    last = (first // page_entries + 1) * page_entries - 1
    return (first, last) if last < programme.next_media_sequence else None


def removable_pages(
    endpoint: OriginEndpoint, pages: Iterable[IndexPageKey], programme: Programme, *, now: int, margin: int
) -> list[IndexPageKey]:
    """Those that no startover window reaches any more, nor did within the margin; ``now`` and ``margin`` in ticks.

    Not while some of their entries stand in PROGRAM: the same page would be due again, and made and removed for ever
    where the startover window is shorter than what is kept there.
    """
    since = now - endpoint.startover_window_seconds * TICKS_PER_SECOND - margin
    return [
        page
        for page in pages
        # Windows go by program date time, which may run ahead of when an entry became available.
        if max(page.available_milliseconds, page.end_milliseconds) * _TICKS_PER_MILLISECOND <= since
        and not _stands_in(programme, page)
    ]


def _stands_in(programme: Programme, page: IndexPageKey) -> bool:
    """Whether entries of the page are in PROGRAM too. Equal numbers of a programme before a loss are others."""
    oldest = programme.runs[0] if programme.runs else None
    if oldest is None or oldest.first_media_sequence is None:
        return False
    is_of_these = page.available_milliseconds * _TICKS_PER_MILLISECOND >= oldest.first_available_at
    return is_of_these and page.last >= oldest.first_media_sequence
