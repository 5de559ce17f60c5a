"""From a window's slots to a VOD asset: which slots and renditions it has, and its playlists. Pure.

Rules.

1. Of the asset are the slots that the endpoint's VOD playlist of this window lists (``timeshift``): those of which any
   part lies in it, by program date time.
2. It has the renditions that the endpoint offers for the last of its slots that names any.
3. Its segments are those of the endpoint, byte for byte, under the same relative names. What a rendition lacks is a
   gap in it. Numbers, discontinuities and dates are those of the endpoint as well.
4. The window is over once it is complete, or the programme has ended and the window's end has passed, or nothing has
   come for a while after that. Then what there is becomes the asset: a programme that ended early is no failure. But
   what is known of the window and not available yet is waited for, however long that takes: the time delay may have
   been raised since the job was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from understudy_domain import keys
from understudy_domain.availability import duration_of
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import UnderstudyError
from understudy_domain.harvest_job import HarvestJob, HarvestPlan
from understudy_domain.index_page import NOTHING, IndexPage, Lineup
from understudy_domain.index_page_media import SegmentMedia
from understudy_domain.multivariant import render_multivariant
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeshift import Cut, Span
from understudy_domain.timeshift_playlist import Block, render_block, render_window
from understudy_domain.words import seconds

_WORTH_TELLING = TICKS_PER_SECOND


class HarvestFailed(UnderstudyError):
    """A job cannot come to an asset, whoever tries again; the sentence is its message."""

    code = "harvest_failed"


def may_be_over(job: HarvestJob, newest: ProgramEntry | None, *, now: int) -> bool:
    """Whether it is worth a look into the programme: by its newest entry alone; ``now`` in ticks since the epoch."""
    if newest is not None and newest.program_date_time + duration_of(newest) >= job.end:
        return True
    return newest is not None and newest.ended and now >= job.end


def is_over(
    job: HarvestJob, found: Cut | None, newest: ProgramEntry | None, *, now: int, wait: int, known: Cut | None = None
) -> bool:
    """Whether nothing more will be waited for.

    Args:
        job: whose window it is.
        found: what is available of it; None: nothing.
        newest: the endpoint's newest entry; None: it has none.
        now: ticks since the epoch.
        wait: how long after the window's end a slot is waited for that nothing came after, ticks.
        known: what will be available of it of the entries that there are; None: nothing.
    """
    if found is not None and found.is_complete:
        return True
    if known is not None and (found is None or found.end < known.end):
        return False
    if found is not None and newest is not None and newest.ended and now >= max(job.end, newest.available_at):
        return True
    return now >= job.is_due_at + wait


@dataclass(frozen=True, slots=True)
class AssetSegment:
    """A segment that is to be copied."""

    rendition: str
    media: SegmentMedia
    key: str
    """Where to."""


@dataclass(frozen=True, slots=True)
class AssetSlot:
    """A slot of an asset; where it has no segments it is a gap in all renditions."""

    media_sequence: int
    segments: Sequence[AssetSegment]


def slots_of(job: HarvestJob, plan: HarvestPlan, page: IndexPage, span: Span) -> Iterator[AssetSlot]:
    """The slots of a span, with their segments.

    Raises:
        MalformedRecord: the page's media do not parse.
    """
    for index in range(span.begin, span.end):
        number = page.first + index
        version = page.listing.rendering_versions[index]
        segments = []
        for rendition in plan.renditions:
            lengths = page.lengths.get(rendition)
            if lengths is None or lengths[index] == NOTHING:
                continue
            media = page.segment(number, rendition, rendering_version=version)
            if media is not None:
                name = keys.segment_name(rendition, number, rendering_version=version)
                segments.append(AssetSegment(rendition, media, job.asset_prefix + name))
        yield AssetSlot(number, segments)


def first_plan(found: Cut, lineup: Lineup | None) -> HarvestPlan:
    """A plan in which nothing is counted yet.

    Raises:
        HarvestFailed: nothing of it is offered.
    """
    if lineup is None or not lineup.renditions:
        raise HarvestFailed(
            "the origin endpoint has nothing to offer in this window: nothing but gaps, or no bit rate that it selects"
        )
    last = found.spans[-1]
    return HarvestPlan(
        first_sequence=found.spans[0].first,
        last_sequence=last.key.first + last.end - 1,
        renditions=tuple(one.rendition for one in lineup.renditions),
        segments=0,
        bytes=0,
    )


def shortfall(job: HarvestJob, *, begins: int, ends: int) -> str:
    """By how much an asset is shorter than its window, as a sentence; empty where it is not by a second."""
    said = []
    if begins - job.start >= _WORTH_TELLING:
        said.append(f"the programme begins {seconds(begins - job.start)} after the window")
    if job.end - ends >= _WORTH_TELLING:
        said.append(f"the programme ends {seconds(job.end - ends)} before the window")
    return "; ".join(said)


def spans_within(spans: Iterable[Span], *, first: int, last: int) -> list[Span]:
    """Of a programme's spans the part from one media sequence to another.

    Raises:
        HarvestFailed: they do not hold all of it.
    """
    found = []
    expected = first
    for span in spans:
        begin = max(span.begin, expected - span.key.first)
        end = min(span.end, last + 1 - span.key.first)
        if begin >= end:
            continue
        if span.key.first + begin != expected:
            break
        found.append(Span(span.key, begin, end))
        expected = span.key.first + end
    if expected <= last:
        raise HarvestFailed(
            f"slot {expected} of the origin endpoint is gone, of slots {first} to {last}: was the endpoint deleted?"
        )
    return found


class AssetPlaylists:
    """Takes the pages of the plan in order and renders the playlists."""

    def __init__(self, job: HarvestJob, plan: HarvestPlan) -> None:
        self._job = job
        self._plan = plan
        self._spans: list[Span] = []
        self._blocks: dict[str, list[Block]] = {one: [] for one in plan.renditions}
        self._lineup: Lineup | None = None

    def add(self, page: IndexPage, span: Span) -> None:
        """Take the next span."""
        is_first = not self._spans
        selection = self._job.origin_endpoint.hls_package.stream_selection
        named = (page.lineup(index, selection=selection) for index in range(span.end - 1, span.begin - 1, -1))
        self._lineup = next((one for one in named if one.renditions), self._lineup)
        self._spans.append(span)
        for rendition, blocks in self._blocks.items():
            blocks.append(render_block(self._job.origin_endpoint, page, span, rendition, prefix="", is_first=is_first))

    def media_playlists(self) -> Mapping[str, bytes]:
        """The media playlists by object key. There is at least one span."""
        whole = Cut(tuple(self._spans), is_complete=True, has_ended=True)
        name = self._job.origin_endpoint.manifest_name
        return {
            self._job.asset_prefix + keys.media_playlist_name(name, rendition): b"".join(render_window(whole, blocks))
            for rendition, blocks in self._blocks.items()
        }

    def multivariant_playlist(self) -> bytes:
        """The multivariant playlist. There is an entry that names renditions."""
        assert self._lineup is not None
        return render_multivariant(self._job.asset_endpoint, self._lineup).encode()


@dataclass(slots=True)
class Watermark:
    """Segments that end in any order, into how far everything is stored without a hole."""

    stored_up_to: int
    """Media sequence."""
    segments: int
    bytes: int
    _open: dict[int, int] = field(default_factory=dict)
    """By slot: segments that are under way."""
    _done: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By slot: segments and bytes that are stored."""

    def begin(self, media_sequence: int, segments: int) -> None:
        """So many segments of the next slot are under way; there may be none."""
        self._open[media_sequence] = segments
        self._done[media_sequence] = (0, 0)
        self._rise()

    def stored(self, media_sequence: int, size: int) -> None:
        """A segment of a slot is stored."""
        self._open[media_sequence] -= 1
        segments, size_before = self._done[media_sequence]
        self._done[media_sequence] = (segments + 1, size_before + size)
        self._rise()

    def _rise(self) -> None:
        while self._open.get(self.stored_up_to + 1) == 0:
            self.stored_up_to += 1
            del self._open[self.stored_up_to]
            segments, size = self._done.pop(self.stored_up_to)
            self.segments += segments
            self.bytes += size
