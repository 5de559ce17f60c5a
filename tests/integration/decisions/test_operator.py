"""An operator at work on real controllers and a real nats-server: switchovers by hand, refusals, and policies.

Two controllers share the channels, so that the one that is asked need not be the one that decides. Each test
broadcasts a channel of its own in real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.broadcast import create, folded, metrics, publish_in_real_time, read, shard_of
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import running_nats_server
from support.synthetic import EPOCH, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SwitchoverOrdered
from understudy_domain.reason import CHANGES, Reason
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_local.cli import app
from understudy_local.data_directory import DataDirectory, write_json
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=40)

SEGMENT_SECONDS = 0.5


@dataclass
class Studio:
    """Two controllers on one nats-server."""

    controllers: tuple[Controller, Controller]
    settings: CommonSettings
    folder: Path


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("operator")
    with (
        running_nats_server(folder / "nats") as nats,
        Controller(folder, nats_url=nats.url, name="first") as first,
        Controller(folder, nats_url=nats.url, name="second") as second,
    ):
        settings = CommonSettings(nats_url=nats.url)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not all("understudy_controller_shards 8.0" in metrics(one) for one in (first, second)):
            assert time.monotonic() < give_up_at, "they share the shards"
            time.sleep(0.1)
        yield Studio((first, second), settings, folder)


@dataclass
class Show:
    """A channel on air, asked about and operated through the controller that does not decide for it."""

    studio: Studio
    channel: str
    guid: str
    endpoints: Mapping[str, str]
    """Guids by id."""
    t0: float
    through: Controller = field(init=False)

    def owner(self) -> Controller:
        marked = f'understudy_active_input{{channel="{self.channel}"'
        return next(one for one in self.studio.controllers if marked in metrics(one))

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return await asyncio.to_thread(self.through.json, method, f"/understudy/v1/{path}", body)

    async def status(self, endpoint: str) -> Any:
        status, found = await self.ask("GET", f"origin_endpoints/{endpoint}/status")
        assert status == 200, found
        return found

    async def until(self, endpoint: str, holds: Callable[[Any], bool]) -> Any:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not holds(found := await self.status(endpoint)):
            assert time.monotonic() < give_up_at, found
            await asyncio.sleep(0.1)
        return found

    async def until_seam(self, to_input: int, seam: str) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, found = await self.ask("GET", f"channels/{self.channel}/status")
            assert status == 200, found
            if found["interchange"]["outlook"][to_input - 1]["seam"] == seam and found["renditions"]:
                return
            assert time.monotonic() < give_up_at, found["interchange"]
            await asyncio.sleep(0.1)

    async def entries(self, endpoint: str) -> list[ProgramEntry]:
        subject = keys.program_subject(shard_of(self.guid), self.endpoints[endpoint])
        log = await read(self.studio.settings, keys.PROGRAM_STREAM, subject)
        return [codec.decode_as(ProgramEntry, message.payload) for message in log]

    async def orders(self) -> list[SwitchoverOrdered]:
        subject = keys.command_subject(shard_of(self.guid), self.guid)
        log = await read(self.studio.settings, keys.ARRIVALS_STREAM, subject)
        facts = [codec.decode(message.payload) for message in log]
        return [fact for fact in facts if isinstance(fact, SwitchoverOrdered)]

    async def assert_programmes_are_the_log_folded(self) -> None:
        entries = {guid: await self.entries(name) for name, guid in self.endpoints.items()}
        log = await read(self.studio.settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(shard_of(self.guid)))
        again = folded(log, self.guid)
        for guid, made in entries.items():
            assert [codec.encode(entry) for entry in made] == again[guid][: len(made)]


@contextlib.asynccontextmanager
async def on_air(
    studio: Studio, channel: str, endpoints: tuple[str, ...], *encoders: SyntheticEncoder, segments: int
) -> AsyncIterator[Show]:
    """Broadcast a new channel for as long as it is entered, or as it has segments."""
    ids = {f"{channel}-{name}": (1, 0) for name in endpoints}
    guid, guids = await asyncio.to_thread(create, studio.controllers[0], channel, endpoints=ids)
    t0 = time.time() + 0.3
    offset = t0 - EPOCH / TICKS_PER_SECOND
    messages = []
    for encoder in encoders:
        encoder.segment_seconds = SEGMENT_SECONDS
        if encoder.date_offset_seconds is not None:
            encoder.date_offset_seconds += offset
        messages += encoder.messages(range(segments))
    show = Show(studio, channel, guid, guids, t0)
    publishing = asyncio.create_task(publish_in_real_time(studio.settings, guid, messages, t0))
    try:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                owner = await asyncio.to_thread(show.owner)
                break
            except StopIteration:
                assert time.monotonic() < give_up_at, "somebody decides for the channel"
                await asyncio.sleep(0.1)
        show.through = next(one for one in studio.controllers if one is not owner)
        yield show
    finally:
        publishing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await publishing


def command(studio: Studio, through: Controller, *words: str) -> tuple[int, str]:
    """The command line, on a stack whose control API is this controller."""
    directory = DataDirectory(studio.folder / "stack")
    directory.create()
    write_json(directory.stack_file, {"nats_url": studio.settings.nats_url, "api_url": through.url})
    with directory.locked():
        result = CliRunner().invoke(app, [*words, "--data-dir", str(directory.path)])
    return result.exit_code, result.output


async def test_a_switchover_is_ordered_through_any_controller_once_and_without_a_seam(studio: Studio) -> None:
    async with on_air(
        studio, "hand", ("a", "b"), SyntheticEncoder(1), SyntheticEncoder(2, lag_seconds=0.6), segments=90
    ) as show:
        await show.until("hand-a", lambda found: found["active_input"] == 1)
        await show.until_seam(2, "seamless")
        status, answer = await show.ask("POST", "origin_endpoints/hand-a/switchover")
        assert status == 202, answer
        assert (answer["originEndpoint"], answer["input"], answer["force"]) == ("hand-a", 2, False)
        assert (answer["seam"], answer["jumpSeconds"]) == ("seamless", 0)
        assert answer["orderedAt"] < answer["standsUntil"]
        assert answer["status"] == "/understudy/v1/origin_endpoints/hand-a/status"
        found = await show.until(
            "hand-a", lambda found: found["active_input"] == 2 and found["since_media_sequence"] is not None
        )
        assert (found["reason"], found["order"]) == ("switchover", None)
        assert found["log_sequence"] >= answer["logSequence"]
        assert (await show.status("hand-b"))["active_input"] == 1

        refused, why = await show.ask("POST", "origin_endpoints/hand-a/switchover", {"input": 2})
        assert (refused, why["code"]) == (409, "already_active")
        unnamed, why = await show.ask("POST", "channels/hand/switchover", {})
        assert unnamed == 422
        assert why["message"].startswith("input: required")
        status, answer = await show.ask("POST", "channels/hand/switchover", {"input": 2})
        assert status == 202, answer
        assert [one["originEndpoint"] for one in answer["ordered"]] == ["hand-b"]
        assert [(one["originEndpoint"], one["code"]) for one in answer["refused"]] == [("hand-a", "already_active")]
        await show.until("hand-b", lambda found: found["active_input"] == 2)

        code, told = await asyncio.to_thread(command, studio, show.through, "switchover", "hand-a", "--json")
        assert code == 0, told
        outcome = json.loads(told)["outcomes"][0]
        assert (outcome["input"], outcome["followed"], outcome["reason"]) == (1, True, "switchover")
        assert outcome["discontinuity"] is False
        code, told = await asyncio.to_thread(command, studio, show.through, "switchover", "--channel", "hand")
        assert (code, "input: required" in told) == (1, True)
        code, told = await asyncio.to_thread(
            command, studio, show.through, "explain", "hand-a", "--sequence", str(outcome["media_sequence"])
        )
        assert code == 0
        assert "which is active from here on: an operator ordered it at" in told

        entries = await show.entries("hand-a")
        assert [entry.reason for entry in entries if entry.reason in CHANGES] == [Reason.SWITCHOVER] * 2
        assert not any(entry.discontinuity for entry in entries)
        assert len(await show.orders()) == 3
        await show.assert_programmes_are_the_log_folded()


async def test_what_viewers_would_notice_is_refused_unless_forced_and_what_cannot_be_is_always(studio: Studio) -> None:
    other = SyntheticEncoder(2, configuration="other", lost=set(range(24, 60)))
    async with on_air(studio, "unlike", ("a",), SyntheticEncoder(1), other, segments=60) as show:
        path = "origin_endpoints/unlike-a/switchover"
        early, why = await show.ask("POST", path, {"force": True})
        assert (early, why["code"]) == (409, "nothing_published_yet")
        await show.until("unlike-a", lambda found: found["active_input"] == 1)
        await show.until_seam(2, "discontinuity")
        refused, why = await show.ask("POST", path)
        assert (refused, why["code"]) == (409, "not_seamless")
        assert "a discontinuity in every rendition" in why["message"]
        assert await show.orders() == []
        status, answer = await show.ask("POST", path, {"input": 2, "force": True})
        assert (status, answer["seam"]) == (202, "discontinuity")
        await show.until("unlike-a", lambda found: found["active_input"] == 2)
        await show.until("unlike-a", lambda found: found["active_input"] == 1)  # input 2 has died
        await show.until_seam(2, "impossible")
        for force in (False, True):
            refused, why = await show.ask("POST", path, {"input": 2, "force": force})
            assert (refused, why["code"]) == (409, "not_delivering")
        assert (await show.ask("POST", "origin_endpoints/none/switchover"))[0] == 404
        assert (await show.ask("POST", "channels/none/switchover"))[0] == 404
        status, why = await show.ask("POST", path, {"input": 3})
        assert (status, why["message"].startswith("input: ")) == (422, True)
        entries = await show.entries("unlike-a")
        moved = [(entry.reason, entry.discontinuity) for entry in entries if entry.reason in CHANGES]
        assert moved == [(Reason.SWITCHOVER, True), (Reason.FAILOVER, True)]


async def test_policies_take_effect_while_an_input_fails_and_comes_back(studio: Studio) -> None:
    first = SyntheticEncoder(1, lost=set(range(20, 32)))
    async with on_air(
        studio, "show", ("pin", "back", "stay"), first, SyntheticEncoder(2, lag_seconds=0.5), segments=80
    ) as show:
        put = {"policy": "preferred", "input": 1, "holdDownSeconds": 3}
        assert await show.ask("PUT", "origin_endpoints/show-back/policy", put) == (200, put)
        assert await show.ask("GET", "origin_endpoints/show-back/policy") == (200, put)
        code, told = await asyncio.to_thread(
            command, studio, show.through, "policy", "show-pin", "pinned", "--input", "1"
        )
        assert (code, told.startswith("show-pin: pinned to input 1")) == (0, True)
        await show.until("show-pin", lambda found: found["policy"] and found["policy"]["policy"] == "pinned")
        await show.until_seam(2, "seamless")
        refused, why = await show.ask("POST", "origin_endpoints/show-pin/switchover", {"force": True})
        assert (refused, why["code"]) == (409, "pinned")

        await show.until("show-stay", lambda found: found["active_input"] == 2)
        away = await show.until(
            "show-back", lambda found: found["active_input"] == 2 and found["policy"]["failback_from"] is not None
        )
        assert away["policy"]["well_since"] < away["policy"]["failback_from"]
        back = await show.until("show-back", lambda found: found["active_input"] == 1 and found["reason"] == "failback")
        assert back["last"]["decided_at"] >= away["policy"]["failback_from"]
        assert (await show.status("show-stay"))["active_input"] == 2
        assert (await show.status("show-pin"))["active_input"] == 1

        reasons = {name: [one.reason for one in await show.entries(name)] for name in show.endpoints}
        assert [one for one in reasons["show-back"] if one in CHANGES] == [Reason.FAILOVER, Reason.FAILBACK]
        assert [one for one in reasons["show-stay"] if one in CHANGES] == [Reason.FAILOVER]
        pinned = await show.entries("show-pin")
        assert {entry.active_input for entry in pinned} == {1}
        assert {piece.input_id for entry in pinned for piece in entry.renditions[0].pieces} == {1, 2}
        for name in show.endpoints:
            assert not any(entry.discontinuity or entry.is_gap for entry in await show.entries(name))

        off = {"policy": "off"}
        assert (await show.ask("PUT", "origin_endpoints/show-stay/policy", off))[0] == 200
        back = await show.until("show-stay", lambda found: found["active_input"] == 1)
        assert (await show.ask("POST", "origin_endpoints/show-stay/switchover"))[1]["code"] == "policy_off"
        code, told = await asyncio.to_thread(
            command, studio, show.through, *("what-if", "show-stay", "--policy", "pinned", "--input", "1")
        )
        assert code == 0, told
        assert "would have been (1 s segments, 0 s delay, pinned to input 1)" in told
        await show.assert_programmes_are_the_log_folded()
