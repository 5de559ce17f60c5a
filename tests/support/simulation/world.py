"""One schedule, run: virtual time, the two logs, controllers in whatever state they are in, egress, and viewers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import m3u8

from support.simulation.controller import Controller
from support.simulation.encoder import seconds_of
from support.simulation.logs import Logs, logged
from support.simulation.oracle import Oracle
from support.simulation.plan import Plan
from support.simulation.promises import judge_run
from support.simulation.viewer import Egress, Memory, origin_endpoint
from support.simulation.violation import require
from support.synthetic import CHANNEL, Message
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

TICK_AFTER = from_seconds(0.001)
TICK_AGAIN = from_seconds(0.05)
SILENCE = 90 * TICKS_PER_SECOND
"""How long a run goes on after the last message."""
STRICT_EVERY = 7
"""Every how many schedules the last playlists are read by somebody else's parser as well."""


@dataclass(slots=True)
class World:
    """Everything of one run."""

    plan: Plan
    logs: Logs = field(default_factory=Logs)
    now: int = 0
    story: list[str] = field(default_factory=list)
    oracles: dict[str, Oracle] = field(default_factory=dict)
    egresses: dict[str, list[Egress]] = field(default_factory=dict)
    _controllers: list[Controller] = field(default_factory=list)
    _memories: dict[str, Memory] = field(default_factory=dict)
    _rng: random.Random = field(default_factory=random.Random)
    _started: int = 0
    _second_egress_at: int = 0
    _polls: dict[str, int | None] = field(default_factory=dict)
    _last_tick: int = 0

    def run(self) -> World:
        """To the end.

        Raises:
            Violation: a promise was broken.
        """
        plan = self.plan
        self._rng = random.Random(f"troubles {plan.seed}")
        self._second_egress_at = plan.messages[0].instant + self._rng.randrange(40 * TICKS_PER_SECOND)
        self._start_controller()
        for endpoint in plan.endpoints:
            self.oracles[endpoint.guid] = Oracle(plan, endpoint)
            self._memories[endpoint.guid] = Memory()
            self._open_egress(endpoint.guid)
        for message in plan.messages:
            self._until(message.instant)
            self._log(message)
            self._work()
        self._until(plan.messages[-1].instant + SILENCE)
        self._settle()
        judge_run(plan, self.oracles)
        if plan.troubled:
            self._compare_with_one_undisturbed_controller()
        if plan.seed % STRICT_EVERY == 0:
            self._read_strictly()
        return self

    # --- time -----------------------------------------------------------------------------------------------------

    def _until(self, instant: int) -> None:
        """Let time pass: timers of controllers lead to ticks, viewers poll what becomes available."""
        while (upcoming := self._next_event()) is not None and upcoming < instant:
            self.now = max(self.now, upcoming)
            if self._tick_at() == upcoming:
                self._last_tick = self.now
                self.logs.arrivals.append(logged(self.now, None, Tick()))
            self._work()
        self.now = instant

    def _next_event(self) -> int | None:
        polls = [at for at in self._polls.values() if at is not None]
        return min([*polls, *([tick] if (tick := self._tick_at()) is not None else [])], default=None)

    def _tick_at(self) -> int | None:
        wakes = [one.fold.wake_at for one in self._controllers if one.fold.wake_at is not None]
        return max(min(wakes) + TICK_AFTER, self._last_tick + TICK_AGAIN) if wakes else None

    def _log(self, message: Message) -> None:
        self.logs.arrivals.append(logged(message.instant, message.input_id, message.fact))

    # --- controllers ----------------------------------------------------------------------------------------------

    def _start_controller(self) -> None:
        self._started += 1
        self._controllers.append(Controller(self.logs, CHANNEL, name=self._started))

    def _work(self) -> None:
        if self.plan.troubled:
            self._work_in_trouble()
        else:
            self._finish(self._controllers[0])
        self._show()

    def _finish(self, controller: Controller) -> None:
        while controller.may_read or controller.waiting:
            while controller.waiting:
                self._append(controller, controller.waiting[0])
            if controller.may_read:
                controller.read()

    def _work_in_trouble(self) -> None:
        """Some steps of some controllers, in any order; between any two of them one may die or another begin."""
        rng = self._rng
        for _ in range(rng.choice([0, 2, 4, 8, 8])):
            chance = rng.random()
            if not self._controllers:
                if chance < 0.5:
                    self._start_controller()
                    self.story.append(f"{seconds_of(self.now):7.2f} controller {self._started} begins")
                continue
            controller = rng.choice(self._controllers)
            if chance < 0.012:
                self._controllers.remove(controller)
                self.story.append(f"{seconds_of(self.now):7.2f} controller {controller.name} is killed")
            elif chance < 0.024 and len(self._controllers) < 2:
                self._start_controller()
                self.story.append(f"{seconds_of(self.now):7.2f} controller {self._started} begins beside the others")
            elif chance < 0.06:
                controller.save()
            elif chance < 0.07:
                controller.position = max(controller.position - rng.randrange(6), 0)
            elif controller.waiting and chance < 0.5:
                self._append(controller, rng.choice(controller.waiting), acknowledged=rng.random() > 0.1)
            elif controller.may_read:
                controller.read()
        if rng.random() < 0.3 and self._controllers:
            self._finish(rng.choice(self._controllers))

    def _append(self, controller: Controller, guid: str, *, acknowledged: bool = True) -> None:
        entry = controller.append(guid, acknowledged=acknowledged)
        if entry is None:
            return
        last = self.logs.program.last(guid)
        assert last is not None
        read = codec.decode_as(ProgramEntry, last[1])
        self.story.append(_line(self.now, self.oracles[guid].endpoint.name, read, controller.name))
        require(read == entry, "records", f"{entry.media_sequence} is read back as another")
        self.oracles[guid].judge(read)
        if read.ended:
            self._memories[guid].ends.add(read.media_sequence)
        for egress in self.egresses[guid]:
            egress.window.append(read)

    def _settle(self) -> None:
        """The troubles are over: one more controller takes over and finishes, while those that are left look on."""
        if self.plan.troubled:
            self._start_controller()
        for controller in reversed(list(self._controllers)):
            self._finish(controller)
        self.logs.arrivals.append(logged(self.now, None, Tick()))
        for controller in self._controllers:
            self._finish(controller)
        self.now += SILENCE
        self._show()
        for guid, oracle in self.oracles.items():
            for egress in self.egresses.get(guid, ()):
                ended = bool(oracle.log) and oracle.log[-1].ended
                require(egress.shows_end == ended, "end", f"{oracle.endpoint.name}: shown is {egress.shows_end}")

    # --- viewers --------------------------------------------------------------------------------------------------

    def _open_egress(self, guid: str) -> None:
        oracle = self.oracles[guid]
        endpoint = origin_endpoint(
            guid,
            seconds=oracle.endpoint.seconds,
            window_seconds=oracle.endpoint.window_seconds,
            date_interval_seconds=oracle.endpoint.date_interval_seconds,
        )
        known = oracle.log[-40:]
        self.egresses.setdefault(guid, []).append(Egress(endpoint, self._memories[guid], known))

    def _show(self) -> None:
        if self._second_egress_at and self.now >= self._second_egress_at:
            self._second_egress_at = 0
            for guid in self.oracles:
                self._open_egress(guid)
        for guid, egresses in self.egresses.items():
            for egress in egresses:
                egress.poll(self.now)
            self._polls[guid] = egresses[0].window.next_available_at

    def _read_strictly(self) -> None:
        for egresses in self.egresses.values():
            for text in egresses[-1].playlists():
                m3u8.M3U8(text.decode(), strict=True)
            if egresses[-1].window.live_edge is not None:
                m3u8.M3U8(egresses[-1].window.multivariant_playlist().decode(), strict=True)

    # --- the same log again ---------------------------------------------------------------------------------------

    def _compare_with_one_undisturbed_controller(self) -> None:
        """I9: one fold reads the log without ticks, restarts or repetitions."""
        fold = ChannelFold(ChannelState(CHANNEL))
        expected: dict[str, list[bytes]] = {}
        made: list[ProgramEntry] = []
        for sequence, message in enumerate(self.logs.arrivals, start=1):
            if not message.is_tick:
                made += fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
        made += fold.pass_time(self.logs.arrivals[-1].instant)
        for entry in made:
            expected.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))
        for guid, standing in self.logs.program.entries.items():
            require(guid in expected, "I9", f"{guid} has entries of its own")
            for mine, theirs in zip(standing, expected[guid], strict=False):
                require(mine == theirs, "I9", f"stands: {mine.decode()[:600]}\nexpected: {theirs.decode()[:600]}")
            require(len(standing) == len(expected[guid]), "I9", f"{len(standing)} of {len(expected[guid])} entries")


def _line(now: int, name: str, entry: ProgramEntry, controller: int) -> str:
    mark = " discontinuity" if entry.discontinuity else ""
    shown = "; ".join(",".join(piece.object_key[6:] for piece in one.pieces) or "gap" for one in entry.renditions[:1])
    decided = f"{entry.reason} {entry.step}, input {entry.active_input}, slot {entry.slot}{mark}"
    return (
        f"{seconds_of(now):7.2f} {name} {entry.media_sequence}: {decided} [{shown}]"
        f" as of {seconds_of(entry.as_of.instant):.2f} (controller {controller})"
    )
