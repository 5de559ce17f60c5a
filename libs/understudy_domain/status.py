"""A channel and its endpoints as they are now, in people's units: read from the fold, changing nothing.

Instants are ISO 8601, durations are seconds. ``now`` is the reader's clock, which the log's may be a little behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from understudy_domain import ticks
from understudy_domain.channel_state import ChannelState
from understudy_domain.interchange import Grade, Mismatch, RenditionProof
from understudy_domain.timeline import InputState


class InputCondition(StrEnum):
    """What an input does."""

    DELIVERING = "delivering"
    DEAD = "dead"
    """Nothing came for 3 S_in and the tolerance of a slot of one segment."""
    ENDED = "ended"
    """EXT-X-ENDLIST in every playlist."""
    NEVER_BEGAN = "never_began"


_SILENT: Final = {
    InputCondition.DEAD: "delivers nothing any more",
    InputCondition.ENDED: "has ended its playlists",
    InputCondition.NEVER_BEGAN: "has never delivered anything",
}


class Seam(StrEnum):
    """What a change between the inputs would look like."""

    SEAMLESS = "seamless"
    DISCONTINUITY = "discontinuity"
    IMPOSSIBLE = "impossible"
    """The input that would be changed to delivers nothing."""


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A run of continuous media timestamps."""

    began_at: str
    placed: bool
    """It has its place in programme time."""
    lag_seconds: float | None
    """How long after it has passed media arrives; only differences matter."""
    date_skew_seconds: float | None
    """Its program date time minus programme time; only differences matter. None: no believable date."""


@dataclass(frozen=True, slots=True)
class InputStatus:
    """One input."""

    input: int
    condition: InputCondition
    last_segment_at: str | None
    last_segment_age_seconds: float | None
    lag_seconds: float | None
    has_ended: bool
    dead: bool
    sessions: tuple[SessionStatus, ...]
    """The current one last, and the one before it while that is kept."""
    playlists: Mapping[str, str]
    """Its playlist for each rendition that it delivers."""
    well_since: str | None
    """Since when it has been complete and on time; None: it is not, or nothing is known of it yet."""


@dataclass(frozen=True, slots=True)
class RenditionInterchange:
    """What common pieces have shown of one rendition."""

    rendition: str
    grade: Grade
    mismatch: Mismatch | None
    """What the last common pieces lacked of being joinable; None: nothing, or none were compared."""
    common_pieces: int
    """In a row that were at least seamless."""


@dataclass(frozen=True, slots=True)
class SwitchOutlook:
    """What a change of every rendition to an input would look like if it were made now."""

    to_input: int
    seam: Seam
    jump_seconds: float | None
    """By how much the programme would jump, by program date times; 0 where seamless, None where it is not known."""
    why: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class InterchangeStatus:
    """Whether the inputs can stand for one another, known before anything fails."""

    grade: Grade
    """Of all renditions together."""
    renditions: tuple[RenditionInterchange, ...]
    arrival_skew_seconds: float | None
    """By how much input 2 arrives later than input 1."""
    date_skew_seconds: float | None
    """By how much the program date time of input 2 is ahead of input 1's, at equal programme time."""
    outlook: tuple[SwitchOutlook, ...]
    """One for each input."""


@dataclass(frozen=True, slots=True)
class RenditionStatus:
    """A rendition of the channel."""

    rendition: str
    kind: str
    codec: str
    bandwidth: int
    width: int | None
    height: int | None
    language: str | None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """A channel, now."""

    channel: str
    """Its id."""
    at: str
    """When this was read."""
    log_at: str | None
    """How far the log had been decided upon; None: nothing was read of it yet."""
    segment_duration_seconds: float | None
    """S_in; None until it is settled."""
    inputs: tuple[InputStatus, ...]
    interchange: InterchangeStatus
    renditions: tuple[RenditionStatus, ...]


def channel_status(state: ChannelState, *, name: str, now: int) -> ChannelStatus:
    """The status of the channel that people call ``name``."""
    inputs = tuple(_input(one, state, now) for one in state.inputs)
    return ChannelStatus(
        channel=name,
        at=ticks.to_iso8601(now),
        log_at=ticks.to_iso8601(state.now) if state.now else None,
        segment_duration_seconds=ticks.to_seconds(state.grid.segment_duration) if state.grid is not None else None,
        inputs=inputs,
        interchange=_interchange(state, inputs),
        renditions=tuple(
            RenditionStatus(
                rendition=one.rendition,
                kind=one.kind.value,
                codec=one.codec_family,
                bandwidth=one.bandwidth,
                width=one.width,
                height=one.height,
                language=one.language,
            )
            for one in state.lineup
        ),
    )


# --- inputs -----------------------------------------------------------------------------------------------------------


def condition_of(one: InputState, state: ChannelState, now: int) -> InputCondition:
    """What one of a channel's inputs does."""
    if one.last_arrived_at is None:
        return InputCondition.NEVER_BEGAN
    if one.has_ended:
        return InputCondition.ENDED
    if now >= state.dies_at(one) and state.grid is not None:
        return InputCondition.DEAD
    return InputCondition.DELIVERING


def _input(one: InputState, state: ChannelState, now: int) -> InputStatus:
    condition = condition_of(one, state, now)
    return InputStatus(
        input=one.input_id,
        condition=condition,
        last_segment_at=ticks.to_iso8601(one.last_arrived_at) if one.last_arrived_at is not None else None,
        last_segment_age_seconds=_seconds(now - one.last_arrived_at) if one.last_arrived_at is not None else None,
        lag_seconds=_seconds(one.lag),
        has_ended=one.has_ended,
        dead=condition is not InputCondition.DELIVERING,
        sessions=tuple(
            SessionStatus(
                began_at=ticks.to_iso8601(session.first_arrived_at),
                placed=session.offset is not None,
                lag_seconds=_seconds(session.lag.value),
                date_skew_seconds=_seconds(_date_skew(session.date_minus_media, session.offset)),
            )
            for session in one.sessions
        ),
        playlists=dict(sorted(one.carries.items())),
        well_since=_well_since(one, state, now),
    )


def _well_since(one: InputState, state: ChannelState, now: int) -> str | None:
    if state.grid is None or one.has_ended:
        return None
    since = one.steadiness.well_since(now, lag=one.lag, segment_duration=state.grid.segment_duration)
    return None if since is None else ticks.to_iso8601(since)


def _date_skew(date_minus_media: int | None, offset: int | None) -> int | None:
    return None if date_minus_media is None or offset is None else date_minus_media - offset


def _seconds(duration: int | None) -> float | None:
    """Seconds to the millisecond."""
    return None if duration is None else round(ticks.to_seconds(duration), 3)


# --- interchangeability -----------------------------------------------------------------------------------------------


def proofs_of(state: ChannelState) -> Mapping[str, RenditionProof]:
    """What is proven, by rendition, of the inputs' present sessions: what was of others says nothing of these."""
    current = [one.session.id for one in state.inputs if one.session is not None]
    return state.interchange.renditions if state.interchange.sessions == current else {}


def grade_of(state: ChannelState) -> Grade:
    """How far the inputs can stand for one another, all renditions together."""
    names = [one.rendition for one in state.lineup]
    return state.interchange.grade(names) if proofs_of(state) and names else Grade.NONE


def arrival_skew(state: ChannelState) -> int | None:
    """By how much input 2 arrives later than input 1, ticks; None while one of them has no lag."""
    first, second = state.inputs
    return second.lag - first.lag if first.lag is not None and second.lag is not None else None


def date_skew(state: ChannelState) -> int | None:
    """By how much the program date time of input 2 is ahead of input 1's at equal programme time, ticks."""
    first, second = (
        _date_skew(one.session.date_minus_media, one.session.offset) if one.session is not None else None
        for one in state.inputs
    )
    return second - first if first is not None and second is not None else None


def _interchange(state: ChannelState, inputs: tuple[InputStatus, ...]) -> InterchangeStatus:
    proofs, ahead = proofs_of(state), date_skew(state)
    renditions = tuple(_rendition(one.rendition, proofs.get(one.rendition, RenditionProof())) for one in state.lineup)
    return InterchangeStatus(
        grade=grade_of(state),
        renditions=renditions,
        arrival_skew_seconds=_seconds(arrival_skew(state)),
        date_skew_seconds=_seconds(ahead),
        outlook=tuple(_outlook(one, state, inputs[one.input_id - 1], renditions, ahead) for one in state.inputs),
    )


def _rendition(name: str, proof: RenditionProof) -> RenditionInterchange:
    return RenditionInterchange(name, proof.grade, proof.mismatch, max(proof.seamless, proof.joinable))


def _outlook(
    one: InputState,
    state: ChannelState,
    status: InputStatus,
    renditions: tuple[RenditionInterchange, ...],
    ahead: int | None,
) -> SwitchOutlook:
    """``ahead``: the skew of the dates."""
    if status.dead:
        return SwitchOutlook(one.input_id, Seam.IMPOSSIBLE, None, f"Input {one.input_id} {_SILENT[status.condition]}.")
    weak = [rendition for rendition in renditions if rendition.grade is Grade.NONE]
    if renditions and not weak:
        return SwitchOutlook(
            one.input_id, Seam.SEAMLESS, 0.0, "Timestamps and codec configuration continue in every rendition."
        )
    jump = None
    if ahead is not None:
        jump = _seconds(ahead if one.input_id == 2 else -ahead)
    return SwitchOutlook(one.input_id, Seam.DISCONTINUITY, jump, _why_not(weak, state))


def _why_not(weak: list[RenditionInterchange], state: ChannelState) -> str:
    if not state.lineup:
        return "The channel's renditions are not known yet."
    unlike = [f"{one.rendition} ({one.mismatch})" for one in weak if one.mismatch is not None]
    if unlike:
        return f"The inputs differ in {', '.join(unlike)}."
    named = ", ".join(one.rendition for one in weak)
    return f"Too few pieces of both inputs for the same time have been compared of {named}."
