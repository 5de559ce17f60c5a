"""Replaying a channel's arrivals through the decision core, reading only: what explanations and what-ifs rest on.

A replay begins with the channel where the log still holds its beginning. Otherwise it begins in the middle: from an
entry that stands in PROGRAM, which gives the grid and the place of its input's session, as a successor without a
snapshot would if it were allowed to guess the rest. The same decisions come out of that; their numbers may differ a
little, since a lag that was followed for an hour is not known to the tick. Whoever replays compares and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import ChannelRemoved, EndpointConfigured, EndpointRemoved, Fact, SegmentArrived, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.grid import Grid
from understudy_domain.lag import FREE_SAMPLES, SAMPLES, Lag
from understudy_domain.lineup import Rendition
from understudy_domain.reason import Reason
from understudy_domain.session import Session
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState

WARM_UP_SECONDS = 60
"""How far before a slot a replay begins at least: what is not known then has been learnt by the time it matters."""
WARM_UP_SEGMENTS = 20
"""And so many S_in: the lag is the median of 15 pieces."""
BEFORE_ENTRY_SEGMENTS = 6
"""Read so many S_in before the entry that a replay begins with: what it had, and what the other input had by then."""


@dataclass(frozen=True, slots=True)
class LoggedFact:
    """One message of a channel's part of ARRIVALS, or a tick of its shard."""

    sequence: int
    instant: int
    """Log time, ticks since the epoch."""
    input_id: int | None
    fact: Fact


class Fidelity(StrEnum):
    """How near a replayed entry comes to the one that stands."""

    EXACT = "exact"
    """Byte for byte."""
    SAME_DECISION = "same_decision"
    """The same pieces for the same reason; some number differs."""
    OTHER = "other"
    """Not reproduced."""


def fidelity(replayed: ProgramEntry | None, standing: ProgramEntry) -> Fidelity:
    """How near ``replayed`` comes to ``standing``."""
    if replayed is None:
        return Fidelity.OTHER
    if codec.encode(replayed) == codec.encode(standing):
        return Fidelity.EXACT
    return Fidelity.SAME_DECISION if _decision(replayed) == _decision(standing) else Fidelity.OTHER


def _decision(entry: ProgramEntry) -> object:
    pieces = {one.rendition: [piece.object_key for piece in one.pieces] for one in entry.renditions}
    return entry.reason, entry.step, entry.active_input, entry.discontinuity, pieces


@dataclass(slots=True)
class Replay:
    """A log being replayed, and the entries that it gave so far, by endpoint guid."""

    fold: ChannelFold
    entries: dict[str, list[ProgramEntry]] = field(default_factory=dict)

    def run(self, log: Iterable[LoggedFact], *, until: Callable[[LoggedFact], bool] | None = None) -> None:
        """Apply messages in order, up to the one after which ``until`` holds; may go on with more later."""
        for message in log:
            if isinstance(message.fact, Tick):
                made = self.fold.pass_time(message.instant)
            else:
                made = self.fold.apply(
                    message.fact, input_id=message.input_id, instant=message.instant, sequence=message.sequence
                )
            for entry in made:
                self.entries.setdefault(entry.origin_endpoint, []).append(entry)
            if until is not None and until(message):
                return

    def entry(self, origin_endpoint: str, media_sequence: int) -> ProgramEntry | None:
        """An entry that the replay gave; None where it did not."""
        made = self.entries.get(origin_endpoint, ())
        return next((one for one in made if one.media_sequence == media_sequence), None)


def from_beginning(channel: str) -> Replay:
    """A replay of a log that holds all of a channel's life."""
    return Replay(ChannelFold(ChannelState(channel)))


def holds_beginning(log: Sequence[LoggedFact], origin_endpoint: str) -> bool:
    """Whether the log still holds the message by which the core first heard of an endpoint, before any segment.

    A later revision of the policy says the same as the first: what tells is that nothing had arrived before it, or
    that nothing of the log is gone.
    """
    for message in log:
        if isinstance(message.fact, EndpointConfigured) and message.fact.origin_endpoint == origin_endpoint:
            return True
        if isinstance(message.fact, SegmentArrived):
            return False
    return False


def begin_before(entries: Sequence[ProgramEntry], instant: int, *, segment_duration: int) -> ProgramEntry | None:
    """The newest entry that a replay for a slot decided at ``instant`` can begin with; None: none is old enough."""
    warm_up = max(WARM_UP_SECONDS * TICKS_PER_SECOND, WARM_UP_SEGMENTS * segment_duration)
    fit = [one for one in entries if one.as_of.instant <= instant - warm_up and can_begin_with(one)]
    return max(fit, key=lambda one: one.media_sequence, default=None)


def can_begin_with(entry: ProgramEntry) -> bool:
    """Whether an entry shows what a replay needs to begin with it: whole pieces, and the lag they were due by."""
    return entry.reason is Reason.KEEP and not entry.is_gap and _grid_of(entry) is not None


def segment_duration_of(entry: ProgramEntry) -> int | None:
    """S_in, as an entry that holds whole pieces shows it: S_out is a whole number of them. Ticks."""
    durations = sorted(piece.duration for one in entry.renditions for piece in one.pieces)
    if not durations or durations[len(durations) // 2] <= 0:
        return None
    pieces = max(round(entry.slot_duration / durations[len(durations) // 2]), 1)
    return entry.slot_duration // pieces


def from_entry(
    entry: ProgramEntry,
    configured: EndpointConfigured,
    log: Sequence[LoggedFact],
    *,
    other_numbers: bool = False,
) -> tuple[Replay, Sequence[LoggedFact]] | None:
    """A replay that begins with ``entry`` standing, and the part of ``log`` to run it on; None: it cannot.

    The other endpoints of the channel are left out: none decides for another.

    Args:
        entry: one that stands, with pieces.
        configured: the endpoint's policy.
        log: the channel's part of ARRIVALS, in order.
        other_numbers: ``configured`` is not what ``entry`` was decided under, and counts all through the log: the
            endpoint is to go on from it as if it had always been so.
    """
    grid = _grid_of(entry)
    if grid is None or not log:
        return None
    begin = begins_at(entry, grid.segment_duration)
    if log[0].instant > begin:
        return None
    part = [
        message
        for message in log
        if message.instant >= begin and _concerns(message.fact, entry.origin_endpoint, policies=not other_numbers)
    ]
    if not part:
        return None
    state = ChannelState(entry.channel, now=part[0].instant, grid=grid, lineup=_lineup_of(entry))
    for one in state.inputs:
        _seed_session(one, entry, part)
    state.endpoints.append(EndpointState.configured(configured))
    standing = _as_if(entry, configured, grid) if other_numbers else entry
    return Replay(ChannelFold(state, standing={entry.origin_endpoint: standing})), part


def begins_at(entry: ProgramEntry, segment_duration: int) -> int:
    """From where the log is read for a replay that begins with ``entry``; an instant, ticks."""
    return entry.as_of.instant - max(BEFORE_ENTRY_SEGMENTS * segment_duration, 2 * entry.slot_duration)


def _concerns(fact: Fact, origin_endpoint: str, *, policies: bool) -> bool:
    """Whether a message matters for this endpoint; its own policies where ``policies``."""
    if isinstance(fact, EndpointConfigured):
        return policies and fact.origin_endpoint == origin_endpoint
    return not isinstance(fact, EndpointRemoved | ChannelRemoved)


def _as_if(entry: ProgramEntry, configured: EndpointConfigured, grid: Grid) -> ProgramEntry:
    """``entry`` as the end of a programme with other slots: what was published up to there, and from which input."""
    slot_duration = grid.slot_duration(configured.segment_duration)
    return replace(
        entry,
        slot=grid.slot_of(entry.end, slot_duration=slot_duration) - 1,
        slot_duration=slot_duration,
        target_duration_seconds=-(-(slot_duration + grid.segment_duration // 2) // TICKS_PER_SECOND),
        reason=Reason.KEEP,
        policy_revision=configured.revision,
    )


def _grid_of(entry: ProgramEntry) -> Grid | None:
    """The channel's grid: what is due at due_i is end(k), which is a whole number of S_out from the anchor."""
    segment_duration = segment_duration_of(entry)
    known = next((one for one in entry.evidence.inputs if one.due is not None and one.lag is not None), None)
    if segment_duration is not None and entry.anchor is not None:
        return Grid(entry.anchor, segment_duration)
    if segment_duration is None or known is None or known.due is None or known.lag is None:
        return None
    return Grid(known.due - known.lag - (entry.slot + 1) * entry.slot_duration, segment_duration)


def _lineup_of(entry: ProgramEntry) -> tuple[Rendition, ...]:
    return tuple(
        Rendition(
            rendition=one.rendition,
            kind=one.kind,
            codec_family=one.codecs[0].partition(".")[0] if one.codecs else "",
            bandwidth=one.bandwidth,
            playlist="",
            width=one.width,
            height=one.height,
            audio_group=one.audio_group,
            name=one.name,
            language=one.language,
            channels=one.channels,
            default=one.default,
            autoselect=one.autoselect,
        )
        for one in entry.renditions
    )


def _seed_session(one: InputState, entry: ProgramEntry, part: Sequence[LoggedFact]) -> None:
    """Give an input the session that the entry's last piece of it belongs to, if what follows goes on from there."""
    mine = [
        (rendition.pieces[-1], rendition.timestamp_offset)
        for rendition in entry.renditions
        if rendition.pieces and rendition.pieces[-1].input_id == one.input_id
    ]
    first = next((m for m in part if m.input_id == one.input_id and isinstance(m.fact, SegmentArrived)), None)
    if not mine or first is None or not isinstance(first.fact, SegmentArrived):
        return
    piece, timestamp_offset = mine[0]
    probe, modulus = first.fact.probe, first.fact.probe.timestamp_modulus
    if probe.leading is None:
        return
    apart = probe.leading.first_timestamp - piece.timestamp
    if modulus is not None:
        apart = (apart + modulus // 2) % modulus - modulus // 2
    start = piece.timestamp + apart
    lag = next((known.lag for known in entry.evidence.inputs if known.input_id == one.input_id), None)
    one.sessions.append(
        Session(
            id=first.sequence,
            modulus=modulus,
            newest_end=start,
            first_arrived_at=first.instant,
            first_end=start + probe.leading.duration,
            offset=-timestamp_offset,
            lag=Lag() if lag is None else _followed(lag, first.instant),
        )
    )


def _followed(lag: int, instant: int) -> Lag:
    """A lag as if it had been this for a while."""
    return Lag(value=lag, samples=[lag] * SAMPLES, counted=FREE_SAMPLES, updated_at=instant)


def configured_at(
    log: Sequence[LoggedFact], origin_endpoint: str, revision: int, *, default: EndpointConfigured
) -> EndpointConfigured:
    """The policy of an endpoint at a revision, as the log holds it; ``default`` (CONFIG's) where it does not."""
    found: Mapping[int, EndpointConfigured] = {
        message.fact.revision: message.fact
        for message in log
        if isinstance(message.fact, EndpointConfigured) and message.fact.origin_endpoint == origin_endpoint
    }
    return found.get(revision, default)
