"""The failover rule: for one slot of one origin endpoint, what to do now.

Rule 1: everything that decides about inputs stands in this file. It reads two views, one for each input, and answers
with a verdict; it changes nothing, and asks no clock: ``now`` is the log's time.

The steps, numbered as in the published rule (a the active input, s the other):

0. As wanted.  An operator's order or the endpoint's policy wants s followed: publish the slot from s once it has
               completed it, without a seam or forced; a slot that a has completed waits for s until the deadline at
               the latest. Else go on as if nothing were wanted. The first active input is chosen by step 0 as well.
1. Keep.       a has completed the slot: publish it from a. (An input that lacks renditions for good is complete without
               them; but if s, alive, lacks fewer of them, that is a failure of a, and steps 2 and 4 come first.)
2. Wait.       Until the deadline. A late piece is not a missing piece.
3. Repair.     a goes on after what it lacks, and s has that, joinably: publish the slot from a with it. No switch.
4. Fail over.  s has completed the slot: publish it from s, which is active from here on. But if s was late as well,
               the cause is common to both: give a one more tolerance first.
5. Combine.    a and s together cover the slot, joinably: publish the union. a stays active unless it is dead.
6. Hold.       While what both lack is expected from either, or nothing later exists anywhere.
7. Publish what there is, a gap where there is nothing, or go on at the first slot of which there is anything.

A policy besides says whether the input may change at all in steps 4 and 5 (pinned: it may not), and where redundancy
is off, s is shown as an input that never began.

Invariants kept here: the active input changes in step 0 as wanted, in step 4, and only to an input that has completed
the slot, or in step 5 away from a dead one (I5); nothing but a policy that prefers an input ever moves it back for its
own sake (I6); for equal deliveries a later deadline never gives an earlier change (I7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds
from understudy_domain.unguarded import unguarded

JITTER_ALLOWANCE = 1 * TICKS_PER_SECOND
MARGIN = from_seconds(0.25)
"""What is decided at a deadline is to be listed in time."""
HORIZON_MAX = 120 * TICKS_PER_SECOND
DEAD_AFTER_SEGMENTS = 3
EMPTY_SLOTS_MAX = 3
"""More empty slots in a row than this are passed over instead of filled with gaps."""


def tolerance_of(slot_duration: int) -> int:
    """max(S_out / 2, jitter allowance), ticks."""
    return max(slot_duration // 2, JITTER_ALLOWANCE)


def dead_at(last_arrived_at: int | None, has_ended: bool, segment_duration: int, slot_duration: int) -> int:
    """From when on an input is dead unless something arrives: 0 if it has ended or never began. Ticks."""
    if last_arrived_at is None or has_ended:
        return 0
    return last_arrived_at + DEAD_AFTER_SEGMENTS * segment_duration + tolerance_of(slot_duration)


@dataclass(slots=True)
class InputView:
    """What the rule sees of one input, for one slot. Nothing here changes it."""

    input_id: int
    complete: bool
    completed_at: int | None
    """When the slot became complete; None while it is not."""
    first_piece_at: int | None
    """Programme time of the first piece of the slot not published yet; None where there is none."""
    first_piece_renditions: int
    """How many renditions have that piece."""
    lag: int | None
    """L_i, ticks; None for an input that has none yet."""
    dead_at: int
    has_ended: bool
    is_overdue: bool
    """Its next piece should have come by now."""
    next_slot: int | None
    """The next later slot of which it has delivered anything; None where there is none."""
    lacking: int = 0
    """How many renditions it lacks for good, and is judged without."""
    left_out: bool = False
    """It does not count, as if it had never begun: redundancy is off."""

    def is_dead(self, now: int) -> bool:
        """Owed nothing, expecting nothing, and its lag counts for nothing."""
        return now >= self.dead_at


@dataclass(frozen=True, slots=True)
class Wanted:
    """An input that the endpoint is to follow and does not."""

    input_id: int
    reason: Reason
    """SWITCHOVER or FAILBACK."""
    forced: bool
    """Even where the change would not be seamless."""
    since: int | None = None
    """When it was ordered, or from when on the hold-down counts, ticks; None where the policy pins it."""
    hold_down: int | None = None
    """Of a failback, ticks."""

    @property
    def is_bound(self) -> bool:
        """By a policy that leaves the endpoint no other input, not by an order."""
        return self.reason is Reason.SWITCHOVER and self.since is None


@dataclass(slots=True)
class SlotView:
    """One slot of one endpoint, as the rule sees it. Nothing here changes it."""

    slot: int
    end: int
    """end(k): where the slot ends by prediction, programme time, ticks."""
    slot_duration: int
    """S_out, ticks."""
    time_delay: int
    """Ticks."""
    active: InputView
    other: InputView
    covered_together: bool = False
    """Both inputs together have, joinably, every piece of the slot."""
    wanted: Wanted | None = None
    """The other input is to be followed, by an order or a policy."""
    other_continues: bool = False
    """Publishing the slot from the other input would carry no discontinuity; known where it is wanted."""
    may_fail_over: bool = True
    """False where the endpoint is pinned to its active input."""
    recovered: bool = False
    """The active input has delivered media later than all that it lacks of the slot."""
    is_live_again: bool = False
    """The programme had ended with the slot before: what lies between was no programme, and is not filled with gaps."""
    passed_over: int = 0
    """How many slots before it are empty and without an entry."""
    other_has_some_of_what_active_lacks: bool = False
    """The other input has a piece of this slot in a rendition that the active one lacks for good."""
    active_has_some_of_what_other_lacks: bool = False
    """And the other way round."""
    partly_published: bool = False
    """Step 7 has published part of this slot already: only the rest of it is left to publish."""

    @property
    def tolerance(self) -> int:
        """Ticks."""
        return tolerance_of(self.slot_duration)

    def due(self, view: InputView) -> int | None:
        """due_i(k), instant in ticks; None for an input without a lag."""
        return None if view.lag is None else self.end + view.lag

    def smaller_lag(self, now: int) -> int:
        """The smaller lag of the inputs that are not dead; where all are, of those that ever had one."""
        both = (self.active, self.other)
        alive = [view.lag for view in both if view.lag is not None and now < view.dead_at]
        return min(alive or [view.lag for view in both if view.lag is not None], default=0)

    def deadline(self, now: int) -> int:
        """The later of due_a(k) + tolerance and end(k) + the smaller lag + horizon, less the margin.

        An active input that was dead by the time the slot fell due was not owed it: then the delay alone counts.
        """
        bought = self.end + self.smaller_lag(now) + min(self.time_delay, HORIZON_MAX)
        due = self.due(self.active)
        if due is None or self.active.dead_at < due:
            return bought - MARGIN
        return max(due + self.tolerance, bought) - MARGIN


@unguarded
@dataclass(frozen=True, slots=True)
class Publish:
    """Publish the slot, or what there is of it, from this input."""

    input_id: int
    reason: Reason
    step: int


@dataclass(frozen=True, slots=True)
class PublishGap:
    """Nothing of the slot is left anywhere: a gap that keeps its place."""

    step: int = 7


@dataclass(frozen=True, slots=True)
class GoOn:
    """Go on at a later slot without an entry for this one: all of it is published, or too much is lost to fill."""

    slot: int
    step: int = 7


@unguarded
@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at every arrival, and at this instant (None: at arrivals only)."""

    until: int | None
    step: int


Verdict = Publish | PublishGap | GoOn | Wait


def decide(view: SlotView, *, now: int) -> Verdict:
    """The rule, for one slot, as of ``now``."""
    if view.partly_published:
        return _rest_of_slot(view)
    moved = _as_wanted(view, now)
    if moved is not None:
        return moved
    if view.active.complete and not _other_delivers_more(view, now):
        return Publish(view.active.input_id, Reason.KEEP, step=1)
    deadline = view.deadline(now)
    if now < deadline:
        return Wait(_earliest([deadline, view.active.dead_at, view.other.dead_at], now), step=2)
    if view.active.complete and (verdict := _with_what_it_delivers(view, now)) is not None:
        return verdict
    if view.covered_together and view.recovered:
        return Publish(view.active.input_id, Reason.REPAIR, step=3)
    if view.other.complete and view.may_fail_over and not _active_delivers_more(view, now):
        return _fail_over(view, now)
    if view.covered_together:
        heir = view.other if view.active.is_dead(now) and view.may_fail_over else view.active
        return Publish(heir.input_id, Reason.COMBINE, step=5)
    held = _hold(view, now)
    return held if held is not None else _what_there_is(view, now)


def waits_for_deadline_alone(view: SlotView, wait: Wait) -> bool:
    """Whether step 2 waits so whatever arrives, for as long as no lag changes and neither input ends.

    Both inputs live until the deadline, and the active one until the slot is due from it: to live longer still by what
    arrives changes nothing.
    """
    due = view.due(view.active)
    live_until = min(view.active.dead_at, view.other.dead_at)
    return wait.until is not None and wait.until < live_until and (due is None or due <= view.active.dead_at)


def _as_wanted(view: SlotView, now: int) -> Publish | Wait | None:
    """What an order or a policy makes of the slot; None: nothing, the rule decides.

    A slot that the active input has completed waits for the wanted one for as long as viewers may be made to wait
    anyway, but not for an input that owes earlier pieces. One that lacks more renditions for good would only be left
    again, unless the endpoint is pinned to it: a forced order accepts a discontinuity, and not that.
    """
    if view.wanted is None:
        return None
    if not view.wanted.is_bound and view.other.lacking > view.active.lacking:
        return None
    if view.other.complete:
        is_allowed = view.wanted.forced or view.other_continues
        return Publish(view.other.input_id, view.wanted.reason, step=0) if is_allowed else None
    due = view.due(view.other)
    if not view.active.complete or view.other.is_overdue or due is None:
        return None
    until = min(due + JITTER_ALLOWANCE, view.deadline(now))
    return Wait(until, step=0) if now < until else None


def first_active(
    completed_at: Mapping[int, int], *, preferred: int, preferred_is_alive: bool, now: int
) -> int | Wait | None:
    """The first active input: the first to complete a slot; a tie goes to the preferred one, which is input 1 mostly.

    Two encoders that are in step finish a segment milliseconds apart, in either order. What is within the jitter
    allowance is a tie: else the endpoints of one channel would start on different inputs by chance.

    Args:
        completed_at: instants at which inputs first completed a slot, by input id, ticks.
        preferred: what wins a tie.
        preferred_is_alive: it is delivering, so that it may still complete one in time.
        now: log time.

    Returns:
        The input, or until when to wait for the preferred one, or None while no input has completed a slot.
    """
    if not completed_at:
        return None
    tie_until = min(completed_at.values()) + JITTER_ALLOWANCE
    if completed_at.get(preferred, tie_until + 1) <= tie_until:
        return preferred
    if preferred not in completed_at and preferred_is_alive and now < tie_until:
        return Wait(tie_until, step=0)
    return min(completed_at, key=lambda input_id: completed_at[input_id])


def _other_delivers_more(view: SlotView, now: int) -> bool:
    """Whether a lacks renditions for good that s, which is alive or has some of that still, does not."""
    if not view.may_fail_over or view.other.lacking >= view.active.lacking:
        return False
    return view.other_has_some_of_what_active_lacks or not view.other.is_dead(now)


def _active_delivers_more(view: SlotView, now: int) -> bool:
    """Whether s lacks renditions for good that a, which is alive or has some of that still, does not.

    Then s can fill in for it, and no more.
    """
    if view.active.lacking >= view.other.lacking:
        return False
    return view.active_has_some_of_what_other_lacks or not view.active.is_dead(now)


def _with_what_it_delivers(view: SlotView, now: int) -> Verdict | None:
    """Past the deadline a has all that it delivers at all, and s delivers more; None: s has some of that.

    While s may yet complete the slot, it is waited for.
    """
    if view.other.complete or view.other_has_some_of_what_active_lacks:
        return None
    due = view.due(view.other)
    if due is not None and now < due + view.tolerance:
        return Wait(_earliest([due + view.tolerance, view.other.dead_at], now), step=6)
    return Publish(view.active.input_id, Reason.KEEP, step=1)


def _fail_over(view: SlotView, now: int) -> Verdict:
    """Step 4. A slot that s completed late as well has a cause common to both; a gets one more tolerance."""
    due, completed_at = view.due(view.other), view.other.completed_at
    if due is not None and completed_at is not None and completed_at > due + view.tolerance:
        spared_until = completed_at + view.tolerance
        if now < spared_until:
            return Wait(spared_until, step=4)
    return Publish(view.other.input_id, Reason.FAILOVER, step=4)


def _hold(view: SlotView, now: int) -> Wait | None:
    """Step 6. Later media from an input does not make its piece lost: uploads overtake each other."""
    if view.other.complete and not view.other.lacking:
        return None  # the other one lacks nothing that would be waited for, so there is nothing that both lack
    instants = []
    for one in (view.active, view.other):
        due = view.due(one)
        if due is not None and not one.is_dead(now) and now < due + view.tolerance:
            instants += [due + view.tolerance, one.dead_at]
    if instants:
        return Wait(_earliest(instants, now), step=6)
    if view.other.complete:
        return None  # without what it lacks for good, of which the next piece did not come in time either
    later_exists = view.active.next_slot is not None or view.other.next_slot is not None
    if later_exists or _ends_here(view, now):
        return None
    return Wait(_earliest([view.active.dead_at, view.other.dead_at], now), step=6)


def _ends_here(view: SlotView, now: int) -> bool:
    """Nothing will follow what there is of this slot: its inputs have ended."""
    anything = view.active.first_piece_at is not None or view.other.first_piece_at is not None
    ended = view.active.has_ended or view.other.has_ended
    return anything and ended and view.active.is_dead(now) and view.other.is_dead(now)


def _what_there_is(view: SlotView, now: int) -> Verdict:
    """Step 7."""
    fuller = _earlier_piece(view)
    if fuller is not None:
        return Publish(fuller.input_id, Reason.PARTIAL, step=7)
    later = [one.next_slot for one in (view.active, view.other) if one.next_slot is not None]
    if not later:
        return PublishGap()
    goes_on = min([*later, *_first_expected(view, now)])
    empty = view.passed_over + goes_on - view.slot
    return GoOn(goes_on) if view.is_live_again or empty > EMPTY_SLOTS_MAX else PublishGap()


def _first_expected(view: SlotView, now: int) -> Iterator[int]:
    """The first later slot that each living input may still deliver: what is passed over is lost on both."""
    for one in (view.active, view.other):
        due = view.due(one)
        if due is not None and not one.is_dead(now):
            yield view.slot + (now - due - view.tolerance) // view.slot_duration + 1


def _rest_of_slot(view: SlotView) -> Verdict:
    rest = _earlier_piece(view)
    if rest is not None:
        return Publish(rest.input_id, Reason.PARTIAL, step=7)
    return GoOn(view.slot + 1)


def _earlier_piece(view: SlotView) -> InputView | None:
    """The input whose next piece of the slot begins first; a tie goes to more renditions, then to the active one."""
    having = [one for one in (view.active, view.other) if one.first_piece_at is not None]
    return min(having, key=lambda one: (one.first_piece_at or 0, -one.first_piece_renditions), default=None)


def _earliest(instants: list[int], now: int) -> int | None:
    return min([instant for instant in instants if instant > now], default=None)
