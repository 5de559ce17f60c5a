"""The values for three zones, NATS behind TLS and a login, S3 behind keys: every pod starts, and media goes in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import chart
from support.certificates import Authority
from support.nats_server import NatsServer
from support.object_store import S3Server
from support.pods.running import RunningPods
from understudy_controller.smoke_test.control_api import ControlApi, first_writing_key
from understudy_controller.smoke_test.http import Address, request
from understudy_controller.smoke_test.push import segments
from understudy_controller.smoke_test.resources import made_resources

RELEASE = "live-understudy"
S3_HOST = "s3.media.example:9000"
NATS_HOST = "nats.nats.svc:4222"


def existing(name: str, held: dict[str, str]) -> chart.Object:
    """A secret that somebody has made before."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": held}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secrets(authority: Authority, s3_server: S3Server) -> list[chart.Object]:
    """What the values name."""
    client = authority.issue("client")
    tls = {"ca.crt": authority.ca_file, "tls.crt": client.certificate_file, "tls.key": client.key_file}
    keys = {"access-key-id": s3_server.access_key_id, "secret-access-key": s3_server.secret_access_key}
    return [
        existing("understudy-nats", {"username": "origin", "password": "correct-horse"}),
        existing("nats-tls", {key: path.read_text() for key, path in tls.items()}),
        existing("understudy-s3", keys),
    ]


@pytest.fixture(scope="module")
def nats(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A server that takes the login of the secret, from who shows a certificate."""
    own = authority.issue("server")
    files = f"cert_file: {own.certificate_file}, key_file: {own.key_file}, ca_file: {authority.ca_file}, verify: true"
    login = "authorization { user: origin, password: correct-horse }"
    server = NatsServer(tmp_path_factory.mktemp("nats"), config=f"tls {{ {files} }}\n{login}\n")
    try:
        server.start()
        yield server
    finally:
        server.kill()


def values(bucket: str) -> dict[str, Any]:
    """Those of the profile; the pods' role apart, which only a cloud lends, and with one copy on one server."""
    found = chart.profile_values("production-three-zones")
    found["nats"]["replicas"] = 1
    found["s3"] = {"endpointUrl": f"http://{S3_HOST}", "bucket": bucket, "existingSecret": "understudy-s3"}
    return found


def test_every_pod_starts_and_both_inputs_take_media(
    nats: NatsServer, s3_server: S3Server, secrets: list[chart.Object], tmp_path: Path
) -> None:
    objects = chart.render(values(s3_server.bucket))
    outside = {NATS_HOST: f"127.0.0.1:{nats.port}", S3_HOST: s3_server.url.removeprefix("http://")}
    keys = tmp_path / "access-keys.yaml"
    held = chart.named(objects, "Secret", f"{RELEASE}-access-keys")["data"]
    keys.write_bytes(base64.b64decode(held["access-keys.yaml"]))
    with RunningPods(objects, existing=secrets, outside=outside) as pods:

        def at(service: str) -> Address:
            return Address.parse(f"http://{pods.network.endpoint(f'{RELEASE}-{service}', 'http')}")

        with made_resources(ControlApi(at("controller"), first_writing_key(keys)), "news") as made:
            inputs = [one.at(at(f"ingest-{number}")) for number, one in enumerate(made.inputs, start=1)]
            assert inputs[0].url.partition("/in/")[0] != inputs[1].url.partition("/in/")[0]
            for one in inputs:
                url = f"{one.url.rpartition('/')[0]}/channel_0.ts"
                answer = request("PUT", url, segments()[0], credentials=one.credentials)
                assert answer.status == 201, answer.words()
