"""Deciding the next slot of one origin endpoint: what the rule is shown of the inputs, and its verdict as an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from understudy_domain import failover
from understudy_domain.channel_state import ChannelState
from understudy_domain.ending import is_ordered
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import AsOf, Evidence, InputEvidence, ProgramEntry, WantedEvidence
from understudy_domain.failover import GoOn, InputView, Publish, PublishGap, SlotView, Wait, Wanted
from understudy_domain.grid import Grid
from understudy_domain.intention import wanted
from understudy_domain.interchange import Grade
from understudy_domain.lacking import lacking
from understudy_domain.lineup import Rendition
from understudy_domain.piece import Piece
from understudy_domain.piece_length import half_of
from understudy_domain.publication import Choice, entry_of, would_continue
from understudy_domain.reason import Reason
from understudy_domain.slots import (
    SlotBounds,
    SlotDelivery,
    begun_together,
    first_run,
    gone_on_together,
    index_from,
    slot_delivery,
)
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState
from understudy_domain.unguarded import unguarded
from understudy_domain.union import Union, union

BORROWING = (Reason.REPAIR, Reason.COMBINE)


@unguarded
@dataclass(frozen=True, slots=True)
class Waiting:
    """A slot that could not be decided when it was last looked at, and what the rule saw of it: for people."""

    view: SlotView
    deliveries: Mapping[int, SlotDelivery]
    """By input."""
    verdict: Wait
    looked_at: int
    """Log time, ticks since the epoch."""


@unguarded
@dataclass(frozen=True, slots=True)
class Answer:
    """What has become of an endpoint's next slot."""

    entry: ProgramEntry | None = None
    """None: it cannot be decided yet."""
    wake_at: int | None = None
    """When to look again if nothing arrives before, ticks since the epoch; None: at arrivals only."""
    waiting: Waiting | None = None
    """What it waits for; None before the first slot."""


class Decider:
    """Decides for one endpoint, as of the channel state's ``now``; changes nothing but ``endpoint.passed``."""

    def __init__(self, state: ChannelState, endpoint: EndpointState, grid: Grid) -> None:
        self._state = state
        self._endpoint = endpoint
        self._grid = grid
        self._slot_duration = 0
        self._lacking: dict[int, tuple[str, ...]] = {}
        self._lineups: dict[int, tuple[Rendition, ...]] = {}
        """By slot, the renditions that count in it: of those that were asked for."""
        self.go_on()

    def go_on(self) -> None:
        """The endpoint has another last entry. What the inputs have delivered is what it was."""
        endpoint, state, slot_duration = self._endpoint, self._state, self._endpoint.slot_duration(self._grid)
        self._alone = endpoint.is_alone_with
        published = endpoint.last.renditions if endpoint.last is not None else ()
        self._renditions_until = {one.rendition: end for one in published if (end := one.end) is not None}
        if slot_duration == self._slot_duration:
            return
        self._slot_duration = slot_duration
        self._lineups.clear()
        names, length, tolerance = state.names, self._grid.segment_duration, failover.tolerance_of(slot_duration)
        self._lacking = {
            one.input_id: lacking(one, names, segment_duration=length, tolerance=tolerance) for one in state.inputs
        }

    def next_entry(self) -> Answer:
        """The entry for the next slot, or what it waits for."""
        if self._endpoint.last is None:
            return self._first_entry()
        while True:
            slot = self._endpoint.next_slot(self._grid)
            assert slot is not None
            active = gone_on_together(
                self._counted_delivery(self._state.input(self._endpoint.last.active_input), slot), self.bounds(slot)
            )
            if active.complete and not any(active.pieces.values()):
                self._endpoint.passed = slot + 1
                continue
            other = self._counted_delivery(self._state.input(3 - active.input_id), slot)
            deliveries = {active.input_id: active, other.input_id: begun_together(other)}
            view = self._view(slot, deliveries, active_input=self._endpoint.last.active_input)
            view = self._with_wanted(view, deliveries)
            together = self._together(view, deliveries)
            if together is not None:
                view = replace(view, covered_together=True, recovered=together.recovered)
            verdict = failover.decide(view, now=self._state.now)
            if isinstance(verdict, Wait):
                return Answer(
                    wake_at=verdict.until, waiting=Waiting(view, deliveries, verdict, looked_at=self._state.now)
                )
            if isinstance(verdict, GoOn):
                self._endpoint.passed = verdict.slot
                continue
            return Answer(self._entry(view, deliveries, verdict, together=together))

    def _first_entry(self) -> Answer:
        """The first slot of the first input to complete one; of two, of the one that lacks fewer renditions."""
        found: dict[int, SlotDelivery] = {}
        slots: dict[int, int] = {}
        preferred = self._endpoint.policy.input_id
        for one in self._state.inputs if self._alone is None else [self._state.input(self._alone)]:
            for slot in sorted(self._slots_touched(one)):
                delivery = self._delivery(one, slot)
                if delivery.complete and any(delivery.pieces.values()):
                    found[one.input_id], slots[one.input_id] = delivery, slot
                    break
        alive = [input_id for input_id in found if self._state.now < self._dead_at(self._state.input(input_id))]
        if alive:
            found = {input_id: found[input_id] for input_id in alive}
        fewest = min((len(delivery.lacking) for delivery in found.values()), default=0)
        chosen = failover.first_active(
            {one: delivery.completed_at or 0 for one, delivery in found.items() if len(delivery.lacking) == fewest},
            preferred=preferred,
            preferred_is_alive=self._state.now < self._dead_at(self._state.input(preferred)),
            now=self._state.now,
        )
        if not isinstance(chosen, int):
            return Answer(wake_at=chosen.until if chosen is not None else None)
        deliveries = {one.input_id: self._counted_delivery(one, slots[chosen]) for one in self._state.inputs}
        view = self._view(slots[chosen], deliveries, active_input=chosen)
        return Answer(self._entry(view, deliveries, Publish(chosen, Reason.START, step=0)))

    # --- what the inputs have delivered -------------------------------------------------------------------------------

    def _dead_at(self, one: InputState) -> int:
        length = self._grid.segment_duration
        return failover.dead_at(one.last_arrived_at, self._has_ended(one), length, self._slot_duration)

    def _has_ended(self, one: InputState) -> bool:
        """By its own word, or an operator's."""
        return one.has_ended or is_ordered(self._state)

    def _slots_touched(self, one: InputState) -> set[int]:
        starts = [piece.start for pieces in one.pieces.values() for piece in pieces]
        return {self._grid.slot_of(start, slot_duration=self._slot_duration) for start in starts}

    def _next_slot_touched(self, one: InputState, slot: int) -> int | None:
        starts_at = self._grid.earliest_start_in(slot + 1, slot_duration=self._slot_duration)
        later = [pieces for pieces in one.pieces.values() if pieces[-1].start >= starts_at]
        if not later:
            return None
        first = min([pieces[index_from(pieces, starts_at)].start for pieces in later])
        return self._grid.slot_of(first, slot_duration=self._slot_duration)

    def bounds(self, slot: int) -> SlotBounds:
        """A slot, and how far the endpoint's programme has been published."""
        last = self._endpoint.last
        if last is None:
            return SlotBounds(slot, self._slot_duration, None)
        return SlotBounds(slot, self._slot_duration, last.end, self._renditions_until)

    def _lineup(self, slot: int) -> tuple[Rendition, ...]:
        """The renditions that count in a slot."""
        found = self._lineups.get(slot)
        if found is None:
            begin = self._grid.start_of(slot, slot_duration=self._slot_duration)
            found = self._lineups[slot] = self._state.lineup_at(begin)
        return found

    def _delivery(self, one: InputState, slot: int) -> SlotDelivery:
        renditions = [one.rendition for one in self._lineup(slot)]
        return slot_delivery(
            one, renditions, grid=self._grid, bounds=self.bounds(slot), lacking=self._lacking[one.input_id]
        )

    def _counted_delivery(self, one: InputState, slot: int) -> SlotDelivery:
        """What an input has delivered of a slot, as far as it counts."""
        return self._delivery(one, slot) if self._alone in (None, one.input_id) else self._nothing(one, slot)

    def _nothing(self, one: InputState, slot: int) -> SlotDelivery:
        """What an input counts for where redundancy is off."""
        renditions = tuple(one.rendition for one in self._lineup(slot))
        return SlotDelivery(one.input_id, False, renditions, dict.fromkeys(renditions, ()), None)

    def _together(self, view: SlotView, deliveries: Mapping[int, SlotDelivery]) -> Union | None:
        """What both inputs have together of a slot past its deadline, if they are proven joinable."""
        now = self._state.now
        if self._alone is not None:
            return None
        if view.active.complete or view.partly_published or now < view.deadline(now):
            return None
        active, other = (set(deliveries[one.input_id].lacking) for one in (view.active, view.other))
        renditions = [one.rendition for one in self._lineup(view.slot) if one.rendition not in active & other]
        common = [rendition for rendition in renditions if rendition not in active | other]
        if self._state.interchange.grade(common) is not Grade.JOINABLE:
            return None
        return union(
            self._state.input(view.active.input_id),
            self._state.input(view.other.input_id),
            renditions,
            grid=self._grid,
            bounds=self.bounds(view.slot),
        )

    def wanted(self, view: SlotView) -> Wanted | None:
        """Whether an order or the policy wants the other input now."""
        candidate = self._state.input(view.other.input_id)
        return wanted(self._endpoint, candidate, now=self._state.now, segment_duration=self._grid.segment_duration)

    def renew_times(self, view: SlotView) -> None:
        """Show the rule the inputs' lags and deaths as they are now; what they have delivered stays as it was seen."""
        for shown in (view.active, view.other):
            if self._alone in (None, shown.input_id):
                one = self._state.input(shown.input_id)
                shown.lag, shown.dead_at = one.lag, self._dead_at(one)

    def _with_wanted(self, view: SlotView, deliveries: Mapping[int, SlotDelivery]) -> SlotView:
        """The view with what an order or the policy wants of the slot."""
        wish = self.wanted(view)
        if wish is None or self._endpoint.last is None:
            return view
        pieces = dict(deliveries[view.other.input_id].pieces)
        continues = view.other.complete and would_continue(
            self._endpoint.last, pieces, grid=self._grid, lineup=self._lineup(view.slot)
        )
        return replace(view, wanted=wish, other_continues=continues)

    # --- what the rule is shown, and its verdict ----------------------------------------------------------------------

    def _view(self, slot: int, deliveries: Mapping[int, SlotDelivery], *, active_input: int) -> SlotView:
        views = {one.input_id: self._input_view(one, slot, deliveries[one.input_id]) for one in self._state.inputs}
        return SlotView(
            slot=slot,
            end=self._grid.start_of(slot + 1, slot_duration=self._slot_duration),
            slot_duration=self._slot_duration,
            time_delay=self._endpoint.time_delay,
            active=views[active_input],
            other=views[3 - active_input],
            is_live_again=self._endpoint.last is not None and self._endpoint.last.ended,
            passed_over=self._passed_over(slot),
            other_has_some_of_what_active_lacks=_has_some_lacked_by(deliveries, active_input),
            active_has_some_of_what_other_lacks=_has_some_lacked_by(deliveries, 3 - active_input),
            partly_published=self._endpoint.has_part_of(slot, self._grid),
            may_fail_over=self._endpoint.may_fail_over and self._alone is None,
        )

    def _passed_over(self, slot: int) -> int:
        last, begin = self._endpoint.last, self._grid.start_of(slot, slot_duration=self._slot_duration)
        if last is None:
            return 0
        return max(begin - last.end + self._grid.segment_duration // 2, 0) // self._slot_duration

    def _input_view(self, one: InputState, slot: int, delivery: SlotDelivery) -> InputView:
        if self._alone not in (None, one.input_id):
            return _absent(one)
        lag, length, has_ended = one.lag, self._grid.segment_duration, self._has_ended(one)
        return InputView(
            input_id=one.input_id,
            complete=delivery.complete,
            completed_at=delivery.completed_at,
            first_piece_at=delivery.starts_at,
            first_piece_renditions=delivery.renditions_at_start,
            lag=lag,
            dead_at=failover.dead_at(one.last_arrived_at, has_ended, length, self._slot_duration),
            has_ended=has_ended,
            is_overdue=one.steadiness.is_overdue(self._state.now, lag=lag, segment_duration=length),
            next_slot=self._next_slot_touched(one, slot),
            lacking=len(delivery.lacking),
        )

    def _entry(
        self,
        view: SlotView,
        deliveries: Mapping[int, SlotDelivery],
        verdict: Publish | PublishGap,
        *,
        together: Union | None = None,
    ) -> ProgramEntry:
        """The entry for a verdict: with what both have ``together`` where it borrows, else with one input's own."""
        now, endpoint, grid = self._state.now, self._endpoint, self._grid
        active_input, input_id, pieces = view.active.input_id, view.active.input_id, dict[str, tuple[Piece, ...]]()
        reason = Reason.GAP
        if isinstance(verdict, Publish):
            input_id, reason = verdict.input_id, verdict.reason
            pieces = first_run(
                together.delivery if together is not None and reason in BORROWING else deliveries[input_id],
                hole_max=min([half_of(run, grid) for run in deliveries[input_id].pieces.values()]),
                duration_max=endpoint.target_duration_seconds(grid) * TICKS_PER_SECOND,
                other=deliveries[3 - input_id] if reason is Reason.PARTIAL else None,
            )
            if reason is not Reason.PARTIAL:
                active_input = input_id
        choice = Choice(
            slot=view.slot,
            end=_gap_end(endpoint.last, view, grid),
            active_input=active_input,
            pieces=pieces,
            reason=reason,
            step=verdict.step,
            evidence=self._with_end(evidence_of(view, deliveries, now), reason, view, pieces),
            smaller_lag=view.smaller_lag(now),
            as_of=AsOf(now, self._state.sequence),
        )
        return entry_of(
            choice, endpoint=endpoint, channel_guid=self._state.channel, grid=grid, lineup=self._lineup(view.slot)
        )

    def _counted(self) -> list[InputState]:
        """The inputs that count: one alone where redundancy is off."""
        return [one for one in self._state.inputs if self._alone in (None, one.input_id)]

    def _with_end(
        self, evidence: Evidence, reason: Reason, view: SlotView, pieces: Mapping[str, tuple[Piece, ...]]
    ) -> Evidence:
        """The evidence, with whether a slot in part is all there is: the inputs have ended, nothing goes further."""
        both, half = (view.active, view.other), self._grid.segment_duration // 2
        if reason is not Reason.PARTIAL or not any(one.has_ended for one in both):
            return evidence
        if not all(one.is_dead(self._state.now) for one in both):
            return evidence
        ends = [run[-1].end for run in pieces.values() if run]
        newest = max((held[-1].end for one in self._counted() for held in one.pieces.values() if held), default=0)
        goes_further = any(one.next_slot is not None for one in both) or newest > min(ends, default=0) + half
        return evidence if goes_further else replace(evidence, nothing_later=True)


def _has_some_lacked_by(deliveries: Mapping[int, SlotDelivery], input_id: int) -> bool:
    """Whether the other input has a piece of what one lacks for good."""
    lacked = deliveries[input_id].lacking
    return bool(lacked) and any(deliveries[3 - input_id].pieces[rendition] for rendition in lacked)


def _absent(one: InputState) -> InputView:
    """An input that does not count: as if it had never begun."""
    return InputView(
        input_id=one.input_id,
        complete=False,
        completed_at=None,
        first_piece_at=None,
        first_piece_renditions=0,
        lag=None,
        dead_at=0,
        has_ended=False,
        is_overdue=True,
        next_slot=None,
        left_out=True,
    )


def _gap_end(last: ProgramEntry | None, view: SlotView, grid: Grid) -> int:
    """Where a gap for this slot ends: what is lost of the slot before gets one of its own, so that none is too long."""
    begin = view.end - view.slot_duration
    return begin if last is not None and last.end < begin - grid.segment_duration // 2 else view.end


def evidence_of(view: SlotView, deliveries: Mapping[int, SlotDelivery], now: int) -> Evidence:
    """What the rule saw of a slot, in numbers."""
    return Evidence(
        deadline=None if view.active.lag is None else view.deadline(now),
        inputs=tuple(
            [
                InputEvidence(
                    input_id=one.input_id,
                    complete=one.complete,
                    missing=() if one.left_out else deliveries[one.input_id].missing,
                    due=view.due(one),
                    lag=one.lag,
                    dead=one.is_dead(now),
                    completed_at=one.completed_at,
                    lacking=deliveries[one.input_id].lacking,
                    left_out=one.left_out,
                )
                for one in ((view.active, view.other) if view.active.input_id == 1 else (view.other, view.active))
            ]
        ),
        wanted=None if view.wanted is None else _wanted_evidence(view.wanted, continues=view.other_continues),
    )


def _wanted_evidence(one: Wanted, *, continues: bool) -> WantedEvidence:
    return WantedEvidence(
        input_id=one.input_id,
        reason=one.reason,
        forced=one.forced,
        continues=continues,
        since=one.since,
        hold_down=one.hold_down,
    )
