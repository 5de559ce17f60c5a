"""The loop around the pure core: one ordered reading of ARRIVALS, one fold for each channel, everything told on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

from understudy_controller.loop.active_inputs import ActiveInputs
from understudy_controller.loop.appender import Appender
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.snapshots import Checkpoint, Snapshots
from understudy_controller.loop.ticker import Ticker, Timers
from understudy_controller.loop.transcriber import Transcriber
from understudy_controller.process import ProcessContext
from understudy_domain import codec, keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ActiveInput, ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.facts import ChannelRemoved, EndpointConfigured, EndpointRemoved, Fact, SegmentArrived, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_runtime.config_store import ConfigChange, Versioned
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

_LOST = frozenset({Reason.PARTIAL, Reason.GAP})
"""What viewers notice. Told once when it begins: an input that lacks a rendition for good makes every slot partial."""

_DRAIN_SECONDS = 2.0
_RETRY_SECONDS = 0.5


@asynccontextmanager
async def decision_loop(context: ProcessContext) -> AsyncIterator[None]:
    """The part of a controller that decides; runs for as long as it is entered."""
    loop = DecisionLoop(context)
    await loop.load()
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


class DecisionLoop:
    """All channels' folds, and what carries data to and from them."""

    def __init__(self, context: ProcessContext) -> None:
        self._bus = context.bus
        self._store = context.store
        self._shards = context.settings.shards
        self._folds: dict[str, ChannelFold] = {}
        self._standing: dict[str, ProgramEntry] = {}
        self._position = 0
        self._caught_up = False
        self._metrics = LoopMetrics(context.registry, input_ages=self._input_ages)
        self._appender = Appender(self._bus, on_appended=self._appended, on_superseded=self._superseded)
        self._active_inputs = ActiveInputs(self._bus)
        self._snapshots = Snapshots(self._bus)
        self._transcriber = Transcriber(self._bus, self._store, shards=self._shards)
        self._timers = Timers(self._wake_at)
        self._ticker = Ticker(self._bus, self._timers)
        self._deleting: set[asyncio.Task[None]] = set()
        self._store.on_change(self._config_changed)
        context.decisions.fold_of = self._folds.get
        context.health.add_check("decisions", lambda: None if self._caught_up else "replaying the arrivals log")

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """The coroutines to run side by side."""
        return [
            self._read(),
            self._ticker.run(),
            self._transcriber.run(),
            self._active_inputs.run(),
            self._snapshots.run(self._checkpoint),
        ]

    async def close(self) -> None:
        """Let what is decided come to stand, and leave snapshots behind for a successor."""
        await self._appender.drain(_DRAIN_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._snapshots.save(self._checkpoint())

    # --- starting -----------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what stands: each endpoint's last entry, each channel's snapshot; find where to read from."""
        while True:
            try:
                snapshots = await self._snapshots.load(shards=self._shards)
                for endpoint in list(self._store.origin_endpoints.values()):
                    await self._load_endpoint(endpoint)
            except BusUnavailable as err:
                _log.warning("cannot load what stands, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        for versioned in self._store.channels.values():
            self._open_channel(versioned.value.guid, snapshots.states.get(versioned.value.guid))
        self._position = snapshots.position
        _log.info(
            "decisions resume",
            extra={"channels": len(self._folds), "snapshots": len(snapshots.states), "sequence": self._position},
        )

    async def _load_endpoint(self, endpoint: Versioned[OriginEndpoint]) -> None:
        value = endpoint.value
        shard = keys.shard_of(value.channel_guid, shards=self._shards)
        last = await self._bus.last_message(keys.PROGRAM_STREAM, keys.program_subject(shard, value.guid))
        if last is not None:
            try:
                self._standing[value.guid] = codec.decode_as(ProgramEntry, last.payload)
            except MalformedRecord:
                _log.exception("the last entry does not parse", extra={"origin_endpoint": value.id})
        self._appender.open(value.guid, shard=shard, last_sequence=last.sequence if last is not None else 0)
        standing = self._standing.get(value.guid)
        self._metrics.show_endpoint(value.channel_id, value.id, standing.active_input if standing else None)
        if standing is not None and last is not None:
            self._active_inputs.check(_active_input(value, standing, last.sequence))

    def _open_channel(self, guid: str, state: ChannelState | None) -> ChannelFold:
        mine = {endpoint: entry for endpoint, entry in self._standing.items() if entry.channel == guid}
        fold = self._folds[guid] = ChannelFold(state or ChannelState(guid), standing=mine)
        if state is not None:
            self._append(fold.resume())
            self._timers.set(self._shard(guid), guid)
        return fold

    def _reconcile(self) -> None:
        """After the replay: transcribe what CONFIG holds and the log does not say."""
        for versioned in self._store.origin_endpoints.values():
            fold = self._folds.get(versioned.value.channel_guid)
            known = fold.state.endpoint(versioned.value.guid) if fold is not None else None
            if known is None or known.revision < versioned.revision:
                self._transcriber.write_endpoint(versioned)
        for fold in self._folds.values():
            for endpoint in fold.state.endpoints:
                guid = endpoint.origin_endpoint
                if self._store.origin_endpoint_by_guid(guid) is None:
                    self._transcriber.write(fold.state.channel, EndpointRemoved(guid), message_id=f"{guid}.removed")

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        end = await self._last_sequence()
        if end == 0:
            self._catch_up()
        start = self._position + 1
        async with contextlib.aclosing(
            self._bus.messages(keys.ARRIVALS_STREAM, keys.ARRIVALS_SUBJECTS, start_sequence=start)
        ) as messages:
            async for message in messages:
                self._take(message)
                self._position = message.sequence
                if not self._caught_up and (message.pending == 0 or message.sequence >= end):
                    self._catch_up()

    async def _last_sequence(self) -> int:
        """The end of what has to be replayed; 0 if nothing has.

        A tick of its own is written first, so that there is a message to read however old the last one is.
        """
        while True:
            try:
                if self._folds:
                    return await self._bus.publish(keys.clock_subject(0), codec.encode(Tick()))
            except BusUnavailable as err:
                _log.warning("cannot find the end of the log, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return 0

    def _catch_up(self) -> None:
        self._caught_up = True
        self._metrics.caught_up.set(1)
        self._reconcile()

    def _take(self, message: StoredMessage) -> None:
        try:
            subject = keys.parse_arrivals_subject(message.subject)
            fact = codec.decode(message.payload)
        except (MalformedKey, MalformedRecord) as err:
            self._metrics.malformed.inc()
            _log.error("skipped a record of ARRIVALS: %s", err, extra={"subject": message.subject})
            return
        if subject.channel_guid is None:
            self._pass_time(subject.shard, message.instant)
        elif isinstance(fact, Fact):
            self._apply(subject.channel_guid, subject.input_id, fact, message)

    def _pass_time(self, shard: int, instant: int) -> None:
        self._ticker.heard(instant=instant)
        for guid in list(self._timers.due(shard, before=instant)):
            fold = self._folds.get(guid)
            if fold is not None:
                self._append(fold.pass_time(instant))
                self._timers.set(shard, guid)

    def _apply(self, guid: str, input_id: int | None, fact: Fact, message: StoredMessage) -> None:
        fold = self._folds.get(guid)
        if fold is None:
            if self._store.channel_by_guid(guid) is None:
                return
            fold = self._open_channel(guid, None)
        if message.sequence <= fold.state.sequence:
            return
        if isinstance(fact, EndpointConfigured):
            self._appender.open(fact.origin_endpoint, shard=self._shard(guid), last_sequence=0)
            self._show(fact.origin_endpoint, fold)
        self._append(fold.apply(fact, input_id=input_id, instant=message.instant, sequence=message.sequence))
        if isinstance(fact, SegmentArrived):
            channel = self._store.channel_by_guid(guid)
            if channel is not None:
                self._metrics.arrivals.labels(channel.value.id, str(input_id)).inc()
        elif isinstance(fact, EndpointRemoved):
            self._appender.forget(fact.origin_endpoint)
            self._standing.pop(fact.origin_endpoint, None)
        elif isinstance(fact, ChannelRemoved):
            self._close_channel(guid)
            return
        self._timers.set(self._shard(guid), guid)

    def _close_channel(self, guid: str) -> None:
        self._folds.pop(guid, None)
        task = asyncio.get_running_loop().create_task(self._snapshots.delete(guid))
        self._deleting.add(task)
        task.add_done_callback(self._deleting.discard)

    # --- telling ------------------------------------------------------------------------------------------------------

    def _append(self, entries: list[ProgramEntry]) -> None:
        for entry in entries:
            self._appender.append(entry)

    def _appended(self, entry: ProgramEntry, sequence: int) -> None:
        before = self._standing.get(entry.origin_endpoint)
        self._standing[entry.origin_endpoint] = entry
        endpoint = self._store.origin_endpoint_by_guid(entry.origin_endpoint)
        if endpoint is None:
            return
        value = endpoint.value
        self._metrics.count(value.channel_id, value.id, entry)
        if before is None or before.active_input != entry.active_input:
            self._metrics.show_endpoint(value.channel_id, value.id, entry.active_input)
            self._active_inputs.set(_active_input(value, entry, sequence))
            _log.info(
                "origin endpoint %s follows input %d",
                value.id,
                entry.active_input,
                extra={
                    "channel": value.channel_id,
                    "origin_endpoint": value.id,
                    "input": entry.active_input,
                    "reason": entry.reason.value,
                    "media_sequence": entry.media_sequence,
                },
            )
        if entry.reason in _LOST and (before is None or before.reason is not entry.reason):
            _log.warning(
                "origin endpoint %s lacks media that neither input delivered",
                value.id,
                extra={
                    "channel": value.channel_id,
                    "origin_endpoint": value.id,
                    "reason": entry.reason.value,
                    "media_sequence": entry.media_sequence,
                },
            )

    def _superseded(self, entry: ProgramEntry) -> None:
        self._metrics.superseded.inc()
        self._standing[entry.origin_endpoint] = entry
        endpoint = self._store.origin_endpoint_by_guid(entry.origin_endpoint)
        if endpoint is not None:
            self._metrics.show_endpoint(endpoint.value.channel_id, endpoint.value.id, entry.active_input)
        fold = self._folds.get(entry.channel)
        if fold is not None:
            fold.adopt(entry)
            self._append(fold.resume())
            self._timers.set(self._shard(entry.channel), entry.channel)

    def _show(self, origin_endpoint: str, fold: ChannelFold) -> None:
        endpoint = self._store.origin_endpoint_by_guid(origin_endpoint)
        if endpoint is not None and fold.state.endpoint(origin_endpoint) is None:
            standing = self._standing.get(origin_endpoint)
            active_input = standing.active_input if standing is not None else None
            self._metrics.show_endpoint(endpoint.value.channel_id, endpoint.value.id, active_input)

    def _config_changed(self, change: ConfigChange) -> None:
        """What is deleted leaves no series behind."""
        before = change.before
        if before is None or change.after is not None:
            return
        if isinstance(before.value, OriginEndpoint):
            self._metrics.forget_endpoint(before.value.channel_id, before.value.id)
            self._active_inputs.delete(before.value.id)
        else:
            self._metrics.forget_channel(before.value.id)

    # --- asked by the parts -------------------------------------------------------------------------------------------

    def _wake_at(self, guid: str) -> int | None:
        fold = self._folds.get(guid)
        return fold.wake_at if fold is not None else None

    def _checkpoint(self) -> Checkpoint:
        """What is to be saved now: every channel, and how far the log is contained in them together."""
        channels: dict[int, list[str]] = {shard: [] for shard in range(self._shards)}
        for guid, fold in self._folds.items():
            if fold.state.sequence:
                channels[self._shard(guid)].append(guid)
        return Checkpoint(self._position if self._caught_up else 0, channels, self._settled_state)

    def _settled_state(self, guid: str) -> ChannelState | None:
        """A channel's state if its decisions all stand: what a snapshot may be taken of."""
        fold = self._folds.get(guid)
        if fold is None or not all(self._appender.is_idle(one.origin_endpoint) for one in fold.state.endpoints):
            return None
        return fold.state

    def _input_ages(self) -> Iterator[tuple[str, int, int]]:
        for guid, fold in self._folds.items():
            channel = self._store.channel_by_guid(guid)
            if channel is not None:
                for one in fold.state.inputs:
                    if one.last_arrived_at is not None:
                        yield channel.value.id, one.input_id, one.last_arrived_at

    def _shard(self, guid: str) -> int:
        return keys.shard_of(guid, shards=self._shards)


def _active_input(endpoint: OriginEndpoint, entry: ProgramEntry, sequence: int) -> ActiveInput:
    return ActiveInput(
        origin_endpoint=endpoint.id,
        channel=endpoint.channel_id,
        active_input=entry.active_input,
        since=entry.as_of.instant,
        reason=entry.reason,
        media_sequence=entry.media_sequence,
        program_sequence=sequence,
    )
