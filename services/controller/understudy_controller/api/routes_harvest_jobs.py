"""Harvest jobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from understudy_controller.api.dependencies import Harvested, MaxResults, NextToken, Rendered
from understudy_controller.api.models_harvest import (
    CreateHarvestJobRequest,
    HarvestJobResponse,
    ListHarvestJobsResponse,
)

router = APIRouter(prefix="/harvest_jobs", tags=["harvest jobs"])


@router.post("", summary="CreateHarvestJob", response_model_exclude_none=True)
async def create_harvest_job(
    request: CreateHarvestJobRequest, harvest: Harvested, renderer: Rendered
) -> HarvestJobResponse:
    """Have a window of an origin endpoint written as a VOD asset into a bucket."""
    return renderer.harvest_job(await harvest.create(request))


@router.get("", summary="ListHarvestJobs", response_model_exclude_none=True)
async def list_harvest_jobs(
    harvest: Harvested,
    renderer: Rendered,
    channel_id: Annotated[str | None, Query(alias="includeChannelId")] = None,
    status: Annotated[str | None, Query(alias="includeStatus")] = None,
    length: MaxResults = None,
    token: NextToken = None,
) -> ListHarvestJobsResponse:
    """List harvest jobs by id, of one channel or of all, in one state or in any, a page at a time."""
    page = await harvest.jobs(channel_id=channel_id, status=status, length=length, token=token)
    return renderer.harvest_jobs(*page)


@router.get("/{harvest_job_id}", summary="DescribeHarvestJob", response_model_exclude_none=True)
async def describe_harvest_job(harvest_job_id: str, harvest: Harvested, renderer: Rendered) -> HarvestJobResponse:
    """Describe a harvest job: its state, and how far it has come."""
    return renderer.harvest_job(await harvest.job(harvest_job_id))
