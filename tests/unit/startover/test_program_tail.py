"""What is kept of a programme's newest entries, and what of the pages leads up to them."""

from __future__ import annotations

from dataclasses import replace

from support.program_entries import make_entry
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.program_tail import ProgramTail, stored_before, with_tail


def tail_of(entries: list[ProgramEntry]) -> ProgramTail:
    tail = ProgramTail()
    assert all(tail.append(entry) for entry in entries)
    return tail


def test_a_copy_knows_where_the_programme_began_anew() -> None:
    copied = tail_of([make_entry(7), replace(make_entry(8), ended=True), make_entry(9)]).copy()
    copied.append(make_entry(10))
    assert [page.beginnings for page in copied.pages()] == [(2,)]


def test_a_page_tells_of_the_first_entry_that_was_read_after_a_copy_too() -> None:
    entries = [make_entry(number) for number in range(12)]
    page = IndexPage.of(entries[:9], begins={8})
    tail = tail_of(entries[8:]).copy()
    stored = stored_before(tail, [page.key])
    assert [(span.begin, span.end) for span in stored] == [(0, 9)]
    assert [(span.first, span.key.first + span.end) for span in with_tail(stored, tail)] == [(0, 9), (9, 12)]


def test_a_page_of_a_programme_that_was_over_before_tells_nothing_of_an_entry_with_the_same_number() -> None:
    older = IndexPage.of([make_entry(number) for number in range(9)]).key
    day = 86_400 * 90_000
    entry = make_entry(8)
    newer = replace(entry, program_date_time=entry.program_date_time + day, available_at=entry.available_at + day)
    assert stored_before(tail_of([newer]), [older]) == []
