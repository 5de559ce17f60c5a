"""A real controller removes what no window reaches any more, and nothing else, from a real NATS and a real storage.

Slots last 1 s; the shortest window lists 6 s of them, and reaches back 20 s with what has left it.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from support.broadcast import metrics
from support.control_process import Controller
from support.deadline import comes_true
from support.egress_process import EgressProcess
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create
from understudy_domain import keys
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=40)

BACKLOG = 60
"""Segments that are delivered at once: 30 s."""


def began_before(segments: int) -> float:
    """When a broadcast began that has had so many segments by now."""
    return time.time() - segments * SEGMENT_SECONDS


async def first_left(studio: Studio, channel: str, endpoint: str) -> int:
    """The media sequence of the oldest entry; the numbers after it are without a gap."""
    entries = await studio.entries(channel, endpoint)
    numbers = [entry.media_sequence for entry in entries]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    return numbers[0] if numbers else 0


async def test_old_entries_and_objects_go_and_egress_shows_the_same_as_if_nothing_had(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with (
        Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller,
        EgressProcess(tmp_path, settings, name="old") as old,
        EgressProcess(tmp_path, settings, name="fresh") as fresh,
    ):
        channel, guids = await asyncio.to_thread(create, controller, "show", "one")
        guid = guids["one"]
        t0 = began_before(BACKLOG)
        delivering = asyncio.create_task(studio.deliver(channel, both_inputs(t0, range(BACKLOG + 30)), t0))
        media = keys.multivariant_path(guid, "index").replace(".m3u8", "_v1.m3u8")

        async def shown(egress: EgressProcess) -> bytes:
            answer = await asyncio.to_thread(egress.get, media)
            return answer.body if answer.status == 200 else b""

        async def removed() -> bool:
            await shown(old)  # it has the endpoint in memory from the first slot on
            return await first_left(studio, channel, guid) >= 10 and len(await studio.objects(channel)) < 120

        await comes_true(removed, "the oldest entries and objects are gone")
        await comes_true(lambda: _same(shown(old), shown(fresh)), "a fresh process shows the same, byte for byte")
        listed = [line for line in (await shown(fresh)).decode().splitlines() if line.endswith(".ts")]
        assert len(listed) == 6
        for line in listed:
            answer = await asyncio.to_thread(fresh.get, media.rpartition("/")[0] + "/" + line)
            assert (answer.status, len(answer.body)) == (200, 2000)
        assert await studio.missing(channel, guid) == []
        await delivering
        await comes_true(lambda: _has(studio, channel, guid, 43), "numbers go on")
        assert await studio.missing(channel, guid) == []
        shown_now = metrics(controller)
        assert "understudy_retention_errors_total 0.0" in shown_now
        removed_total = re.search(r"^understudy_retention_entries_total (\d+)", shown_now, re.MULTILINE)
        assert removed_total is not None
        assert 10 <= int(removed_total[1]) <= await first_left(studio, channel, guid)


async def test_hours_of_pause_cost_the_last_window_nothing(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await asyncio.to_thread(create, controller, "show", "one")
        guid = guids["one"]
        t0 = began_before(BACKLOG)
        await studio.deliver(channel, both_inputs(t0, range(BACKLOG)), t0)
        await comes_true(lambda: _has(studio, channel, guid, 28), "all is decided")

        async def at_rest() -> bool:
            before = await studio.entries(channel, guid), await studio.objects(channel)
            await asyncio.sleep(2.0)  # four rounds
            return bool(before[0][0].media_sequence) and before == (
                await studio.entries(channel, guid),
                await studio.objects(channel),
            )

        await comes_true(at_rest, "everything is gone that may go")
        entries = await studio.entries(channel, guid)
        assert entries[-1].end - entries[0].start >= 20 * 90_000
        assert await studio.missing(channel, guid) == []
        # The encoders go on: so do the numbers, and what was kept in the pause goes in its turn.
        later = both_inputs(t0, range(BACKLOG, BACKLOG + 60))
        await studio.deliver(channel, later, t0 - 30)
        await comes_true(lambda: _has(studio, channel, guid, 57), "numbers go on")

        async def replaced() -> bool:
            return await first_left(studio, channel, guid) > entries[0].media_sequence + 10

        await comes_true(replaced, "what was kept in the pause goes")
        assert await studio.missing(channel, guid) == []


async def test_the_next_owner_goes_on_where_the_one_that_died_has_stopped(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    more = controller_settings(settings)
    with (
        Controller(tmp_path, nats_url=settings.nats_url, name="a", **more) as first,
        Controller(tmp_path, nats_url=settings.nats_url, name="b", **more) as second,
    ):
        channel, guids = await asyncio.to_thread(create, first, "show", "one", "two")
        t0 = began_before(BACKLOG)
        delivering = asyncio.create_task(studio.deliver(channel, both_inputs(t0, range(BACKLOG + 24)), t0))

        async def gone_up_to(number: int) -> bool:
            assert [await studio.missing(channel, guid) for guid in guids.values()] == [[], []]
            return all([await first_left(studio, channel, guid) >= number for guid in guids.values()])

        await comes_true(lambda: gone_up_to(5), "the oldest entries are gone")
        owner = first if 'active_input{channel="show"' in metrics(first) else second
        owner.stop(kill=True)
        await comes_true(lambda: gone_up_to(18), "its successor removes")
        await delivering
        objects = [keys.parse_media_object_key(key) for key in await studio.objects(channel)]
        assert {one.input_id for one in objects} == {1, 2}
        await comes_true(lambda: _objects_up_to(studio, channel, 120), "objects go as well")
        assert await gone_up_to(18)


async def _same(one: object, other: object) -> bool:
    first, second = await asyncio.gather(one, other)  # type: ignore[call-overload]
    return bool(first) and first == second


async def _has(studio: Studio, channel: str, endpoint: str, media_sequence: int) -> bool:
    entries = await studio.entries(channel, endpoint)
    return bool(entries) and entries[-1].media_sequence >= media_sequence


async def _objects_up_to(studio: Studio, channel: str, count: int) -> bool:
    return len(await studio.objects(channel)) <= count
