"""Finding an entry by its number in a log that is ordered by time."""

from __future__ import annotations

from bisect import bisect_left

import pytest

from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.channel_log import NARROW_ENOUGH, begin_of

DAY = 24 * 3600 * TICKS_PER_SECOND
SLOT = 2 * TICKS_PER_SECOND
START = 100 * DAY


class Entries:
    """When each entry was appended, from a first number on; counts how often it is asked."""

    def __init__(self, instants: list[int], *, first: int = 0) -> None:
        self.instants = instants
        self.first = first
        self.asked = 0

    async def first_at(self, instant: int) -> int | None:
        self.asked += 1
        index = bisect_left(self.instants, instant)
        return self.first + index if index < len(self.instants) else None

    async def find(self, wanted: int) -> tuple[int, int | None]:
        """As it is asked for."""
        last = self.first + len(self.instants) - 1
        guess = (last - wanted) * SLOT + 120 * TICKS_PER_SECOND
        return await begin_of(self.first_at, wanted=wanted, now=self.instants[-1], guess=guess)


def regular(count: int, *, hold_before: int | None = None) -> list[int]:
    """One every slot; with a day without any before one of them."""
    return [START + n * SLOT + (DAY if hold_before is not None and n >= hold_before else 0) for n in range(count)]


@pytest.mark.parametrize("wanted", [0, 5, 20_000, 42_999, 43_199])
async def test_in_a_regular_programme_the_first_guess_is_good(wanted: int) -> None:
    entries = Entries(regular(43_200))
    _, first = await entries.find(wanted)
    assert first is not None
    assert wanted - 70 <= first <= wanted
    assert entries.asked <= 2


@pytest.mark.parametrize("wanted", [100, 20_000, 21_500, 21_700, 43_000])
async def test_a_programme_that_was_held_for_a_day_is_found_all_the_same(wanted: int) -> None:
    entries = Entries(regular(43_200, hold_before=21_600))
    begin, first = await entries.find(wanted)
    assert first is not None
    assert wanted - NARROW_ENOUGH <= first <= wanted
    assert await entries.first_at(begin) == first
    assert entries.asked < 40


async def test_what_was_removed_is_not_found_and_not_looked_for_long() -> None:
    entries = Entries(regular(1_000), first=50_000)
    _, first = await entries.find(10)
    assert first == 50_000
    assert entries.asked < 40


async def test_an_empty_log_has_no_first() -> None:
    entries = Entries([START])
    entries.instants = []
    assert await begin_of(entries.first_at, wanted=0, now=START, guess=SLOT) == (0, None)
