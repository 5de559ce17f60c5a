"""Filtered playlists in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.program_entries import START, make_endpoint, make_entries, make_entry, make_piece, make_video, seconds
from understudy_domain.errors import NotYetAvailable
from understudy_domain.manifest_filter import parse_manifest_filter
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.filtered import FilteredPlaylists
from understudy_egress.programme import Programme

FILTER = parse_manifest_filter("video_height:720")


def programme_of(count: int) -> Programme:
    programme = Programme(make_endpoint(), {}, secrets=CdnSecrets(None))
    programme.replace(make_entries(count), now=START + seconds(6 * count))
    return programme


def test_one_is_made_once_and_again_when_what_it_says_has_changed() -> None:
    programme, filtered = programme_of(3), FilteredPlaylists()
    first = filtered.playlist(programme, FILTER)
    assert first.identity.body == programme.playlist(programme.multivariant_path()).identity.body
    assert first.gzip is not None
    (entry,) = make_entries(1, first=3)
    programme.append(entry, now=entry.available_at)
    assert filtered.playlist(programme, FILTER) is first
    wider = replace(make_video(make_piece(4)), width=1440)
    programme.append(make_entry(4, renditions=[wider]), now=START + seconds(100))
    second = filtered.playlist(programme, FILTER)
    assert b"1440x720" in second.identity.body
    programme.configure(replace(make_endpoint(), manifest_name="main"), now=START + seconds(100))
    assert b"main_v1.m3u8" in filtered.playlist(programme, FILTER).identity.body


def test_clients_cannot_fill_memory_with_filters() -> None:
    programme, filtered = programme_of(3), FilteredPlaylists(bytes_max=64 << 10)
    for number in range(1_000):
        filtered.playlist(programme, parse_manifest_filter(f"video_height:720,{number}"))
    assert filtered.kept.bytes_held <= 64 << 10
    assert len(filtered.kept) < 32


def test_nothing_is_filtered_before_there_is_something() -> None:
    with pytest.raises(NotYetAvailable):
        FilteredPlaylists().playlist(Programme(make_endpoint(), {}, secrets=CdnSecrets(None)), FILTER)
