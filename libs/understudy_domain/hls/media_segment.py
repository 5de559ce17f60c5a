"""A segment as a media playlist lists it: EXTINF, the tags that apply to it, and its URI."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.hls.attribute_list import render_instant, render_seconds
from understudy_domain.hls.init_section import InitSection
from understudy_domain.hls.key import Key


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One media segment. ``key`` and ``init_section`` stand where their tags stand, and apply from there on."""

    uri: str
    duration: int  # EXTINF, ticks
    title: str | None = None  # EXTINF, after the comma
    program_date_time: int | None = None  # EXT-X-PROGRAM-DATE-TIME, ticks since the epoch
    discontinuity: bool = False  # EXT-X-DISCONTINUITY
    gap: bool = False  # EXT-X-GAP
    byte_range: str | None = None  # EXT-X-BYTERANGE, as written
    key: Key | None = None  # EXT-X-KEY
    init_section: InitSection | None = None  # EXT-X-MAP

    def render(self) -> str:
        """All its lines, each with its line end. A live playlist is a header and these, one after the other.

        A program date time is written to the millisecond where that is exact, else to the microsecond: round it
        before, where all are to look alike.
        """
        lines = []
        if self.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY\n")
        if self.key is not None:
            lines.append(self.key.render())
        if self.init_section is not None:
            lines.append(self.init_section.render())
        if self.program_date_time is not None:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{render_instant(self.program_date_time)}\n")
        if self.gap:
            lines.append("#EXT-X-GAP\n")
        if self.byte_range is not None:
            lines.append(f"#EXT-X-BYTERANGE:{self.byte_range}\n")
        lines.append(f"#EXTINF:{render_seconds(self.duration)},{self.title or ''}\n{self.uri}\n")
        return "".join(lines)
