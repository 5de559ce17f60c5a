"""What the chart renders really starts: its pods as processes, with nothing but what was rendered (support/pods)."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from support import chart
from support.pods.running import RunningPods
from support.signing import Key, signed

pytestmark = pytest.mark.takes(seconds=45)

RELEASE = "live-understudy"
TEST_SECONDS = 60


@pytest.fixture(scope="module")
def rendered() -> tuple[chart.Object, ...]:
    return chart.render_profile("evaluation")


@pytest.fixture(scope="module")
def pods(rendered: tuple[chart.Object, ...]) -> Iterator[RunningPods]:
    """The whole release, every probe of it answering well."""
    with RunningPods(rendered) as running:
        yield running


def secret(rendered: tuple[chart.Object, ...], name: str, key: str) -> str:
    return base64.b64decode(chart.named(rendered, "Secret", f"{RELEASE}-{name}")["data"][key]).decode()


def test_helm_test_pushes_media_and_plays_it(pods: RunningPods) -> None:
    (said,) = pods.run_tests(within_seconds=TEST_SECONDS)
    assert "played what was pushed, byte for byte" in said


def test_the_demo_channel_is_there_under_the_urls_and_the_credentials_that_are_told(
    pods: RunningPods, rendered: tuple[chart.Object, ...]
) -> None:
    api = f"http://{pods.network.endpoint(f'{RELEASE}-controller', 80)}"
    key = Key(*(secret(rendered, "access-keys", name) for name in ("access-key-id", "secret-access-key")))
    assert httpx.get(f"{api}/channels").status_code == 403
    channel = httpx.get(f"{api}/channels/demo", headers=signed("GET", f"{api}/channels/demo", key=key)).json()
    first, _ = channel["hlsIngest"]["ingestEndpoints"]
    username, password = (secret(rendered, "ingest-credentials", f"demo-1-{name}") for name in ("username", "password"))
    assert (first["username"], first["password"]) == (username, password)
    told = chart.notes(rendered_values())
    assert first["url"].removeprefix("http://127.0.0.1:7071") in told
    playlist = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nchannel_1.m3u8\n"
    path = first["url"].partition("/in/")[2]
    url = f"http://{pods.network.endpoint(f'{RELEASE}-ingest', 80)}/in/{path}.m3u8"
    assert httpx.put(url, content=playlist, auth=httpx.DigestAuth(username, "another")).status_code == 401
    assert httpx.put(url, content=playlist, auth=httpx.DigestAuth(username, password)).status_code == 200


def test_nothing_is_written_where_a_pod_cannot_write(pods: RunningPods) -> None:
    # Working directories are on file systems that are read-only in a pod.
    assert list(pods.root.glob("*/cwd/*/*")) == []


def rendered_values() -> dict[str, object]:
    return chart.profile_values("evaluation")
