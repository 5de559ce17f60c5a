"""The decision core: a fold over a channel's part of the ARRIVALS log that answers with entries.

Time is the log's. Before a message is applied, every timer that falls earlier fires, in order, at its own instant; so
a slot is decided as of its deadline from the facts stamped up to it, however late, in whatever batches, and by
whichever controller the log is read. The same log gives the same entries, byte for byte (I9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from understudy_domain.channel_state import ChannelState
from understudy_domain.deciding import Answer, Decider, Waiting
from understudy_domain.ending import delivering, ending, ends_at, is_all_published
from understudy_domain.endpoint_state import EndpointState, Order
from understudy_domain.entry import ProgramEntry
from understudy_domain.event import Event
from understudy_domain.facts import (
    ChannelRemoved,
    EndpointConfigured,
    EndpointRemoved,
    Fact,
    MultivariantArrived,
    PlaylistArrived,
    ProgramEndOrdered,
    SegmentArrived,
    SwitchoverOrdered,
    Tick,
)
from understudy_domain.grid import Grid
from understudy_domain.lineup_change import change_lineup
from understudy_domain.segment_change import follow_segment_duration
from understudy_domain.settlement import compare_inputs, match_renditions, place_sessions, settle_grid
from understudy_domain.still_waiting import StillWaiting
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState
from understudy_domain.watch import Watch

BEGINNING_KEPT = 60 * TICKS_PER_SECOND
"""An endpoint that is yet to begin does so with what is at most so old: two of the longest slots."""
NEVER = 1 << 62
"""Later than any instant, ticks."""
SEGMENTS_KEPT = 2
"""Pieces that every endpoint has passed and are kept: a seam's neighbours."""


class ChannelFold:
    """One channel's decisions. ``state`` is all there is; it may be taken at any time between two calls."""

    def __init__(self, state: ChannelState, *, standing: Mapping[str, ProgramEntry] | None = None) -> None:
        """``standing``: the newest entry of each of the channel's endpoints in PROGRAM, by endpoint guid.

        A successor adopts these, whatever a snapshot says: what stands in the log is what viewers were shown.
        """
        self.state = state
        self._standing = dict(standing or {})
        self._wake_at: dict[str, int] = {}
        """By endpoint, when to look again although nothing arrives."""
        self._next_wake_at: int | None = None
        self._still_waiting: dict[str, StillWaiting] = {}
        self._followed: object = None
        """What the inputs had delivered when renditions and S_in were looked at last."""
        self._all_live_until = 0
        """When the first of the inputs that were alive then is dead, if nothing comes."""
        self._forgotten: list[int] | None = None
        """What the inputs had delivered when it was looked last what to forget of it."""
        self._forgotten_before: dict[int, tuple[int, int]] = {}
        """By input: what it had delivered, and what of that was forgotten: all that ended by this programme time."""
        self._watch = Watch(state)
        self.before_forgetting: Callable[[InputState], None] | None = None
        """Called with each input before that forgets what has been passed: for whoever replays a log to explain it."""
        for endpoint in state.endpoints:
            self._adopt(endpoint)
        self._reckon_wake_at()

    @property
    def wake_at(self) -> int | None:
        """The earliest instant at which a timer fires, ticks since the epoch; None if only arrivals count."""
        return self._next_wake_at

    def _reckon_wake_at(self) -> None:
        earliest = self._watch.wake_at
        for instant in self._wake_at.values():
            if earliest is None or instant < earliest:
                earliest = instant
        self._next_wake_at = earliest

    def take_events(self) -> list[Event]:
        """What there is to tell beside the entries, since this was last called: see ``entry_events`` for those."""
        return self._watch.take_events()

    def waiting(self, origin_endpoint: str) -> Waiting | None:
        """What the endpoint's next slot waits for; None before its first, and while a predecessor's entry is ahead."""
        endpoint = self.state.endpoint(origin_endpoint)
        if endpoint is None or self.state.grid is None or self._is_ahead(endpoint):
            return None
        # A copy is asked: nothing that people look at may change what is decided.
        return Decider(self.state, replace(endpoint), self.state.grid).next_entry().waiting

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
        self._watch.took_in(input_id)
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
        self._watch.catch_up()
        return self._decide_all()

    def _fire_timers(self, *, before: int) -> list[ProgramEntry]:
        entries: list[ProgramEntry] = []
        while (wake_at := self._next_wake_at) is not None and wake_at < before:
            if wake_at == self._watch.wake_at:
                self._watch.pass_time(wake_at)
                self._reckon_wake_at()
                continue
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
                self._input(input_id).read_multivariant(fact)
            case EndpointConfigured():
                self._configure(fact)
            case SwitchoverOrdered():
                self._order(fact)
            case ProgramEndOrdered():
                self._order_end()
            case EndpointRemoved():
                self._remove(fact.origin_endpoint)
            case ChannelRemoved():
                for endpoint in list(self.state.endpoints):
                    self._remove(endpoint.origin_endpoint)
            case _:
                return
        if input_id is not None:
            self._input(input_id).note_end(self.state.now)
        place_sessions(self.state)
        settle_grid(self.state)
        self._follow_inputs()
        compare_inputs(self.state)

    def _follow_inputs(self) -> None:
        """Renditions and S_in follow what the inputs deliver: looked at when that has changed, or an input has died."""
        state = self.state
        seen = (state.inputs[0].changes, state.inputs[1].changes, state.grid, state.lineup)
        if seen == self._followed and state.now < self._all_live_until:
            return
        grid = state.grid
        alive, self._followed, self._all_live_until = [], seen, NEVER
        for one in state.inputs if grid is not None else ():
            dies_at = state.dies_at(one)
            if state.now < dies_at:
                alive.append(one)
                self._all_live_until = min(self._all_live_until, dies_at)
        is_settled = state.inputs[0].carries_just(state.lineup) and state.inputs[1].carries_just(state.lineup)
        if not is_settled:
            match_renditions(state)
        follow_segment_duration(state, alive)
        change_lineup(state, alive if state.grid is grid else state.alive(), is_settled=is_settled)

    def _input(self, input_id: int) -> InputState:
        return self.state.input(input_id)

    @property
    def _segment_duration(self) -> int | None:
        return self.state.grid.segment_duration if self.state.grid is not None else None

    def _configure(self, fact: EndpointConfigured) -> None:
        endpoint = self.state.endpoint(fact.origin_endpoint)
        if endpoint is None:
            endpoint = EndpointState.configured(fact)
            self._adopt(endpoint)
            self.state.endpoints.append(endpoint)
        elif fact.revision > endpoint.revision:
            endpoint.configure(fact)
            endpoint.passed = None

    def _order(self, fact: SwitchoverOrdered) -> None:
        endpoint = self.state.endpoint(fact.origin_endpoint)
        if endpoint is not None:
            endpoint.order = Order(fact.input_id, fact.forced, self.state.sequence, self.state.now)

    def _order_end(self) -> None:
        """An order that comes while an input delivers is void: the programme goes on anyway."""
        if not any(delivering(self.state, self.state.now)):
            self.state.end_ordered_at = self.state.now

    def _remove(self, origin_endpoint: str) -> None:
        self.state.endpoints = [one for one in self.state.endpoints if one.origin_endpoint != origin_endpoint]
        self._wake_at.pop(origin_endpoint, None)
        self._still_waiting.pop(origin_endpoint, None)
        self._forgotten = None
        self._standing.pop(origin_endpoint, None)
        self._watch.forget_endpoint(origin_endpoint)

    # --- deciding -----------------------------------------------------------------------------------------------------

    def _decide_all(self) -> list[ProgramEntry]:
        entries: list[ProgramEntry] = []
        if self.state.grid is not None:
            for endpoint in self.state.endpoints:
                entries += self._decide(endpoint, self.state.grid)
            if self.before_forgetting is not None:
                for one in self.state.inputs:
                    self.before_forgetting(one)
            delivered = [one.changes for one in self.state.inputs]
            if entries or delivered != self._forgotten:
                self._forgotten = delivered
                self._forget(self.state.grid)
        self._reckon_wake_at()
        return entries

    def _decide(self, endpoint: EndpointState, grid: Grid) -> list[ProgramEntry]:
        """Every slot of an endpoint that can be decided now; sets its timer for the first that cannot."""
        if self._is_still_waiting(endpoint):
            return []
        entries: list[ProgramEntry] = []
        if self._is_ahead(endpoint):
            self._wait_for_last(endpoint)
            return entries
        decider = Decider(self.state, endpoint, grid)
        while True:
            answer = decider.next_entry()
            entry = answer.entry or self._ending(endpoint, answer)
            if entry is None:
                held_at = self._watch.decided(endpoint, answer.waiting, appended=bool(entries))
                self._await(endpoint, answer, decider, held_at)
                return entries
            endpoint.last = entry
            endpoint.passed = None
            entries.append(entry)
            decider.go_on()

    def _ending(self, endpoint: EndpointState, answer: Answer) -> ProgramEntry | None:
        """The end of the endpoint's programme, if this is it: then its last entry is said again."""
        instant = ends_at(self.state, endpoint)
        if instant is None or self.state.now < instant or answer.waiting is None or endpoint.last is None:
            return None
        if not is_all_published(answer.waiting.view):
            return None
        return ending(self.state, endpoint.last, alone_with=endpoint.is_alone_with)

    def _await(self, endpoint: EndpointState, answer: Answer, decider: Decider, held_at: int | None) -> None:
        end, now = ends_at(self.state, endpoint), self.state.now
        instants = [instant for instant in (answer.wake_at, end, held_at) if instant is not None and instant > now]
        self._set_timer(endpoint, min(instants, default=None))
        if end is None and answer.waiting is not None and StillWaiting.is_told_by(answer.waiting):
            self._still_waiting[endpoint.origin_endpoint] = StillWaiting(answer.waiting, decider, self.state, endpoint)

    def _is_still_waiting(self, endpoint: EndpointState) -> bool:
        """By a quick look; the timer is set anew."""
        still = self._still_waiting.get(endpoint.origin_endpoint)
        verdict = still.look() if still is not None else None
        if verdict is None:
            self._still_waiting.pop(endpoint.origin_endpoint, None)
            return False
        self._set_timer(endpoint, verdict.until)
        return True

    def _set_timer(self, endpoint: EndpointState, wake_at: int | None) -> None:
        if wake_at is None:
            self._wake_at.pop(endpoint.origin_endpoint, None)
        else:
            self._wake_at[endpoint.origin_endpoint] = wake_at

    def _is_ahead(self, endpoint: EndpointState) -> bool:
        """The endpoint's last entry was decided, by a predecessor, later in the log than has been read here."""
        if endpoint.last is None:
            return False
        as_of = endpoint.last.as_of
        return self.state.now < as_of.instant or self.state.sequence < as_of.sequence

    def _wait_for_last(self, endpoint: EndpointState) -> None:
        """A timer made the last entry, and no message may follow: go on at its instant."""
        assert endpoint.last is not None
        as_of = endpoint.last.as_of
        self._set_timer(endpoint, as_of.instant if self.state.sequence >= as_of.sequence else None)

    def _forget(self, grid: Grid) -> None:
        """Drop pieces that every endpoint has passed, and those that are too old for one to begin with."""
        ends = []
        for endpoint in self.state.endpoints:
            if endpoint.last is not None:
                if self._is_ahead(endpoint):
                    return
                ends.append(endpoint.last.end)
        begun = ends and len(ends) == len(self.state.endpoints)
        for one in self.state.inputs:
            needed = ends if begun else [*ends, one.newest_end - BEGINNING_KEPT]
            forgotten = (one.changes, min(needed) - SEGMENTS_KEPT * grid.segment_duration)
            if forgotten != self._forgotten_before.get(one.input_id):
                self._forgotten_before[one.input_id] = forgotten
                one.forget_before(forgotten[1])
