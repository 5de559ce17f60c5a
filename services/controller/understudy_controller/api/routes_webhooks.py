"""Webhooks: how they are, and trying one. Which there are says a file."""

from __future__ import annotations

from fastapi import APIRouter

from understudy_controller.api.dependencies import Hooked
from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.api.models_webhooks import WebhooksView, WebhookTestResponse, webhooks_view

router = APIRouter(prefix="/understudy/v1", tags=["understudy"])


@router.get("/webhooks", summary="ListWebhooks")
async def list_webhooks(webhooks: Hooked) -> WebhooksView:
    """List the webhooks of the controllers' file: what they are sent, and whether their receivers take it."""
    return webhooks_view(webhooks)


@router.post("/webhooks/{webhook_id}/test", summary="TestWebhook")
async def test_webhook(webhook_id: str, webhooks: Hooked) -> WebhookTestResponse:
    """Send a test message to a webhook, once and at once, and say what its receiver answered."""
    webhook = webhooks.webhooks.get(webhook_id)
    if webhook is None:
        known = ", ".join(sorted(webhooks.webhooks)) or "none"
        raise ResourceNotFound(f"there is no webhook {webhook_id:.100}; those of UNDERSTUDY_WEBHOOKS_FILE: {known}")
    taken, status, words, seconds = await webhooks.test(webhook)
    told = f"{words} after {seconds:.2f} s" if status is not None else words
    return WebhookTestResponse(
        webhook=webhook.name,
        receiver=webhook.receiver,
        taken=taken,
        status=status,
        seconds=round(seconds, 3),
        message=f"{webhook.name}, {webhook.receiver}: {told}",
    )
