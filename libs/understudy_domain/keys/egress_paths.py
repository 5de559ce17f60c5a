"""The paths of playlists and segments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from understudy_domain.errors import MalformedKey


def multivariant_path(origin_endpoint_guid: str, manifest_name: str) -> str:
    """The path of an origin endpoint's multivariant playlist."""
    return f"/out/v1/{origin_endpoint_guid}/{manifest_name}.m3u8"


def media_playlist_name(manifest_name: str, rendition: str) -> str:
    """A media playlist's URI, relative to the multivariant playlist."""
    return f"{manifest_name}_{rendition}.m3u8"


def segment_name(rendition: str, media_sequence: int, *, rendering_version: int, suffix: str = "ts") -> str:
    """An output segment's URI, relative to either playlist.

    The rendering version stands in it so that a later release, which may join differently, never changes the bytes
    behind a published URI.
    """
    return f"r{rendering_version}/{rendition}/{media_sequence}.{suffix}"


@dataclass(frozen=True, slots=True)
class SegmentPath:
    """A parsed output segment path."""

    origin_endpoint_guid: str
    rendition: str
    media_sequence: int
    rendering_version: int
    suffix: str


# Without leading zeros: a segment has one path, not as many as somebody who wants to fill caches can write.
_SEGMENT_PATH = re.compile(
    r"/out/v1/([0-9a-f]{32})/r([1-9][0-9]{0,3})/([a-z0-9]{1,32})/(0|[1-9][0-9]{0,17})\.([a-z0-9]{1,8})"
)


def parse_segment_path(path: str) -> SegmentPath:
    """The parts of an output segment's path.

    Raises:
        MalformedKey: it is none.
    """
    match = _SEGMENT_PATH.fullmatch(path)
    if match is None:
        raise MalformedKey(f"not an output segment: {path!r:.200}")
    return SegmentPath(match[1], match[3], int(match[4]), int(match[2]), match[5])
