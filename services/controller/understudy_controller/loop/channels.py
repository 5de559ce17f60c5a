"""The folds of the channels that this process decides for: opened, told what the log says, asked, and closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache, partial

from understudy_controller.loop.appender import Appender
from understudy_controller.loop.decision_traces import DecisionTraces
from understudy_controller.loop.events import Events
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.shown import ShownChannel, ShownEndpoint
from understudy_controller.loop.snapshots import Snapshots
from understudy_controller.loop.standing import Standing
from understudy_controller.loop.tasks import Tasks
from understudy_controller.loop.telling import Telling
from understudy_controller.loop.ticker import Timers
from understudy_domain import keys, ticks
from understudy_domain.channel import Channel
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import ChannelRemoved, EndpointConfigured, EndpointRemoved, Fact, SegmentArrived
from understudy_domain.fold import ChannelFold
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.streams import ARRIVALS_MAX_AGE_SECONDS

_log = logging.getLogger(__name__)

_REPLAYED = ticks.from_seconds(ARRIVALS_MAX_AGE_SECONDS)
"""For how long what is passed over can be read again."""
_CHANNELS_REMEMBERED = 16_384


class Channels:
    """One fold for each channel; what a fold decides is appended, and told of once it stands."""

    def __init__(
        self,
        bus: Bus,
        store: ConfigStore,
        telling: Telling,
        events: Events,
        snapshots: Snapshots,
        metrics: LoopMetrics,
        tasks: Tasks,
        traces: DecisionTraces,
        *,
        shards: int,
        on_superseded: Callable[[int], None],
        on_appended: Callable[[ProgramEntry, int], None],
    ) -> None:
        """Two are called.

        ``on_superseded`` with the shard of a channel where another controller has appended in place of us,
        ``on_appended`` with each entry of ours that stands, and its PROGRAM sequence.
        """
        self._store = store
        self._telling = telling
        self.events = events
        self._snapshots = snapshots
        self._metrics = metrics
        self._tasks = tasks
        self._traces = traces
        self._shards = shards
        self._on_appended = on_appended
        self._folds: dict[str, ChannelFold] = {}
        self._standing: dict[str, ProgramEntry] = {}
        """The last entry of each endpoint (guid) that stands in PROGRAM."""
        self._failed: set[str] = set()
        """Channels at which the core failed: nothing more is decided for them here."""
        self._newer: dict[str, str] = {}
        """By guid, the ids of channels that a newer release has decided for: nothing is decided for them here."""
        self._passed_over: dict[str, int] = {}
        """By channel guid: instant of the newest fact that a newer release has written, ticks since the epoch."""
        self.facts = 0
        """How many were read, of all channels."""
        self.appender = Appender(bus, on_appended=self._appended, on_superseded=on_superseded)
        self.timers = Timers(self._wake_at)

    def __len__(self) -> int:
        return len(self._folds)

    def __contains__(self, guid: str) -> bool:
        return guid in self._folds

    def fold_of(self, guid: str) -> ChannelFold | None:
        """A channel's fold; None where another controller decides it, or nobody does."""
        return self._folds.get(guid)

    def of_shard(self, number: int) -> list[ChannelFold]:
        """The folds of a shard's channels."""
        return [fold for guid, fold in self._folds.items() if self.shard_of(guid) == number]

    def shard_of(self, guid: str) -> int:
        """The shard of a channel."""
        return _shard_of(guid, self._shards)

    # --- they come and go ---------------------------------------------------------------------------------------------

    def open_shard(self, number: int, states: Mapping[str, ChannelState], standing: Sequence[Standing]) -> None:
        """Decide for a shard's channels from here on, as ``states`` (by channel guid) and what stands say."""
        for one in standing:
            value = one.endpoint
            if one.entry is not None:
                self._standing[value.guid] = one.entry
            self.appender.open(value.guid, shard=number, last_sequence=one.sequence)
            self._telling.standing(value, one.entry, one.sequence)
        newer = {one.endpoint.channel_guid for one in standing if one.is_newer}
        for channel in list(self._store.channels.values()):
            guid = channel.value.guid
            if self.shard_of(guid) == number:
                self._failed.discard(guid)
                if guid in newer:
                    self._leave(channel.value)
                else:
                    self._open(guid, states.get(guid))

    def _leave(self, channel: Channel) -> None:
        """To go on from an entry that cannot be read would be to fork the programme."""
        self._newer[channel.guid] = channel.id
        _log.error(
            "a newer release has decided for this channel and its entries cannot be read: nothing is decided for it "
            "until a controller of that release takes it up; go on with the upgrade",
            extra={"channel": channel.id},
        )

    def _open(self, guid: str, state: ChannelState | None) -> ChannelFold:
        endpoints = [one.value.guid for one in self._store.origin_endpoints_of(guid)]
        mine = {endpoint: self._standing[endpoint] for endpoint in endpoints if endpoint in self._standing}
        fold = self._folds[guid] = ChannelFold(state or ChannelState(guid), standing=mine)
        if state is not None and self._ask(guid, fold.resume):
            self.timers.set(self.shard_of(guid), guid)
        return fold

    def _close(self, guid: str) -> None:
        self._folds.pop(guid, None)
        self._tasks.start(self._snapshots.delete(guid))

    def forget(self, shards: Collection[int]) -> None:
        """Another process decides for these shards."""
        self.appender.forget_shards(shards)
        for guid in [guid for guid in self._folds if self.shard_of(guid) in shards]:
            del self._folds[guid]
        for guid in [guid for guid, entry in self._standing.items() if self.shard_of(entry.channel) in shards]:
            del self._standing[guid]
        for guid in [guid for guid in (*self._newer, *self._passed_over) if self.shard_of(guid) in shards]:
            self._newer.pop(guid, None)
            self._passed_over.pop(guid, None)
        self._telling.forget(shards)

    # --- what the log says --------------------------------------------------------------------------------------------

    def have_read(self, guid: str, sequence: int) -> bool:
        """Whether a channel's state contains a message of its log already."""
        fold = self._folds.get(guid)
        return fold is not None and sequence <= fold.state.sequence

    def pass_time(self, shard: int, instant: int) -> None:
        """A tick of a shard: wake the channels whose timers are due."""
        for guid in list(self.timers.due(shard, before=instant)):
            fold = self._folds.get(guid)
            if fold is not None and self._ask(guid, partial(fold.pass_time, instant)):
                self.timers.set(shard, guid)

    def pass_over(self, guid: str, instant: int) -> None:
        """A message of a channel's log was stored at ``instant`` that this release cannot read.

        Decisions go on without it. While it stands in the log, a successor that can read it is to find it: so the
        channel's snapshot, and how far the shard's reach, stay where they are.
        """
        self._passed_over[guid] = instant

    def apply(self, guid: str, input_id: int | None, fact: Fact, message: StoredMessage) -> None:
        """The next message of a channel's log; ``input_id`` for facts of an input."""
        if guid in self._failed or guid in self._newer:
            if isinstance(fact, ChannelRemoved):
                self._failed.discard(guid)  # else it would hold back how far its shard's snapshots reach
                self._newer.pop(guid, None)
                self._close(guid)
            return
        fold = self._folds.get(guid)
        if fold is None:
            if self._store.channel_by_guid(guid) is None:
                return
            fold = self._open(guid, None)
        if message.sequence <= fold.state.sequence:
            return
        if isinstance(fact, EndpointConfigured) and self._store.origin_endpoint_by_guid(fact.origin_endpoint):
            self.appender.open(fact.origin_endpoint, shard=self.shard_of(guid), last_sequence=0)
        if self._traces.is_on and isinstance(fact, SegmentArrived):
            self._traces.arrived(fact, message)
        self.facts += 1
        apply = partial(fold.apply, fact, input_id=input_id, instant=message.instant, sequence=message.sequence)
        if not self._ask(guid, apply):
            return
        if isinstance(fact, SegmentArrived) and input_id is not None:
            self._telling.arrived(guid, fold.state.input(input_id))
        elif isinstance(fact, EndpointRemoved):
            self.appender.forget(fact.origin_endpoint)
            self._standing.pop(fact.origin_endpoint, None)
        elif isinstance(fact, ChannelRemoved):
            self._close(guid)
            return
        self.timers.set(self.shard_of(guid), guid)

    # --- asking the core ----------------------------------------------------------------------------------------------

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
            self.appender.append(entry, span=self._traces.decided(entry))
        fold = self._folds.get(guid)
        if fold is not None and (events := fold.take_events()):
            self._telling.happened(events)
        return True

    def _appended(self, entry: ProgramEntry, sequence: int) -> None:
        before = self._standing.get(entry.origin_endpoint)
        self._standing[entry.origin_endpoint] = entry
        self._telling.appended(entry, sequence, before=before)
        self._on_appended(entry, sequence)

    # --- asked by the parts -------------------------------------------------------------------------------------------

    def _wake_at(self, guid: str) -> int | None:
        fold = self._folds.get(guid)
        return fold.wake_at if fold is not None else None

    def with_state(self, shards: Collection[int]) -> dict[int, list[str]]:
        """By shard, the guids of the channels that have read anything."""
        found: dict[int, list[str]] = {number: [] for number in shards}
        for guid, fold in self._folds.items():
            if fold.state.sequence and self.shard_of(guid) in found:
                found[self.shard_of(guid)].append(guid)
        return found

    def held_back_shards(self) -> set[int]:
        """Those of which a successor has to read again what was read here: something came to nothing."""
        if self._store.unreadable:
            return set(range(self._shards))  # of which channel cannot be said
        passed_over = {guid for guid in self._passed_over if self._has_passed_over(guid)}
        return {self.shard_of(guid) for guid in self._failed | self._newer.keys() | passed_over}

    def _has_passed_over(self, guid: str) -> bool:
        """Whether a successor could still read what could not be read here."""
        return clock.now_ticks() < self._passed_over.get(guid, 0) + _REPLAYED

    def settled_state(self, guid: str) -> ChannelState | None:
        """A channel's state if its decisions and events all stand: what a snapshot may be taken of."""
        fold = self._folds.get(guid)
        if fold is None or not self.events.is_idle(guid) or self._store.unreadable or self._has_passed_over(guid):
            return None
        if not all(self.appender.is_idle(one.origin_endpoint) for one in fold.state.endpoints):
            return None
        return fold.state

    @property
    def left_to_newer(self) -> int:
        """How many channels are not decided for here, since a newer release has."""
        return len(self._newer)

    def shown(self) -> Iterator[ShownChannel]:
        """Every channel that is configured and decided for here, with its origin endpoints: for the metrics."""
        for guid, fold in self._folds.items():
            channel = self._store.channel_by_guid(guid)
            if channel is not None:
                yield ShownChannel(channel.value.id, fold.state, tuple(self._shown_endpoints(fold.state)))

    def _shown_endpoints(self, state: ChannelState) -> Iterator[ShownEndpoint]:
        for versioned in self._store.origin_endpoints_of(state.channel):
            one = versioned.value
            hold = state.told.holds.get(one.guid)
            since = hold.since if hold is not None else None
            yield ShownEndpoint(one.channel_id, one.id, one.guid, self._standing.get(one.guid), since)


@lru_cache(_CHANNELS_REMEMBERED)
def _shard_of(guid: str, shards: int) -> int:
    """Asked for with each fact, and of all channels with each shard that is taken."""
    return keys.shard_of(guid, shards=shards)
