"""Origin endpoints and PROGRAM entries made up for tests: regular slots, with what a test wants to be different."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from understudy_domain import keys, ticks
from understudy_domain.channel import HlsPackage, OriginEndpoint
from understudy_domain.entry import AsOf, EntryPiece, EntryRendition, Evidence, ProgramEntry
from understudy_domain.media import TrackKind
from understudy_domain.reason import Reason

CHANNEL_GUID = "c" * 32
ENDPOINT_GUID = "e" * 32
START = ticks.from_seconds(1_800_000_000)


def seconds(value: float) -> int:
    """Ticks, short enough for tables."""
    return ticks.from_seconds(value)


def make_endpoint(
    *,
    window_seconds: int = 60,
    segment_seconds: int = 6,
    date_interval_seconds: int = 0,
    delay_seconds: int = 0,
    guid: str = ENDPOINT_GUID,
    name: str = "endpoint",
) -> OriginEndpoint:
    """An origin endpoint of the one channel."""
    return OriginEndpoint(
        id=name,
        guid=guid,
        channel_id="channel",
        channel_guid=CHANNEL_GUID,
        created_at=START,
        time_delay_seconds=delay_seconds,
        hls_package=HlsPackage(
            segment_duration_seconds=segment_seconds,
            playlist_window_seconds=window_seconds,
            program_date_time_interval_seconds=date_interval_seconds,
        ),
    )


def make_piece(
    number: int, *, duration: int = seconds(6), size: int = 188_000, object_key: str | None = None
) -> EntryPiece:
    """One input segment."""
    key = object_key or keys.media_object_key(
        CHANNEL_GUID, 1, received_milliseconds=number, upload=f"{number:016x}", suffix="ts"
    )
    return EntryPiece(
        object_key=key,
        size=size,
        input_id=1,
        timestamp=number * duration,
        duration=duration,
        frame_duration=3600,
    )


def make_video(
    *pieces: EntryPiece,
    rendition: str = "v1",
    audio_group: str | None = None,
    nominal_bandwidth: int | None = None,
    position: int | None = None,
) -> EntryRendition:
    """A video rendition; without pieces a gap."""
    return EntryRendition(
        rendition=rendition,
        kind=TrackKind.VIDEO,
        codecs=("avc1.64001f",) if audio_group else ("avc1.64001f", "mp4a.40.2"),
        bandwidth=2_000_000,
        pieces=pieces,
        timestamp_offset=0,
        configuration="configuration",
        width=1280,
        height=720,
        frame_rate="25",
        audio_group=audio_group,
        nominal_bandwidth=nominal_bandwidth,
        position=position,
    )


def make_audio(*pieces: EntryPiece, rendition: str = "a1", audio_group: str = "audio") -> EntryRendition:
    """An audio rendition of a group."""
    return EntryRendition(
        rendition=rendition,
        kind=TrackKind.AUDIO,
        codecs=("mp4a.40.2",),
        bandwidth=128_000,
        pieces=pieces,
        timestamp_offset=0,
        configuration="configuration",
        audio_group=audio_group,
        name="English",
        language="en",
        channels="2",
        default=True,
        autoselect=True,
    )


def make_entry(
    number: int,
    *,
    slot_duration: int = seconds(6),
    renditions: Sequence[EntryRendition] | None = None,
    endpoint: OriginEndpoint | None = None,
    discontinuity: bool = False,
    discontinuity_sequence: int = 0,
) -> ProgramEntry:
    """The entry of slot ``number``, which is its media sequence too; available when it ends."""
    start = number * slot_duration
    return ProgramEntry(
        origin_endpoint=endpoint.guid if endpoint else ENDPOINT_GUID,
        channel=CHANNEL_GUID,
        slot=number,
        media_sequence=number,
        discontinuity_sequence=discontinuity_sequence,
        discontinuity=discontinuity,
        start=start,
        end=start + slot_duration,
        program_date_time=START + start,
        available_at=START + start + slot_duration,
        target_duration_seconds=-(-slot_duration * 3 // (2 * ticks.TICKS_PER_SECOND)),
        active_input=1,
        reason=Reason.KEEP,
        step=1,
        evidence=Evidence(deadline=None, inputs=()),
        renditions=(
            tuple(renditions) if renditions is not None else (make_video(make_piece(number, duration=slot_duration)),)
        ),
        slot_duration=slot_duration,
        policy_revision=1,
        as_of=AsOf(instant=START + start, sequence=number),
    )


def make_entries(count: int, *, first: int = 0, slot_duration: int = seconds(6)) -> list[ProgramEntry]:
    """A run of regular entries."""
    return [make_entry(number, slot_duration=slot_duration) for number in range(first, first + count)]


def with_discontinuities(entries: Sequence[ProgramEntry], before: frozenset[int]) -> list[ProgramEntry]:
    """The entries with a discontinuity at the beginning of those media sequences, counted as the controller does."""
    found = []
    count = 0
    for entry in entries:
        found.append(replace(entry, discontinuity=entry.media_sequence in before, discontinuity_sequence=count))
        count += entry.media_sequence in before
    return found
