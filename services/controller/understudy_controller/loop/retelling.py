"""Events of entries that a predecessor has appended and may not have told of: told again, where it died in between.

A snapshot is only ever taken when everything told of its channel is published. So what a predecessor may have left
untold are entries that are newer than its snapshots; the end of the shard's part of PROGRAM is read for these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from understudy_controller.loop.standing import Standing
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import PROGRAM_STREAM, program_filter
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

_BACK_MAX: Final = from_seconds(60)
"""How long before the newest entry is read: snapshots are renewed far more often."""
_WITHOUT_SNAPSHOT: Final = from_seconds(30)

Retold = Callable[[ProgramEntry, ProgramEntry | None], None]
"""Called with an entry and the one before it."""


def untold_since(standing: Iterable[Standing], states: Mapping[str, ChannelState]) -> int | None:
    """From when on entries may not have been told of, ticks since the epoch; None: there are none.

    ``states``: by channel guid, as the snapshots have them.
    """
    begins, newest = [], 0
    for one in standing:
        state = states.get(one.endpoint.channel_guid)
        known = state.endpoint(one.endpoint.guid) if state is not None else None
        last = known.last if known is not None else None
        if one.entry is None or one.entry == last:
            continue
        newest = max(newest, one.entry.as_of.instant)
        begins.append(last.as_of.instant if last is not None else one.entry.as_of.instant - _WITHOUT_SNAPSHOT)
    return max(min(begins), newest - _BACK_MAX) if begins else None


async def tell_again(bus: Bus, *, shard: int, begin: int, tell: Retold) -> None:
    """Read a shard's entries that were appended from ``begin`` on, and tell of those there may be something to tell of.

    Of those that simply go on from the active input, which nearly all are, the outline alone is read.
    """
    before: dict[str, StoredMessage] = {}
    for message in await bus.reader(PROGRAM_STREAM, program_filter(shard), start_time=begin).read_present():
        earlier = before.get(message.subject)
        before[message.subject] = message
        await asyncio.sleep(0)  # decisions come first
        try:
            if goes_on(_outline(message), _outline(earlier) if earlier is not None else None):
                continue
            entry = codec.decode_as(ProgramEntry, message.payload)
            if earlier is not None or entry.reason is Reason.START:
                tell(entry, codec.decode_as(ProgramEntry, earlier.payload) if earlier is not None else None)
        except MalformedRecord as err:
            _log.warning("an entry does not parse, and is not told of: %s", err, extra={"subject": message.subject})


@dataclass(frozen=True, slots=True)
class Outline:
    """Of an entry what shows that there is nothing to tell of it."""

    reason: Reason
    active_input: int
    discontinuity: bool
    start: int
    end: int
    ended: bool = False


def goes_on(entry: Outline, before: Outline | None) -> bool:
    """Whether an entry goes on from its predecessor so that no event can come of it (``entry_events``)."""
    if entry.reason is not Reason.KEEP or entry.discontinuity:
        return False
    if before is None:
        return True
    return entry.active_input == before.active_input and entry.start == before.end and not before.ended


def _outline(message: StoredMessage) -> Outline:
    return codec.decode_outline(ProgramEntry, Outline, message.payload)
