"""EVENTS: what came of a job, told once, whoever tells it."""

from __future__ import annotations

import logging
from typing import Final

from understudy_domain import codec, keys, ticks
from understudy_domain.errors import MalformedRecord
from understudy_domain.event import Event
from understudy_domain.harvest_events import harvest_event
from understudy_domain.harvest_job import HarvestJob
from understudy_runtime import clock
from understudy_runtime.errors import BusRefused
from understudy_runtime.jetstream import Bus
from understudy_runtime.streams import DUPLICATE_WINDOW_SECONDS

_log = logging.getLogger(__name__)

_LONG_AGO: Final = ticks.from_seconds(DUPLICATE_WINDOW_SECONDS / 2)
"""What happened longer ago may have been published before the stream's duplicate window began."""


async def tell(bus: Bus, job: HarvestJob) -> None:
    """Publish the event of a job that is done, unless it stands.

    Raises:
        BusUnavailable: no acknowledgement in time; it may stand all the same.
    """
    event = harvest_event(job)
    subject = keys.event_subject(event.kind, event.channel, event.about)
    if clock.now_ticks() - event.instant > _LONG_AGO and await _stands(bus, event, subject):
        return
    try:
        await bus.publish(subject, codec.encode(event), message_id=event.id)
    except BusRefused:
        _log.exception("an event is refused and dropped", extra={"event": event.id})


async def _stands(bus: Bus, event: Event, subject: str) -> bool:
    for message in await bus.fetch(keys.EVENTS_STREAM, subject, start_time=event.instant):
        try:
            if codec.decode_as(Event, message.payload).id == event.id:
                return True
        except MalformedRecord:
            continue
    return False
