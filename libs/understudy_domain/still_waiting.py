"""The quick look: most facts cannot change what an endpoint waits for, and that is seen at a glance.

A channel of five renditions causes sixty facts in the time of a slot of 6 s, and a handful of them count. An endpoint
that was found waiting in step 2, the active input not complete and the deadline to come, needs no full look for as
long as all of this is true:

1. The slot is the same, and so is all that it is measured by: the endpoint's last entry, its policy, S_in, the
   renditions.
2. The active input has not completed it: there is a rendition of which no piece reaches the slot's end, and which is
   not so far behind the others that it may be lacking for good.
3. No order and no policy wants the other input: then, and only then, step 2 does not ask what that one has completed.
4. The programme is not about to end.
5. The rule answers with step 2 again when it is shown the inputs' lags and deaths as they are now. It is asked itself,
   so the next timer is set as it would be by a full look.

Before the timer is due, 4 and 5 are as they were at the last look if no segment has come since. They are so as well,
mostly, if one has: a lag changes with the last rendition of a piece alone, and no input ends. 3 stays as it was unless
an order stands or the policy chooses the other input.

Whoever lets the rule depend on more than this before its step 2 has to add it here. Nothing of this is state: a
controller that begins from a snapshot takes a full look, and finds the same.
"""

from __future__ import annotations

from understudy_domain import failover
from understudy_domain.channel_state import ChannelState
from understudy_domain.deciding import Decider, Waiting
from understudy_domain.ending import ends_at
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.failover import Wait
from understudy_domain.intention import wants_nothing
from understudy_domain.lacking import far_behind
from understudy_domain.slots import has_reached

_STEP = 2


class StillWaiting:
    """An endpoint that a full look has just found waiting in step 2."""

    def __init__(self, waiting: Waiting, decider: Decider, state: ChannelState, endpoint: EndpointState) -> None:
        assert state.grid is not None
        grid = state.grid
        self._decider = decider
        self._state = state
        self._endpoint = endpoint
        self._last, self._passed = endpoint.last, endpoint.passed
        self._revision, self._order = endpoint.revision, endpoint.order
        self._grid, self._lineup, self._departed = grid, state.lineup, state.departed
        self._end_ordered_at = state.end_ordered_at
        self._view = waiting.view
        self._active = state.input(waiting.view.active.input_id)
        self._other = state.input(waiting.view.other.input_id)
        self._wants_nothing = wants_nothing(endpoint, self._other, now=state.now)
        self._verdict = waiting.verdict
        self._waits_for_deadline_alone = failover.waits_for_deadline_alone(self._view, self._verdict)
        self._changes = (self._active.changes, self._other.changes)
        """Of the inputs, when it was looked last."""
        bounds = decider.bounds(waiting.view.slot)
        self._begin, self._end = waiting.view.end - waiting.view.slot_duration, waiting.view.end
        self._half = grid.segment_duration // 2
        self._far_behind = far_behind(segment_duration=grid.segment_duration, tolerance=waiting.view.tolerance)
        self._renditions = [
            one.rendition
            for one in reversed(state.lineup_at(self._begin))
            if bounds.published_of(one.rendition) < self._end - self._half
        ]
        """Those that have not reached the slot's end by what is published, the one to be looked at first in front."""

    @staticmethod
    def is_told_by(waiting: Waiting) -> bool:
        """Whether what a full look found allows quick looks from here on."""
        return waiting.verdict.step == _STEP and not waiting.view.active.complete

    def look(self) -> Wait | None:
        """The verdict as of now, if it is step 2 again; None: it takes a full look to tell."""
        if not self._is_measured_alike():
            return None
        if not self._wants_nothing and self._decider.wanted(self._view) is not None:
            return None
        now, until = self._state.now, self._verdict.until
        changes, before = (self._active.changes, self._other.changes), self._changes
        if changes[0] != before[0] and not self._is_incomplete():
            return None
        if until is not None and now < until and (changes == before or self._are_times_alike()):
            self._changes = changes
            return self._verdict
        if ends_at(self._state, self._endpoint) is not None:
            return None
        self._decider.renew_times(self._view)
        verdict = failover.decide(self._view, now=now)
        if not isinstance(verdict, Wait) or verdict.step != _STEP:
            return None
        self._verdict, self._changes = verdict, changes
        self._waits_for_deadline_alone = failover.waits_for_deadline_alone(self._view, verdict)
        return verdict

    def _are_times_alike(self) -> bool:
        """No lag has changed, no input has ended, and what changes when they would be dead does not matter."""
        view = self._view
        if self._active.lag != view.active.lag or self._other.lag != view.other.lag:
            return False
        if self._active.ended_at is not None or self._other.ended_at is not None:
            return False
        return self._waits_for_deadline_alone

    def _is_measured_alike(self) -> bool:
        endpoint, state = self._endpoint, self._state
        return (  # the same objects: that is told more quickly than whether they are equal; compiled, numbers are none
            endpoint.last is self._last
            and endpoint.passed == self._passed
            and endpoint.revision == self._revision
            and endpoint.order is self._order
            and state.grid is self._grid
            and state.lineup is self._lineup
            and state.departed is self._departed
            and state.end_ordered_at == self._end_ordered_at
        )

    def _is_incomplete(self) -> bool:
        """A rendition has not reached the slot's end. The one that was found so is looked at first the next time."""
        since, reached = self._active.newest_end - self._far_behind, self._end - self._half
        for number, rendition in enumerate(self._renditions):
            pieces = self._active.rendition_pieces(rendition)
            if not pieces or pieces[-1].end <= since:
                continue
            if pieces[-1].end >= reached:
                continue
            if self._active.reach_of(rendition) < reached or not has_reached(
                pieces, begin=self._begin, end=self._end, half=self._half
            ):
                if number:
                    self._renditions.insert(0, self._renditions.pop(number))
                return True
        return False
