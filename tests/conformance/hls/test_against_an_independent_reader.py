"""What is rendered means to another reader what it means here."""

from __future__ import annotations

import m3u8

from understudy_domain import ticks
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.media_segment import MediaSegment
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.rendition import Rendition
from understudy_domain.hls.variant import Variant

NOON = ticks.from_seconds(1_795_780_800)


def test_a_media_playlist_reads_the_same_elsewhere() -> None:
    playlist = MediaPlaylist(
        target_duration=7 * ticks.TICKS_PER_SECOND,
        media_sequence=1_234,
        discontinuity_sequence=5,
        segments=(
            MediaSegment("r1/v1/1234.ts", 540_540, program_date_time=NOON),
            MediaSegment("r1/v1/1235.ts", 540_000, discontinuity=True),
            MediaSegment("r1/v1/1236.ts", 540_000, gap=True),
        ),
        version=8,
        ended=True,
        independent_segments=True,
    )

    read = m3u8.loads(playlist.render())

    assert (read.target_duration, read.media_sequence, read.discontinuity_sequence) == (7, 1_234, 5)
    assert read.is_endlist
    assert read.is_independent_segments
    assert read.version in {"8", 8}
    assert [segment.uri for segment in read.segments] == [segment.uri for segment in playlist.segments]
    assert [ticks.from_seconds(segment.duration) for segment in read.segments] == [540_540, 540_000, 540_000]
    assert [segment.discontinuity for segment in read.segments] == [False, True, False]
    assert [segment.gap_tag is not None for segment in read.segments] == [False, False, True]
    first = read.segments[0].program_date_time
    assert first is not None
    assert ticks.from_datetime(first) == NOON


def test_a_multivariant_playlist_reads_the_same_elsewhere() -> None:
    playlist = MultivariantPlaylist(
        variants=(Variant("index_v1.m3u8", 6_000_000, 5_000_000, "avc1.64001f,mp4a.40.2", 1280, 720, "25.000", "aac"),),
        renditions=(Rendition("AUDIO", "aac", "English", "index_a1.m3u8", "en", "2", default=True, autoselect=True),),
        version=6,
    )

    read = m3u8.loads(playlist.render())

    information = read.playlists[0].stream_info
    assert read.playlists[0].uri == "index_v1.m3u8"
    assert (information.bandwidth, information.average_bandwidth) == (6_000_000, 5_000_000)
    assert information.codecs == "avc1.64001f,mp4a.40.2"
    assert (information.resolution, information.frame_rate, information.audio) == ((1280, 720), 25.0, "aac")
    media = read.media[0]
    assert (media.type, media.group_id, media.name, media.uri) == ("AUDIO", "aac", "English", "index_a1.m3u8")
    assert (media.language, media.channels, media.default, media.autoselect) == ("en", "2", "YES", "YES")
