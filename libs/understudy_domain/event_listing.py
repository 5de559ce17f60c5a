"""What an origin endpoint with ``playlistType`` ``EVENT`` or ``VOD`` lists: everything since the programme began.

Rules.

1. A programme begins with media sequence 0, and again with the first entry after one with which it ended.
2. Listed is every available entry from the beginning on. Nothing leaves, and what is listed does not change: RFC 8216,
   6.2.1. The listing ends (EXT-X-ENDLIST) where the programme ended with its newest entry. The next programme's first
   available entry begins another listing.
3. A listing is **over** once the newest entry became available more than 24 h after the first, or once the first lies
   further back from now than the startover window; for then entries would have to leave it. It stays over until the
   programme begins anew. So is one whose beginning is not known any more. The playlist is an ordinary one then.
4. ``VOD`` is said once the programme has ended, ``EVENT`` until then: a VOD playlist must not change.
5. All of it follows from configuration, entries and now. Which entries stand in pages and which in the log changes
   nothing of it.

Lines are rendered once, into blocks that end at whole multiples of their size: so they are the same in every process.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from understudy_domain import keys
from understudy_domain.availability import duration_of
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.hls.media_playlist import render_header
from understudy_domain.index_page import NOTHING, IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.playlist_request import WINDOW_MAX
from understudy_domain.program import MEDIA_PLAYLIST_VERSION, NotContiguous
from understudy_domain.segment_lines import render_lines
from understudy_domain.stream_selection import StreamSelection, offered
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Span

BLOCK_ENTRIES: Final = 64


class SlotTimes(NamedTuple):
    """What a slot's lines say in every rendition; instants and durations in ticks."""

    date: int
    duration: int
    """What it takes up: a gap's EXTINF."""
    slot_duration: int
    discontinuity: bool
    rendering_version: int


@dataclass(frozen=True, slots=True)
class ListedSlot:
    """An entry, as much of it as is listed, whether it stands in the log or in a page."""

    media_sequence: int
    available_at: int
    target_duration_seconds: int
    discontinuity_sequence: int
    times: SlotTimes
    lengths: Mapping[str, int]
    """EXTINF of each rendition that is offered, ticks, or ``NOTHING``."""


def slot_of(entry: ProgramEntry, selection: StreamSelection) -> ListedSlot:
    """Of an entry of the log."""
    return ListedSlot(
        entry.media_sequence,
        entry.available_at,
        entry.target_duration_seconds,
        entry.discontinuity_sequence,
        SlotTimes(
            entry.program_date_time,
            duration_of(entry),
            entry.slot_duration,
            entry.discontinuity,
            entry.rendering_version,
        ),
        {one.rendition: one.duration if one.pieces else NOTHING for one in offered(entry.renditions, selection)},
    )


def slots_of(page: IndexPage, span: Span, selection: StreamSelection) -> Iterator[ListedSlot]:
    """Of the entries of a span of a page."""
    listing = page.listing
    names = [
        [one.rendition for one in offered([listing.descriptions[number] for number in lineup], selection)]
        for lineup in listing.lineups
    ]
    for index in range(span.begin, span.end):
        yield ListedSlot(
            page.first + index,
            page.available_at[index],
            listing.target_durations_seconds[index],
            listing.discontinuity_sequences[index],
            SlotTimes(
                page.dates[index],
                listing.durations[index],
                listing.slot_durations[index],
                bool(listing.discontinuities[index]),
                listing.rendering_versions[index],
            ),
            {name: page.lengths[name][index] for name in names[listing.lineup[index]]},
        )


def since_beginning(
    spans: Sequence[Span], *, now: int, reach: int
) -> Generator[IndexPageKey, IndexPage, list[Span] | None]:
    """What is available of the programme since it began last; None where the beginning is not within reach.

    Args:
        spans: all that is known of it, oldest first, without a hole.
        now: ticks since the epoch.
        reach: the startover window, ticks.
    """
    found: list[Span] = []
    edge: int | None = None
    for span in reversed(spans):
        page = yield span.key
        end = next((at for at in range(span.begin, span.end) if page.available_at[at] > now), span.end)
        if end == span.begin:
            continue
        edge = page.available_at[end - 1] if edge is None else edge
        begin = max((at for at in page.beginnings if span.begin <= at < end), default=None)
        found.append(Span(span.key, span.begin if begin is None else begin, end))
        if page.available_at[found[-1].begin] < max(now - reach, edge - WINDOW_MAX):
            return None
        if begin is not None:
            return found[::-1]
    return None if found else []


@dataclass(slots=True)
class RenditionLines:
    """One rendition's lines."""

    blocks: list[bytes] = field(default_factory=list)
    """Each is whole: it does not change any more."""
    open: list[bytes] = field(default_factory=list)
    """Of the entries behind the last whole block, one by one."""


class EventListing:
    """Append slots as they become available; what it holds is bounded by 24 h of them."""

    def __init__(self, endpoint: OriginEndpoint) -> None:
        self._interval_seconds = endpoint.hls_package.program_date_time_interval_seconds
        self._reach = endpoint.startover_window_seconds * TICKS_PER_SECOND
        self._slots: list[SlotTimes] = []
        self._renditions: dict[str, RenditionLines] = {}
        self._first: ListedSlot | None = None
        self._target_duration_seconds = 0
        self.next_media_sequence: int | None = None
        """Of the slot that has to follow; None: any may."""
        self.known_from: int | None = None
        """Media sequence of the oldest entry that was known when it was given up; None: it was not for want of any."""
        self.has_ended = False
        """The programme ended with the newest slot."""
        self.is_over = False

    @property
    def over_at(self) -> int | None:
        """When it is over if nothing happens, ticks since the epoch; None where it is, or has not begun."""
        return None if self._first is None else self._first.available_at + self._reach + 1

    @property
    def first_media_sequence(self) -> int | None:
        """Of the first slot that is listed; None while there is none."""
        return None if self._first is None else self._first.media_sequence

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def renditions(self) -> Mapping[str, RenditionLines]:
        """The lines of each rendition that one of the listed entries names."""
        return self._renditions

    def begin(self) -> None:
        """The slot that comes next begins the programme."""
        self.has_ended = True

    def end(self) -> None:
        """The programme ended with the newest slot."""
        self.has_ended = True

    def advance(self, *, now: int) -> bool:
        """Whether it is over at ``now``, ticks since the epoch, and was not before."""
        if self.over_at is None or now < self.over_at:
            return False
        self.give_up(self.next_media_sequence)
        return True

    def give_up(self, next_media_sequence: int | None) -> None:
        """It is over, with a slot to come next that does not change that, unless the programme ends before it."""
        self._clear()
        self.is_over = True
        self.next_media_sequence = next_media_sequence

    def append(self, slot: ListedSlot) -> None:
        """List the next slot.

        Raises:
            NotContiguous: slots before it are missing here.
        """
        if self.next_media_sequence not in (None, slot.media_sequence):
            raise NotContiguous(f"expected media sequence {self.next_media_sequence}, found {slot.media_sequence}")
        begins, self.has_ended = self.has_ended or slot.media_sequence == 0, False
        self.next_media_sequence = slot.media_sequence + 1
        if begins:
            self._clear()
            self._first, self.is_over = slot, False
        if self._first is None or slot.available_at - self._first.available_at > WINDOW_MAX:
            self.give_up(self.next_media_sequence)
            return
        self._list(slot, self._first)

    def head(self, *, playlist_type: str) -> bytes:
        """The lines before the first segment; none while there is nothing listed. ``playlist_type``: the endpoint's.

        The target duration is the longest of all that is listed.
        """
        if self._first is None:
            return b""
        return render_header(
            version=MEDIA_PLAYLIST_VERSION,
            target_duration=self._target_duration_seconds * TICKS_PER_SECOND,
            media_sequence=self._first.media_sequence,
            discontinuity_sequence=self._first.discontinuity_sequence,
            playlist_type=playlist_type if self.has_ended else "EVENT",
        ).encode()

    def _clear(self) -> None:
        self._first = None
        self._slots.clear()
        self._renditions.clear()
        self._target_duration_seconds = 0

    def _list(self, slot: ListedSlot, first: ListedSlot) -> None:
        for name in slot.lengths:
            if name not in self._renditions:
                lines = self._renditions[name] = RenditionLines()
                for number, times in enumerate(self._slots, start=first.media_sequence):
                    self._render(lines, name, number, times, NOTHING)
        self._slots.append(slot.times)
        self._target_duration_seconds = max(self._target_duration_seconds, slot.target_duration_seconds)
        for name, lines in self._renditions.items():
            self._render(lines, name, slot.media_sequence, slot.times, slot.lengths.get(name, NOTHING))

    def _render(self, into: RenditionLines, name: str, number: int, times: SlotTimes, length: int) -> None:
        text = render_lines(
            uri=keys.segment_name(name, number, rendering_version=times.rendering_version),
            duration=times.duration if length == NOTHING else length,
            gap=length == NOTHING,
            discontinuity=times.discontinuity,
            date=times.date,
            slot_duration=times.slot_duration,
            interval_seconds=self._interval_seconds,
            always_dated=self._first is not None and number == self._first.media_sequence,
        )
        into.open.append(text.encode())
        if (number + 1) % BLOCK_ENTRIES == 0:
            into.blocks.append(b"".join(into.open))
            into.open.clear()
