"""Who sends, from where, and what becomes of a webhook when the log, its record or a controller is another one.

Real NATS, controllers' parts in this process, and a receiver that is a function.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.deadline import comes_true, eventually_beside
from support.webhook_events import ENDPOINT, event
from understudy_controller.webhooks import delivery, part
from understudy_controller.webhooks.claim import begin
from understudy_controller.webhooks.errors import ClaimLost
from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.part import Webhooks
from understudy_domain import codec, keys, ticks
from understudy_domain.event import EventKind
from understudy_domain.keys import Arns
from understudy_domain.ticks import from_seconds
from understudy_domain.webhooks.cloud_event import Message
from understudy_domain.webhooks.progress import Answer, WebhookProgress
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import NotFound
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=15)

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtYXQtbGVhc3Q="
ENTRY: dict[str, Any] = {"name": "hook", "url": "http://nowhere.invalid/", "secrets": [SECRET]}


class Site:
    """One nats-server, a file, and what the receiver was sent."""

    def __init__(self, directory: Path, settings: CommonSettings, bus: Bus) -> None:
        self.bus = bus
        self.kv = KeyValue(bus, keys.WEBHOOKS_BUCKET)
        self.file = directory / "webhooks.yaml"
        self.sent: list[Message] = []
        self.answer: Callable[[Message], Answer] = lambda _: Answer(204)
        self.before_answer: Callable[[Webhook], Awaitable[Any]] = lambda _: asyncio.sleep(0)
        self._settings = settings
        self._numbers = count()

    @property
    def words(self) -> list[str]:
        return [json.loads(one.body)["data"]["words"] for one in self.sent]

    def write(self, **more: Any) -> None:
        self.file.write_text(yaml.safe_dump({"webhooks": [{**ENTRY, **more}]}))
        os.utime(self.file, (0, 0))  # who begins with it need not look twice

    async def tell(self, words: str, **more: Any) -> int:
        """Put an event into the log; returns its sequence."""
        more = {"kind": EventKind.REPAIR, "instant": clock.now_ticks(), **more}
        one = event(more.pop("kind"), words=words, media_sequence=next(self._numbers), **more)
        subject = keys.event_subject(one.kind, one.channel, one.about)
        return await self.bus.publish(subject, codec.encode(one))

    async def progress(self) -> WebhookProgress | None:
        try:
            return codec.decode_as(WebhookProgress, (await self.kv.get("hook")).value or b"")
        except NotFound:
            return None

    async def is_held(self) -> bool:
        found = await self.progress()
        return found is not None and found.holder is not None

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[Webhooks]:
        async with AsyncExitStack() as stack:
            bus = await connect(self._settings, name="controller")
            stack.push_async_callback(bus.close)
            store = ConfigStore(bus)
            stack.push_async_callback(store.stop)
            await store.start()

            async def send(webhook: Webhook, message: Message) -> Answer:
                self.sent.append(message)
                await self.before_answer(webhook)
                return self.answer(message)

            arns = Arns("us-east-1", "000000000000")
            webhooks = Webhooks(bus, store, path=self.file, arns=arns, send=send)
            async with webhooks.running():
                yield webhooks

    async def has_sent(self, *words: str) -> None:
        await eventually_beside(lambda: len(self.sent) >= len(words), within_seconds=12, what=f"{words} are sent")
        assert self.words == list(words)


@pytest.fixture
async def site(tmp_path: Path, nats_settings: CommonSettings) -> AsyncIterator[Site]:
    bus = await connect(nats_settings, name="test")
    await bus.ensure_streams()
    found = Site(tmp_path, nats_settings, bus)
    found.write()
    yield found
    await bus.close()


def counts_of(controller: Webhooks) -> dict[str, float]:
    families = {family.name: family for family in controller.metrics.collect()}
    return {one.labels["outcome"]: one.value for one in families["understudy_webhook_attempts"].samples}


async def test_of_two_controllers_one_sends_and_the_other_goes_on_at_once(site: Site) -> None:
    await site.tell("before there was a webhook")
    async with site.controller() as second:
        async with site.controller():
            await comes_true(site.is_held, within_seconds=10, what="one of them sends")
            for number in range(30):
                await site.tell(str(number))
            await site.has_sent(*map(str, range(30)))
            shown = second.progress("hook")
            assert shown is not None
        began = clock.monotonic()
        await site.tell("after")
        await site.has_sent(*map(str, range(30)), "after")
        assert clock.monotonic() - began < 5
    progress = await site.progress()
    assert progress is not None
    assert (progress.holder, progress.after) == (None, await site.bus.last_sequence(keys.EVENTS_STREAM))
    await site.tell("while nobody was there")
    async with site.controller():
        await site.has_sent(*map(str, range(30)), "after", "while nobody was there")


async def test_storm_control_outlives_its_controller_and_starts_again_after_five_minutes(site: Site) -> None:
    site.write(shape="mediapackage")
    now = clock.now_ticks() // from_seconds(1) * from_seconds(1)

    async def switch(seconds: float) -> None:
        await site.tell(
            f"at {seconds}", kind=EventKind.FAILOVER, instant=now + from_seconds(seconds), origin_endpoint=ENDPOINT
        )

    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await switch(0)
        await eventually_beside(lambda: len(site.sent) == 1, within_seconds=5, what="the first is sent")
    await switch(100)
    await switch(301)
    async with site.controller():
        await eventually_beside(lambda: len(site.sent) == 2, within_seconds=10, what="the third is sent")
        await switch(302)
        await switch(602)
        await eventually_beside(lambda: len(site.sent) == 3, within_seconds=5, what="the last is sent")
    times = [ticks.from_datetime(datetime.fromisoformat(json.loads(one.body)["time"])) for one in site.sent]
    assert [round(ticks.to_seconds(one - times[0])) for one in times] == [0, 301, 602]


async def test_what_could_not_be_sent_for_a_day_is_dropped_and_what_is_young_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.answer = lambda _: Answer(503)
    async with site.controller() as controller:
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("first")
        await site.tell("second")
        await eventually_beside(lambda: len(site.sent) == 1, within_seconds=5, what="the first is tried")
        now = clock.now_ticks
        monkeypatch.setattr(clock, "now_ticks", lambda: now() + from_seconds(24 * 3_600 + 60))
        await eventually_beside(
            lambda: (one := controller.progress("hook")) is not None and one.after == 2,
            within_seconds=8,
            what="both are dropped",
        )
        assert len(site.sent) == 1, "the second is not even tried"
        monkeypatch.undo()
        site.answer = lambda _: Answer(200)
        await site.tell("third")
        site.write(headers={"X-Changed": "1"})
        await site.has_sent("first", "third")
        await eventually_beside(lambda: counts_of(controller)["taken"], within_seconds=5, what="it is counted")
        assert counts_of(controller) == {"taken": 1, "failed": 1, "refused": 0, "expired": 2}


async def test_events_that_were_made_anew_are_sent_from_then_on(site: Site) -> None:
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        for number in range(5):
            await site.tell(str(number))
        await site.has_sent(*map(str, range(5)))
    await site.bus.api_request(f"STREAM.DELETE.{keys.EVENTS_STREAM}")
    await site.bus.ensure_streams()
    await site.tell("of the new log, before anybody looked")
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await comes_true(lambda: _is_at(site, 1), within_seconds=5, what="it has seen that the log is another one")
        await site.tell("after")
        await site.has_sent(*map(str, range(5)), "after")


async def _is_at(site: Site, after: int) -> bool:
    progress = await site.progress()
    return progress is not None and progress.after == after


async def test_a_record_that_is_gone_is_begun_anew_by_who_holds_it_and_by_who_knew_it(site: Site) -> None:
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("one")
        await site.has_sent("one")
        await site.bus.purge(site.kv.stream, f"$KV.{keys.WEBHOOKS_BUCKET}.hook")
        await comes_true(site.is_held, within_seconds=10, what="it sends again")
        await site.tell("two")
        await site.has_sent("one", "two")


async def test_a_claim_that_another_has_taken_is_lost_and_its_own_lost_acknowledgement_is_none(site: Site) -> None:
    claim = await begin(site.kv, "hook", after=7)
    assert claim is not None
    assert await begin(site.kv, "hook", after=9) is None
    await site.kv.put("hook", codec.encode(claim.progress))  # as if a write of its own had stood unheard
    claim.progress = replace(claim.progress, after=8)
    await claim.write()
    entry = await site.kv.get("hook")
    stored = replace(codec.decode_as(WebhookProgress, entry.value or b""), holder="another")
    await site.kv.put("hook", codec.encode(stored))
    with pytest.raises(ClaimLost, match="another controller has it"):
        await claim.write()
    await claim.give_back()
    assert await site.is_held()


async def test_what_a_newer_release_has_put_into_a_record_is_kept(site: Site) -> None:
    claim = await begin(site.kv, "hook", after=0)
    assert claim is not None
    await claim.give_back()
    plain = json.loads((await site.kv.get("hook")).value or b"")
    await site.kv.put("hook", json.dumps(plain | {"of_a_newer_release": [1]}).encode())
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("one")
        await site.has_sent("one")
    assert json.loads((await site.kv.get("hook")).value or b"")["of_a_newer_release"] == [1]


async def test_what_does_not_parse_is_passed_over(site: Site) -> None:
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.bus.publish(keys.event_subject("boom", "a" * 32, "channel"), b'{"type":"event","version":99}')
        await site.tell("one")
        await site.has_sent("one")


async def test_one_that_is_told_to_want_more_kinds_is_not_sent_what_came_of_them_long_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_IDLE_SECONDS", 0.2)
    site.write(kinds=["gap"])
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        last = await site.tell("a repair, which nobody wanted")
        await comes_true(lambda: _is_at(site, last), within_seconds=5, what="it is behind")
        await site.tell("wanted", kind=EventKind.GAP)
        await site.has_sent("wanted")
    site.write(kinds=["gap", "repair"])
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends again")
        await site.tell("a repair")
        await site.has_sent("wanted", "a repair")


async def test_an_event_of_which_no_message_can_be_made_holds_up_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site.controller() as controller:
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("of no time that there is", instant=10**18)
        await site.tell("one")
        await site.has_sent("one")
        assert counts_of(controller)["refused"] == 1


async def test_whatever_goes_wrong_with_a_claim_it_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [ValueError("of a mistake of ours")]

    async def failing_once(*args: Any, **more: Any) -> Any:
        if failures:
            raise failures.pop()
        return await begin(*args, **more)

    monkeypatch.setattr(part, "begin", failing_once)
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
    assert not failures


async def test_a_changed_entry_gets_what_comes_after_the_attempt_that_was_under_way(site: Site) -> None:
    go_on, urls = asyncio.Event(), list[str]()

    async def answer_later(webhook: Webhook) -> None:
        urls.append(webhook.receiver)
        await go_on.wait()

    site.before_answer = answer_later
    async with site.controller() as controller:
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("one")
        await site.tell("two")
        await eventually_beside(lambda: len(urls) == 1, within_seconds=5, what="the first is under way")
        site.write(url="http://elsewhere.invalid/")
        await eventually_beside(
            lambda: controller.webhooks["hook"].receiver == "http://elsewhere.invalid",
            within_seconds=8,
            what="the file is read",
        )
        go_on.set()
        await site.has_sent("one", "two")
        assert urls == ["http://nowhere.invalid", "http://elsewhere.invalid"]


async def test_nats_that_goes_and_comes_delays_and_loses_nothing(site: Site, nats_server: Any) -> None:
    async with site.controller():
        await comes_true(site.is_held, within_seconds=10, what="it sends")
        await site.tell("one")
        await site.has_sent("one")
        nats_server.kill()
        await eventually_beside(lambda: not site.bus.is_connected, within_seconds=10, what="NATS is gone")
        await asyncio.to_thread(nats_server.start)
        await eventually_beside(lambda: site.bus.is_connected, within_seconds=10, what="NATS is back")
        await site.tell("two")
        await site.has_sent("one", "two")
