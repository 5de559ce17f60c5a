"""PROGRAM: one entry for each slot of an origin endpoint, every rendition at once, standing alone.

A playlist is a pure function of the endpoint's configuration, entries and now; the bytes behind a segment's URI are a
function of one entry. Nothing else may be needed, so everything is here (architecture, "An entry stands alone").
"""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.codec import record
from understudy_domain.media import TrackKind
from understudy_domain.reason import Reason
from understudy_domain.unguarded import unguarded

RENDERING_VERSION = 1
"""How pieces are joined into an output segment. Raise it when the same entry would give other bytes."""


@unguarded
@dataclass(frozen=True, slots=True)
class CounterShift:
    """By how much every value of a track's running counter is raised within a piece, so that it goes on."""

    track_id: int
    amount: int
    """Before the counter wraps; never 0."""


@unguarded
@dataclass(frozen=True, slots=True)
class NextCounter:
    """Where a track's running counter stands, as published."""

    track_id: int
    next: int
    """What the programme's next piece has to begin with."""


@unguarded
@dataclass(frozen=True, slots=True)
class EntryPiece:
    """One input segment's part in an output segment: here always the whole of it."""

    object_key: str
    size: int
    input_id: int
    timestamp: int
    """First presentation timestamp of its leading track, as in the media, ticks."""
    duration: int
    """Of its leading track, ticks, measured."""
    frame_duration: int
    """Of its leading track, ticks: how far a timestamp may be off and still continue."""
    shifts: tuple[CounterShift, ...] | None = None
    """Of the tracks whose counters have to be shifted; None: the piece is published as it is stored."""


@unguarded
@dataclass(frozen=True, slots=True)
class EntryRendition:
    """One rendition's share of a slot, and what the multivariant playlist says of the rendition."""

    rendition: str
    """Its stable id in URLs: ``v1``, ``a2``."""
    kind: TrackKind
    """VIDEO where it carries video, whatever else is multiplexed with it; else AUDIO."""
    codecs: tuple[str, ...]
    """RFC 6381, of every track in it."""
    bandwidth: int
    """Highest bit rate of a slot of this rendition so far, bit/s, rounded up so that it seldom changes."""
    pieces: tuple[EntryPiece, ...]
    """In order of time; empty: a gap in this rendition."""
    timestamp_offset: int
    """Media timestamp minus programme time of its last piece so far, ticks: equal offsets continue each other."""
    configuration: str
    """Digest of the codec configuration of its last piece so far."""
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    audio_group: str | None = None
    """VIDEO: the group its audio is taken from; AUDIO: the group it belongs to; None where audio is multiplexed."""
    name: str | None = None
    language: str | None = None
    channels: str | None = None
    default: bool = False
    autoselect: bool = False
    counters: tuple[NextCounter, ...] | None = None
    """Where the counters stand after this slot, gaps included; None where nothing is known of them."""
    nominal_bandwidth: int | None = None
    """What the encoder declared when the rendition joined, or its first segment measured, bit/s: what it is selected
    by, since it never changes. None in entries of older releases."""
    position: int | None = None
    """Its place among the variants that the encoder announced, where it announced them."""
    audio_channels: int | None = None
    """Of its first audio track, measured as it joined; None where it has none, and in entries of older releases."""
    sample_rate: int | None = None
    """Of the same track, Hz."""

    @property
    def duration(self) -> int:
        """EXTINF, ticks: the sum of its pieces; 0 for a gap."""
        return sum(piece.duration for piece in self.pieces)

    @property
    def end(self) -> int | None:
        """Where its last piece ends, programme time; None for a gap. Renditions need not be cut at the same places."""
        if not self.pieces:
            return None
        return self.pieces[-1].timestamp + self.pieces[-1].duration - self.timestamp_offset

    @property
    def size(self) -> int:
        """Bytes of the output segment: joining changes none of them in number."""
        return sum(piece.size for piece in self.pieces)


@unguarded
@dataclass(frozen=True, slots=True)
class AsOf:
    """Up to where the log had been read when the decision fell."""

    instant: int
    """Log time, ticks since the epoch."""
    sequence: int
    """ARRIVALS sequence of the channel's last message applied."""


@unguarded
@dataclass(frozen=True, slots=True)
class InputEvidence:
    """What a decision knew of one input."""

    input_id: int
    complete: bool
    missing: tuple[str, ...] = ()
    """Renditions that lacked a piece of the slot."""
    due: int | None = None
    """end(k) + L_i, ticks since the epoch; None for an input without a lag."""
    lag: int | None = None
    """L_i, ticks."""
    dead: bool = False
    completed_at: int | None = None
    """When it completed the slot, ticks since the epoch; None while it had not, and in entries of older releases."""
    lacking: tuple[str, ...] = ()
    """Renditions that it lacks for good, by which it is not judged."""
    ended_at: int | None = None
    """When its playlists had all ended, ticks since the epoch; told where the programme ends."""
    left_out: bool = False
    """It does not count: redundancy is off, and the endpoint follows the other one alone."""


@unguarded
@dataclass(frozen=True, slots=True)
class WantedEvidence:
    """That another input than the active one was to be followed."""

    input_id: int
    reason: Reason
    """SWITCHOVER: by an order, or by a policy that pins it; FAILBACK: it is preferred."""
    forced: bool
    """Even where the change would not be seamless."""
    continues: bool
    """It had completed the slot, and the change would have been seamless."""
    since: int | None = None
    """When it was ordered, or from when on the hold-down counted, ticks since the epoch; None where it is pinned."""
    hold_down: int | None = None
    """Of a failback, ticks."""


@unguarded
@dataclass(frozen=True, slots=True)
class Evidence:
    """Why, in numbers."""

    deadline: int | None
    """deadline(k), ticks since the epoch; None where no input was active yet."""
    inputs: tuple[InputEvidence, ...]
    wanted: WantedEvidence | None = None
    """None: the active input was the one to be followed."""
    nothing_later: bool | None = None
    """PARTIAL: the inputs have ended, and what is published is all that there is; else None."""
    end_ordered_at: int | None = None
    """When an operator ordered the programme to end, ticks since the epoch; None: it ended by itself, or goes on."""


@record("program.entry")
@unguarded
@dataclass(frozen=True, slots=True)
class ProgramEntry:
    """The decision for one slot of one origin endpoint."""

    origin_endpoint: str
    """Guid."""
    channel: str
    """Guid."""
    slot: int
    """k, on the channel's grid."""
    media_sequence: int
    discontinuity_sequence: int
    """Absolute: how many discontinuities there were in all slots before this one. Its own is not counted yet."""
    discontinuity: bool
    """This slot's media does not continue its predecessor's, in any rendition."""
    start: int
    """Programme time, ticks."""
    end: int
    """Programme time, ticks."""
    program_date_time: int
    """Ticks since the epoch."""
    available_at: int
    """When viewers may see it, ticks since the epoch."""
    target_duration_seconds: int
    active_input: int
    reason: Reason
    step: int
    """Of the failover rule, 1 to 7; 0 for the first slot."""
    evidence: Evidence
    renditions: tuple[EntryRendition, ...]
    slot_duration: int
    """S_out, ticks."""
    policy_revision: int
    as_of: AsOf
    rendering_version: int = RENDERING_VERSION
    order_settled: int = 0
    """ARRIVALS sequence up to which operators' orders for this endpoint are carried out or off."""
    anchor: int | None = None
    """Where slot 0 begins, programme time, ticks: slot numbers count from there. None in entries of older releases."""
    ended: bool = False
    """The programme ends with this slot: the endpoint's last entry, said again. Nothing but why and when is another.

    Whoever knows the entry's media sequence already knows all of it but this. The next entry, if one ever comes, goes
    on from it, and the programme is live again.
    """

    @property
    def is_gap(self) -> bool:
        """No rendition has anything of this slot."""
        return not any(rendition.pieces for rendition in self.renditions)


@record("active_input")
@dataclass(frozen=True, slots=True)
class ActiveInput:
    """ACTIVE_INPUT: the latest, for people."""

    origin_endpoint: str
    """Its id."""
    channel: str
    """Its id."""
    active_input: int
    since: int
    """as_of of the entry that made it active, ticks since the epoch."""
    reason: Reason
    """Of that entry."""
    media_sequence: int
    """Of that entry."""
    program_sequence: int
    """PROGRAM stream sequence of that entry: an older one never overwrites a newer."""
