"""Channels."""

from __future__ import annotations

from fastapi import APIRouter

from understudy_controller.api.dependencies import MaxResults, NextToken, Rendered, Service
from understudy_controller.api.models import (
    ChannelResponse,
    ConfigureLogsRequest,
    CreateChannelRequest,
    EmptyResponse,
    ListChannelsResponse,
    UpdateChannelRequest,
)

router = APIRouter(prefix="/channels", tags=["channels"])


@router.post("", summary="CreateChannel", response_model_exclude_none=True)
async def create_channel(request: CreateChannelRequest, service: Service, renderer: Rendered) -> ChannelResponse:
    """Create a channel with two ingest endpoints. It is ready at once."""
    return renderer.channel(await service.create_channel(request))


@router.get("", summary="ListChannels", response_model_exclude_none=True)
async def list_channels(
    service: Service, renderer: Rendered, length: MaxResults = None, token: NextToken = None
) -> ListChannelsResponse:
    """List channels by id, a page at a time."""
    return renderer.channels(*await service.channels(length=length, token=token))


@router.get("/{channel_id}", summary="DescribeChannel", response_model_exclude_none=True)
async def describe_channel(channel_id: str, service: Service, renderer: Rendered) -> ChannelResponse:
    """Describe a channel, with its ingest endpoints' URLs and credentials."""
    return renderer.channel(await service.channel(channel_id))


@router.put("/{channel_id}", summary="UpdateChannel", response_model_exclude_none=True)
async def update_channel(
    channel_id: str, request: UpdateChannelRequest, service: Service, renderer: Rendered
) -> ChannelResponse:
    """Change a channel's description. URLs and credentials stay."""
    return renderer.channel(await service.update_channel(channel_id, request))


@router.put("/{channel_id}/configure_logs", summary="ConfigureLogs", response_model_exclude_none=True)
async def configure_logs(
    channel_id: str, service: Service, renderer: Rendered, request: ConfigureLogsRequest | None = None
) -> ChannelResponse:
    """Switch a channel's access logs on or off: what the request leaves out is switched off."""
    return renderer.channel(await service.configure_logs(channel_id, request or ConfigureLogsRequest()))


@router.put(
    "/{channel_id}/credentials",
    summary="RotateChannelCredentials",
    deprecated=True,
    response_model_exclude_none=True,
)
async def rotate_channel_credentials(channel_id: str, service: Service, renderer: Rendered) -> ChannelResponse:
    """Give a channel's first ingest endpoint a new user name and password."""
    return renderer.channel(await service.rotate_credentials(channel_id))


@router.put(
    "/{channel_id}/ingest_endpoints/{ingest_endpoint_id}/credentials",
    summary="RotateIngestEndpointCredentials",
    response_model_exclude_none=True,
)
async def rotate_ingest_endpoint_credentials(
    channel_id: str, ingest_endpoint_id: str, service: Service, renderer: Rendered
) -> ChannelResponse:
    """Give one ingest endpoint a new user name and password. The other one, and both URLs, stay."""
    return renderer.channel(await service.rotate_credentials(channel_id, ingest_endpoint_id))


@router.delete("/{channel_id}", summary="DeleteChannel", status_code=202)
async def delete_channel(channel_id: str, service: Service) -> EmptyResponse:
    """Delete a channel that has no origin endpoints."""
    await service.delete_channel(channel_id)
    return EmptyResponse()
