"""Whatever parses renders, and parses back equal."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from understudy_domain.errors import NotAPlaylist
from understudy_domain.hls.attribute_list import parse_instant, parse_seconds, render_instant, render_seconds
from understudy_domain.hls.init_section import InitSection
from understudy_domain.hls.key import Key
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.media_segment import MediaSegment
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_domain.hls.rendition import Rendition
from understudy_domain.hls.variant import Variant

_INSTANTS = st.integers(min_value=0, max_value=2**53 - 1)
_DURATIONS = st.integers(min_value=0, max_value=90_000 * 10**8)
_QUOTED = st.text(st.characters(exclude_characters='"\n', exclude_categories=["Cs"]))
_WORDS = st.from_regex(r"[A-Z0-9][A-Z0-9-]{0,20}", fullmatch=True)
_TITLES = st.none() | st.from_regex(r"[^\s][^\n\r]{0,10}[^\s]", fullmatch=True)
_URIS = st.from_regex(r"[A-Za-z0-9/.%_~?=&-]{1,40}", fullmatch=True)
_COUNTS = st.integers(min_value=0, max_value=2**63)


def _optional(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


_KEYS = st.builds(Key, _WORDS, _optional(_QUOTED), _optional(_WORDS), _optional(_QUOTED), _optional(_QUOTED))
_SEGMENTS = st.builds(
    MediaSegment,
    uri=_URIS,
    duration=_DURATIONS,
    title=_TITLES,
    program_date_time=st.none() | _INSTANTS,
    discontinuity=st.booleans(),
    gap=st.booleans(),
    byte_range=_optional(st.from_regex(r"[0-9]{1,9}(@[0-9]{1,9})?", fullmatch=True)),
    key=st.none() | _KEYS,
    init_section=st.none() | st.builds(InitSection, _QUOTED, _optional(_QUOTED)),
)
_MEDIA_PLAYLISTS = st.builds(
    MediaPlaylist,
    target_duration=_DURATIONS,
    media_sequence=_COUNTS,
    discontinuity_sequence=st.none() | _COUNTS,
    segments=st.lists(_SEGMENTS, max_size=5).map(tuple),
    ended=st.booleans(),
    version=st.none() | st.integers(0, 13),
    playlist_type=_optional(_WORDS),
    independent_segments=st.booleans(),
)
_SIZES = st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999))


@st.composite
def _variants(draw: st.DrawFn) -> Variant:
    size = draw(_SIZES)
    return Variant(
        uri=draw(_URIS),
        bandwidth=draw(_COUNTS),
        average_bandwidth=draw(st.none() | _COUNTS),
        codecs=draw(_optional(_QUOTED)),
        width=size[0] if size else None,
        height=size[1] if size else None,
        frame_rate=draw(_optional(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3})?", fullmatch=True))),
        audio=draw(_optional(_QUOTED)),
        subtitles=draw(_optional(_QUOTED)),
        closed_captions=draw(_optional(_QUOTED)),
    )


_RENDITIONS = st.builds(
    Rendition,
    kind=_WORDS,
    group=_QUOTED,
    name=_QUOTED,
    uri=_optional(_QUOTED),
    language=_optional(_QUOTED),
    channels=_optional(_QUOTED),
    instream_id=_optional(_QUOTED),
    characteristics=_optional(_QUOTED),
    default=st.booleans(),
    autoselect=st.booleans(),
    forced=st.booleans(),
)
_MULTIVARIANT_PLAYLISTS = st.builds(
    MultivariantPlaylist,
    variants=st.lists(_variants(), min_size=1, max_size=3).map(tuple),
    renditions=st.lists(_RENDITIONS, max_size=3).map(tuple),
    version=st.none() | st.integers(0, 13),
    independent_segments=st.booleans(),
)

_LINES = st.sampled_from(
    [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:2",
        "#EXT-X-TARGETDURATION:2.5",
        "#EXT-X-MEDIA-SEQUENCE:17",
        "#EXTINF:2.002,",
        "#EXTINF:1.9999999, title ",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T05:00:00.123456789+01:00",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-GAP",
        '#EXT-X-KEY:METHOD=AES-128,URI="k"',
        "#EXT-X-KEY:METHOD=NONE",
        "#EXT-X-MAP:URI=i.mp4",
        "#EXT-X-BYTERANGE:1",
        "#EXT-X-ENDLIST",
        "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=a b ,CODECS=x",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="\u00a0b"',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="i"',
        "1.ts",
        "  two words\u00a0",
    ]
)


@given(_MEDIA_PLAYLISTS)
def test_a_media_playlist_comes_back(playlist: MediaPlaylist) -> None:
    assert parse_playlist(playlist.render()) == playlist


@given(_MULTIVARIANT_PLAYLISTS)
def test_a_multivariant_playlist_comes_back(playlist: MultivariantPlaylist) -> None:
    assert parse_playlist(playlist.render()) == playlist


@given(st.lists(_LINES | st.text(max_size=30), max_size=12))
@example(["#EXT-X-TARGETDURATION:2", "#EXTINF:0.0000055556,", "x"])
def test_whatever_parses_renders_and_parses_back_equal(lines: list[str]) -> None:
    with contextlib.suppress(NotAPlaylist):
        playlist = parse_playlist("#EXTM3U\n" + "\n".join(lines))
        assert parse_playlist(playlist.render()) == playlist


@given(_DURATIONS)
def test_every_duration_comes_back_to_the_tick(duration: int) -> None:
    assert parse_seconds(render_seconds(duration)) == duration


@given(_INSTANTS)
def test_every_instant_comes_back_to_the_tick(instant: int) -> None:
    assert parse_instant(render_instant(instant)) == instant
