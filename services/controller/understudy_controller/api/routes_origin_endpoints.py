"""Origin endpoints."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from understudy_controller.api.dependencies import MaxResults, NextToken, Rendered, Service
from understudy_controller.api.models import (
    CreateOriginEndpointRequest,
    EmptyResponse,
    ListOriginEndpointsResponse,
    OriginEndpointResponse,
    UpdateOriginEndpointRequest,
)

router = APIRouter(prefix="/origin_endpoints", tags=["origin endpoints"])


@router.post("", summary="CreateOriginEndpoint", response_model_exclude_none=True)
async def create_origin_endpoint(
    request: CreateOriginEndpointRequest, service: Service, renderer: Rendered
) -> OriginEndpointResponse:
    """Create an origin endpoint of a channel, with an HLS package."""
    return renderer.origin_endpoint(await service.create_origin_endpoint(request))


@router.get("", summary="ListOriginEndpoints", response_model_exclude_none=True)
async def list_origin_endpoints(
    service: Service,
    renderer: Rendered,
    channel_id: Annotated[str | None, Query(alias="channelId")] = None,
    length: MaxResults = None,
    token: NextToken = None,
) -> ListOriginEndpointsResponse:
    """List origin endpoints by id, of one channel or of all, a page at a time."""
    return renderer.origin_endpoints(*await service.origin_endpoints(channel_id=channel_id, length=length, token=token))


@router.get("/{endpoint_id}", summary="DescribeOriginEndpoint", response_model_exclude_none=True)
async def describe_origin_endpoint(endpoint_id: str, service: Service, renderer: Rendered) -> OriginEndpointResponse:
    """Describe an origin endpoint, with the URL that players open."""
    return renderer.origin_endpoint(await service.origin_endpoint(endpoint_id))


@router.put("/{endpoint_id}", summary="UpdateOriginEndpoint", response_model_exclude_none=True)
async def update_origin_endpoint(
    endpoint_id: str, request: UpdateOriginEndpointRequest, service: Service, renderer: Rendered
) -> OriginEndpointResponse:
    """Change an origin endpoint; fields that the request leaves out stay."""
    return renderer.origin_endpoint(await service.update_origin_endpoint(endpoint_id, request))


@router.delete("/{endpoint_id}", summary="DeleteOriginEndpoint", status_code=202)
async def delete_origin_endpoint(endpoint_id: str, service: Service) -> EmptyResponse:
    """Delete an origin endpoint. Its URL stops answering."""
    await service.delete_origin_endpoint(endpoint_id)
    return EmptyResponse()
