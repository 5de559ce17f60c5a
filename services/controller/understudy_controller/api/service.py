"""Channels and origin endpoints in the CONFIG bucket: what the operations do, without HTTP.

Any number of controllers serve this API at once. Every write is one of ``ConfigWriter``'s; every read first catches up
with all that was written before it began.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from understudy_controller.api import resources
from understudy_controller.api.errors import IdTaken, ResourceNotFound
from understudy_controller.api.honoured import refuse_what_cannot_be_created, refuse_what_is_not_honoured
from understudy_controller.api.models import (
    TAGS_MAX,
    ConfigureLogsRequest,
    CreateChannelRequest,
    CreateOriginEndpointRequest,
    UpdateChannelRequest,
    UpdateOriginEndpointRequest,
)
from understudy_controller.api.models_understudy import PutPolicyRequest
from understudy_controller.api.paging import PAGE_LENGTH_DEFAULT, page_of
from understudy_controller.api.render import Renderer
from understudy_controller.api.writing import ConfigWriter
from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.errors import InvalidResource
from understudy_runtime.config_store import ConfigStore, Versioned
from understudy_runtime.errors import AlreadyExists, BusUnavailable, OfANewerRelease


class ControlService:
    """The operations of the control API. One per process; holds no state but the store's."""

    def __init__(
        self, store: ConfigStore, renderer: Renderer, *, now: Callable[[], int], credentials_grace: int = 0
    ) -> None:
        """``now`` returns ticks since the epoch; ``credentials_grace``, in ticks: how long rotated pairs still work."""
        self._store = store
        self._writer = ConfigWriter(store)
        self._renderer = renderer
        self._now = now
        self._credentials_grace = credentials_grace

    # --- channels -----------------------------------------------------------------------------------------------------

    async def create_channel(self, request: CreateChannelRequest) -> Channel:
        """A new channel.

        Raises:
            IdTaken: a channel has this id.
        """
        channel = resources.new_channel(request, now=self._now())
        try:
            await self._writer.create(channel)
        except AlreadyExists as err:
            raise IdTaken(f"id: a channel with the id {request.id} exists") from err
        return channel

    async def channel(self, channel_id: str) -> Channel:
        """The channel with this id.

        Raises:
            ResourceNotFound: there is none.
        """
        await self._store.ensure_current()
        return self._channel(channel_id).value

    async def channels(self, *, length: int | None, token: str | None) -> tuple[Sequence[Channel], str | None]:
        """One page of all channels, and the token of the next.

        Raises:
            InvalidResource: the token is none of ours.
        """
        await self._store.ensure_current()
        found = (versioned.value for versioned in self._store.channels.values())
        return page_of("channels", found, length=length or PAGE_LENGTH_DEFAULT, token=token)

    async def update_channel(self, channel_id: str, request: UpdateChannelRequest) -> Channel:
        """The channel, changed.

        Raises:
            ResourceNotFound: there is none.
        """
        return await self._writer.change(
            lambda: self._channel(channel_id), lambda channel: resources.changed_channel(channel, request)
        )

    async def configure_logs(self, channel_id: str, request: ConfigureLogsRequest) -> Channel:
        """The channel with its access logs switched on and off as ``request`` says.

        Raises:
            ResourceNotFound: there is none.
        """
        return await self._writer.change(
            lambda: self._channel(channel_id), lambda channel: resources.channel_with_logs(channel, request)
        )

    async def rotate_credentials(self, channel_id: str, ingest_endpoint_id: str | None = None) -> Channel:
        """The channel with new credentials for one of its ingest endpoints, the first where none is named.

        Raises:
            ResourceNotFound: there is no such channel, or it has no such ingest endpoint.
        """
        rotation = resources.Rotation.new(now=self._now(), grace=self._credentials_grace)

        def rotated(channel: Channel) -> Channel:
            return resources.rotated_channel(channel, ingest_endpoint_id, rotation)

        try:
            return await self._writer.change(lambda: self._channel(channel_id), rotated)
        except BusUnavailable:
            # Perhaps only the acknowledgement was lost. A client that were told 503 would rotate once more, and so end
            # the grace of the pair that its encoder has.
            await self._store.ensure_current()
            channel = self._channel(channel_id).value
            if rotated(channel) != channel:
                raise
            return channel

    async def delete_channel(self, channel_id: str) -> None:
        """Delete a channel.

        Raises:
            ResourceNotFound: there is none.
            ChannelInUse: it has origin endpoints.
        """

        async def attempt() -> None:
            await self._writer.delete_channel(self._channel(channel_id))

        await self._writer.attempts(attempt)

    # --- origin endpoints ---------------------------------------------------------------------------------------------

    async def create_origin_endpoint(self, request: CreateOriginEndpointRequest) -> OriginEndpoint:
        """A new origin endpoint.

        Raises:
            ResourceNotFound: there is no such channel.
            IdTaken: an origin endpoint has this id.
            InvalidResource, NotHonouredYet: the fields contradict each other, or ask for what cannot be done.
        """
        refuse_what_cannot_be_created(request)
        await self._store.ensure_current()
        channel = self._channel(request.channel_id).value
        endpoint = resources.new_origin_endpoint(request, channel, now=self._now())
        try:
            await self._writer.create_origin_endpoint(endpoint, channel)
        except AlreadyExists as err:
            raise IdTaken(f"id: an origin endpoint with the id {request.id} exists") from err
        return endpoint

    async def origin_endpoint(self, endpoint_id: str) -> OriginEndpoint:
        """The origin endpoint with this id.

        Raises:
            ResourceNotFound: there is none.
        """
        await self._store.ensure_current()
        return self._origin_endpoint(endpoint_id).value

    async def origin_endpoints(
        self, *, channel_id: str | None, length: int | None, token: str | None
    ) -> tuple[Sequence[OriginEndpoint], str | None]:
        """One page of the origin endpoints of one channel or of all, and the token of the next.

        A channel that does not exist has none.

        Raises:
            InvalidResource: the token is none of ours.
        """
        await self._store.ensure_current()
        found = (versioned.value for versioned in self._store.origin_endpoints.values())
        wanted = (endpoint for endpoint in found if channel_id in (None, endpoint.channel_id))
        return page_of("origin_endpoints", wanted, length=length or PAGE_LENGTH_DEFAULT, token=token)

    async def update_origin_endpoint(self, endpoint_id: str, request: UpdateOriginEndpointRequest) -> OriginEndpoint:
        """The origin endpoint, changed; what the request leaves out is kept.

        Raises:
            ResourceNotFound: there is none.
            InvalidResource, NotHonouredYet: the fields contradict each other, or ask for what cannot be done.
        """
        refuse_what_is_not_honoured(request)
        return await self._writer.change(
            lambda: self._origin_endpoint(endpoint_id),
            lambda endpoint: resources.changed_origin_endpoint(endpoint, request),
        )

    async def put_policy(self, endpoint_id: str, request: PutPolicyRequest) -> OriginEndpoint:
        """The origin endpoint with another policy; it applies to slots decided once its channel's log has it.

        Raises:
            ResourceNotFound: there is none.
            InvalidResource: the policy needs an input, or cannot have this one.
        """
        return await self._writer.change(
            lambda: self._origin_endpoint(endpoint_id),
            lambda endpoint: resources.endpoint_with_policy(endpoint, request),
        )

    async def origin_endpoints_of(self, channel_id: str) -> list[OriginEndpoint]:
        """All origin endpoints of a channel, by id.

        Raises:
            ResourceNotFound: there is no such channel.
        """
        channel = await self.channel(channel_id)
        found = (versioned.value for versioned in self._store.origin_endpoints_of(channel.guid))
        return sorted(found, key=lambda endpoint: endpoint.id)

    async def delete_origin_endpoint(self, endpoint_id: str) -> None:
        """Delete an origin endpoint.

        Raises:
            ResourceNotFound: there is none.
        """

        async def attempt() -> None:
            endpoint = self._origin_endpoint(endpoint_id)
            await self._writer.delete(endpoint)

        await self._writer.attempts(attempt)

    # --- tags ---------------------------------------------------------------------------------------------------------

    async def tags(self, arn: str) -> Mapping[str, str]:
        """The tags of the resource with this ARN.

        Raises:
            ResourceNotFound: there is none.
        """
        await self._store.ensure_current()
        return self._by_arn(arn).value.tags

    async def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags, or give them other values.

        Raises:
            ResourceNotFound: there is no such resource.
            InvalidResource: it would have too many.
        """

        def with_these(present: Mapping[str, str]) -> Mapping[str, str]:
            merged = {**present, **tags}
            if len(merged) > TAGS_MAX:
                raise InvalidResource(f"tags: a resource has at most {TAGS_MAX}")
            return merged

        await self._change_tags(arn, with_these)

    async def untag(self, arn: str, tag_keys: Sequence[str]) -> None:
        """Remove tags; keys that are not there do not matter.

        Raises:
            ResourceNotFound: there is no such resource.
        """

        def without_these(present: Mapping[str, str]) -> Mapping[str, str]:
            return {key: value for key, value in present.items() if key not in tag_keys}

        await self._change_tags(arn, without_these)

    # --- finding ------------------------------------------------------------------------------------------------------

    def _channel(self, channel_id: str) -> Versioned[Channel]:
        self._must_be_readable(channel_id, keys.channel_key)
        found = self._store.channels.get(channel_id)
        if found is None:
            raise ResourceNotFound(f"there is no channel with the id {channel_id:.256}")
        return found

    def _must_be_readable(self, resource_id: str, key_of: Callable[[str], str]) -> None:
        if keys.RESOURCE_ID.fullmatch(resource_id) and (key := key_of(resource_id)) in self._store.unreadable:
            raise OfANewerRelease(f"{key} is stored in a form that this release cannot read; go on with the upgrade")

    def _origin_endpoint(self, endpoint_id: str) -> Versioned[OriginEndpoint]:
        self._must_be_readable(endpoint_id, keys.origin_endpoint_key)
        found = self._store.origin_endpoints.get(endpoint_id)
        if found is None:
            raise ResourceNotFound(f"there is no origin endpoint with the id {endpoint_id:.256}")
        return found

    def _by_arn(self, arn: str) -> Versioned[Channel] | Versioned[OriginEndpoint]:
        guid = arn.rpartition("/")[2]
        found = self._writer.by_guid(guid)
        if found is None or arn != self._renderer.arn(found.value):
            raise ResourceNotFound(f"there is no channel or origin endpoint with the ARN {arn:.512}")
        return found

    async def _change_tags(self, arn: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        async def attempt() -> None:
            found = self._by_arn(arn)
            changed = dataclasses.replace(found.value, tags=change(found.value.tags))
            await self._store.update(changed, found.revision)

        await self._writer.attempts(attempt)
