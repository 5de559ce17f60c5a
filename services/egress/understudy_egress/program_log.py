"""Reading PROGRAM: what its messages say, and as much of an origin endpoint's past as its window needs.

How far back is a matter of what the window holds, not of time: after a silence of the encoders, or with a long time
delay, the listed entries are old.
"""

from __future__ import annotations

import logging

from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

_REACH_SLACK_SECONDS = 60
_REACH_FACTOR = 8


class ProgramLog:
    """The log as egress reads it."""

    def __init__(self, bus: Bus, *, shards: int) -> None:
        self._bus = bus
        self._shards = shards
        self.malformed_total = 0
        """Messages that did not parse and were skipped."""

    def decode(self, message: StoredMessage) -> ProgramEntry | None:
        """The entry in a message; None where there is none to be had: that is counted and logged."""
        try:
            return codec.decode_as(ProgramEntry, message.payload)
        except MalformedRecord as err:
            self.malformed_total += 1
            extra = {"subject": message.subject, "sequence": message.sequence}
            _log.error("skipped an entry that does not parse: %s", err, extra=extra)
            return None

    async def recent(self, endpoint: OriginEndpoint) -> list[ProgramEntry]:
        """Enough of an origin endpoint's newest entries to fill its window, or all that there are.

        Raises:
            BusUnavailable: no answer in time.
        """
        subject = keys.program_subject(keys.shard_of(endpoint.channel_guid, shards=self._shards), endpoint.guid)
        newest = await self._bus.last_message(keys.PROGRAM_STREAM, subject)
        if newest is None:
            return []
        # What has just left the window may still be fetched, hence twice.
        reach_seconds = (
            2 * endpoint.hls_package.playlist_window_seconds
            + endpoint.time_delay_seconds
            + 8 * endpoint.hls_package.segment_duration_seconds
            + _REACH_SLACK_SECONDS
        )
        while True:
            start_time = newest.instant - ticks.from_seconds(reach_seconds)
            messages = await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=start_time)
            entries = [entry for message in messages if (entry := self.decode(message)) is not None]
            window = ProgramWindow(endpoint, contiguous_tail(entries))
            window.advance(now=clock.now_ticks())
            if window.is_filled:
                return entries
            first = await self._bus.fetch(keys.PROGRAM_STREAM, subject, limit=1)
            if not first or (messages and messages[0].sequence <= first[0].sequence):
                return entries
            reach_seconds *= _REACH_FACTOR
