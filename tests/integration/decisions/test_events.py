"""EVENTS on a real nats-server: published in order and once, by the publisher alone and by a controller; and read."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from support.broadcast import broadcast, create, publish_in_real_time, read, shard_of, told_of
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import NatsServer
from support.program_entries import make_entry
from understudy_controller.loop.events import Events
from understudy_controller.loop.metrics import LoopMetrics
from understudy_domain import codec, keys
from understudy_domain.entry import AsOf
from understudy_domain.event import Event, EventKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds, to_iso8601
from understudy_local.cli import app
from understudy_local.data_directory import DataDirectory, write_json
from understudy_runtime import clock, jetstream
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=25)

CHANNEL = "c" * 32


def event(number: int, *, ago_seconds: float = 0.0, kind: EventKind = EventKind.REPAIR) -> Event:
    return Event(
        kind,
        CHANNEL,
        clock.now_ticks() - from_seconds(ago_seconds),
        f"number {number}",
        channel_id="show",
        origin_endpoint="e" * 32,
        media_sequence=number,
    )


async def stored(settings: CommonSettings, channel: str = CHANNEL) -> list[Event]:
    messages = await read(settings, keys.EVENTS_STREAM, keys.events_filter(channel))
    return [codec.decode_as(Event, message.payload) for message in messages]


# --- the publisher ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await jetstream.connect(CommonSettings(nats_url=nats_server.url, nats_timeout_seconds=1), name="test")
    await bus.ensure_streams()
    yield bus
    await bus.close()


def publisher(bus: Bus, **kwargs: int) -> tuple[Events, CollectorRegistry]:
    registry = CollectorRegistry()
    return Events(bus, LoopMetrics(registry), **kwargs), registry


async def test_events_wait_while_nats_is_away_and_are_published_in_order_and_once(
    nats_server: NatsServer, bus: Bus
) -> None:
    events, registry = publisher(bus)
    task = asyncio.create_task(events.run())
    told = [event(number) for number in range(5)]
    events.publish(told[0])
    await events.drain(seconds=5)
    assert events.is_idle(CHANNEL)
    nats_server.kill()
    for one in told[1:]:
        began = time.monotonic()
        events.publish(one)
        assert time.monotonic() - began < 0.1
    events.publish(told[0])  # as a successor would
    await asyncio.sleep(1.5)
    assert not events.is_idle(CHANNEL)
    await asyncio.to_thread(nats_server.start)
    await events.drain(seconds=15)
    assert events.is_idle(CHANNEL)
    task.cancel()
    assert await stored(CommonSettings(nats_url=nats_server.url)) == told
    assert registry.get_sample_value("understudy_dropped_events_total") == 0


async def test_the_oldest_are_dropped_and_counted_when_too_many_wait(nats_server: NatsServer, bus: Bus) -> None:
    events, registry = publisher(bus, waiting_max=3)
    for number in range(5):
        events.publish(event(number))
    assert registry.get_sample_value("understudy_dropped_events_total") == 2
    await events.drain(seconds=5)
    assert [one.media_sequence for one in await stored(CommonSettings(nats_url=nats_server.url))] == [2, 3, 4]
    assert events.is_idle(CHANNEL)


async def test_what_happened_before_the_duplicate_window_is_not_published_twice(
    nats_server: NatsServer, bus: Bus
) -> None:
    """The window cannot be waited for: another id for the same event is what the server sees when it is over."""
    events, _ = publisher(bus)
    first, second = event(1, ago_seconds=700), event(2, ago_seconds=600)
    for one in (first, second):
        subject = keys.event_subject(one.kind, one.channel, one.about)
        await bus.publish(subject, codec.encode(one), message_id=f"forgotten {one.id}")
    third = event(3, ago_seconds=500)
    for one in (first, second, third, third):
        events.publish(one)
    await events.drain(seconds=5)
    assert await stored(CommonSettings(nats_url=nats_server.url)) == [first, second, third]


# --- a controller -----------------------------------------------------------------------------------------------------


OF_ENTRIES = (EventKind.PROGRAMME_STARTED, EventKind.FAILOVER)
"""Beside them it is told who made the channel."""


async def test_a_successor_tells_of_entries_that_its_predecessor_appended_and_died(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    with Controller(tmp_path, nats_url=nats_server.url) as controller:
        channel, guids = await asyncio.to_thread(create, controller, endpoints={"one": (6, 0)})
        await asyncio.to_thread(controller.stop, kill=True)
        now, first = clock.now_ticks(), 1_800_000_000
        entries = [
            replace(
                make_entry(number),
                media_sequence=first + number,
                channel=channel,
                origin_endpoint=guids["one"],
                as_of=AsOf(now - from_seconds(10 - number), 1),
            )
            for number in range(4)
        ]
        entries[0] = replace(entries[0], reason=Reason.START, step=0)
        entries[2] = replace(entries[2], reason=Reason.FAILOVER, step=4, active_input=2)
        entries[3] = replace(entries[3], active_input=2)
        bus = await jetstream.connect(settings, name="test")
        try:
            for entry in entries:
                await bus.publish(keys.program_subject(shard_of(channel), guids["one"]), codec.encode(entry))
        finally:
            await bus.close()
        controller.start()
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while len(told := [one for one in await stored(settings, channel) if one.kind in OF_ENTRIES]) < 2:
            assert time.monotonic() < give_up_at, told
            await asyncio.sleep(0.1)
        assert [(one.kind, one.media_sequence) for one in told] == [
            (EventKind.PROGRAMME_STARTED, first),
            (EventKind.FAILOVER, first + 2),
        ]
        assert {one.origin_endpoint_id for one in told} == {"one"}


async def test_events_are_shown_by_the_api_and_the_command_line_also_of_a_deleted_channel(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    directory = DataDirectory(tmp_path / "stack")
    directory.create()
    write_json(directory.stack_file, {"nats_url": nats_server.url})
    with Controller(tmp_path, nats_url=nats_server.url) as controller, directory.locked():
        channel, _ = await asyncio.to_thread(create, controller, endpoints={"one": (1, 0)})
        t0 = time.time() + 0.3
        follower = _following(directory)
        try:
            await publish_in_real_time(settings, channel, broadcast(t0), t0)
            answer = await asyncio.to_thread(_wait_for, controller, EventKind.INPUT_RECOVERED)
            _assert_told_in_words(answer["events"])
            log = await read(settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(shard_of(channel)))
            ids = [one.id for one in told_of(log, channel)]
            decided = [one["id"] for one in answer["events"] if one["kind"] != EventKind.OPERATOR_ACTION]
            assert decided == ids[: len(decided)]
            lines = await asyncio.to_thread(_run, "--channel", "show", "--json", "--data-dir", str(directory.path))
            assert [json.loads(line) for line in lines][: len(answer["events"])] == answer["events"]
            _assert_selected(controller, answer["events"])
        finally:
            follower.terminate()
            output, _ = await asyncio.to_thread(follower.communicate)
        assert [json.loads(line) for line in output.splitlines()][: len(answer["events"])] == answer["events"]
        assert 'understudy_events_total{kind="failover"} 1.0' in controller.request("GET", "/metrics")[2].decode()
        assert "one: Slot" in controller.log()
        assert controller.request("DELETE", "/origin_endpoints/one")[0] == 202
        assert controller.request("DELETE", "/channels/show")[0] == 202
        gone = await asyncio.to_thread(_get, controller, "?channel=show")
        assert gone["events"][: len(answer["events"])] == answer["events"]
        text = await asyncio.to_thread(_run, "--channel", "show", "--data-dir", str(directory.path))
        assert any("show/one" in line and "failover" in line for line in text)


def _following(directory: DataDirectory) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "understudy_local",
        "events",
        "--follow",
        "--json",
        "--data-dir",
        str(directory.path),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _assert_told_in_words(events: list[dict[str, Any]]) -> None:
    by_kind = {one["kind"]: one for one in events}
    assert {"programme_started", "inputs_match", "failover", "input_lost", "input_recovered"} <= set(by_kind)
    assert [one["at"] for one in events] == sorted(one["at"] for one in events)
    failover = by_kind["failover"]
    assert (failover["channel"], failover["origin_endpoint"], failover["active_input"]) == ("show", "one", 2)
    assert (failover["reason"], failover["step"], failover["seam"]) == ("failover", 4, "seamless")
    assert failover["inputs"][0]["missing"] == ["v1"]
    assert "which is active from here on" in failover["words"]
    lost = by_kind["input_lost"]
    assert (lost["input"], lost["origin_endpoint"], lost["duration_seconds"]) == (1, None, 2.5)
    assert by_kind["inputs_match"]["grade"] == "joinable"


def _assert_selected(controller: Controller, events: list[dict[str, Any]]) -> None:
    newest = _get(controller, "?limit=1")
    assert len(newest["events"]) == 1
    assert newest["left_out"] >= len(events) - 1
    failover = next(one for one in events if one["kind"] == "failover")
    later = _get(controller, f"?since={failover['at']}")
    assert later["events"][0]["at"] >= failover["at"]
    assert len(later["events"]) < len(events) + 5
    assert _get(controller, f"?since={to_iso8601(clock.now_ticks() + from_seconds(60))}")["events"] == []
    for query, status in (("?channel=none", 404), ("?limit=0", 422), ("?since=noon", 422)):
        assert controller.json("GET", f"/understudy/v1/events{query}")[0] == status, query


def _wait_for(controller: Controller, kind: EventKind) -> dict[str, Any]:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = _get(controller, "?channel=show")
        if any(one["kind"] == kind for one in answer["events"]):
            return answer
        assert time.monotonic() < give_up_at, answer
        time.sleep(0.1)


def _get(controller: Controller, query: str) -> dict[str, Any]:
    status, answer = controller.json("GET", f"/understudy/v1/events{query}")
    assert status == 200, answer
    assert isinstance(answer, dict)
    return answer


def _run(*arguments: str) -> list[str]:
    result = CliRunner().invoke(app, ["events", *arguments])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()
