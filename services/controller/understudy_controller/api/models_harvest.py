"""The wire of harvest jobs: MediaPackage's own fields, and in answers how far a job has come."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from understudy_controller.api.models import ResourceId
from understudy_controller.api.wire_models import WireRequest, WireResponse
from understudy_domain.harvest_job import OBJECT_KEY_BYTES_MAX

BucketName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
ManifestKey = Annotated[str, StringConstraints(min_length=1, max_length=OBJECT_KEY_BYTES_MAX)]
RoleArn = Annotated[str, StringConstraints(min_length=1, max_length=2_048)]
Instant = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class S3DestinationRequest(WireRequest):
    """``s3Destination``."""

    bucket_name: BucketName
    manifest_key: ManifestKey
    role_arn: RoleArn


class CreateHarvestJobRequest(WireRequest):
    """POST /harvest_jobs."""

    id: ResourceId
    origin_endpoint_id: ResourceId
    start_time: Instant
    end_time: Instant
    s3_destination: S3DestinationRequest


class S3DestinationResponse(WireResponse):
    """``s3Destination``."""

    bucket_name: str
    manifest_key: str
    role_arn: str


class HarvestProgressResponse(WireResponse):
    """How far a job has come. Not in MediaPackage."""

    segments_stored: int
    segments_total: int | None = None
    """Left out until the window is over."""
    bytes_stored: int
    bytes_total: int | None = None
    """The same."""


class HarvestJobResponse(WireResponse):
    """A harvest job."""

    arn: str
    channel_id: str
    created_at: str
    end_time: str
    id: str
    origin_endpoint_id: str
    s3_destination: S3DestinationResponse
    start_time: str
    status: str
    progress: HarvestProgressResponse
    """Not in MediaPackage, nor are the following."""
    message: str
    """Why it failed, what it waits for, or what is missing; empty where there is nothing to say."""
    ended_at: str | None = None


class ListHarvestJobsResponse(WireResponse):
    """One page of harvest jobs, by id; ``nextToken`` where there are more."""

    harvest_jobs: list[HarvestJobResponse]
    next_token: str | None = None
