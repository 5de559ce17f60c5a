"""Synthetic encoders in virtual time: the facts that two encoders of one programme would cause, with faults.

No media: sizes and digests are derived from the content's number, so that an epoch-locked pair delivers equal ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured, Fact, PlaylistArrived, PlaylistLine, SegmentArrived
from understudy_domain.fold import ChannelFold
from understudy_domain.media import Probe, RunningCounter, Track, TrackKind
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

CHANNEL = "c" * 32
EPOCH = 1_800_000_000 * TICKS_PER_SECOND
"""When the synthetic broadcasts begin: any instant that is no special one."""
MODULUS = 2**33
COUNTER_MODULUS = 16
COUNTED_TRACKS = {0: 1, 17: 3, 256: 1}
"""Track ids, and every how many segments they come."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the log."""

    instant: int
    input_id: int | None
    fact: Fact


@dataclass(slots=True)
class SyntheticEncoder:
    """Segment n covers programme seconds n · S_in to (n + 1) · S_in since ``EPOCH``."""

    input_id: int
    segment_seconds: float = 2.0
    lag_seconds: float = 0.3
    date_offset_seconds: float | None = 0.0
    """How far its clock is off; None: it sends no program date time."""
    media_offset_seconds: float = 0.0
    """0: epoch-locked; anything else: timestamps of its own."""
    phase_seconds: float = 0.0
    configuration: str = "sps"
    playlists: tuple[str, ...] = ("channel_1.m3u8",)
    content: str = "same"
    layout: str = "tables"
    late: dict[int, float] = field(default_factory=dict)
    """Seconds by which segment n is late."""
    lost: set[int] = field(default_factory=set)
    lost_of_playlist: dict[str, set[int]] = field(default_factory=dict)
    first_number: int = 0
    short: dict[int, float] = field(default_factory=dict)
    """Seconds that segment n lasts, where it is not S_in."""
    ended_after: int | None = None
    """The playlist that lists this segment carries EXT-X-ENDLIST."""
    counter_seed: int | None = None
    """Where its running counters stand follows from it; None: its probes say nothing of them."""

    def messages(self, numbers: Iterable[int]) -> list[Message]:
        """Segment and playlist facts for these segments, in order of arrival."""
        found = []
        for number in numbers:
            for playlist in self.playlists:
                if number not in self.lost and number not in self.lost_of_playlist.get(playlist, ()):
                    found += self._segment(number, playlist)
        return sorted(found, key=lambda message: message.instant)

    def _segment(self, number: int, playlist: str) -> list[Message]:
        begin = number * self.segment_seconds + self.phase_seconds
        arrival = EPOCH + from_seconds(begin + self.segment_seconds + self.lag_seconds + self.late.get(number, 0.0))
        duration = from_seconds(self.short.get(number, self.segment_seconds))
        stem = playlist.removesuffix(".m3u8")
        path = f"{stem}_{number + self.first_number:05d}.ts"
        track = Track(
            kind=TrackKind.VIDEO,
            codec="avc1.64001f",
            configuration=self.configuration,
            track_id=256,
            first_timestamp=(EPOCH + from_seconds(begin + self.media_offset_seconds)) % MODULUS,
            duration=duration,
            frames=50,
            frame_duration=3600,
            width=640,
            height=360,
            frame_rate="25",
        )
        digest = f"{self.content}-{stem}-{number}"
        probe = Probe("mpegts", (track,), digest=digest, timestamp_modulus=MODULUS, layout=self.layout)
        if self.counter_seed is not None:
            counters = running_counters(number, seed=f"{self.counter_seed} {playlist}")
            probe = replace(probe, counters=counters, counter_modulus=COUNTER_MODULUS)
        segment = SegmentArrived(path, f"media/{self.input_id}/{stem}/{number}-{arrival}", 100_000, probe)
        date = None
        if self.date_offset_seconds is not None:
            date = EPOCH + from_seconds(begin + self.date_offset_seconds)
        line = PlaylistLine(path, duration, number, date)
        listed = PlaylistArrived(playlist, duration, number, (line,), ended=number == self.ended_after)
        return [
            Message(arrival, self.input_id, segment),
            Message(arrival + from_seconds(0.01), self.input_id, listed),
        ]


def running_counters(number: int, *, seed: str) -> tuple[RunningCounter, ...]:
    """The counters of an encoder's segment: each segment's begin where its predecessor's ended, anywhere.

    A table track is in every third segment only.
    """
    found = []
    for track_id, every in COUNTED_TRACKS.items():
        if number % every == 0:
            first, following = (
                random.Random(f"{seed} {track_id} {turn}").randrange(COUNTER_MODULUS)
                for turn in (number // every, number // every + 1)
            )
            found.append(RunningCounter(track_id, first, following))
    return tuple(found)


def configured(
    name: str,
    *,
    seconds: float,
    delay_seconds: float = 0.0,
    revision: int = 1,
    at_seconds: float = -1.0,
    first_media_sequence: int = 0,
) -> Message:
    """An endpoint comes to be, or changes."""
    fact = EndpointConfigured(
        endpoint_guid(name),
        from_seconds(seconds),
        from_seconds(delay_seconds),
        revision,
        first_media_sequence=first_media_sequence,
    )
    return Message(EPOCH + from_seconds(at_seconds), None, fact)


def endpoint_guid(name: str) -> str:
    """A guid that can be told by its name."""
    return name.encode().hex().ljust(32, "0")[:32]


@dataclass(slots=True)
class Broadcast:
    """A log of messages, and what the decision core makes of it."""

    messages: list[Message]
    entries: dict[str, list[ProgramEntry]] = field(default_factory=dict)
    fold: ChannelFold = field(default_factory=lambda: ChannelFold(ChannelState(CHANNEL)))

    def run(
        self, *, until_seconds: float | None = None, interrupt: Callable[[Broadcast, int], None] | None = None
    ) -> Broadcast:
        """Apply the log in order of time; ``interrupt`` is called after each message with its position."""
        for sequence, message in enumerate(sorted(self.messages, key=lambda one: one.instant), start=1):
            self._keep(
                self.fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
            )
            if interrupt is not None:
                interrupt(self, sequence)
        if until_seconds is not None:
            self._keep(self.fold.pass_time(EPOCH + from_seconds(until_seconds)))
        return self

    def _keep(self, entries: list[ProgramEntry]) -> None:
        for entry in entries:
            self.entries.setdefault(entry.origin_endpoint, []).append(entry)

    def of(self, name: str) -> list[ProgramEntry]:
        """The entries of an endpoint."""
        return self.entries.get(endpoint_guid(name), [])


def seconds_after(entry: ProgramEntry, instant_seconds: float) -> float:
    """How long after ``EPOCH`` + seconds the entry was decided."""
    return (entry.as_of.instant - EPOCH) / TICKS_PER_SECOND - instant_seconds


def numbers_of(entries: Iterable[ProgramEntry], rendition: str) -> list[int]:
    """Which segments of the encoders are shown of a rendition, by number."""
    return [
        int(piece.object_key.split("/")[3].split("-")[0])
        for entry in entries
        for one in entry.renditions
        if one.rendition == rendition
        for piece in one.pieces
    ]
