"""Index pages: entries in columns, there and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.program_entries import (
    CHANNEL_GUID,
    ENDPOINT_GUID,
    START,
    make_audio,
    make_entries,
    make_entry,
    make_piece,
    make_video,
)
from support.program_entries import seconds as s
from understudy_domain import keys
from understudy_domain.entry import CounterShift, ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.index_page import IndexPage
from understudy_domain.program_tail import TAIL_PAGE_ENTRIES, ProgramTail

SHIFTS = (CounterShift(256, 3), CounterShift(257, 12))


def mixed() -> list[ProgramEntry]:
    """Slots of two pieces and of none, with shifts, a rendition that comes late, and a discontinuity."""
    entries = []
    for number in range(20, 30):
        pieces = [replace(make_piece(2 * number + half, size=100 + number), shifts=SHIFTS) for half in range(2)]
        video = make_video(*([] if number == 24 else pieces), audio_group="audio")
        renditions = [video, make_audio(make_piece(number, size=7))] if number >= 22 else [video]
        entries.append(make_entry(number, renditions=renditions, discontinuity=number == 25))
    return entries


def test_a_page_is_read_as_it_was_written() -> None:
    page = IndexPage.of(mixed())
    found = IndexPage.parse(page.encode())
    assert found.listing == page.listing
    assert found.media == page.media
    assert found.key == page.key
    assert found.encode() == page.encode()
    assert (found.first, len(found)) == (20, 10)


def test_the_same_entries_are_the_same_bytes() -> None:
    assert IndexPage.of(mixed()).encode() == IndexPage.of(mixed()).encode()


def test_a_page_says_what_a_segment_is_made_of() -> None:
    entries = mixed()
    page = IndexPage.parse(IndexPage.of(entries).encode())
    for entry in entries:
        for rendition in ("v1", "a1", "v2"):
            made = next((one for one in entry.renditions if one.rendition == rendition), None)
            found = page.segment(entry.media_sequence, rendition, rendering_version=1)
            if made is None or not made.pieces:
                assert found is None
            else:
                assert found is not None
                assert found.size == made.size
                assert [(one.object_key, one.size, one.duration, one.shifts) for one in found.pieces] == [
                    (one.object_key, one.size, one.duration, one.shifts) for one in made.pieces
                ]
            assert page.segment(entry.media_sequence, rendition, rendering_version=2) is None


def test_its_key_tells_what_has_to_be_known_without_reading_it() -> None:
    key = IndexPage.of(make_entries(10, first=1000)).key
    assert key.render() == (
        f"index/{ENDPOINT_GUID}/0000000000001000-1009-1800006000000-1800006060000-1800006060000-1800006054000-1000.page"
    )
    assert keys.parse_index_page_key(key.render()) == key
    nothing = [replace(one, renditions=()) for one in make_entries(2)]
    assert IndexPage.of(nothing).key.received_milliseconds == keys.NEVER_RECEIVED


@pytest.mark.parametrize("key", ["index/x", f"index/{ENDPOINT_GUID}/1.page", f"media/{CHANNEL_GUID}/1/1.ts"])
def test_another_key_is_no_page(key: str) -> None:
    with pytest.raises(MalformedKey):
        keys.parse_index_page_key(key)


def test_pages_sort_by_media_sequence() -> None:
    found = [IndexPage.of(make_entries(1, first=number)).key.render() for number in (9, 10, 99, 100, 12345)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    "change", [lambda _: b"", lambda one: one[:20], lambda one: b"x" + one, lambda one: one[:8] + b"y" + one[9:]]
)
def test_what_is_no_page_is_not_half_used(change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedRecord):
        IndexPage.parse(change(IndexPage.of(make_entries(3)).encode()))


def test_columns_that_do_not_fit_are_refused() -> None:
    listing = IndexPage.of(make_entries(3)).listing
    for wrong in (
        replace(listing, durations=(1,)),
        replace(listing, lineup=(0, 0, 5)),
        replace(listing, lineups=((3,),)),
        replace(listing, dates=()),
        replace(listing, renditions=(replace(listing.renditions[0], lengths=(1,)),)),
    ):
        with pytest.raises(MalformedRecord):
            IndexPage(wrong, b"")


def test_media_that_do_not_fit_are_refused() -> None:
    page = IndexPage.of(make_entries(3))
    column = page.media.renditions[0]
    for wrong in (replace(column, counts=(1, 1)), replace(column, keys=()), replace(column, shifts=(9, 9, 9))):
        broken = IndexPage(page.listing, replace(page.media, renditions=(wrong,)))
        with pytest.raises(MalformedRecord):
            broken.segment(2, "v1", rendering_version=1)


def test_an_object_that_is_not_among_the_channels_media_is_in_no_page() -> None:
    stray = make_entry(0, renditions=[make_video(make_piece(0, object_key="elsewhere/1.ts"))])
    with pytest.raises(MalformedRecord, match="not among the media"):
        IndexPage.of([stray])


def test_the_tail_takes_each_entry_once_and_in_order() -> None:
    tail = ProgramTail()
    entries = make_entries(3 * TAIL_PAGE_ENTRIES + 5, first=7)
    for entry in [*entries, *entries[-3:], entries[0]]:
        assert tail.append(entry)
    assert not tail.append(make_entry(1000))
    pages = tail.pages()
    assert [len(page) for page in pages] == [TAIL_PAGE_ENTRIES] * 3 + [5]
    assert (tail.first, tail.next) == (7, 7 + len(entries))
    tail.drop_before(7 + TAIL_PAGE_ENTRIES + 1)
    assert (tail.first, len(tail.pages())) == (7 + TAIL_PAGE_ENTRIES, 3)
    tail.drop_before(10**6)
    assert [len(page) for page in tail.pages()] == [5]


def test_the_tail_knows_the_end_of_the_programme_until_it_goes_on() -> None:
    tail = ProgramTail()
    one, two, three = make_entries(3)
    for entry, ended in (
        (one, False),
        (two, False),
        (replace(one, ended=True), False),
        (replace(two, ended=True), True),
        (three, False),
        (replace(three, ended=True), True),
    ):
        tail.append(entry)
        assert tail.has_ended is ended


def test_the_tail_never_forgets_its_newest_entry() -> None:
    tail = ProgramTail()
    for entry in make_entries(TAIL_PAGE_ENTRIES):
        tail.append(entry)
    tail.drop_before(10**6)
    assert tail.next == TAIL_PAGE_ENTRIES
    assert tail.pages()[0].available_at[-1] == START + s(6 * TAIL_PAGE_ENTRIES)
