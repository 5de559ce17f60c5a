"""Programmes that are there to be harvested, jobs, and what stands in a bucket of them."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config

from support.deadline import comes_true
from support.program_entries import make_endpoint
from support.program_publisher import ProgramPublisher
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.event import Event
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, job_endpoint
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

SLOT_SECONDS = 2.0
BEGAN_SECONDS_AGO = 600.0
"""When every endpoint's first slot began."""


def s3_client(settings: CommonSettings) -> Any:
    """boto3's, of the S3 server."""
    secret = settings.s3_secret_access_key
    assert secret is not None
    return boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=secret.get_secret_value(),
        config=Config(s3={"addressing_style": "path"}),
    )


@dataclass
class Farm:
    """Publishes, makes jobs, and looks."""

    settings: CommonSettings
    bus: Bus
    config: ConfigStore
    publisher: ProgramPublisher
    jobs: HarvestJobs
    s3: Any
    bucket: str

    @classmethod
    async def open(cls, settings: CommonSettings) -> Farm:
        bus = await connect(settings, name="test")
        await bus.ensure_streams()
        config = ConfigStore(bus)
        await config.start()
        first_date = clock.now_ticks() - ticks.from_seconds(BEGAN_SECONDS_AGO)
        publisher = ProgramPublisher(bus, config, ObjectStore(settings), shards=settings.shards, first_date=first_date)
        bucket = f"vod-{secrets.token_hex(6)}"
        s3 = s3_client(settings)
        await asyncio.to_thread(s3.create_bucket, Bucket=bucket)
        return cls(settings, bus, config, publisher, HarvestJobs(bus), s3, bucket)

    async def close(self) -> None:
        await self.config.stop()
        await self.bus.close()

    async def endpoint(self, **changed: Any) -> OriginEndpoint:
        """A new origin endpoint with a startover window."""
        guid = secrets.token_hex(16)
        made = make_endpoint(segment_seconds=2, date_interval_seconds=4, guid=guid, name=f"endpoint-{guid[:8]}")
        endpoint = replace(made, **{"startover_window_seconds": 86_400, **changed})
        await self.publisher.configure(endpoint)
        return endpoint

    async def publish(self, endpoint: OriginEndpoint, slots: int, *, with_objects: bool = True) -> None:
        """So many further slots, all available now."""
        for _ in range(slots):
            await self.publisher.publish(endpoint, with_objects=with_objects)

    async def last_entry(self, endpoint: OriginEndpoint) -> ProgramEntry:
        """The newest slot."""
        message = await self.bus.last_message(keys.PROGRAM_STREAM, self.publisher.subject(endpoint))
        assert message is not None
        return codec.decode_as(ProgramEntry, message.payload)

    async def end(self, endpoint: OriginEndpoint) -> None:
        """The programme ends with its newest slot."""
        await self.publisher.append(replace(await self.last_entry(endpoint), ended=True), endpoint)

    def instant(self, slots: float) -> int:
        """The program date time at which a slot begins."""
        return self.publisher.first_date + ticks.from_seconds(slots * SLOT_SECONDS)

    def job(self, endpoint: OriginEndpoint, *, start: float, end: float, **changed: Any) -> HarvestJob:
        """A job of the slots from ``start`` to ``end``, not stored yet."""
        job = HarvestJob(
            id=f"job-{secrets.token_hex(6)}",
            guid=secrets.token_hex(16),
            origin_endpoint=job_endpoint(endpoint),
            start=self.instant(start),
            end=self.instant(end),
            destination=HarvestDestination(self.bucket, "shows/one.m3u8", "arn:aws:iam::123456789012:role/harvest"),
            created_at=clock.now_ticks(),
        )
        return replace(job, **changed)

    async def submit(self, job: HarvestJob) -> HarvestJob:
        """Store a job."""
        await self.jobs.create(job)
        return job

    async def now(self, job: HarvestJob) -> HarvestJob:
        """A job as it stands."""
        return (await self.jobs.get(job.id)).job

    async def done(self, job: HarvestJob) -> HarvestJob:
        """A job once it is done and told."""

        async def look() -> HarvestJob | None:
            found = await self.now(job)
            return found if found.is_done and found.told else None

        found = await comes_true(look, f"{job.id} is done: {await self.now(job)}")
        assert found is not None
        return found

    def objects(self) -> dict[str, bytes]:
        """All that is in the bucket, by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        listed = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in listed}

    def let_everybody_read(self) -> None:
        """Players ask for no credentials."""
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{self.bucket}/*"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    async def events(self) -> list[Event]:
        """What was told."""
        messages = await self.bus.fetch(keys.EVENTS_STREAM, keys.EVENTS_SUBJECTS)
        return [codec.decode_as(Event, message.payload) for message in messages]
