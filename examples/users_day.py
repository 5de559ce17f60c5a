r"""A user's day with MediaPackage and boto3: run it as it is against AWS, or with --endpoint-url against Understudy.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_DEFAULT_REGION=eu-west-1 \
        python examples/users_day.py --endpoint-url http://127.0.0.1:7070

It needs boto3 and an FFmpeg, which plays the part of both encoders. Everything it makes, it deletes;
only what it harvests stays in its bucket, where one is named with --bucket.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, urljoin

import boto3
from botocore.exceptions import ClientError

SEGMENT_SECONDS = 2
PATIENCE_SECONDS = 60


def say(what: str) -> None:
    """Tell what happens."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds, or give up the day."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(0.5)
    say(what)


@contextlib.contextmanager
def refused(code: str) -> Iterator[None]:
    """What must be refused, with this error of the service model."""
    try:
        yield
    except ClientError as err:
        if err.response["Error"]["Code"] != code:
            raise
        say(f"refused, as it must be: {err.response['Error']['Message']}")
    else:
        sys.exit(f"{code} was expected")


# --- an encoder -------------------------------------------------------------------------------------------------------


def start_encoder(ffmpeg: str, ingest_endpoint: dict[str, Any]) -> subprocess.Popen[bytes]:
    """A test picture with a tone, cut at whole multiples of two seconds since 1970, pushed with Digest."""
    user = f"{quote(ingest_endpoint['Username'], safe='')}:{quote(ingest_endpoint['Password'], safe='')}"
    url = ingest_endpoint["Url"].replace("://", f"://{user}@", 1)
    first = int(time.time()) // SEGMENT_SECONDS + 1
    time.sleep(first * SEGMENT_SECONDS - time.time())
    command = [
        *(ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"),
        *("-re", "-f", "lavfi", "-i", "sine=sample_rate=48000"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-b:v", "300k"),
        *("-g", str(25 * SEGMENT_SECONDS), "-keyint_min", str(25 * SEGMENT_SECONDS), "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", "64k"),
        *("-output_ts_offset", str(first * SEGMENT_SECONDS), "-start_number", str(first)),
        *("-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "10"),
        *("-hls_flags", "program_date_time", "-hls_segment_filename", f"{url}_1_%d.ts"),
        *("-master_pl_name", "channel.m3u8", "-method", "PUT", "-http_persistent", "1", f"{url}_1.m3u8"),
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_all(encoders: Iterable[subprocess.Popen[bytes]]) -> None:
    """Leave none behind, however the day ends."""
    for encoder in encoders:
        encoder.kill()
        encoder.wait()


# --- a player ---------------------------------------------------------------------------------------------------------


def fetch(url: str) -> bytes | None:
    """What is there; None where nothing is."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as err:
        with err:
            return None


def media_playlist(url: str) -> tuple[str, str]:
    """The URL of the first variant's media playlist, and its text; empty where there is none."""
    multivariant = (fetch(url) or b"").decode()
    variants = re.findall(r"^[^#\s].*$", multivariant, re.MULTILINE)
    if not variants:
        return url, ""
    url = urljoin(url, variants[0])
    return url, (fetch(url) or b"").decode()


def segments(url: str) -> dict[int, str]:
    """The segments that the first variant lists, by media sequence number; none before the first."""
    url, playlist = media_playlist(url)
    found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", playlist)
    listed = re.findall(r"^[^#\s].*$", playlist, re.MULTILINE)
    return {int(found[1]) + at: urljoin(url, name) for at, name in enumerate(listed)} if found else {}


def plays(url: str, *, after: int = -1) -> bool:
    """Whether three segments later than one are listed, and can be fetched."""
    newer = [segment for number, segment in segments(url).items() if number > after]
    if len(newer) < 3:
        return False
    media = [fetch(segment) for segment in newer]
    return all(one is not None and one[:1] == b"\x47" for one in media)  # the first byte of MPEG-TS


def watch_again(url: str, *, start: float, end: float) -> int:
    """Ask for a part of the programme that has been shown; how many segments it has, all there and with an end."""
    window = f"{url}?start={start:.0f}&end={end:.0f}"
    if not media_playlist(window)[1].rstrip().endswith("#EXT-X-ENDLIST"):
        sys.exit(f"no recording: {window}")
    media = [fetch(segment) for segment in segments(window).values()]
    if len(media) < 3 or not all(media):
        sys.exit(f"segments are missing: {window}")
    return len(media)


# --- the day ----------------------------------------------------------------------------------------------------------


def make_a_channel(client: Any, name: str) -> dict[str, Any]:
    """A channel with tags, found again by every operation that finds one."""
    channel: dict[str, Any] = client.create_channel(Id=name, Description="a user's day", Tags={"team": "news"})
    arn = channel["Arn"]
    assert client.describe_channel(Id=name)["Arn"] == arn
    pages = client.get_paginator("list_channels").paginate(PaginationConfig={"PageSize": 1})
    assert arn in [one["Arn"] for page in pages for one in page["Channels"]]
    client.tag_resource(ResourceArn=arn, Tags={"tier": "1"})
    client.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"tier": "1"}
    client.configure_logs(Id=name, IngressAccessLogs={}, EgressAccessLogs={})
    assert "EgressAccessLogs" in client.describe_channel(Id=name)
    say(f"channel {arn}")
    return channel


def make_endpoints(client: Any, name: str) -> list[dict[str, Any]]:
    """Two origin endpoints: one as short as it goes, one with everything said."""
    short = client.create_origin_endpoint(
        Id=f"{name}-short", ChannelId=name, HlsPackage={"SegmentDurationSeconds": SEGMENT_SECONDS}
    )
    whole = client.create_origin_endpoint(
        Id=f"{name}-whole",
        ChannelId=name,
        Description="with everything said",
        ManifestName="main",
        StartoverWindowSeconds=3600,
        TimeDelaySeconds=0,
        Origination="ALLOW",
        Whitelist=["127.0.0.0/8"],
        Tags={"tier": "2"},
        HlsPackage={
            "SegmentDurationSeconds": 2 * SEGMENT_SECONDS,
            "PlaylistWindowSeconds": 60,
            "PlaylistType": "NONE",
            "ProgramDateTimeIntervalSeconds": 10,
            "AdMarkers": "NONE",
            "IncludeIframeOnlyStream": False,
            "UseAudioRenditionGroup": False,
            "StreamSelection": {
                "MinVideoBitsPerSecond": 0,
                "MaxVideoBitsPerSecond": 2147483647,
                "StreamOrder": "ORIGINAL",
            },
        },
    )
    endpoints = client.list_origin_endpoints(ChannelId=name)["OriginEndpoints"]
    assert [one["Url"] for one in endpoints] == [short["Url"], whole["Url"]]
    for one in endpoints:
        say(f"origin endpoint {one['Id']}: {one['Url']}")
    return [short, whole]


def harvest(client: Any, name: str, bucket: str, *, start: float, end: float) -> None:
    """Write a part of the programme that has been shown into a bucket."""
    job = client.create_harvest_job(
        Id=f"{name}-{start:.0f}",
        OriginEndpointId=f"{name}-whole",
        StartTime=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start)),
        EndTime=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)),
        S3Destination={
            "BucketName": bucket,
            "ManifestKey": f"{name}/{start:.0f}/index.m3u8",
            "RoleArn": "arn:aws:iam::111122223333:role/harvest",
        },
    )
    until(f"{job['Id']} is harvested", lambda: client.describe_harvest_job(Id=job["Id"])["Status"] == "SUCCEEDED")
    listed = client.list_harvest_jobs(IncludeChannelId=name, IncludeStatus="SUCCEEDED")["HarvestJobs"]
    assert [one["Arn"] for one in listed] == [job["Arn"]]


def clean_up(client: Any, name: str) -> None:
    """Delete everything, first in the wrong order."""
    with refused("UnprocessableEntityException"):
        client.delete_channel(Id=name)
    for endpoint in client.list_origin_endpoints(ChannelId=name)["OriginEndpoints"]:
        client.delete_origin_endpoint(Id=endpoint["Id"])
    client.delete_channel(Id=name)
    with refused("NotFoundException"):
        client.describe_channel(Id=name)


def run(client: Any, name: str, ffmpeg: str, bucket: str | None) -> None:
    """The whole day."""
    channel = make_a_channel(client, name)
    with refused("UnprocessableEntityException"):
        client.create_channel(Id=name)
    short, whole = make_endpoints(client, name)
    with contextlib.ExitStack() as running:
        encoders = [start_encoder(ffmpeg, one) for one in channel["HlsIngest"]["IngestEndpoints"]]
        running.callback(kill_all, encoders)
        for endpoint in (short, whole):
            until(f"{endpoint['Id']} plays", lambda url=endpoint["Url"]: plays(url))  # type: ignore[misc]
        began_at = time.time() - 2 * SEGMENT_SECONDS

        changed = client.update_origin_endpoint(
            Id=short["Id"], Description="changed on the air", HlsPackage={"PlaylistWindowSeconds": 30}
        )
        assert (changed["Url"], changed["HlsPackage"]["SegmentDurationSeconds"]) == (short["Url"], SEGMENT_SECONDS)
        client.update_channel(Id=name, Description="on the air")

        first, second = channel["HlsIngest"]["IngestEndpoints"]
        rotated = client.rotate_ingest_endpoint_credentials(Id=name, IngestEndpointId=second["Id"])
        same, new = rotated["HlsIngest"]["IngestEndpoints"]
        assert (same, new["Url"]) == (first, second["Url"])
        assert (new["Username"], new["Password"]) != (second["Username"], second["Password"])
        encoders[1].kill()
        encoders[1] = start_encoder(ffmpeg, new)
        newest = max(segments(short["Url"]))
        until("encoder 2 pushes with its new credentials", lambda: plays(short["Url"], after=newest))

        encoders[0].kill()
        newest = max(segments(short["Url"]))
        for endpoint in (short, whole):
            after = newest if endpoint is short else max(segments(whole["Url"]))
            until(
                f"{endpoint['Id']} goes on without encoder 1",
                lambda url=endpoint["Url"], after=after: plays(url, after=after),  # type: ignore[misc]
            )
            ended_at = time.time() - 4 * SEGMENT_SECONDS
        say(f"{watch_again(whole['Url'], start=began_at, end=ended_at)} segments of what was on, to watch again")
    if bucket is not None:
        harvest(client, name, bucket, start=began_at, end=ended_at)
    clean_up(client, name)
    until("the playback URLs answer no longer", lambda: fetch(short["Url"]) is None and fetch(whole["Url"]) is None)


def main() -> None:
    """Read the command line and live the day."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--endpoint-url", help="another MediaPackage than AWS's")
    parser.add_argument("--ffmpeg", default="ffmpeg", help="the program that plays the encoders")
    parser.add_argument("--name", default="users-day", help="id of the channel, beginning of all others")
    parser.add_argument("--bucket", help="where to harvest a part of the day; left out: not at all")
    arguments = parser.parse_args()
    client = boto3.client("mediapackage", endpoint_url=arguments.endpoint_url)
    run(client, arguments.name, arguments.ffmpeg, arguments.bucket)
    say("a good day")


if __name__ == "__main__":
    main()
