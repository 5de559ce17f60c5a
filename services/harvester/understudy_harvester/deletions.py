"""Origin endpoints that were deleted: their jobs have nothing to harvest any more, and fail at once."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, NoReturn

from understudy_domain import keys
from understudy_domain.harvest_asset import HarvestFailed
from understudy_domain.harvest_job import HarvestJob
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.5


class Deletions:
    """Follows CONFIG. ``start`` before use, ``stop`` at the end."""

    def __init__(self, bus: Bus) -> None:
        self._config = ConfigStore(bus)

    async def start(self) -> None:
        """Returns once all origin endpoints are known, however long NATS takes."""
        await self._config.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._config.stop()

    def may_concern(self, job: HarvestJob) -> bool:
        """Whether a job's origin endpoint is unknown here; it may be younger than what has been read."""
        endpoint = job.origin_endpoint
        return (
            self._config.origin_endpoint_by_guid(endpoint.guid) is None
            and keys.origin_endpoint_key(endpoint.id) not in self._config.unreadable
        )

    async def wait_for(self, job: HarvestJob) -> NoReturn:
        """Wait for the deletion of a job's origin endpoint, for ever.

        Raises:
            HarvestFailed: it is deleted.
        """
        while True:
            if self.may_concern(job) and await self._concerns(job):
                raise HarvestFailed(f"the origin endpoint {job.origin_endpoint.id} was deleted, and its past with it")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _concerns(self, job: HarvestJob) -> bool:
        try:
            await self._config.ensure_current()
        except BusUnavailable as err:
            _log.warning("whether an origin endpoint is deleted is not known yet: %s", err, extra={"job": job.id})
            return False
        return self.may_concern(job)
