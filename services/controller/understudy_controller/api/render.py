"""Resources into responses: ARNs, URLs and the defaults that MediaPackage fills in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy_controller.api.models import (
    AccessLogsResponse,
    AuthorizationResponse,
    ChannelResponse,
    HlsIngestResponse,
    HlsPackageResponse,
    IngestEndpointResponse,
    ListChannelsResponse,
    ListOriginEndpointsResponse,
    OriginEndpointResponse,
    StreamSelectionResponse,
)
from understudy_controller.api.models_harvest import (
    HarvestJobResponse,
    HarvestProgressResponse,
    ListHarvestJobsResponse,
    S3DestinationResponse,
)
from understudy_controller.api.models_understudy import PolicyResponse
from understudy_controller.settings import ControllerSettings
from understudy_domain import keys, ticks
from understudy_domain.cdn_authorization import Authorization
from understudy_domain.channel import AccessLogs, Channel, HlsPackage, IngestEndpoint, OriginEndpoint
from understudy_domain.harvest_job import HarvestJob


@dataclass(frozen=True, slots=True)
class Renderer:
    """Knows the names under which this installation is reached, and nothing else."""

    ingest_public_url: str
    egress_public_url: str
    region: str
    account_id: str
    second_ingest_public_url: str | None = None
    """Of input 2, where that has a name of its own."""

    @classmethod
    def of(cls, settings: ControllerSettings) -> Renderer:
        """The renderer for these settings."""
        second = settings.second_ingest_public_url
        return cls(
            ingest_public_url=settings.ingest_public_url.rstrip("/"),
            egress_public_url=settings.egress_public_url.rstrip("/"),
            region=settings.region,
            account_id=settings.account_id,
            second_ingest_public_url=None if second is None else second.rstrip("/"),
        )

    def arn(self, resource: Channel | OriginEndpoint | HarvestJob) -> str:
        """MediaPackage's form: of the guid, not of the id, so that an id created again is another resource."""
        arns = keys.Arns(self.region, self.account_id)
        if isinstance(resource, HarvestJob):
            return arns.harvest_job(resource.guid)
        return arns.channel(resource.guid) if isinstance(resource, Channel) else arns.origin_endpoint(resource.guid)

    def channel(self, channel: Channel) -> ChannelResponse:
        """A channel with its two ingest endpoints."""
        return ChannelResponse(
            arn=self.arn(channel),
            created_at=ticks.to_iso8601(channel.created_at),
            description=channel.description,
            egress_access_logs=_access_logs(channel.egress_access_logs),
            hls_ingest=HlsIngestResponse(
                ingest_endpoints=[self._ingest_endpoint(channel, endpoint) for endpoint in channel.ingest_endpoints]
            ),
            id=channel.id,
            ingress_access_logs=_access_logs(channel.ingress_access_logs),
            tags=dict(channel.tags),
        )

    def origin_endpoint(self, endpoint: OriginEndpoint) -> OriginEndpointResponse:
        """An origin endpoint with the URL of its multivariant playlist."""
        return OriginEndpointResponse(
            arn=self.arn(endpoint),
            authorization=_authorization(endpoint.authorization),
            channel_id=endpoint.channel_id,
            created_at=ticks.to_iso8601(endpoint.created_at),
            description=endpoint.description,
            hls_package=_hls_package(endpoint.hls_package),
            id=endpoint.id,
            manifest_name=endpoint.manifest_name,
            origination=endpoint.origination,
            startover_window_seconds=endpoint.startover_window_seconds,
            tags=dict(endpoint.tags),
            time_delay_seconds=endpoint.time_delay_seconds,
            url=self.egress_public_url + keys.multivariant_path(endpoint.guid, endpoint.manifest_name),
            whitelist=list(endpoint.whitelist),
        )

    def channels(self, page: Sequence[Channel], next_token: str | None) -> ListChannelsResponse:
        """One page of channels."""
        return ListChannelsResponse(channels=[self.channel(channel) for channel in page], next_token=next_token)

    def origin_endpoints(self, page: Sequence[OriginEndpoint], next_token: str | None) -> ListOriginEndpointsResponse:
        """One page of origin endpoints."""
        return ListOriginEndpointsResponse(
            next_token=next_token, origin_endpoints=[self.origin_endpoint(endpoint) for endpoint in page]
        )

    def harvest_job(self, job: HarvestJob) -> HarvestJobResponse:
        """A harvest job, and how far it has come."""
        plan, progress = job.plan, job.progress
        return HarvestJobResponse(
            arn=self.arn(job),
            channel_id=job.origin_endpoint.channel_id,
            created_at=ticks.to_iso8601(job.created_at),
            end_time=ticks.to_iso8601(job.end),
            id=job.id,
            origin_endpoint_id=job.origin_endpoint.id,
            s3_destination=S3DestinationResponse(
                bucket_name=job.destination.bucket_name,
                manifest_key=job.destination.manifest_key,
                role_arn=job.destination.role_arn,
            ),
            start_time=ticks.to_iso8601(job.start),
            status=job.status,
            progress=HarvestProgressResponse(
                segments_stored=progress.segments if progress is not None else 0,
                segments_total=plan.segments if plan is not None else None,
                bytes_stored=progress.bytes if progress is not None else 0,
                bytes_total=plan.bytes if plan is not None else None,
            ),
            message=job.message,
            ended_at=None if job.ended_at is None else ticks.to_iso8601(job.ended_at),
        )

    def harvest_jobs(self, page: Sequence[HarvestJob], next_token: str | None) -> ListHarvestJobsResponse:
        """One page of harvest jobs."""
        return ListHarvestJobsResponse(harvest_jobs=[self.harvest_job(job) for job in page], next_token=next_token)

    def _ingest_endpoint(self, channel: Channel, endpoint: IngestEndpoint) -> IngestEndpointResponse:
        is_input_2 = endpoint.id != channel.guid
        public_url = (is_input_2 and self.second_ingest_public_url) or self.ingest_public_url
        return IngestEndpointResponse(
            id=endpoint.id,
            password=endpoint.password,
            url=public_url + keys.ingest_url_path(channel.guid, endpoint.id),
            username=endpoint.username,
        )


def policy(endpoint: OriginEndpoint) -> PolicyResponse:
    """An origin endpoint's policy."""
    return PolicyResponse(
        policy=endpoint.policy, input=endpoint.policy_input, hold_down_seconds=endpoint.hold_down_seconds
    )


def _authorization(authorization: Authorization | None) -> AuthorizationResponse | None:
    if authorization is None:
        return None
    return AuthorizationResponse(
        cdn_identifier_secret=authorization.cdn_identifier_secret, secrets_role_arn=authorization.secrets_role_arn
    )


def _access_logs(logs: AccessLogs | None) -> AccessLogsResponse | None:
    return None if logs is None else AccessLogsResponse(log_group_name=logs.log_group_name)


def _hls_package(package: HlsPackage) -> HlsPackageResponse:
    selection = package.stream_selection
    return HlsPackageResponse(
        ad_markers=package.ad_markers,
        ad_triggers=None if package.ad_triggers is None else list(package.ad_triggers),
        ads_on_delivery_restrictions=package.ads_on_delivery_restrictions,
        include_dvb_subtitles=package.include_dvb_subtitles,
        include_iframe_only_stream=package.include_iframe_only_stream,
        playlist_type=package.playlist_type,
        playlist_window_seconds=package.playlist_window_seconds,
        program_date_time_interval_seconds=package.program_date_time_interval_seconds,
        segment_duration_seconds=package.segment_duration_seconds,
        stream_selection=StreamSelectionResponse(
            max_video_bits_per_second=selection.max_video_bits_per_second,
            min_video_bits_per_second=selection.min_video_bits_per_second,
            stream_order=selection.stream_order,
        ),
        use_audio_rendition_group=package.use_audio_rendition_group,
    )
