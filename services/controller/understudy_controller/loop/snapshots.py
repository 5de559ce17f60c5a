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

_ROUND_SECONDS = 10.0
"""How often each channel's snapshot is renewed, and so about how much of the log a successor reads."""
_PAUSE_SECONDS = 0.5
"""Between two rounds at least."""
_LOOK_SECONDS = 0.01
_LOOKS = 100
_NAMED_MAX = 128
"""How many keys are read by name."""


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


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found."""

    states: Mapping[str, ChannelState]
    """By channel guid."""
    positions: Mapping[int, int]
    """By shard, up to where the log is contained in its channels' states; 0: from its beginning."""


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

    async def load(self, channels: Mapping[str, int], *, shards: Collection[int]) -> Loaded:
        """What there is of these channels (shards by guid) and shards.

        A snapshot that does not parse is as if it had never been: its shard's log is read from the start.
        """
        states: dict[str, ChannelState] = {}
        positions = dict.fromkeys(shards, 0)
        shard_of_key = {channel_snapshot_key(guid): shard for guid, shard in channels.items() if shard in positions}
        shard_of_key |= {position_snapshot_key(shard): shard for shard in shards}
        unreadable = set()
        # One shard of a few needs no reading of all the others' snapshots; naming very many keys costs more than that.
        wanted = list(shard_of_key) if len(shard_of_key) <= _NAMED_MAX else [">"]
        subjects = [kv_subject(SNAPSHOTS_BUCKET, key) for key in wanted]
        for message in await self._bus.reader(self._kv.stream, subjects).read_present():
            entry = self._kv.entry(message)
            if entry.value is None or entry.key not in shard_of_key:
                continue
            await asyncio.sleep(0)  # decoding takes long: let leases be renewed meanwhile
            value = _decoded(entry.key, entry.value)
            if isinstance(value, LogPosition):
                positions[shard_of_key[entry.key]] = value.sequence
            elif isinstance(value, ChannelState):
                states[value.channel] = value
            else:
                unreadable.add(shard_of_key[entry.key])
                continue
            self._standing[entry.key] = _Standing(value.sequence, entry.revision)
        return Loaded(states, positions | dict.fromkeys(unreadable, 0))

    async def run(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Renew snapshots for ever, each channel's once a round, one after the other all through it.

        Done at once, those of a thousand channels would keep decisions waiting for seconds.
        """
        while True:
            begun, present = clock.monotonic(), checkpoint()
            total = sum(map(len, present.channels.values()))
            for shard in present.positions:
                # Made anew, so that what a successor reads of the shard's log is no longer than a round.
                await self._save_shard(shard, checkpoint(), pace_seconds=_ROUND_SECONDS / max(total, 1))
            await asyncio.sleep(max(begun + _ROUND_SECONDS - clock.monotonic(), _PAUSE_SECONDS))

    async def save(self, checkpoint: Checkpoint) -> None:
        """Write what has changed, one channel at a time, then for each shard that is whole its position."""
        for shard in checkpoint.channels:
            await self._save_shard(shard, checkpoint)

    async def _save_shard(self, shard: int, checkpoint: Checkpoint, *, pace_seconds: float = 0.0) -> None:
        """Write a shard's channels, then its position if they are all written.

        A state is encoded when its turn comes, so it may be newer than the position: what both hold is skipped by its
        sequence when the log is read again.
        """
        whole = True
        for guid in checkpoint.channels.get(shard, ()):
            begun = clock.monotonic()
            if pace_seconds:
                await self._settled(guid, checkpoint)
            whole &= await self._save_channel(guid, checkpoint.state_of(guid))
            await asyncio.sleep(max(begun + pace_seconds - clock.monotonic(), 0))
        position = checkpoint.positions.get(shard, 0)
        if whole and position and checkpoint.is_current(shard):
            await self._move(position_snapshot_key(shard), LogPosition(position))

    @staticmethod
    async def _settled(guid: str, checkpoint: Checkpoint) -> None:
        """Wait a moment for a channel's decisions to stand: one that does not would keep its shard's position back."""
        for _ in range(_LOOKS):
            if checkpoint.state_of(guid) is not None:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _save_channel(self, guid: str, state: ChannelState | None) -> bool:
        return state is not None and await self._move(channel_snapshot_key(guid), state)

    async def _move(self, key: str, value: ChannelState | LogPosition) -> bool:
        """Write a value unless one that says as much stands; whether one does now."""
        standing = self._standing.get(key)
        if standing is not None and standing.sequence == value.sequence:
            return True
        sequence, payload = value.sequence, codec.encode(value)
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


def _decoded(key: str, payload: bytes) -> ChannelState | LogPosition | None:
    """What a key holds; None if it does not parse."""
    try:
        value = codec.decode(payload)
    except MalformedRecord as err:
        _log.warning("a snapshot does not parse, replaying instead: %s", err, extra={"key": key})
        return None
    return value if isinstance(value, ChannelState | LogPosition) else None
