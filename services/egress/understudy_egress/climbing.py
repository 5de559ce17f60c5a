"""Live playlists under paths with an end and no start: their segments are where they always are, further up.

They are made when they are asked for, and kept up to so many bytes while the live playlist is the same.
"""

from __future__ import annotations

from typing import Final

from understudy_domain.playlist_request import PlaylistRequest
from understudy_egress.prepared import Prepared, prepare_playlist
from understudy_runtime.byte_cache import ByteCache

_BYTES_MAX: Final = 16 << 20
_OVERHEAD_BYTES: Final = 2_048
"""What one takes besides its text: headers, the path, objects."""


class ClimbingPlaylists:
    """One per process."""

    def __init__(self, *, bytes_max: int = _BYTES_MAX) -> None:
        self.kept: ByteCache[tuple[str, str], Prepared] = ByteCache(bytes_max=bytes_max)

    def playlist(self, live: Prepared, request: PlaylistRequest) -> Prepared:
        """``live`` as it reads where it is asked for."""
        key = (request.live_path, request.segment_prefix)
        climbed = self.kept.find(key, version=live.identity.etag)
        if climbed is None:
            climbed = _climbing(live, request.segment_prefix)
            representations = [one for one in (climbed.identity, climbed.gzip) if one is not None]
            weight = sum(2 * len(one.body) for one in representations) + _OVERHEAD_BYTES  # by itself, and joined
            self.kept.put(key, climbed, weight=weight, version=live.identity.etag)
        return climbed


def _climbing(live: Prepared, prefix: str) -> Prepared:
    lines = live.identity.body.tobytes() if isinstance(live.identity.body, memoryview) else live.identity.body
    if b"#EXT-X-STREAM-INF" in lines:
        return live
    climbed = (line if line.startswith(b"#") else prefix.encode() + line for line in lines.splitlines(keepends=True))
    return prepare_playlist(b"".join(climbed), route=live.route)
