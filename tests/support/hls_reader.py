"""A reader of published HLS playlists for tests: knows nothing of the code that wrote them, and keeps every line."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin


class NotAPlaylist(AssertionError):
    """What was served is not what RFC 8216 calls a playlist."""


@dataclass(frozen=True, slots=True)
class ListedSegment:
    """One media segment as a playlist lists it."""

    media_sequence: int
    url: str
    duration_seconds: float
    tags: tuple[str, ...]
    """The tag lines before its URI, as written: they must never change either."""

    @property
    def is_discontinuous(self) -> bool:
        """EXT-X-DISCONTINUITY stands before it."""
        return "#EXT-X-DISCONTINUITY" in self.tags

    @property
    def is_gap(self) -> bool:
        """EXT-X-GAP stands before it: there is nothing to fetch."""
        return "#EXT-X-GAP" in self.tags


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A media playlist as it was at one moment."""

    text: str
    target_duration_seconds: int
    media_sequence: int
    discontinuity_sequence: int
    segments: tuple[ListedSegment, ...]
    ended: bool


_HEADER_TAGS = (
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-START",
    "#EXT-X-SERVER-CONTROL",
)


def read_media_playlist(text: str, *, url: str) -> MediaPlaylist:
    """Parse a media playlist that was read from ``url``.

    Raises:
        NotAPlaylist: a required line is missing or does not parse.
    """
    lines = _lines(text)
    header: dict[str, str] = {}
    listed: list[tuple[tuple[str, ...], str]] = []
    tags: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name in _HEADER_TAGS:
            header[name] = value
        elif not line.startswith("#"):
            listed.append((tuple(tags), line))
            tags = []
        elif name != "#EXT-X-ENDLIST":
            tags.append(line)
    try:
        first = int(header["#EXT-X-MEDIA-SEQUENCE"])
        segments = tuple(
            ListedSegment(first + index, urljoin(url, uri), _duration(before), before)
            for index, (before, uri) in enumerate(listed)
        )
        return MediaPlaylist(
            text=text,
            target_duration_seconds=int(header["#EXT-X-TARGETDURATION"]),
            media_sequence=first,
            discontinuity_sequence=int(header.get("#EXT-X-DISCONTINUITY-SEQUENCE", "0")),
            segments=segments,
            ended="#EXT-X-ENDLIST" in lines,
        )
    except (KeyError, ValueError, StopIteration) as err:
        raise NotAPlaylist(f"{url}: {err!r} in\n{text}") from err


def read_multivariant_playlist(text: str, *, url: str) -> tuple[str, ...]:
    """The URLs of all media playlists that a multivariant playlist, read from ``url``, names.

    Raises:
        NotAPlaylist: it is none, or names nothing.
    """
    lines = _lines(text)
    uris = [line for line in lines if not line.startswith("#")]
    renditions = [line for line in lines if line.startswith("#EXT-X-MEDIA:") and 'URI="' in line]
    uris += [line.split('URI="', 1)[1].split('"', 1)[0] for line in renditions]
    if not uris or not any(line.startswith("#EXT-X-STREAM-INF:") for line in lines):
        raise NotAPlaylist(f"{url} names no variant:\n{text}")
    return tuple(dict.fromkeys(urljoin(url, uri) for uri in uris))


def _lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line]
    if not lines or lines[0] != "#EXTM3U":
        raise NotAPlaylist(f"does not begin with #EXTM3U:\n{text}")
    return lines


def _duration(tags: tuple[str, ...]) -> float:
    line = next(tag for tag in tags if tag.startswith("#EXTINF:"))
    return float(line.removeprefix("#EXTINF:").split(",", 1)[0])
