"""The loop around the pure core: an ordered reading of each shard that this process owns, one fold for each channel.

Which shards are its own it is told by the leases. It takes a shard by loading what its predecessor left, and reading
the shard's part of ARRIVALS from there; it drops a shard by forgetting everything about it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from understudy_controller.loop.active_inputs import ActiveInputs
from understudy_controller.loop.appender import Appender
from understudy_controller.loop.leases import Leases
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.snapshots import Checkpoint, Loaded, Snapshots
from understudy_controller.loop.standing import Standing, standing_of
from understudy_controller.loop.telling import Telling
from understudy_controller.loop.ticker import Ticker, Timers
from understudy_controller.loop.transcriber import Transcriber
from understudy_controller.process import ProcessContext
from understudy_domain import codec, keys
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.facts import ChannelRemoved, EndpointConfigured, EndpointRemoved, Fact, SegmentArrived, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.timeline import InputState
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 2.0
_RETRY_SECONDS = 0.5
_BUSY_SECONDS = 0.01
"""How long a replay may keep everything else waiting: leases are to be renewed meanwhile."""


@asynccontextmanager
async def decision_loop(context: ProcessContext) -> AsyncIterator[None]:
    """The part of a controller that decides; runs for as long as it is entered."""
    loop = DecisionLoop(context)
    tasks = [asyncio.create_task(part, name="decisions") for part in loop.parts()]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        await loop.close()


def _report(task: asyncio.Task[None]) -> None:
    """A controller that does not decide is of no use: let its supervisor begin anew."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("a part of the decision loop failed", exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


@dataclass(slots=True)
class _Shard:
    """A shard that this process decides for."""

    position: int = 0
    """ARRIVALS sequence up to which it has been read."""
    caught_up: bool = False
    leaving: bool = False
    reading: asyncio.Task[None] | None = None


class DecisionLoop:
    """The folds of the channels that this process decides for, and what carries data to and from them."""

    def __init__(self, context: ProcessContext) -> None:
        self._bus = context.bus
        self._store = context.store
        self._shards = context.settings.shards
        self._folds: dict[str, ChannelFold] = {}
        self._standing: dict[str, ProgramEntry] = {}
        self._owned: dict[int, _Shard] = {}
        self._gone: set[str] = set()
        self._failed: set[str] = set()
        """Channels at which the core failed: nothing more is decided for them here."""
        self._ready = False
        self._metrics = LoopMetrics(context.registry, inputs=self._inputs, caught_up=self._has_caught_up)
        self._appender = Appender(self._bus, on_appended=self._appended, on_superseded=self._superseded)
        self._active_inputs = ActiveInputs(self._bus)
        self._snapshots = Snapshots(self._bus)
        self._leases = Leases(self._bus, self, shards=self._shards, on_lost=self._metrics.lease_losses.inc)
        self._transcriber = Transcriber(self._bus, self._store, shards=self._shards, owns=self._leases.holds)
        self._telling = Telling(
            self._store, self._metrics, self._active_inputs, shards=self._shards, owns=self._leases.holds
        )
        self._timers = Timers(self._wake_at)
        self._ticker = Ticker(self._bus, self._timers)
        self._tasks: set[asyncio.Task[None]] = set()
        context.decisions.fold_of = self._folds.get
        context.health.add_check("decisions", self._waits_for)

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines to run side by side."""
        return [
            *self._leases.parts(),
            self._ticker.run(),
            self._transcriber.run(),
            self._active_inputs.run(),
            self._snapshots.run(lambda: self._checkpoint(self._owned)),
        ]

    async def close(self) -> None:
        """Let what is decided come to stand, leave snapshots behind for a successor, and give everything back."""
        await self.settle(list(self._owned))
        await self._leases.give_all_back()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _waits_for(self) -> str | None:
        """Readiness: said once, for neither a shard that moves nor NATS being away makes a controller useless."""
        self._ready = self._ready or (self._leases.has_settled and self._has_caught_up())
        return None if self._ready else "taking its share of the channels, and replaying the arrivals log"

    def _has_caught_up(self) -> bool:
        """Of all that it holds a lease for; a shard that it is only just taking up has not."""
        return self._leases.held <= self._owned.keys() and all(shard.caught_up for shard in self._owned.values())

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="decisions")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_report)
        return task

    # --- shards come and go (ShardOwner) ------------------------------------------------------------------------------

    def take(self, shards: Sequence[int]) -> None:
        """Decide for these from now on: load what stands, then read; returns at once."""
        taken = {number: _Shard() for number in shards}
        self._owned.update(taken)
        self._metrics.shards.set(len(self._owned))
        self._start(self._load(taken))

    def drop(self, shards: Collection[int]) -> None:
        """Forget all about these, at once."""
        for number in shards:
            shard = self._owned.pop(number, None)
            if shard is not None and shard.reading is not None:
                shard.reading.cancel()
        self._metrics.shards.set(len(self._owned))
        self._appender.forget_shards(shards)
        for guid in [guid for guid in self._folds if self._shard(guid) in shards]:
            del self._folds[guid]
        for guid in [guid for guid, entry in self._standing.items() if self._shard(entry.channel) in shards]:
            del self._standing[guid]
        self._telling.forget(shards)

    async def settle(self, shards: Collection[int]) -> None:
        """Decide nothing more for these; let what is decided come to stand, and leave snapshots for a successor."""
        for number in shards:
            shard = self._owned.get(number)
            if shard is not None:
                shard.leaving = True
                if shard.reading is not None:
                    shard.reading.cancel()
                    await asyncio.wait((shard.reading,))
        await self._appender.drain(shards, seconds=_DRAIN_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._snapshots.save(self._checkpoint(shards))

    async def _load(self, taken: Mapping[int, _Shard]) -> None:
        """Take up what stands: each endpoint's last entry, each channel's snapshot; then read on from there."""
        while any(map(self._is_owned, taken, taken.values())):
            try:
                await self._store.ensure_current()
                channels = {one.value.guid: self._shard(one.value.guid) for one in self._store.channels.values()}
                snapshots = await self._snapshots.load(channels, shards=taken)
                endpoints = [one.value for one in self._store.origin_endpoints.values()]
                mine = [one for one in endpoints if self._shard(one.channel_guid) in taken]
                standing = await standing_of(self._bus, mine, shards=self._shards)
            except BusUnavailable as err:
                _log.warning("cannot load what stands, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        else:
            return
        for number, shard in taken.items():
            if self._is_owned(number, shard):
                self._begin(number, shard, snapshots, [one for one in standing if one.shard == number])
            await asyncio.sleep(0)
        _log.info(
            "decisions resume for %d shards", len(taken), extra={"channels": len(self._folds), "shards": list(taken)}
        )

    def _is_owned(self, number: int, shard: _Shard) -> bool:
        """Whether it still is, and not taken anew meanwhile."""
        return self._owned.get(number) is shard and not shard.leaving

    def _begin(self, number: int, shard: _Shard, snapshots: Loaded, standing: Sequence[Standing]) -> None:
        for one in standing:
            value = one.endpoint
            if one.entry is not None:
                self._standing[value.guid] = one.entry
            self._appender.open(value.guid, shard=number, last_sequence=one.sequence)
            self._telling.standing(value, one.entry, one.sequence)
        for channel in list(self._store.channels.values()):
            guid = channel.value.guid
            if self._shard(guid) == number:
                self._failed.discard(guid)
                self._open_channel(guid, snapshots.states.get(guid))
        shard.position = snapshots.positions[number]
        shard.reading = self._start(self._read(number, shard))

    def _open_channel(self, guid: str, state: ChannelState | None) -> ChannelFold:
        endpoints = [one.value.guid for one in self._store.origin_endpoints_of(guid)]
        mine = {endpoint: self._standing[endpoint] for endpoint in endpoints if endpoint in self._standing}
        fold = self._folds[guid] = ChannelFold(state or ChannelState(guid), standing=mine)
        if state is not None and self._ask(guid, fold.resume):
            self._timers.set(self._shard(guid), guid)
        return fold

    def _reconcile(self, number: int) -> None:
        """After the replay: transcribe what CONFIG holds and the shard's log does not say."""
        for versioned in self._store.origin_endpoints.values():
            if self._shard(versioned.value.channel_guid) != number:
                continue
            fold = self._folds.get(versioned.value.channel_guid)
            known = fold.state.endpoint(versioned.value.guid) if fold is not None else None
            if known is None or known.revision < versioned.revision:
                self._transcriber.write_endpoint(versioned)
        for fold in [fold for guid, fold in self._folds.items() if self._shard(guid) == number]:
            for endpoint in fold.state.endpoints:
                guid = endpoint.origin_endpoint
                if self._store.origin_endpoint_by_guid(guid) is None:
                    self._transcriber.write(fold.state.channel, EndpointRemoved(guid), message_id=f"{guid}.removed")

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self, number: int, shard: _Shard) -> None:
        end = await self._end_of(number)
        if end == 0:
            self._catch_up(number, shard)
        yielded_at = clock.monotonic()
        async with contextlib.aclosing(
            self._bus.messages(keys.ARRIVALS_STREAM, keys.arrivals_filter(number), start_sequence=shard.position + 1)
        ) as messages:
            async for message in messages:
                if not self._leases.holds(number):
                    return  # the leases will say so in a moment; nothing may be decided until then
                await self._know(number, message)
                self._take(message, shard)
                shard.position = message.sequence
                if not shard.caught_up and (message.pending == 0 or message.sequence >= end):
                    self._catch_up(number, shard)
                if clock.monotonic() - yielded_at > _BUSY_SECONDS:
                    await asyncio.sleep(0)
                    yielded_at = clock.monotonic()

    async def _end_of(self, number: int) -> int:
        """The end of what has to be replayed of a shard; 0 if nothing has.

        A tick of its own is written first, so that there is a message to read however old the last one is.
        """
        while True:
            try:
                if any(self._shard(guid) == number for guid in self._folds):
                    return await self._bus.publish(keys.clock_subject(number), codec.encode(Tick()))
            except BusUnavailable as err:
                _log.warning("cannot find the end of the log, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return 0

    def _catch_up(self, number: int, shard: _Shard) -> None:
        shard.caught_up = True
        self._reconcile(number)

    async def _know(self, number: int, message: StoredMessage) -> None:
        """See to it that what was configured a moment ago, through another controller, is known here.

        Commands are rare, and channels that are not known are asked for once: a guid never comes back.
        """
        tokens = message.subject.split(".")
        guid, is_command = tokens[2], tokens[-1] == "command"
        if not is_command and (guid in self._folds or guid in self._gone or guid == "clock"):
            return
        while is_command or self._store.channel_by_guid(guid) is None:
            try:
                await self._store.ensure_current()
            except BusUnavailable:
                if not self._leases.holds(number):
                    return
            else:
                break
        if self._store.channel_by_guid(guid) is None:
            self._gone.add(guid)

    def _take(self, message: StoredMessage, shard: _Shard) -> None:
        try:
            subject = keys.parse_arrivals_subject(message.subject)
            fact = codec.decode(message.payload)
        except (MalformedKey, MalformedRecord) as err:
            self._metrics.malformed.inc()
            _log.error("skipped a record of ARRIVALS: %s", err, extra={"subject": message.subject})
            return
        if subject.channel_guid is None:
            if shard.caught_up:
                self._ticker.heard(instant=message.instant)  # an old one says nothing of the clocks
            self._pass_time(subject.shard, message.instant)
        elif isinstance(fact, Fact):
            self._apply(subject.channel_guid, subject.input_id, fact, message)

    def _pass_time(self, shard: int, instant: int) -> None:
        for guid in list(self._timers.due(shard, before=instant)):
            fold = self._folds.get(guid)
            if fold is not None and self._ask(guid, partial(fold.pass_time, instant)):
                self._timers.set(shard, guid)

    def _apply(self, guid: str, input_id: int | None, fact: Fact, message: StoredMessage) -> None:
        if guid in self._failed:
            return
        fold = self._folds.get(guid)
        if fold is None:
            if self._store.channel_by_guid(guid) is None:
                return
            fold = self._open_channel(guid, None)
        if message.sequence <= fold.state.sequence:
            return
        if isinstance(fact, EndpointConfigured) and self._store.origin_endpoint_by_guid(fact.origin_endpoint):
            self._appender.open(fact.origin_endpoint, shard=self._shard(guid), last_sequence=0)
            if fold.state.endpoint(fact.origin_endpoint) is None:
                self._telling.begins(fact.origin_endpoint, self._standing.get(fact.origin_endpoint))
        apply = partial(fold.apply, fact, input_id=input_id, instant=message.instant, sequence=message.sequence)
        if not self._ask(guid, apply):
            return
        if isinstance(fact, SegmentArrived) and input_id is not None:
            self._telling.arrived(guid, fold.state.input(input_id))
        elif isinstance(fact, EndpointRemoved):
            self._appender.forget(fact.origin_endpoint)
            self._standing.pop(fact.origin_endpoint, None)
        elif isinstance(fact, ChannelRemoved):
            self._close_channel(guid)
            return
        self._timers.set(self._shard(guid), guid)

    def _close_channel(self, guid: str) -> None:
        self._folds.pop(guid, None)
        self._start(self._snapshots.delete(guid))

    # --- appending ----------------------------------------------------------------------------------------------------

    def _ask(self, guid: str, decide: Callable[[], list[ProgramEntry]]) -> bool:
        """Have the core decide, and append what it answers; False where it failed.

        A failure of the core is a defect, and would come again with the same log. It ends this channel's decisions
        until the shard is taken anew, not those of a thousand others.
        """
        try:
            entries = decide()
        except Exception:  # noqa: BLE001  # whatever it is, the other channels go on
            _log.critical("the decision core failed at channel %s, which is given up", guid, exc_info=True)
            self._folds.pop(guid, None)
            self._failed.add(guid)
            self._metrics.failed_channels.inc()
            return False
        for entry in entries:
            self._appender.append(entry)
        return True

    def _appended(self, entry: ProgramEntry, sequence: int) -> None:
        before = self._standing.get(entry.origin_endpoint)
        self._standing[entry.origin_endpoint] = entry
        self._telling.appended(entry, sequence, before=before)

    def _superseded(self, entry: ProgramEntry) -> None:
        """Another controller decides for the channel, or did until now: step down for its shard.

        Where the lease is this process's own all the same, it takes the shard up again, from what stands.
        """
        self._metrics.superseded.inc()
        number = self._shard(entry.channel)
        if number in self._owned:
            self.drop([number])
            self._start(self._take_again(number))

    async def _take_again(self, number: int) -> None:
        await asyncio.sleep(_RETRY_SECONDS / 2)  # not at once, for a quarrel must not become a storm
        if self._leases.holds(number) and number not in self._owned:
            self.take([number])

    # --- asked by the parts -------------------------------------------------------------------------------------------

    def _wake_at(self, guid: str) -> int | None:
        fold = self._folds.get(guid)
        return fold.wake_at if fold is not None else None

    def _checkpoint(self, shards: Collection[int]) -> Checkpoint:
        """What is to be saved of these: every channel, and how far each shard's log is contained in its channels."""
        owned = {number: self._owned[number] for number in shards if number in self._owned}
        channels: dict[int, list[str]] = {number: [] for number in owned}
        for guid, fold in self._folds.items():
            if fold.state.sequence and self._shard(guid) in channels:
                channels[self._shard(guid)].append(guid)
        failed = {self._shard(guid) for guid in self._failed}
        positions = {
            number: shard.position if shard.caught_up and number not in failed else 0 for number, shard in owned.items()
        }
        return Checkpoint(positions, channels, self._settled_state)

    def _settled_state(self, guid: str) -> ChannelState | None:
        """A channel's state if its decisions all stand: what a snapshot may be taken of."""
        fold = self._folds.get(guid)
        if fold is None or not all(self._appender.is_idle(one.origin_endpoint) for one in fold.state.endpoints):
            return None
        return fold.state

    def _inputs(self) -> Iterator[tuple[str, InputState]]:
        for guid, fold in self._folds.items():
            channel = self._store.channel_by_guid(guid)
            if channel is not None:
                for one in fold.state.inputs:
                    yield channel.value.id, one

    def _shard(self, guid: str) -> int:
        return keys.shard_of(guid, shards=self._shards)
