"""Our own operations that change something: which input an origin endpoint follows, and by which policy."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from understudy_controller.api import render
from understudy_controller.api.dependencies import Ended, Harvested, Ordered, RequestId, Service
from understudy_controller.api.models import EmptyResponse
from understudy_controller.api.models_understudy import (
    ChannelSwitchoverResponse,
    EndRequest,
    EndResponse,
    PolicyResponse,
    PutPolicyRequest,
    RefusalResponse,
    SwitchoverRequest,
    SwitchoverResponse,
)

router = APIRouter(prefix="/understudy/v1", tags=["understudy"])
REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": RefusalResponse, "description": "The order could not be carried out, or viewers would notice."}
}


@router.get("/origin_endpoints/{endpoint_id}/policy", summary="GetPolicy")
async def get_policy(endpoint_id: str, service: Service) -> PolicyResponse:
    """Show by which policy an origin endpoint chooses its input."""
    return render.policy(await service.origin_endpoint(endpoint_id))


@router.put("/origin_endpoints/{endpoint_id}/policy", summary="PutPolicy")
async def put_policy(endpoint_id: str, request: PutPolicyRequest, service: Service) -> PolicyResponse:
    """Give an origin endpoint another policy. It applies to the slots decided from now on."""
    return render.policy(await service.put_policy(endpoint_id, request))


@router.post("/origin_endpoints/{endpoint_id}/switchover", summary="SwitchOver", status_code=202, responses=REFUSED)
async def switch_over(
    endpoint_id: str, switchovers: Ordered, request_id: RequestId, request: SwitchoverRequest | None = None
) -> SwitchoverResponse:
    """Have an origin endpoint follow another input, once, and say what that will look like."""
    return await switchovers.endpoint(endpoint_id, request or SwitchoverRequest(), request_id=request_id)


@router.post("/channels/{channel_id}/switchover", summary="SwitchChannelOver", status_code=202, responses=REFUSED)
async def switch_channel_over(
    channel_id: str, switchovers: Ordered, request_id: RequestId, request: SwitchoverRequest | None = None
) -> ChannelSwitchoverResponse:
    """Have all origin endpoints of a channel follow one input, and say what became of the order at each."""
    return await switchovers.channel(channel_id, request or SwitchoverRequest(), request_id=request_id)


@router.delete("/harvest_jobs/{harvest_job_id}", summary="CallOffHarvestJob", status_code=202)
async def call_off_harvest_job(harvest_job_id: str, harvest: Harvested) -> EmptyResponse:
    """Call off a harvest job that is not done: it fails, and its asset gets no playlist."""
    await harvest.call_off(harvest_job_id)
    return EmptyResponse()


@router.post("/channels/{channel_id}/end", summary="EndProgram", status_code=202, responses=REFUSED)
async def end_program(
    channel_id: str, endings: Ended, request_id: RequestId, request: EndRequest | None = None
) -> EndResponse:
    """End the programme of a channel now, on all its origin endpoints, once no input delivers."""
    del request  # that it says nothing was checked
    return await endings.channel(channel_id, request_id=request_id)
