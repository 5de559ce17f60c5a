"""When a programme ends, and the entry that says so (failover rule, The end of a programme).

A pure function of what the inputs have delivered. An origin endpoint's programme ends

1. when nothing was heard of either input for three of the endpoint's target durations, and

   a. the active input has ended (EXT-X-ENDLIST in every playlist), or
   b. the active one fell silent, the other has ended, and its media go as far: it outlived the active one.

   The other input of the two has then ended as well, or is dead: three target durations are longer than it takes.
2. at once by an operator's order, given while no input delivered, and nothing was delivered since;

and never before everything that there is has been published. Where redundancy is off, the other input does not count
for 1. Encoders that have all crashed leave the programme live:
they are started again, and players that were told of an end would not come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from understudy_domain.channel_state import ChannelState
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import AsOf, Evidence, InputEvidence, ProgramEntry
from understudy_domain.failover import SlotView
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState
from understudy_domain.words import listed

SILENT_TARGET_DURATIONS = 3
"""For how long an input may be away after its end, and the programme is live without a break."""


class EndRefusal(StrEnum):
    """Why an order to end a programme is refused."""

    STILL_DELIVERING = "still_delivering"
    """An input delivers and has not ended."""
    NOTHING_PUBLISHED_YET = "nothing_published_yet"
    """No origin endpoint of the channel has begun."""


def refusal(state: ChannelState, now: int) -> tuple[EndRefusal, str] | None:
    """Why an order to end the programme now would be refused, as a word and as a sentence; None: it can be given."""
    if all(endpoint.last is None for endpoint in state.endpoints):
        return EndRefusal.NOTHING_PUBLISHED_YET, "no origin endpoint of the channel has published anything yet"
    found = [f"input {one.input_id}" for one in delivering(state, now)]
    if found:
        verb = "is" if len(found) == 1 else "are"
        return EndRefusal.STILL_DELIVERING, f"{listed(found)} {verb} still delivering: stop what pushes there first"
    return None


def ends_at(state: ChannelState, endpoint: EndpointState) -> int | None:
    """When an endpoint's programme ends unless something arrives before, ticks since the epoch; None: it goes on.

    The instant may be over: then it ends as soon as everything is published.
    """
    last = endpoint.last
    if last is None or last.ended or state.grid is None:
        return None
    if is_ordered(state):
        return state.end_ordered_at
    if not any(one.has_ended for one in state.inputs):
        return None
    active, other = state.input(last.active_input), state.input(3 - last.active_input)
    counted = [active]
    if endpoint.is_alone_with is None:
        counted.append(other)
    outlived = other in counted and other.has_ended and _goes_as_far(other, active, state.grid.segment_duration)
    if not active.has_ended and not outlived:
        return None
    heard_of = max(max(one.last_arrived_at or 0, one.ended_at or 0) for one in counted)
    return heard_of + SILENT_TARGET_DURATIONS * last.target_duration_seconds * TICKS_PER_SECOND


def is_ordered(state: ChannelState) -> bool:
    """An operator's order to end the programme stands: nothing has arrived since."""
    return state.end_ordered_at is not None and state.end_ordered_at >= _last_arrival(state)


def _last_arrival(state: ChannelState) -> int:
    return max(one.last_arrived_at or 0 for one in state.inputs)


def _goes_as_far(one: InputState, other: InputState, segment_duration: int) -> bool:
    return one.newest_end >= other.newest_end - segment_duration // 2


def delivering(state: ChannelState, now: int) -> Iterable[InputState]:
    """The inputs that have not ended, and of which something has come within what makes one dead: no end while any is.

    Dead as for the shortest of slots, those of one segment: an order of an operator is for all endpoints alike.
    """
    return (one for one in state.inputs if now < state.dies_at(one))


def is_all_published(view: SlotView) -> bool:
    """Nothing is left of the next slot, nor of any later one."""
    return all(one.first_piece_at is None and one.next_slot is None for one in (view.active, view.other))


def ending(state: ChannelState, last: ProgramEntry, *, alone_with: int | None) -> ProgramEntry:
    """The end of an endpoint's programme, as of the state's ``now``: its last entry, said again.

    ``alone_with``: the one input that counts where redundancy is off.
    """
    inputs = tuple(
        InputEvidence(
            one.input_id,
            complete=False,
            dead=not one.has_ended,
            ended_at=one.ended_at,
            left_out=alone_with not in (None, one.input_id),
        )
        for one in state.inputs
    )
    return replace(
        last,
        ended=True,
        reason=Reason.END,
        step=0,
        evidence=Evidence(
            deadline=None, inputs=inputs, end_ordered_at=state.end_ordered_at if is_ordered(state) else None
        ),
        as_of=AsOf(state.now, state.sequence),
    )
