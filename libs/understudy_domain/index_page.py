"""An index page: what playlists and segments need of some hundreds of entries in a row, in columns, in one object.

The log PROGRAM keeps the recent part of a programme; what a startover window reaches beyond that stands in pages. A
page never changes: the same entries are the same columns, in the same order, and its key follows from them. What only
explains a decision (reason, evidence) is not in it.

A page is two compressed JSON records behind one another, each read when it is wanted: the **listing**, from which
playlists are rendered, and the **media**, which says what segments are made of. ``b"UIP1"``, the length of the first
(four bytes, big-endian), the first, the second.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from understudy_domain import codec
from understudy_domain.availability import duration_of
from understudy_domain.codec import record
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.errors import MalformedRecord, NewerRecord
from understudy_domain.index_page_media import PageMedia, SegmentMedia, media_of
from understudy_domain.keys import IndexPageKey
from understudy_domain.media import TrackKind
from understudy_domain.stream_selection import ALL, StreamSelection, offered
from understudy_domain.ticks import TICKS_PER_SECOND

PAGE_ENTRIES: Final = 512
"""Of how many entries pages are made unless told otherwise: at 2 s a quarter of an hour, and a day takes 85 reads."""

_MAGIC: Final = b"UIP1"
_LENGTH_BYTES: Final = 4
_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000
_BYTES_PER_NUMBER: Final = 40
"""What a number of a column takes in memory, about."""
NOTHING: Final = -1
"""In a column of lengths: the slot has nothing of this rendition, which is listed as a gap."""


@dataclass(frozen=True, slots=True)
class RenditionDescription:
    """What the multivariant playlist says of a rendition; fields as in ``EntryRendition``."""

    rendition: str
    kind: TrackKind
    codecs: tuple[str, ...]
    bandwidth: int
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    audio_group: str | None = None
    name: str | None = None
    language: str | None = None
    channels: str | None = None
    default: bool = False
    autoselect: bool = False
    nominal_bandwidth: int | None = None
    position: int | None = None
    audio_channels: int | None = None
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True)
class RenditionLengths:
    """A rendition's EXTINF in each entry, ticks, or ``NOTHING``."""

    rendition: str
    lengths: tuple[int, ...]


@record("index_page.listing")
@dataclass(frozen=True, slots=True)
class PageListing:
    """What playlists need. Columns have a number for each entry, in order."""

    origin_endpoint: str
    """Guid."""
    channel: str
    """Guid."""
    first: int
    """Media sequence of the first entry; the others follow without a hole."""
    dates: tuple[int, ...]
    """Program date time: ticks since the epoch, then by how many ticks each entry is later than the one before."""
    durations: tuple[int, ...]
    """What the entry takes up, ticks."""
    available_after: tuple[int, ...]
    """When it becomes available, ticks since its program date time."""
    decided_at: int
    """As of when the last entry was decided, ticks since the epoch."""
    discontinuity_sequences: tuple[int, ...]
    discontinuities: tuple[int, ...]
    """0 or 1."""
    target_durations_seconds: tuple[int, ...]
    slot_durations: tuple[int, ...]
    """Ticks."""
    rendering_versions: tuple[int, ...]
    descriptions: tuple[RenditionDescription, ...]
    """All that occur."""
    lineups: tuple[tuple[int, ...], ...]
    """Which descriptions stand in an entry together, in its order: all sets that occur."""
    lineup: tuple[int, ...]
    """Which of these sets."""
    renditions: tuple[RenditionLengths, ...]
    begins: tuple[int, ...] = ()
    """Indices of the entries with which the programme began anew: it had ended with the one before. Empty in pages of
    older releases."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """The renditions that an entry names, described, in its order."""

    renditions: tuple[RenditionDescription, ...]


class IndexPage:
    """A page in memory."""

    def __init__(self, listing: PageListing, media: PageMedia | bytes) -> None:
        """``media``: as it is, or compressed.

        Raises:
            MalformedRecord: the columns do not fit together.
        """
        _check(listing)
        self.listing = listing
        self.dates = tuple(accumulate(listing.dates))
        """Program date times, ticks since the epoch."""
        self.ends = tuple(date + length for date, length in zip(self.dates, listing.durations, strict=True))
        self.available_at = tuple(date + after for date, after in zip(self.dates, listing.available_after, strict=True))
        self.lengths = {one.rendition: one.lengths for one in listing.renditions}
        """By rendition."""
        self._media = media

    @classmethod
    def of(cls, entries: Sequence[ProgramEntry], *, begins: Collection[int] = ()) -> IndexPage:
        """The page of these entries, which follow each other without a hole; there is at least one.

        ``begins``: media sequences of entries before which the programme had ended.
        """
        return cls(_listing_of(entries, begins), media_of(entries))

    @classmethod
    def parse(cls, payload: bytes | memoryview) -> IndexPage:
        """The page in an object.

        Raises:
            NewerRecord: it is one of a newer release.
            MalformedRecord: it is none.
        """
        payload = bytes(payload)
        begin = len(_MAGIC) + _LENGTH_BYTES
        if payload[:3] == _MAGIC[:3] and payload[3:4] > _MAGIC[3:]:
            raise NewerRecord(f"an index page of the form {payload[: len(_MAGIC)]!r} is newer than this program reads")
        if not payload.startswith(_MAGIC) or len(payload) < begin:
            raise MalformedRecord("not an index page")
        middle = begin + int.from_bytes(payload[len(_MAGIC) : begin], "big")
        return cls(codec.decode_as(PageListing, _decompressed(payload[begin:middle])), payload[middle:])

    def encode(self) -> bytes:
        """The object's bytes."""
        listing = zlib.compress(codec.encode(self.listing))
        media = self._media if isinstance(self._media, bytes) else zlib.compress(codec.encode(self._media))
        return b"".join([_MAGIC, len(listing).to_bytes(_LENGTH_BYTES, "big"), listing, media])

    @property
    def media(self) -> PageMedia:
        """What its segments are made of.

        Raises:
            MalformedRecord: it does not parse.
        """
        if isinstance(self._media, bytes):
            self._media = codec.decode_as(PageMedia, _decompressed(self._media))
        return self._media

    @property
    def beginnings(self) -> tuple[int, ...]:
        """Indices of the entries with which the programme began, the very first one included."""
        begins = self.listing.begins
        return (0, *begins) if self.first == 0 and begins[:1] != (0,) else begins

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def first(self) -> int:
        """Media sequence of its first entry."""
        return self.listing.first

    @property
    def key(self) -> IndexPageKey:
        """Its key."""
        return IndexPageKey(
            self.listing.origin_endpoint,
            first=self.first,
            last=self.first + len(self) - 1,
            begin_milliseconds=self.dates[0] // _TICKS_PER_MILLISECOND,
            end_milliseconds=-(-max(self.ends) // _TICKS_PER_MILLISECOND),
            available_milliseconds=-(-max(self.available_at) // _TICKS_PER_MILLISECOND),
            decided_milliseconds=self.listing.decided_at // _TICKS_PER_MILLISECOND,
            received_milliseconds=self.media.received_milliseconds,
        )

    @property
    def weight(self) -> int:
        """What it takes in memory, bytes, about."""
        return (10 + 4 * len(self.lengths)) * len(self) * _BYTES_PER_NUMBER

    def lineup(self, index: int, *, selection: StreamSelection = ALL) -> Lineup:
        """What the multivariant playlist says of those of an entry's renditions that are offered."""
        return self._offered(self.listing.lineups[self.listing.lineup[index]], selection)

    def _offered(self, of: Iterable[int], selection: StreamSelection) -> Lineup:
        return Lineup(offered([self.listing.descriptions[number] for number in of], selection))

    def names(self, rendition: str, begin: int, end: int, *, selection: StreamSelection = ALL) -> bool:
        """Whether one of these entries offers a rendition, if only as a gap."""
        naming = {
            number
            for number, of in enumerate(self.listing.lineups)
            if any(one.rendition == rendition for one in self._offered(of, selection).renditions)
        }
        return bool(naming) and not naming.isdisjoint(self.listing.lineup[begin:end])

    def segment(self, media_sequence: int, rendition: str, *, rendering_version: int) -> SegmentMedia | None:
        """What a segment is made of; None where the slot has nothing of the rendition in this rendering.

        Raises:
            MalformedRecord: the media does not parse.
        """
        index = media_sequence - self.first
        if self.listing.rendering_versions[index] != rendering_version:
            return None
        return self.media.segment(index, rendition, channel_guid=self.listing.channel)


def _decompressed(payload: bytes) -> bytes:
    try:
        return zlib.decompress(payload)
    except zlib.error as err:
        raise MalformedRecord("a part of an index page is not compressed as it should be") from err


def _check(listing: PageListing) -> None:
    columns = (
        listing.durations,
        listing.available_after,
        listing.discontinuity_sequences,
        listing.discontinuities,
        listing.target_durations_seconds,
        listing.slot_durations,
        listing.rendering_versions,
        listing.lineup,
        *(one.lengths for one in listing.renditions),
    )
    if not listing.dates or any(len(column) != len(listing.dates) for column in columns):
        raise MalformedRecord("the columns of an index page differ in length")
    described = range(len(listing.descriptions))
    if any(one not in described for lineup in listing.lineups for one in lineup):
        raise MalformedRecord("an index page names a description that it does not have")
    if not set(listing.begins) <= set(range(len(listing.dates))):
        raise MalformedRecord("an index page says of an entry that it does not have that it begins the programme")
    if not set(listing.lineup) <= set(range(len(listing.lineups))):
        raise MalformedRecord("an index page names a lineup that it does not have")


def _listing_of(entries: Sequence[ProgramEntry], begins: Collection[int]) -> PageListing:
    descriptions: dict[RenditionDescription, int] = {}
    lineups: dict[tuple[int, ...], int] = {}
    lineup = []
    lengths: dict[str, list[int]] = {}
    for index, entry in enumerate(entries):
        described = (_description(one) for one in entry.renditions)
        numbers = tuple(descriptions.setdefault(one, len(descriptions)) for one in described)
        lineup.append(lineups.setdefault(numbers, len(lineups)))
        for one in entry.renditions:
            column = lengths.setdefault(one.rendition, [NOTHING] * len(entries))
            if one.pieces:
                column[index] = one.duration
    dates = [entry.program_date_time for entry in entries]
    return PageListing(
        origin_endpoint=entries[0].origin_endpoint,
        channel=entries[0].channel,
        first=entries[0].media_sequence,
        dates=(dates[0], *(later - earlier for earlier, later in pairwise(dates))),
        durations=tuple(map(duration_of, entries)),
        available_after=tuple(entry.available_at - entry.program_date_time for entry in entries),
        decided_at=max(entry.as_of.instant for entry in entries),
        discontinuity_sequences=tuple(entry.discontinuity_sequence for entry in entries),
        discontinuities=tuple(int(entry.discontinuity) for entry in entries),
        target_durations_seconds=tuple(entry.target_duration_seconds for entry in entries),
        slot_durations=tuple(entry.slot_duration for entry in entries),
        rendering_versions=tuple(entry.rendering_version for entry in entries),
        descriptions=tuple(descriptions),
        lineups=tuple(lineups),
        lineup=tuple(lineup),
        renditions=tuple(RenditionLengths(rendition, tuple(column)) for rendition, column in lengths.items()),
        begins=tuple(index for index, entry in enumerate(entries) if entry.media_sequence in begins),
    )


def _description(rendition: EntryRendition) -> RenditionDescription:
    return RenditionDescription(
        rendition=rendition.rendition,
        kind=rendition.kind,
        codecs=rendition.codecs,
        bandwidth=rendition.bandwidth,
        width=rendition.width,
        height=rendition.height,
        frame_rate=rendition.frame_rate,
        audio_group=rendition.audio_group,
        name=rendition.name,
        language=rendition.language,
        channels=rendition.channels,
        default=rendition.default,
        autoselect=rendition.autoselect,
        nominal_bandwidth=rendition.nominal_bandwidth,
        position=rendition.position,
        audio_channels=rendition.audio_channels,
        sample_rate=rendition.sample_rate,
    )
