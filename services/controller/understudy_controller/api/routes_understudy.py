"""Our own operations, beside MediaPackage's: what is so now, and why. None of them changes anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from understudy_controller.api.dependencies import Inspected
from understudy_controller.api.inspection import EventsPage
from understudy_domain import ticks
from understudy_domain.endpoint_status import EndpointStatus
from understudy_domain.explain import Explanation
from understudy_domain.status import ChannelStatus

router = APIRouter(prefix="/understudy/v1", tags=["understudy"])

MEDIA_SEQUENCE_MAX = 10**18
MediaSequence = Annotated[
    int | None, Query(alias="sequence", ge=0, lt=MEDIA_SEQUENCE_MAX, description="Media sequence number; the newest.")
]

EventsOf = Annotated[
    str | None, Query(alias="channel", max_length=256, description="Of this channel alone, by its id.")
]
Since = Annotated[
    datetime | None,
    Query(description="What happened from then on: an ISO 8601 instant, UTC without a zone; a day ago if not given."),
]
Limit = Annotated[int, Query(ge=1, le=1_000, description="At most so many, the newest.")]


@router.get("/channels/{channel_id}/status", summary="ChannelStatus")
async def show_channel(channel_id: str, inspection: Inspected) -> ChannelStatus:
    """Show what each input delivers, and what a change between them would look like now."""
    return await inspection.channel(channel_id)


@router.get("/origin_endpoints/{endpoint_id}/status", summary="OriginEndpointStatus")
async def show_origin_endpoint(endpoint_id: str, inspection: Inspected) -> EndpointStatus:
    """Show which input an origin endpoint follows, since when and why, and what its next slot waits for."""
    return await inspection.origin_endpoint(endpoint_id)


@router.get("/origin_endpoints/{endpoint_id}/explain", summary="ExplainSlot")
async def explain_slot(endpoint_id: str, inspection: Inspected, sequence: MediaSequence = None) -> Explanation:
    """Say why a slot came from where it came, from a replay of the arrivals or from the entry's own evidence."""
    return await inspection.explain(endpoint_id, sequence)


@router.get("/events", summary="ListEvents")
async def list_events(
    inspection: Inspected, channel: EventsOf = None, since: Since = None, limit: Limit = 100
) -> EventsPage:
    """List what happened, in order of time: failovers, repairs, gaps, holds, inputs that go and come."""
    instant = None
    if since is not None:
        instant = ticks.from_datetime(since if since.tzinfo is not None else since.replace(tzinfo=UTC))
    return await inspection.events(channel_id=channel, since=instant, limit=limit)
