"""What comes of a value that is asked for through the control API: at the decision core, egress, ingest and harvester.

Real processes side by side, and nothing between them but the configuration that the controller has stored: a value that
gets lost on the way from AWS's client to where it counts shows here. ``test_limits_and_defaults.py`` has which values
there are. Each test has an origin endpoint of its own.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from support.control_process import Controller
from support.deadline import eventually
from support.egress_process import EgressProcess
from support.field_paths import with_field
from support.harvester_process import HarvesterProcess
from support.harvesting import Farm
from support.nats_server import running_nats_server
from support.program_entries import make_audio, make_entry, make_piece, make_video
from support.service_process import ServiceProcess
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

SLOT = ticks.from_seconds(2)
SLOTS = 40
"""80 s of them: more than the default playlist window."""
SECRET = "one-word"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\na.ts\n"


class IngestProcess(ServiceProcess):
    """`python -m understudy_ingest`."""

    service = "ingest"


@dataclass(frozen=True, slots=True)
class Studio:
    """All services, and AWS's client of the controller."""

    controller: Controller
    client: Any
    egress: EgressProcess
    ingest: IngestProcess
    settings: CommonSettings

    def code(self, path: str, *headers: str) -> int:
        """The status of egress's answer."""
        return self.egress.get(path, *headers).status

    def numbers(self, endpoint_id: str) -> dict[str, Any]:
        """What the decision core has heard of an origin endpoint; empty before it has."""
        status, answer = self.controller.json("GET", f"/understudy/v1/origin_endpoints/{endpoint_id}/status")
        assert status == 200, answer
        return answer["numbers"] or {}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, shared_settings: CommonSettings) -> Iterator[Studio]:
    folder, secrets = tmp_path_factory.mktemp("studio"), tmp_path_factory.mktemp("secrets")
    (secrets / "cdn").write_text(SECRET)
    with running_nats_server(folder / "nats") as nats:
        settings = shared_settings.model_copy(update={"nats_url": nats.url})
        with (
            Controller(folder, nats_url=nats.url) as controller,
            EgressProcess(folder, settings, secrets_directory=str(secrets)) as egress,
            IngestProcess(folder, settings) as ingest,
            HarvesterProcess(folder, settings, harvest_wait_seconds="0"),
        ):
            client = controller.client()
            client.create_channel(Id="show")
            yield Studio(controller, client, egress, ingest, settings)


@pytest.fixture
async def farm(studio: Studio) -> AsyncIterator[Farm]:
    """Writes the entries that a controller would have written."""
    farm = await Farm.open(studio.settings)
    yield farm
    await farm.close()


@dataclass(frozen=True, slots=True)
class Airing:
    """An origin endpoint that has been on air for some time."""

    studio: Studio
    answer: dict[str, Any]
    """Of the request that created it."""
    dates: list[int]
    """When each of its slots began, ticks since the epoch."""

    @property
    def path(self) -> str:
        """Of the multivariant playlist, as players have it from the API."""
        return urlsplit(str(self.answer["Url"])).path

    @property
    def media(self) -> str:
        """Of the media playlist of the variant in the middle."""
        return self.path.removesuffix(".m3u8") + "_v2.m3u8"

    def variants(self) -> list[str]:
        """In the order in which players see them."""
        lines = self.studio.egress.get(self.path).body.decode().splitlines()
        return [line.removesuffix(".m3u8")[-2:] for line in lines if not line.startswith("#")]


NewAiring = Callable[..., Any]


@pytest.fixture
def on_air(studio: Studio, farm: Farm, new_id: Callable[[], str]) -> NewAiring:
    """Creates an origin endpoint with these fields, and puts it on air."""

    async def make(**fields: Any) -> Airing:
        answer = studio.client.create_origin_endpoint(
            **{"Id": new_id(), "ChannelId": "show", "HlsPackage": {}} | fields
        )
        await farm.config.ensure_current()
        endpoint = farm.config.origin_endpoints[answer["Id"]].value
        began = clock.now_ticks() // SLOT * SLOT - SLOTS * SLOT
        dates = [began + number * SLOT for number in range(SLOTS)]
        for number, date in enumerate(dates):
            piece = make_piece(number, duration=SLOT)
            rates = {"v1": (5_000_000, 1), "v2": (3_000_000, 0), "v3": (1_000_000, 2)}
            ladder = [
                make_video(piece, rendition=name, audio_group="audio", nominal_bandwidth=rate, position=position)
                for name, (rate, position) in rates.items()
            ]
            entry = make_entry(number, slot_duration=SLOT, renditions=[*ladder, make_audio(piece)], endpoint=endpoint)
            await farm.publisher.append(replace(entry, program_date_time=date, available_at=date + SLOT), endpoint)
        airing = Airing(studio, answer, dates)
        eventually(lambda: _shows(airing), within_seconds=10, what="egress has it all, or refuses")
        return airing

    return make


def _shows(airing: Airing) -> bool:
    answer = airing.studio.egress.get(airing.media)
    return answer.status == 403 or f"/{SLOTS - 1}.ts".encode() in answer.body


# --- the decision core ------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "CreateOriginEndpoint",
    "UpdateOriginEndpoint",
    "DeleteOriginEndpoint",
    "OriginEndpoint.hlsPackage",
    "OriginEndpoint.hlsPackage.segmentDurationSeconds",
    "OriginEndpoint.timeDelaySeconds",
)
@pytest.mark.parametrize(
    ("path", "number", "default"),
    [
        ("HlsPackage.SegmentDurationSeconds", "segment_duration_seconds", 6),
        ("TimeDelaySeconds", "time_delay_seconds", 0),
    ],
)
def test_what_slots_are_made_of_is_what_was_asked_for(
    studio: Studio, new_id: Callable[[], str], path: str, number: str, default: int
) -> None:
    client = studio.client
    made = {}
    for asked in (None, 1, 7, 30):
        fields = {"Id": new_id(), "ChannelId": "show", "HlsPackage": {}}
        answer = client.create_origin_endpoint(**fields | ({} if asked is None else with_field(path, asked)))
        made[answer["Id"]] = default if asked is None else asked

    def heard() -> dict[str, Any]:
        return {endpoint_id: studio.numbers(endpoint_id).get(number) for endpoint_id in made}

    eventually(lambda: None not in heard().values(), within_seconds=10, what="the core has heard of them")
    assert heard() == made
    changed = next(iter(made))
    client.update_origin_endpoint(Id=changed, **with_field(path, 5))
    eventually(lambda: heard() == made | {changed: 5}, within_seconds=10, what="the core has heard of the change")


# --- egress -----------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "OriginEndpoint.hlsPackage.playlistWindowSeconds", "OriginEndpoint.hlsPackage.programDateTimeIntervalSeconds"
)
async def test_a_playlist_is_as_long_and_has_as_many_dates_as_was_asked_for(studio: Studio, on_air: NewAiring) -> None:
    def listed(airing: Airing) -> tuple[int, int]:
        body = studio.egress.get(airing.media).body
        return body.count(b"#EXTINF"), body.count(b"#EXT-X-PROGRAM-DATE-TIME")

    assert listed(await on_air()) == (30, 0), "60 s, and no dates"
    assert listed(await on_air(HlsPackage={"PlaylistWindowSeconds": 20})) == (10, 0)
    dated = await on_air(HlsPackage={"PlaylistWindowSeconds": 40, "ProgramDateTimeIntervalSeconds": 10})
    assert listed(dated) == (20, 4)
    studio.client.update_origin_endpoint(Id=dated.answer["Id"], HlsPackage={"PlaylistWindowSeconds": 20})
    eventually(lambda: listed(dated) == (10, 2), within_seconds=10, what="the window is shorter")


@pytest.mark.compatibility(
    "OriginEndpoint.hlsPackage.streamSelection",
    "OriginEndpoint.hlsPackage.streamSelection.minVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.maxVideoBitsPerSecond",
    "OriginEndpoint.hlsPackage.streamSelection.streamOrder",
)
async def test_variants_are_those_that_were_asked_for_in_that_order(on_air: NewAiring) -> None:
    airing = await on_air()
    assert airing.variants() == ["v2", "v1", "v3"], "all, as the encoder lists them"
    client = airing.studio.client

    def shown(wanted: list[str], **selection: object) -> None:
        package = {"StreamSelection": selection}
        client.update_origin_endpoint(Id=airing.answer["Id"], HlsPackage=package)
        eventually(lambda: airing.variants() == wanted, within_seconds=10, what=f"{wanted} by {selection}")

    shown(["v3", "v2", "v1"], StreamOrder="VIDEO_BITRATE_ASCENDING")
    shown(["v1", "v2", "v3"], StreamOrder="VIDEO_BITRATE_DESCENDING")
    shown(["v1", "v2"], MinVideoBitsPerSecond=3_000_000)
    shown(["v2"], MaxVideoBitsPerSecond=3_000_000)
    shown(["v2", "v3"], MinVideoBitsPerSecond=0)
    shown(["v2", "v1", "v3"], MaxVideoBitsPerSecond=2**31 - 1, StreamOrder="ORIGINAL")


@pytest.mark.compatibility("OriginEndpoint.manifestName", "OriginEndpoint.url")
async def test_the_multivariant_playlist_has_the_name_that_was_asked_for(studio: Studio, on_air: NewAiring) -> None:
    unnamed, named = await on_air(), await on_air(ManifestName="main")
    assert unnamed.path.endswith("/index.m3u8")
    assert named.path.endswith("/main.m3u8")
    assert (studio.code(unnamed.path), studio.code(named.path)) == (200, 200)
    assert studio.code(named.path.replace("main", "index")) == 404
    assert b"\nmain_v2.m3u8\n" in studio.egress.get(named.path).body


@pytest.mark.compatibility("OriginEndpoint.origination", "OriginEndpoint.whitelist", "OriginEndpoint.authorization")
@pytest.mark.parametrize(
    ("closed", "opened"),
    [
        ({"Origination": "DENY"}, {"Origination": "ALLOW"}),
        ({"Whitelist": ["192.0.2.0/24"]}, {"Whitelist": ["192.0.2.0/24", "127.0.0.1/32"]}),
        ({"Whitelist": ["127.0.0.2/32"]}, {"Whitelist": []}),
        (
            {"Authorization": {"CdnIdentifierSecret": "cdn", "SecretsRoleArn": "role"}},
            {"Authorization": {"CdnIdentifierSecret": "", "SecretsRoleArn": ""}},
        ),
    ],
)
async def test_who_is_let_in_is_who_was_meant(
    studio: Studio, on_air: NewAiring, closed: dict[str, Any], opened: dict[str, Any]
) -> None:
    airing = await on_air(**closed)
    assert {studio.code(path) for path in (airing.path, airing.media)} == {403}
    shows_secret = f"X-MediaPackage-CDNIdentifier: {SECRET}"
    assert studio.code(airing.media, shows_secret) == (200 if "Authorization" in closed else 403)
    studio.client.update_origin_endpoint(Id=airing.answer["Id"], **opened)
    eventually(lambda: studio.code(airing.media) == 200, within_seconds=10, what="it is open")
    studio.client.update_origin_endpoint(Id=airing.answer["Id"], **closed)
    eventually(lambda: studio.code(airing.media) == 403, within_seconds=10, what="it is closed")


@pytest.mark.compatibility("OriginEndpoint.startoverWindowSeconds")
async def test_as_much_of_the_past_is_in_reach_as_was_asked_for(studio: Studio, on_air: NewAiring) -> None:
    none, some = await on_air(), await on_air(StartoverWindowSeconds=60)

    def window(airing: Airing, first: int) -> tuple[int, int]:
        begin, end = (airing.dates[number] // ticks.TICKS_PER_SECOND for number in (first, first + 5))
        answer = studio.egress.get(f"{airing.media}?start={begin}&end={end}")
        return answer.status, answer.body.count(b"#EXTINF")

    assert window(some, SLOTS - 20) == (200, 5), "40 s ago"
    assert window(some, 1)[0] == 404, "78 s ago"
    assert window(none, SLOTS - 20)[0] == 404, "without a startover window there is no past"
    studio.client.update_origin_endpoint(Id=some.answer["Id"], StartoverWindowSeconds=600)
    eventually(lambda: window(some, 1) == (200, 5), within_seconds=10, what="more is in reach")


# --- ingest -----------------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "CreateChannel",
    "DeleteChannel",
    "Channel.hlsIngest",
    "Channel.hlsIngest.ingestEndpoints",
    "Channel.hlsIngest.ingestEndpoints.url",
    "Channel.hlsIngest.ingestEndpoints.username",
    "Channel.hlsIngest.ingestEndpoints.password",
    "RotateIngestEndpointCredentials",
    "RotateIngestEndpointCredentials.ingest_endpoint_id",
    "RotateChannelCredentials",
)
def test_encoders_are_let_in_with_what_the_api_has_told_them(studio: Studio, new_id: Callable[[], str]) -> None:
    channel = studio.client.create_channel(Id=new_id())
    first, second = channel["HlsIngest"]["IngestEndpoints"]

    def put(at: dict[str, str], who: dict[str, str], auth: Callable[[str, str], httpx.Auth] = httpx.DigestAuth) -> int:
        url = f"{studio.ingest.url}{urlsplit(at['Url']).path}.m3u8"
        return httpx.put(url, content=PLAYLIST, auth=auth(who["Username"], who["Password"])).status_code

    eventually(lambda: put(first, first) == 200, within_seconds=10, what="the first is let in")
    assert put(second, second) == put(second, second, httpx.BasicAuth) == 200
    assert (put(first, second), put(second, first)) == (401, 401)
    assert put(first, {**first, "Username": second["Username"]}) == 401

    rotated = studio.client.rotate_ingest_endpoint_credentials(Id=channel["Id"], IngestEndpointId=second["Id"])
    kept, other = rotated["HlsIngest"]["IngestEndpoints"]
    eventually(lambda: put(second, second) == 401, within_seconds=10, what="the former pair is refused")
    assert (put(kept, first), put(other, other)) == (200, 200)
    other, _ = studio.client.rotate_channel_credentials(Id=channel["Id"])["HlsIngest"]["IngestEndpoints"]
    eventually(lambda: put(first, first) == 401, within_seconds=10, what="the former pair is refused")
    assert put(other, other) == 200

    studio.client.delete_channel(Id=channel["Id"])
    eventually(lambda: put(other, other) in (401, 404), within_seconds=10, what="the channel is gone")


# --- the harvester ----------------------------------------------------------------------------------------------------


@pytest.mark.compatibility(
    "CreateHarvestJob",
    "DescribeHarvestJob",
    "ListHarvestJobs",
    "ListHarvestJobs.harvestJobs",
    "ListHarvestJobs.includeStatus",
    "HarvestJob.channelId",
    "HarvestJob.startTime",
    "HarvestJob.endTime",
    "HarvestJob.originEndpointId",
    "HarvestJob.s3Destination",
    "HarvestJob.s3Destination.bucketName",
    "HarvestJob.s3Destination.manifestKey",
    "HarvestJob.status",
)
async def test_a_job_writes_its_window_where_it_was_told_to(
    studio: Studio, farm: Farm, new_id: Callable[[], str]
) -> None:
    client = studio.client
    endpoint_id = client.create_origin_endpoint(
        Id=new_id(), ChannelId="show", HlsPackage={}, StartoverWindowSeconds=3_600
    )["Id"]
    await farm.config.ensure_current()
    await farm.publish(farm.config.origin_endpoints[endpoint_id].value, 6)

    def submit(bucket: str) -> str:
        start, end = (
            (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ticks.to_seconds(farm.instant(slot)))).isoformat()
            for slot in (2, 5)
        )
        destination = {"BucketName": bucket, "ManifestKey": "a/b/main.m3u8", "RoleArn": "role"}
        job = client.create_harvest_job(
            Id=new_id(), OriginEndpointId=endpoint_id, StartTime=start, EndTime=end, S3Destination=destination
        )
        assert (job["ChannelId"], job["Status"]) == ("show", "IN_PROGRESS")
        return str(job["Id"])

    good, bad = submit(farm.bucket), submit("nobodys-bucket")

    def statuses() -> dict[str, str]:
        return {one: client.describe_harvest_job(Id=one)["Status"] for one in (good, bad)}

    done = {good: "SUCCEEDED", bad: "FAILED"}
    eventually(lambda: statuses() == done, within_seconds=20, what="both jobs are done")
    for status in ("IN_PROGRESS", "SUCCEEDED", "FAILED"):
        listed = {one["Id"] for one in client.list_harvest_jobs(IncludeStatus=status)["HarvestJobs"]}
        assert listed == {job_id for job_id, its in done.items() if its == status}
    objects = farm.objects()
    assert b"#EXT-X-STREAM-INF" in objects.pop("a/b/main.m3u8")
    assert all(key.startswith("a/b/") for key in objects)
    segments = sorted(key for key in objects if key.endswith(".ts"))
    assert [re.sub(".*/", "", key) for key in segments] == ["2.ts", "3.ts", "4.ts"]
