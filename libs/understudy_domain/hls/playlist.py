"""Either kind of playlist, told apart by its tags."""

from __future__ import annotations

from understudy_domain.errors import NotAPlaylist
from understudy_domain.hls.media_playlist import MediaPlaylist, parse_media_playlist
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist, parse_multivariant_playlist

_MULTIVARIANT = frozenset({"#EXT-X-STREAM-INF", "#EXT-X-MEDIA"})
_MEDIA = frozenset({"#EXTINF", "#EXT-X-TARGETDURATION"})


def parse_playlist(text: str) -> MultivariantPlaylist | MediaPlaylist:
    """A playlist of either kind.

    Raises:
        NotAPlaylist: it does not begin with EXTM3U, is of neither kind or of both, or breaks the grammar; the message
            names the line and the reason.
    """
    lines = [
        (number, stripped)
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
        if (stripped := line.strip(" \t\r"))
    ]
    if not lines or lines[0][1] != "#EXTM3U":
        raise NotAPlaylist("line 1: a playlist begins with #EXTM3U")
    del lines[0]
    names = {line.partition(":")[0] for _, line in lines if line.startswith("#EXT")}
    if names.isdisjoint(_MULTIVARIANT):
        if names.isdisjoint(_MEDIA):
            raise NotAPlaylist("neither EXT-X-STREAM-INF nor EXT-X-TARGETDURATION in it: no kind of playlist")
        return parse_media_playlist(lines)
    if not names.isdisjoint(_MEDIA):
        raise NotAPlaylist("tags of a multivariant playlist and of a media playlist in one")
    return parse_multivariant_playlist(lines)
