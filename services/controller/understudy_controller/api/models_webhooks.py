"""What the API says of webhooks: nothing of their secrets, and of their URLs scheme and host alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from understudy_controller.api.wire_models import WireResponse
from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.part import Webhooks
from understudy_domain.event import EventKind
from understudy_domain.ticks import to_iso8601
from understudy_domain.webhooks.progress import WebhookProgress


@dataclass(frozen=True, slots=True)
class WebhookView:
    """One webhook, as the file of the controller that answers has it."""

    name: str
    """Of the file."""
    receiver: str
    """Scheme and host of its URL."""
    shape: str
    """`cloudevents` or `mediapackage`."""
    kinds: tuple[EventKind, ...]
    """Which events it is sent; empty: all."""
    channels: tuple[str, ...]
    """Of which channels, by their ids; empty: all."""
    condition: Literal["well", "failing", "new"]
    """`failing`: the last attempt was not taken; `new`: nothing was sent to it yet."""
    failing_since: str | None
    """Since when nothing was taken; null while all is well."""
    failures: int
    """Attempts in a row that were not taken."""
    problem: str | None
    """Why the last attempt failed, or what was dropped last."""
    try_at: str | None
    """When the next attempt is due."""
    waiting: int
    """Events that were there to be sent at the last failure, those that `channels` keeps back among them."""
    last_taken_at: str | None
    """When its receiver last took an event; null if it never did."""


@dataclass(frozen=True, slots=True)
class WebhooksView:
    """The webhooks there are."""

    webhooks: tuple[WebhookView, ...]
    """By name."""
    file_problem: str | None
    """Why the file as it is now cannot be used; then the webhooks are those before."""


class WebhookTestResponse(WireResponse):
    """What came of a test message."""

    webhook: str
    """Its name."""
    receiver: str
    """Scheme and host of its URL."""
    taken: bool
    """Whether it was answered 2xx."""
    status: int | None
    """Of the receiver's answer; null where it gave none."""
    seconds: float
    """How long it took."""
    message: str
    """The same in a sentence."""


def webhooks_view(webhooks: Webhooks) -> WebhooksView:
    """Them as people read them, by name."""
    found = sorted(webhooks.webhooks.items())
    return WebhooksView(tuple(_view(one, webhooks.progress(name)) for name, one in found), webhooks.problem)


def _view(webhook: Webhook, progress: WebhookProgress | None) -> WebhookView:
    progress = progress or WebhookProgress(0)
    condition: Literal["well", "failing", "new"] = "failing" if progress.failures else "well"
    if condition == "well" and progress.last_taken_at is None and not progress.problem:
        condition = "new"
    return WebhookView(
        name=webhook.name,
        receiver=webhook.receiver,
        shape=webhook.shape,
        kinds=tuple(webhook.wanted_kinds or ()),
        channels=tuple(webhook.channels or ()),
        condition=condition,
        failing_since=_instant(progress.failing_since),
        failures=progress.failures,
        problem=progress.problem or None,
        try_at=_instant(progress.try_at),
        waiting=progress.waiting,
        last_taken_at=_instant(progress.last_taken_at),
    )


def _instant(instant: int | None) -> str | None:
    return None if instant is None else to_iso8601(instant)
