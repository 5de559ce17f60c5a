"""Tags. The ARN comes percent-encoded, slash included, and is decoded before routing: hence ``:path``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from understudy_controller.api.dependencies import Service
from understudy_controller.api.models import TagResourceRequest, TagsResponse

router = APIRouter(prefix="/tags", tags=["tags"])


@router.get("/{arn:path}", summary="ListTagsForResource")
async def list_tags_for_resource(arn: str, service: Service) -> TagsResponse:
    """List the tags of a channel or an origin endpoint."""
    return TagsResponse(tags=dict(await service.tags(arn)))


@router.post("/{arn:path}", summary="TagResource", status_code=204)
async def tag_resource(arn: str, request: TagResourceRequest, service: Service) -> None:
    """Add tags to a channel or an origin endpoint, or give them other values."""
    await service.tag(arn, request.tags)


@router.delete("/{arn:path}", summary="UntagResource", status_code=204)
async def untag_resource(arn: str, tag_keys: Annotated[list[str], Query(alias="tagKeys")], service: Service) -> None:
    """Remove tags from a channel or an origin endpoint."""
    await service.untag(arn, tag_keys)
