"""Manifest filters: what they may say, and what they leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.program_entries import make_audio, make_endpoint, make_entry, make_piece, make_video
from understudy_domain.entry import EntryRendition
from understudy_domain.index_page import IndexPage
from understudy_domain.manifest_filter import (
    LENGTH_MAX,
    Condition,
    MalformedManifestFilter,
    NothingLeft,
    parse_manifest_filter,
)
from understudy_domain.multivariant import render_multivariant
from understudy_domain.playlist_request import means_something, parse_playlist_request, requested_filter

GUID = "e" * 32


def renditions() -> list[EntryRendition]:
    """Three of video, the best one in HEVC of 10 bits; sound in two languages."""
    piece = make_piece(0)
    v1 = make_video(piece, rendition="v1", audio_group="audio", nominal_bandwidth=6_000_000)
    v2 = make_video(piece, rendition="v2", audio_group="audio", nominal_bandwidth=3_000_000)
    v3 = make_video(piece, rendition="v3", audio_group="audio", nominal_bandwidth=1_000_000)
    a1 = replace(make_audio(piece), nominal_bandwidth=128_000, sample_rate=48_000)
    return [
        replace(v1, codecs=("hvc1.2.4.L120.B0",), height=1080, width=1920, frame_rate="50"),
        replace(v2, codecs=("avc1.64001f",), height=720, width=1280, frame_rate="30000/1001"),
        replace(v3, codecs=("avc1.42c01e",), height=360, width=640, frame_rate="25"),
        a1,
        replace(a1, rendition="a2", language="fr", codecs=("ec-3",), channels="6/JOC", nominal_bandwidth=384_000),
    ]


def muxed() -> list[EntryRendition]:
    """One of video with sound in it."""
    return [replace(make_video(make_piece(0)), language="en", audio_channels=2, sample_rate=44_100)]


def left(text: str, of: list[EntryRendition] | None = None) -> str:
    return " ".join(one.rendition for one in parse_manifest_filter(text).apply(of or renditions()))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("video_height:360-720", "v2 v3 a1 a2"),
        ("video_height:1080", "v1 a1 a2"),
        ("video_height:360,1080", "v1 v3 a1 a2"),
        ("video_height:0-400,1000-2147483647", "v1 v3 a1 a2"),
        ("video_bitrate:1000000-3000000", "v2 v3 a1 a2"),
        ("video_framerate:29.97", "v2 a1 a2"),
        ("video_framerate:23.976-29.970", "v2 v3 a1 a2"),
        ("video_codec:h265", "v1 a1 a2"),
        ("video_codec:H264,h265", "v1 v2 v3 a1 a2"),
        ("video_dynamic_range:sdr", "v2 v3 a1 a2"),
        ("audio_language:fr", "v1 v2 v3 a2"),
        ("AUDIO_LANGUAGE:FR,EN", "v1 v2 v3 a1 a2"),
        # Of an open list anything may be asked for.
        ("audio_language:tlh", "v1 v2 v3"),
        ("audio_codec:aacl", "v1 v2 v3 a1"),
        ("audio_codec:ec-3", "v1 v2 v3 a2"),
        ("audio_channels:1-2", "v1 v2 v3 a1"),
        ("audio_channels:6", "v1 v2 v3 a2"),
        ("audio_bitrate:0-200000", "v1 v2 v3 a1"),
        ("audio_sample_rate:48000", "v1 v2 v3 a1 a2"),
        ("audio_sample_rate:0-44100", "v1 v2 v3"),
        ("video_height:720;audio_language:en", "v2 a1"),
        # There is none of these: nothing to leave out.
        ("subtitle_language:de;trickplay_height:1-2;trickplay_type:iframe", "v1 v2 v3 a1 a2"),
    ],
)
def test_what_satisfies_all_keys_stays(text: str, kept: str) -> None:
    assert left(text) == kept


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("audio_language:en", True),
        ("audio_language:fr", False),
        ("audio_codec:aacl;video_codec:h264", True),
        ("audio_codec:ac-3", False),
        ("audio_channels:2;audio_sample_rate:44100", True),
        ("audio_channels:6", False),
        ("audio_bitrate:1", True),
        ("video_height:720;audio_language:fr", False),
    ],
)
def test_multiplexed_sound_is_judged_with_its_video(text: str, stays: bool) -> None:
    if stays:
        assert left(text, muxed()) == "v1"
    else:
        with pytest.raises(NothingLeft):
            left(text, muxed())


def test_what_is_not_known_satisfies_nothing() -> None:
    unknown = [replace(make_video(make_piece(0)), codecs=(), height=None, frame_rate="0/0")]
    for text in ("video_height:0-9999", "video_framerate:0-999", "video_codec:h264", "video_dynamic_range:sdr"):
        with pytest.raises(NothingLeft):
            left(text, unknown)
    assert left("audio_language:en", unknown) == "v1"


def test_a_channel_of_sound_alone_can_be_filtered() -> None:
    audio = renditions()[3:]
    assert left("audio_language:fr;video_height:1", audio) == "a2"
    with pytest.raises(NothingLeft):
        left("audio_language:de", audio)


@pytest.mark.parametrize(
    "text",
    [
        *("", ";", "video_height", "video_height:", "video_height:720;", ":720", "height:720", "video height:720"),
        *("video_height:a", "video_height:-1", "video_height:1-", "video_height:-", "video_height:2-1"),
        *("video_height:1-2-3", "video_height:1.5", "video_height:2147483648", "video_height:0-99999999999"),
        *("video_framerate:29.9701", "video_framerate:.5", "video_framerate:5.", "video_height:720,,360"),
        *("video_height:\u0661", "video_codec:vp9", "video_codec:h264,", "audio_codec:mp3", "trickplay_type:x"),
        *("video_dynamic_range:dolby", "audio_language:", "audio_language:en us", "audio_language:" + "x" * 9),
        *("video_height:720;video_height:360", "video_height:720;VIDEO_HEIGHT:360"),
        "audio_language:" + ",".join(["en"] * 400),
    ],
)
def test_what_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(MalformedManifestFilter, match=r"aws\.manifestfilter"):
        parse_manifest_filter(text)


def test_the_same_filter_written_otherwise_is_the_same() -> None:
    one = parse_manifest_filter("video_height:360,720;audio_language:en,fr")
    assert one == parse_manifest_filter("AUDIO_LANGUAGE:FR,en;video_height:720-720,360")
    assert len({one, parse_manifest_filter("audio_language:fr,en;video_height:360,720")}) == 1


@given(st.text(max_size=LENGTH_MAX + 10) | st.text("abcdefghioruv_:;,-.0123456789", max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        found = parse_manifest_filter(text)
    except MalformedManifestFilter:
        return
    assert found.conditions


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_both_ends_of_a_range_are_in_it(low: int, high: int, fact: int) -> None:
    least, greatest = sorted((low, high))
    (condition,) = parse_manifest_filter(f"video_height:{least}-{greatest}").conditions
    assert condition == Condition("video_height", ranges=((least * 1000, greatest * 1000),))
    assert condition.holds(fact * 1000) is (least <= fact <= greatest)


def test_a_filter_is_read_from_the_query_of_a_playlist() -> None:
    for query in (
        "aws.manifestfilter=video_height:720",
        "x=1&AWS.ManifestFilter=video_height%3A720",
        "aws%2Emanifestfilter=video%5Fheight:720&start=1700000000",
    ):
        assert means_something(query.encode())
        request = parse_playlist_request(f"/out/v1/{GUID}/index.m3u8", query)
        assert request.manifest_filter == parse_manifest_filter("video_height:720")
        assert "manifestfilter" not in request.child_query
    assert parse_playlist_request(f"/out/v1/{GUID}/index.m3u8", "manifestfilter=x&m=1").manifest_filter is None
    for query in ("aws.manifestfilter", "aws.manifestfilter=a&aws.manifestfilter=a"):
        assert means_something(query.encode())
        with pytest.raises(MalformedManifestFilter):
            requested_filter(query)
    with pytest.raises(MalformedManifestFilter, match="twice"):
        requested_filter("aws.manifestfilter=video_height:720&aws.manifestfilter=video_height:720")


def test_a_filtered_playlist_lists_what_is_left_with_the_same_uris() -> None:
    entry = make_entry(0, renditions=renditions())
    filtered = parse_manifest_filter("video_height:720;audio_language:en").apply(entry.renditions)
    text = render_multivariant(make_endpoint(), replace(entry, renditions=filtered))
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["index_v2.m3u8"]
    assert text.count("#EXT-X-MEDIA") == 1
    silent = parse_manifest_filter("audio_language:tlh").apply(entry.renditions)
    assert "AUDIO=" not in render_multivariant(make_endpoint(), replace(entry, renditions=silent))


def test_pages_know_as_much_of_renditions_as_entries() -> None:
    page = IndexPage.parse(IndexPage.of([make_entry(0, renditions=renditions())]).encode())
    wanted = parse_manifest_filter("audio_sample_rate:48000;video_bitrate:3000000;audio_bitrate:128000")
    assert [one.rendition for one in wanted.apply(page.lineup(0).renditions)] == ["v2", "a1"]
