"""A media playlist: the segments of one rendition."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from understudy_domain import ticks
from understudy_domain.errors import NotAPlaylist
from understudy_domain.hls.attribute_list import (
    enumerated,
    integer,
    parse_instant,
    parse_seconds,
    render_seconds,
)
from understudy_domain.hls.init_section import InitSection
from understudy_domain.hls.key import Key
from understudy_domain.hls.lines import read_lines
from understudy_domain.hls.media_segment import MediaSegment

ENDLIST = "#EXT-X-ENDLIST\n"


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """What an encoder lists of one rendition, or what viewers are shown of it."""

    target_duration: int  # EXT-X-TARGETDURATION, ticks
    media_sequence: int = 0  # EXT-X-MEDIA-SEQUENCE
    discontinuity_sequence: int | None = None  # EXT-X-DISCONTINUITY-SEQUENCE
    segments: tuple[MediaSegment, ...] = ()
    ended: bool = False  # EXT-X-ENDLIST
    version: int | None = None  # EXT-X-VERSION
    playlist_type: str | None = None  # EXT-X-PLAYLIST-TYPE
    independent_segments: bool = False  # EXT-X-INDEPENDENT-SEGMENTS

    def render(self) -> str:
        """The whole playlist."""
        header = render_header(
            target_duration=self.target_duration,
            media_sequence=self.media_sequence,
            discontinuity_sequence=self.discontinuity_sequence,
            version=self.version,
            playlist_type=self.playlist_type,
            independent_segments=self.independent_segments,
        )
        return header + "".join(segment.render() for segment in self.segments) + (ENDLIST if self.ended else "")

    @property
    def encryption(self) -> Key | None:
        """The first key that encrypts, None where all is in the clear."""
        return next((segment.key for segment in self.segments if segment.key and segment.key.is_encryption), None)


def render_header(
    *,
    target_duration: int,
    media_sequence: int,
    discontinuity_sequence: int | None = None,
    version: int | None = None,
    playlist_type: str | None = None,
    independent_segments: bool = False,
) -> str:
    """The lines before the first segment; ``target_duration`` in ticks."""
    lines = ["#EXTM3U\n"]
    if version is not None:
        lines.append(f"#EXT-X-VERSION:{version}\n")
    if independent_segments:
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS\n")
    lines.append(f"#EXT-X-TARGETDURATION:{_whole_seconds(target_duration)}\n#EXT-X-MEDIA-SEQUENCE:{media_sequence}\n")
    if discontinuity_sequence is not None:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity_sequence}\n")
    if playlist_type is not None:
        lines.append(f"#EXT-X-PLAYLIST-TYPE:{playlist_type}\n")
    return "".join(lines)


def _whole_seconds(duration: int) -> str:
    seconds, rest = divmod(duration, ticks.TICKS_PER_SECOND)
    return render_seconds(duration) if rest else str(seconds)


def parse_media_playlist(lines: Iterable[tuple[int, str]]) -> MediaPlaylist:
    """A media playlist from its numbered, stripped, non-empty lines after EXTM3U.

    Raises:
        NotAPlaylist: it breaks the grammar; the message names the line.
    """
    reader = _Reader()
    number = read_lines(lines, reader.read)
    try:
        return reader.finish()
    except NotAPlaylist as err:
        raise NotAPlaylist(f"after line {number}: {err}") from err


class _Reader:
    """Collects tags until the URI that they apply to."""

    def __init__(self) -> None:
        self._segments: list[MediaSegment] = []
        self._target_duration: int | None = None
        self._media_sequence = 0
        self._discontinuity_sequence: int | None = None
        self._ended = False
        self._version: int | None = None
        self._playlist_type: str | None = None
        self._independent_segments = False
        self._tags: dict[str, Callable[[str], None]] = {
            "#EXTINF": self._extinf,
            "#EXT-X-BYTERANGE": self._byterange,
            "#EXT-X-DISCONTINUITY": self._set_discontinuity,
            "#EXT-X-DISCONTINUITY-SEQUENCE": self._set_discontinuity_sequence,
            "#EXT-X-ENDLIST": self._endlist,
            "#EXT-X-GAP": self._set_gap,
            "#EXT-X-INDEPENDENT-SEGMENTS": self._independent,
            "#EXT-X-KEY": self._set_key,
            "#EXT-X-MAP": self._map,
            "#EXT-X-MEDIA-SEQUENCE": self._set_media_sequence,
            "#EXT-X-PLAYLIST-TYPE": self._type,
            "#EXT-X-PROGRAM-DATE-TIME": self._date,
            "#EXT-X-TARGETDURATION": self._target,
            "#EXT-X-VERSION": self._set_version,
        }
        self._start_segment()

    def _start_segment(self) -> None:
        self._duration: int | None = None
        self._title: str | None = None
        self._program_date_time: int | None = None
        self._discontinuity = False
        self._gap = False
        self._byte_range: str | None = None
        self._key: Key | None = None
        self._init_section: InitSection | None = None

    def read(self, line: str) -> None:
        """Take one line: a tag, a comment, or a URI."""
        if not line.startswith("#"):
            self._uri(line)
            return
        name, _, value = line.partition(":")
        handler = self._tags.get(name)
        if handler is not None:
            handler(value)

    def finish(self) -> MediaPlaylist:
        """All that was read."""
        if self._duration is not None:
            raise NotAPlaylist("EXTINF without the URI of its segment: is the playlist cut short?")
        if self._target_duration is None:
            raise NotAPlaylist("EXT-X-TARGETDURATION is missing")
        return MediaPlaylist(
            target_duration=self._target_duration,
            media_sequence=self._media_sequence,
            discontinuity_sequence=self._discontinuity_sequence,
            segments=tuple(self._segments),
            ended=self._ended,
            version=self._version,
            playlist_type=self._playlist_type,
            independent_segments=self._independent_segments,
        )

    def _uri(self, uri: str) -> None:
        if self._duration is None:
            raise NotAPlaylist("a URI without EXTINF before it")
        self._segments.append(
            MediaSegment(
                uri=uri,
                duration=self._duration,
                title=self._title,
                program_date_time=self._program_date_time,
                discontinuity=self._discontinuity,
                gap=self._gap,
                byte_range=self._byte_range,
                key=self._key,
                init_section=self._init_section,
            )
        )
        self._start_segment()

    def _extinf(self, value: str) -> None:
        seconds, _, title = value.partition(",")
        self._duration = parse_seconds(seconds.strip(" \t"))
        self._title = title or None

    def _byterange(self, value: str) -> None:
        self._byte_range = value

    def _set_discontinuity(self, _value: str) -> None:
        self._discontinuity = True

    def _set_discontinuity_sequence(self, value: str) -> None:
        self._discontinuity_sequence = integer(value)

    def _endlist(self, _value: str) -> None:
        self._ended = True

    def _set_gap(self, _value: str) -> None:
        self._gap = True

    def _independent(self, _value: str) -> None:
        self._independent_segments = True

    def _set_key(self, value: str) -> None:
        # Several keys may stand before one segment, one for each key system: one that encrypts outweighs one that not.
        key = Key.parse(value)
        if self._key is None or key.is_encryption:
            self._key = key

    def _map(self, value: str) -> None:
        self._init_section = InitSection.parse(value)

    def _set_media_sequence(self, value: str) -> None:
        self._media_sequence = integer(value)

    def _type(self, value: str) -> None:
        self._playlist_type = enumerated(value)

    def _date(self, value: str) -> None:
        self._program_date_time = parse_instant(value)

    def _target(self, value: str) -> None:
        self._target_duration = parse_seconds(value)

    def _set_version(self, value: str) -> None:
        self._version = integer(value)
