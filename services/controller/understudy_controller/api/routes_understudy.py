"""Our own operations, beside MediaPackage's: what is so now, and why. None of them changes anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from understudy_controller.api.dependencies import Inspected
from understudy_domain.endpoint_status import EndpointStatus
from understudy_domain.explain import Explanation
from understudy_domain.status import ChannelStatus

router = APIRouter(prefix="/understudy/v1", tags=["understudy"])

MEDIA_SEQUENCE_MAX = 10**18
MediaSequence = Annotated[
    int | None, Query(alias="sequence", ge=0, lt=MEDIA_SEQUENCE_MAX, description="Media sequence number; the newest.")
]


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
