"""Names of resources as AWS's tools know them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arns:
    """Names of resources as AWS's tools know them: of the guid, so that an id created again is another resource."""

    region: str
    account_id: str

    def channel(self, guid: str) -> str:
        """A channel's."""
        return self._of("channels", guid)

    def origin_endpoint(self, guid: str) -> str:
        """An origin endpoint's."""
        return self._of("origin_endpoints", guid)

    def harvest_job(self, guid: str) -> str:
        """A harvest job's."""
        return self._of("harvest_jobs", guid)

    def _of(self, kind: str, guid: str) -> str:
        return f"arn:aws:mediapackage:{self.region}:{self.account_id}:{kind}/{guid}"
