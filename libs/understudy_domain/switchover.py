"""What an operator's order to switch over would come to, told before it is given: accepted or refused, and why.

Refused is what could not be carried out, and what viewers would notice. ``forced`` overrides the latter alone: an input
that delivers nothing completes no slot, so that an order to follow it would only run out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from understudy_domain.channel_state import ChannelState
from understudy_domain.endpoint_state import ORDER_STANDS, EndpointState
from understudy_domain.failover import tolerance_of
from understudy_domain.lacking import lacking
from understudy_domain.policy import PolicyKind
from understudy_domain.status import Seam, SwitchOutlook, channel_status
from understudy_domain.words import listed, seconds


class Refusal(StrEnum):
    """Why an order is refused."""

    NOTHING_PUBLISHED_YET = "nothing_published_yet"
    """The endpoint follows no input yet."""
    ALREADY_ACTIVE = "already_active"
    """It follows that input."""
    PINNED = "pinned"
    """Its policy pins it to the other input."""
    POLICY_OFF = "policy_off"
    """Its policy has it follow input 1 and no other."""
    NOT_DELIVERING = "not_delivering"
    """The input delivers nothing."""
    LACKING = "lacking"
    """The input lacks renditions for good that the active one has: the rule would leave it again."""
    NOT_SEAMLESS = "not_seamless"
    """Viewers would notice, and the order does not say that they may."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What an order would come to."""

    input_id: int | None
    """Where to; None where none was named, and there is no active input to leave."""
    refusal: Refusal | None
    """None: it can be given."""
    sentence: str
    """What will happen, or why nothing will."""
    seam: Seam | None = None
    """What the change would look like now; None where it was not looked at."""
    jump_seconds: float | None = None
    """By how much the programme would jump, by program date times; 0 where seamless, None where it is not known."""


def prospect(state: ChannelState, origin_endpoint: str, *, input_id: int | None, forced: bool, now: int) -> Prospect:
    """What it would come to if an endpoint (guid) were ordered now to follow an input.

    Args:
        state: its channel's, as of now.
        origin_endpoint: guid.
        input_id: where to; None: the other one.
        forced: even with a discontinuity.
        now: an instant, ticks.
    """
    endpoint = state.endpoint(origin_endpoint)
    if endpoint is None or endpoint.last is None:
        sentence = "It has published nothing yet, and begins with the first input that completes a slot."
        return Prospect(input_id, Refusal.NOTHING_PUBLISHED_YET, sentence)
    active = endpoint.last.active_input
    wanted = 3 - active if input_id is None else input_id
    refused = _against_policy(endpoint, wanted)
    if refused is not None:
        return refused
    if wanted == active:
        return _stay(endpoint, active, now)
    outlook = channel_status(state, name="", now=now).interchange.outlook[wanted - 1]
    match outlook.seam:
        case Seam.IMPOSSIBLE:
            sentence = (
                f"{outlook.why} An order is carried out at a slot that the input completes, a forced one as well. To "
                f"go there once it delivers, have the policy prefer input {wanted}."
            )
            return Prospect(wanted, Refusal.NOT_DELIVERING, sentence, outlook.seam)
        case _ if lacks := _lacks_more(state, endpoint, wanted):
            sentence = (
                f"Input {wanted} lacks {listed(lacks)} for good, and would only be left again. To follow it all the "
                "same, pin the endpoint to it."
            )
            return Prospect(wanted, Refusal.LACKING, sentence, outlook.seam)
        case Seam.DISCONTINUITY if not forced:
            sentence = f"It would not be seamless: {_discontinuity(outlook)}. {outlook.why} Force it to accept that."
            return Prospect(wanted, Refusal.NOT_SEAMLESS, sentence, outlook.seam, outlook.jump_seconds)
        case Seam.DISCONTINUITY:
            looks = f"with {_discontinuity(outlook)}"
        case _:
            looks = "seamlessly"
    sentence = (
        f"It goes over to input {wanted} {looks}, at the first slot that input {wanted} completes by its deadline; the "
        f"order is off if there is none within {seconds(ORDER_STANDS)}.{_afterwards(endpoint, wanted)}"
    )
    return Prospect(wanted, None, sentence, outlook.seam, outlook.jump_seconds)


def _against_policy(endpoint: EndpointState, wanted: int) -> Prospect | None:
    policy = endpoint.policy
    if not policy.forbids(wanted):
        return None
    if policy.kind is PolicyKind.PINNED:
        sentence = f"Its policy pins it to input {policy.input_id}, not even a forced order moves it: set another one."
        return Prospect(wanted, Refusal.PINNED, sentence)
    sentence = "Its policy is off, it has input 1 and no other: set another one."
    return Prospect(wanted, Refusal.POLICY_OFF, sentence)


def _stay(endpoint: EndpointState, active: int, now: int) -> Prospect:
    standing = endpoint.standing_order(now)
    if standing is None or standing.input_id == active:
        return Prospect(active, Refusal.ALREADY_ACTIVE, f"It follows input {active} already.")
    sentence = f"It stays with input {active}: the order to follow input {standing.input_id} is off."
    return Prospect(active, None, sentence, Seam.SEAMLESS, 0.0)


def _lacks_more(state: ChannelState, endpoint: EndpointState, wanted: int) -> tuple[str, ...]:
    """What an input lacks for good, if that is more than the other one lacks."""
    grid = state.grid
    if grid is None:
        return ()
    tolerance = tolerance_of(endpoint.slot_duration(grid))
    names = [one.rendition for one in state.lineup]
    mine, others = (
        lacking(state.input(one), names, segment_duration=grid.segment_duration, tolerance=tolerance)
        for one in (wanted, 3 - wanted)
    )
    return mine if len(mine) > len(others) else ()


def _discontinuity(outlook: SwitchOutlook) -> str:
    if outlook.jump_seconds is None:
        return "a discontinuity in every rendition, and a jump of unknown size in the programme"
    if not outlook.jump_seconds:
        return "a discontinuity in every rendition"
    kind = "skips" if outlook.jump_seconds > 0 else "repeats"
    return f"a discontinuity in every rendition, and the programme {kind} {abs(outlook.jump_seconds):g} s"


def _afterwards(endpoint: EndpointState, wanted: int) -> str:
    policy = endpoint.policy
    if policy.kind is not PolicyKind.PREFERRED or policy.input_id == wanted:
        return ""
    return (
        f" Its policy prefers input {policy.input_id}, and takes it back once that has been complete and on time for "
        f"{seconds(policy.hold_down)} after the order."
    )
