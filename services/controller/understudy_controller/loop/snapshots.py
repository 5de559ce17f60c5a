"""Snapshots: what the core knows of each channel, so that a successor reads seconds of the log and not an hour.

A snapshot is the fold of the log up to a sequence, nothing else; an older one only makes the replay longer, lost ones
only make it start at the beginning of what ARRIVALS still holds.

A key only ever moves forward in the log, by compare-and-set: a controller that was paused and still believes that it
owns a shard must not lay a state beneath the position that its successor has written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from understudy_domain import codec
from understudy_domain.channel_state import ChannelState, LogPosition
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import SNAPSHOTS_BUCKET, channel_snapshot_key, position_snapshot_key
from understudy_runtime import clock
from understudy_runtime.errors import AlreadyExists, BusRefused, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
from understudy_runtime.streams import kv_subject

_log = logging.getLogger(__name__)

_ROUND_SECONDS_MAX = 10.0
"""How often each channel's snapshot is renewed at least, and so about how much of the log a successor reads at most."""
_FACTS_REPLAYED = 15_000
"""So many facts a successor should have to replay, about a second's work: where more come, snapshots are renewed more
often, as far as ``_BYTES_PER_SECOND`` allows."""
_BYTES_PER_SECOND = 16_000_000
"""That are written of snapshots, by one controller: somewhat more than it reads of facts when its core is full."""
_PAUSE_SECONDS = 0.5
"""Between two rounds at least."""
_AT_ONCE = 8
"""Snapshots that wait for their channels' decisions, or for NATS, at a time: none of them keeps the others."""
_SIZES = 16
"""Of so many snapshots, the last ones, is their size."""
_LOOK_SECONDS = 0.01
_LOOKS = 100
_NAMED_MAX = 128
"""How many keys are asked for by name at a time."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is to be saved of some shards."""

    positions: Mapping[int, int]
    """By shard, the ARRIVALS sequence applied to each of its channels when this was made; 0: nothing to be said."""
    channels: Mapping[int, Sequence[str]]
    """By shard, the guids of channels that have anything to save."""
    state_of: Callable[[str], ChannelState | None]
    """A channel's state as it is now; None while a decision of its does not stand in PROGRAM yet."""
    is_current: Callable[[int], bool]
    """Whether a shard has been this process's since; what is dropped and taken anew begins from older states."""
    facts: int = 0
    """How many facts this process has read so far."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found of a shard."""

    states: Mapping[str, ChannelState]
    """By channel guid."""
    said: int
    """The position that the shard's key says."""
    unreadable: frozenset[str]
    """Keys of snapshots that do not parse."""
    revision: int
    """Of the bucket, before anything was read: what was written up to then has been seen, or what took its place."""

    @property
    def position(self) -> int:
        """Up to where the shard's log is contained in its channels' states; 0: from its beginning."""
        return 0 if self.unreadable else self.said


@dataclass(slots=True)
class _Standing:
    """A key as it was last known to stand."""

    sequence: int
    """The log's, that the value says."""
    revision: int


class Snapshots:
    """The SNAPSHOTS bucket."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kv = KeyValue(bus, SNAPSHOTS_BUCKET)
        self._standing: dict[str, _Standing] = {}
        self._size = 0.0
        """Bytes of a channel's snapshot, on average."""

    async def load(self, channels: Collection[str], *, shard: int, onto: Loaded | None = None) -> Loaded:
        """What there is of a shard and its channels (guids).

        A snapshot that does not parse is as if it had never been: its shard's log is read from the start.

        Args:
            channels: of which.
            shard: theirs.
            onto: what was found before: then only what was written since is read.

        Raises:
            BusUnavailable: no answer in time.
        """
        revision = await self._kv.last_revision()
        before = onto or Loaded({}, 0, frozenset(), 0)
        states, said, unreadable = dict(before.states), before.said, set(before.unreadable)
        keys = [position_snapshot_key(shard), *map(channel_snapshot_key, channels)]
        for at in range(0, len(keys), _NAMED_MAX):
            subjects = [kv_subject(SNAPSHOTS_BUCKET, key) for key in keys[at : at + _NAMED_MAX]]
            reader = self._bus.reader(self._kv.stream, subjects, start_sequence=before.revision + 1)
            for message in await reader.read_present():
                entry = self._kv.entry(message)
                if entry.value is None:
                    continue
                await asyncio.sleep(0)  # decoding takes long: let leases be renewed meanwhile
                value = _decoded(entry.key, entry.value)
                if value is None:
                    unreadable.add(entry.key)
                    continue
                unreadable.discard(entry.key)
                if isinstance(value, LogPosition):
                    said = value.sequence
                else:
                    states[value.channel] = value
                self._standing[entry.key] = _Standing(value.sequence, entry.revision)
        return Loaded(states, said, frozenset(unreadable), revision)

    async def run(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Renew snapshots for ever, each channel's once a round, one after the other all through it.

        Done at once, those of a thousand channels would keep decisions waiting for seconds.
        """
        before, facts = clock.monotonic(), 0
        while True:
            begun, present = clock.monotonic(), checkpoint()
            total = sum(map(len, present.channels.values()))
            facts_per_second = (present.facts - facts) / max(begun - before, _PAUSE_SECONDS)
            before, facts = begun, present.facts
            each_seconds = round_seconds(total, size=self._size, facts_per_second=facts_per_second)
            for shard in present.positions:
                # Made anew, so that what a successor reads of the shard's log is no longer than a round.
                await self._save_shard(shard, checkpoint(), pace_seconds=each_seconds / max(total, 1))
            await asyncio.sleep(max(begun + each_seconds - clock.monotonic(), _PAUSE_SECONDS))

    async def save(self, checkpoint: Checkpoint) -> None:
        """Write what has changed, one channel at a time, then for each shard that is whole its position."""
        for shard in checkpoint.channels:
            await self._save_shard(shard, checkpoint)

    async def _save_shard(self, shard: int, checkpoint: Checkpoint, *, pace_seconds: float = 0.0) -> None:
        """Write a shard's channels, then its position if they are all written.

        A state is encoded when its turn comes, so it may be newer than the position: what both hold is skipped by its
        sequence when the log is read again.
        """
        limit = asyncio.Semaphore(_AT_ONCE)
        saving: list[asyncio.Task[bool]] = []
        async with asyncio.TaskGroup() as group:
            for guid in checkpoint.channels.get(shard, ()):
                begun = clock.monotonic()
                await limit.acquire()
                saving.append(group.create_task(self._save_channel(guid, checkpoint, limit, waits=pace_seconds > 0)))
                await asyncio.sleep(max(begun + pace_seconds - clock.monotonic(), 0))
        position = checkpoint.positions.get(shard, 0)
        if all(one.result() for one in saving) and position and checkpoint.is_current(shard):
            await self._move(position_snapshot_key(shard), LogPosition(position))

    async def _save_channel(self, guid: str, checkpoint: Checkpoint, limit: asyncio.Semaphore, *, waits: bool) -> bool:
        """Write a channel's state as it is now; whether it stands. Gives ``limit`` back.

        ``waits``: a moment for its decisions to stand, for one that does not would keep its shard's position back.
        """
        try:
            for _ in range(_LOOKS if waits else 1):
                if (state := checkpoint.state_of(guid)) is not None:
                    return await self._move(channel_snapshot_key(guid), state)
                await asyncio.sleep(_LOOK_SECONDS)
            return False
        finally:
            limit.release()

    async def _move(self, key: str, value: ChannelState | LogPosition) -> bool:
        """Write a value unless one that says as much stands; whether one does now."""
        standing = self._standing.get(key)
        if standing is not None and standing.sequence == value.sequence:
            return True
        sequence, payload = value.sequence, codec.encode(value)
        if isinstance(value, ChannelState):
            self._size += (len(payload) - self._size) / _SIZES
        try:
            while standing is None or standing.sequence < sequence:
                try:
                    if standing is None:
                        revision = await self._kv.create(key, payload)
                    else:
                        revision = await self._kv.update(key, payload, revision=standing.revision)
                    standing = _Standing(sequence, revision)
                except (AlreadyExists, StaleRevision):
                    standing = await self._find(key)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot write a snapshot: %s", err, extra={"key": key})
            return False
        self._standing[key] = standing
        return True

    async def _find(self, key: str) -> _Standing | None:
        """What another controller has written."""
        try:
            entry = await self._kv.get(key)
        except NotFound:
            return None
        value = _decoded(key, entry.value or b"")
        return _Standing(value.sequence if value is not None else 0, entry.revision)

    async def delete(self, channel_guid: str) -> None:
        """A channel was deleted."""
        self._standing.pop(channel_snapshot_key(channel_guid), None)
        try:
            await self._kv.delete(channel_snapshot_key(channel_guid))
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot delete a snapshot: %s", err, extra={"channel": channel_guid})


def round_seconds(channels: int, *, size: float, facts_per_second: float) -> float:
    """How often to renew the snapshots of so many channels, ``size`` bytes each on average."""
    wanted = _FACTS_REPLAYED / max(facts_per_second, 1)
    return min(max(wanted, channels * size / _BYTES_PER_SECOND), _ROUND_SECONDS_MAX)


def _decoded(key: str, payload: bytes) -> ChannelState | LogPosition | None:
    """What a key holds; None if it does not parse."""
    try:
        value = codec.decode(payload)
    except MalformedRecord as err:
        _log.warning("a snapshot does not parse, replaying instead: %s", err, extra={"key": key})
        return None
    return value if isinstance(value, ChannelState | LogPosition) else None
