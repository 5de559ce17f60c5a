"""Live playlists under paths with an end and no start."""

from __future__ import annotations

from understudy_domain.playlist_request import PlaylistRequest, parse_playlist_request
from understudy_egress.climbing import ClimbingPlaylists
from understudy_egress.prepared import Prepared, prepare_playlist

GUID = "e" * 32


def asked(name: str = "index_v1.m3u8") -> PlaylistRequest:
    return parse_playlist_request(f"/out/v1/{GUID}/end/1800000000/{name}")


def live(number: int) -> Prepared:
    return prepare_playlist(f"#EXTM3U\n#EXTINF:6.00000,\nr1/v1/{number}.ts\n".encode(), route="media_playlist")


def test_segments_are_where_they_always_are() -> None:
    climbed = ClimbingPlaylists().playlist(live(7), asked())
    assert climbed.identity.body == b"#EXTM3U\n#EXTINF:6.00000,\n../../r1/v1/7.ts\n"


def test_one_is_made_when_the_live_playlist_changes_not_when_it_is_asked_for() -> None:
    playlists = ClimbingPlaylists()
    first = playlists.playlist(live(7), asked())
    assert playlists.playlist(live(7), asked()) is first
    assert playlists.playlist(live(7), asked("index_v2.m3u8")) is not first
    second = playlists.playlist(live(8), asked())
    assert b"../../r1/v1/8.ts" in bytes(second.identity.body)
    assert len(playlists.kept) == 2


def test_they_take_no_more_than_they_may() -> None:
    playlists = ClimbingPlaylists(bytes_max=10_000)
    for number in range(100):
        playlists.playlist(live(number), asked(f"index_v{number}.m3u8"))
    assert 0 < playlists.kept.bytes_held <= 10_000
