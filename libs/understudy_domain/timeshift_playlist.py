"""The playlists of a window: a header, and blocks of lines, one for each span of a page.

The lines are those of the live playlist, but for two things: the first segment is dated wherever the endpoint's
segments are dated at all, so that a player knows which part of the day it shows; and where the window stands in the
path, URIs of segments climb out of it, so that they are the same URLs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from understudy_domain import keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.hls.media_playlist import ENDLIST, render_header
from understudy_domain.index_page import NOTHING, IndexPage
from understudy_domain.program import MEDIA_PLAYLIST_VERSION
from understudy_domain.segment_lines import render_lines
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Cut, Span


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of a span in one rendition's playlist."""

    lines: bytes
    target_duration_seconds: int
    """The longest of its entries'."""
    is_named: bool
    """At least one of its entries offers the rendition: else it is none of its playlist."""
    discontinuity_sequence: int
    """Before its first entry."""


def render_block(
    endpoint: OriginEndpoint, page: IndexPage, span: Span, rendition: str, *, prefix: str, is_first: bool
) -> Block:
    """A span's lines.

    Args:
        endpoint: whose playlist it is.
        page: the span's.
        span: not empty.
        rendition: whose lines.
        prefix: what stands before the URIs of segments.
        is_first: it is the first of its playlist.
    """
    listing = page.listing
    lengths = page.lengths.get(rendition)
    interval_seconds = endpoint.hls_package.program_date_time_interval_seconds
    lines = []
    for index in range(span.begin, span.end):
        length = NOTHING if lengths is None else lengths[index]
        name = keys.segment_name(rendition, page.first + index, rendering_version=listing.rendering_versions[index])
        lines.append(
            render_lines(
                uri=prefix + name,
                duration=listing.durations[index] if length == NOTHING else length,
                gap=length == NOTHING,
                discontinuity=bool(listing.discontinuities[index]),
                date=page.dates[index],
                slot_duration=listing.slot_durations[index],
                interval_seconds=interval_seconds,
                always_dated=is_first and index == span.begin,
            )
        )
    return Block(
        "".join(lines).encode(),
        target_duration_seconds=max(listing.target_durations_seconds[span.begin : span.end]),
        is_named=page.names(rendition, span.begin, span.end, selection=endpoint.hls_package.stream_selection),
        discontinuity_sequence=listing.discontinuity_sequences[span.begin],
    )


def render_window(cut: Cut, blocks: Sequence[Block]) -> list[bytes]:
    """The media playlist in pieces: its head, the lines of each block, its end where it has one.

    The target duration is the longest of all that is listed.
    """
    head = render_header(
        version=MEDIA_PLAYLIST_VERSION,
        target_duration=max(block.target_duration_seconds for block in blocks) * TICKS_PER_SECOND,
        media_sequence=cut.spans[0].first,
        # Without the first listed segment's own, as in the live playlist.
        discontinuity_sequence=blocks[0].discontinuity_sequence,
        playlist_type="VOD" if cut.is_complete else "EVENT",
    )
    end = ENDLIST if cut.is_complete or cut.has_ended else ""
    return [head.encode(), *(block.lines for block in blocks), end.encode()]


def is_listed(blocks: Iterable[Block]) -> bool:
    """Whether the window has a playlist of the blocks' rendition: one of its entries names it."""
    return any(block.is_named for block in blocks)
