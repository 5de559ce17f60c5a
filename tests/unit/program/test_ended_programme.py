"""Playlists of a programme that ends, and of one that goes on after all."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from support.program_entries import START, make_endpoint, make_entries, seconds
from understudy_domain.entry import AsOf, ProgramEntry
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_domain.reason import Reason

ENDLIST = b"#EXT-X-ENDLIST\n"


def end_of(entry: ProgramEntry) -> ProgramEntry:
    """The end of a programme with this entry, as the controller tells it: later, and for a reason of its own."""
    return replace(entry, ended=True, reason=Reason.END, step=0, as_of=AsOf(entry.as_of.instant + seconds(27), 99))


def window_of(*entries: ProgramEntry, now: int | None = None) -> ProgramWindow:
    window = ProgramWindow(make_endpoint(), contiguous_tail(entries))
    window.advance(now=entries[-1].available_at if now is None else now)
    return window


def test_an_ended_programme_is_the_same_playlist_with_an_end() -> None:
    entries = make_entries(5)
    window = window_of(*entries)
    live = window.media_playlist("v1")
    multivariant = window.multivariant_playlist()
    assert window.append(end_of(entries[-1]))
    assert window.advance(now=entries[-1].available_at)
    assert window.has_ended
    assert window.media_playlist("v1") == live + ENDLIST
    assert window.multivariant_playlist() == multivariant
    assert len(window.entries) == 5


def test_an_end_is_told_once() -> None:
    entries = make_entries(5)
    window = window_of(*entries, end_of(entries[-1]))
    assert not window.append(end_of(entries[-1]))
    assert not window.append(end_of(entries[-2]))
    assert not window.append(entries[-1])
    assert not window.advance(now=entries[-1].available_at + seconds(100))
    assert window.media_playlist("v1").endswith(ENDLIST)


def test_with_a_delay_it_ends_when_its_last_slot_is_available() -> None:
    entries = make_entries(5)
    window = window_of(*entries, end_of(entries[-1]), now=entries[3].available_at)
    assert not window.has_ended
    assert ENDLIST not in window.media_playlist("v1")
    assert window.next_available_at == entries[4].available_at
    assert window.advance(now=entries[4].available_at)
    assert window.media_playlist("v1").endswith(ENDLIST)


def test_the_next_entry_takes_the_end_back_before_it_is_available() -> None:
    *entries, later = make_entries(6)
    window = window_of(*entries, end_of(entries[-1]))
    live = window.media_playlist("v1").removesuffix(ENDLIST)
    assert window.append(later)
    assert window.advance(now=entries[-1].available_at)
    assert not window.has_ended
    assert window.media_playlist("v1") == live
    assert window.advance(now=later.available_at)
    assert window.media_playlist("v1") == live + b"#EXTINF:6.00000,\nr1/v1/5.ts\n"


def test_a_programme_may_end_again() -> None:
    *entries, later = make_entries(6)
    window = window_of(*entries, end_of(entries[-1]), later)
    assert ENDLIST not in window.media_playlist("v1")
    assert window.append(end_of(later))
    assert window.advance(now=later.available_at)
    assert window.media_playlist("v1").count(ENDLIST) == 1


def test_a_changed_configuration_keeps_the_end() -> None:
    entries = make_entries(5)
    window = window_of(*entries, end_of(entries[-1]))
    again = window_of(*window.entries)
    assert again.media_playlist("v1") == window.media_playlist("v1")


@given(
    st.sets(st.integers(0, 19), max_size=6),
    st.integers(0, 19),
    st.lists(st.integers(0, 19), max_size=4),
    st.integers(0, 130),
)
def test_whoever_knows_the_newest_entries_shows_the_same(
    ended: set[int], first: int, repeated: list[int], now_seconds: int
) -> None:
    """One that followed, one that fetched, and one that knows of a slot by the end of the programme alone."""
    log = [one for entry in make_entries(20) for one in ([entry, end_of(entry)] if entry.slot in ended else [entry])]
    now = START + seconds(now_seconds)
    followed = ProgramWindow(make_endpoint())
    for entry in log:
        followed.append(entry)
        followed.advance(now=min(now, entry.as_of.instant))
    followed.advance(now=now)
    position = next(index for index, entry in enumerate(log) if entry.slot == first)
    fetched = [*log[position:], *(one for one in log[position:] if one.slot in repeated)]
    by_its_end_alone = log[position + 1 :] if log[position].slot in ended else log[position:]
    for known in (fetched, by_its_end_alone):
        other = window_of(*known, now=now)
        if followed.live_edge is not None and other.live_edge is not None and other.is_filled:
            assert other.media_playlist("v1") == followed.media_playlist("v1")
        if other.live_edge is not None:
            assert other.has_ended == (19 in ended and other.live_edge.slot == 19)
