"""Snapshots: what the core knows of each channel, so that a successor reads seconds of the log and not an hour.

A snapshot is the fold of the log up to a sequence, nothing else; an older one only makes the replay longer, lost ones
only make it start at the beginning of what ARRIVALS still holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from understudy_domain import codec
from understudy_domain.channel_state import ChannelState, LogPosition
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import SNAPSHOTS_BUCKET, channel_snapshot_key, position_snapshot_key
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
from understudy_runtime.streams import kv_subject

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 10.0
"""How often each channel's snapshot is renewed, and so about how much of the log a successor reads."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one round is to save."""

    position: int
    """ARRIVALS sequence that had been applied to every channel when the round began; 0: nothing to be said."""
    channels: Mapping[int, Sequence[str]]
    """By shard, the guids of channels that have anything to save."""
    state_of: Callable[[str], ChannelState | None]
    """A channel's state as it is now; None while a decision of its does not stand in PROGRAM yet."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found."""

    states: Mapping[str, ChannelState]
    """By channel guid."""
    position: int
    """Up to where the log is contained in the states, every shard; 0: from its beginning."""


class Snapshots:
    """The SNAPSHOTS bucket."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kv = KeyValue(bus, SNAPSHOTS_BUCKET)
        self._written: dict[str, int] = {}

    async def load(self, *, shards: int) -> Loaded:
        """Every snapshot that parses. One that does not is as if it had never been: the log is read from its start."""
        states: dict[str, ChannelState] = {}
        positions = dict.fromkeys((position_snapshot_key(shard) for shard in range(shards)), 0)
        for message in await self._bus.fetch(self._kv.stream, kv_subject(SNAPSHOTS_BUCKET, ">")):
            entry = self._kv.entry(message)
            if entry.value is None:
                continue
            try:
                value = codec.decode(entry.value)
            except MalformedRecord as err:
                _log.warning("a snapshot does not parse, replaying instead: %s", err, extra={"key": entry.key})
                positions[entry.key] = 0
                continue
            if isinstance(value, LogPosition):
                positions[entry.key] = value.sequence
            elif isinstance(value, ChannelState):
                states[value.channel] = value
                self._written[entry.key] = value.sequence
        return Loaded(states, min(positions.values()))

    async def run(self, checkpoint: Callable[[], Checkpoint]) -> None:
        """Renew snapshots for ever."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self.save(checkpoint())

    async def save(self, checkpoint: Checkpoint) -> None:
        """Write what has changed, one channel at a time, then for each shard that is whole its position.

        A state is encoded when its turn comes, so it may be newer than the position: what both hold is skipped by its
        sequence when the log is read again.
        """
        for shard, guids in checkpoint.channels.items():
            saved = [await self._save_channel(guid, checkpoint.state_of(guid)) for guid in guids]
            if all(saved) and checkpoint.position:
                key = position_snapshot_key(shard)
                await self._put(key, codec.encode(LogPosition(checkpoint.position)), checkpoint.position)

    async def _save_channel(self, guid: str, state: ChannelState | None) -> bool:
        if state is None:
            return False
        key = channel_snapshot_key(guid)
        if self._written.get(key) == state.sequence:
            return True
        return await self._put(key, codec.encode(state), state.sequence)

    async def _put(self, key: str, payload: bytes, sequence: int) -> bool:
        """Whether it now stands."""
        try:
            await self._kv.put(key, payload)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot write a snapshot: %s", err, extra={"key": key})
            return False
        self._written[key] = sequence
        return True

    async def delete(self, channel_guid: str) -> None:
        """A channel was deleted."""
        self._written.pop(channel_snapshot_key(channel_guid), None)
        try:
            await self._kv.delete(channel_snapshot_key(channel_guid))
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot delete a snapshot: %s", err, extra={"channel": channel_guid})
