"""What viewers see: the playlists of one origin endpoint, from two egress processes, compared with all seen before."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.simulation.violation import require
from understudy_domain.channel import HlsPackage, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_domain.ticks import TICKS_PER_SECOND

EXTINF = "#EXTINF:"
DISCONTINUITY = "#EXT-X-DISCONTINUITY"
ENDLIST = "#EXT-X-ENDLIST"


@dataclass(frozen=True, slots=True)
class Listed:
    """One segment as listed."""

    lines: str
    discontinuity_sequence: int
    """Absolute, this segment's own tag included."""


@dataclass(slots=True)
class Memory:
    """All that anyone was ever shown of an endpoint."""

    segments: dict[tuple[str, int], Listed] = field(default_factory=dict)
    """By rendition and media sequence number."""
    discontinuities: dict[int, int] = field(default_factory=dict)
    """By media sequence number, over all renditions."""
    target_duration: int | None = None
    ends: set[int] = field(default_factory=set)
    """Media sequence numbers with which the programme ended, whether it went on or not."""


class Egress:
    """One egress process's view of one endpoint, and the viewer who polls it."""

    def __init__(self, endpoint: OriginEndpoint, memory: Memory, known: list[ProgramEntry]) -> None:
        self.window = ProgramWindow(endpoint, contiguous_tail(known))
        self._memory = memory
        self._seen: dict[str, bytes] = {}
        self._edges: dict[str, tuple[int, int]] = {}

    def poll(self, now: int) -> None:
        """Read every playlist there is.

        Raises:
            Violation: something of it contradicts what was shown before, here or elsewhere.
        """
        if not self.window.advance(now=now):
            return
        edges = set()
        renditions = list(self.window.renditions())
        # One that has left the line-up is served no more once no listed slot holds anything of it: it cannot end.
        self._seen = {rendition: text for rendition, text in self._seen.items() if rendition in renditions}
        for rendition in renditions:
            text = self.window.media_playlist(rendition)
            if text != self._seen.get(rendition):
                self._seen[rendition] = text
                self._edges[rendition] = self._read(rendition, text.decode())
            edges.add(self._edges[rendition])
        require(len(edges) <= 1, "I3", f"renditions list different segments: {edges}")
        ended = {ENDLIST in text.decode() for text in self._seen.values()}
        require(len(ended) <= 1, "I3", "some renditions have ended")

    def playlists(self) -> list[bytes]:
        """What was last shown."""
        return list(self._seen.values())

    @property
    def shows_end(self) -> bool:
        """Every playlist last shown has ended."""
        return bool(self._seen) and all(text.endswith(f"{ENDLIST}\n".encode()) for text in self._seen.values())

    def _read(self, rendition: str, text: str) -> tuple[int, int]:
        header, segments = _parse(text)
        memory = self._memory
        target = header["#EXT-X-TARGETDURATION"]
        last = header["#EXT-X-MEDIA-SEQUENCE"] + len(segments) - 1
        require(not header.get(ENDLIST) or last in memory.ends, "end", f"{rendition} ends with {last}")
        # It may rise for a single input segment that is longer, and never falls; the oracle says when it may.
        require(target >= (memory.target_duration or 0), "target duration", f"{memory.target_duration} became {target}")
        memory.target_duration = target
        first = header["#EXT-X-MEDIA-SEQUENCE"]
        before = self._edges.get(rendition)
        require(before is None or (first >= before[0] and last >= before[1]), "I1", f"ran back: {before} {first}")
        discontinuities = header["#EXT-X-DISCONTINUITY-SEQUENCE"]
        for sequence, lines in enumerate(segments, start=first):
            discontinuities += DISCONTINUITY in lines
            listed = Listed("".join(lines), discontinuities)
            known = memory.segments.setdefault((rendition, sequence), listed)
            require(known == listed, "I2", f"{rendition} {sequence} was {known}, is {listed}")
            common = memory.discontinuities.setdefault(sequence, discontinuities)
            require(common == discontinuities, "I3", f"{rendition} {sequence}: discontinuity {discontinuities}")
            duration = next(float(line[len(EXTINF) :].rstrip(",")) for line in lines if line.startswith(EXTINF))
            require(round(duration) <= target, "target duration", f"{rendition} {sequence} lasts {duration} s")
        return first, last


def _parse(text: str) -> tuple[dict[str, int], list[list[str]]]:
    header: dict[str, int] = {}
    segments: list[list[str]] = []
    lines: list[str] = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name in {"#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE"}:
            header[name] = int(value)
        elif name == ENDLIST:
            header[name] = 1
        elif name not in {"#EXTM3U", "#EXT-X-VERSION"}:
            lines.append(line)
            if not line.startswith("#"):
                segments.append(lines)
                lines = []
    require(not lines, "playlist", f"tags without a segment: {lines}")
    return header, segments


def origin_endpoint(guid: str, *, seconds: float, window_seconds: int, date_interval_seconds: int) -> OriginEndpoint:
    """As egress knows it; its time delay is in the entries."""
    return OriginEndpoint(
        id=guid,
        guid=guid,
        channel_id="channel",
        channel_guid="c" * 32,
        created_at=TICKS_PER_SECOND,
        hls_package=HlsPackage(
            segment_duration_seconds=max(round(seconds), 1),
            playlist_window_seconds=window_seconds,
            program_date_time_interval_seconds=date_interval_seconds,
        ),
    )
