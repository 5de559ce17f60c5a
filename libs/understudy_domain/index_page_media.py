"""What the segments of an index page are made of: each rendition's pieces, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

from understudy_domain import keys
from understudy_domain.codec import record
from understudy_domain.entry import CounterShift, EntryPiece, ProgramEntry
from understudy_domain.errors import MalformedRecord


class JoinablePiece(Protocol):
    """As much of an input segment as it takes to put it into an output segment."""

    @property
    def object_key(self) -> str:
        """Where it is stored."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def shifts(self) -> tuple[CounterShift, ...] | None:
        """By how much its tracks' counters are shifted; None: it is published as it is stored."""


class Joinable(Protocol):
    """What an output segment is made of: an ``EntryRendition``, or what a page has of one."""

    @property
    def pieces(self) -> Sequence[JoinablePiece]:
        """In order of time."""

    @property
    def size(self) -> int:
        """Bytes of the output segment."""


@dataclass(frozen=True, slots=True)
class SegmentPiece:
    """A ``JoinablePiece``, and how long it is."""

    object_key: str
    size: int
    duration: int
    """Ticks."""
    shifts: tuple[CounterShift, ...] | None = None


@dataclass(frozen=True, slots=True)
class SegmentMedia:
    """What a page says of one output segment."""

    pieces: tuple[SegmentPiece, ...]

    @property
    def size(self) -> int:
        """Bytes of the output segment."""
        return sum(piece.size for piece in self.pieces)


@dataclass(frozen=True)
class RenditionPieces:
    """The pieces of one rendition, of all entries behind one another."""

    rendition: str
    counts: tuple[int, ...]
    """How many each entry has."""
    keys: tuple[str, ...]
    """Object keys, without what all media keys of the channel begin with."""
    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    """Ticks."""
    shifts: tuple[int, ...]
    """Which of the page's shifts; 0: none."""

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """By entry, where its pieces end in the other columns."""
        return tuple(accumulate(self.counts))


@record("index_page.media")
@dataclass(frozen=True, slots=True)
class PageMedia:
    """What the segments of a page are made of."""

    shifts: tuple[tuple[CounterShift, ...], ...]
    """All that occur; the first stands for none."""
    renditions: tuple[RenditionPieces, ...]
    received_milliseconds: int
    """When the first of these objects was received, ms since the epoch; as in the page's key."""

    def segment(self, index: int, rendition: str, *, channel_guid: str) -> SegmentMedia | None:
        """The pieces of one entry's rendition; None where there are none.

        Raises:
            MalformedRecord: the columns do not fit together.
        """
        column = next((one for one in self.renditions if one.rendition == rendition), None)
        if column is None:
            return None
        prefix = keys.media_prefix(channel_guid)
        try:
            end = column.ends[index]
            pieces = tuple(
                SegmentPiece(
                    object_key=prefix + column.keys[at],
                    size=column.sizes[at],
                    duration=column.durations[at],
                    shifts=self.shifts[column.shifts[at]] if column.shifts[at] else None,
                )
                for at in range(end - column.counts[index], end)
            )
        except IndexError as err:
            raise MalformedRecord("the columns of an index page's media differ in length") from err
        return SegmentMedia(pieces) if pieces else None


def media_of(entries: Sequence[ProgramEntry]) -> PageMedia:
    """The media of these entries, in which each rendition stands once.

    Raises:
        MalformedRecord: an object is not where the channel's media are.
    """
    shifts: dict[tuple[CounterShift, ...], int] = {(): 0}
    columns: dict[str, list[tuple[EntryPiece, ...]]] = {}
    for index, entry in enumerate(entries):
        for rendition in entry.renditions:
            column = columns.setdefault(rendition.rendition, [()] * len(entries))
            column[index] = column[index] or rendition.pieces
    prefix = keys.media_prefix(entries[0].channel)
    return PageMedia(
        renditions=tuple(
            RenditionPieces(
                rendition,
                counts=tuple(map(len, column)),
                keys=tuple(_relative(piece.object_key, prefix) for pieces in column for piece in pieces),
                sizes=tuple(piece.size for pieces in column for piece in pieces),
                durations=tuple(piece.duration for pieces in column for piece in pieces),
                shifts=tuple(
                    shifts.setdefault(piece.shifts or (), len(shifts)) for pieces in column for piece in pieces
                ),
            )
            for rendition, column in columns.items()
        ),
        shifts=tuple(shifts),
        received_milliseconds=_received(piece for column in columns.values() for pieces in column for piece in pieces),
    )


def _relative(object_key: str, prefix: str) -> str:
    if not object_key.startswith(prefix):
        raise MalformedRecord(f"{object_key!r:.200} is not among the media of its channel")
    return object_key[len(prefix) :]


def _received(pieces: Iterable[EntryPiece]) -> int:
    """0 where of one it cannot be told: such a page keeps all media."""
    return min((keys.received_milliseconds(piece.object_key) or 0 for piece in pieces), default=keys.NEVER_RECEIVED)
