"""Snapshots: what the core knows of each channel, so that a successor reads seconds of the log and not an hour.

A snapshot is the fold of the log up to a sequence, nothing else; an older one only makes the replay longer, a lost one
only makes it start at the beginning of what ARRIVALS still holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import SNAPSHOTS_BUCKET
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
from understudy_runtime.streams import kv_subject

_log = logging.getLogger(__name__)

_ROUND_SECONDS = 10.0
"""How often each channel's snapshot is renewed, and so about how much of the log a successor reads."""


class Snapshots:
    """The SNAPSHOTS bucket: keys are channel guids."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kv = KeyValue(bus, SNAPSHOTS_BUCKET)
        self._written: dict[str, int] = {}

    async def load(self) -> dict[str, ChannelState]:
        """Every snapshot that parses, by channel guid."""
        found = {}
        for message in await self._bus.fetch(self._kv.stream, kv_subject(SNAPSHOTS_BUCKET, ">")):
            entry = self._kv.entry(message)
            if entry.value is None:
                continue
            try:
                state = codec.decode_as(ChannelState, entry.value)
            except MalformedRecord as err:
                _log.warning("a snapshot does not parse, replaying instead: %s", err, extra={"channel": entry.key})
                continue
            found[entry.key] = state
            self._written[entry.key] = state.sequence
        return found

    async def run(self, states: Callable[[], dict[str, ChannelState]]) -> None:
        """Renew snapshots for ever; ``states`` gives those channels whose decisions all stand in PROGRAM."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            await self.save(states)

    async def save(self, states: Callable[[], dict[str, ChannelState]]) -> None:
        """Write every snapshot that is due, one at a time: each is encoded when its turn comes."""
        for guid in list(states()):
            state = states().get(guid)
            if state is None or state.sequence == self._written.get(guid):
                continue
            payload, sequence = codec.encode(state), state.sequence
            try:
                await self._kv.put(guid, payload)
            except (BusUnavailable, BusRefused) as err:
                _log.warning("cannot write a snapshot: %s", err, extra={"channel": guid})
            else:
                self._written[guid] = sequence

    async def delete(self, channel_guid: str) -> None:
        """A channel was deleted."""
        self._written.pop(channel_guid, None)
        try:
            await self._kv.delete(channel_guid)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot delete a snapshot: %s", err, extra={"channel": channel_guid})
