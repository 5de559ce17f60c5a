"""Time-shifted viewing: which entries a window of the past lists.

Rules.

1. A window goes by program date time. It lists the entries of which any part lies in it, in order of media sequence:
   from the first that goes on beyond ``start`` up to the first after it that begins at ``end`` or later.
2. Without an end a window closes 24 h after its start. So no playlist is longer than that, and none loses a segment.
3. The start must not lie further back from now than the endpoint's startover window. Where it lies in it and the
   content begins later, the playlist begins with what is there. A window in which there is nothing (yet) is out of
   reach too.
4. What is not available is not listed: the time delay holds for windows as it does for the live playlist.
5. While something may still come into it, a window is an EVENT playlist, which grows. It is **complete** once what is
   listed goes up to its end, or once so much time has passed since that no entry can come late, and none of it that is
   known is still to become available: then it is a VOD playlist, for good. It has **ended** as well when the programme
   ended in it; one that goes on takes that back.
6. Which entries stand in pages and which in the log changes nothing of it.

Reading pages is somebody else's affair: the functions that need some are generators, which yield the keys of pages and
are sent the pages (``understudy_runtime.program_history`` drives them).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.errors import UnderstudyError
from understudy_domain.index_page import IndexPage, Lineup
from understudy_domain.keys import IndexPageKey
from understudy_domain.playlist_request import WINDOW_MAX
from understudy_domain.stream_selection import StreamSelection
from understudy_domain.ticks import TICKS_PER_SECOND

_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000
LATE_ENTRIES: Final = ticks.from_seconds(3600)
"""How late an entry may still come: for as long as what a controller reads to decide, ARRIVALS, is kept."""


class OutOfWindow(UnderstudyError):
    """A window that the startover window does not reach, or in which there is nothing; the message says which."""

    code = "out_of_window"
    status = 404


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """What is asked for, program date time, ticks since the epoch."""

    start: int
    end: int | None = None
    """None: whatever comes, for a day."""

    @property
    def until(self) -> int:
        """Where it closes."""
        return self.start + WINDOW_MAX if self.end is None else self.end


class Span(NamedTuple):
    """Some entries of a page in a row."""

    key: IndexPageKey
    begin: int
    """Index of the first in the page."""
    end: int
    """Behind the last."""

    @property
    def first(self) -> int:
        """Media sequence of the first."""
        return self.key.first + self.begin

    @property
    def is_whole(self) -> bool:
        """All of the page."""
        return self.begin == 0 and self.end == self.key.last - self.key.first + 1


@dataclass(frozen=True, slots=True)
class Cut:
    """What a window lists at an instant."""

    spans: tuple[Span, ...]
    """In order, without a hole between them; one at least."""
    is_complete: bool
    """Nothing can come to it any more."""
    has_ended: bool
    """The programme ended in it, so far."""

    @property
    def end(self) -> int:
        """Media sequence behind the last entry."""
        return _end_of(self.spans[-1])


Reading = Generator[IndexPageKey, IndexPage, Cut]


def check_reach(endpoint: OriginEndpoint, window: TimeWindow, *, now: int) -> None:
    """Whether the endpoint's startover window reaches back to where the window begins; ``now`` in ticks.

    Raises:
        OutOfWindow: it does not, or there is none.
    """
    if not endpoint.startover_window_seconds:
        raise OutOfWindow("this origin endpoint has no startover window: its startoverWindowSeconds is 0")
    if window.start < now - endpoint.startover_window_seconds * TICKS_PER_SECOND:
        raise OutOfWindow(
            f"start={ticks.to_iso8601(window.start)} lies further back than the startover window of "
            f"{endpoint.startover_window_seconds} s reaches"
        )


def leaves_reach_at(endpoint: OriginEndpoint, window: TimeWindow) -> int:
    """When a window can no longer be asked for, ticks since the epoch."""
    return window.start + endpoint.startover_window_seconds * TICKS_PER_SECOND


def chained(pages: Iterable[IndexPageKey], *, before: int, begin_milliseconds: int) -> list[Span]:
    """The pages that lead up to an entry without a hole, oldest first, no entry twice.

    Pages may overlap where two controllers began them differently; they say the same. Where a programme was begun anew
    after a loss, older ones may have the same numbers: the one that was decided last counts, and one that ends too
    early to hold an entry of its number is of another programme, and leads nowhere.

    Args:
        pages: all that there are.
        before: the entry's media sequence.
        begin_milliseconds: its program date time, ms since the epoch.
    """
    spans: list[Span] = []
    # Each is looked at once, newest first: one that is passed over leads up to nothing that older ones do not.
    for key in sorted(pages, key=lambda key: (key.decided_milliseconds, key.first), reverse=True):
        is_other = key.last >= before and key.end_milliseconds < begin_milliseconds
        if key.first < before <= key.last + 1 and not is_other:
            spans.append(Span(key, 0, before - key.first))
            before, begin_milliseconds = key.first, key.begin_milliseconds
    return spans[::-1]


def are_joined(spans: Sequence[Span]) -> bool:
    """Whether each goes on where the one before it ends."""
    return all(_end_of(earlier) == later.first for earlier, later in pairwise(spans))


def cut(
    spans: Sequence[Span], window: TimeWindow, *, now: int, time_delay: int, ended: bool, is_current: bool = True
) -> Reading:
    """What a window lists of a programme.

    Args:
        spans: all that is known of the programme, oldest first, up to its newest entry, without a hole.
        window: what is asked for.
        now: ticks since the epoch.
        time_delay: the endpoint's, ticks.
        ended: the programme ended with the newest entry.
        is_current: no newer entry stands that is not known here; where that is not certain, silence tells nothing.

    Raises:
        OutOfWindow: nothing.
    """
    number, begin = yield from _first_of(spans, window)
    listed: list[Span] = []
    is_complete = is_current and now - time_delay >= window.until + LATE_ENTRIES
    for at, span in enumerate(spans[number:], start=number):
        begin = begin if at == number else span.begin
        end, reached = span.end, False
        if span.key.end_milliseconds * _TICKS_PER_MILLISECOND >= window.until or _may_be_unavailable(span, now):
            page = yield span.key
            end, reached = _end_in(page, begin, span.end, window=window, now=now)
            # A time delay that was lowered since does not make older entries available any sooner.
            is_withheld = not reached and end < span.end and page.dates[end] < window.until
            is_complete = reached or (is_complete and not is_withheld)
        if end > begin:
            listed.append(Span(span.key, begin, end))
        if end < span.end or reached:
            break
    if not listed:
        raise OutOfWindow("nothing of the programme lies in this window; maybe nothing yet")
    return Cut(tuple(listed), is_complete, ended and _end_of(listed[-1]) == _end_of(spans[-1]))


def _end_of(span: Span) -> int:
    return span.key.first + span.end


def _first_of(spans: Sequence[Span], window: TimeWindow) -> Generator[IndexPageKey, IndexPage, tuple[int, int]]:
    """Which span the window begins in, and with which entry of its page."""
    for number, span in enumerate(spans):
        if span.key.end_milliseconds * _TICKS_PER_MILLISECOND > window.start:
            page = yield span.key
            for index in range(span.begin, span.end):
                if page.ends[index] > window.start:
                    return number, index
    raise OutOfWindow(f"start={ticks.to_iso8601(window.start)} lies after the live edge")


def _may_be_unavailable(span: Span, now: int) -> bool:
    return span.key.available_milliseconds * _TICKS_PER_MILLISECOND > now


def _end_in(page: IndexPage, begin: int, end: int, *, window: TimeWindow, now: int) -> tuple[int, bool]:
    """Up to which entry of a page the window goes, and whether it closes there."""
    for index in range(begin, end):
        if page.available_at[index] > now:
            return index, index > begin and page.ends[index - 1] >= window.until
        if page.dates[index] >= window.until:
            return index, True
    return end, end > begin and page.ends[end - 1] >= window.until


def newest_lineup(
    spans: Sequence[Span], *, selection: StreamSelection
) -> Generator[IndexPageKey, IndexPage, Lineup | None]:
    """The renditions that are offered of the newest of these entries that has any; None where none does."""
    for span in reversed(spans):
        page = yield span.key
        for index in range(span.end - 1, span.begin - 1, -1):
            lineup = page.lineup(index, selection=selection)
            if lineup.renditions:
                return lineup
    return None
