"""Filtered multivariant playlists: made when they are asked for, and kept up to so many bytes.

Clients choose filters, so there may be any number of them; a client that invents many only pushes others out. They are
never on the board: the fast path finds responses by path alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from understudy_domain.entry import ProgramEntry
from understudy_domain.manifest_filter import ManifestFilter
from understudy_egress.prepared import Prepared, prepare_playlist
from understudy_egress.programme import ROUTE_MULTIVARIANT, Programme
from understudy_runtime.byte_cache import ByteCache

_BYTES_MAX: Final = 16 << 20
"""Of a few kilobytes each."""
_OVERHEAD_BYTES: Final = 2_048
"""What one takes besides its text: headers, the filter, objects."""


@dataclass(frozen=True, slots=True)
class _Kept:
    described: tuple[object, ...]
    prepared: Prepared


class FilteredPlaylists:
    """One per process."""

    def __init__(self, *, bytes_max: int = _BYTES_MAX) -> None:
        self.kept: ByteCache[tuple[str, ManifestFilter], _Kept] = ByteCache(bytes_max=bytes_max)

    def playlist(self, programme: Programme, manifest_filter: ManifestFilter) -> Prepared:
        """A programme's multivariant playlist with what satisfies the filter.

        Raises:
            NotYetAvailable, UnknownObject: as ``Programme.playlist``.
            NothingLeft: nothing does.
        """
        programme.playlist(programme.multivariant_path())
        described = _description(programme, programme.window.describing_entry())
        key = (programme.endpoint.guid, manifest_filter)
        kept = self.kept.find(key)
        if kept is None or kept.described != described:
            text = programme.window.multivariant_playlist(manifest_filter)
            kept = _Kept(described, prepare_playlist(text, route=ROUTE_MULTIVARIANT))
            self.kept.put(key, kept, weight=2 * len(text) + _OVERHEAD_BYTES)
        return kept.prepared


def _description(programme: Programme, entry: ProgramEntry) -> tuple[object, ...]:
    """All that a multivariant playlist, filtered or not, follows from: equal ones are equal playlists."""
    return (
        programme.endpoint.manifest_name,
        *(
            (
                *(one.rendition, one.codecs, one.bandwidth, one.width, one.height, one.frame_rate, one.audio_group),
                *(one.name, one.language, one.channels, one.default, one.autoselect),
                *(one.nominal_bandwidth, one.audio_channels, one.sample_rate),
            )
            for one in entry.renditions
        ),
    )
