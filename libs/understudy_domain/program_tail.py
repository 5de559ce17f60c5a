"""The newest entries of a programme, which stand in no index page yet, as pages in memory.

Small pages, so that an entry that comes makes few others be put into columns again.
"""

from __future__ import annotations

from typing import Final

from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage

TAIL_PAGE_ENTRIES: Final = 64


class ProgramTail:
    """Entries of one endpoint in a row."""

    def __init__(self) -> None:
        self._sealed: list[IndexPage] = []
        self._open: list[ProgramEntry] = []
        self._open_page: IndexPage | None = None
        self.first: int | None = None
        """Media sequence of the oldest entry; None while there is none."""
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
        copied.first, copied.next = self.first, self.next
        copied.decided_at, copied.has_ended = self.decided_at, self.has_ended
        return copied

    def append(self, entry: ProgramEntry) -> bool:
        """Take an entry, known ones too; False where it does not follow, and nothing is changed."""
        if self.next is not None and entry.media_sequence > self.next:
            return False
        if self.next is None:
            self.first = entry.media_sequence
        elif entry.media_sequence < self.next:
            # The end of a programme is its last entry, said again.
            self.has_ended = self.has_ended or (entry.ended and entry.media_sequence == self.next - 1)
            return True
        self._open.append(entry)
        self._open_page = None
        self.next = entry.media_sequence + 1
        self.decided_at = entry.as_of.instant
        self.has_ended = entry.ended
        if len(self._open) >= TAIL_PAGE_ENTRIES:
            self._sealed.append(IndexPage.of(self._open))
            self._open.clear()
        return True

    def clear(self) -> None:
        """Forget all entries."""
        self._sealed.clear()
        self._open.clear()
        self._open_page = self.first = self.next = None
        self.has_ended = False

    def drop_before(self, media_sequence: int) -> None:
        """Forget entries before this one, in whole pages, never the newest."""
        while self._sealed and self._sealed[0].first + len(self._sealed[0]) <= media_sequence:
            if len(self._sealed) == 1 and not self._open:
                return
            gone = self._sealed.pop(0)
            self.first = gone.first + len(gone)

    def pages(self) -> list[IndexPage]:
        """All entries, oldest first."""
        if self._open and self._open_page is None:
            self._open_page = IndexPage.of(self._open)
        return [*self._sealed, self._open_page] if self._open_page is not None else list(self._sealed)
