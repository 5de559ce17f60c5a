"""An origin endpoint that lists everything: its playlists only grow, and are the same wherever its entries stand."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from support.program_entries import START, make_audio, make_endpoint, make_entry, make_piece, make_video
from support.program_entries import seconds as s
from support.windows import driven
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.event_listing import EventListing, since_beginning, slots_of
from understudy_domain.hls.media_playlist import ENDLIST, render_header
from understudy_domain.index_page import IndexPage
from understudy_domain.playlist_request import WINDOW_MAX
from understudy_domain.program import render_segment
from understudy_domain.program_tail import ProgramTail, stored_before, with_tail
from understudy_egress.event_playlists import EventPlaylists
from understudy_egress.prepared import Text, text_digest

TAGS = (b"#EXT-X-PLAYLIST-TYPE:EVENT\n", b"#EXT-X-PLAYLIST-TYPE:VOD\n")


@dataclass(frozen=True)
class Case:
    endpoint: OriginEndpoint
    entries: list[ProgramEntry]
    """Those with which the programme ended say so."""
    page_entries: int
    looks: list[int]
    """Instants, ascending."""


def renditions_of(number: int, rng: random.Random) -> list[EntryRendition]:
    found = [make_video(*(make_piece(number, duration=rng.choice([s(2), s(2.02)])) for _ in range(rng.randint(0, 2))))]
    if rng.random() < 0.7:
        found.append(make_audio(*([make_piece(number)] if rng.random() < 0.9 else [])))
    return found


def case_of(seed: int) -> Case:
    """Programmes that end and begin anew, over more than a day where slots are long."""
    rng = random.Random(seed)
    length = rng.choice([s(2), s(2), s(900)])
    reach = rng.choice([60, 400, 3 * 86_400])
    entries: list[ProgramEntry] = []
    at = START
    for number in range(rng.randint(1, 200)):
        jumps = bool(entries) and (entries[-1].ended or rng.random() < 0.03)
        at += rng.choice([s(1), s(30)]) if jumps else 0
        entries.append(
            replace(
                make_entry(number, renditions=renditions_of(number, rng), discontinuity=jumps),
                discontinuity_sequence=sum(entry.discontinuity for entry in entries),
                start=at,
                end=at + length,
                program_date_time=at,
                available_at=at + length,
                target_duration_seconds=rng.choice([3, 3, 3, 4]),
                slot_duration=length,
                ended=rng.random() < 0.02,
            )
        )
        at += length
    looks = sorted(rng.randint(START, at + rng.choice([0, s(500)])) for _ in range(6))
    endpoint = make_endpoint(date_interval_seconds=rng.choice([0, 1, 60]))
    package = replace(endpoint.hls_package, playlist_type=rng.choice(["EVENT", "VOD"]))
    return Case(
        replace(endpoint, startover_window_seconds=reach, hls_package=package),
        entries,
        rng.choice([1, 7, 16, 64]),
        looks,
    )


def expected(case: Case, now: int, rendition: str) -> bytes | None:
    """As the rules say it; None: an ordinary playlist, or none."""
    listed: list[ProgramEntry] = []
    for entry in (one for one in case.entries if one.available_at <= now):
        if listed and listed[-1].ended:
            listed.clear()
        listed.append(entry)
    reach = s(case.endpoint.startover_window_seconds)
    if (
        not listed
        or now - listed[0].available_at > reach
        or listed[-1].available_at - listed[0].available_at > WINDOW_MAX
        or not any(one.rendition == rendition for entry in listed for one in entry.renditions)
    ):
        return None
    ended = listed[-1].ended
    head = render_header(
        version=8,
        target_duration=s(max(entry.target_duration_seconds for entry in listed)),
        media_sequence=listed[0].media_sequence,
        discontinuity_sequence=listed[0].discontinuity_sequence,
        playlist_type=case.endpoint.hls_package.playlist_type if ended else "EVENT",
    )
    lines = [render_segment(case.endpoint, entry, rendition) for entry in listed]
    dated = replace(
        case.endpoint, hls_package=replace(case.endpoint.hls_package, program_date_time_interval_seconds=86_400)
    )
    if case.endpoint.hls_package.program_date_time_interval_seconds and "PROGRAM-DATE-TIME" not in lines[0]:
        # The first is always dated; every jump is, so that tells what the date looks like.
        tagged = render_segment(dated, replace(listed[0], discontinuity=True), rendition)
        lines[0] = tagged.removeprefix("#EXT-X-DISCONTINUITY\n")
    return (head + "".join(lines) + (ENDLIST if ended else "")).encode()


def in_pages(case: Case, now: int, log: int) -> EventListing:
    """What a process lists that begins at an instant: entries before ``log`` stand in pages alone."""
    decided = [one for one in case.entries if one.available_at <= now + s(10)]
    begins = {one.media_sequence + 1 for one in case.entries if one.ended}
    log = min(log, max(len(decided) - 1, 0)) // case.page_entries * case.page_entries
    stored = [
        IndexPage.parse(IndexPage.of(decided[at : at + case.page_entries], begins=begins).encode())
        for at in range(0, log, case.page_entries)
    ]
    tail = ProgramTail()
    for entry in decided[max(log - 1, 0) :]:
        tail.append(replace(entry, ended=False))
        if entry.ended:
            tail.append(entry)
    tail.drop_before(log)
    if tail.first is None:
        return EventListing(case.endpoint)
    pages = [*stored, *tail.pages()]
    spans = with_tail(stored_before(tail, [page.key for page in stored]), tail)
    found = EventListing(case.endpoint)
    known = driven(since_beginning(spans, now=now, reach=s(case.endpoint.startover_window_seconds)), pages)
    if known is None:
        found.give_up(None)
        return found
    if known:
        found.begin()
    by_key = {page.key: page for page in pages}
    for span in known:
        for slot in slots_of(by_key[span.key], span, case.endpoint.hls_package.stream_selection):
            found.append(slot)
    return found


def shown(playlists: EventPlaylists, rendition: str) -> Text | None:
    is_listed = not playlists.listing.is_over and rendition in playlists.listing.renditions
    return playlists.text(rendition) if is_listed else None


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32).map(case_of))
def test_who_followed_and_who_comes_late_show_all_that_is_available_since_the_beginning(case: Case) -> None:
    followed = EventPlaylists(case.endpoint, EventListing(case.endpoint))
    before: dict[str, bytes] = {}
    for number, now in enumerate(case.looks):
        available = [entry for entry in case.entries if entry.available_at <= now]
        followed.follow(available, now=now)
        late = EventPlaylists(case.endpoint, in_pages(case, now, log=number * len(case.entries) // 5))
        late.follow(available[-3:], now=now)
        for rendition in ("v1", "a1", "v9"):
            text, again = shown(followed, rendition), shown(late, rendition)
            assert text == again
            assert (None if text is None else text.plain) == expected(case, now, rendition)
            if text is not None:
                assert gzip.decompress(text.gzip) == text.plain
                assert text.digest == text_digest(text.plain)
                only_grows(before.get(rendition), text.plain)
                before[rendition] = text.plain
            else:
                before.pop(rendition, None)


def only_grows(before: bytes | None, after: bytes) -> None:
    """Nothing of a playlist is taken back, unless it had ended and the programme began anew."""
    if before is None:
        return
    if before.endswith(ENDLIST.encode()):
        assert after == before or sequence_of(after) > sequence_of(before)
        return
    if sequence_of(after) == sequence_of(before):
        segments = before.partition(TAGS[0])[2]
        assert segments
        assert after.partition(TAGS[0])[2].startswith(segments) or after.partition(TAGS[1])[2].startswith(segments)


def sequence_of(text: bytes) -> int:
    return int(text.partition(b"#EXT-X-MEDIA-SEQUENCE:")[2].partition(b"\n")[0])


def test_most_of_these_cases_list_something() -> None:
    found = [expected(case, now, "v1") for case in map(case_of, range(100)) for now in case.looks]
    assert sum(one is not None for one in found) > 150
    assert sum(one is None for one in found) > 50
    assert sum(one is not None and TAGS[1] in one for one in found) > 5
    assert sum(one is not None and sequence_of(one) > 0 for one in found) > 30
