"""What Terraform's `aws_media_package_channel` does with the API, call by call, from apply to destroy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

GONE_WITHIN_SECONDS = 300
"""Terraform's own patience with a deletion."""


class ChannelResource:
    """The provider's resource, reduced to its calls."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, channel_id: str, tags: dict[str, str]) -> dict[str, Any]:
        """Of a configuration that names no description: then the provider gives its own."""
        self._client.create_channel(Id=channel_id, Description="Managed by Terraform", Tags=tags)
        return self.read(channel_id)

    def read(self, channel_id: str) -> dict[str, Any]:
        """The attributes that its state has."""
        channel = self._client.describe_channel(Id=channel_id)
        return {
            "arn": channel["Arn"],
            "channel_id": channel["Id"],
            "description": channel["Description"],
            "tags": self._client.list_tags_for_resource(ResourceArn=channel["Arn"])["Tags"],
            "hls_ingest": [
                {name: endpoint[name] for name in ("Url", "Username", "Password")}
                for endpoint in channel["HlsIngest"]["IngestEndpoints"]
            ],
        }

    def update(self, state: dict[str, Any], *, description: str, tags: dict[str, str]) -> dict[str, Any]:
        """The description and the difference of the tags, each where it differs."""
        if description != state["description"]:
            self._client.update_channel(Id=state["channel_id"], Description=description)
        gone = [key for key in state["tags"] if key not in tags]
        if gone:
            self._client.untag_resource(ResourceArn=state["arn"], TagKeys=gone)
        new = {key: value for key, value in tags.items() if state["tags"].get(key) != value}
        if new:
            self._client.tag_resource(ResourceArn=state["arn"], Tags=new)
        return self.read(state["channel_id"])

    def delete(self, state: dict[str, Any]) -> None:
        """Delete it, then ask until it is said to be gone, by the class of the error."""
        self._client.delete_channel(Id=state["channel_id"])
        deadline = time.monotonic() + GONE_WITHIN_SECONDS
        while time.monotonic() < deadline:
            try:
                self._client.describe_channel(Id=state["channel_id"])
            except self._client.exceptions.NotFoundException:
                return
            time.sleep(1)
        raise AssertionError(f"{state['channel_id']} is still there")


@pytest.mark.compatibility("CreateChannel", "DescribeChannel", "UpdateChannel", "DeleteChannel", "Channel.hlsIngest")
def test_a_channel_is_applied_changed_and_destroyed(client: Any, new_id: Callable[[], str]) -> None:
    resource = ChannelResource(client)
    made = resource.create(new_id(), {"Environment": "test", "Name": "a / b"})
    assert made["description"] == "Managed by Terraform"
    assert made["tags"] == {"Environment": "test", "Name": "a / b"}
    assert len(made["hls_ingest"]) == 2
    assert all(all(endpoint.values()) for endpoint in made["hls_ingest"])
    assert resource.read(made["channel_id"]) == made, "a plan right after an apply has nothing to change"

    changed = resource.update(made, description="news", tags={"Environment": "live"})
    assert changed == {**made, "description": "news", "tags": {"Environment": "live"}}
    assert resource.update(changed, description="news", tags={"Environment": "live"}) == changed

    resource.delete(changed)
    with pytest.raises(client.exceptions.NotFoundException):
        client.list_tags_for_resource(ResourceArn=made["arn"])
    again = resource.create(made["channel_id"], {})
    assert again["arn"] != made["arn"]
    resource.delete(again)


def test_a_channel_that_somebody_else_has_deleted_is_found_gone(client: Any, new_id: Callable[[], str]) -> None:
    resource = ChannelResource(client)
    made = resource.create(new_id(), {})
    client.delete_channel(Id=made["channel_id"])
    with pytest.raises(client.exceptions.NotFoundException):
        resource.read(made["channel_id"])
    with pytest.raises(client.exceptions.NotFoundException):
        client.delete_channel(Id=made["channel_id"])
