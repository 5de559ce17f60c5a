"""Which input a request is for: from its path to a channel's ingest endpoint, and that endpoint's credentials."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from understudy_domain import keys
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_domain.errors import MalformedKey
from understudy_ingest.digest import Credentials
from understudy_ingest.errors import UnknownPath
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import OfANewerRelease

_REFRESH_INTERVAL_SECONDS = 0.2
_CREDENTIALS_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Input:
    """One encoder's feed, as configured now."""

    channel: Channel
    input_id: int
    credentials: Credentials
    path: keys.IngestPath
    asked: keys.IngestPath | keys.OldIngestPath
    """The path as it was written."""


class Inputs:
    """Finds inputs in the configuration; asks for newer configuration before it says that there is none."""

    def __init__(self, config: ConfigStore, *, nonce_seconds: float) -> None:
        self._config = config
        self._nonce_seconds = nonce_seconds
        self._credentials: OrderedDict[IngestEndpoint, Credentials] = OrderedDict()
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed_at = float("-inf")

    async def find(self, path: str) -> Input:
        """The input that a decoded request path is under.

        Raises:
            UnknownPath: there is none; the sentence says which part is wrong.
            OfANewerRelease: it may be one that cannot be read here.
            BusUnavailable: it is not known here, and whether it exists cannot be asked now.
        """
        try:
            parsed = keys.parse_ingest_path(path)
        except MalformedKey as err:
            raise UnknownPath(
                f"{err}: use the input URL of the channel as it is, a file name for its last part"
            ) from err
        channel = self._channel(parsed)
        if channel is None:
            await self._refresh()
            channel = self._channel(parsed)
        if channel is None and self._config.unreadable:
            raise OfANewerRelease("there may be such a channel: a newer release has configured some")
        if channel is None:
            name = parsed.channel_id if isinstance(parsed, keys.OldIngestPath) else parsed.channel_guid
            raise UnknownPath(f"there is no channel {name}: it was deleted, or the URL is mistyped")
        if isinstance(parsed, keys.OldIngestPath):
            endpoint = channel.ingest_endpoints[0]
            present = keys.IngestPath(channel.guid, endpoint.id, parsed.name)
            return Input(channel, 1, self._credentials_of(endpoint), present, parsed)
        for input_id, endpoint in enumerate(channel.ingest_endpoints, start=1):
            if endpoint.id == parsed.ingest_guid:
                return Input(channel, input_id, self._credentials_of(endpoint), parsed, parsed)
        raise UnknownPath(f"channel {channel.id} has no ingest endpoint {parsed.ingest_guid}: compare its input URLs")

    def _channel(self, parsed: keys.IngestPath | keys.OldIngestPath) -> Channel | None:
        """The channel of a path; the old form names it by its id, and so means whichever has that id now."""
        if isinstance(parsed, keys.OldIngestPath):
            found = self._config.channels.get(parsed.channel_id)
        else:
            found = self._config.channel_by_guid(parsed.channel_guid)
        return None if found is None else found.value

    async def _refresh(self) -> None:
        """See what was written before now. Any number of requests for unknown channels share few questions to NATS."""
        if self._refreshing is None:
            task = self._refreshing = asyncio.get_running_loop().create_task(self._refresh_soon())
        else:
            task = self._refreshing
        await asyncio.shield(task)

    async def _refresh_soon(self) -> None:
        try:
            await asyncio.sleep(self._refreshed_at + _REFRESH_INTERVAL_SECONDS - clock.monotonic())
        finally:
            # Who asks from here on may ask for what is written after the question is sent: the next one answers.
            self._refreshing = None
            self._refreshed_at = clock.monotonic()
        await self._config.ensure_current()

    def _credentials_of(self, endpoint: IngestEndpoint) -> Credentials:
        found = self._credentials.get(endpoint)
        if found is None:
            found = self._credentials[endpoint] = Credentials(endpoint, nonce_seconds=self._nonce_seconds)
            if len(self._credentials) > _CREDENTIALS_MAX:
                self._credentials.popitem(last=False)
        return found
