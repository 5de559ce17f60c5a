"""What the URL of a playlist asks for."""

from __future__ import annotations

import pytest

from understudy_domain import ticks
from understudy_domain.errors import UnknownObject
from understudy_domain.playlist_request import (
    MalformedPlaylistRequest,
    PlaylistRequest,
    means_something,
    parse_playlist_request,
)

GUID = "0123456789abcdef0123456789abcdef"
BASE = f"/out/v1/{GUID}/"
NOON = ticks.from_seconds(1_795_435_200)  # 2026-11-23T12:00:00Z
ONE = NOON + ticks.from_seconds(3600)


def asked(path: str, query: str = "") -> PlaylistRequest:
    return parse_playlist_request(BASE + path, query)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("start/1795435200/end/1795438800/index.m3u8", ""),
        ("start/2026-11-23T12:00:00Z/end/2026-11-23T13:00:00Z/index.m3u8", ""),
        ("index.m3u8", "start=1795435200&end=1795438800"),
        ("index.m3u8", "end=1795438800&start=1795435200"),
        ("index.m3u8", "start=2026-11-23T12:00:00Z&end=2026-11-23T13:00:00.000Z"),
        ("index.m3u8", "start=2026-11-23T12:00:00%2B00:00&end=2026-11-23T13:00:00+00:00"),
        ("index.m3u8", "start=2026-11-23T13:00%3A00%2B01%3A00&end=2026-11-23t14:00+01"),
        ("index.m3u8", "start=20261123T120000Z&end=20261123T1300Z"),
        ("index.m3u8", "start=20261123T060000-0600&end=2026-11-23T13:00:00,000Z"),
        ("index.m3u8", "%73tart=1795435200&en%64=1795438800"),
        ("index.m3u8", "m=1511305678&start=1795435200&x&end=1795438800&aws.other=1"),
    ],
)
def test_a_window_is_the_same_in_every_spelling(path: str, query: str) -> None:
    request = asked(path, query)
    assert (request.start, request.end, request.name) == (NOON, ONE, "index.m3u8")
    assert request.origin_endpoint_guid == GUID
    assert not request.is_live


def test_a_start_alone_has_no_end() -> None:
    for request in (asked("start/1795435200/index.m3u8"), asked("index.m3u8", "start=1795435200")):
        assert (request.start, request.end, request.is_live) == (NOON, None, False)


def test_an_end_alone_asks_for_the_live_playlist() -> None:
    for request in (asked("end/1795435200/index.m3u8"), asked("index.m3u8", "end=1795435200")):
        assert (request.start, request.end, request.is_live, request.child_query) == (None, None, True, "")
        assert request.live_path == BASE + "index.m3u8"


def test_no_parameters_of_ours_ask_for_the_live_playlist() -> None:
    assert asked("index_v1.m3u8", "m=1&t=2") == PlaylistRequest(GUID, "index_v1.m3u8")
    assert asked("index.m3u8", "Start=1&started=2&").is_live


def test_child_playlists_carry_the_window_as_it_was_asked_for() -> None:
    query = "end=2026-11-23T13:00:00%2B00:00&m=5&start=1795435200"
    assert asked("index.m3u8", query).child_query == "?start=1795435200&end=2026-11-23T13:00:00%2B00:00"
    assert asked("start/1795435200/index.m3u8").child_query == ""


def test_segments_are_those_of_the_live_playlist() -> None:
    assert asked("index.m3u8", "start=1795435200").segment_prefix == ""
    assert asked("start/1795435200/index.m3u8").segment_prefix == "../../"
    assert asked("start/1795435200/end/1795438800/index.m3u8").segment_prefix == "../../../../"
    assert asked("end/1795438800/index.m3u8").segment_prefix == "../../"


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("index.m3u8", "start=yesterday", "start='yesterday' is neither POSIX seconds nor"),
        ("index.m3u8", "start=", "start='' is neither"),
        ("index.m3u8", "start", "start='' is neither"),
        ("index.m3u8", "end=x", "end='x' is neither"),
        ("index.m3u8", "start=2026-11-23", "is neither"),
        ("index.m3u8", "start=-5", "is neither"),
        ("index.m3u8", "start=1795435200.5", "is neither"),
        ("index.m3u8", "start=2026-11-23T12:00:00", "names no time zone"),
        ("index.m3u8", "start=20261123T120000", "names no time zone"),
        ("index.m3u8", "start=2026-13-23T12:00:00Z", "is no instant"),
        ("index.m3u8", "start=1969-01-01T12:00:00Z", "lies before 1970"),
        ("index.m3u8", "start=0001-01-01T00:00:00%2B23:59", "lies before 1970"),
        ("index.m3u8", "start=1&start=1", "start is there twice"),
        ("index.m3u8", "start=1&st%61rt=1", "start is there twice"),
        ("index.m3u8", "start=5&end=5", "end must lie behind start"),
        ("index.m3u8", "start=5&end=4", "end must lie behind start"),
        ("index.m3u8", "start=0&end=86401", "24 h long at most"),
        ("start/1/index.m3u8", "start=1", "not into both"),
        ("start/1/index.m3u8", "end=2", "not into both"),
        ("end/2/start/1/index.m3u8", "", "in this order"),
        ("start/1/start/2/index.m3u8", "", "each once"),
        ("start/1/end/index.m3u8", "", "in this order"),
        ("start/1/end/2/end/3/index.m3u8", "", "each once"),
        ("start//index.m3u8", "", "start='' is neither"),
    ],
)
def test_what_means_nothing_is_refused_by_name(path: str, query: str, says: str) -> None:
    with pytest.raises(MalformedPlaylistRequest, match=says):
        asked(path, query)


@pytest.mark.parametrize("path", ["a/b/index.m3u8", "index.mpd", "start/1/2.ts", "x/index.m3u8", "in dex.m3u8", ""])
def test_another_path_is_no_playlist(path: str) -> None:
    with pytest.raises(UnknownObject):
        asked(path)


def test_a_day_is_the_longest_window() -> None:
    assert asked("index.m3u8", "start=0&end=86400").end == ticks.from_seconds(86_400)


@pytest.mark.parametrize("query", [b"start=1", b"m=1&end=2", b"start", b"%73tart=1", b"m=1&st%61rt=1", b"x&start&y"])
def test_a_query_that_could_mean_a_window_is_noticed(query: bytes) -> None:
    assert means_something(query)


@pytest.mark.parametrize("query", [b"", b"m=1511305678", b"started=1", b"restart=1", b"x=start", b"x=%20&y=end=1"])
def test_a_query_that_gets_past_caches_means_nothing(query: bytes) -> None:
    assert not means_something(query)
