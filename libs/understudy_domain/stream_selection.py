"""Stream selection: which of a channel's video renditions an origin endpoint offers, and in which order.

The bit rate that counts is the one the encoder declares for the variant (``BANDWIDTH``, audio included), as of when the
rendition joined; where it declares none, that of its first segment. It never changes: a measured peak, which rises as
the programme goes on, would take a rendition from viewers in the middle of it.

Audio renditions are always offered, with one exception: where there is video and none is selected, nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import InvalidResource
from understudy_domain.media import TrackKind

VIDEO_BITS_PER_SECOND_MAX = 2**31 - 1
"""A stream selection up to this leaves nothing out."""


class StreamOrder(StrEnum):
    """In which order the multivariant playlist lists video renditions."""

    ORIGINAL = "ORIGINAL"
    """The encoder's."""
    ASCENDING = "VIDEO_BITRATE_ASCENDING"
    DESCENDING = "VIDEO_BITRATE_DESCENDING"


@dataclass(frozen=True, slots=True)
class StreamSelection:
    """Which video bit rates an origin endpoint offers, and in which order; the defaults offer all as they came."""

    min_video_bits_per_second: int = 0
    max_video_bits_per_second: int = VIDEO_BITS_PER_SECOND_MAX
    stream_order: str = StreamOrder.ORIGINAL

    def __post_init__(self) -> None:
        """Refuse what can select nothing.

        Raises:
            InvalidResource: the least bit rate is greater than the greatest.
        """
        if self.min_video_bits_per_second > self.max_video_bits_per_second:
            raise InvalidResource(
                "hlsPackage.streamSelection.minVideoBitsPerSecond must not be greater than maxVideoBitsPerSecond"
            )

    def selects(self, rendition: Selectable) -> bool:
        """Whether a video rendition is within the bit rates."""
        return self.min_video_bits_per_second <= bit_rate_of(rendition) <= self.max_video_bits_per_second


ALL: Final = StreamSelection()
"""Everything, as it came."""


class Selectable(Protocol):
    """As much of a rendition as it is selected by; fields as in ``EntryRendition``."""

    @property
    def kind(self) -> TrackKind:
        """Video where it carries video."""

    @property
    def bandwidth(self) -> int:
        """Measured, bit/s."""

    @property
    def nominal_bandwidth(self) -> int | None:
        """Declared, bit/s."""

    @property
    def position(self) -> int | None:
        """Its place among the encoder's variants."""


S = TypeVar("S", bound=Selectable)


def bit_rate_of(rendition: Selectable) -> int:
    """What a rendition is selected by, bit/s."""
    return rendition.bandwidth if rendition.nominal_bandwidth is None else rendition.nominal_bandwidth


def offered(renditions: Sequence[S], selection: StreamSelection) -> tuple[S, ...]:
    """Those that a selection offers, in its order: video first, then all audio as it was."""
    videos = [one for one in renditions if one.kind is TrackKind.VIDEO]
    selected = [one for one in videos if selection.selects(one)]
    if videos and not selected:
        return ()
    # Sorting is stable: what compares equal, or was announced by nobody, keeps the order of the line-up.
    selected.sort(key=lambda one: len(renditions) if one.position is None else one.position)
    if selection.stream_order != StreamOrder.ORIGINAL:
        selected.sort(key=bit_rate_of, reverse=selection.stream_order == StreamOrder.DESCENDING)
    return (*selected, *(one for one in renditions if one.kind is not TrackKind.VIDEO))


def offered_of(entry: ProgramEntry, selection: StreamSelection) -> ProgramEntry:
    """An entry as though the channel had no other renditions than those that are offered."""
    renditions = offered(entry.renditions, selection)
    return entry if renditions == entry.renditions else replace(entry, renditions=renditions)
