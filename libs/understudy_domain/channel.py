"""CONFIG: channels, their two ingest endpoints, and origin endpoints, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from understudy_domain import ticks
from understudy_domain.cdn_authorization import Authorization
from understudy_domain.codec import record
from understudy_domain.errors import InvalidResource
from understudy_domain.facts import EndpointConfigured
from understudy_domain.policy import HOLD_DOWN_DEFAULT, PolicyKind
from understudy_domain.stream_selection import StreamSelection

SEGMENT_DURATION_SECONDS_DEFAULT = 6
PLAYLIST_WINDOW_SECONDS_DEFAULT = 60
MANIFEST_NAME_DEFAULT = "index"
PLAYLIST_TYPE_DEFAULT = "NONE"


@dataclass(frozen=True, slots=True)
class FormerCredentials:
    """The pair that was replaced last, and until when an encoder that still has it is let in."""

    username: str
    password: str = field(repr=False)
    until: int
    """Ticks since the epoch."""


@dataclass(frozen=True, slots=True)
class IngestEndpoint:
    """The URL an input PUTs to. Input 1 is the channel's first, input 2 its second."""

    id: str
    """Guid; the first one's is the channel's own, as in MediaPackage."""
    username: str
    password: str = field(repr=False)
    """Never in a log, not even by accident."""
    former: FormerCredentials | None = None
    """None where the credentials were never rotated, or without a grace period."""


INGRESS_LOG_GROUP_DEFAULT = "/aws/MediaPackage/IngressAccessLogs"
EGRESS_LOG_GROUP_DEFAULT = "/aws/MediaPackage/EgressAccessLogs"


@dataclass(frozen=True, slots=True)
class AccessLogs:
    """One half of a channel's access logs, configured. The name of its group is kept, and means nothing here."""

    log_group_name: str


@record("config.channel")
@dataclass(frozen=True, slots=True)
class Channel:
    """One live programme, fed by two inputs."""

    id: str
    guid: str
    ingest_endpoints: tuple[IngestEndpoint, ...]
    created_at: int
    """Ticks since the epoch."""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    ingress_access_logs: AccessLogs | None = None
    """Of what is asked of its ingest endpoints; None: none are written."""
    egress_access_logs: AccessLogs | None = None
    """Of what is asked of its origin endpoints; None: none are written."""
    declared: str | None = None
    """The digest of its declaration in a file, as it was last applied; None: no file has declared it."""


@dataclass(frozen=True, slots=True)
class HlsPackage:
    """MediaPackage's HlsPackage. The control API stores only values that are honoured, or that ask for nothing."""

    segment_duration_seconds: int = SEGMENT_DURATION_SECONDS_DEFAULT
    playlist_window_seconds: int = PLAYLIST_WINDOW_SECONDS_DEFAULT
    program_date_time_interval_seconds: int = 0
    """0: no EXT-X-PROGRAM-DATE-TIME."""
    playlist_type: str = PLAYLIST_TYPE_DEFAULT
    """``NONE``, ``EVENT`` or ``VOD``."""
    ad_markers: str = "NONE"
    use_audio_rendition_group: bool = False
    include_iframe_only_stream: bool = False
    include_dvb_subtitles: bool = False
    ad_triggers: tuple[str, ...] | None = None
    """None: never asked for. Like the next, of no effect while ``ad_markers`` is ``NONE``."""
    ads_on_delivery_restrictions: str | None = None
    stream_selection: StreamSelection = field(default_factory=StreamSelection)


@record("config.origin_endpoint")
@dataclass(frozen=True, slots=True)
class OriginEndpoint:
    """A delivery point that players and CDNs read; it owns delay, window and decision."""

    id: str
    guid: str
    channel_id: str
    channel_guid: str
    created_at: int
    """Ticks since the epoch."""
    hls_package: HlsPackage
    manifest_name: str = MANIFEST_NAME_DEFAULT
    description: str = ""
    time_delay_seconds: int = 0
    startover_window_seconds: int = 0
    origination: str = "ALLOW"
    whitelist: tuple[str, ...] = ()
    authorization: Authorization | None = None
    """None: whoever comes need not show a secret."""
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: PolicyKind = PolicyKind.STICKY
    policy_input: int = 1
    """The input that is preferred or pinned."""
    hold_down_seconds: int = HOLD_DOWN_DEFAULT // ticks.TICKS_PER_SECOND
    declared: str | None = None
    """As a channel's."""
    first_media_sequence: int = 0
    """Media sequence number that its programme begins with. Under a pinned guid it is the epoch second of its creation:
    what another installation has published under the same URLs lies before it, for slots are no shorter than 1 s."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            InvalidResource: the time delay does not fit into the startover window (MediaPackage: it must be less), or
                there is none, and the playlist type needs one.
        """
        if self.startover_window_seconds and self.time_delay_seconds >= self.startover_window_seconds:
            raise InvalidResource("timeDelaySeconds must be less than startoverWindowSeconds, where that is set")
        if self.lists_all and not self.startover_window_seconds:
            raise InvalidResource(
                f"hlsPackage.playlistType {self.hls_package.playlist_type} lists the programme since it began, which "
                "startoverWindowSeconds has to reach: set startoverWindowSeconds to more than the programme lasts, or "
                "hlsPackage.playlistType to NONE"
            )

    @property
    def lists_all(self) -> bool:
        """Its live playlist lists everything since the programme began."""
        return self.hls_package.playlist_type != PLAYLIST_TYPE_DEFAULT

    @property
    def time_delay(self) -> int:
        """Ticks."""
        return self.time_delay_seconds * ticks.TICKS_PER_SECOND


def configured(endpoint: OriginEndpoint, *, revision: int) -> EndpointConfigured:
    """The command that says what an endpoint's configuration, at a revision of CONFIG, asks of the decision core."""
    return EndpointConfigured(
        origin_endpoint=endpoint.guid,
        segment_duration=endpoint.hls_package.segment_duration_seconds * ticks.TICKS_PER_SECOND,
        time_delay=endpoint.time_delay,
        revision=revision,
        policy=endpoint.policy,
        policy_input=endpoint.policy_input,
        hold_down=endpoint.hold_down_seconds * ticks.TICKS_PER_SECOND,
        first_media_sequence=endpoint.first_media_sequence,
    )
