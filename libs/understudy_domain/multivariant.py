"""The multivariant playlist of an origin endpoint, from one entry: as measured in the media."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Protocol

from understudy_domain import keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.rendition import Rendition
from understudy_domain.hls.variant import Variant
from understudy_domain.index_page import RenditionDescription
from understudy_domain.media import TrackKind

MULTIVARIANT_PLAYLIST_VERSION = 6
"""EXT-X-VERSION: nothing in it needs more than its protocol version's own tags."""


Described = EntryRendition | RenditionDescription


class Describing(Protocol):
    """An entry, or as much of one as describes its renditions."""

    @property
    def renditions(self) -> Sequence[Described]:
        """In the order in which they are listed."""


def render_multivariant(endpoint: OriginEndpoint, entry: Describing, *, child_query: str = "") -> str:
    """The multivariant playlist. URIs are relative to it; renditions keep the order of the entry.

    Audio is listed as variants of its own where there is no video at all, else in the groups that a video names.
    ``child_query`` is put behind the URI of each media playlist.
    """
    videos = [rendition for rendition in entry.renditions if rendition.kind is TrackKind.VIDEO]
    audios = [rendition for rendition in entry.renditions if rendition.kind is TrackKind.AUDIO]
    named = {video.audio_group for video in videos if video.audio_group is not None}
    grouped = [audio for audio in audios if audio.audio_group in named]
    return MultivariantPlaylist(
        version=MULTIVARIANT_PLAYLIST_VERSION,
        independent_segments=True,
        renditions=tuple(_alternates(endpoint, grouped, child_query)),
        variants=tuple(_variant(endpoint, main, grouped, child_query) for main in (videos or audios)),
    ).render()


def _alternates(endpoint: OriginEndpoint, audios: Sequence[Described], child_query: str) -> Iterable[Rendition]:
    of_groups: dict[str, list[Described]] = {}
    for audio in audios:
        of_groups.setdefault(audio.audio_group or "", []).append(audio)
    defaults = {group: _default(members) for group, members in of_groups.items()}
    for audio in audios:
        group = audio.audio_group or ""
        default = audio is defaults[group]
        yield Rendition(
            kind="AUDIO",
            group=group,
            name=audio.name or audio.rendition,
            uri=keys.media_playlist_name(endpoint.manifest_name, audio.rendition) + child_query,
            language=audio.language,
            channels=audio.channels,
            default=default,
            # RFC 8216, 4.3.4.1: what is the default must be selectable without being asked for.
            autoselect=audio.autoselect or default,
        )


def _default(members: Sequence[Described]) -> Described | None:
    """Which of a group is played unless another is asked for; None: a player chooses among those it may."""
    declared = next((one for one in members if one.default), None)
    if declared is None and not any(one.autoselect for one in members):
        return members[0]  # the one that was is left out: silence is not what somebody wants who asked for a language
    return declared


def _variant(endpoint: OriginEndpoint, main: Described, grouped: Sequence[Described], child_query: str) -> Variant:
    audios = [audio for audio in grouped if main.audio_group is not None and audio.audio_group == main.audio_group]
    codecs = dict.fromkeys(codec for rendition in (main, *audios) for codec in rendition.codecs if codec)
    return Variant(
        uri=keys.media_playlist_name(endpoint.manifest_name, main.rendition) + child_query,
        bandwidth=main.bandwidth + max((audio.bandwidth for audio in audios), default=0),
        codecs=",".join(codecs) or None,
        width=main.width if main.height is not None else None,
        height=main.height if main.width is not None else None,
        frame_rate=_decimal_frame_rate(main.frame_rate),
        audio=main.audio_group if audios else None,
    )


def _decimal_frame_rate(frame_rate: str | None) -> str | None:
    """``"30000/1001"`` to ``29.970``: a decimal with three places, as FRAME-RATE asks for."""
    if frame_rate is None:
        return None
    try:
        return f"{float(Fraction(frame_rate)):.3f}"
    except (ValueError, ZeroDivisionError):
        return None  # The attribute is optional, the playlist is not.
