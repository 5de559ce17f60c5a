"""The probe against what FFmpeg's own demuxer says of the same bytes."""

from __future__ import annotations

import contextlib
import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from support.transport_stream import make_transport_stream, running_counters
from understudy_domain.errors import EncryptedInput
from understudy_domain.media import Probe, Track, TrackKind
from understudy_ingest.errors import DamagedMedia, UnsupportedMedia
from understudy_ingest.probe.counters import COUNTERS_MAX, read_counters
from understudy_ingest.probe.packets import read_packets
from understudy_ingest.probe.peek import peek
from understudy_ingest.probe.prober import Prober
from understudy_ingest.probe.tables import Codec, ElementaryStream, read_tables

MODULUS = 1 << 33
MEDIA = (
    "muxed",
    "b-frames, wrapping",
    "29.97 frames a second, 44.1 kHz",
    "video only",
    "audio only",
    "hevc and ac-3",
    "e-ac-3",
    "23.976 frames a second",
)


@dataclass(frozen=True)
class Demuxed:
    """One track as PyAV demuxes it."""

    timestamps: list[int]
    durations: list[int]
    codec: str
    language: str | None


def _demux(path: Path) -> dict[int, Demuxed]:
    with av.open(str(path)) as container:
        tracks = {
            stream.id: Demuxed([], [], stream.codec_context.name, stream.language)
            for stream in container.streams
            if isinstance(stream, av.VideoStream | av.AudioStream)
        }
        for packet in container.demux():
            if packet.pts is not None and packet.stream.id in tracks:
                tracks[packet.stream.id].timestamps.append(packet.pts)
                tracks[packet.stream.id].durations.append(packet.duration or 0)
    return tracks


def _probe(path: Path) -> Probe:
    return Prober().probe(path.read_bytes())


@pytest.mark.parametrize("kind", MEDIA)
def test_tracks_frames_and_timestamps_are_those_that_a_demuxer_finds(kind: str, media: dict[str, list[Path]]) -> None:
    for path in media[kind]:
        demuxed, probe = _demux(path), _probe(path)
        assert {track.track_id for track in probe.tracks} == set(demuxed)
        assert probe.continuity_errors == 0
        for track in probe.tracks:
            expected = demuxed[track.track_id]
            assert track.frames == len(expected.timestamps)
            assert track.first_timestamp == min(expected.timestamps) % MODULUS
            end = max(expected.timestamps) + expected.durations[-1] - min(expected.timestamps)
            # The demuxer sums frame durations that it has rounded down.
            assert abs(track.duration - end) <= 1 + track.frames // 8
            assert track.key_frame_first


@pytest.mark.parametrize("kind", MEDIA)
def test_each_segment_begins_where_the_one_before_ends(kind: str, media: dict[str, list[Path]]) -> None:
    for before, after in itertools.pairwise(map(_probe, media[kind])):
        for ends, begins in zip(before.tracks, after.tracks, strict=True):
            step = (begins.first_timestamp - ends.first_timestamp - ends.duration + MODULUS // 2) % MODULUS
            assert abs(step - MODULUS // 2) <= 1
            assert ends.configuration == begins.configuration != ""
        assert before.layout == after.layout != ""
        assert before.digest != after.digest


def _only(probe: Probe, kind: TrackKind) -> Track:
    (track,) = [track for track in probe.tracks if track.kind is kind]
    return track


def test_video_is_described_by_codec_size_and_rate(media: dict[str, list[Path]]) -> None:
    for kind, codec, rate, frame_duration in (
        ("muxed", "avc1.42c00d", "25", 3_600),
        ("29.97 frames a second, 44.1 kHz", "avc1.64000d", "30000/1001", 3_003),
        ("video only", "avc1.42c015", "50", 1_800),
        ("23.976 frames a second", "avc1.64000d", "24000/1001", 3_754),
    ):
        video = _only(_probe(media[kind][0]), TrackKind.VIDEO)
        assert (video.codec, video.frame_rate, video.frame_duration) == (codec, rate, frame_duration)
        assert (video.width, video.height) == (320, 180)
    hevc = _only(_probe(media["hevc and ac-3"][0]), TrackKind.VIDEO)
    assert hevc.codec == "hvc1.1.6.L60.90"
    assert (hevc.width, hevc.height, hevc.frame_rate) == (320, 180, "25")


def test_audio_is_described_by_codec_channels_and_rate(media: dict[str, list[Path]]) -> None:
    for kind, codec, rate, frame_duration in (
        ("muxed", "mp4a.40.2", 48_000, 1_920),
        ("29.97 frames a second, 44.1 kHz", "mp4a.40.2", 44_100, 2_090),
        ("hevc and ac-3", "ac-3", 48_000, 2_880),
        ("e-ac-3", "ec-3", 48_000, 2_880),
    ):
        audio = _only(_probe(media[kind][0]), TrackKind.AUDIO)
        assert (audio.codec, audio.sample_rate, audio.frame_duration) == (codec, rate, frame_duration)
        assert audio.channels == 2


def test_a_decoder_is_asked_once_a_configuration(media: dict[str, list[Path]]) -> None:
    asked = 0

    def describe(body: bytes) -> dict[int, object]:
        nonlocal asked
        asked += 1
        return {}

    prober = Prober(describe_segment=describe, descriptions_max=1)  # type: ignore[arg-type]
    for path in media["muxed"]:
        prober.probe(path.read_bytes())
    assert asked == 1
    prober.probe(media["e-ac-3"][0].read_bytes())
    prober.probe(media["muxed"][0].read_bytes())
    assert asked == 3


def test_the_digest_tells_bodies_apart_by_any_byte(media: dict[str, list[Path]]) -> None:
    body = media["muxed"][0].read_bytes()
    prober = Prober()
    digests = {prober.probe(body).digest}
    for at in (len(body) - 1, 1_000, 50_000):
        changed = bytearray(body)
        changed[at] ^= 0x80
        digests.add(prober.probe(bytes(changed)).digest)
    assert len(digests) == 4


def test_a_lost_packet_is_a_break_of_continuity(media: dict[str, list[Path]]) -> None:
    body = media["muxed"][0].read_bytes()
    video = Prober().probe(body).of_kind(TrackKind.VIDEO)
    assert video is not None
    packets = [body[at : at + 188] for at in range(0, len(body), 188)]
    of_video = [at for at, packet in enumerate(packets) if _pid(packet) == video.track_id]
    del packets[of_video[20]]
    probe = Prober().probe(b"".join(packets))
    assert probe.continuity_errors == 1


def test_a_segment_that_starts_between_key_frames_says_so(media: dict[str, list[Path]]) -> None:
    body = media["video only"][0].read_bytes()
    head, rest = body[: 188 * 3], body[188 * 3 :]
    starts = [at for at in range(0, len(rest), 188) if rest[at + 1] & 0x40 and _pid(rest[at : at + 188]) == 256]
    probe = Prober(describe_segment=lambda _: {}).probe(head + rest[starts[5] :])
    video = probe.of_kind(TrackKind.VIDEO)
    assert video is not None
    assert not video.key_frame_first


def test_what_is_no_transport_stream_is_unsupported() -> None:
    for body, reason in (
        (b"\x00\x00\x00\x18ftypiso5" + bytes(500), "fragmented MP4"),
        (b"ID3\x04" + bytes(500), "packed audio"),
        (b"<html>" + bytes(500), "188"),
        (b"\x47" * 100 + bytes(500), "188"),
    ):
        with pytest.raises(UnsupportedMedia, match=reason):
            Prober().probe(body)


def test_damaged_segments_say_what_is_damaged(media: dict[str, list[Path]]) -> None:
    body = media["muxed"][0].read_bytes()
    out_of_sync = bytearray(body)
    out_of_sync[188 * 7] = 0
    for damaged, reason in (
        (b"", "empty"),
        (body[:-1], "ends within a packet"),
        (bytes(out_of_sync), f"lost at byte {188 * 7}"),
        (body[188 * 3 :][: 188 * 20], "no PAT"),
        (body[: 188 * 3], "neither a picture nor"),
    ):
        with pytest.raises(DamagedMedia, match=reason):
            Prober().probe(damaged)


def test_scrambled_packets_are_refused_as_encrypted(media: dict[str, list[Path]]) -> None:
    body = bytearray(media["video only"][0].read_bytes())
    for at in range(0, len(body), 188):
        if _pid(body[at : at + 188]) == 256:
            body[at + 3] |= 0x80
    with pytest.raises(EncryptedInput, match="scrambled"):
        Prober().probe(bytes(body))


def _pid(packet: bytes | bytearray) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


def test_whatever_is_damaged_is_probed_or_refused_and_never_fails_otherwise(media: dict[str, list[Path]]) -> None:
    body = media["b-frames, wrapping"][0].read_bytes()[: 188 * 300]
    chance = random.Random(1)
    for _ in range(300):
        damaged = bytearray(body)
        for _ in range(chance.choice((1, 5, 50))):
            # Headers and tables are where damage does harm.
            at = chance.choice((chance.randrange(188 * 6), chance.randrange(300) * 188 + chance.randrange(24)))
            damaged[at] = chance.randrange(256)
        with contextlib.suppress(UnsupportedMedia, DamagedMedia, EncryptedInput):
            peek(bytes(damaged))


@pytest.mark.parametrize("kind", MEDIA)
def test_counters_of_every_pid_go_on_from_segment_to_segment(kind: str, media: dict[str, list[Path]]) -> None:
    probes = [_probe(path) for path in media[kind]]
    tracks = {track.track_id for track in probes[0].tracks}
    standing: dict[int, int] = {}
    for probe in probes:
        assert probe.counter_modulus == 16
        found = {counter.track_id for counter in probe.counters}
        assert found > tracks | {0}, "the tables run counters too"
        for counter in probe.counters:
            assert standing.get(counter.track_id, counter.first) == counter.first
            standing[counter.track_id] = counter.next


@pytest.mark.parametrize("seed", range(20))
def test_counters_are_those_of_packets_with_payload_however_they_lie(seed: int) -> None:
    stream = make_transport_stream(seed * 7 + 1, seed=seed)
    assert set(read_counters(read_packets(stream))) == set(running_counters(stream).counters)


def test_a_body_full_of_pids_does_not_fill_its_fact() -> None:
    stream = b"".join(bytes([0x47, pid >> 8, pid & 0xFF, 0x10]) + bytes(184) for pid in reversed(range(1000)))
    counters = read_counters(read_packets(stream))
    assert [counter.track_id for counter in counters] == list(range(999, 999 - COUNTERS_MAX, -1))


def _table_packet(pid: int, table: int, content: bytes) -> bytes:
    size = len(content) + 4
    section = bytes([0x47, 0x40 | pid >> 8, pid & 0xFF, 0x10, 0, table, 0xB0 | size >> 8, size & 0xFF]) + content
    return section.ljust(188, b"\xff")


def test_a_stream_that_the_tables_name_many_times_is_looked_into_once() -> None:
    programmes = bytes([0, 1, 0xC1, 0, 0]) + bytes([0, 1, 0xF0, 0x00])
    streams = bytes([0x1B, 0xE1, 0x00, 0xF0, 0]) * 20 + bytes([0x0F, 0xE1, 0x01, 0xF0, 0])
    body = _table_packet(0, 0, programmes) + _table_packet(
        0x1000, 2, bytes([0, 1, 0xC1, 0, 0, 0xE1, 0x00, 0xF0, 0]) + streams
    )
    found = read_tables(read_packets(body)).streams
    assert found == (ElementaryStream(0x100, Codec.H264), ElementaryStream(0x101, Codec.AAC))
