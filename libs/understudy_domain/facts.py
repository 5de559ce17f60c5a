"""What the ARRIVALS log holds: facts from ingest, ticks, and what operators and policies command. Versioned records.

The instant of each is the JetStream timestamp of its message, never a field (failover rule, Time).
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.codec import record
from understudy_domain.media import Probe
from understudy_domain.policy import HOLD_DOWN_DEFAULT, PolicyKind


@record("arrival.segment")
@dataclass(frozen=True, slots=True)
class SegmentArrived:
    """A segment is durably stored. Subject: its channel and input."""

    path: str
    """The encoder's name for it under the input URL, with folders: what playlists refer to."""
    object_key: str
    size: int
    probe: Probe


@dataclass(frozen=True, slots=True)
class PlaylistLine:
    """One segment as a media playlist lists it."""

    path: str
    """The segment's path under the input URL, resolved against the playlist's."""
    duration: int
    """EXTINF, ticks."""
    source_sequence: int
    """The encoder's own numbering: EXT-X-MEDIA-SEQUENCE plus the position."""
    program_date_time: int | None = None
    """EXT-X-PROGRAM-DATE-TIME, given or carried on from an earlier line, ticks since the epoch."""
    discontinuity: bool = False
    """EXT-X-DISCONTINUITY before it."""
    gap: bool = False
    """EXT-X-GAP: the encoder says itself that this is no programme."""


@record("arrival.playlist")
@dataclass(frozen=True, slots=True)
class PlaylistArrived:
    """What is new in a media playlist: at least the lines its sender had not sent before.

    Reading one twice is harmless.
    """

    path: str
    target_duration: int
    """EXT-X-TARGETDURATION, ticks."""
    media_sequence: int
    """EXT-X-MEDIA-SEQUENCE as sent, so that a restart of the numbering shows."""
    lines: tuple[PlaylistLine, ...]
    ended: bool = False
    """EXT-X-ENDLIST."""


@dataclass(frozen=True, slots=True)
class SourceVariant:
    """One EXT-X-STREAM-INF of an encoder's multivariant playlist."""

    path: str
    bandwidth: int
    average_bandwidth: int | None = None
    codecs: str | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    audio_group: str | None = None


@dataclass(frozen=True, slots=True)
class SourceRendition:
    """One EXT-X-MEDIA of an encoder's multivariant playlist."""

    kind: str
    """TYPE: ``AUDIO``, ``SUBTITLES``, …"""
    group: str
    name: str
    path: str | None = None
    """None where the rendition is inside the variants' segments."""
    language: str | None = None
    channels: str | None = None
    default: bool = False
    autoselect: bool = False


@record("arrival.multivariant")
@dataclass(frozen=True, slots=True)
class MultivariantArrived:
    """An encoder's multivariant playlist, whole, when it is new or changed."""

    path: str
    variants: tuple[SourceVariant, ...]
    renditions: tuple[SourceRendition, ...] = ()


@record("clock.tick")
@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing but its own timestamp: everything of this shard stamped earlier has been read when it is."""


@record("command.endpoint")
@dataclass(frozen=True, slots=True)
class EndpointConfigured:
    """An origin endpoint came to be, or its policy has a new revision. Applies to slots decided after it."""

    origin_endpoint: str
    """Its guid."""
    segment_duration: int
    """As configured, ticks: S_out before it is rounded up."""
    time_delay: int
    """Ticks."""
    revision: int
    """CONFIG revision; an older one than was read before is ignored."""
    policy: PolicyKind = PolicyKind.STICKY
    policy_input: int = 1
    hold_down: int = HOLD_DOWN_DEFAULT
    """Ticks."""
    first_media_sequence: int = 0
    """What the programme begins with; of no effect once it has begun."""


@record("command.switchover")
@dataclass(frozen=True, slots=True)
class SwitchoverOrdered:
    """An operator wants an endpoint to follow another input: once, at the first slot that this completes in time."""

    origin_endpoint: str
    """Its guid."""
    input_id: int
    """Where to."""
    forced: bool = False
    """Even where the change would not be seamless."""


@record("command.program_end")
@dataclass(frozen=True, slots=True)
class ProgramEndOrdered:
    """An operator wants a channel's programme to end now, on every endpoint. Void while an input delivers."""


@record("command.endpoint_removed")
@dataclass(frozen=True, slots=True)
class EndpointRemoved:
    """An origin endpoint was deleted: nothing more is decided for it."""

    origin_endpoint: str


@record("command.channel_removed")
@dataclass(frozen=True, slots=True)
class ChannelRemoved:
    """A channel was deleted, after its endpoints: its state can be dropped."""


Fact = (
    SegmentArrived
    | PlaylistArrived
    | MultivariantArrived
    | Tick
    | EndpointConfigured
    | SwitchoverOrdered
    | ProgramEndOrdered
    | EndpointRemoved
    | ChannelRemoved
)
