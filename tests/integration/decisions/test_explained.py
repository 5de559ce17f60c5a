"""A real controller on a real nats-server, while one input fails: what is so now, why, and what would have been."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS, comes_true
from support.nats_server import running_nats_server
from support.synthetic import EPOCH, Message, SyntheticEncoder
from understudy_controller.api.folds import Folds
from understudy_controller.api.inspection import Inspection
from understudy_controller.api.render import Renderer
from understudy_controller.api.service import ControlService
from understudy_controller.decisions import Decisions
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec, keys
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_local.cli import app
from understudy_local.data_directory import DataDirectory, write_json
from understudy_runtime import clock, jetstream
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=20)

SEGMENT_SECONDS = 0.5
SEGMENTS = 24
LOST = set(range(12, SEGMENTS))


@dataclass(frozen=True, slots=True)
class Ran:
    """A channel that ran for some seconds, and lost its first input on the way."""

    controller: Controller
    nats_url: str
    healthy: dict[str, Any]
    """The channel's status while both inputs delivered."""
    directory: Path
    """A data directory that a stack seems to run on."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("explained")
    with running_nats_server(folder / "nats") as nats, Controller(folder, nats_url=nats.url) as controller:
        guid = _created(controller)
        healthy = asyncio.run(_broadcast(nats.url, guid, controller))
        directory = DataDirectory(folder / "stack")
        directory.create()
        write_json(directory.stack_file, {"nats_url": nats.url})
        with directory.locked():
            yield Ran(controller, nats.url, healthy, directory.path)


def _created(controller: Controller) -> str:
    status, channel = controller.json("POST", "/channels", {"id": "show"})
    assert status == 200
    body = {"id": "one", "channelId": "show", "hlsPackage": {"segmentDurationSeconds": 1}}
    assert controller.json("POST", "/origin_endpoints", body)[0] == 200
    guid: str = channel["arn"].rpartition("/")[2]
    return guid


async def _broadcast(nats_url: str, guid: str, controller: Controller) -> dict[str, Any]:
    """Publish in real time; the channel's status shortly before the first input stops."""
    t0 = time.time() + 0.3
    offset = t0 - EPOCH / TICKS_PER_SECOND
    messages = SyntheticEncoder(1, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lost=LOST).messages(
        range(SEGMENTS)
    ) + SyntheticEncoder(2, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lag_seconds=0.6).messages(
        range(SEGMENTS)
    )
    ordered = sorted(messages, key=lambda one: one.instant)
    middle = next(number for number, one in enumerate(ordered) if one.instant > EPOCH + 5.5 * TICKS_PER_SECOND)
    await _publish(nats_url, guid, ordered[:middle], t0)
    status, healthy = await asyncio.to_thread(controller.json, "GET", "/understudy/v1/channels/show/status")
    assert status == 200
    await _publish(nats_url, guid, ordered[middle:], t0)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, found = await asyncio.to_thread(controller.json, "GET", "/understudy/v1/origin_endpoints/one/status")
        assert status == 200, found
        if found["last"] is not None and found["last"]["slot"] >= SEGMENTS // 2 - 2:
            assert isinstance(healthy, dict)
            return healthy
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def _publish(nats_url: str, guid: str, messages: list[Message], t0: float) -> None:
    settings = CommonSettings(nats_url=nats_url)
    bus = await jetstream.connect(settings, name="test")
    try:
        shard = keys.shard_of(guid, shards=settings.shards)
        for message in messages:
            await asyncio.sleep(max(t0 + (message.instant - EPOCH) / TICKS_PER_SECOND - time.time(), 0))  # real time
            assert message.input_id is not None
            await bus.publish(keys.arrivals_subject(shard, guid, message.input_id), codec.encode(message.fact))
    finally:
        await bus.close()


def get(ran: Ran, path: str, expected: int = 200) -> Any:
    status, answer = ran.controller.json("GET", f"/understudy/v1/{path}")
    assert status == expected, answer
    return answer


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def failover_of(ran: Ran) -> int:
    """The media sequence number of the slot that failed over."""
    last = get(ran, "origin_endpoints/one/status")["last"]["media_sequence"]
    told = (get(ran, f"origin_endpoints/one/explain?sequence={number}") for number in range(last + 1))
    return next(int(one["media_sequence"]) for one in told if one["reason"] == "failover")


def test_before_anything_fails_it_is_known_what_a_switch_would_look_like(ran: Ran) -> None:
    healthy = ran.healthy
    assert healthy["channel"] == "show"
    assert healthy["segment_duration_seconds"] == SEGMENT_SECONDS
    assert [one["condition"] for one in healthy["inputs"]] == ["delivering", "delivering"]
    assert all(0 <= one["last_segment_age_seconds"] < 5 for one in healthy["inputs"])
    interchange = healthy["interchange"]
    assert interchange["grade"] == "joinable"
    assert interchange["renditions"] == [
        {
            "rendition": "v1",
            "grade": "joinable",
            "mismatch": None,
            "common_pieces": interchange["renditions"][0]["common_pieces"],
        }
    ]
    assert interchange["arrival_skew_seconds"] == pytest.approx(0.3, abs=0.15)
    assert interchange["date_skew_seconds"] == 0
    assert [(one["to_input"], one["seam"], one["jump_seconds"]) for one in interchange["outlook"]] == [
        (1, "seamless", 0),
        (2, "seamless", 0),
    ]
    assert healthy["at"].endswith("Z")


def test_an_endpoint_says_what_it_follows_since_when_and_what_it_waits_for(ran: Ran) -> None:
    found = get(ran, "origin_endpoints/one/status")
    assert (found["origin_endpoint"], found["channel"], found["active_input"]) == ("one", "show", 2)
    assert found["reason"] == "failover"
    assert found["since"] < found["last"]["decided_at"] or found["since"] == found["last"]["decided_at"]
    assert found["numbers"]["slot_duration_seconds"] == 1
    assert found["numbers"]["tolerance_seconds"] == 1
    assert found["next"]["slot"] == found["last"]["slot"] + 1
    assert [one["input"] for one in found["next"]["inputs"]] == [1, 2]
    assert "v1" in found["next"]["inputs"][0]["missing"]
    assert found["next"]["why"].startswith(f"Slot {found['next']['slot']} ")


def test_the_api_explains_a_failover_from_a_replay_of_the_arrivals(ran: Ran) -> None:
    told = get(ran, f"origin_endpoints/one/explain?sequence={failover_of(ran)}")
    assert (told["basis"], told["step"], told["active_input"]) == ("replay", 4, 2)
    assert "byte for byte" in told["basis_is"]
    assert "of 2 pieces in v1 by its deadline" in told["sentences"][0]
    assert any(moment["what"].startswith("Decided: failover") for moment in told["moments"])


def test_what_is_not_there_is_a_typed_404(ran: Ran) -> None:
    for path in ("channels/none/status", "origin_endpoints/none/status", "origin_endpoints/one/explain?sequence=9999"):
        status, headers, _ = ran.controller.request("GET", f"/understudy/v1/{path}")
        assert (status, headers["x-amzn-errortype"]) == (404, "NotFoundException"), path


def test_a_number_far_beyond_the_last_is_one_that_is_not_there(ran: Ran) -> None:
    get(ran, "origin_endpoints/one/explain?sequence=999999999999999999", expected=404)
    stack = ("--data-dir", str(ran.directory))
    for asked in (
        ("--sequence", "999999999999999999"),
        ("--at", "0001-01-01T00:00:00Z"),
        ("--at", "0001-01-01T00:00:00+14:00"),
        ("--at", "9999-12-31T23:59:59Z"),
    ):
        result = CliRunner().invoke(app, ["explain", "one", *asked, *stack])
        assert isinstance(result.exception, SystemExit), (asked, result.exception)
        assert result.exit_code > 0


def test_events_since_any_time_of_the_calendar_are_told(ran: Ran) -> None:
    always = get(ran, "events?since=0001-01-01T00:00:00%2B14:00")
    told = [one["id"] for one in always["events"]]
    assert told
    assert set(told) <= {one["id"] for one in get(ran, "events")["events"]}
    for never in ("2900-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"):
        assert get(ran, f"events?since={never}&limit=1") == {"events": [], "left_out": 0}


def test_a_number_that_is_none_is_refused_by_name(ran: Ran) -> None:
    assert "sequence" in get(ran, "origin_endpoints/one/explain?sequence=-1", expected=422)["message"]


def test_the_answers_are_described(ran: Ran) -> None:
    described = get(ran, "openapi.json")
    paths = {path for path in described["paths"] if path.startswith("/understudy/")}
    assert paths == {
        "/understudy/v1/channels/{channel_id}/status",
        "/understudy/v1/channels/{channel_id}/end",
        "/understudy/v1/channels/{channel_id}/switchover",
        "/understudy/v1/origin_endpoints/{endpoint_id}/status",
        "/understudy/v1/origin_endpoints/{endpoint_id}/explain",
        "/understudy/v1/origin_endpoints/{endpoint_id}/policy",
        "/understudy/v1/origin_endpoints/{endpoint_id}/switchover",
        "/understudy/v1/events",
        "/understudy/v1/harvest_jobs/{harvest_job_id}",
        "/understudy/v1/webhooks",
        "/understudy/v1/webhooks/{webhook_id}/test",
    }
    assert {"ChannelStatus", "EndpointStatus", "Explanation", "EventsPage"} <= set(described["components"]["schemas"])


async def test_a_controller_that_does_not_decide_a_channel_knows_as_much_of_it(ran: Ran) -> None:
    settings = ControllerSettings(nats_url=ran.nats_url)
    bus = await jetstream.connect(settings, name="test")
    store = ConfigStore(bus)
    await store.start()
    try:
        service = ControlService(store, Renderer.of(settings), now=clock.now_ticks)
        inspection = Inspection(settings, bus, service, Folds(settings, bus, Decisions()))
        assert (await inspection.channel("show")).segment_duration_seconds == SEGMENT_SECONDS

        async def is_the_same() -> bool:
            found, known = await inspection.origin_endpoint("one"), get(ran, "origin_endpoints/one/status")
            return (found.log_sequence, found.active_input) == (known["log_sequence"], known["active_input"])

        await comes_true(is_the_same, "the same as the one that decides knows")
    finally:
        await store.stop()
        await bus.close()


async def test_an_explanation_for_which_nats_gives_nothing_in_time_is_given_up_and_the_next_one_made(
    ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ControllerSettings(nats_url=ran.nats_url)
    bus = await jetstream.connect(settings, name="test")
    store = ConfigStore(bus)
    await store.start()
    try:
        service = ControlService(store, Renderer.of(settings), now=clock.now_ticks)
        inspection = Inspection(settings, bus, service, Folds(settings, bus, Decisions()))
        with monkeypatch.context() as patch:
            patch.setattr("understudy_controller.api.inspection._EXPLAIN_SECONDS", 0.0)
            with pytest.raises(BusUnavailable, match="could not be read within"):
                await inspection.explain("one", 3)
        assert (await inspection.explain("one", 3)).media_sequence == 3
    finally:
        await store.stop()
        await bus.close()


def test_the_command_line_explains_by_number_by_time_and_the_newest(ran: Ran) -> None:
    number = failover_of(ran)
    stack = ("--data-dir", str(ran.directory))
    told = json.loads(run("explain", "one", "--sequence", str(number), "--json", *stack))
    assert told == get(ran, f"origin_endpoints/one/explain?sequence={number}")
    text = run("explain", "one", "--at", told["program_date_time"], *stack)
    assert told["sentences"][0] in text
    assert f"media sequence {number}" in text
    assert "Slot" in run("explain", "one", *stack)


def test_an_export_is_explained_as_the_running_stack_is(ran: Ran, tmp_path: Path) -> None:
    number, output = failover_of(ran), tmp_path / "show.jsonl.gz"
    assert str(output) in run("export", "show", "--output", str(output), "--data-dir", str(ran.directory))
    from_file = json.loads(run("explain", "one", "--sequence", str(number), "--json", "--file", str(output)))
    assert from_file == get(ran, f"origin_endpoints/one/explain?sequence={number}")
    with gzip.open(output, "rt") as file:
        lines = [json.loads(line) for line in file]
    assert lines[0]["type"] == "understudy.export"
    assert all(one["password"] == "" for one in lines[0]["channel"]["ingest_endpoints"])
    assert {line["log"] for line in lines[1:]} == {"ARRIVALS", "PROGRAM"}


def test_other_numbers_are_tried_on_the_stack_and_on_an_export(ran: Ran, tmp_path: Path) -> None:
    output = tmp_path / "show.jsonl.gz"
    made = json.loads(run("export", "show", "--json", "--output", str(output), "--data-dir", str(ran.directory)))
    assert (made["file"], made["channel"], made["arrivals"] > 0, made["slots"] > 0) == (str(output), "show", True, True)
    asked = ("what-if", "one", "--segment-duration", "6", "--time-delay", "4", "--json")
    live = json.loads(run(*asked, "--data-dir", str(ran.directory)))
    filed = json.loads(run(*asked, "--file", str(output)))
    assert [event["reason"] for event in live["was"]["events"]] == ["failover"]
    assert filed["was"] == live["was"]
    assert filed["would_be"]["segment_duration_seconds"] == 6
    assert "would have been (6 s segments, 4 s delay, sticky)" in run(*asked[:-1], "--file", str(output))
