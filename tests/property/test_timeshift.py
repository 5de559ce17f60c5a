"""Playlists over index pages are, byte for byte, those over the entries themselves."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from support.program_entries import START, make_audio, make_endpoint, make_entry, make_piece, make_video
from support.program_entries import seconds as s
from support.windows import driven, media_playlist, multivariant_playlist
from understudy_domain import ticks
from understudy_domain.availability import duration_of
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import AsOf, CounterShift, EntryRendition, ProgramEntry
from understudy_domain.hls.media_playlist import render_header
from understudy_domain.index_page import IndexPage
from understudy_domain.multivariant import render_multivariant
from understudy_domain.program import render_segment
from understudy_domain.program_tail import ProgramTail, stored_before, with_tail
from understudy_domain.timeshift import LATE_ENTRIES, OutOfWindow, Span, TimeWindow, cut


@dataclass(frozen=True)
class Case:
    endpoint: OriginEndpoint
    entries: list[ProgramEntry]
    paged: list[tuple[int, int]]
    """Which of them stand in pages: from index to index; the log begins at ``log``."""
    log: int
    window: TimeWindow
    now: int
    ended: bool
    time_delay: int
    """As configured now; what entries were held back by may have been another."""

    @property
    def known(self) -> list[ProgramEntry]:
        """What leads up to the newest entry without a hole, wherever it stands."""
        standing = {index for begin, end in self.paged for index in range(begin, end)}
        first = self.log
        while first - 1 in standing:
            first -= 1
        return self.entries[first:]


def renditions_of(number: int, rng: random.Random) -> list[EntryRendition]:
    found = []
    for name in ("v1", "v2"):
        if rng.random() < 0.9:
            count = rng.choice([0, 1, 1, 1, 2])
            made = [
                replace(
                    make_piece(
                        10 * number + at, duration=rng.choice([180_000, 179_999, 540_000]), size=rng.randint(1, 9)
                    ),
                    shifts=rng.choice([None, (CounterShift(256, rng.randint(1, 15)),)]),
                )
                for at in range(count)
            ]
            found.append(replace(make_video(*made, rendition=name), bandwidth=rng.choice([1_000, 2_000])))
    if rng.random() < 0.5:
        found.append(make_audio(make_piece(number)))
    rng.shuffle(found)
    return found


def case_of(seed: int) -> Case:
    """Slots of any length, jumps of dates in both directions, pages of any sizes that overlap, windows anywhere."""
    rng = random.Random(seed)
    first = rng.choice([0, 0, 1, 500])
    count = rng.randint(1, 90)
    date, available = START, START
    held_back = delay = rng.choice([0, 0, s(20), s(600)])
    lowers_at = rng.choice([-1, -1, rng.randint(first, first + count)])
    entries: list[ProgramEntry] = []
    discontinuities = rng.randint(0, 3)
    for number in range(first, first + count):
        duration = rng.choice([s(2), s(2), s(2), s(1.5), 0, s(6)])
        jumps = rng.random() < 0.1
        date += rng.choice([s(-9), s(5), s(3600)]) if jumps else 0
        delay = 0 if number == lowers_at else delay
        available = max(available, date + duration + delay) + rng.choice([0, 0, s(1)])
        available += rng.choice([0] * 60 + [s(2 * 3600)])  # the time delay was raised
        entries.append(
            replace(
                make_entry(number, renditions=renditions_of(number, rng), discontinuity=jumps),
                discontinuity_sequence=discontinuities,
                start=date,
                end=date + duration,
                program_date_time=date,
                available_at=available,
                as_of=AsOf(available - delay, number),
                target_duration_seconds=rng.choice([6, 6, 6, 7]),
                slot_duration=s(2),
            )
        )
        discontinuities += jumps
        date += duration
    log = rng.randint(0, count - 1)
    paged, at = [], rng.choice([0, 0, rng.randint(0, log)])
    while at < log:
        end = min(at + rng.choice([1, 3, 16, 40]), count)
        paged.append((max(0, at - rng.choice([0, 0, 2])), end))
        at = end
    start = START + rng.randint(s(-20), max(date - START, 0) + s(20))
    return Case(
        make_endpoint(date_interval_seconds=rng.choice([0, 1, 10, 3600])),
        entries,
        paged,
        log,
        TimeWindow(start, rng.choice([None, start + rng.randint(1, s(100)), start + rng.randint(1, s(9000))])),
        now=rng.choice(
            [
                start + 2 * LATE_ENTRIES,
                available,
                available,
                START + rng.randint(0, available - START),
                available + 2 * LATE_ENTRIES,
            ]
        ),
        ended=rng.random() < 0.2,
        time_delay=rng.choice([delay, held_back]),
    )


def reference(case: Case, known: list[ProgramEntry], rendition: str) -> bytes | None:
    """The playlist of a window, written down as the rules say it, from entries."""
    until = case.window.until
    listed: list[ProgramEntry] = []
    reached, awaits = False, False
    for entry in known:
        if entry.available_at > case.now:
            awaits = entry.program_date_time < until
            break
        if listed and entry.program_date_time >= until:
            reached = True
            break
        if listed or entry.program_date_time + duration_of(entry) > case.window.start:
            if entry.program_date_time >= until:
                return None
            listed.append(entry)
    if not listed or not any(one.rendition == rendition for entry in listed for one in entry.renditions):
        return None
    last = listed[-1]
    complete = reached or last.program_date_time + duration_of(last) >= until
    complete = complete or (case.now - case.time_delay >= until + LATE_ENTRIES and not awaits)
    ended = case.ended and last is known[-1]
    lines = [render_segment(case.endpoint, entry, rendition) for entry in listed]
    if case.endpoint.hls_package.program_date_time_interval_seconds and "PROGRAM-DATE-TIME" not in lines[0]:
        millisecond = ticks.TICKS_PER_SECOND // 1_000
        date = ticks.to_iso8601(listed[0].program_date_time // millisecond * millisecond)
        tag = f"#EXT-X-PROGRAM-DATE-TIME:{date}\n"
        at = len("#EXT-X-DISCONTINUITY\n") if listed[0].discontinuity else 0
        lines[0] = lines[0][:at] + tag + lines[0][at:]
    head = render_header(
        version=8,
        target_duration=max(entry.target_duration_seconds for entry in listed) * ticks.TICKS_PER_SECOND,
        media_sequence=listed[0].media_sequence,
        discontinuity_sequence=listed[0].discontinuity_sequence,
        playlist_type="VOD" if complete else "EVENT",
    )
    return (head + "".join(lines) + ("#EXT-X-ENDLIST\n" if complete or ended else "")).encode()


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32).map(case_of))
def test_playlists_over_pages_are_those_over_entries(case: Case) -> None:
    stored = [IndexPage.parse(IndexPage.of(case.entries[begin:end]).encode()) for begin, end in case.paged]
    tail = ProgramTail()
    for entry in case.entries[case.log :]:
        tail.append(entry)
    assert tail.first is not None
    spans = with_tail(stored_before(tail, [page.key for page in stored]), tail)
    known = case.known
    assert [entry.media_sequence for entry in known] == [
        number for span in spans for number in range(span.first, span.key.first + span.end)
    ]
    pages = [*stored, *tail.pages()]
    found = None
    try:
        found = driven(cut(spans, case.window, now=case.now, time_delay=case.time_delay, ended=case.ended), pages)
    except OutOfWindow:
        assert reference(case, known, "v1") is None
        return
    for rendition in ("v1", "v2", "a1", "v9"):
        expected = reference(case, known, rendition)
        if expected is not None:
            assert media_playlist(case.endpoint, pages, found, rendition) == expected
    newest = next(
        (entry for span in found.spans[::-1] for entry in known[::-1] if _in(entry, span) and entry.renditions), None
    )
    if newest is not None:
        assert multivariant_playlist(case.endpoint, pages, found) == render_multivariant(case.endpoint, newest).encode()


def _in(entry: ProgramEntry, span: Span) -> bool:
    return span.first <= entry.media_sequence < span.key.first + span.end


def test_most_of_these_cases_list_something() -> None:
    listed = [reference(case, case.entries, "v1") for case in map(case_of, range(300))]
    assert sum(one is not None for one in listed) > 150
    assert sum(one is not None and b"VOD" in one for one in listed) > 25
    assert sum(one is not None and b"EVENT" in one for one in listed) > 30
