"""When entries are put into pages, what the log may forget then, and when pages and their media may go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from support.program_entries import START, make_endpoint, make_entries
from support.program_entries import seconds as s
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.paging import next_page, removable_pages, unpaged_from
from understudy_domain.retention import Programme, removable_before

ENDPOINT = replace(make_endpoint(), startover_window_seconds=3600)
NOW = START + s(7200)


def programme(entries: Iterable[ProgramEntry], *, run_duration: int = 1) -> Programme:
    found = Programme()
    for entry in entries:
        found.add(entry, entry.media_sequence + 1000, run_duration=run_duration)
    return found


def page(first: int, last: int) -> IndexPageKey:
    return IndexPage.of(make_entries(last - first + 1, first=first)).key


def test_a_page_is_made_once_the_log_has_all_of_it() -> None:
    assert next_page(programme(make_entries(15)), [], page_entries=16) is None
    assert next_page(programme(make_entries(16)), [], page_entries=16) == (0, 15)
    assert next_page(programme(make_entries(40)), [page(0, 15)], page_entries=16) == (16, 31)
    assert next_page(programme(make_entries(40)), [page(0, 15), page(16, 31)], page_entries=16) is None
    assert next_page(Programme(), [], page_entries=16) is None


def test_a_page_ends_at_the_same_entry_wherever_the_log_begins() -> None:
    assert next_page(programme(make_entries(60, first=21)), [], page_entries=16) == (21, 31)
    assert next_page(programme(make_entries(60, first=21)), [page(16, 31)], page_entries=16) == (32, 47)


def test_another_size_goes_on_from_the_pages_that_there_are() -> None:
    pages = [page(0, 15), page(16, 31)]
    assert next_page(programme(make_entries(200)), pages, page_entries=100) == (32, 99)
    assert next_page(programme(make_entries(200)), [page(0, 99)], page_entries=16) == (100, 111)


def test_nothing_is_paged_behind_a_hole() -> None:
    assert unpaged_from(programme(make_entries(60)), [page(0, 15), page(32, 47)]) == 16


def test_pages_of_a_programme_that_was_begun_anew_say_nothing_of_the_new_one() -> None:
    later = [replace(entry, available_at=entry.available_at + s(86400)) for entry in make_entries(40)]
    assert unpaged_from(programme(later), [page(0, 15), page(16, 31)]) == 0


def test_what_does_not_parse_is_in_no_page() -> None:
    found = Programme()
    found.add_unreadable(999, run_duration=1)
    for entry in make_entries(40):
        found.add(entry, entry.media_sequence + 1000, run_duration=1)
    assert unpaged_from(found, [page(0, 15)]) == 0
    assert next_page(found, [], page_entries=16) is None
    assert found.removable(ENDPOINT, now=START + s(3500), margin=0, unpaged=16) == 0


def test_the_log_forgets_what_is_paged_and_that_alone_while_the_startover_window_reaches_it() -> None:
    found = programme(make_entries(1000))  # up to 6000 s; the window reaches back to 3600 s, slot 600
    kept = found.runs[found.removable(ENDPOINT, now=NOW, margin=0)].first_media_sequence
    assert kept == 600
    kept = found.runs[found.removable(ENDPOINT, now=NOW, margin=0, unpaged=768)].first_media_sequence
    assert kept == 767, "the next page has to say whether the programme ended with it"
    live = found.removable(make_endpoint(), now=NOW, margin=0)
    assert found.removable(ENDPOINT, now=NOW, margin=0, unpaged=1000) == live < 1000


def test_a_run_that_is_paged_in_part_stays() -> None:
    found = programme(make_entries(1000), run_duration=s(60))
    count = found.removable(ENDPOINT, now=NOW, margin=0, unpaged=768)
    assert found.runs[count].first_media_sequence == 760
    assert found.runs[count].next_media_sequence == 770


def test_what_is_paged_stays_in_the_log_for_the_margin() -> None:
    found = programme(make_entries(1000))
    kept = found.runs[found.removable(ENDPOINT, now=NOW, margin=s(1800), unpaged=1000)].first_media_sequence
    assert kept is not None
    assert kept <= (6000 - 1800) // 6


def test_the_entry_of_a_number_is_looked_for_from_its_run_on() -> None:
    found = programme(make_entries(100, first=50), run_duration=s(60))
    assert found.sequence_before(50) == 1050
    assert found.sequence_before(73) == 1070
    assert found.sequence_before(0) == 0


def test_a_page_goes_when_no_window_reaches_its_last_entry() -> None:
    pages = [page(0, 599), page(600, 899)]  # available up to 3600 s and 5400 s
    assert removable_pages(ENDPOINT, pages, Programme(), now=START + s(7199.99), margin=0) == []
    assert removable_pages(ENDPOINT, pages, Programme(), now=START + s(7200), margin=0) == pages[:1]
    assert removable_pages(ENDPOINT, pages, Programme(), now=START + s(7200), margin=1) == []
    assert removable_pages(make_endpoint(), pages, Programme(), now=START + s(5400), margin=0) == pages


def test_a_page_whose_dates_run_ahead_of_the_clock_stays_until_no_window_reaches_them() -> None:
    ahead = [replace(one, program_date_time=one.program_date_time + s(10)) for one in make_entries(600)]
    pages = [IndexPage.of(ahead).key]
    assert removable_pages(ENDPOINT, pages, Programme(), now=START + s(7209.99), margin=0) == []
    assert removable_pages(ENDPOINT, pages, Programme(), now=START + s(7210), margin=0) == pages


def test_a_page_stays_while_entries_of_it_stand_in_the_log_or_it_would_be_made_and_removed_for_ever() -> None:
    pages = [page(0, 15), page(16, 31)]
    standing = programme(make_entries(20, first=20))
    assert removable_pages(ENDPOINT, pages, standing, now=NOW, margin=0) == pages[:1]
    later = [replace(entry, available_at=entry.available_at + s(86400)) for entry in make_entries(40)]
    assert removable_pages(ENDPOINT, pages, programme(later), now=NOW, margin=0) == pages


def test_what_a_page_names_stays() -> None:
    bound = removable_before([], read_until=NOW, margin=0, pages=[page(16, 31), page(5, 9)])
    assert bound == 5  # in these tests objects were received at their numbers
    nothing = IndexPage.of([replace(one, renditions=()) for one in make_entries(2)]).key
    assert removable_before([], read_until=NOW, margin=0, pages=[nothing]) == NOW // 90
