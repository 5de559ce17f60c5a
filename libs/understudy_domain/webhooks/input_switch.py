"""An event as EventBridge delivers MediaPackage's ``InputSwitchEvent``, for receivers that know nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from understudy_domain import ticks
from understudy_domain.event import Event, EventKind
from understudy_domain.keys import Arns
from understudy_domain.ticks import from_seconds
from understudy_domain.webhooks.cloud_event import Message, as_json

CONTENT_TYPE: Final = "application/json; charset=utf-8"
KINDS: Final = (EventKind.FAILOVER, EventKind.SWITCHOVER, EventKind.FAILBACK)
"""What MediaPackage has one name for: an origin endpoint follows the other input."""
PERIOD: Final = from_seconds(300)
"""One event for each origin endpoint within so long, ticks, however often its input changes."""
LOOKED_BACK: Final = 12 * PERIOD
"""How far back it is looked for what was told before, by who did not tell it: ticks."""

_MESSAGE: Final = "Origin endpoint experienced an Input Switch Event"


def input_switch(event: Event, *, arns: Arns, ingest_endpoints: Sequence[str] | None) -> Message:
    """The ``InputSwitchEvent`` of an event of ``KINDS``.

    ``ingest_endpoints``: ids of input 1 and input 2 as the API shows them; None where the channel is no more.
    """
    details = {"Channel": event.channel_id}
    if ingest_endpoints is not None and event.active_input is not None:
        details["PreviousIngestEndpoint"] = ingest_endpoints[2 - event.active_input]
        details["CurrentIngestEndpoint"] = ingest_endpoints[event.active_input - 1]
    return _message(
        _uuid_of(event.id),
        event.instant,
        arns,
        resource=arns.origin_endpoint(event.origin_endpoint or ""),
        detail={"event": "InputSwitchEvent", "message": _MESSAGE, "EventDetails": details},
    )


def trial_input_switch(name: str, *, number: str, now: int, arns: Arns) -> Message:
    """What is sent to try the webhook ``name``: the same shape, of an origin endpoint that there is not."""
    message = f"{_MESSAGE} (this is a test of the webhook {name}: nothing has happened)"
    return _message(
        _uuid_of(f"webhook_test.{name}.{number}"),
        now,
        arns,
        resource=arns.origin_endpoint("0" * 32),
        detail={"event": "InputSwitchEvent", "message": message},
    )


class StormControl:
    """Which changes of input are told: of each origin endpoint one in five minutes, the first."""

    def __init__(self, before: Iterable[Event] = ()) -> None:
        """``before``: what happened before, in order of time."""
        self._told: dict[str, int] = {}
        for event in before:
            if self.admits(event):
                self.tell(event)

    def admits(self, event: Event) -> bool:
        """Whether an event of ``KINDS`` is told. What it counts by is when it happened, not when it is sent."""
        told = self._told.get(event.about)
        return told is None or event.instant - told >= PERIOD

    def tell(self, event: Event) -> None:
        """It has been told."""
        self._told = {about: told for about, told in self._told.items() if event.instant - told < PERIOD}
        self._told[event.about] = event.instant


def _message(message_id: str, instant: int, arns: Arns, *, resource: str, detail: dict[str, Any]) -> Message:
    fields = {
        "version": "0",
        "id": message_id,
        "detail-type": "MediaPackage Input Notification",
        "source": "aws.mediapackage",
        "account": arns.account_id,
        "time": ticks.to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": arns.region,
        "resources": [resource],
        "detail": detail,
    }
    return Message(message_id, CONTENT_TYPE, as_json(fields))


def _uuid_of(text: str) -> str:
    """A UUID that is the same for the same text, in the form of version 8 (RFC 9562)."""
    digits = hashlib.sha256(text.encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
