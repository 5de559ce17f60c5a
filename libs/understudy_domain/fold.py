"""The decision core: a fold over a channel's part of the ARRIVALS log that answers with entries.

Time is the log's. Before a message is applied, every timer that falls earlier fires, in order, at its own instant; so
a slot is decided as of its deadline from the facts stamped up to it, however late, in whatever batches, and by
whichever controller the log is read. The same log gives the same entries, byte for byte (I9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from understudy_domain import failover
from understudy_domain.channel_state import ChannelState
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import AsOf, Evidence, InputEvidence, ProgramEntry
from understudy_domain.facts import (
    ChannelRemoved,
    EndpointConfigured,
    EndpointRemoved,
    Fact,
    MultivariantArrived,
    PlaylistArrived,
    SegmentArrived,
    Tick,
)
from understudy_domain.failover import GoOn, InputView, Publish, PublishGap, SlotView, Wait
from understudy_domain.grid import Grid
from understudy_domain.interchange import Grade
from understudy_domain.publication import Choice, entry_of
from understudy_domain.reason import Reason
from understudy_domain.settlement import compare_inputs, match_renditions, place_sessions, settle_grid
from understudy_domain.slots import SlotBounds, SlotDelivery, begun_together, first_run, slot_delivery
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState, Piece
from understudy_domain.union import Union, union

BEGINNING_KEPT = 60 * TICKS_PER_SECOND
"""An endpoint that is yet to begin does so with what is at most so old: two of the longest slots."""
SEGMENTS_KEPT = 2
"""Pieces that every endpoint has passed and are kept: a seam's neighbours."""
BORROWING = (Reason.REPAIR, Reason.COMBINE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A slot that could not be decided when it was last looked at, and what the rule saw of it: for people."""

    view: SlotView
    deliveries: Mapping[int, SlotDelivery]
    """By input."""
    verdict: Wait
    looked_at: int
    """Log time, ticks since the epoch."""


class ChannelFold:
    """One channel's decisions. ``state`` is all there is; it may be taken at any time between two calls."""

    def __init__(self, state: ChannelState, *, standing: Mapping[str, ProgramEntry] | None = None) -> None:
        """``standing``: the newest entry of each of the channel's endpoints in PROGRAM, by endpoint guid.

        A successor adopts these, whatever a snapshot says: what stands in the log is what viewers were shown.
        """
        self.state = state
        self._standing = dict(standing or {})
        self._wake_at: dict[str, int] = {}
        self._waiting: dict[str, Waiting] = {}
        self.before_forgetting: Callable[[InputState], None] | None = None
        """Called with each input before that forgets what has been passed: for whoever replays a log to explain it."""
        for endpoint in state.endpoints:
            self._adopt(endpoint)

    @property
    def wake_at(self) -> int | None:
        """The earliest instant at which a timer fires, ticks since the epoch; None if only arrivals count."""
        return min(self._wake_at.values(), default=None)

    def waiting(self, origin_endpoint: str) -> Waiting | None:
        """What the endpoint's next slot waits for; None before its first, and while a predecessor's entry is ahead."""
        return self._waiting.get(origin_endpoint)

    def apply(self, fact: Fact, *, input_id: int | None, instant: int, sequence: int) -> list[ProgramEntry]:
        """The next message of the channel's log; ``input_id`` for facts of an input, ``instant`` its log time.

        Log time never runs backward: a stamp earlier than its predecessor's counts as that one's.
        """
        instant = max(instant, self.state.now)
        entries = self._fire_timers(before=instant)
        if isinstance(fact, Tick):
            return entries
        self.state.now = instant
        self.state.sequence = sequence
        self._take_in(fact, input_id)
        return entries + self._decide_all()

    def pass_time(self, instant: int) -> list[ProgramEntry]:
        """A tick of the shard's clock: everything stamped before ``instant`` has been applied."""
        return self._fire_timers(before=instant)

    def adopt(self, entry: ProgramEntry) -> None:
        """Go on from an entry that stands in PROGRAM although this fold did not make it."""
        self._standing[entry.origin_endpoint] = entry
        endpoint = self.state.endpoint(entry.origin_endpoint)
        if endpoint is not None:
            self._adopt(endpoint)

    def _adopt(self, endpoint: EndpointState) -> None:
        standing = self._standing.get(endpoint.origin_endpoint)
        if standing != endpoint.last:
            endpoint.last, endpoint.passed = standing, None

    def resume(self) -> list[ProgramEntry]:
        """Set the timers after a snapshot was loaded."""
        return self._decide_all()

    def _fire_timers(self, *, before: int) -> list[ProgramEntry]:
        entries: list[ProgramEntry] = []
        while (wake_at := self.wake_at) is not None and wake_at < before:
            self.state.now = max(self.state.now, wake_at)
            entries += self._decide_all()
        return entries

    def _take_in(self, fact: Fact, input_id: int | None) -> None:
        match fact:
            case SegmentArrived() if input_id is not None:
                self._input(input_id).receive(
                    fact,
                    arrived_at=self.state.now,
                    sequence=self.state.sequence,
                    segment_duration=self._segment_duration,
                )
            case PlaylistArrived() if input_id is not None:
                self._input(input_id).read_playlist(fact, segment_duration=self._segment_duration)
            case MultivariantArrived() if input_id is not None:
                self._input(input_id).sources.multivariant = fact
            case EndpointConfigured():
                self._configure(fact)
            case EndpointRemoved():
                self._remove(fact.origin_endpoint)
            case ChannelRemoved():
                for endpoint in list(self.state.endpoints):
                    self._remove(endpoint.origin_endpoint)
            case _:
                return
        place_sessions(self.state)
        settle_grid(self.state)
        match_renditions(self.state)
        compare_inputs(self.state)

    def _input(self, input_id: int) -> InputState:
        return self.state.input(input_id)

    @property
    def _segment_duration(self) -> int | None:
        return self.state.grid.segment_duration if self.state.grid is not None else None

    def _configure(self, fact: EndpointConfigured) -> None:
        endpoint = self.state.endpoint(fact.origin_endpoint)
        if endpoint is None:
            endpoint = EndpointState(fact.origin_endpoint, fact.segment_duration, fact.time_delay, fact.revision)
            self._adopt(endpoint)
            self.state.endpoints.append(endpoint)
        elif fact.revision > endpoint.revision:
            endpoint.segment_duration = fact.segment_duration
            endpoint.time_delay = fact.time_delay
            endpoint.revision = fact.revision
            endpoint.passed = None

    def _remove(self, origin_endpoint: str) -> None:
        self.state.endpoints = [one for one in self.state.endpoints if one.origin_endpoint != origin_endpoint]
        self._wake_at.pop(origin_endpoint, None)
        self._waiting.pop(origin_endpoint, None)
        self._standing.pop(origin_endpoint, None)

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _decide_all(self) -> list[ProgramEntry]:
        entries: list[ProgramEntry] = []
        if self.state.grid is not None:
            for endpoint in self.state.endpoints:
                entries += self._decide(endpoint, self.state.grid)
            if self.before_forgetting is not None:
                for one in self.state.inputs:
                    self.before_forgetting(one)
            self._forget(self.state.grid)
        return entries

    def _decide(self, endpoint: EndpointState, grid: Grid) -> list[ProgramEntry]:
        """Every slot of an endpoint that can be decided now; sets its timer for the first that cannot."""
        self._wake_at.pop(endpoint.origin_endpoint, None)
        self._waiting.pop(endpoint.origin_endpoint, None)
        entries: list[ProgramEntry] = []
        if self._is_ahead(endpoint):
            self._wait_for_last(endpoint)
            return entries
        while True:
            entry = self._next_entry(endpoint, grid)
            if entry is None:
                return entries
            endpoint.last = entry
            endpoint.passed = None
            entries.append(entry)

    def _is_ahead(self, endpoint: EndpointState) -> bool:
        """The endpoint's last entry was decided, by a predecessor, later in the log than has been read here."""
        if endpoint.last is None:
            return False
        as_of = endpoint.last.as_of
        return self.state.now < as_of.instant or self.state.sequence < as_of.sequence

    def _wait_for_last(self, endpoint: EndpointState) -> None:
        """A timer made the last entry, and no message may follow: go on at its instant."""
        assert endpoint.last is not None
        if self.state.sequence >= endpoint.last.as_of.sequence:
            self._wake_at[endpoint.origin_endpoint] = endpoint.last.as_of.instant

    def _next_entry(self, endpoint: EndpointState, grid: Grid) -> ProgramEntry | None:
        if endpoint.last is None:
            return self._first_entry(endpoint, grid)
        while True:
            slot = endpoint.next_slot(grid)
            assert slot is not None
            deliveries = self._deliveries(endpoint, grid, slot)
            active = deliveries[endpoint.last.active_input]
            if active.complete and not any(active.pieces.values()):
                endpoint.passed = slot + 1
                continue
            view = self._view(endpoint, grid, slot, deliveries)
            together = self._together(endpoint, grid, view)
            if together is not None:
                view = replace(view, covered_together=True, recovered=together.recovered)
            verdict = failover.decide(view, now=self.state.now)
            if isinstance(verdict, Wait):
                self._waiting[endpoint.origin_endpoint] = Waiting(view, deliveries, verdict, self.state.now)
                if verdict.until is not None:
                    self._wake_at[endpoint.origin_endpoint] = verdict.until
                return None
            if isinstance(verdict, GoOn):
                endpoint.passed = verdict.slot
                continue
            return self._entry(endpoint, grid, view, deliveries, verdict, together=together)

    def _together(self, endpoint: EndpointState, grid: Grid, view: SlotView) -> Union | None:
        """What both inputs have together of a slot past its deadline, if they are proven joinable."""
        if view.active.complete or view.partly_published or self.state.now < view.deadline(self.state.now):
            return None
        renditions = [one.rendition for one in self.state.lineup]
        if self.state.interchange.grade(renditions) is not Grade.JOINABLE:
            return None
        return union(
            self._input(view.active.input_id),
            self._input(view.other.input_id),
            renditions,
            grid=grid,
            bounds=self._bounds(endpoint, grid, view.slot),
        )

    def _first_entry(self, endpoint: EndpointState, grid: Grid) -> ProgramEntry | None:
        """The first slot of the first input to complete one."""
        found: dict[int, SlotDelivery] = {}
        slots: dict[int, int] = {}
        for one in self.state.inputs:
            for slot in sorted(self._slots_touched(one, endpoint, grid)):
                delivery = self._delivery(one, endpoint, grid, slot)
                if delivery.complete and any(delivery.pieces.values()):
                    found[one.input_id], slots[one.input_id] = delivery, slot
                    break
        chosen = failover.first_active(
            {input_id: delivery.completed_at or 0 for input_id, delivery in found.items()},
            preferred_is_alive=self._is_alive(self._input(failover.TIE_GOES_TO), endpoint, grid),
            now=self.state.now,
        )
        if isinstance(chosen, Wait) and chosen.until is not None:
            self._wake_at[endpoint.origin_endpoint] = chosen.until
        if not isinstance(chosen, int):
            return None
        slot = slots[chosen]
        deliveries = self._deliveries(endpoint, grid, slot)
        view = self._view(endpoint, grid, slot, deliveries, active_input=chosen)
        return self._entry(endpoint, grid, view, deliveries, Publish(chosen, Reason.START, step=0))

    def _is_alive(self, one: InputState, endpoint: EndpointState, grid: Grid) -> bool:
        return self.state.now < self._dead_at(one, endpoint, grid)

    @staticmethod
    def _dead_at(one: InputState, endpoint: EndpointState, grid: Grid) -> int:
        return failover.dead_at(
            last_arrived_at=one.last_arrived_at,
            has_ended=one.has_ended,
            segment_duration=grid.segment_duration,
            slot_duration=endpoint.slot_duration(grid),
        )

    @staticmethod
    def _slots_touched(one: InputState, endpoint: EndpointState, grid: Grid) -> set[int]:
        slot_duration = endpoint.slot_duration(grid)
        starts = [piece.start for pieces in one.pieces.values() for piece in pieces]
        return {grid.slot_of(start, slot_duration=slot_duration) for start in starts}

    def _delivery(self, one: InputState, endpoint: EndpointState, grid: Grid, slot: int) -> SlotDelivery:
        bounds = self._bounds(endpoint, grid, slot)
        return slot_delivery(one, [one.rendition for one in self.state.lineup], grid=grid, bounds=bounds)

    @staticmethod
    def _bounds(endpoint: EndpointState, grid: Grid, slot: int) -> SlotBounds:
        last = endpoint.last
        if last is None:
            return SlotBounds(slot, endpoint.slot_duration(grid), None)
        renditions_until = {one.rendition: end for one in last.renditions if (end := one.end) is not None}
        return SlotBounds(slot, endpoint.slot_duration(grid), last.end, renditions_until)

    def _deliveries(self, endpoint: EndpointState, grid: Grid, slot: int) -> dict[int, SlotDelivery]:
        found = {one.input_id: self._delivery(one, endpoint, grid, slot) for one in self.state.inputs}
        if endpoint.last is not None:
            other = 3 - endpoint.last.active_input
            found[other] = begun_together(found[other])
        return found

    def _view(
        self,
        endpoint: EndpointState,
        grid: Grid,
        slot: int,
        deliveries: dict[int, SlotDelivery],
        *,
        active_input: int | None = None,
    ) -> SlotView:
        if active_input is None:
            assert endpoint.last is not None
            active_input = endpoint.last.active_input
        slot_duration = endpoint.slot_duration(grid)
        views = {
            one.input_id: self._input_view(one, endpoint, grid, slot, deliveries[one.input_id])
            for one in self.state.inputs
        }
        return SlotView(
            slot=slot,
            end=grid.start_of(slot + 1, slot_duration=slot_duration),
            slot_duration=slot_duration,
            time_delay=endpoint.time_delay,
            active=views[active_input],
            other=views[3 - active_input],
            partly_published=endpoint.has_part_of(slot, grid),
        )

    def _input_view(
        self, one: InputState, endpoint: EndpointState, grid: Grid, slot: int, delivery: SlotDelivery
    ) -> InputView:
        later = (touched for touched in self._slots_touched(one, endpoint, grid) if touched > slot)
        return InputView(
            input_id=one.input_id,
            complete=delivery.complete,
            completed_at=delivery.completed_at,
            first_piece_at=delivery.starts_at,
            first_piece_renditions=delivery.renditions_at_start,
            lag=one.lag,
            dead_at=self._dead_at(one, endpoint, grid),
            has_ended=one.has_ended,
            next_slot=min(later, default=None),
        )

    def _entry(
        self,
        endpoint: EndpointState,
        grid: Grid,
        view: SlotView,
        deliveries: dict[int, SlotDelivery],
        verdict: Publish | PublishGap,
        *,
        together: Union | None = None,
    ) -> ProgramEntry:
        """The entry for a verdict: with what both have ``together`` where it borrows, else with one input's own."""
        now = self.state.now
        active_input, input_id, pieces = view.active.input_id, view.active.input_id, dict[str, tuple[Piece, ...]]()
        reason = Reason.GAP
        if isinstance(verdict, Publish):
            input_id, reason = verdict.input_id, verdict.reason
            pieces = first_run(
                together.delivery if together is not None and reason in BORROWING else deliveries[input_id],
                hole_max=grid.segment_duration // 2,
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
            evidence=_evidence(view, deliveries, now),
            smaller_lag=view.smaller_lag(now),
            as_of=AsOf(now, self.state.sequence),
        )
        return entry_of(choice, endpoint=endpoint, channel_guid=self.state.channel, grid=grid, lineup=self.state.lineup)

    def _forget(self, grid: Grid) -> None:
        """Drop pieces that every endpoint has passed, and those that are too old for one to begin with."""
        if any(self._is_ahead(endpoint) for endpoint in self.state.endpoints):
            return
        ends = [endpoint.last.end for endpoint in self.state.endpoints if endpoint.last is not None]
        begun = ends and len(ends) == len(self.state.endpoints)
        for one in self.state.inputs:
            needed = ends if begun else [*ends, one.newest_end - BEGINNING_KEPT]
            one.forget_before(min(needed) - SEGMENTS_KEPT * grid.segment_duration)


def _gap_end(last: ProgramEntry | None, view: SlotView, grid: Grid) -> int:
    """Where a gap for this slot ends: what is lost of the slot before gets one of its own, so that none is too long."""
    begin = view.end - view.slot_duration
    return begin if last is not None and last.end < begin - grid.segment_duration // 2 else view.end


def _evidence(view: SlotView, deliveries: dict[int, SlotDelivery], now: int) -> Evidence:
    return Evidence(
        deadline=None if view.active.lag is None else view.deadline(now),
        inputs=tuple(
            InputEvidence(
                input_id=one.input_id,
                complete=one.complete,
                missing=deliveries[one.input_id].missing,
                due=view.due(one),
                lag=one.lag,
                dead=one.is_dead(now),
                completed_at=one.completed_at,
            )
            for one in sorted((view.active, view.other), key=lambda one: one.input_id)
        ),
    )
