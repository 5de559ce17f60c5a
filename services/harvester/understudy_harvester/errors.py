"""What only the harvester can run into."""

from __future__ import annotations

from understudy_domain.errors import UnderstudyError


class ClaimLost(UnderstudyError):
    """Another harvester works at the job by now, or this one could not say for too long that it does."""

    code = "claim_lost"
