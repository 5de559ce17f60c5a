"""HARVEST: the records of harvest jobs, read, written by compare-and-set, and followed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from understudy_domain import codec, keys
from understudy_domain.errors import InvalidResource, MalformedRecord, NewerRecord
from understudy_domain.harvest_job import HarvestJob
from understudy_domain.unknown_fields import NOTHING_UNKNOWN, Unknown
from understudy_runtime.errors import OfANewerRelease
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import Entry, KeyValue
from understudy_runtime.streams import kv_stream, kv_subject

_log = logging.getLogger(__name__)


class StoredJob(NamedTuple):
    """A job as it was at one revision."""

    job: HarvestJob
    revision: int


class HarvestJobs:
    """The bucket."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._kv = KeyValue(bus, keys.HARVEST_BUCKET)
        self._unknown: dict[str, Unknown] = {}
        """By job id: fields of its record, as it was last read here, that this release does not know."""
        self.newer: set[str] = set()
        """Keys of jobs that a newer release has written and this one cannot read, as ``all`` found them last."""

    async def create(self, job: HarvestJob) -> int:
        """Store a new job; returns its revision.

        Raises:
            AlreadyExists: there is one of that id.
            BusUnavailable: no acknowledgement in time; it may be stored all the same.
        """
        return await self._kv.create(keys.harvest_job_key(job.id), codec.encode(job))

    async def update(self, job: HarvestJob, *, revision: int) -> int:
        """Replace a job that is still at ``revision``; returns the new one. Fields that are not known here stay.

        Raises:
            StaleRevision: somebody else has written it since.
            BusUnavailable: as for ``create``.
        """
        payload = codec.encode(job, unknown=self._unknown.get(job.id, NOTHING_UNKNOWN))
        return await self._kv.update(keys.harvest_job_key(job.id), payload, revision=revision)

    async def get(self, job_id: str) -> StoredJob:
        """The job of this id.

        Raises:
            NotFound: there is none.
            OfANewerRelease: there is one, and this release cannot read it.
            BusUnavailable: no answer in time.
        """
        found = self._stored(await self._kv.get(keys.harvest_job_key(job_id)))
        if found is None:
            raise OfANewerRelease(f"the harvest job {job_id} is stored in a form that this release cannot read")
        return found

    async def all(self) -> list[HarvestJob]:
        """All jobs that are remembered. Waits for NATS however long it takes: bound it where that matters."""
        bucket = keys.HARVEST_BUCKET
        messages = await self._bus.fetch(kv_stream(bucket), kv_subject(bucket, keys.HARVEST_JOBS))
        self.newer.clear()
        found = [self._stored(self._kv.entry(message)) for message in messages]
        return [one.job for one in found if one is not None]

    async def follow(self) -> AsyncGenerator[StoredJob, None]:
        """Every job as it is, then every change, in order, for ever.

        Raises:
            LogTruncated: the bucket was replaced by an older one.
        """
        async with aclosing(self._kv.watch(keys.HARVEST_JOBS)) as entries:
            async for entry in entries:
                found = self._stored(entry)
                if found is not None:
                    yield found

    async def last_revision(self) -> int:
        """The newest revision of any job.

        Raises:
            BusUnavailable: no answer in time.
        """
        return await self._kv.last_revision()

    def _stored(self, entry: Entry) -> StoredJob | None:
        if entry.value is None:
            return None
        try:
            found = StoredJob(codec.decode_as(HarvestJob, entry.value), entry.revision)
            unknown = codec.unknown_in(entry.value)
        except (MalformedRecord, InvalidResource) as err:
            _log.error("skipped a harvest job that does not parse: %s", err, extra={"key": entry.key})
            if isinstance(err, NewerRecord):
                self.newer.add(entry.key)
            return None
        self._unknown.pop(found.job.id, None)
        if unknown:
            self._unknown[found.job.id] = unknown
        return found
