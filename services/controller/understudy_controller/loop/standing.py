"""What stands in PROGRAM when a controller takes over: the newest entry of each of the channels' origin endpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple

from understudy_domain import codec
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord, NewerRecord
from understudy_domain.keys import PROGRAM_STREAM, program_subject, shard_of
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_AT_ONCE = 64


class Standing(NamedTuple):
    """An endpoint, and what its programme ends with."""

    endpoint: OriginEndpoint
    shard: int
    entry: ProgramEntry | None
    """None: there is none, or it does not parse."""
    sequence: int
    """Of the last entry in PROGRAM, 0 where there is none."""
    is_newer: bool = False
    """A newer release has written the entry."""


async def standing_of(bus: Bus, endpoints: Iterable[OriginEndpoint], *, shards: int) -> list[Standing]:
    """The last entry of each endpoint.

    Raises:
        BusUnavailable: no answer in time.
    """
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(endpoint: OriginEndpoint) -> Standing:
        shard = shard_of(endpoint.channel_guid, shards=shards)
        async with limit:
            last = await bus.last_message(PROGRAM_STREAM, program_subject(shard, endpoint.guid))
        if last is None:
            return Standing(endpoint, shard, None, 0)
        try:
            return Standing(endpoint, shard, codec.decode_as(ProgramEntry, last.payload), last.sequence)
        except NewerRecord:
            return Standing(endpoint, shard, None, last.sequence, is_newer=True)
        except MalformedRecord:
            _log.exception("the last entry does not parse", extra={"origin_endpoint": endpoint.id})
            return Standing(endpoint, shard, None, last.sequence)

    return list(await asyncio.gather(*map(one, endpoints)))
