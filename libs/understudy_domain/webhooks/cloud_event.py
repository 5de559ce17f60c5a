"""An event as a CloudEvent 1.0 in its structured JSON form: what a webhook sends unless told otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from understudy_domain import ticks
from understudy_domain.event import Event
from understudy_domain.event_view import event_view
from understudy_domain.keys import Arns

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX: Final = "io.understudy."
TEST_TYPE: Final = f"{TYPE_PREFIX}webhook_test"
"""Of what is sent to try a webhook; no kind of event is called so."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one request carries."""

    id: str
    """The same however often it is sent; without dots, for it is signed with dots around it."""
    content_type: str
    body: bytes


def cloud_event(event: Event, *, arns: Arns) -> Message:
    """The CloudEvent of an event; its ``data`` is what the API answers for it."""
    subject = event.channel_id
    if event.origin_endpoint_id is not None:
        subject = f"{subject}/{event.origin_endpoint_id}"
    fields = {
        "specversion": "1.0",
        "id": event.id,
        "source": arns.channel(event.channel),
        "type": f"{TYPE_PREFIX}{event.kind}",
        **({"subject": subject} if subject else {}),  # an old event may not say what its channel was called
        "time": ticks.to_iso8601(event.instant),
        "datacontenttype": "application/json",
        "data": asdict(event_view(event)),
    }
    return Message(message_id(event), CONTENT_TYPE, as_json(fields))


def trial_cloud_event(name: str, *, number: str, now: int, arns: Arns) -> Message:
    """What is sent to try the webhook ``name`` at ``now`` (ticks); ``number`` tells one try from another."""
    fields = {
        "specversion": "1.0",
        "id": f"webhook_test.{name}.{number}",
        "source": arns.channel(""),
        "type": TEST_TYPE,
        "subject": name,
        "time": ticks.to_iso8601(now),
        "datacontenttype": "application/json",
        "data": {"words": f"This is a test of the webhook {name}. Nothing has happened."},
    }
    return Message(f"webhook_test-{name}-{number}", CONTENT_TYPE, as_json(fields))


def message_id(event: Event) -> str:
    """An event's id in the form in which it is signed."""
    return event.id.replace(".", "-")


def as_json(fields: Mapping[str, Any]) -> bytes:
    """A body."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
