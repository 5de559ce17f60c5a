"""Who is let in, as real clients and proxies ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.deadline import eventually
from support.egress_process import Answer, EgressProcess
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain.cdn_authorization import Authorization
from understudy_domain.channel import OriginEndpoint
from understudy_domain.stream_selection import StreamSelection
from understudy_runtime.settings import CommonSettings


@pytest.fixture(scope="module")
def secrets_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guarded egress finds secrets."""
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def guarded(
    shared_settings: CommonSettings, secrets_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EgressProcess]:
    """An egress process behind proxies of this machine, with secrets."""
    directory = tmp_path_factory.mktemp("guarded")
    with EgressProcess(
        directory,
        shared_settings,
        trusted_proxies="127.0.0.0/8, 10.0.0.0/8",
        secrets_directory=str(secrets_directory),
    ) as process:
        yield process


async def publish(publisher: ProgramPublisher, endpoint: OriginEndpoint) -> None:
    await publisher.configure(endpoint)
    for _ in range(3):
        await publisher.publish(endpoint)


def code_of(answer: Answer) -> tuple[int, str]:
    if answer.status == 200:
        return 200, ""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer.status, json.loads(answer.body)["code"]


@pytest.mark.compatibility("OriginEndpoint.whitelist")
async def test_a_whitelist_is_held_against_the_client_before_the_proxies(
    guarded: EgressProcess, egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, replace(shown.endpoint, whitelist=("203.0.113.0/24",)))
    refused = 403, "client_not_whitelisted"
    for path in (shown.multivariant, shown.media, shown.segment(1)):
        with guarded.connect() as kept:
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, 10.1.2.3")) == (200, "")
            # What has been let in once opens nothing to the next one on the same connection.
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, 198.51.100.1")) == refused
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, nonsense")) == refused
            assert code_of(kept.request(path)) == refused
        # The other process trusts nobody: there the same header is the word of anybody.
        assert code_of(egress.get(path, "X-Forwarded-For: 203.0.113.9")) == refused
    seen = json.loads(guarded.get(shown.media, "X-Forwarded-For: 198.51.100.1").body)["message"]
    assert "198.51.100.1" in seen


def shows(identifier: str) -> str:
    return f"X-MediaPackage-CDNIdentifier: {identifier}"


@pytest.mark.compatibility("OriginEndpoint.authorization")
async def test_only_cdns_that_show_the_secret_are_answered_and_two_are_good_while_it_is_exchanged(
    guarded: EgressProcess, publisher: ProgramPublisher, shown: Shown, secrets_directory: Path
) -> None:
    await publish(publisher, shown.endpoint)
    name = shown.endpoint.id
    open_to_all = {path: guarded.get(path) for path in (shown.multivariant, shown.media, shown.segment(1))}
    missing = f'understudy_egress_cdn_secret_missing{{channel="{shown.endpoint.channel_id}",origin_endpoint="{name}"}}'
    refused = 403, "cdn_not_authorized"

    arn = f"arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}-AbCdEf"
    await publisher.configure(replace(shown.endpoint, authorization=Authorization(arn, "role")))
    eventually(
        lambda: guarded.get(shown.media, shows("first-word")).status == 403, within_seconds=20, what="it wants a secret"
    )
    assert guarded.metric(missing) == 1
    assert code_of(guarded.get(shown.media, shows(""))) == refused

    secret = secrets_directory / name
    secret.write_text('{"MediaPackageCDNIdentifier": "first-word"}')
    eventually(
        lambda: guarded.get(shown.media, shows("first-word")).status == 200,
        within_seconds=10,
        what="the secret is read",
    )
    assert guarded.metric(missing) == 0
    with guarded.connect() as kept:
        for path, answer in open_to_all.items():
            for more in ([], ["TE: trailers"]):
                assert kept.request(path, shows("first-word"), *more) == answer
                assert code_of(kept.request(path, *more)) == refused
                assert code_of(kept.request(path, shows("second-word"), *more)) == refused
                assert code_of(kept.request(path, shows("first-word"), shows("first-word"), *more)) == refused
                assert kept.request(path, *more, method="HEAD").status == 403
            assert kept.request(path, shows("first-word"), f"If-None-Match: {answer.headers['etag']}").status == 304
            preflight = kept.request(path, "Origin: https://player.example", method="OPTIONS")
            assert preflight.status == 204
            assert "X-MediaPackage-CDNIdentifier" in preflight.headers["access-control-allow-headers"]

    (secrets_directory / "..new").write_text('{"MediaPackageCDNIdentifier": ["second-word", "first-word"]}')
    (secrets_directory / "..new").rename(secret)
    eventually(
        lambda: guarded.get(shown.media, shows("second-word")).status == 200,
        within_seconds=10,
        what="the new one is good",
    )
    assert guarded.get(shown.media, shows("first-word")).status == 200
    secret.write_text("second-word")
    eventually(
        lambda: guarded.get(shown.media, shows("first-word")).status == 403,
        within_seconds=10,
        what="the old one is bad",
    )
    assert guarded.get(shown.media, shows("second-word")) == open_to_all[shown.media]
    for word in ("first-word", "second-word"):
        assert word not in guarded.log()
        assert word.encode() not in guarded.get("/metrics").body

    await publisher.configure(shown.endpoint)
    eventually(lambda: guarded.get(shown.media).status == 200, within_seconds=20, what="it is open again")
    assert {path: guarded.get(path) for path in open_to_all} == open_to_all


@pytest.mark.compatibility("OriginEndpoint.origination")
async def test_what_was_denied_is_back_unchanged_as_soon_as_it_is_allowed(
    guarded: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown.endpoint)
    before = {path: guarded.get(path) for path in (shown.multivariant, shown.media, shown.segment(0))}
    await publisher.configure(replace(shown.endpoint, origination="DENY"))
    eventually(lambda: guarded.get(shown.media).status == 403, within_seconds=20, what="origination is denied")
    for path in before:
        assert code_of(guarded.get(path)) == (403, "origination_denied")
    assert guarded.get(shown.media, method="OPTIONS").status == 204
    # The programme goes on while nobody may see it.
    await publisher.publish(shown.endpoint)
    await publisher.configure(shown.endpoint)
    eventually(lambda: guarded.get(shown.media).status == 200, within_seconds=20, what="origination is allowed")
    after = guarded.get(shown.media)
    assert after.body.startswith(before[shown.media].body)
    assert after.body.count(b"#EXTINF") == 4
    for path in (shown.multivariant, shown.segment(0)):
        assert guarded.get(path) == before[path]


async def test_a_multivariant_playlist_can_be_filtered_and_nothing_else_can(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown.endpoint)
    whole = egress.get(shown.multivariant)
    parameter = "?aws.manifestfilter="
    with egress.connect() as kept:
        filtered = kept.request(f"{shown.multivariant}{parameter}video_height:720;audio_language:x", method="GET")
        # Its sound is multiplexed, and in no language that is known.
        assert code_of(filtered) == (400, "manifest_filter_leaves_nothing")
        filtered = kept.request(f"{shown.multivariant}{parameter}VIDEO_HEIGHT%3A720&x=1")
        assert (filtered.status, filtered.body) == (200, whole.body)
        assert filtered.headers["etag"] == whole.headers["etag"]
        again = f"If-None-Match: {filtered.headers['etag']}"
        assert kept.request(f"{shown.multivariant}{parameter}video_height:0-720", again).status == 304
        zipped = kept.request(f"{shown.multivariant}{parameter}video_height:720", "Accept-Encoding: gzip")
        assert zipped.headers["content-encoding"] == "gzip"
        for value in ("", "height:1", "video_height:2-1", "video_height:1;video_height:2", "video_codec:x", "x" * 1025):
            refused = kept.request(shown.multivariant + parameter + value)
            assert code_of(refused) == (400, "malformed_manifest_filter"), value
        for value in ("video_height:1", "video_codec:h265", "audio_channels:6"):
            refused = kept.request(shown.multivariant + parameter + value)
            assert code_of(refused) == (400, "manifest_filter_leaves_nothing"), value
        assert kept.request(shown.segment(1)).status == 200
        for path in (shown.media, shown.segment(1)):
            refused = kept.request(f"{path}{parameter}video_height:720")
            assert code_of(refused) == (400, "malformed_manifest_filter")
        assert kept.request(shown.multivariant + "?aws.drmsettings=excludesessionkeys").body == whole.body


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.streamSelection")
async def test_what_is_no_longer_selected_is_gone_from_memory_too_and_comes_back(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown.endpoint)
    paths = (shown.multivariant, shown.media, shown.segment(1))
    before = [egress.get(path) for path in paths]
    selection = StreamSelection(min_video_bits_per_second=3_000_000)
    package = replace(shown.endpoint.hls_package, stream_selection=selection)
    await publisher.configure(replace(shown.endpoint, hls_package=package))
    eventually(lambda: egress.get(shown.media).status == 404, within_seconds=20, what="it is not selected")
    assert "stream selection" in json.loads(egress.get(shown.multivariant).body)["message"]
    for path in paths:
        for more in ([], ["TE: trailers"]):
            assert code_of(egress.get(path, *more)) == (404, "unknown")
    await publisher.configure(shown.endpoint)
    eventually(lambda: egress.get(shown.media).status == 200, within_seconds=20, what="it is selected again")
    for more in ([], ["TE: trailers"]):
        assert [egress.get(path, *more) for path in paths] == before
