"""A machine of encoders, controllers and operators in virtual time: Hypothesis looks for steps that break a promise.

A step is a run of contents of two seconds, each with a fate for each input, or something that happens to a controller,
a policy or an operator in between. What stands in PROGRAM is judged after every step; at the end one undisturbed
controller has to make the same bytes of the same log. I1 to I6, I9 and I10 of the failover rule; the simulation has the
rest.
"""

from __future__ import annotations

import heapq
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typing_extensions import override

from support.simulation.controller import Controller
from support.simulation.logs import Logs, logged
from support.synthetic import CHANNEL, EPOCH, Message, SyntheticEncoder, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured, SegmentArrived, SwitchoverOrdered, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

ENDPOINTS = {"two": (2, 0), "six": (6, 4)}
"""Segment duration and delay, seconds."""
CONTENT = 2 * TICKS_PER_SECOND
MOVING = {Reason.FAILOVER, Reason.COMBINE, Reason.SWITCHOVER, Reason.FAILBACK}
FATES = st.sampled_from(["on time", "on time", "on time", "late", "very late", "lost", "twice"])
NAMES = st.sampled_from(sorted(ENDPOINTS))
INPUTS = st.sampled_from([1, 2])


class Understudy(RuleBasedStateMachine):
    """Two encoders, the two logs, and whoever decides."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = Logs()
        self.now = EPOCH
        self.content = 0
        self.encoders = {1: SyntheticEncoder(1), 2: SyntheticEncoder(2, lag_seconds=0.8)}
        self.coming: list[tuple[int, int, Message]] = []
        self.controllers: list[Controller] = []
        self.begun = 0
        self.judged = dict.fromkeys(map(endpoint_guid, ENDPOINTS), 0)
        self.revision = 0
        self.policies = dict.fromkeys(map(endpoint_guid, ENDPOINTS), (PolicyKind.STICKY, 1))
        self.wished = False
        self.stored: dict[str, int] = {}

    @initialize()
    def begin(self) -> None:
        for name in ENDPOINTS:
            self._configure(name, PolicyKind.STICKY, 1, 0.0)
        self._begin_controller()
        for _ in range(4):
            self._next_content(("on time", "on time"))

    # --- encoders -----------------------------------------------------------------------------------------------------

    @rule(run=st.lists(st.tuples(FATES, FATES), min_size=1, max_size=8))
    def next_contents(self, run: list[tuple[str, str]]) -> None:
        for fates in run:
            self._next_content(fates)

    def _next_content(self, fates: tuple[str, str]) -> None:
        for input_id, fate in enumerate(fates, start=1):
            for message in self._deliveries(input_id, fate):
                heapq.heappush(self.coming, (message.instant, len(self.logs.arrivals) + len(self.coming), message))
        self.content += 1
        self._until(EPOCH + self.content * CONTENT)

    def _deliveries(self, input_id: int, fate: str) -> list[Message]:
        if fate == "lost":
            return []
        messages = self.encoders[input_id].messages([self.content])
        late = {"late": from_seconds(0.9), "very late": from_seconds(5.3)}.get(fate, 0)
        once = [Message(message.instant + late, message.input_id, message.fact) for message in messages]
        again = [Message(message.instant + from_seconds(0.4), message.input_id, message.fact) for message in once]
        return [*once, *again] if fate == "twice" else once

    @rule(input_id=INPUTS, offset=st.integers(-1000, 1000))
    def restart(self, input_id: int, offset: int) -> None:
        """Other timestamps, names from the start, a content of its own."""
        before = self.encoders[input_id]
        self.encoders[input_id] = SyntheticEncoder(
            input_id,
            lag_seconds=before.lag_seconds,
            media_offset_seconds=offset,
            first_number=-self.content,
            content=f"after {self.content}",
            phase_seconds=before.phase_seconds,
        )

    def _until(self, instant: int) -> None:
        while self.coming and self.coming[0][0] <= instant:
            _, _, message = heapq.heappop(self.coming)
            self.now = max(self.now, message.instant)
            if isinstance(message.fact, SegmentArrived):
                self.stored.setdefault(message.fact.object_key, self.now)
            self._log(message)
        self.now = max(self.now, instant)
        self.logs.arrivals.append(logged(self.now, None, Tick()))
        for controller in self.controllers:
            self._work(controller)

    def _log(self, message: Message) -> None:
        self.logs.arrivals.append(logged(self.now, message.input_id, message.fact))

    # --- controllers --------------------------------------------------------------------------------------------------

    def _begin_controller(self) -> None:
        self.begun += 1
        self.controllers.append(Controller(self.logs, CHANNEL, name=self.begun))

    @precondition(lambda self: len(self.controllers) < 2)
    @rule()
    def another_controller_begins(self) -> None:
        self._begin_controller()

    @precondition(lambda self: len(self.controllers) > 0)
    @rule(which=st.integers(0, 1))
    def a_controller_is_killed(self, which: int) -> None:
        del self.controllers[which % len(self.controllers)]

    @precondition(lambda self: len(self.controllers) > 0)
    @rule(which=st.integers(0, 1))
    def a_snapshot_is_written(self, which: int) -> None:
        self.controllers[which % len(self.controllers)].save()

    @precondition(lambda self: len(self.controllers) > 0)
    @rule(which=st.integers(0, 1), steps=st.integers(1, 5))
    def a_controller_reads_without_appending(self, which: int, steps: int) -> None:
        controller = self.controllers[which % len(self.controllers)]
        for _ in range(steps):
            if controller.may_read:
                controller.read()

    @precondition(lambda self: any(one.waiting for one in self.controllers))
    @rule()
    def an_acknowledgement_is_lost(self) -> None:
        controller = next(one for one in self.controllers if one.waiting)
        controller.append(controller.waiting[0], acknowledged=False)

    def _work(self, controller: Controller) -> None:
        while controller.may_read or controller.waiting:
            while controller.waiting:
                controller.append(controller.waiting[0])
            if controller.may_read:
                controller.read()

    # --- operators ----------------------------------------------------------------------------------------------------

    @rule(name=NAMES, kind=st.sampled_from(PolicyKind), input_id=INPUTS, hold_down=st.sampled_from([0.0, 4.0, 10.0]))
    def policy(self, name: str, kind: PolicyKind, input_id: int, hold_down: float) -> None:
        self._configure(name, kind, 1 if kind is PolicyKind.OFF else input_id, hold_down)
        self.wished = True

    @rule(name=NAMES, input_id=INPUTS, forced=st.booleans())
    def order(self, name: str, input_id: int, forced: bool) -> None:
        self._log(Message(self.now, None, SwitchoverOrdered(endpoint_guid(name), input_id, forced)))
        self.wished = True

    def _configure(self, name: str, kind: PolicyKind, input_id: int, hold_down_seconds: float) -> None:
        self.revision += 1
        seconds, delay = ENDPOINTS[name]
        self.policies[endpoint_guid(name)] = (kind, input_id)
        fact = EndpointConfigured(
            endpoint_guid(name),
            from_seconds(seconds),
            from_seconds(delay),
            self.revision,
            kind,
            input_id,
            from_seconds(hold_down_seconds),
        )
        self._log(Message(self.now, None, fact))

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def what_stands_is_in_order(self) -> None:
        for guid, judged in self.judged.items():
            stands = [codec.decode_as(ProgramEntry, one) for one in self.logs.program.entries.get(guid, [])]
            for number, entry in enumerate(stands[judged:], start=judged):
                self._judge_alone(number, entry)
            for before, entry in pairwise(stands[max(judged - 1, 0) :]):
                self._judge_pair(before, entry)
            self.judged[guid] = len(stands)

    def _judge_alone(self, number: int, entry: ProgramEntry) -> None:
        assert entry.media_sequence == number, "I1, I10"
        for rendition in entry.renditions:
            for piece in rendition.pieces:
                assert self.stored[piece.object_key] <= entry.as_of.instant, "I4"
        histories = {tuple(piece.input_id for piece in one.pieces) for one in entry.renditions if one.pieces}
        assert len(histories) <= 1, "I3"

    def _judge_pair(self, before: ProgramEntry, entry: ProgramEntry) -> None:
        assert entry.discontinuity_sequence == before.discontinuity_sequence + before.discontinuity, "I3"
        assert entry.available_at >= before.available_at
        assert entry.start >= before.end - CONTENT // 2
        shown = {piece.object_key for one in before.renditions for piece in one.pieces}
        assert not any(piece.object_key in shown for one in entry.renditions for piece in one.pieces), "content twice"
        moved = entry.active_input != before.active_input
        assert (entry.reason in MOVING) if moved else (entry.reason not in MOVING - {Reason.COMBINE}), "I5"
        if moved and entry.reason is not Reason.COMBINE:
            assert all(one.pieces for one in entry.renditions), "I5: to an input that lacks the slot"
        if not self.wished:
            assert entry.reason not in {Reason.SWITCHOVER, Reason.FAILBACK}, "I6"

    @override
    def teardown(self) -> None:
        """I9: one undisturbed fold of the same log, without any tick, makes the same bytes."""
        self._until(self.now + 60 * TICKS_PER_SECOND)
        self._begin_controller()
        for controller in reversed(self.controllers):
            self._work(controller)
        self.what_stands_is_in_order()
        fold, made = ChannelFold(ChannelState(CHANNEL)), []
        for sequence, one in enumerate(self.logs.arrivals, start=1):
            if not one.is_tick:
                made += fold.apply(one.fact, input_id=one.input_id, instant=one.instant, sequence=sequence)
        made += fold.pass_time(self.logs.arrivals[-1].instant)
        for guid in self.judged:
            expected = [codec.encode(entry) for entry in made if entry.origin_endpoint == guid]
            assert self.logs.program.entries.get(guid, []) == expected, "I9"


TestUnderstudy = Understudy.TestCase
TestUnderstudy.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
