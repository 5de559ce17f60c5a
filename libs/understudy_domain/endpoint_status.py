"""An origin endpoint as it is now, in people's units: what it follows, what came last, what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain import failover, ticks
from understudy_domain.deciding import Waiting
from understudy_domain.ending import ends_at, is_all_published
from understudy_domain.endpoint_state import ORDER_STANDS, EndpointState
from understudy_domain.entry import ActiveInput, ProgramEntry
from understudy_domain.fold import ChannelFold
from understudy_domain.intention import held_down_since
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.words import clock, listed


@dataclass(frozen=True, slots=True)
class LastSlot:
    """The newest entry."""

    media_sequence: int
    slot: int
    program_date_time: str
    decided_at: str
    available_at: str
    reason: Reason
    step: int
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class AwaitedInput:
    """What an input has of the slot that comes next."""

    input: int
    complete: bool
    missing: tuple[str, ...]
    """Renditions that lack a piece."""
    due: str | None
    dead: bool
    has_later: bool
    """It has delivered something of a later slot."""


@dataclass(frozen=True, slots=True)
class NextSlot:
    """The slot that is decided next, and what it waits for."""

    slot: int
    step: int
    """Of the failover rule: which one waits."""
    looks_again_at: str | None
    """Besides at every arrival; None: at arrivals only."""
    deadline: str | None
    """None while the active input has no lag to reckon by."""
    inputs: tuple[AwaitedInput, ...]
    """Those that count: one alone where redundancy is off."""
    why: str
    """A sentence."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the endpoint decides by, in seconds."""

    segment_duration_seconds: float
    """As configured."""
    slot_duration_seconds: float | None
    """S_out: rounded up to whole input segments; None until S_in is settled."""
    tolerance_seconds: float | None
    margin_seconds: float
    time_delay_seconds: float
    target_duration_seconds: int | None
    revision: int
    """Of its configuration, as the decisions know it."""


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """The policy, as the decisions know it."""

    policy: PolicyKind
    input: int
    """What is preferred or pinned; else what wins a tie for the first active input."""
    hold_down_seconds: float
    well_since: str | None
    """Since when that input has been complete and on time; None: it is not."""
    failback_from: str | None
    """When the hold-down has passed, if the preferred input stays well; None: no failback is due."""


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """An operator's order to switch over that is to be carried out."""

    input: int
    forced: bool
    given_at: str
    stands_until: str
    log_sequence: int
    """Its own, in ARRIVALS."""


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """An origin endpoint, now."""

    origin_endpoint: str
    """Its id."""
    channel: str
    """Its channel's id."""
    at: str
    """When this was read."""
    log_at: str | None
    """How far the log had been decided upon."""
    log_sequence: int
    """The same as a sequence in ARRIVALS: of the last message applied."""
    active_input: int | None
    """None before the first slot."""
    since: str | None
    """When that input became active."""
    reason: Reason | None
    """Why it did."""
    ended: bool
    """Its programme has ended, and its playlists say so once they reach that."""
    ends_at: str | None
    """When its programme ends unless something arrives before; None: it does not."""
    since_media_sequence: int | None
    """The first slot from it."""
    policy: PolicyStatus | None
    """None until the decisions know of the endpoint."""
    order: StandingOrder | None
    """None: there is none, or it is carried out, withdrawn by another policy, void under this one, or has run out."""
    last: LastSlot | None
    """The newest slot."""
    next: NextSlot | None
    numbers: Numbers | None
    """None until the decisions know of the endpoint."""


def endpoint_status(
    fold: ChannelFold, origin_endpoint: str, *, name: str, channel: str, active: ActiveInput | None, now: int
) -> EndpointStatus:
    """The status of an endpoint, by guid; ``name`` and ``channel`` are ids, ``active`` what ACTIVE_INPUT says."""
    endpoint = fold.state.endpoint(origin_endpoint)
    last = endpoint.last if endpoint is not None else None
    waiting = fold.waiting(origin_endpoint)
    grid = fold.state.grid
    slot_duration = endpoint.slot_duration(grid) if endpoint is not None and grid is not None else None
    end = ends_at(fold.state, endpoint) if endpoint is not None else None
    told = active if active is not None and last is not None and active.active_input == last.active_input else None
    return EndpointStatus(
        origin_endpoint=name,
        channel=channel,
        at=ticks.to_iso8601(now),
        log_at=ticks.to_iso8601(fold.state.now) if fold.state.now else None,
        log_sequence=fold.state.sequence,
        active_input=last.active_input if last is not None else None,
        since=ticks.to_iso8601(told.since) if told is not None else None,
        reason=told.reason if told is not None else None,
        ended=last is not None and last.ended,
        ends_at=None if end is None else ticks.to_iso8601(end),
        since_media_sequence=told.media_sequence if told is not None else None,
        policy=_policy(fold, endpoint, now) if endpoint is not None else None,
        order=_order(endpoint, max(now, fold.state.now)) if endpoint is not None else None,
        last=_last(last) if last is not None else None,
        next=_next(waiting, last) if waiting is not None else None,
        numbers=None
        if endpoint is None
        else Numbers(
            segment_duration_seconds=ticks.to_seconds(endpoint.segment_duration),
            slot_duration_seconds=None if slot_duration is None else ticks.to_seconds(slot_duration),
            tolerance_seconds=None if slot_duration is None else ticks.to_seconds(failover.tolerance_of(slot_duration)),
            margin_seconds=ticks.to_seconds(failover.MARGIN),
            time_delay_seconds=ticks.to_seconds(endpoint.time_delay),
            target_duration_seconds=last.target_duration_seconds if last is not None else None,
            revision=endpoint.revision,
        ),
    )


def _policy(fold: ChannelFold, endpoint: EndpointState, now: int) -> PolicyStatus:
    policy, grid = endpoint.policy, fold.state.grid
    one = fold.state.input(policy.input_id)
    well_since = None
    if grid is not None:
        well_since = one.steadiness.well_since(now, lag=one.lag, segment_duration=grid.segment_duration)
    failback_from = None
    is_elsewhere = endpoint.last is not None and endpoint.last.active_input != policy.input_id
    if policy.kind is PolicyKind.PREFERRED and is_elsewhere and well_since is not None:
        failback_from = held_down_since(endpoint, well_since) + policy.hold_down
    return PolicyStatus(
        policy=policy.kind,
        input=policy.input_id,
        hold_down_seconds=ticks.to_seconds(policy.hold_down),
        well_since=ticks.to_iso8601(well_since) if well_since is not None else None,
        failback_from=ticks.to_iso8601(failback_from) if failback_from is not None else None,
    )


def _order(endpoint: EndpointState, now: int) -> StandingOrder | None:
    order = endpoint.standing_order(now)
    if order is None:
        return None
    return StandingOrder(
        input=order.input_id,
        forced=order.forced,
        given_at=ticks.to_iso8601(order.given_at),
        stands_until=ticks.to_iso8601(order.given_at + ORDER_STANDS),
        log_sequence=order.sequence,
    )


def _last(entry: ProgramEntry) -> LastSlot:
    return LastSlot(
        media_sequence=entry.media_sequence,
        slot=entry.slot,
        program_date_time=ticks.to_iso8601(entry.program_date_time),
        decided_at=ticks.to_iso8601(entry.as_of.instant),
        available_at=ticks.to_iso8601(entry.available_at),
        reason=entry.reason,
        step=entry.step,
        discontinuity=entry.discontinuity,
    )


def _next(waiting: Waiting, last: ProgramEntry | None) -> NextSlot:
    view, now = waiting.view, waiting.looked_at
    has_ended = last is not None and last.ended and is_all_published(view)
    deadline = None if view.active.lag is None or has_ended else view.deadline(now)
    inputs = []
    counted = [one for one in (view.active, view.other) if not one.left_out]
    for one in sorted(counted, key=lambda one: one.input_id):
        due = view.due(one)
        inputs.append(
            AwaitedInput(
                input=one.input_id,
                complete=one.complete,
                missing=waiting.deliveries[one.input_id].missing,
                due=None if due is None else ticks.to_iso8601(due),
                dead=one.is_dead(now),
                has_later=one.next_slot is not None,
            )
        )
    until = None if has_ended else waiting.verdict.until
    return NextSlot(
        slot=view.slot,
        step=waiting.verdict.step,
        looks_again_at=None if until is None else ticks.to_iso8601(until),
        deadline=None if deadline is None else ticks.to_iso8601(deadline),
        inputs=tuple(inputs),
        why=_why_not_yet(view.slot) if has_ended else why_it_waits(waiting, deadline),
    )


def _why_not_yet(slot: int) -> str:
    return f"The programme has ended. It goes on with slot {slot} or a later one once an input delivers again."


def why_it_waits(waiting: Waiting, deadline: int | None) -> str:
    """What a slot waits for, as a sentence; ``deadline``: its own, ticks since the epoch, None where it has none."""
    view, active = waiting.view, waiting.view.active.input_id
    missing, lacking = waiting.deliveries[active].missing, waiting.deliveries[active].lacking
    lacks = f"input {active}, the active one, lacks {listed(missing)}" if missing else f"input {active} is not complete"
    if view.active.complete:
        lacks = f"input {active}, the active one, has completed it without {listed(lacking)}, which it lacks for good"
    match waiting.verdict.step:
        case 0 if waiting.view.wanted is not None:
            wanted = waiting.view.wanted
            by = "an operator or the policy" if wanted.reason is Reason.SWITCHOVER else "the policy"
            return (
                f"Slot {waiting.view.slot} waits for input {wanted.input_id}, which {by} wants followed: "
                f"input {active} has completed the slot, and is taken if the other one is not in time."
            )
        case 2 if view.active.complete:
            until = f" and has until {clock(deadline)}" if deadline is not None else ""
            return f"Slot {view.slot} waits: {lacks}, while input {view.other.input_id} delivers more{until}."
        case 2:
            until = f", and has until {clock(deadline)}" if deadline is not None else ""
            return f"Slot {waiting.view.slot} waits: {lacks}{until}."
        case 4:
            return (
                f"Slot {waiting.view.slot} waits past its deadline: {lacks}; the other input was late with it as well, "
                "so the cause is common to both, and the active one is given one more tolerance."
            )
        case _ if view.active.complete:
            looks_again_at = waiting.verdict.until
            time = f" until {clock(looks_again_at)}" if looks_again_at is not None else ""
            return (
                f"Slot {view.slot} is held past its deadline: {lacks}; "
                f"input {view.other.input_id} delivers more, and has{time} to complete it."
            )
        case _ if view.other.left_out:
            return (
                f"Slot {view.slot} is held past its deadline: {lacks}, and no other input counts, since redundancy is "
                "off; what it lacks is still expected, or nothing later exists."
            )
        case _:
            return (
                f"Slot {view.slot} is held past its deadline: {lacks}, and so does the other input; "
                "what both lack is still expected, or nothing later exists."
            )
