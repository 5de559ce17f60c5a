"""The channel and the origin endpoint of a smoke test: made, and taken away whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from understudy_controller.smoke_test.control_api import ControlApi
from understudy_controller.smoke_test.http import Address, Pair
from understudy_controller.smoke_test.push import SEGMENT_SECONDS, Input

CHANNEL_ID: Final = "smoke-test"
_DESCRIPTION: Final = "Made by a smoke test, which removes it; left behind by one that was killed"


@dataclass(frozen=True, slots=True)
class MadeInput:
    """An ingest endpoint."""

    path: str
    """Of its URL, without what a proxy in front may have put before it."""
    credentials: Pair

    def at(self, address: Address) -> Input:
        """As it is reached by an address."""
        return Input(address.url + self.path, self.credentials)


@dataclass(frozen=True, slots=True)
class Made:
    """What there is to push to and to play."""

    inputs: tuple[MadeInput, MadeInput]
    playlist_path: str
    """Of the multivariant playlist."""


@contextmanager
def made_resources(api: ControlApi, channel_id: str) -> Iterator[Made]:
    """A new channel with an origin endpoint; one that an earlier test has left is removed first.

    Raises:
        SmokeTestFailed: the control API refuses.
    """
    _remove(api, channel_id)
    try:
        channel = api.post("/channels", {"id": channel_id, "description": _DESCRIPTION})
        endpoint = api.post(
            "/origin_endpoints",
            {
                "id": channel_id,
                "channelId": channel_id,
                "description": _DESCRIPTION,
                "hlsPackage": {"segmentDurationSeconds": SEGMENT_SECONDS, "playlistWindowSeconds": 60},
            },
        )
        first, second = (_input(one) for one in channel["hlsIngest"]["ingestEndpoints"])
        yield Made((first, second), _from(endpoint["url"], "/out/v1/"))
    finally:
        _remove(api, channel_id)


def _remove(api: ControlApi, channel_id: str) -> None:
    api.delete(f"/origin_endpoints/{channel_id}")
    api.delete(f"/channels/{channel_id}")


def _input(described: dict[str, Any]) -> MadeInput:
    return MadeInput(_from(described["url"], "/in/v2/"), Pair(described["username"], described["password"]))


def _from(url: str, begins: str) -> str:
    return begins + urlsplit(url).path.partition(begins)[2]
