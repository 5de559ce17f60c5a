"""The newest entries of a programme, which stand in no index page yet, as pages in memory.

Small pages, so that an entry that comes makes few others be put into columns again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Span, chained

TAIL_PAGE_ENTRIES: Final = 64
_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000


class ProgramTail:
    """Entries of one endpoint in a row."""

    def __init__(self) -> None:
        self._sealed: list[IndexPage] = []
        self._open: list[ProgramEntry] = []
        self._begins: set[int] = set()  # media sequences of open entries before which the programme had ended
        self._open_page: IndexPage | None = None
        self.first: int | None = None
        """Media sequence of the oldest entry; None while there is none."""
        self.first_decided_at: int | None = None
        """As of when that was decided, ticks since the epoch; None where what came before it was known once."""
        self.next: int | None = None
        """Media sequence of the entry that has to follow."""
        self.decided_at = 0
        """As of when the newest was decided, ticks since the epoch."""
        self.has_ended = False
        """The programme ended with the newest."""

    def copy(self) -> ProgramTail:
        """One that goes its own way from here on."""
        copied = ProgramTail()
        copied._sealed, copied._open, copied._open_page = list(self._sealed), list(self._open), self._open_page
        copied._begins = set(self._begins)
        copied.first, copied.first_decided_at, copied.next = self.first, self.first_decided_at, self.next
        copied.decided_at, copied.has_ended = self.decided_at, self.has_ended
        return copied

    def append(self, entry: ProgramEntry) -> bool:
        """Take an entry, known ones too; False where it does not follow, and nothing is changed."""
        if self.next is not None and entry.media_sequence > self.next:
            return False
        if self.next is None:
            self.first, self.first_decided_at = entry.media_sequence, entry.as_of.instant
        elif entry.media_sequence < self.next:
            # The end of a programme is its last entry, said again.
            self.has_ended = self.has_ended or (entry.ended and entry.media_sequence == self.next - 1)
            return True
        self._open.append(entry)
        self._open_page = None
        if self.has_ended:
            self._begins.add(entry.media_sequence)
        self.next = entry.media_sequence + 1
        self.decided_at = entry.as_of.instant
        self.has_ended = entry.ended
        if len(self._open) >= TAIL_PAGE_ENTRIES:
            self._sealed.append(IndexPage.of(self._open, begins=self._begins))
            self._open.clear()
            self._begins.clear()
        return True

    def clear(self) -> None:
        """Forget all entries."""
        self._sealed.clear()
        self._open.clear()
        self._begins.clear()
        self._open_page = self.first = self.first_decided_at = self.next = None
        self.has_ended = False

    def drop_before(self, media_sequence: int) -> None:
        """Forget entries before this one, in whole pages, never the newest."""
        while self._sealed and self._sealed[0].first + len(self._sealed[0]) <= media_sequence:
            if len(self._sealed) == 1 and not self._open:
                return
            gone = self._sealed.pop(0)
            self.first, self.first_decided_at = gone.first + len(gone), None

    def pages(self) -> list[IndexPage]:
        """All entries, oldest first."""
        if self._open and self._open_page is None:
            self._open_page = IndexPage.of(self._open, begins=self._begins)
        return [*self._sealed, self._open_page] if self._open_page is not None else list(self._sealed)


def stored_before(tail: ProgramTail, pages: Iterable[IndexPageKey]) -> list[Span]:
    """What of these stored pages leads up to a tail.

    The tail's first entry included, where one of them has it: whether the programme began with it is told there, and by
    the entry before it in the log, which may not have been read. A page that was decided before that entry is of a
    programme that was begun anew since, with the same numbers.
    """
    if tail.first is None:
        return []
    pages = list(pages)
    number, decided = tail.first, tail.first_decided_at
    begin_milliseconds = tail.pages()[0].key.begin_milliseconds
    is_stored = decided is not None and any(
        page.first <= number <= page.last
        and page.decided_milliseconds >= decided // _TICKS_PER_MILLISECOND
        and page.end_milliseconds >= begin_milliseconds
        for page in pages
    )
    return chained(pages, before=number + is_stored, begin_milliseconds=begin_milliseconds)


def with_tail(stored: Sequence[Span], tail: ProgramTail) -> list[Span]:
    """These spans, as ``stored_before`` gave them, and those of the tail behind them."""
    until = stored[-1].key.first + stored[-1].end if stored else 0
    behind = (Span(page.key, max(0, until - page.first), len(page)) for page in tail.pages())
    return [*stored, *(span for span in behind if span.begin < span.end)]
