"""What can go wrong with webhooks: one class for each failure."""

from __future__ import annotations

from understudy_domain.errors import UnderstudyError


class WebhooksUnusable(UnderstudyError):
    """A file of webhooks that cannot be read or does not parse; the message names the line or the field."""

    code = "webhooks_unusable"


class ClaimLost(UnderstudyError):
    """Another controller sends for the webhook now, or may."""

    code = "claim_lost"
    status = 409
