"""Which pages lead up to what stands in the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from understudy_domain.keys import IndexPageKey
from understudy_domain.timeshift import Span
from understudy_domain.timeshift import chained as chained_up_to


def key(first: int, last: int, *, begin: int | None = None) -> IndexPageKey:
    begin = 2000 * first if begin is None else begin
    end = begin + 2000 * (last - first + 1)
    return IndexPageKey("e" * 32, first, last, begin, end, end + 1, end + 2, 0)


def chained(pages: Sequence[IndexPageKey], *, before: int, begin: int | None = None) -> list[Span]:
    return chained_up_to(pages, before=before, begin_milliseconds=2000 * before if begin is None else begin)


def covered(spans: list[Span]) -> list[int]:
    return [number for span in spans for number in range(span.first, span.key.first + span.end)]


def test_pages_that_follow_each_other_are_chained_up_to_the_log() -> None:
    pages = [key(0, 9), key(10, 19), key(20, 29)]
    assert covered(chained(pages, before=30)) == list(range(30))
    assert covered(chained(pages[::-1], before=30)) == list(range(30))
    assert all(span.is_whole for span in chained(pages, before=30))


def test_what_stands_in_the_log_too_is_not_taken_twice() -> None:
    assert covered(chained([key(0, 9), key(10, 19)], before=15)) == list(range(15))


def test_nothing_behind_a_hole_is_reached() -> None:
    assert covered(chained([key(0, 9), key(20, 29)], before=30)) == list(range(20, 30))
    assert chained([key(0, 9)], before=30) == []
    assert chained([], before=30) == []
    assert chained([key(0, 9)], before=0) == []


def test_pages_that_overlap_give_each_entry_once() -> None:
    pages = [key(100, 127), key(104, 127), key(128, 159), key(128, 191), key(160, 175)]
    assert covered(chained(pages, before=176)) == list(range(100, 176))


def test_of_a_programme_that_was_begun_anew_the_newer_pages_count() -> None:
    old = [key(0, 9), key(10, 19), key(20, 29)]
    new = [key(0, 9, begin=900_000), key(10, 14, begin=910_000)]
    spans = chained([*old, *new], before=15)
    assert [span.key for span in spans] == new


class CountedKey(IndexPageKey):
    """One that counts how often anything of any of them is looked at."""

    looks: ClassVar[int] = 0

    @override
    def __getattribute__(self, name: str) -> object:
        CountedKey.looks += 1
        return super().__getattribute__(name)


def test_a_page_of_another_programme_that_ends_before_an_entry_of_its_number_leads_nowhere() -> None:
    old = [key(0, 9), key(10, 19)]
    assert chained(old, before=15, begin=900_000) == []


def test_dates_that_were_set_back_do_not_hide_what_came_before() -> None:
    pages = [key(0, 3, begin=90_000), key(4, 5, begin=80_000), key(6, 7, begin=85_000)]
    later = [replace(one, decided_milliseconds=200_000 + one.last) for one in pages]
    assert covered(chained(later, before=8, begin=87_000)) == list(range(8))


def looks_at(count: int) -> int:
    pages = [CountedKey("e" * 32, *(10 * n, 10 * n + 9, 20 * n, 1, 2, 3, 0)) for n in range(count)]
    CountedKey.looks = 0
    assert len(chained(pages, before=10 * count)) == count
    return CountedKey.looks


def test_twice_as_many_pages_are_twice_the_work() -> None:
    assert looks_at(2000) < 2.5 * looks_at(1000)
