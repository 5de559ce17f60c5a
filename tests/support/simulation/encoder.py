"""An encoder that lives, fails and comes back, in virtual time: the facts it causes, and the truth about its media.

The content of a channel is cut into segments of one length. Segment n is content n; everything an encoder does wrong
is said in these numbers. Each delivered object is written into a register with what it truly is, so that what
viewers are shown can be judged without asking the code that decided.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from support.synthetic import EPOCH, MODULUS, Message
from understudy_domain.facts import (
    Fact,
    MultivariantArrived,
    PlaylistArrived,
    PlaylistLine,
    SegmentArrived,
    SourceRendition,
    SourceVariant,
)
from understudy_domain.media import Probe, Track, TrackKind
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

AUDIO_FRAME = 1920
"""Ticks: 1,024 samples at 48 kHz."""
PLAYLIST_AFTER = from_seconds(0.01)
NEVER = 1 << 62
NAMES_TO_TRUST = 2
"""So many names in its list show what those of a playlist look like."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The truth about one stored object."""

    input_id: int
    life: int
    playlist: str
    number: int
    """Which content it holds."""
    begin: int
    """Instant at which its content truly begins, ticks since the epoch."""
    end: int
    timestamp: int
    duration: int
    frame_duration: int
    configuration: str
    layout: str
    arrived_at: int
    filler: bool
    """Marked as no programme."""
    path: str
    known_at: int = NEVER
    """From when on anything has told of which rendition it is: what no playlist has listed is of none, instant."""


@dataclass(slots=True)
class Life:
    """An encoder from its start to its end."""

    first: int
    """Its first content."""
    last: int
    """The content it does not reach."""
    numbering_from: int = 0
    media_offset: int = 0
    """Added to its media timestamps, ticks; 0: locked to the epoch."""
    phase: int = 0
    """How much later than its twin's its segments begin, ticks."""
    date_offset: int | None = 0
    """How far its clock is off, ticks; None: it sends no dates."""
    configuration: str = "configuration"
    layout: str = "layout"
    content: str = "same"
    length: int = 0
    """Ticks that its segments last; 0: what the encoder's do."""
    ends: bool = False
    """Its last playlists carry EXT-X-ENDLIST."""


@dataclass(slots=True)
class ScriptedEncoder:
    """One input's encoder and everything that goes wrong with it."""

    input_id: int
    segment_duration: int
    frame_duration: int
    renditions: tuple[str, ...]
    """Playlist stems; those that begin with ``audio`` carry audio alone."""
    lives: list[Life]
    lag: int = 0
    jitter: int = 0
    late: dict[int, int] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    lost_of: dict[str, set[int]] = field(default_factory=dict)
    twice: dict[int, int] = field(default_factory=dict)
    """Content that is uploaded again, so much later."""
    marked: set[int] = field(default_factory=set)
    """Content that is filler, marked with EXT-X-GAP."""
    short: dict[int, int] = field(default_factory=dict)
    """Ticks by which a segment is too short: something is missing at its end."""
    playlist_first: bool = False
    tells_less: bool = False
    """Its playlists arrive only where they tell something that its first ones did not."""
    lists_what_never_came: bool = False
    multivariant: bool = True
    seed: int = 0

    def messages(self, register: dict[str, Delivery]) -> list[Message]:
        """Everything that reaches the log from this encoder, in order of arrival; fills the register."""
        rng = random.Random(f"{self.seed} {self.input_id}")
        found: list[Message] = []
        for index, life in enumerate(self.lives):
            if self.multivariant:
                begin = EPOCH + life.first * self.length(life) + life.phase + self.lag
                found.append(Message(begin, self.input_id, self._multivariant()))
            for number in range(life.first, life.last):
                for playlist in self.renditions:
                    found += self._segment(index, life, number, playlist, register, rng)
        found.sort(key=lambda message: message.instant)
        _tell(found, register)
        return found

    def length(self, life: Life) -> int:
        """How long the segments of a life are, ticks."""
        return life.length or self.segment_duration

    def delivers(self, number: int, playlist: str) -> bool:
        """Whether it sends this content of this rendition at all, late or not."""
        alive = any(life.first <= number < life.last for life in self.lives)
        missing = number in self.lost or number in self.lost_of.get(playlist, ()) or number in self.marked
        return alive and not missing

    def _segment(
        self,
        index: int,
        life: Life,
        number: int,
        playlist: str,
        register: dict[str, Delivery],
        rng: random.Random,
    ) -> Iterator[Message]:
        arrival = EPOCH + (number + 1) * self.length(life) + life.phase + self.lag + self.late.get(number, 0)
        arrival += rng.randrange(self.jitter + 1)
        counter = number - life.first + life.numbering_from
        path = f"{playlist}_{counter:05d}.ts"
        last_of_life = life.ends and number == life.last - 1
        marked = number in self.marked
        listed = self.delivers(number, playlist) or self.lists_what_never_came
        listed = (listed and not (self.tells_less and number > life.first + 3)) or marked or last_of_life
        line_at = arrival + (-PLAYLIST_AFTER if self.playlist_first or marked else PLAYLIST_AFTER)
        if listed:
            yield Message(line_at, self.input_id, self._line(life, number, playlist, path, counter, ended=last_of_life))
        if self.delivers(number, playlist) or (marked and rng.random() < 0.5):
            # Encoders send again for a few segments' time; later than that the core takes it for a restart.
            again = number in self.twice and number not in self.late
            times = [arrival] + ([arrival + self.twice[number]] if again else [])
            for upload, instant in enumerate(times):
                fact, truth = self._upload(index, life, number, playlist, path, instant, upload)
                register[fact.object_key] = truth
                yield Message(instant, self.input_id, fact)

    def _line(self, life: Life, number: int, playlist: str, path: str, counter: int, *, ended: bool) -> Fact:
        begin = EPOCH + number * self.length(life) + life.phase
        date = None if life.date_offset is None else begin + life.date_offset
        line = PlaylistLine(path, self.length(life), counter, date, gap=number in self.marked)
        return PlaylistArrived(f"{playlist}.m3u8", self.length(life), counter, (line,), ended=ended)

    def _upload(
        self, index: int, life: Life, number: int, playlist: str, path: str, instant: int, upload: int
    ) -> tuple[SegmentArrived, Delivery]:
        begin = EPOCH + number * self.length(life) + life.phase
        end = begin + self.length(life) - self.short.get(number, 0)
        audio = playlist.startswith("audio")
        if audio:  # its frames begin where they begin: boundaries are those of the video within a frame
            begin, end = (-(-edge // AUDIO_FRAME) * AUDIO_FRAME for edge in (begin, end))
        timestamp = (begin + life.media_offset) % MODULUS
        frame = AUDIO_FRAME if audio else self.frame_duration
        configuration = f"{life.configuration}-{playlist}"
        track = Track(
            kind=TrackKind.AUDIO if audio else TrackKind.VIDEO,
            codec="mp4a.40.2" if audio else "avc1.64001f",
            configuration=configuration,
            track_id=257 if audio else 256,
            first_timestamp=timestamp,
            duration=end - begin,
            frames=(end - begin) // frame,
            frame_duration=frame,
            width=None if audio else 640 if playlist == "low" else 1280,
            height=None if audio else 360 if playlist == "low" else 720,
            frame_rate=None if audio else "25",
        )
        digest = f"{life.content}-{playlist}-{number}"
        size = 20_000 if audio else 100_000 if playlist == "low" else 300_000
        probe = Probe("mpegts", (track,), digest=digest, timestamp_modulus=MODULUS, layout=life.layout)
        key = f"media/{self.input_id}/{index}/{playlist}/{number}-{upload}"
        truth = Delivery(
            self.input_id,
            index,
            f"{playlist}.m3u8",
            number,
            begin,
            end,
            timestamp,
            end - begin,
            frame,
            configuration,
            life.layout,
            instant,
            filler=number in self.marked,
            path=path,
        )
        return SegmentArrived(path, key, size, probe), truth

    def _multivariant(self) -> MultivariantArrived:
        audio = [stem for stem in self.renditions if stem.startswith("audio")]
        group = "audio" if audio else None
        return MultivariantArrived(
            "channel.m3u8",
            tuple(
                SourceVariant(f"{stem}.m3u8", 400_000 if stem == "low" else 1_200_000, audio_group=group)
                for stem in self.renditions
                if stem not in audio
            ),
            tuple(
                SourceRendition("AUDIO", "audio", stem, f"{stem}.m3u8", language="en", default=True, autoselect=True)
                for stem in audio
            ),
        )


def _tell(messages: Sequence[Message], register: dict[str, Delivery]) -> None:
    """Write into the register from when on each object is known to be of its rendition.

    It is once its playlist has listed it, or two others: names are told apart by their counters alone.
    """
    names: dict[str, set[str]] = {}
    untold: dict[str, list[str]] = {}
    for message in messages:
        fact = message.fact
        if isinstance(fact, SegmentArrived):
            playlist = register[fact.object_key].playlist
            untold.setdefault(playlist, []).append(fact.object_key)
        elif isinstance(fact, PlaylistArrived):
            playlist = fact.path
            names.setdefault(playlist, set()).update(line.path for line in fact.lines)
        else:
            continue
        listed = names.get(playlist, set())
        for key in list(untold.get(playlist, ())):
            if len(listed) >= NAMES_TO_TRUST or register[key].path in listed:
                register[key] = replace(register[key], known_at=message.instant)
                untold[playlist].remove(key)


def seconds_of(instant: int) -> float:
    """An instant as seconds since the broadcast began: how stories tell time."""
    return (instant - EPOCH) / TICKS_PER_SECOND
