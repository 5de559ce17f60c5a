"""One rule for instants, in the URLs of playlists and in harvest jobs."""

from __future__ import annotations

import pytest

from understudy_controller.api.harvest_jobs import _instant
from understudy_domain.errors import InvalidResource
from understudy_domain.instants import parse_instant
from understudy_domain.playlist_request import MalformedPlaylistRequest, parse_playlist_request

PATH = f"/out/v1/{'a' * 32}/index.m3u8"


@pytest.mark.parametrize("text", ["1700000000", "2023-11-14T22:13:20Z", "20231114T221320Z", "2023-11-14T23:13:20,0+01"])
def test_an_instant_is_the_same_wherever_it_is_written(text: str) -> None:
    assert parse_instant(text) == 1_700_000_000 * 90_000
    assert _instant("startTime", text) == parse_instant(text)
    assert parse_playlist_request(PATH, f"start={text}").start == parse_instant(text)


@pytest.mark.parametrize("text", ["yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-13-14T22:13:20Z", "-1"])
def test_what_is_none_or_names_no_zone_is_refused_everywhere(text: str) -> None:
    with pytest.raises(InvalidResource, match="startTime: "):
        _instant("startTime", text)
    with pytest.raises(MalformedPlaylistRequest, match="start="):
        parse_playlist_request(PATH, f"start={text}")
