"""A multivariant playlist: the variants of a programme and its alternate renditions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from understudy_domain.errors import NotAPlaylist
from understudy_domain.hls import rendition as rendition_tag
from understudy_domain.hls import variant as variant_tag
from understudy_domain.hls.attribute_list import integer
from understudy_domain.hls.lines import read_lines
from understudy_domain.hls.rendition import Rendition
from understudy_domain.hls.variant import Variant


@dataclass(frozen=True, slots=True)
class MultivariantPlaylist:
    """The entry to a programme: what an encoder announces, or what a player is given first."""

    variants: tuple[Variant, ...] = ()
    renditions: tuple[Rendition, ...] = ()
    version: int | None = None  # EXT-X-VERSION
    independent_segments: bool = False  # EXT-X-INDEPENDENT-SEGMENTS

    def render(self) -> str:
        """The whole playlist: renditions first, as players may read it once from top to bottom."""
        parts = ["#EXTM3U\n"]
        if self.version is not None:
            parts.append(f"#EXT-X-VERSION:{self.version}\n")
        if self.independent_segments:
            parts.append("#EXT-X-INDEPENDENT-SEGMENTS\n")
        parts += [rendition.render() for rendition in self.renditions]
        parts += [variant.render() for variant in self.variants]
        return "".join(parts)


def parse_multivariant_playlist(lines: Iterable[tuple[int, str]]) -> MultivariantPlaylist:
    """A multivariant playlist from its numbered, stripped, non-empty lines after EXTM3U.

    Raises:
        NotAPlaylist: it breaks the grammar; the message names the line.
    """
    reader = _Reader()
    number = read_lines(lines, reader.read)
    if reader.pending is not None:
        raise NotAPlaylist(f"after line {number}: EXT-X-STREAM-INF without its URI: is the playlist cut short?")
    return MultivariantPlaylist(
        variants=tuple(reader.variants),
        renditions=tuple(reader.renditions),
        version=reader.version,
        independent_segments=reader.independent_segments,
    )


class _Reader:
    """Collects tags until the URI that they apply to."""

    def __init__(self) -> None:
        self.variants: list[Variant] = []
        self.renditions: list[Rendition] = []
        self.version: int | None = None
        self.independent_segments = False
        self.pending: str | None = None

    def read(self, line: str) -> None:
        """Take one line: a tag, a comment, or a URI."""
        if not line.startswith("#"):
            if self.pending is None:
                raise NotAPlaylist("a URI without EXT-X-STREAM-INF before it")
            self.variants.append(Variant.parse(self.pending, uri=line))
            self.pending = None
            return
        name, _, value = line.partition(":")
        if name == variant_tag.TAG:
            self.pending = value
        elif name == rendition_tag.TAG:
            self.renditions.append(Rendition.parse(value))
        elif name == "#EXT-X-VERSION":
            self.version = integer(value)
        elif name == "#EXT-X-INDEPENDENT-SEGMENTS":
            self.independent_segments = True
