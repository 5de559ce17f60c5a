"""The control API as it is outside of `understudy up`: it takes signed requests alone."""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.auth
import httpx
import pytest
from botocore.exceptions import ClientError

from support.aws_cli import AwsCli, Refused
from support.browser import MissingProgram
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import NatsServer
from support.signing import READER, STRANGER, WRITER, Key, signed, write_keys

pytestmark = pytest.mark.takes(seconds=20)

NewId = Callable[[], str]


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    write_keys(path, WRITER, READER)
    return path


@pytest.fixture(scope="module")
def closed(
    config_server: NatsServer, keys_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Controller]:
    """A controller with the default authentication."""
    settings = {
        "authentication": "sigv4",
        "access_keys_file": str(keys_file),
        "log_format": "json",
        "log_level": "DEBUG",
    }
    with Controller(tmp_path_factory.mktemp("closed"), nats_url=config_server.url, name="closed", **settings) as one:
        yield one


def client_of(controller: Controller, key: Key = WRITER) -> Any:
    return controller.client(key.access_key_id, key.secret)


def refused(call: Callable[[], object]) -> str:
    """The message of a typed refusal."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert error["Code"] == "ForbiddenException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    return str(error["Message"])


def refusals(controller: Controller) -> dict[str, int]:
    """How many requests were refused, by reason."""
    _, _, text = controller.request("GET", "/metrics")
    found = re.findall(r'^understudy_authentication_refused_total\{reason="(\w+)"\} (\d+)', text.decode(), re.MULTILINE)
    return {reason: int(count) for reason, count in found}


def log_lines(controller: Controller) -> list[dict[str, Any]]:
    return [json.loads(line) for line in controller.log().splitlines() if line.startswith("{")]


def test_a_users_client_works_with_its_key_and_any_region(closed: Controller, new_id: NewId) -> None:
    client = client_of(closed)
    channel = client.create_channel(Id=new_id(), Description="ü", Tags={"a b": "c"})
    arn = channel["Arn"]
    client.tag_resource(ResourceArn=arn, Tags={"a/b+c": "d", "e": "f g"})
    client.untag_resource(ResourceArn=arn, TagKeys=["a/b+c", "a b"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"e": "f g"}
    with pytest.raises(client.exceptions.NotFoundException):
        client.describe_channel(Id="a/b c")
    pages = client.get_paginator("list_channels").paginate(PaginationConfig={"PageSize": 1})
    assert channel["Id"] in [found["Id"] for page in pages for found in page["Channels"]]
    client.delete_channel(Id=channel["Id"])


def test_the_aws_cli_works_with_its_key(closed: Controller, tmp_path: Path, new_id: NewId) -> None:
    channel_id = new_id()
    aws = AwsCli(closed.url, tmp_path, WRITER, region="eu-central-1")
    assert aws("create-channel", "--id", channel_id)["Id"] == channel_id
    with pytest.raises(Refused, match=r"ForbiddenException.*no such access key here: AKIATESTSTRANGER"):
        AwsCli(closed.url, tmp_path, STRANGER)("list-channels")
    assert aws("delete-channel", "--id", channel_id) is None


def test_what_is_not_signed_as_it_must_be_is_refused_typed_and_counted(closed: Controller, new_id: NewId) -> None:
    before = refusals(closed)
    channel_id = new_id()
    status, headers, body = closed.request("POST", "/channels", json.dumps({"id": channel_id}).encode())
    assert (status, headers["x-amzn-errortype"]) == (403, "ForbiddenException")
    assert "not signed" in json.loads(body)["message"]
    assert "no such access key" in refused(client_of(closed, STRANGER).list_channels)
    impostor = Key(WRITER.access_key_id, STRANGER.secret)
    assert "the signature does not match" in refused(client_of(closed, impostor).list_channels)
    presigned = "/channels?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Signature=b"
    assert "presigned" in json.loads(closed.request("GET", presigned)[2])["message"]
    wrong = signed("GET", f"{closed.url}/channels", service="execute-api")
    assert "for the service execute-api" in json.loads(closed.request("GET", "/channels", headers=wrong)[2])["message"]
    late = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=6)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=late):
        assert re.search(r"3[56]\d s behind this server's", refused(client_of(closed).list_channels))
    after = refusals(closed)
    grown = {reason: after[reason] - before[reason] for reason in after if after[reason] != before[reason]}
    assert grown == {
        **dict.fromkeys(("missing_signature", "unknown_key", "wrong_signature", "presigned"), 1),
        **dict.fromkeys(("wrong_service", "clock_skew"), 1),
    }
    with pytest.raises(ClientError, match="NotFoundException"):
        client_of(closed).describe_channel(Id=channel_id)


def test_another_body_under_the_same_signature_is_refused(closed: Controller, new_id: NewId) -> None:
    wanted, smuggled = new_id(), new_id()
    body = json.dumps({"id": wanted}).encode()
    headers = signed("POST", f"{closed.url}/channels", body, headers={"Content-Type": "application/json"})
    status, _, _ = closed.request("POST", "/channels", json.dumps({"id": smuggled}).encode(), headers)
    assert status == 403
    listed = {channel["Id"] for channel in client_of(closed).list_channels()["Channels"]}
    assert not {wanted, smuggled} & listed
    assert closed.request("POST", "/channels", body, headers)[0] == 200
    client_of(closed).delete_channel(Id=wanted)


def test_a_key_that_may_only_read_writes_nothing(closed: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    writer, reader = client_of(closed), client_of(closed, READER)
    arn = writer.create_channel(Id=channel_id)["Arn"]
    assert reader.describe_channel(Id=channel_id)["Id"] == channel_id
    assert reader.list_tags_for_resource(ResourceArn=arn)["Tags"] == {}
    for call in (
        lambda: reader.create_channel(Id=new_id()),
        lambda: reader.update_channel(Id=channel_id, Description="x"),
        lambda: reader.tag_resource(ResourceArn=arn, Tags={"a": "b"}),
        lambda: reader.delete_channel(Id=channel_id),
        lambda: reader.rotate_channel_credentials(Id=channel_id),
    ):
        assert "the access key AKIATESTREADER (reader) may only read" in refused(call)
    assert writer.describe_channel(Id=channel_id)["Description"] == ""
    writer.delete_channel(Id=channel_id)


def test_our_own_paths_need_a_signature_too_and_probes_need_none(closed: Controller) -> None:
    for path in ("/understudy/v1/events", "/understudy/v1/channels/x/status", "/nothing", "/"):
        assert closed.request("GET", path)[0] == 403
    headers = signed("GET", f"{closed.url}/understudy/v1/events?limit=1")
    assert closed.request("GET", "/understudy/v1/events?limit=1", headers=headers)[0] == 200
    for path in ("/healthz", "/readyz", "/metrics", "/understudy/v1/openapi.json"):
        assert closed.request("GET", path)[0] == 200


def test_an_endless_body_is_refused_before_its_signature_is_looked_at(closed: Controller) -> None:
    body = b" " * (256 * 1024 + 1)
    headers = signed("POST", f"{closed.url}/channels", body)
    assert closed.request("POST", "/channels", body, headers)[0] == 422


def test_a_client_that_goes_away_amid_its_body_has_asked_for_nothing(controller: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    connection = http.client.HTTPConnection(controller.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", f"/understudy/v1/channels/{channel_id}/end")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b"{")
    connection.close()
    assert controller.request("PUT", f"/channels/{channel_id}", b"{}")[0] == 404
    told = [line for line in controller.log().splitlines() if channel_id in line]
    assert told
    assert not any("EndProgram" in line for line in told)


def test_every_write_leaves_a_line_that_says_who_did_what(closed: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    writer = client_of(closed)
    answer = writer.create_channel(Id=channel_id)
    writer.tag_resource(ResourceArn=answer["Arn"], Tags={"a": "b"})
    with pytest.raises(ClientError):
        writer.create_origin_endpoint(Id=channel_id, ChannelId=channel_id)
    writer.delete_channel(Id=channel_id)
    arn = answer["Arn"]
    told = [line for line in log_lines(closed) if channel_id in line.get("resource", "") or arn in str(line)]
    assert [(line["operation"], line["resource"], line["status"]) for line in told if line.get("audit")] == [
        ("CreateChannel", f"channels/{channel_id}", 200),
        ("TagResource", f"tags/{arn}", 204),
        ("CreateOriginEndpoint", f"origin_endpoints/{channel_id}", 422),
        ("DeleteChannel", f"channels/{channel_id}", 202),
    ]
    assert {(line["access_key_id"], line["sender"]) for line in told} == {(WRITER.access_key_id, "writer")}
    assert told[0]["request_id"] == answer["ResponseMetadata"]["RequestId"]


def test_nobody_writes_lines_of_his_own_into_the_log(closed: Controller) -> None:
    closed.request("GET", "/channels/a%0A%7B%22audit%22:true%7D")
    path = "/channels/b%0A%7B%22audit%22:true%7D"
    closed.request("PUT", path, b"{}", signed("PUT", closed.url + path, b"{}"))
    body = b'{"id": "c\\n{\\"audit\\": true}"}'
    closed.request("POST", "/channels", body, signed("POST", closed.url + "/channels", body))
    told = [line["resource"] for line in log_lines(closed) if line.get("audit") and '\n{"audit"' in line["resource"]]
    assert [one.partition("\n")[0] for one in told] == ["channels/b", "channels/c"]
    assert not any(line.startswith('{"audit"') for line in closed.log().splitlines())


def test_refusals_of_anybody_do_not_fill_the_log_and_are_all_counted(closed: Controller) -> None:
    before = refusals(closed)["unknown_key"], len(log_lines(closed))
    for _ in range(20):
        refused(client_of(closed, STRANGER).list_channels)
    assert refusals(closed)["unknown_key"] - before[0] == 20
    told = [line for line in log_lines(closed)[before[1] :] if line.get("reason") == "unknown_key"]
    assert len(told) <= 2
    assert all("left_out" in line for line in told)


def test_what_a_key_may_not_write_is_told_each_time(closed: Controller, new_id: NewId) -> None:
    channel_ids = [new_id() for _ in range(3)]
    for channel_id in channel_ids:
        refused(functools.partial(client_of(closed, READER).delete_channel, Id=channel_id))
    told = [line["resource"] for line in log_lines(closed) if line.get("reason") == "read_only"]
    assert told[-3:] == [f"/channels/{channel_id}" for channel_id in channel_ids]


def test_no_secret_and_no_password_reaches_logs_metrics_or_events(closed: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    writer = client_of(closed)
    answers = [
        writer.create_channel(Id=channel_id),
        writer.rotate_channel_credentials(Id=channel_id),
        writer.describe_channel(Id=channel_id),
    ]
    inputs = answers[-1]["HlsIngest"]["IngestEndpoints"]
    answers.append(writer.rotate_ingest_endpoint_credentials(Id=channel_id, IngestEndpointId=inputs[1]["Id"]))
    passwords = {endpoint["Password"] for answer in answers for endpoint in answer["HlsIngest"]["IngestEndpoints"]}
    assert len(passwords) == 4
    password = inputs[0]["Password"]
    failing = [
        ("POST", "/channels", json.dumps({"id": channel_id, "description": 7, "password": password}).encode()),
        ("POST", "/channels", json.dumps({"id": [password], password: password}).encode()),
        ("POST", "/channels", f'{{"id": "{password}'.encode()),
        ("PUT", f"/channels/{channel_id}/credentials?password={password}", b""),
    ]
    for method, path, body in failing[:3]:
        status, _, _ = closed.request(method, path, body, signed(method, closed.url + path, body))
        assert status == 422
    for method, path, body in failing:
        assert closed.request(method, path, body)[0] == 403
        assert closed.request(method, path, body, signed(method, closed.url + path, body, key=STRANGER))[0] == 403
    writer.delete_channel(Id=channel_id)
    events = closed.request("GET", "/understudy/v1/events", headers=signed("GET", f"{closed.url}/understudy/v1/events"))
    seen = f"{closed.log()}{closed.request('GET', '/metrics')[2].decode()}{events[2].decode()}"
    assert "RotateIngestEndpointCredentials" in seen
    assert "/understudy/v1/events" in seen
    for secret in (WRITER.secret, READER.secret, STRANGER.secret, *passwords):
        assert secret not in seen


def test_curl_signs_as_the_documentation_shows(closed: Controller) -> None:
    curl = shutil.which("curl")
    if curl is None:
        MissingProgram("curl is not there: apt-get install curl").skip()
    command = [curl, "-s", "--aws-sigv4", "aws:amz:us-east-1:mediapackage"]
    user = ["--user", f"{WRITER.access_key_id}:{WRITER.secret}"]
    for path in ("/channels?maxResults=2", "/understudy/v1/events?limit=1"):
        done = subprocess.run([*command, *user, closed.url + path], capture_output=True, timeout=30, check=True)
        assert "signature" not in done.stdout.decode()


def test_keys_are_rotated_without_a_restart(
    config_server: NatsServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, WRITER)
    settings = {"authentication": "sigv4", "access_keys_file": str(path)}
    with Controller(tmp_path, nats_url=config_server.url, name="rotating", **settings) as rotating:
        client_of(rotating).list_channels()
        write_keys(path, READER)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                client_of(rotating, READER).list_channels()
                break
            except ClientError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert "no such access key" in refused(client_of(rotating).list_channels)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "UNDERSTUDY_ACCESS_KEYS_FILE"),
        ({"UNDERSTUDY_ACCESS_KEYS_FILE": "/nowhere/keys.yaml"}, "/nowhere/keys.yaml: the file is missing"),
        ({"UNDERSTUDY_AUTHENTICATION": "off"}, "UNDERSTUDY_AUTHENTICATION"),
    ],
)
def test_a_controller_without_keys_does_not_start_and_says_what_to_do(settings: dict[str, str], said: str) -> None:
    command = [sys.executable, "-m", "understudy_controller"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
    done = subprocess.run(
        command, env={**environment, **settings}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_plain_http_clients_can_sign_what_they_send(closed: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    url, body = f"{closed.url}/channels", json.dumps({"id": channel_id}).encode()
    answer = httpx.post(url, content=body, headers=signed("POST", url, body, key=WRITER))
    assert answer.status_code == 200
    client_of(closed).delete_channel(Id=channel_id)
