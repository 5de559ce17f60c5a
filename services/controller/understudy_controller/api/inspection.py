"""Looking without touching: the status of channels and origin endpoints, and why a slot came from where it came."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.api.folds import Folds
from understudy_controller.api.service import ControlService
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec
from understudy_domain.channel import OriginEndpoint, configured
from understudy_domain.endpoint_status import EndpointStatus, endpoint_status
from understudy_domain.entry import ActiveInput
from understudy_domain.errors import MalformedRecord
from understudy_domain.event_view import EventView, event_view
from understudy_domain.explain import EVIDENCE_KEPT, Explanation
from understudy_domain.keys import ACTIVE_INPUT_BUCKET
from understudy_domain.slot_replay import Programme, explain
from understudy_domain.status import ChannelStatus, channel_status
from understudy_runtime import clock
from understudy_runtime.channel_log import ChannelLog, logged_facts
from understudy_runtime.errors import BusUnavailable, NotFound
from understudy_runtime.event_log import SINCE_DEFAULT, Selection, newest_events
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_EVENTS_SECONDS: Final = 10.0
"""How long reading EVENTS may take."""
_EXPLAIN_SECONDS: Final = 10.0
"""How long reading what an explanation needs may take, and waiting until no other one is being made."""


@dataclass(frozen=True, slots=True)
class EventsPage:
    """The newest events of a span of time."""

    events: tuple[EventView, ...]
    """In order of time."""
    left_out: int
    """How many older ones of the same span there are."""


class Inspection:
    """What the paths under ``/understudy/v1/`` answer. Reads the folds, the buckets and the logs."""

    def __init__(self, settings: ControllerSettings, bus: Bus, service: ControlService, folds: Folds) -> None:
        self._shards = settings.shards
        self._bus = bus
        self._service = service
        self._folds = folds
        self._reading_events = asyncio.Lock()
        self.replaying = asyncio.Lock()
        """A replay takes processor time from the decisions beside it: one at a time."""

    async def channel(self, channel_id: str) -> ChannelStatus:
        """The status of a channel.

        Raises:
            ResourceNotFound: there is none of this id.
            BusUnavailable: another controller decides it, and NATS does not answer.
        """
        channel = await self._service.channel(channel_id)
        fold = await self._folds.of(channel.guid, await self._service.origin_endpoints_of(channel_id))
        return channel_status(fold.state, name=channel.id, now=clock.now_ticks())

    async def origin_endpoint(self, endpoint_id: str) -> EndpointStatus:
        """The status of an origin endpoint.

        Raises:
            ResourceNotFound: there is none of this id.
            BusUnavailable: NATS does not answer.
        """
        endpoint = await self._service.origin_endpoint(endpoint_id)
        fold = await self._folds.of(endpoint.channel_guid, [endpoint])
        return endpoint_status(
            fold,
            endpoint.guid,
            name=endpoint.id,
            channel=endpoint.channel_id,
            active=await self._active_input(endpoint),
            now=clock.now_ticks(),
        )

    async def explain(self, endpoint_id: str, media_sequence: int | None) -> Explanation:
        """Why a slot came from where it came; the newest where no number is given.

        Raises:
            ResourceNotFound: there is no such origin endpoint, or it has no such slot.
            BusUnavailable: NATS does not answer, or not in time.
        """
        endpoint = await self._service.origin_endpoint(endpoint_id)
        try:
            async with asyncio.timeout(_EXPLAIN_SECONDS) as limit:
                return await self._explain(endpoint, media_sequence, limit)
        except TimeoutError as err:
            raise BusUnavailable(f"what explains the slot could not be read within {_EXPLAIN_SECONDS:g} s") from err

    async def _explain(
        self, endpoint: OriginEndpoint, media_sequence: int | None, limit: asyncio.Timeout
    ) -> Explanation:
        log = ChannelLog(self._bus, endpoint.channel_guid, shards=self._shards)
        if media_sequence is None:
            last = await log.last_entry(endpoint.guid)
            if last is None:
                raise ResourceNotFound(f"the origin endpoint {endpoint.id} has no slot yet")
            media_sequence = last.media_sequence
        entries = await log.entries_up_to(endpoint.guid, media_sequence)
        programme = Programme(endpoint.id, configured(endpoint, revision=0), entries)
        entry = programme.entry(media_sequence)
        if entry is None:
            raise ResourceNotFound(
                f"the origin endpoint {endpoint.id} has no slot of media sequence {media_sequence}, yet or any more: "
                f"{EVIDENCE_KEPT}"
            )
        async with self.replaying:
            arrivals = await log.arrivals_around(entry, entries)
            limit.reschedule(None)  # a replay ends by itself, and cannot be broken off
            return await asyncio.to_thread(lambda: explain(programme, entry, logged_facts(arrivals)))

    async def events(self, *, channel_id: str | None, since: int | None, limit: int) -> EventsPage:
        """The newest ``limit`` events since an instant (ticks; None: a day ago), of one channel or of all.

        Raises:
            ResourceNotFound: there is no such channel, and nothing is told of one.
            BusUnavailable: NATS does not answer.
        """
        missing: ResourceNotFound | None = None
        selection = Selection()
        if channel_id is not None:
            try:
                selection = Selection(guid=(await self._service.channel(channel_id)).guid)
            except ResourceNotFound as err:
                missing, selection = err, Selection(channel_id=channel_id)
        if since is None:
            since = clock.now_ticks() - SINCE_DEFAULT
        try:
            async with asyncio.timeout(_EVENTS_SECONDS), self._reading_events:
                found = await newest_events(self._bus, selection, since=since, limit=limit)
        except TimeoutError as err:
            raise BusUnavailable(f"the events could not be read within {_EVENTS_SECONDS:g} s") from err
        if missing is not None and not found.events:
            raise missing
        return EventsPage(tuple(map(event_view, found.events)), found.left_out)

    async def _active_input(self, endpoint: OriginEndpoint) -> ActiveInput | None:
        try:
            value = (await KeyValue(self._bus, ACTIVE_INPUT_BUCKET).get(endpoint.id)).value
            return codec.decode_as(ActiveInput, value) if value is not None else None
        except (NotFound, MalformedRecord):
            return None
