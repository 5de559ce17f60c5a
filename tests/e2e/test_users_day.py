"""A user's day with boto3 and with the AWS CLI, as `examples/` has it, on a stack that takes signed requests alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest
from typer.testing import CliRunner, Result

from support.aws_cli import PROGRAM
from support.signing import READER, WRITER, Key, signed, write_keys
from support.stack import Stack, free_port_offset
from understudy_local.cli import app

pytestmark = pytest.mark.takes(seconds=60)

EXAMPLES = Path(__file__).parents[2] / "examples"
DAY_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Days:
    """Two days in one stack, side by side, and what they have left in its logs."""

    said: dict[str, str]
    status: dict[str, int]
    stack: Stack


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    folder = tmp_path_factory.mktemp("days")
    keys = folder / "keys.json"
    write_keys(keys, READER, WRITER)
    stack = Stack(folder / "data", port_offset=free_port_offset(), options=("--access-keys", str(keys)))
    stack.start()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "HOME": str(folder),
        "AWS_ACCESS_KEY_ID": WRITER.access_key_id,
        "AWS_SECRET_ACCESS_KEY": WRITER.secret,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "BUCKET": "media",
        "AWS_CLI": str(PROGRAM),
        "FFMPEG": imageio_ffmpeg.get_ffmpeg_exe(),
    }
    commands = {
        "boto3": [
            sys.executable,
            str(EXAMPLES / "users_day.py"),
            "--ffmpeg",
            environment["FFMPEG"],
            "--bucket",
            "media",
        ],
        "cli": ["bash", str(EXAMPLES / "users_day.sh")],
    }
    try:
        running = {
            name: subprocess.Popen(
                [*command, "--endpoint-url", stack.api_url],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for name, command in commands.items()
        }
        said = {name: one.communicate(timeout=DAY_SECONDS)[0] for name, one in running.items()}
        yield Days(said, {name: one.returncode for name, one in running.items()}, stack)
    finally:
        stack.stop()


@pytest.mark.parametrize("client", ["boto3", "cli"])
@pytest.mark.compatibility(
    "CreateHarvestJob",
    "RotateIngestEndpointCredentials",
    "ConfigureLogs",
    "OriginEndpoint.startoverWindowSeconds",
    "OriginEndpoint.whitelist",
)
def test_a_users_day_ends_well(days: Days, client: str) -> None:
    assert days.status[client] == 0, days.said[client]
    assert "segments of what was on, to watch again" in days.said[client]
    assert "is harvested" in days.said[client]
    assert days.said[client].endswith("a good day\n"), days.said[client]


def test_nothing_secret_was_written_anywhere(days: Days) -> None:
    passwords = list(_passwords(days.stack))
    logs = "".join(path.read_text(errors="replace") for path in (days.stack.data_directory / "logs").iterdir())
    url = f"{days.stack.api_url}/understudy/v1/events?limit=1000"
    events = httpx.get(url, headers=signed("GET", url, key=READER))
    metrics = [httpx.get(f"{days.stack.service_url(name)}/metrics") for name in ("controller", "ingest", "egress")]
    seen = "".join([logs, events.text, *(one.text for one in metrics)])
    assert "RotateIngestEndpointCredentials" in logs
    assert events.json()["events"]
    for secret in (WRITER.secret, READER.secret, days.stack.credentials.secret_access_key, *passwords):
        assert secret not in seen


def test_requests_without_a_signature_are_refused_and_our_own_commands_sign_theirs(days: Days, tmp_path: Path) -> None:
    stack = days.stack
    assert httpx.get(f"{stack.api_url}/channels").status_code == 403
    for path, body in (
        ("channels", {"id": "signed"}),
        ("origin_endpoints", {"id": "signed-hls", "channelId": "signed", "hlsPackage": {}}),
    ):
        url, content = f"{stack.api_url}/{path}", json.dumps(body).encode()
        assert httpx.post(url, content=content, headers=signed("POST", url, content)).status_code == 200

    def understudy(key: Key | None, *words: str) -> Result:
        given = {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret} if key else {}
        environment = {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path), **given}
        return CliRunner().invoke(app, [*words, "--data-dir", str(stack.data_directory)], env=environment)

    done = understudy(WRITER, "policy", "signed-hls", "pinned", "--input", "2")
    assert (done.exit_code, done.stderr) == (0, "")
    assert understudy(READER, "policy", "signed-hls").stdout.startswith("signed-hls: pinned to input 2")
    assert "may only read" in understudy(READER, "policy", "signed-hls", "sticky").stderr
    assert "AWS_ACCESS_KEY_ID" in understudy(None, "policy", "signed-hls").stderr
    ordered = understudy(WRITER, "switchover", "signed-hls").stderr.lower()
    assert "it begins with the first input" in ordered or "nothing yet" in ordered


def _passwords(stack: Stack) -> Iterator[str]:
    """Those of a channel that is created, rotated, and has an upload refused."""
    for method, path, body in (
        ("POST", "/channels", {"id": "leaky"}),
        ("PUT", "/channels/leaky/credentials", None),
    ):
        url, content = stack.api_url + path, b"" if body is None else json.dumps(body).encode()
        answer = httpx.request(method, url, content=content, headers=signed(method, url, content))
        channel: dict[str, Any] = answer.json()
        for endpoint in channel["hlsIngest"]["ingestEndpoints"]:
            wrong = httpx.BasicAuth(endpoint["username"], endpoint["password"] + "x")
            assert httpx.put(f"{endpoint['url']}_1.ts", content=b"x", auth=wrong).status_code == 401
            yield endpoint["password"]
