"""What people are told of the decisions: metrics, ACTIVE_INPUT, EVENTS, the log. By a channel's owner alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from understudy_controller.loop.active_inputs import ActiveInputs
from understudy_controller.loop.events import LONG_AGO, Events
from understudy_controller.loop.metrics import LoopMetrics
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ActiveInput, ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.event import Event, EventKind
from understudy_domain.keys import shard_of
from understudy_domain.timeline import InputState
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigChange, ConfigStore

_log = logging.getLogger(__name__)

UNLISTED_TO_WARN = 4
"""So many segments that no playlist names are no longer the moment between a segment and its playlist."""

_WARNINGS: Final = frozenset(
    {
        EventKind.FAILOVER,
        EventKind.PARTIAL,
        EventKind.GAP,
        EventKind.HOLD,
        EventKind.INPUT_LOST,
        EventKind.INPUTS_MISMATCH,
    }
)
"""What somebody may have to do something about."""


class Telling:
    """Tells of channels and endpoints by the ids that people know; what is deleted or moves away leaves no series."""

    def __init__(
        self,
        store: ConfigStore,
        metrics: LoopMetrics,
        active_inputs: ActiveInputs,
        events: Events,
        *,
        shards: int,
        owns: Callable[[int], bool],
    ) -> None:
        """``owns``: whether this process decides for a shard."""
        self._store = store
        self._metrics = metrics
        self._active_inputs = active_inputs
        self._events = events
        self._shards = shards
        self._owns = owns
        store.on_change(self._config_changed)

    def standing(self, endpoint: OriginEndpoint, entry: ProgramEntry | None, sequence: int) -> None:
        """The endpoint is this process's now; its programme ends with ``entry``, at ``sequence`` of PROGRAM."""
        if entry is not None:
            self._active_inputs.check(_active_input(endpoint, entry, sequence))

    def arrived(self, channel: str, one: InputState) -> None:
        """A segment of a channel (guid) was read, and the core has taken it in."""
        versioned = self._store.channel_by_guid(channel)
        if versioned is None:
            return
        self._metrics.count_arrival(channel, one.input_id)
        if len(one.unlisted) == UNLISTED_TO_WARN:
            _log.warning(
                "input %d of %s sends segments that none of its playlists names, the last is %s: compare the paths",
                one.input_id,
                versioned.value.id,
                one.unlisted[-1].fact.path,
                extra={"channel": versioned.value.id, "input": one.input_id},
            )

    def appended(self, entry: ProgramEntry, sequence: int, *, before: ProgramEntry | None) -> None:
        """An entry stands in PROGRAM, after ``before``."""
        endpoint = self._store.origin_endpoint_by_guid(entry.origin_endpoint)
        if endpoint is None:
            return
        value = endpoint.value
        self._metrics.count(entry, before=before)
        if before is not None and before.ended != entry.ended:
            _log.info(
                "the programme of origin endpoint %s %s",
                value.id,
                "has ended" if entry.ended else "is live again",
                extra={
                    "channel": value.channel_id,
                    "origin_endpoint": value.id,
                    "reason": entry.reason.value,
                    "media_sequence": entry.media_sequence,
                },
            )
        if before is None or before.active_input != entry.active_input:
            self._active_inputs.set(_active_input(value, entry, sequence))
        for event in entry_events(entry, before=before):
            self._tell(replace(event, channel_id=value.channel_id, origin_endpoint_id=value.id), is_new=True)

    def appended_before(self, entry: ProgramEntry, before: ProgramEntry | None) -> None:
        """A predecessor has appended this, and may not have told of it."""
        endpoint = self._store.origin_endpoint_by_guid(entry.origin_endpoint)
        if endpoint is not None:
            value = endpoint.value
            for event in entry_events(entry, before=before):
                self._tell(replace(event, channel_id=value.channel_id, origin_endpoint_id=value.id), is_new=False)

    def happened(self, events: Iterable[Event]) -> None:
        """What the core has to tell beside its entries."""
        for event in events:
            channel = self._store.channel_by_guid(event.channel)
            if channel is None:
                continue
            named = replace(event, channel_id=channel.value.id)
            if event.origin_endpoint is not None:
                endpoint = self._store.origin_endpoint_by_guid(event.origin_endpoint)
                if endpoint is None:
                    continue
                named = replace(named, origin_endpoint_id=endpoint.value.id)
            self._tell(named, is_new=clock.now_ticks() - event.instant <= LONG_AGO)

    def _tell(self, event: Event, *, is_new: bool) -> None:
        """Publish it; what a predecessor has probably told of already is no line in the log again."""
        self._events.publish(event)
        if not is_new:
            return
        self._metrics.events.labels(event.kind.value).inc()
        _log.log(
            level_of(event),
            "%s: %s",
            event.origin_endpoint_id or event.channel_id,
            event.words,
            extra={
                "event": event.kind.value,
                "channel": event.channel_id,
                **({"origin_endpoint": event.origin_endpoint_id} if event.origin_endpoint_id is not None else {}),
                **({"input": event.input_id} if event.input_id is not None else {}),
                **({"media_sequence": event.media_sequence} if event.media_sequence is not None else {}),
                **({"reason": event.reason.value} if event.reason is not None else {}),
            },
        )

    def forget(self, shards: Collection[int]) -> None:
        """Another process tells of these from now on."""
        for endpoint in self._store.origin_endpoints.values():
            if self._shard(endpoint.value.channel_guid) in shards:
                self._metrics.forget_endpoint(endpoint.value.guid)
        for channel in self._store.channels.values():
            if self._shard(channel.value.guid) in shards:
                self._metrics.forget_channel(channel.value.guid)

    def _config_changed(self, change: ConfigChange) -> None:
        before = change.before
        if before is None or change.after is not None:
            return
        if isinstance(before.value, OriginEndpoint):
            self._metrics.forget_endpoint(before.value.guid)
            if self._owns(self._shard(before.value.channel_guid)):
                self._active_inputs.delete(before.value.id)
        else:
            self._metrics.forget_channel(before.value.guid)

    def _shard(self, channel: str) -> int:
        return shard_of(channel, shards=self._shards)


def level_of(event: Event) -> int:
    """The level of an event's log line. A discontinuity that skips nothing is an encoder that was restarted."""
    skips = event.kind is EventKind.DISCONTINUITY and (event.jump or 0) > 0
    return logging.WARNING if skips or event.kind in _WARNINGS else logging.INFO


def _active_input(endpoint: OriginEndpoint, entry: ProgramEntry, sequence: int) -> ActiveInput:
    return ActiveInput(
        origin_endpoint=endpoint.id,
        channel=endpoint.channel_id,
        active_input=entry.active_input,
        since=entry.as_of.instant,
        reason=entry.reason,
        media_sequence=entry.media_sequence,
        program_sequence=sequence,
    )
