"""Declared resources with real controllers and a real NATS: several at once, a rebuilt cluster, files that change."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.broadcast import publish_in_real_time, read, shard_of
from support.control_process import REPOSITORY, Controller
from support.deadline import PATIENCE_SECONDS, eventually
from support.nats_server import NatsServer, running_nats_server
from support.synthetic import EPOCH, SyntheticEncoder
from understudy_controller.declare.applying import Applier
from understudy_controller.declare.declaration import parse_declaration
from understudy_controller.declare.plan import Terms
from understudy_domain import codec, keys
from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import connect
from understudy_runtime.messages import StoredMessage
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=50)

SECONDS = PATIENCE_SECONDS

TWO = """
channels:
  - id: {id}
    description: first
originEndpoints:
  - id: {id}-hls
    channelId: {id}
    hlsPackage: {{segmentDurationSeconds: 4}}
  - id: {id}-delayed
    channelId: {id}
    timeDelaySeconds: 30
    hlsPackage: {{}}
    policy: {{policy: preferred, input: 2, holdDownSeconds: 300}}
"""
FEWER = """
channels:
  - id: {id}
    description: second
originEndpoints:
  - id: {id}-hls
    channelId: {id}
    hlsPackage: {{segmentDurationSeconds: 6}}
"""
Start = Callable[..., Controller]


@pytest.fixture
def start(config_server: NatsServer, tmp_path: Path) -> Iterator[Start]:
    started: list[Controller] = []

    def start(*, nats_url: str = config_server.url, **settings: str) -> Controller:
        controller = Controller(tmp_path, nats_url=nats_url, name=f"controller-{len(started)}", **settings)
        started.append(controller)
        controller.start()
        return controller

    yield start
    for controller in started:
        controller.close()


def write(path: Path, text: str) -> None:
    """As Kubernetes does: the name leads to another file from one moment to the next."""
    version = path.parent / f"..{os.urandom(4).hex()}"
    version.write_text(text)
    link = path.parent / f"..link-{os.urandom(4).hex()}"
    link.symlink_to(version)
    link.replace(path)


def command(path: Path, *words: str, nats_url: str = "nats://127.0.0.1:1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "understudy_controller.declare", str(path), *words],
        env={**os.environ, "UNDERSTUDY_NATS_URL": nats_url},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def metric(controller: Controller, name: str) -> float:
    for line in controller.request("GET", "/metrics")[2].decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    raise AssertionError(f"no metric {name}")


def wait_for_problems(controller: Controller, count: int) -> None:
    eventually(
        lambda: metric(controller, "understudy_declaration_problems") == count,
        within_seconds=SECONDS,
        what=f"{count} problems",
    )


def described(client: Any, channel_id: str) -> dict[str, Any]:
    channel = client.describe_channel(Id=channel_id)
    endpoints = client.list_origin_endpoints(ChannelId=channel_id)["OriginEndpoints"]
    return {
        "channel": {name: value for name, value in channel.items() if name not in ("ResponseMetadata", "CreatedAt")},
        "endpoints": [{name: value for name, value in one.items() if name != "CreatedAt"} for one in endpoints],
    }


def first_number(client: Any, endpoint_id: str, nats_url: str) -> int:
    """The media sequence number that a programme begins with, once an encoder has delivered half a minute."""
    settings = CommonSettings(nats_url=nats_url)
    endpoint = client.describe_origin_endpoint(Id=endpoint_id)
    channel = client.describe_channel(Id=endpoint["ChannelId"])["Arn"].rpartition("/")[2]
    t0 = time.time() - 30
    encoder = SyntheticEncoder(1, segment_seconds=2.0, date_offset_seconds=t0 - EPOCH / TICKS_PER_SECOND)
    asyncio.run(publish_in_real_time(settings, channel, encoder.messages(range(15)), t0 - 5))
    subject = keys.program_subject(shard_of(channel), endpoint["Arn"].rpartition("/")[2])
    found: list[StoredMessage] = []

    def is_published() -> bool:
        found[:] = asyncio.run(read(settings, keys.PROGRAM_STREAM, subject))
        return bool(found)

    eventually(is_published, within_seconds=SECONDS, what="an entry")
    entries = [codec.decode_as(ProgramEntry, message.payload).media_sequence for message in found]
    assert entries == list(range(entries[0], entries[0] + len(entries)))
    return entries[0]


def test_two_controllers_apply_a_file_at_once_follow_it_and_prune(
    start: Start, client: Any, new_id: Callable[[], str], tmp_path: Path
) -> None:
    channel_id = new_id()
    by_hand = new_id()
    client.create_channel(Id=by_hand)
    path = tmp_path / "declared.yaml"
    write(path, TWO.format(id=channel_id))
    both = [start(declared_file=str(path), declared_prune="true") for _ in range(2)]

    def endpoints() -> list[str]:
        found = client.list_origin_endpoints(ChannelId=channel_id)["OriginEndpoints"]
        return [one["Id"].removeprefix(f"{channel_id}-") for one in found]

    def applied() -> bool:
        return all("the declared resources are applied" in one.log() for one in both)

    eventually(applied, within_seconds=SECONDS, what="both have applied it")
    assert endpoints() == ["delayed", "hls"]
    written = [line for one in both for line in one.log().splitlines() if "declared: created" in line]
    assert len(written) == 3, written
    first = described(client, channel_id)
    _, policy = both[0].json("GET", f"/understudy/v1/origin_endpoints/{channel_id}-delayed/policy")
    assert policy == {"policy": "preferred", "input": 2, "holdDownSeconds": 300}

    # What is changed by hand stays, also when a controller starts again.
    client.update_origin_endpoint(Id=f"{channel_id}-hls", Description="by hand")
    both[1].stop()
    both[1].start()
    eventually(
        lambda: both[1].log().count("the declared resources are applied") == 2, within_seconds=SECONDS, what="again"
    )
    assert client.describe_origin_endpoint(Id=f"{channel_id}-hls")["Description"] == "by hand"

    write(path, "channels: [{id: " + channel_id + ", descripton: wrong}]")
    for one in both:
        wait_for_problems(one, 1)
        assert f"declared.yaml:1: channel {channel_id}: descripton: unknown field" in one.log()
    assert endpoints() == ["delayed", "hls"], "a file that is wrong changes nothing"

    write(path, FEWER.format(id=channel_id))
    eventually(lambda: endpoints() == ["hls"], within_seconds=SECONDS, what="what is not declared any more is gone")
    for one in both:
        wait_for_problems(one, 0)
    second = described(client, channel_id)
    assert second["channel"] == {**first["channel"], "Description": "second"}
    assert second["endpoints"][0]["Url"] == first["endpoints"][1]["Url"]
    assert second["endpoints"][0]["HlsPackage"]["SegmentDurationSeconds"] == 6
    assert second["endpoints"][0]["Description"] == ""
    assert client.describe_channel(Id=by_hand)["Id"] == by_hand, "what no file declared is never pruned"

    write(path, "channels: []")
    eventually(
        lambda: channel_id not in [one["Id"] for one in client.list_channels()["Channels"]],
        within_seconds=SECONDS,
        what="the channel is gone after its endpoint",
    )


def test_two_controllers_with_two_versions_of_the_file_prune_nothing_of_each_other(
    start: Start, client: Any, new_id: Callable[[], str], tmp_path: Path
) -> None:
    channel_id, added = new_id(), new_id()
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    newer = TWO.replace("originEndpoints:", f"  - id: {added}\noriginEndpoints:").format(id=channel_id)
    write(old, TWO.format(id=channel_id))
    write(new, newer)

    def channels() -> list[str]:
        return [one["Id"] for one in client.list_channels()["Channels"] if one["Id"] in (channel_id, added)]

    before = start(declared_file=str(old), declared_prune="true")
    eventually(lambda: "resources are applied" in before.log(), within_seconds=SECONDS, what="the old one is applied")
    after = start(declared_file=str(new), declared_prune="true")
    eventually(lambda: added in channels(), within_seconds=SECONDS, what="the new one is applied")
    made = client.describe_channel(Id=added)["HlsIngest"]

    # The one with the old file is started again: it has never seen the new one.
    before.stop()
    before.start()
    eventually(
        lambda: f"channel {added}: another controller has another version of the file" in before.log(),
        within_seconds=SECONDS,
        what="it says why it does not prune",
    )
    assert metric(before, "understudy_declaration_kept") == 1
    assert client.describe_channel(Id=added)["HlsIngest"] == made

    # And back: once no controller declares it any more, it goes.
    write(new, TWO.format(id=channel_id))
    eventually(lambda: channels() == [channel_id], within_seconds=2 * SECONDS, what="it is pruned")
    eventually(
        lambda: metric(before, "understudy_declaration_kept") == 0, within_seconds=SECONDS, what="nothing is kept"
    )
    assert after.alive()


def test_a_channel_is_pruned_once_the_endpoint_that_kept_it_is_gone(
    start: Start, client: Any, new_id: Callable[[], str], tmp_path: Path
) -> None:
    channel_id = new_id()
    path = tmp_path / "declared.yaml"
    write(path, f"channels: [{{id: {channel_id}}}]")
    controller = start(declared_file=str(path), declared_prune="true")
    eventually(lambda: "resources are applied" in controller.log(), within_seconds=SECONDS, what="it is applied")
    client.create_origin_endpoint(Id=f"{channel_id}-own", ChannelId=channel_id, HlsPackage={})
    write(path, "channels: []")
    eventually(
        lambda: metric(controller, "understudy_declaration_kept") == 1, within_seconds=SECONDS, what="it is kept"
    )
    assert f"channel {channel_id}: it has origin endpoints that no file has declared" in controller.log()
    client.delete_origin_endpoint(Id=f"{channel_id}-own")
    eventually(
        lambda: channel_id not in [one["Id"] for one in client.list_channels()["Channels"]],
        within_seconds=2 * SECONDS,
        what="it is pruned without a change of the file",
    )


def test_a_controller_runs_with_what_is_stored_while_its_file_is_missing_or_wrong(
    start: Start, client: Any, new_id: Callable[[], str], tmp_path: Path
) -> None:
    channel_id = new_id()
    client.create_channel(Id=channel_id)
    path = tmp_path / "declared.yaml"
    controller = start(declared_file=str(path), declared_prune="true")
    controller.wait_until_answering()
    eventually(lambda: metric(controller, "understudy_declaration_problems") == 1, within_seconds=SECONDS, what="told")
    assert "the file is missing" in controller.log()
    assert controller.is_ready()
    assert described(controller.client(), channel_id) == described(client, channel_id)
    write(path, TWO.format(id=channel_id))
    eventually(
        lambda: len(described(client, channel_id)["endpoints"]) == 2, within_seconds=SECONDS, what="it is applied"
    )


def test_a_rebuilt_cluster_has_the_urls_and_credentials_that_were_exported(
    start: Start, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    path = tmp_path / "declared.yaml"
    path.write_text(TWO.format(id="news"))
    with running_nats_server(tmp_path_factory.mktemp("first")) as server:
        with Controller(tmp_path, nats_url=server.url, name="first") as controller:
            applied = command(path, nats_url=server.url)
            assert (applied.returncode, applied.stderr) == (0, ""), applied
            assert applied.stdout.splitlines() == [
                "created channel news",
                "created origin endpoint news-hls",
                "created origin endpoint news-delayed",
            ]
            assert command(path, nats_url=server.url).stdout == "nothing to change\n"
            client = controller.client()
            client.configure_logs(Id="news", EgressAccessLogs={})
            client.update_origin_endpoint(Id="news-hls", Whitelist=["192.0.2.0/24"], StartoverWindowSeconds=600)
            before = described(client, "news")
            assert first_number(client, "news-hls", server.url) == 0
        exported = command(tmp_path / "exported.yaml", "--export", nats_url=server.url)
        assert exported.returncode == 0, exported
        shown = command(Path("-"), "--export", nats_url=server.url)
        assert shown.stdout == (tmp_path / "exported.yaml").read_text(), shown.stderr
    assert (tmp_path / "exported.yaml").stat().st_mode & 0o777 == 0o600
    checked = command(tmp_path / "exported.yaml", "--check")
    assert (checked.returncode, checked.stderr) == (0, ""), checked
    assert "channels: 1, origin endpoints: 2" in checked.stdout

    with running_nats_server(tmp_path_factory.mktemp("second")) as server:
        began = int(time.time())
        controller = start(nats_url=server.url, declared_file=str(tmp_path / "exported.yaml"))
        eventually(lambda: "resources are applied" in controller.log(), within_seconds=SECONDS, what="it is applied")
        assert described(controller.client(), "news") == before
        _, policy = controller.json("GET", "/understudy/v1/origin_endpoints/news-delayed/policy")
        assert policy["policy"] == "preferred"

        client = controller.client()
        client.delete_origin_endpoint(Id="news-delayed")
        again = command(tmp_path / "exported.yaml", nats_url=server.url)
        assert again.stdout == "created origin endpoint news-delayed\n", again
        assert described(client, "news") == before
        number = first_number(client, "news-hls", server.url)
        assert began <= number <= time.time(), "ahead of all that the former one has published under the same URLs"


def test_a_wrong_file_is_told_without_nats(tmp_path: Path) -> None:
    path = tmp_path / "declared.yaml"
    path.write_text("channels:\n  - id: news\n    tagz: {}\n")
    for words in (["--check"], []):
        told = command(path, *words)
        assert told.returncode == 1
        assert told.stderr == f"{path}:3: channel news: tagz: unknown field\n"
        assert told.stdout == ""
    error = json.loads(command(path, "--check", "--json").stdout)["error"]
    assert error["code"] == "declaration_invalid"
    assert error["problems"] == [{"line": 3, "message": "channel news: tagz: unknown field"}]
    path.write_text("channels: [{id: news}]\n")
    assert json.loads(command(path, "--check", "--json").stdout) == {
        "file": str(path),
        "channels": 1,
        "origin_endpoints": 0,
    }


def test_a_command_says_when_nats_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "declared.yaml"
    path.write_text("channels: []\n")
    told = command(path, nats_url="nats://user:hunter2@127.0.0.1:1")
    assert told.returncode == 1
    assert "NATS does not answer at 127.0.0.1:1" in told.stderr
    assert "hunter2" not in told.stdout + told.stderr


async def test_a_guid_is_used_again_only_once_nothing_is_left_of_what_had_it(nats_settings: CommonSettings) -> None:
    guid, shards = "a" * 32, nats_settings.shards
    declaration = parse_declaration(
        f"channels: [{{id: news, guid: {guid}}}]\n"
        "originEndpoints: [{id: hls, channelId: news, guid: " + "b" * 32 + ", hlsPackage: {}}]",
        name="d.yaml",
        read_secret=None,
    )
    bus = await connect(nats_settings, name="test")
    await bus.ensure_streams()
    store = ConfigStore(bus)
    await store.start()
    applier = Applier(bus, store)
    shard = keys.shard_of(guid, shards=shards)
    arrivals = keys.channel_arrivals_filter(shard, guid)
    await bus.publish(keys.command_subject(shard, guid), b"{}")

    outcome = await applier.apply(declaration, terms=lambda: Terms(now=1))
    assert outcome.done == []
    assert [words.partition(":")[0] for words in outcome.waiting] == ["channel news", "origin endpoint hls"]
    await bus.purge(keys.ARRIVALS_STREAM, arrivals)

    subject = keys.program_subject(shard, "b" * 32)
    await bus.publish(subject, b"{}")
    outcome = await applier.apply(declaration, terms=lambda: Terms(now=1))
    assert outcome.done == ["created channel news"]
    await bus.purge(keys.PROGRAM_STREAM, subject)

    outcome = await applier.apply(declaration, terms=lambda: Terms(now=1))
    assert (outcome.done, outcome.waiting) == (["created origin endpoint hls"], [])
    await store.stop()
    await bus.close()
