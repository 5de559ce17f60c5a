"""What spans say of messages, in the words of OpenTelemetry's conventions for messaging."""

from __future__ import annotations

from typing import Final

from understudy_runtime.tracing import Attributes

ARRIVALS_TEMPLATE: Final = "arrivals.{shard}.{channel}.{input}"
PROGRAM_TEMPLATE: Final = "program.{shard}.{origin_endpoint}"
PUBLISH_ARRIVAL: Final = f"publish {ARRIVALS_TEMPLATE}"
PUBLISH_ENTRY: Final = f"publish {PROGRAM_TEMPLATE}"


def published(subject: str, *, template: str, size: int) -> Attributes:
    """Of a message that is stored under ``subject``; ``template``: its form; ``size``: bytes."""
    return {
        **_of(subject, template),
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
        "messaging.message.body.size": size,
    }


def processed(subject: str, *, template: str, operation: str) -> Attributes:
    """Of something that follows from a message under ``subject``; ``operation``: what it is called."""
    return {**_of(subject, template), "messaging.operation.name": operation, "messaging.operation.type": "process"}


def _of(subject: str, template: str) -> dict[str, str]:
    return {
        "messaging.system": "nats",
        "messaging.destination.name": subject,
        "messaging.destination.template": template,
    }
