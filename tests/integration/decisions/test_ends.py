"""A programme that ends, by itself and by order, with a real controller that is killed in between."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from support.broadcast import create, folded, metrics, publish_in_real_time, read, shard_of
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import NatsServer
from support.synthetic import EPOCH, Message, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=35)

SEGMENT_SECONDS = 0.5
ENDPOINTS = {"one": (1, 0), "two": (2, 0)}
SILENCE_SECONDS = {"one": 6, "two": 9}
"""Three target durations: 1.25 s and 2.25 s, rounded up, thrice."""
LAST = 11
AGAIN = 40
END = "/understudy/v1/channels/show/end"


def life(t0: float, numbers: range, *, ends: bool = True) -> list[Message]:
    """Two encoders that end their playlists with the last of these segments, or crash behind it."""
    offset = t0 - EPOCH / TICKS_PER_SECOND
    found = []
    for input_id in (1, 2):
        encoder = SyntheticEncoder(
            input_id,
            segment_seconds=SEGMENT_SECONDS,
            date_offset_seconds=offset,
            lag_seconds=0.1 * input_id,
            ended_after=numbers[-1] if ends else None,
        )
        found += encoder.messages(numbers)
    return found


async def programme(settings: CommonSettings, channel: str, guid: str) -> list[bytes]:
    """What stands of an endpoint."""
    messages = await read(settings, keys.PROGRAM_STREAM, keys.program_subject(shard_of(channel), guid))
    return [message.payload for message in messages]


async def wait_for_ends(
    settings: CommonSettings, channel: str, guids: dict[str, str], count: int
) -> dict[str, list[ProgramEntry]]:
    """The programmes, once each has ended so often."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = {
            name: [codec.decode_as(ProgramEntry, payload) for payload in await programme(settings, channel, guid)]
            for name, guid in guids.items()
        }
        if all(sum(entry.ended for entry in entries) >= count for entries in found.values()):
            return found
        assert time.monotonic() < deadline, {name: len(entries) for name, entries in found.items()}
        await asyncio.sleep(0.2)


async def wait_until_taken(controller: Controller) -> dict[str, object]:
    """The answer to an order to end it, once both inputs are dead."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status, answer = await asyncio.to_thread(controller.json, "POST", END)
        if status == 202:
            taken: dict[str, object] = answer
            return taken
        assert (status, answer["code"]) == (409, "still_delivering")
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def test_a_programme_ends_once_and_is_live_again_whoever_is_killed_meanwhile(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    with Controller(tmp_path, nats_url=nats_server.url) as controller:
        channel, guids = create(controller, endpoints=ENDPOINTS)
        t0 = time.time() + 0.5
        publisher = asyncio.create_task(publish_in_real_time(settings, channel, life(t0, range(LAST + 1)), t0))
        await publisher
        for _ in range(2):  # in the silence before its end, and again
            controller.stop(kill=True)
            controller.start()
            await asyncio.to_thread(controller.wait_until_answering)
        ended = await wait_for_ends(settings, channel, guids, 1)
        heard = EPOCH + round((SEGMENT_SECONDS * (LAST + 1) + 0.2) * TICKS_PER_SECOND)
        for name, entries in ended.items():
            assert [entry.ended for entry in entries] == [False] * (len(entries) - 1) + [True]
            after = (entries[-1].as_of.instant - heard) / TICKS_PER_SECOND - (t0 - EPOCH / TICKS_PER_SECOND)
            assert SILENCE_SECONDS[name] <= after < SILENCE_SECONDS[name] + 1.5
        assert 'understudy_programme_ended{channel="show",origin_endpoint="one"} 1.0' in metrics(controller)

        controller.stop(kill=True)
        controller.start()
        await asyncio.to_thread(controller.wait_until_answering)
        await asyncio.sleep(max(t0 + AGAIN * SEGMENT_SECONDS - time.time(), 0))  # the encoders begin again then
        await publish_in_real_time(settings, channel, life(t0, range(AGAIN, AGAIN + LAST), ends=False), t0)
        refused = controller.json("POST", END)
        assert refused[0] == 409
        assert refused[1]["code"] == "still_delivering"
        assert "input 2" in refused[1]["message"]
        ordered = await wait_until_taken(controller)
        assert ordered["originEndpoints"] == ["one", "two"]
        entries_by_name = await wait_for_ends(settings, channel, guids, 2)
        again = controller.json("POST", END)
        assert again[0] == 202
        assert again[1]["originEndpoints"] == []
        log = await read(settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(shard_of(channel)))
        expected = folded(log, channel)
        assert controller.json("POST", "/understudy/v1/channels/none/end")[0] == 404
        for name, guid in guids.items():
            standing = await programme(settings, channel, guid)
            assert standing == expected[guid][: len(standing)]
            slots = [entry for entry in entries_by_name[name] if not entry.ended]
            assert [entry.media_sequence for entry in slots] == list(range(len(slots)))
            assert sum(entry.ended for entry in entries_by_name[name]) == 2
