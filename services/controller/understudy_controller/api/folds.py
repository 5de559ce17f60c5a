"""A channel's fold as of now, for looking at, whichever controller decides for the channel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from understudy_controller.decisions import Decisions
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec
from understudy_domain.channel import OriginEndpoint
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.fold import ChannelFold
from understudy_domain.keys import SNAPSHOTS_BUCKET, channel_snapshot_key
from understudy_domain.replay import LoggedFact
from understudy_runtime.channel_log import ChannelLog
from understudy_runtime.errors import BusUnavailable, NotFound
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_MESSAGES_MAX: Final = 5_000
"""More than a channel of many renditions has between two snapshots; a log without one may be an hour long."""


class Folds:
    """The folds of this process where it decides, and copies of the others'. What is looked at must not be changed."""

    def __init__(self, settings: ControllerSettings, bus: Bus, decisions: Decisions) -> None:
        self._shards = settings.shards
        self._timeout_seconds = settings.nats_timeout_seconds
        self._bus = bus
        self._decisions = decisions

    async def of(self, channel_guid: str, endpoints: Sequence[OriginEndpoint]) -> ChannelFold:
        """The fold of a channel with these endpoints.

        Where another controller has it, what that one saved last, with what has come since.

        Raises:
            BusUnavailable: another controller has it, and NATS does not answer.
        """
        fold = self._decisions.fold_of(channel_guid)
        return fold if fold is not None else await self.copy(channel_guid, endpoints)

    async def copy(self, guid: str, endpoints: Sequence[OriginEndpoint]) -> ChannelFold:
        """A fold of one's own, from what was saved last and what has come since: it may be taken further.

        Raises:
            BusUnavailable: NATS does not answer.
        """
        log = ChannelLog(self._bus, guid, shards=self._shards)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                # In this order: what has been decided was decided from arrivals that are read afterwards.
                last = [await log.last_entry(endpoint.guid) for endpoint in endpoints]
                state = await self._snapshot(guid)
                arrivals = await log.arrivals_after(state.sequence, limit=_MESSAGES_MAX)
        except TimeoutError as err:
            raise BusUnavailable(f"NATS gave no answer within {self._timeout_seconds:g} s") from err
        standing = {one.origin_endpoint: one.last for one in state.endpoints if one.last is not None}
        standing |= {entry.origin_endpoint: entry for entry in last if entry is not None}
        return await asyncio.to_thread(_folded, state, standing, arrivals)

    async def _snapshot(self, guid: str) -> ChannelState:
        try:
            value = (await KeyValue(self._bus, SNAPSHOTS_BUCKET).get(channel_snapshot_key(guid))).value
            return codec.decode_as(ChannelState, value) if value is not None else ChannelState(guid)
        except (NotFound, MalformedRecord):
            return ChannelState(guid)


def _folded(state: ChannelState, standing: Mapping[str, ProgramEntry], arrivals: Sequence[LoggedFact]) -> ChannelFold:
    fold = ChannelFold(state, standing=standing)
    fold.resume()
    for message in arrivals:
        fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=message.sequence)
    return fold
