"""Requests into resources: new ones, and changes that keep whatever a request leaves out, at every depth."""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any, TypeVar

from pydantic import BaseModel

from understudy_controller.api.errors import ResourceNotFound
from understudy_controller.api.models import (
    AccessLogsRequest,
    AuthorizationRequest,
    ConfigureLogsRequest,
    CreateChannelRequest,
    CreateOriginEndpointRequest,
    HlsPackageRequest,
    UpdateChannelRequest,
    UpdateOriginEndpointRequest,
)
from understudy_controller.api.models_understudy import HOLD_DOWN_SECONDS_DEFAULT, PutPolicyRequest
from understudy_domain.cdn_authorization import Authorization
from understudy_domain.channel import (
    EGRESS_LOG_GROUP_DEFAULT,
    INGRESS_LOG_GROUP_DEFAULT,
    AccessLogs,
    Channel,
    FormerCredentials,
    HlsPackage,
    IngestEndpoint,
    OriginEndpoint,
)
from understudy_domain.errors import InvalidResource
from understudy_domain.policy import PolicyKind
from understudy_domain.stream_selection import StreamSelection

T = TypeVar("T", HlsPackage, StreamSelection)


def new_channel(request: CreateChannelRequest, *, now: int) -> Channel:
    """A channel with two ingest endpoints, each with credentials of its own; the first has the channel's own guid.

    ``now`` is in ticks.
    """
    guid = new_guid()
    return Channel(
        id=request.id,
        guid=guid,
        ingest_endpoints=(_new_ingest_endpoint(guid), _new_ingest_endpoint(new_guid())),
        created_at=now,
        description=request.description or "",
        tags=request.tags or {},
    )


def changed_channel(channel: Channel, request: UpdateChannelRequest) -> Channel:
    """``channel`` with the description of ``request``, where it has one."""
    return dataclasses.replace(channel, **_present(request, ("description",)))


@dataclasses.dataclass(frozen=True, slots=True)
class Rotation:
    """A new pair of credentials for one ingest endpoint. Made once, however often it has to be written."""

    username: str
    password: str = dataclasses.field(repr=False)
    former_until: int
    """Ticks since the epoch: until when the pair before it works; at ``now`` or before it: not at all."""
    now: int

    @classmethod
    def new(cls, *, now: int, grace: int) -> Rotation:
        """A rotation with random credentials; ``now`` and ``grace`` are in ticks."""
        return cls(_secret(), _secret(), now + grace, now)

    def of(self, endpoint: IngestEndpoint) -> IngestEndpoint:
        """``endpoint`` with the new pair, and of all former ones only the last, while it has any time left.

        An endpoint that has the new pair stays as it is: to write it twice changes nothing.
        """
        if (endpoint.username, endpoint.password) == (self.username, self.password):
            return endpoint
        former = FormerCredentials(endpoint.username, endpoint.password, self.former_until)
        return IngestEndpoint(
            endpoint.id, self.username, self.password, former if self.former_until > self.now else None
        )


def rotated_channel(channel: Channel, ingest_endpoint_id: str | None, rotation: Rotation) -> Channel:
    """``channel`` with other credentials for one of its ingest endpoints, the first where none is named.

    Raises:
        ResourceNotFound: it has no such ingest endpoint.
    """
    wanted = channel.ingest_endpoints[0].id if ingest_endpoint_id is None else ingest_endpoint_id
    if wanted not in {endpoint.id for endpoint in channel.ingest_endpoints}:
        raise ResourceNotFound(f"the channel {channel.id} has no ingest endpoint with the id {wanted:.256}")
    endpoints = (rotation.of(one) if one.id == wanted else one for one in channel.ingest_endpoints)
    return dataclasses.replace(channel, ingest_endpoints=tuple(endpoints))


def channel_with_logs(channel: Channel, request: ConfigureLogsRequest) -> Channel:
    """``channel`` with the access logs that ``request`` asks for, and no others."""
    return dataclasses.replace(
        channel,
        ingress_access_logs=_access_logs(request.ingress_access_logs, INGRESS_LOG_GROUP_DEFAULT),
        egress_access_logs=_access_logs(request.egress_access_logs, EGRESS_LOG_GROUP_DEFAULT),
    )


def _access_logs(request: AccessLogsRequest | None, default_name: str) -> AccessLogs | None:
    return None if request is None else AccessLogs(request.log_group_name or default_name)


def new_origin_endpoint(request: CreateOriginEndpointRequest, channel: Channel, *, now: int) -> OriginEndpoint:
    """An origin endpoint of ``channel``; ``now`` is in ticks.

    Raises:
        InvalidResource: the fields contradict each other.
    """
    package = request.hls_package or HlsPackageRequest()
    return OriginEndpoint(
        id=request.id,
        guid=new_guid(),
        channel_id=channel.id,
        channel_guid=channel.guid,
        created_at=now,
        hls_package=_package_with(HlsPackage(), package),
        tags=request.tags or {},
        **_endpoint_fields(request),
    )


def changed_origin_endpoint(endpoint: OriginEndpoint, request: UpdateOriginEndpointRequest) -> OriginEndpoint:
    """``endpoint`` with the fields that ``request`` has, and all others as they were.

    Raises:
        InvalidResource: the result's fields contradict each other.
    """
    fields = _endpoint_fields(request)
    if request.hls_package is not None:
        fields["hls_package"] = _package_with(endpoint.hls_package, request.hls_package)
    return dataclasses.replace(endpoint, **fields)


def endpoint_with_policy(endpoint: OriginEndpoint, request: PutPolicyRequest) -> OriginEndpoint:
    """``endpoint`` with the policy of ``request``, whole.

    Raises:
        InvalidResource: the policy needs an input, or cannot have this one, or has no hold-down.
    """
    kind = PolicyKind(request.policy)
    hold_down_seconds = HOLD_DOWN_SECONDS_DEFAULT if request.hold_down_seconds is None else request.hold_down_seconds
    if request.input is None and kind in (PolicyKind.PREFERRED, PolicyKind.PINNED):
        raise InvalidResource(f"input: required, the policy {kind} is about one")
    if request.input == 2 and kind is PolicyKind.OFF:
        raise InvalidResource("input: the policy off has input 1 and no other")
    if request.input == 2 and kind is PolicyKind.STICKY:
        raise InvalidResource("input: the policy sticky is about none")
    if kind is not PolicyKind.PREFERRED and hold_down_seconds != HOLD_DOWN_SECONDS_DEFAULT:
        raise InvalidResource(f"holdDownSeconds: the policy {kind} has no hold-down, only preferred has one")
    return dataclasses.replace(
        endpoint, policy=kind, policy_input=request.input or 1, hold_down_seconds=hold_down_seconds
    )


def new_guid() -> str:
    """32 hex digits that were never used before."""
    return secrets.token_hex(16)


def _new_ingest_endpoint(guid: str) -> IngestEndpoint:
    return IngestEndpoint(id=guid, username=_secret(), password=_secret())


def _secret() -> str:
    return secrets.token_hex(16)


def _endpoint_fields(request: UpdateOriginEndpointRequest) -> dict[str, Any]:
    """The plain fields that the request has."""
    names = (
        "description",
        "manifest_name",
        "origination",
        "startover_window_seconds",
        "time_delay_seconds",
        "whitelist",
    )
    fields = _present(request, names)
    if request.authorization is not None:
        fields["authorization"] = _authorization(request.authorization)
    return fields


def _authorization(request: AuthorizationRequest) -> Authorization | None:
    """None for one whose fields are all empty: since what is left out stays, that is how an authorization goes."""
    if not (request.cdn_identifier_secret or request.secrets_role_arn):
        return None
    return Authorization(request.cdn_identifier_secret, request.secrets_role_arn)


def _package_with(package: HlsPackage, request: HlsPackageRequest) -> HlsPackage:
    changed = _with(package, request, leave_out=("stream_selection", "encryption"))
    if request.stream_selection is None:
        return changed
    selection = _with(package.stream_selection, request.stream_selection)
    return dataclasses.replace(changed, stream_selection=selection)


def _with(value: T, request: BaseModel, *, leave_out: tuple[str, ...] = ()) -> T:
    names = tuple(name for name in type(request).model_fields if name not in leave_out)
    return dataclasses.replace(value, **_present(request, names))


def _present(request: BaseModel, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of ``request`` that are there, lists as tuples, as records hold them."""
    values = {name: getattr(request, name) for name in names}
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if value is not None
    }
