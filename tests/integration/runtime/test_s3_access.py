"""How a real S3 server is reached and by whom: TLS, roles of pods, the bucket's place; what is told where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import Authority
from support.deadline import eventually
from support.installation import IngestService
from support.nats_server import NatsServer
from support.object_store import S3Server, running_s3_server
from support.role_service import running_role_service
from understudy_runtime.errors import BucketMissing, StorageMisconfigured, StorageRefused, StorageUnavailable
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

KEY = "media/x/object"
DOMAIN = "s3.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[S3Server]:
    directory = tmp_path_factory.mktemp("s3")
    with running_s3_server(
        directory, certificate=authority.issue("s3"), options=[f"-s3.domainName={DOMAIN}"]
    ) as server:
        yield server


def settings_of(server: S3Server, **given: Any) -> CommonSettings:
    own = {"s3_access_key_id": server.access_key_id, "s3_secret_access_key": server.secret_access_key}
    return CommonSettings.model_validate({"s3_endpoint_url": server.url, **own, **given})


def without_keys(server: S3Server, **given: Any) -> CommonSettings:
    return settings_of(server, s3_access_key_id=None, s3_secret_access_key=None, **given)


async def test_behind_an_authority_of_ones_own_it_is_trusted(server: S3Server, authority: Authority) -> None:
    url = f"https://127.0.0.1:{server.tls_port}"
    store = ObjectStore(settings_of(server, s3_endpoint_url=url, s3_tls_ca_file=authority.ca_file))
    await store.put(KEY, b"sealed")
    assert await store.get(KEY) == b"sealed"
    with pytest.raises(StorageUnavailable, match=r"not trusted \(UnknownIssuer\); look at UNDERSTUDY_S3_TLS_CA_FILE"):
        await ObjectStore(settings_of(server, s3_endpoint_url=url)).put(KEY, b"x")


async def test_a_port_without_tls_is_told_as_that(server: S3Server) -> None:
    store = ObjectStore(settings_of(server, s3_endpoint_url=server.url.replace("http://", "https://")))
    with pytest.raises(StorageUnavailable, match=r"does not speak TLS .*UNDERSTUDY_S3_ENDPOINT_URL"):
        await store.put(KEY, b"x")


async def test_the_bucket_may_stand_before_the_host(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    # The names below the domain are nowhere; a proxy is asked for them by name, and the server takes it for its own.
    monkeypatch.setenv("HTTP_PROXY", server.url)
    before = ObjectStore(settings_of(server, s3_endpoint_url=f"http://{DOMAIN}", s3_addressing_style="virtual"))
    await before.put("elsewhere/object", b"before")
    monkeypatch.delenv("HTTP_PROXY")
    assert await ObjectStore(settings_of(server)).get("elsewhere/object") == b"before"


async def test_the_keys_of_the_environment_are_taken(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_access_key)
    await ObjectStore(without_keys(server)).put(KEY, b"environment")


async def test_a_pod_identity_is_taken(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "token"
    token.write_text("of-the-pod")
    with running_role_service(server.access_key_id, server.secret_access_key) as service:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(token))
        await ObjectStore(without_keys(server)).put(KEY, b"pod identity")
        assert service.shown == ["of-the-pod"]


async def test_the_role_of_a_service_account_is_taken(
    server: S3Server, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("of-the-account")
    certificate = authority.issue("sts")
    with running_role_service(server.access_key_id, server.secret_access_key, certificate=certificate) as service:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::000000000000:role/understudy")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
        await ObjectStore(without_keys(server, s3_tls_ca_file=authority.ca_file)).put(KEY, b"web identity")
        assert service.shown == ["of-the-account"]


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"s3_access_key_id": "nobody"}, StorageMisconfigured, "S3 answers InvalidAccessKeyId.*S3_ACCESS_KEY_ID"),
        ({"s3_secret_access_key": "x"}, StorageMisconfigured, "S3 answers SignatureDoesNotMatch.*SECRET_ACCESS_KEY"),
        ({"s3_access_key_id": "writer", "s3_bucket": "other"}, StorageRefused, "S3 answers AccessDenied"),
        ({"s3_endpoint_url": "http://127.0.0.1:9"}, StorageUnavailable, "Connection refused"),
    ],
)
async def test_what_is_wrong_is_told(
    server: S3Server, given: dict[str, str], error: type[StorageUnavailable], told: str
) -> None:
    if given.get("s3_access_key_id") == "writer":
        given = {**given, "s3_secret_access_key": f"{server.secret_access_key}-writer"}
    with pytest.raises(error, match=told) as raised:
        await ObjectStore(settings_of(server, **given)).put(KEY, b"x")
    assert type(raised.value) is error
    assert server.secret_access_key not in str(raised.value)


async def test_a_bucket_that_is_not_there_is_told(server: S3Server) -> None:
    with pytest.raises(BucketMissing, match="look at UNDERSTUDY_S3_BUCKET"):
        await ObjectStore(settings_of(server, s3_bucket="never-made")).get(KEY)


def test_a_service_whose_key_is_wrong_is_not_ready_and_says_why(
    server: S3Server, shared_nats_server: NatsServer, tmp_path: Path
) -> None:
    settings = settings_of(server, s3_secret_access_key="wrong").model_copy(update={"nats_url": shared_nats_server.url})
    service = IngestService(tmp_path, settings)
    try:
        service.start()

        def told() -> bool:
            checks = httpx.get(f"{service.url}/readyz", timeout=10).json()["checks"]
            return checks["configuration"] == "ok" and "look at UNDERSTUDY_S3_SECRET_ACCESS_KEY" in checks["storage"]

        eventually(told, within_seconds=20, what="what is wrong with the storage is told")
        assert httpx.get(f"{service.url}/readyz", timeout=10).status_code == 503
        assert service.log().count("look at UNDERSTUDY_S3_SECRET_ACCESS_KEY") == 1
    finally:
        service.close()


def test_a_service_whose_storage_does_not_answer_is_ready(
    server: S3Server, shared_nats_server: NatsServer, tmp_path: Path
) -> None:
    settings = settings_of(server, s3_endpoint_url="http://127.0.0.1:9")
    with IngestService(tmp_path, settings.model_copy(update={"nats_url": shared_nats_server.url})) as service:
        assert "127.0.0.1:9" in service.log()
