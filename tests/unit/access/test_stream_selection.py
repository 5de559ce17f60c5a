"""Which renditions an origin endpoint offers, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.program_entries import START, make_audio, make_endpoint, make_entry, make_piece, make_video, seconds
from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.errors import InvalidResource, NotYetAvailable, UnknownObject
from understudy_domain.facts import MultivariantArrived, SourceVariant
from understudy_domain.index_page import IndexPage
from understudy_domain.media import TrackKind
from understudy_domain.program import ProgramWindow
from understudy_domain.stream_selection import StreamSelection, bit_rate_of, offered
from understudy_egress.board import Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.programme import Programme

SELECTION = "OriginEndpoint.hlsPackage.streamSelection"


def ladder(number: int = 0) -> list[EntryRendition]:
    """v1 to v3, the highest bit rate first; the encoder announced the middle one first, then the highest."""
    rates = {"v1": (5_000_000, 1), "v2": (3_000_000, 0), "v3": (1_000_000, 2)}
    videos = [
        make_video(
            make_piece(number), rendition=name, audio_group="audio", nominal_bandwidth=nominal, position=position
        )
        for name, (nominal, position) in rates.items()
    ]
    return [*videos, make_audio(make_piece(number))]


def selecting(*, least: int = 0, most: int = 2**31 - 1, order: str = "ORIGINAL") -> OriginEndpoint:
    endpoint = make_endpoint()
    return replace(
        endpoint, hls_package=replace(endpoint.hls_package, stream_selection=StreamSelection(least, most, order))
    )


def entries(count: int = 3) -> list[ProgramEntry]:
    return [make_entry(number, renditions=ladder(number)) for number in range(count)]


def listed(endpoint: OriginEndpoint) -> list[str]:
    """The media playlists of the multivariant playlist's variants."""
    window = ProgramWindow(endpoint, entries())
    window.advance(now=START + seconds(100))
    lines = window.multivariant_playlist().decode().splitlines()
    return [line.removeprefix("index_").removesuffix(".m3u8") for line in lines if not line.startswith("#")]


@pytest.mark.compatibility(
    "OriginEndpoint.hlsPackage.streamSelection",
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.maxVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.streamOrder",
)
@pytest.mark.parametrize(
    ("endpoint", "variants"),
    [
        (selecting(), ["v2", "v1", "v3"]),
        (selecting(order="VIDEO_BITRATE_ASCENDING"), ["v3", "v2", "v1"]),
        (selecting(order="VIDEO_BITRATE_DESCENDING"), ["v1", "v2", "v3"]),
        (selecting(least=3_000_000), ["v2", "v1"]),
        (selecting(most=3_000_000), ["v2", "v3"]),
        (selecting(least=1_000_001, most=4_999_999), ["v2"]),
        (selecting(least=1_000_000, most=3_000_000, order="VIDEO_BITRATE_ASCENDING"), ["v3", "v2"]),
    ],
)
def test_variants_are_listed_by_bit_rate_and_order(endpoint: OriginEndpoint, variants: list[str]) -> None:
    assert listed(endpoint) == variants


def test_what_is_not_selected_is_nowhere_and_audio_stays() -> None:
    window = ProgramWindow(selecting(most=3_000_000), entries())
    window.advance(now=START + seconds(100))
    assert sorted(window.renditions()) == ["a1", "v2", "v3"]
    with pytest.raises(UnknownObject):
        window.media_playlist("v1")
    with pytest.raises(UnknownObject):
        window.segment("v1", 1, rendering_version=1)
    assert window.segment("v2", 1, rendering_version=1).pieces
    assert len(window.entries[0].renditions) == 4


def test_windows_of_the_past_offer_what_the_live_window_offers() -> None:
    page = IndexPage.parse(IndexPage.of(entries()).encode())
    selection = StreamSelection(max_video_bits_per_second=3_000_000)
    assert [one.rendition for one in page.lineup(0).renditions] == ["v2", "v1", "v3", "a1"]
    assert [one.rendition for one in page.lineup(0, selection=selection).renditions] == ["v2", "v3", "a1"]
    named = [name for name in ("v1", "v2", "v3", "a1") if page.names(name, 0, 3, selection=selection)]
    assert named == ["v2", "v3", "a1"]


def test_a_selection_that_leaves_no_video_leaves_nothing_and_says_so() -> None:
    shown: Shown = {}
    programme = Programme(selecting(least=6_000_000), shown, secrets=CdnSecrets(None))
    programme.replace(entries(), now=START + seconds(100))
    assert not shown
    with pytest.raises(UnknownObject, match="stream selection"):
        programme.playlist(b"/out/v1/x/index.m3u8")
    programme.replace(entries(), now=START)
    with pytest.raises(NotYetAvailable):
        programme.playlist(b"/out/v1/x/index.m3u8")


def test_a_changed_selection_is_followed_without_reading_anything_again() -> None:
    shown: Shown = {}
    programme = Programme(selecting(), shown, secrets=CdnSecrets(None))
    programme.replace(entries(), now=START + seconds(100))
    before = {path: prepared.identity.body for path, prepared in shown.items()}
    programme.configure(selecting(most=1_000_000), now=START + seconds(100))
    assert sorted(path.rpartition(b"/")[2] for path in shown) == [b"index.m3u8", b"index_a1.m3u8", b"index_v3.m3u8"]
    programme.configure(selecting(), now=START + seconds(100))
    assert {path: prepared.identity.body for path, prepared in shown.items()} == before


def test_a_channel_of_sound_alone_has_nothing_to_select() -> None:
    audio = [make_audio(make_piece(0))]
    assert offered(audio, StreamSelection(1, 2)) == tuple(audio)


def test_without_a_declared_bit_rate_the_measured_one_counts_and_the_line_up_is_the_order() -> None:
    one, two = make_video(make_piece(0)), replace(make_video(make_piece(0), rendition="v2"), bandwidth=1_000_000)
    assert bit_rate_of(one) == 2_000_000
    assert offered([one, two], StreamSelection()) == (one, two)
    assert offered([one, two], StreamSelection(max_video_bits_per_second=1_500_000)) == (two,)


def test_a_selection_of_nothing_is_refused_with_the_field() -> None:
    with pytest.raises(InvalidResource, match=r"hlsPackage\.streamSelection\.minVideoBitsPerSecond"):
        StreamSelection(2, 1)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), max_size=8),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(["ORIGINAL", "VIDEO_BITRATE_ASCENDING", "VIDEO_BITRATE_DESCENDING"]),
)
def test_all_that_is_within_is_offered_once_and_nothing_else(
    renditions: list[tuple[int, int | None]], one: int, other: int, order: str
) -> None:
    selection = StreamSelection(min(one, other), max(one, other), order)
    videos = [
        make_video(rendition=f"v{number}", nominal_bandwidth=rate, position=position)
        for number, (rate, position) in enumerate(renditions)
    ]
    kept = offered(videos, selection)
    assert sorted(v.rendition for v in kept) == sorted(v.rendition for v in videos if selection.selects(v))
    rates = [bit_rate_of(video) for video in kept]
    if order != "ORIGINAL":
        assert rates == sorted(rates, reverse=order.endswith("DESCENDING"))
    assert all(video.kind is TrackKind.VIDEO for video in kept)


def test_entries_carry_what_the_encoder_declares_and_in_which_order() -> None:
    encoder = SyntheticEncoder(1, playlists=("high.m3u8", "low.m3u8"))
    delivered = encoder.messages(range(6))
    variants = (SourceVariant("low.m3u8", 900_000), SourceVariant("high.m3u8", 4_000_000))
    announced = replace(
        delivered[0], fact=MultivariantArrived("channel.m3u8", variants), instant=delivered[0].instant - 1
    )
    broadcast = Broadcast([configured("endpoint", seconds=2), announced, *delivered]).run(until_seconds=60)
    renditions = broadcast.of("endpoint")[0].renditions
    assert [(one.rendition, one.nominal_bandwidth, one.position) for one in renditions] == [
        ("v1", 4_000_000, 1),
        ("v2", 900_000, 0),
    ]
