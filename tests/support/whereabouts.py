"""What tests ask of a running installation, whichever way it was set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """For the control API and the S3 server alike."""

    access_key_id: str
    secret_access_key: str
    region: str


class Whereabouts(Protocol):
    """Where an installation is reached."""

    @property
    def api_url(self) -> str:
        """Of the control API."""

    @property
    def nats_url(self) -> str:
        """Of NATS."""

    @property
    def s3_url(self) -> str:
        """Of the S3 service."""

    @property
    def credentials(self) -> Credentials:
        """For the control API and S3."""

    def service_url(self, service: str) -> str:
        """Where ``/healthz``, ``/readyz`` and ``/metrics`` of a service are."""
