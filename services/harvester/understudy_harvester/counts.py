"""What a process counts of its work: plain numbers, which become metrics when Prometheus asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy_domain.harvest_job import HarvestStatus


@dataclass(slots=True)
class Counts:
    """Since the process began."""

    done: dict[HarvestStatus, int] = field(
        default_factory=lambda: {HarvestStatus.SUCCEEDED: 0, HarvestStatus.FAILED: 0}
    )
    """Jobs, by what they came to."""
    segments: int = 0
    """Written."""
    bytes: int = 0
    """Of these."""
    storage_errors: int = 0
    """Requests to a storage that failed and were made again."""
    claims_lost: int = 0
    """Jobs that another harvester took over."""

    def failed_try(self) -> None:
        """A request to a storage or to NATS failed, and is made again."""
        self.storage_errors += 1
