"""A stretch of a channel's past as marks of its strip: from the logs, through the same core, while they last."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from understudy_controller.console.strip_view import delivered_view, shown_view, still_last
from understudy_controller.settings import ControllerSettings
from understudy_domain import ticks
from understudy_domain.channel import Channel, OriginEndpoint, configured
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured
from understudy_domain.replay import (
    LoggedFact,
    Replay,
    begin_before,
    begins_at,
    configured_at,
    from_beginning,
    from_entry,
    holds_beginning,
    segment_duration_of,
)
from understudy_domain.strip import delivered, shown
from understudy_domain.timeline import InputState
from understudy_runtime.channel_log import ChannelLog, decoded, logged_facts
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

STRETCH_MAX: Final = ticks.from_seconds(300)
"""How much is read at once: a replay of that takes up to half a second of processor time."""
_READ_SECONDS: Final = 10.0
_AFTERWARDS: Final = ticks.from_seconds(30)
"""How long after it is over late pieces are still looked for."""
_BEFORE_SEGMENTS: Final = 12
_NOT_KEPT: Final = "What inputs delivered then is not known: the log of it is not kept, or not from early enough on."


class Past:
    """Reads what a page scrolls back to; one page's at a time, since decisions are made in the same process."""

    def __init__(self, settings: ControllerSettings, bus: Bus, *, replaying: asyncio.Lock) -> None:
        """``replaying``: held while anything is replayed in this process."""
        self._shards = settings.shards
        self._bus = bus
        self._replaying = replaying

    async def stretch(
        self, channel: Channel, endpoints: Sequence[OriginEndpoint], *, begin: int, end: int
    ) -> dict[str, Any]:
        """What was delivered and shown from ``begin`` to ``end``, ticks since the epoch by the log's clock.

        ``marks``, and ``inputs``: why it is not known what inputs delivered, a sentence; None: it is, and is all there.

        Raises:
            BusUnavailable: NATS does not answer, or not in time.
        """
        end = min(end, begin + STRETCH_MAX)
        log = ChannelLog(self._bus, channel.guid, shards=self._shards)
        try:
            async with asyncio.timeout(_READ_SECONDS) as limit:
                async with self._replaying:
                    programmes = [await _programme(log, endpoint, begin, end) for endpoint in endpoints]
                    start = await self._start(log, endpoints, begin)
                    messages = await log.arrivals_messages(begin=_first_instant(start), end=end + _AFTERWARDS)
                    limit.reschedule(None)  # a replay ends by itself, and cannot be broken off
                    return await asyncio.to_thread(_told, channel.guid, programmes, start, messages, begin, end)
        except TimeoutError as err:
            raise BusUnavailable(f"the past could not be read within {_READ_SECONDS:g} s") from err

    async def _start(
        self, log: ChannelLog, endpoints: Sequence[OriginEndpoint], begin: int
    ) -> tuple[OriginEndpoint, ProgramEntry] | None:
        """An entry to begin a replay with: of the endpoint that is decided first."""
        for endpoint in sorted(endpoints, key=lambda one: one.time_delay_seconds):
            entries = await log.entries_around(endpoint.guid, begin)
            segment_duration = next((d for one in entries if (d := segment_duration_of(one)) is not None), None)
            if segment_duration is not None:
                first = begin_before(entries, begin, segment_duration=segment_duration)
                if first is not None:
                    return endpoint, first
        return None


def _first_instant(start: tuple[OriginEndpoint, ProgramEntry] | None) -> int | None:
    """From where arrivals are read; None: all that there are, for the channel may have begun within them.

    Earlier than a replay begins: that it finds something before tells that nothing of what it needs is gone.
    """
    if start is None:
        return None
    segment_duration = segment_duration_of(start[1]) or start[1].slot_duration
    return begins_at(start[1], segment_duration) - _BEFORE_SEGMENTS * segment_duration


async def _programme(log: ChannelLog, endpoint: OriginEndpoint, begin: int, end: int) -> list[StoredMessage]:
    """An endpoint's entries of that time; no more of them, however long its log goes on behind it."""
    return await log.program_messages(
        endpoint.guid, begin=begin - endpoint.time_delay - _AFTERWARDS, end=end + endpoint.time_delay + _AFTERWARDS
    )


def _told(
    channel: str,
    programmes: Sequence[list[StoredMessage]],
    start: tuple[OriginEndpoint, ProgramEntry] | None,
    messages: Sequence[StoredMessage],
    begin: int,
    end: int,
) -> dict[str, Any]:
    pieces = _replayed(channel, start, messages, begin, end)
    return {"marks": _shown(programmes) + (pieces or []), "inputs": _NOT_KEPT if pieces is None else None}


def _shown(programmes: Sequence[list[StoredMessage]]) -> list[dict[str, Any]]:
    found = []
    for messages in programmes:
        before: ProgramEntry | None = None
        for entry in decoded(ProgramEntry, messages):
            found.append(shown_view(shown(entry, before)))
            before = entry
    return found


def _replayed(
    channel: str,
    start: tuple[OriginEndpoint, ProgramEntry] | None,
    messages: Sequence[StoredMessage],
    begin: int,
    end: int,
) -> list[dict[str, Any]] | None:
    """None: there is nothing to begin a replay with."""
    log = logged_facts(list(messages))
    begun = _begun(channel, start, log)
    if begun is None:
        return None
    replay, part = begun
    found: dict[str, dict[str, Any]] = {}

    def look(one: InputState) -> None:
        for mark in delivered(one, replay.fold.state):
            if begin <= mark.arrived_at <= end:
                view = delivered_view(mark)
                found[view["key"]] = still_last(view, found.get(view["key"]))

    replay.fold.before_forgetting = look
    replay.run(part)
    for one in replay.fold.state.inputs:
        look(one)
    return list(found.values())


def _begun(
    channel: str, start: tuple[OriginEndpoint, ProgramEntry] | None, log: Sequence[LoggedFact]
) -> tuple[Replay, Sequence[LoggedFact]] | None:
    if start is not None:
        endpoint, entry = start
        default = configured(endpoint, revision=entry.policy_revision)
        policy = configured_at(log, entry.origin_endpoint, entry.policy_revision, default=default)
        return from_entry(entry, policy, log)
    configurations = (one.fact.origin_endpoint for one in log if isinstance(one.fact, EndpointConfigured))
    guid = next(configurations, None)
    return (from_beginning(channel), log) if guid is not None and holds_beginning(log, guid) else None
