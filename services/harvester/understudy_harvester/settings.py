"""What the harvester reads from the environment, prefix ``UNDERSTUDY_``, besides what all services read."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, SecretStr

from understudy_runtime.settings import CommonSettings


class HarvesterSettings(CommonSettings):
    """Settings of the harvester."""

    pairs: ClassVar[tuple[tuple[str, str], ...]] = (
        *CommonSettings.pairs,
        ("harvest_s3_access_key_id", "harvest_s3_secret_access_key"),
    )

    harvest_s3_endpoint_url: str | None = None
    """The S3 service that assets are written to; None: the one that has the media."""
    harvest_s3_region: str | None = None
    """None: the media's."""
    harvest_s3_access_key_id: str | None = None
    """Who writes assets; None: who reads media."""
    harvest_s3_secret_access_key: SecretStr | None = None

    harvest_jobs_max: int = Field(default=2, ge=1)
    """Jobs that one process works at; further ones wait, or are another process's."""
    harvest_segments_max: int = Field(default=8, ge=1)
    """Segments that one process copies at a time; each is in memory meanwhile."""
    harvest_bytes_per_second: int = Field(default=64 * 1024 * 1024, ge=0)
    """How fast one process copies, on average, so that viewers' segments come first; 0: as fast as it can."""
    harvest_wait_seconds: float = Field(default=120.0, ge=0)
    """How long after its end a window is waited for in which nothing comes any more, beyond the time delay.

    As long as the longest horizon of a decision: what is later than that is published later as well. A start-over
    playlist lists what comes an hour late too; it can be watched meanwhile, and an asset cannot. What is known and not
    available yet is waited for whatever this says.
    """
    harvest_storage_patience_seconds: float = Field(default=600.0, ge=0)
    """How long a storage may be away before a job fails."""

    def destination(self, bucket: str) -> CommonSettings:
        """The settings under which a bucket for assets is reached."""
        own = self.harvest_s3_access_key_id is not None
        return self.model_copy(
            update={
                "s3_bucket": bucket,
                "s3_endpoint_url": self.harvest_s3_endpoint_url or self.s3_endpoint_url,
                "s3_region": self.harvest_s3_region or self.s3_region,
                "s3_access_key_id": self.harvest_s3_access_key_id if own else self.s3_access_key_id,
                "s3_secret_access_key": self.harvest_s3_secret_access_key if own else self.s3_secret_access_key,
            }
        )
