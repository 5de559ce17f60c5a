"""One table, three uses: text in, value, text out."""

from __future__ import annotations

import pytest

from understudy_domain.errors import NotAPlaylist
from understudy_domain.hls.init_section import InitSection
from understudy_domain.hls.key import Key
from understudy_domain.hls.media_playlist import MediaPlaylist, render_header
from understudy_domain.hls.media_segment import MediaSegment
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_domain.hls.rendition import Rendition
from understudy_domain.hls.variant import Variant

PLAYLISTS: dict[str, tuple[str, MultivariantPlaylist | MediaPlaylist, str]] = {
    "as FFmpeg writes it": (
        """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:885
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DISCONTINUITY
#EXTINF:2.002000,
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T05:00:00.123+0000
high/885.ts
#EXTINF:2,
high/886.ts
#EXT-X-ENDLIST
""",
        MediaPlaylist(
            target_duration=180_000,
            media_sequence=885,
            segments=(
                MediaSegment("high/885.ts", 180_180, program_date_time=161_586_900_011_070, discontinuity=True),
                MediaSegment("high/886.ts", 180_000),
            ),
            ended=True,
            version=6,
            independent_segments=True,
        ),
        """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:885
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T05:00:00.123Z
#EXTINF:2.00200,
high/885.ts
#EXTINF:2.00000,
high/886.ts
#EXT-X-ENDLIST
""",
    ),
    "every tag, with a byte order mark, blank lines and DOS line ends": (
        (
            "\ufeff#EXTM3U\r\n\r\n# a comment\r\n#EXT-X-TARGETDURATION:6\r\n#EXT-X-MEDIA-SEQUENCE:0\r\n"
            "#EXT-X-DISCONTINUITY-SEQUENCE:4\r\n#EXT-X-PLAYLIST-TYPE:EVENT\r\n#EXT-X-UNHEARD-OF:1\r\n"
            '#EXT-X-KEY:METHOD=AES-128,URI="k,1",IV=0x01\r\n#EXT-X-MAP:URI="i.mp4",BYTERANGE="7@0"\r\n'
            "#EXT-X-GAP\r\n#EXT-X-BYTERANGE:100@7\r\n#EXTINF:6.006,a title, even\r\n1.ts\r\n"
        ),
        MediaPlaylist(
            target_duration=540_000,
            discontinuity_sequence=4,
            playlist_type="EVENT",
            segments=(
                MediaSegment(
                    "1.ts",
                    540_540,
                    title="a title, even",
                    gap=True,
                    byte_range="100@7",
                    key=Key("AES-128", uri="k,1", initialization_vector="0x01"),
                    init_section=InitSection("i.mp4", "7@0"),
                ),
            ),
        ),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n"
            '#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-KEY:METHOD=AES-128,IV=0x01,URI="k,1"\n'
            '#EXT-X-MAP:URI="i.mp4",BYTERANGE="7@0"\n#EXT-X-GAP\n#EXT-X-BYTERANGE:100@7\n'
            "#EXTINF:6.00600,a title, even\n1.ts\n"
        ),
    ),
    "a multivariant playlist": (
        """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=6000000, AVERAGE-BANDWIDTH=5000000,RESOLUTION=1920x1080,FRAME-RATE=29.970,\
CODECS="avc1.640028,mp4a.40.2",AUDIO="aac",CLOSED-CAPTIONS=NONE
high.m3u8
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",INSTREAM-ID="CC1",DEFAULT=NO
""",
        MultivariantPlaylist(
            variants=(
                Variant(
                    "high.m3u8",
                    6_000_000,
                    5_000_000,
                    "avc1.640028,mp4a.40.2",
                    1920,
                    1080,
                    "29.970",
                    "aac",
                    closed_captions="NONE",
                ),
            ),
            renditions=(
                Rendition("AUDIO", "aac", "English", "en.m3u8", "en", "2", default=True, autoselect=True),
                Rendition("CLOSED-CAPTIONS", "cc", "CC", instream_id="CC1"),
            ),
        ),
        """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,DEFAULT=YES,AUTOSELECT=YES,GROUP-ID="aac",NAME="English",LANGUAGE="en",CHANNELS="2",URI="en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=6000000,AVERAGE-BANDWIDTH=5000000,RESOLUTION=1920x1080,FRAME-RATE=29.970,\
CLOSED-CAPTIONS=NONE,CODECS="avc1.640028,mp4a.40.2",AUDIO="aac"
high.m3u8
""",
    ),
}

NOT_PLAYLISTS = {
    "": "line 1",
    "<html>": "line 1",
    "#EXTM3U8\n": "line 1",
    "#EXTM3U\n": "no kind",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\nx.ts\n": "line 3: a URI without EXTINF",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n": "after line 3: EXTINF without",
    "#EXTM3U\n#EXTINF:2,\nx.ts\n": "EXT-X-TARGETDURATION is missing",
    "#EXTM3U\n#EXT-X-TARGETDURATION:-2\n": "line 2",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:nan,\nx.ts\n": "line 3",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1.5\n": "line 3",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:yesterday\n": "line 3",
    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:1914-08-01T00:00:00Z\n": "line 3",
    '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:URI="k"\n': "METHOD is missing",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n": "after line 2",
    '#EXTM3U\n#EXT-X-STREAM-INF:CODECS="a\nx.m3u8\n': "line 3: not an attribute list",
    '#EXTM3U\n#EXT-X-STREAM-INF:CODECS="a"\nx.m3u8\n': "BANDWIDTH is missing",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=big\nx.m3u8\n": "line 3",
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a"\nx.m3u8\n': "line 3: a URI without EXT-X-STREAM-INF",
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nx.m3u8\n#EXT-X-TARGETDURATION:2\n": "in one",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_text_parses_to_the_value(name: str) -> None:
    text, value, _ = PLAYLISTS[name]
    assert parse_playlist(text) == value


@pytest.mark.parametrize("name", PLAYLISTS)
def test_the_value_renders_to_text_that_parses_back_equal(name: str) -> None:
    _, value, rendered = PLAYLISTS[name]
    assert value.render() == rendered
    assert parse_playlist(rendered) == value


@pytest.mark.parametrize("text", NOT_PLAYLISTS)
def test_what_is_no_playlist_says_where_and_why(text: str) -> None:
    with pytest.raises(NotAPlaylist, match=NOT_PLAYLISTS[text]):
        parse_playlist(text)


def test_a_playlist_is_its_header_and_its_segments_lines_one_after_the_other() -> None:
    segments = (MediaSegment("1.ts", 180_000), MediaSegment("2.ts", 180_000, gap=True))
    playlist = MediaPlaylist(target_duration=180_000, media_sequence=1, segments=segments, version=3)
    header = render_header(target_duration=180_000, media_sequence=1, version=3)
    assert playlist.render() == header + segments[0].render() + segments[1].render()


def test_a_key_with_method_none_is_no_encryption() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD={}\n#EXTINF:2,\nx.ts\n"
    clear, encrypted = parse_playlist(text.format("NONE")), parse_playlist(text.format("SAMPLE-AES"))
    assert isinstance(clear, MediaPlaylist)
    assert isinstance(encrypted, MediaPlaylist)
    assert clear.encryption is None
    assert encrypted.encryption == Key("SAMPLE-AES")


def test_an_instant_between_milliseconds_is_written_to_the_microsecond() -> None:
    assert "T00:00:01.000011Z" in MediaSegment("x.ts", 1, program_date_time=90_001).render()
    assert "T00:00:01.000Z" in MediaSegment("x.ts", 1, program_date_time=90_000).render()
