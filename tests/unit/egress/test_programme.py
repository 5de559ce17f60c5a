"""What is on the board of one origin endpoint."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from support.program_entries import START, make_endpoint, make_entries, seconds
from understudy_domain.errors import NotYetAvailable, UnknownObject
from understudy_domain.event_listing import EventListing, slot_of
from understudy_egress.board import Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.errors import ClientNotWhitelisted, OriginationDenied
from understudy_egress.programme import Programme

ENDPOINT = make_endpoint(window_seconds=30)
MULTIVARIANT = f"/out/v1/{ENDPOINT.guid}/index.m3u8".encode()
MEDIA = f"/out/v1/{ENDPOINT.guid}/index_v1.m3u8".encode()


def programme_of(count: int, shown: Shown) -> Programme:
    programme = Programme(ENDPOINT, shown, secrets=CdnSecrets(None))
    entries = make_entries(count)
    programme.replace(entries, now=entries[-1].available_at)
    return programme


def test_nothing_is_shown_before_the_first_slot() -> None:
    shown: Shown = {}
    programme = Programme(ENDPOINT, shown, secrets=CdnSecrets(None))
    programme.replace(make_entries(3), now=START)
    assert not shown
    with pytest.raises(NotYetAvailable):
        programme.playlist(MULTIVARIANT)
    programme.advance(now=START + seconds(6))
    assert sorted(shown) == [MULTIVARIANT, MEDIA]
    with pytest.raises(UnknownObject):
        programme.playlist(MEDIA.replace(b"v1", b"v2"))


def test_only_what_changed_is_made_anew() -> None:
    shown: Shown = {}
    programme = programme_of(3, shown)
    multivariant, media = shown[MULTIVARIANT], shown[MEDIA]
    (entry,) = make_entries(1, first=3)
    programme.append(entry, now=entry.available_at)
    assert shown[MULTIVARIANT] is multivariant
    assert shown[MEDIA] is not media
    assert b"/3.ts" in shown[MEDIA].identity.body


def test_the_end_of_the_programme_changes_media_playlists_alone_and_may_be_taken_back() -> None:
    shown: Shown = {}
    programme = programme_of(3, shown)
    multivariant, live = shown[MULTIVARIANT], shown[MEDIA]
    last = programme.window.entries[-1]
    programme.append(replace(last, ended=True), now=last.available_at)
    assert shown[MULTIVARIANT] is multivariant
    ended = shown[MEDIA]
    assert ended.identity.body == bytes(live.identity.body) + b"#EXT-X-ENDLIST\n"
    assert ended.identity.etag != live.identity.etag
    assert ended.is_live
    (entry,) = make_entries(1, first=3)
    programme.append(entry, now=last.available_at)
    assert shown[MEDIA].identity.body == live.identity.body
    assert shown[MEDIA].identity.etag == live.identity.etag


@pytest.mark.compatibility("OriginEndpoint.origination", "OriginEndpoint.whitelist")
def test_access_is_judged_where_it_is_restricted() -> None:
    shown: Shown = {}
    programme = programme_of(3, shown)
    programme.access.check(None)
    denied = replace(ENDPOINT, origination="DENY")
    programme.configure(denied, now=START + seconds(100))
    assert not shown
    with pytest.raises(OriginationDenied):
        programme.access.check(ip_address("192.0.2.1"))
    programme.configure(replace(ENDPOINT, whitelist=("192.0.2.0/24",)), now=START + seconds(100))
    assert not shown
    programme.access.check(ip_address("192.0.2.1"))
    with pytest.raises(ClientNotWhitelisted, match=r"comes from 198\.51\.100\.1"):
        programme.access.check(ip_address("198.51.100.1"))
    programme.configure(ENDPOINT, now=START + seconds(100))
    assert sorted(shown) == [MULTIVARIANT, MEDIA]


def test_what_is_closed_is_off_the_board_for_good() -> None:
    shown: Shown = {}
    programme = programme_of(3, shown)
    programme.close()
    assert not shown


@pytest.mark.compatibility("OriginEndpoint.manifestName")
def test_a_new_name_replaces_the_old_one() -> None:
    shown: Shown = {}
    programme = programme_of(3, shown)
    programme.configure(replace(ENDPOINT, manifest_name="main"), now=START + seconds(100))
    assert sorted(shown) == [path.replace(b"index", b"main") for path in (MULTIVARIANT, MEDIA)]


EVENT = replace(
    ENDPOINT, startover_window_seconds=3600, hls_package=replace(ENDPOINT.hls_package, playlist_type="EVENT")
)


def listing_of(count: int) -> EventListing:
    found = EventListing(EVENT)
    for entry in make_entries(count):
        found.append(slot_of(entry, EVENT.hls_package.stream_selection))
    return found


def listed_in(shown: Shown) -> int:
    return bytes(shown[MEDIA].identity.body).count(b".ts\n")


def test_an_endpoint_that_lists_everything_shows_nothing_until_its_past_is_known() -> None:
    shown: Shown = {}
    programme = programme_of(20, shown)
    now = programme.window.entries[-1].available_at
    programme.configure(EVENT, now=now)
    assert programme.awaits_past
    assert not shown
    programme.advance(now=now + seconds(6))
    assert not shown, "a part of it would be taken for all"
    programme.replace(make_entries(20), now=now, listing=listing_of(19))
    assert not programme.awaits_past
    assert listed_in(shown) == 20
    (entry,) = make_entries(1, first=20)
    programme.append(entry, now=entry.available_at)
    assert listed_in(shown) == 21


def test_what_changes_no_line_does_not_interrupt_an_endpoint_that_lists_everything() -> None:
    shown: Shown = {}
    programme = Programme(EVENT, shown, secrets=CdnSecrets(None))
    now = START + seconds(1000)
    programme.replace(make_entries(20), now=now, listing=listing_of(20))
    before = shown[MEDIA]
    programme.configure(replace(EVENT, description="a new one", whitelist=("0.0.0.0/0",)), now=now)
    assert programme.board.find(MEDIA) is before
    programme.configure(replace(EVENT, startover_window_seconds=7200), now=now)
    assert programme.awaits_past
    programme.configure(ENDPOINT, now=now)
    assert listed_in(shown) == 5, "an ordinary playlist needs no past"


def test_it_is_known_when_the_startover_window_no_longer_reaches_the_beginning() -> None:
    shown: Shown = {}
    programme = Programme(EVENT, shown, secrets=CdnSecrets(None))
    programme.replace(make_entries(20), now=START + seconds(1000), listing=listing_of(20))
    due = programme.next_change_at
    assert due == START + seconds(6) + seconds(3600) + 1
    programme.advance(now=due - 1)
    assert listed_in(shown) == programme.listed_count == 20
    programme.advance(now=due)
    assert listed_in(shown) == programme.listed_count == 5
    assert programme.next_change_at is None
    assert b"PLAYLIST-TYPE" not in bytes(shown[MEDIA].identity.body)
