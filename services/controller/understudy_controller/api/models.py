"""The wire: requests and responses in the words and types of MediaPackage v1's service model.

Requests are strict: ``"6"`` is no integer and a field that the model does not have is refused by name, since a
misspelt field that is ignored in silence shows only when an encoder fails. ``null`` means absent. A response may carry
more than the model has, never less.

Limits that MediaPackage does not publish, and why these: descriptions and tags as AWS limits tags elsewhere, so that
no resource grows beyond what the bus carries; segments to 30 s and playlists to an hour, since nobody can play more.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from understudy_controller.api.wire_models import WireRequest as _Request
from understudy_controller.api.wire_models import WireResponse as _Response
from understudy_domain.stream_selection import VIDEO_BITS_PER_SECOND_MAX

TAGS_MAX = 50

ResourceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,256}$")]
ManifestName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,256}$")]
Description = Annotated[str, StringConstraints(max_length=4096)]
Tags = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=128)],
        Annotated[str, StringConstraints(max_length=256)],
    ],
    Field(max_length=TAGS_MAX),
]


def _ipv4_block(value: str) -> str:
    try:
        IPv4Network(value, strict=False)
    except ValueError as err:
        raise PydanticCustomError("ipv4_block", "must be an IPv4 address block, such as 192.0.2.0/24") from err
    return value


Ipv4Block = Annotated[str, StringConstraints(pattern=r"^[0-9.]{7,15}(/[0-9]{1,2})?$"), AfterValidator(_ipv4_block)]
LogGroupName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/#-]{0,512}$")]
PlaylistType = Literal["NONE", "EVENT", "VOD"]
AdMarkers = Literal["NONE", "SCTE35_ENHANCED", "PASSTHROUGH", "DATERANGE"]
AdsOnDeliveryRestrictions = Literal["NONE", "RESTRICTED", "UNRESTRICTED", "BOTH"]
StreamOrder = Literal["ORIGINAL", "VIDEO_BITRATE_ASCENDING", "VIDEO_BITRATE_DESCENDING"]
Origination = Literal["ALLOW", "DENY"]
AdTrigger = Literal[
    "SPLICE_INSERT",
    "BREAK",
    "PROVIDER_ADVERTISEMENT",
    "DISTRIBUTOR_ADVERTISEMENT",
    "PROVIDER_PLACEMENT_OPPORTUNITY",
    "DISTRIBUTOR_PLACEMENT_OPPORTUNITY",
    "PROVIDER_OVERLAY_PLACEMENT_OPPORTUNITY",
    "DISTRIBUTOR_OVERLAY_PLACEMENT_OPPORTUNITY",
]
Package = dict[str, Any]
"""A packager or encryption that is not honoured yet: any object, refused as a whole."""


# --- requests ---------------------------------------------------------------------------------------------------------


class CreateChannelRequest(_Request):
    """POST /channels."""

    id: ResourceId
    description: Description | None = None
    tags: Tags | None = None


class UpdateChannelRequest(_Request):
    """PUT /channels/{id}."""

    description: Description | None = None


class AccessLogsRequest(_Request):
    """``ingressAccessLogs`` or ``egressAccessLogs``; ``{}`` asks for them in the default group."""

    log_group_name: LogGroupName | None = None


class ConfigureLogsRequest(_Request):
    """PUT /channels/{id}/configure_logs. What is left out is switched off."""

    egress_access_logs: AccessLogsRequest | None = None
    ingress_access_logs: AccessLogsRequest | None = None


class StreamSelectionRequest(_Request):
    """``hlsPackage.streamSelection``."""

    min_video_bits_per_second: Annotated[int, Field(ge=0, le=VIDEO_BITS_PER_SECOND_MAX)] | None = None
    max_video_bits_per_second: Annotated[int, Field(ge=0, le=VIDEO_BITS_PER_SECOND_MAX)] | None = None
    stream_order: StreamOrder | None = None


class HlsPackageRequest(_Request):
    """``hlsPackage``."""

    ad_markers: AdMarkers | None = None
    ad_triggers: Annotated[list[AdTrigger], Field(max_length=8)] | None = None
    ads_on_delivery_restrictions: AdsOnDeliveryRestrictions | None = None
    encryption: Package | None = None
    include_dvb_subtitles: bool | None = None
    include_iframe_only_stream: bool | None = None
    playlist_type: PlaylistType | None = None
    playlist_window_seconds: Annotated[int, Field(ge=1, le=3_600)] | None = None
    program_date_time_interval_seconds: Annotated[int, Field(ge=0, le=3_600)] | None = None
    segment_duration_seconds: Annotated[int, Field(ge=1, le=30)] | None = None
    stream_selection: StreamSelectionRequest | None = None
    use_audio_rendition_group: bool | None = None


class AuthorizationRequest(_Request):
    """``authorization``; both empty: none."""

    cdn_identifier_secret: Annotated[str, StringConstraints(max_length=2_048)]
    secrets_role_arn: Annotated[str, StringConstraints(max_length=2_048)]


class UpdateOriginEndpointRequest(_Request):
    """PUT /origin_endpoints/{id}."""

    authorization: AuthorizationRequest | None = None
    cmaf_package: Package | None = None
    dash_package: Package | None = None
    description: Description | None = None
    hls_package: HlsPackageRequest | None = None
    manifest_name: ManifestName | None = None
    mss_package: Package | None = None
    origination: Origination | None = None
    startover_window_seconds: Annotated[int, Field(ge=0, le=1_209_600)] | None = None
    time_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    whitelist: Annotated[list[Ipv4Block], Field(max_length=1_000)] | None = None


class CreateOriginEndpointRequest(UpdateOriginEndpointRequest):
    """POST /origin_endpoints."""

    channel_id: ResourceId
    id: ResourceId
    tags: Tags | None = None


class TagResourceRequest(_Request):
    """POST /tags/{resource-arn}."""

    tags: Tags


# --- responses --------------------------------------------------------------------------------------------------------


class IngestEndpointResponse(_Response):
    """One of a channel's two ingest endpoints; input 1 is the first."""

    id: str
    password: str
    url: str
    username: str


class HlsIngestResponse(_Response):
    """``hlsIngest``."""

    ingest_endpoints: list[IngestEndpointResponse]


class AccessLogsResponse(_Response):
    """``ingressAccessLogs`` or ``egressAccessLogs``."""

    log_group_name: str


class ChannelResponse(_Response):
    """A channel. Access logs that are off are left out."""

    arn: str
    created_at: str
    description: str
    egress_access_logs: AccessLogsResponse | None = None
    hls_ingest: HlsIngestResponse
    id: str
    ingress_access_logs: AccessLogsResponse | None = None
    tags: dict[str, str]


class StreamSelectionResponse(_Response):
    """``hlsPackage.streamSelection``."""

    max_video_bits_per_second: int
    min_video_bits_per_second: int
    stream_order: str


class HlsPackageResponse(_Response):
    """``hlsPackage``, with the defaults filled in."""

    ad_markers: str
    ad_triggers: list[str] | None = None
    ads_on_delivery_restrictions: str | None = None
    include_dvb_subtitles: bool
    include_iframe_only_stream: bool
    playlist_type: str
    playlist_window_seconds: int
    program_date_time_interval_seconds: int
    segment_duration_seconds: int
    stream_selection: StreamSelectionResponse
    use_audio_rendition_group: bool


class AuthorizationResponse(_Response):
    """``authorization``: the names of the secret and the role."""

    cdn_identifier_secret: str
    secrets_role_arn: str


class OriginEndpointResponse(_Response):
    """An origin endpoint."""

    arn: str
    authorization: AuthorizationResponse | None = None
    channel_id: str
    created_at: str
    description: str
    hls_package: HlsPackageResponse
    id: str
    manifest_name: str
    origination: str
    startover_window_seconds: int
    tags: dict[str, str]
    time_delay_seconds: int
    url: str
    whitelist: list[str]


class ListChannelsResponse(_Response):
    """One page of channels, by id; ``nextToken`` where there are more."""

    channels: list[ChannelResponse]
    next_token: str | None = None


class ListOriginEndpointsResponse(_Response):
    """One page of origin endpoints, by id; ``nextToken`` where there are more."""

    next_token: str | None = None
    origin_endpoints: list[OriginEndpointResponse]


class TagsResponse(_Response):
    """The tags of a resource."""

    tags: dict[str, str]


class EmptyResponse(_Response):
    """``{}``."""


class ErrorResponse(_Response):
    """What every failure answers; ``x-amzn-ErrorType`` names its class."""

    message: str
