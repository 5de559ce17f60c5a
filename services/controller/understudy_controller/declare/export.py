"""What is stored, as a file that declares it: with guids and credentials, so that a rebuilt cluster keeps all URLs."""

from __future__ import annotations

from typing import Any, Final

import yaml

from understudy_controller.api import render
from understudy_controller.api.render import Renderer
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_runtime.config_store import ConfigStore

_HEAD: Final = "# What this installation has. The passwords of the encoders are in it: keep it as a secret.\n"


def export(store: ConfigStore, renderer: Renderer) -> str:
    """The file's text."""
    declared = {
        "channels": [_channel(one.value, renderer) for _, one in sorted(store.channels.items())],
        "originEndpoints": [_origin_endpoint(one.value, renderer) for _, one in sorted(store.origin_endpoints.items())],
    }
    return _HEAD + yaml.safe_dump(declared, sort_keys=False, allow_unicode=True, width=120)


def _channel(channel: Channel, renderer: Renderer) -> dict[str, Any]:
    wire = renderer.channel(channel).model_dump(mode="json", by_alias=True, exclude_none=True)
    endpoints = [{name: one[name] for name in ("id", "username", "password")} for one in _ingest_endpoints(wire)]
    rest = _without(wire, "id", "arn", "createdAt", "hlsIngest")
    return {"id": channel.id, "guid": channel.guid, **rest, "hlsIngest": {"ingestEndpoints": endpoints}}


def _ingest_endpoints(wire: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = wire["hlsIngest"]["ingestEndpoints"]
    return found


def _origin_endpoint(endpoint: OriginEndpoint, renderer: Renderer) -> dict[str, Any]:
    wire = renderer.origin_endpoint(endpoint).model_dump(mode="json", by_alias=True, exclude_none=True)
    policy = render.policy(endpoint).model_dump(mode="json", by_alias=True)
    names = {"id": endpoint.id, "channelId": endpoint.channel_id, "guid": endpoint.guid}
    return {**names, **_without(wire, "id", "channelId", "arn", "createdAt", "url"), "policy": policy}


def _without(wire: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in wire.items() if name not in names}
