"""What is sent of an event, by the shape that a webhook has."""

from __future__ import annotations

from collections.abc import Sequence

from understudy_controller.webhooks.file import Webhook
from understudy_domain.event import Event
from understudy_domain.keys import Arns
from understudy_domain.webhooks.cloud_event import Message, cloud_event, trial_cloud_event
from understudy_domain.webhooks.input_switch import input_switch, trial_input_switch
from understudy_runtime.config_store import ConfigStore


class Shapes:
    """Makes messages with the names of this installation."""

    def __init__(self, store: ConfigStore, *, arns: Arns) -> None:
        self._store = store
        self._arns = arns

    def message(self, webhook: Webhook, event: Event) -> Message:
        """What is sent of an event."""
        if webhook.shape == "mediapackage":
            return input_switch(event, arns=self._arns, ingest_endpoints=self._ingest_endpoints(event))
        return cloud_event(event, arns=self._arns)

    def trial(self, webhook: Webhook, *, number: str, now: int) -> Message:
        """What is sent to try a webhook."""
        make = trial_input_switch if webhook.shape == "mediapackage" else trial_cloud_event
        return make(webhook.name, number=number, now=now, arns=self._arns)

    def _ingest_endpoints(self, event: Event) -> Sequence[str] | None:
        channel = self._store.channel_by_guid(event.channel)
        return None if channel is None else [one.id for one in channel.value.ingest_endpoints]
