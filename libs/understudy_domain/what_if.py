"""What an endpoint would have done with a channel's recent arrivals under other numbers, beside what it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.explain import sentences_of
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.reason import CHANGES, Reason
from understudy_domain.replay import (
    LoggedFact,
    Replay,
    begins_at,
    can_begin_with,
    from_beginning,
    from_entry,
    holds_beginning,
    segment_duration_of,
)
from understudy_domain.slot_replay import Programme

_QUIET = (Reason.KEEP, Reason.START)


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot that did not simply come from the active input, or did not continue; or the end of the programme."""

    decided_at: str
    """ISO 8601."""
    media_sequence: int
    program_date_time: str
    reason: Reason
    active_input: int
    discontinuity: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Course:
    """What an endpoint did, or would have done."""

    segment_duration_seconds: float
    """S_out: what was configured, rounded up to whole input segments."""
    time_delay_seconds: float
    policy: PolicyKind
    policy_input: int
    """What is preferred or pinned."""
    hold_down_seconds: float
    slots: int
    switches: int
    """Slots from which on the other input was active, for whatever reason."""
    switchovers: int
    """Switches by an operator's order, or to the input that is pinned."""
    failbacks: int
    """Switches back to the preferred input."""
    repairs: int
    """Slots for which pieces were taken from the other input, with no switch."""
    partial: int
    gaps: int
    discontinuities: int
    events: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Both courses over the same arrivals."""

    origin_endpoint: str
    """Its id."""
    begin: str
    """From when on decisions are compared, ISO 8601."""
    end: str
    """How far the arrivals go, ISO 8601."""
    begins_with: str
    """How the replay began, as a sentence."""
    orders: int
    """Operators' orders to switch over in that time: replayed as they were given."""
    was: Course
    would_be: Course


class CannotReplay(Exception):
    """The log holds too little to say anything; the message says what."""


def what_if(
    programme: Programme,
    log: Sequence[LoggedFact],
    *,
    segment_duration: int,
    time_delay: int,
    policy: Policy | None = None,
) -> WhatIf:
    """Replay ``log`` with this segment duration and time delay, both in ticks, and this policy (None: as it is).

    Operators' orders to switch over are replayed with everything else that happened: who asks for another policy wants
    to know what that alone would have changed.

    Raises:
        CannotReplay: the log does not hold the channel's beginning, nor an entry to begin with and what follows it.
    """
    numbers = replace(programme.configured, segment_duration=segment_duration, time_delay=time_delay)
    if policy is not None:
        numbers = replace(numbers, policy=policy.kind, policy_input=policy.input_id, hold_down=policy.hold_down)
    replay, begin, begins_with = _begun(programme, log, numbers)
    end = log[-1].instant
    would_be = replay.entries.get(numbers.origin_endpoint, [])
    was = [one for one in programme.entries if begin < one.as_of.instant <= end]
    grid = replay.fold.state.grid
    slot_duration = grid.slot_duration(segment_duration) if grid is not None else segment_duration
    return WhatIf(
        origin_endpoint=programme.name,
        begin=ticks.to_iso8601(begin),
        end=ticks.to_iso8601(end),
        begins_with=begins_with,
        orders=sum(
            isinstance(one.fact, SwitchoverOrdered) and one.fact.origin_endpoint == numbers.origin_endpoint
            for one in log
            if one.instant > begin
        ),
        was=_course(was, programme.configured, was[-1].slot_duration if was else slot_duration),
        would_be=_course(would_be, numbers, slot_duration),
    )


def _begun(programme: Programme, log: Sequence[LoggedFact], numbers: EndpointConfigured) -> tuple[Replay, int, str]:
    """A replay that was run to the log's end, from when on it decides, and how it began."""
    endpoint = numbers.origin_endpoint
    if not log:
        raise CannotReplay("ARRIVALS holds nothing of this channel.")
    if holds_beginning(log, endpoint):
        replay = from_beginning(_channel_of(programme))
        replay.run(_with_numbers(log, numbers))
        return replay, log[0].instant - 1, "The arrivals are replayed from the channel's beginning."
    for entry in programme.entries:
        segment_duration = segment_duration_of(entry)
        if segment_duration is None or not can_begin_with(entry) or begins_at(entry, segment_duration) < log[0].instant:
            continue
        begun = from_entry(entry, numbers, log, other_numbers=True)
        if begun is not None:
            replay, part = begun
            replay.run(part)
            sentence = (
                f"The arrivals are replayed from slot {entry.slot} on, when input {entry.active_input} was active: "
                "what came before is no longer in ARRIVALS."
            )
            return replay, entry.as_of.instant, sentence
    raise CannotReplay("ARRIVALS holds too little of this channel: no slot with what came before and after it.")


def _channel_of(programme: Programme) -> str:
    return programme.entries[0].channel if programme.entries else ""


def _with_numbers(log: Iterable[LoggedFact], numbers: EndpointConfigured) -> Iterable[LoggedFact]:
    """The log with every policy of the endpoint replaced, and without the other endpoints'."""
    for message in log:
        if isinstance(message.fact, EndpointConfigured):
            if message.fact.origin_endpoint != numbers.origin_endpoint:
                continue
            fact = replace(numbers, revision=message.fact.revision)
            yield replace(message, fact=fact)
        else:
            yield message


def _course(entries: Sequence[ProgramEntry], configured: EndpointConfigured, slot_duration: int) -> Course:
    before: ProgramEntry | None = None
    events, switches, repairs = [], 0, 0
    slots = [entry for entry in entries if not entry.ended]
    for entry in entries:
        switched = entry.reason in CHANGES if before is None else before.active_input != entry.active_input
        switches += switched
        repairs += entry.reason in (Reason.REPAIR, Reason.COMBINE) and not switched
        if entry.reason not in _QUIET or entry.discontinuity or switched:
            events.append(_turn(entry, before))
        before = entry
    return Course(
        segment_duration_seconds=ticks.to_seconds(slot_duration),
        time_delay_seconds=ticks.to_seconds(configured.time_delay),
        policy=configured.policy,
        policy_input=configured.policy_input,
        hold_down_seconds=ticks.to_seconds(configured.hold_down),
        slots=len(slots),
        switches=switches,
        switchovers=sum(entry.reason is Reason.SWITCHOVER for entry in entries),
        failbacks=sum(entry.reason is Reason.FAILBACK for entry in entries),
        repairs=repairs,
        partial=sum(entry.reason is Reason.PARTIAL for entry in slots),
        gaps=sum(entry.is_gap for entry in slots),
        discontinuities=sum(entry.discontinuity for entry in slots),
        events=tuple(events),
    )


def _turn(entry: ProgramEntry, before: ProgramEntry | None) -> Turn:
    return Turn(
        decided_at=ticks.to_iso8601(entry.as_of.instant),
        media_sequence=entry.media_sequence,
        program_date_time=ticks.to_iso8601(entry.program_date_time),
        reason=entry.reason,
        active_input=entry.active_input,
        discontinuity=entry.discontinuity,
        sentence=sentences_of(entry, before=before)[0],
    )
