"""The marks of one channel's strip, from its two logs: what is there, and what a page has not been told yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from understudy_controller.console.strip_view import delivered_view, endpoint_view, seconds, shown_view, still_last
from understudy_domain import codec, keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.endpoint_status import EndpointStatus, endpoint_status
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.facts import Fact, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.headline import Following, Headline, headline, is_told
from understudy_domain.status import ChannelStatus, channel_status
from understudy_domain.strip import Shown, delivered, shown
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState
from understudy_runtime.messages import StoredMessage

KEPT: Final = 900 * TICKS_PER_SECOND
"""How much of the strip a page is given as it opens, ticks. What came before is read from the logs when asked for."""

_WAITING_STEP: Final = 2
"""Of the failover rule: up to this one a slot waits for its deadline, and viewers for nothing."""

View = Mapping[str, Any]


class Marks:
    """Takes the messages of both logs, and a fold of its own further."""

    def __init__(self, fold: ChannelFold, channel: Channel, endpoints: Sequence[OriginEndpoint]) -> None:
        self._fold = fold
        self._channel = channel
        self._endpoints = endpoints
        self._delivered: dict[str, View] = {}
        """By input and segment, as sent."""
        self._shown: dict[str, View] = {}
        """By endpoint and media sequence, as sent."""
        self._told: list[Shown] = []
        """Slots that the headline speaks of."""
        self._last: dict[str, ProgramEntry] = {}
        self._unsent: list[View] = []
        self._looked_at: dict[int, int] = {}
        fold.before_forgetting = self._look_in_time

    @property
    def sequence(self) -> int:
        """Of ARRIVALS, up to where it has been read."""
        return self._fold.state.sequence

    def take_arrival(self, message: StoredMessage) -> None:
        """A message of the channel's part of ARRIVALS, or a tick of its shard."""
        try:
            subject = keys.parse_arrivals_subject(message.subject)
            fact = codec.decode(message.payload)
        except (MalformedKey, MalformedRecord):
            return
        if isinstance(fact, Tick):
            self._fold.pass_time(message.instant)
        elif isinstance(fact, Fact) and message.sequence > self.sequence:
            self._fold.apply(fact, input_id=subject.input_id, instant=message.instant, sequence=message.sequence)

    def take_entry(self, message: StoredMessage) -> None:
        """A message of PROGRAM, of one of the channel's endpoints."""
        try:
            entry = codec.decode_as(ProgramEntry, message.payload)
        except MalformedRecord:
            return
        before = self._last.get(entry.origin_endpoint)
        if before is not None and (entry.media_sequence, entry.ended) <= (before.media_sequence, before.ended):
            return
        self._last[entry.origin_endpoint] = entry
        slot = shown(entry, before)
        if is_told(slot):
            self._told.append(slot)
        self._put(self._shown, shown_view(slot))

    def _look_in_time(self, one: InputState) -> None:
        """Before anything is forgotten that was not looked at: a look costs as much as a decision."""
        if self._looked_at.get(one.input_id) != one.changes:
            self._look(one)

    def _look(self, one: InputState) -> None:
        """Take over what an input has delivered."""
        self._looked_at[one.input_id] = one.changes
        for found in delivered(one, self._fold.state):
            view = delivered_view(found)
            self._put(self._delivered, still_last(view, self._delivered.get(view["key"])))

    def _put(self, kept: dict[str, View], view: View) -> None:
        if kept.get(view["key"]) != view:
            kept[view["key"]] = view
            self._unsent.append(view)

    def take_unsent(self) -> list[View]:
        """What has come or changed since this was last called."""
        for one in self._fold.state.inputs:
            self._look_in_time(one)
        unsent, self._unsent = self._unsent, []
        return unsent

    def forget_before(self, instant: int) -> None:
        """Drop what arrived or was decided earlier; ticks since the epoch."""
        oldest = seconds(instant)
        self._told = [one for one in self._told if one.decided_at >= instant]
        for kept, field in ((self._delivered, "arrived"), (self._shown, "decided")):
            for key in [key for key, view in kept.items() if view[field] < oldest]:
                del kept[key]

    def all(self) -> View:
        """What a page is given that opens."""
        return {
            "channel": self._channel.id,
            "endpoints": [endpoint_view(one) for one in self._endpoints],
            "marks": [*self._delivered.values(), *self._shown.values()],
        }

    def status(self, *, now: int) -> View:
        """How the channel and its endpoints are at ``now``, ticks since the epoch."""
        state = self._fold.state
        lags = [one.lag for one in state.inputs if one.lag is not None]
        endpoints = [
            endpoint_status(self._fold, one.guid, name=one.id, channel=self._channel.id, active=None, now=now)
            for one in self._endpoints
        ]
        channel = channel_status(state, name=self._channel.id, now=now)
        return {
            "headline": asdict(self._headline(channel, endpoints, now)),
            "now": seconds(now),
            "lag": seconds(min(lags)) if lags else None,
            "segment": seconds(state.grid.segment_duration) if state.grid is not None else None,
            "anchor": seconds(state.grid.anchor) if state.grid is not None else None,
            "channel": asdict(channel),
            "endpoints": [asdict(one) for one in endpoints],
        }

    def _headline(self, channel: ChannelStatus, endpoints: Sequence[EndpointStatus], now: int) -> Headline:
        following = [
            Following(known.id, known.guid, one.active_input, one.next is not None and one.next.step > _WAITING_STEP)
            for known, one in zip(self._endpoints, endpoints, strict=True)
            if one.active_input is not None and not one.ended
        ]
        return headline({one.input: one.condition for one in channel.inputs}, following, self._told, now=now)
