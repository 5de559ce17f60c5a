"""Webhooks of two real controllers on a real nats-server, to a real receiver. Each test has webhooks of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from support.control_process import Controller
from support.deadline import eventually
from support.nats_server import NatsServer, running_nats_server
from support.webhook_receiver import Received, Receiver, documented_verification, running_receiver
from understudy_domain import codec, keys
from understudy_domain.event import Event, EventKind
from understudy_local.cli import app
from understudy_local.data_directory import DataDirectory, write_json
from understudy_runtime import clock, jetstream
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=20)

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtYXQtbGVhc3Q="
OTHER = "whsec_" + "YW5vdGhlci1zZWNyZXQtb2YtdGhpcnR5LXR3by1ieXRlcyE="
SOON_SECONDS = 10.0
ENTRIES: Mapping[str, Mapping[str, Any]] = {
    "signed": {"secrets": [OTHER, SECRET]},
    "some": {"kinds": ["gap"], "channels": ["signed"], "headers": {"X-Team": "tv"}},
    "switched": {"shape": "mediapackage", "channels": ["signed"]},
    "operated": {},
    "again": {},
    "hang": {"timeout_seconds": 30},
    "gone": {},
    "well": {"channels": ["hang", "gone"]},
    "followed": {"path": "/wrong?token=in-the-url"},
    "tried": {},
    "tried-switched": {"shape": "mediapackage"},
    "shown": {},
    "moving": {},
}
"""What the file has at first: the controllers need not be waited for to read it again."""


class Installation:
    """NATS, two controllers with one file, and a receiver."""

    def __init__(self, directory: Path, server: NatsServer, receiver: Receiver) -> None:
        self.directory = directory
        self.server = server
        self.receiver = receiver
        self.file = directory / "webhooks.yaml"
        self._entries = {name: self._entry(name, **more) for name, more in ENTRIES.items()}
        self.write()
        os.utime(self.file, (0, 0))  # who begins with it need not look twice
        self.controllers = [
            Controller(directory, nats_url=server.url, name=name, webhooks_file=str(self.file), log_format="json")
            for name in ("one", "two")
        ]

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump({"webhooks": list(self._entries.values())}))

    def _entry(self, name: str, *, path: str | None = None, **more: Any) -> dict[str, Any]:
        url = self.receiver.url(f"/{name}" if path is None else path)
        return {"name": name, "url": url, "secrets": [SECRET], "channels": [name], **more}

    def sent_to(self, name: str) -> str:
        """The path that a webhook goes to; a controller sends for it."""
        self.holder(name)
        return f"/{name}"

    def change(self, name: str, **more: Any) -> None:
        self._entries[name] = self._entry(name, **more)
        self.write()

    def lose(self, name: str) -> None:
        del self._entries[name]
        self.write()

    def shown(self, name: str, *, of: int = 0) -> dict[str, Any] | None:
        """What a controller says of a webhook."""
        _, answer = self.controllers[of].json("GET", "/understudy/v1/webhooks")
        return next((one for one in answer["webhooks"] if one["name"] == name), None)

    def holder(self, name: str) -> Controller:
        """Which controller sends for it."""

        def found() -> Controller | None:
            begun = f"sending for the webhook {name}"
            told = [
                (line["time"], one)
                for one in self.controllers
                for line in map(json.loads, one.log().splitlines())
                if line["message"] == begun
            ]
            return max(told, key=lambda one: one[0])[1] if told else None

        holder = eventually(found, within_seconds=SOON_SECONDS, what=f"somebody sends for {name}")
        assert holder is not None
        return holder

    def tell(self, channel: str, *words: str, kind: EventKind = EventKind.REPAIR, **more: Any) -> None:
        """Put events of a channel into the log."""
        events = [
            Event(kind, uuid.uuid4().hex, clock.now_ticks(), one, channel_id=channel, media_sequence=number, **more)
            for number, one in enumerate(words)
        ]

        async def publish() -> None:
            bus = await jetstream.connect(CommonSettings(nats_url=self.server.url), name="test")
            for event in events:
                subject = keys.event_subject(event.kind, event.channel, event.about)
                await bus.publish(subject, codec.encode(event), message_id=event.id)
            await bus.close()

        asyncio.run(publish())

    def arrived(self, path: str, *words: str) -> list[Received]:
        """Waits until exactly these have been taken, in this order."""
        expected = list(words)
        eventually(
            lambda: len(self.receiver.received[path]) >= len(expected),
            within_seconds=SOON_SECONDS,
            what=f"{expected} at {path}",
        )
        assert self.receiver.taken(path) == expected
        return self.receiver.received[path]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("webhooks")
    with running_nats_server(directory / "nats") as server, running_receiver() as receiver:
        found = Installation(directory, server, receiver)
        try:
            for controller in found.controllers:
                controller.start()
            for controller in found.controllers:
                controller.wait_until_answering()
            yield found
        finally:
            for controller in found.controllers:
                controller.close()


Answer = int | tuple[int, Mapping[str, str]]


def first(*answers: Answer) -> Callable[[Received], Answer]:
    """These, and then all is taken."""
    left = list(answers)
    return lambda _: left.pop(0) if left else 204


def attempts(controller: Controller, webhook: str) -> dict[str, float]:
    """What came of a webhook's events, by outcome, as a controller counted it."""
    counted = controller.request("GET", "/metrics")[2].decode()
    found = re.findall(rf'understudy_webhook_attempts_total{{outcome="(\w+)",webhook="{webhook}"}} (\S+)', counted)
    return {outcome: float(count) for outcome, count in found}


def is_signed(one: Received, secret: str) -> bool:
    return documented_verification()(one.headers, one.body, secret)


def test_events_arrive_signed_in_order_and_once_as_cloud_events_and_as_input_switches(
    installation: Installation,
) -> None:
    path, some, switched = map(installation.sent_to, ("signed", "some", "switched"))
    installation.tell("elsewhere", "not this")
    installation.tell("signed", *(f"number {number}" for number in range(20)))
    installation.tell("signed", "a gap", kind=EventKind.GAP)
    endpoint = "e" * 32
    for active_input in (2, 1, 2):
        installation.tell(
            "signed",
            f"to {active_input}",
            kind=EventKind.FAILOVER,
            origin_endpoint=endpoint,
            origin_endpoint_id="end",
            active_input=active_input,
        )
    words = [*(f"number {number}" for number in range(20)), "a gap", "to 2", "to 1", "to 2"]
    received = installation.arrived(path, *words)
    assert all(is_signed(one, SECRET) and is_signed(one, OTHER) for one in received)
    assert all(one.headers["content-type"].startswith("application/cloudevents+json") for one in received)
    assert len({one.json["id"] for one in received}) == len(received)
    assert received[21].json["type"] == "io.understudy.failover"
    assert received[21].json["subject"] == "signed/end"
    assert received[21].json["data"]["active_input"] == 2
    (gap,) = installation.arrived(some, "a gap")
    assert gap.headers["x-team"] == "tv"
    (switch,) = installation.receiver.received[switched]
    assert switch.json["detail"]["event"] == "InputSwitchEvent"
    assert switch.json["resources"] == [f"arn:aws:mediapackage:us-east-1:000000000000:origin_endpoints/{endpoint}"]
    assert is_signed(switch, SECRET)
    shown = installation.shown("some", of=1)
    assert shown is not None
    assert (shown["condition"], shown["kinds"], shown["channels"]) == ("well", ["gap"], ["signed"])


def test_what_operators_really_do_arrives(installation: Installation) -> None:
    path = installation.sent_to("operated")
    assert installation.controllers[0].json("POST", "/channels", {"id": "operated"})[0] == 200
    (one,) = installation.arrived(path, "Somebody did this: CreateChannel of operated.")
    _, channel = installation.controllers[0].json("GET", "/channels/operated")
    assert one.json["source"] == channel["arn"]
    _, answer = installation.controllers[0].json("GET", "/understudy/v1/events?channel=operated")
    assert one.json["data"] == answer["events"][0]


def test_what_is_not_taken_is_sent_again_and_nothing_overtakes_it(installation: Installation) -> None:
    path = installation.sent_to("again")
    installation.receiver.answers[path] = first(500, 413)
    installation.tell("again", "first", "second", "third")
    received = installation.arrived(path, "first", "first", "second", "third")
    assert received[0].headers["webhook-id"] == received[1].headers["webhook-id"]
    assert received[0].body == received[1].body
    assert 0.7 < received[1].at - received[0].at < 5
    sender = installation.holder("again")
    wanted = {"failed": 1.0, "refused": 1.0, "taken": 2.0, "expired": 0.0}
    # The receiver has had the last one before its answer is counted.
    eventually(lambda: attempts(sender, "again") == wanted, what="all four are counted", within_seconds=SOON_SECONDS)


def test_a_receiver_that_hangs_or_is_gone_holds_up_no_other(installation: Installation) -> None:
    hang, gone, well = map(installation.sent_to, ("hang", "gone", "well"))
    go_on = threading.Event()
    installation.receiver.answers[hang] = lambda _: 204 if go_on.wait(60) else 500
    installation.receiver.answers[gone] = lambda _: 410
    installation.tell("hang", "1", "2")
    installation.tell("gone", "3", "4")
    installation.arrived(well, "1", "2", "3", "4")
    assert installation.receiver.taken(hang) == ["1"], "it hangs all this time"
    retired = eventually(
        lambda: one if (one := installation.shown("gone", of=1)) and one["failures"] else None,
        within_seconds=SOON_SECONDS,
        what="it fails",
    )
    assert retired is not None
    assert (retired["condition"], retired["problem"]) == ("failing", "the receiver answered 410")
    go_on.set()
    installation.lose("gone")
    installation.arrived(hang, "1", "2")
    eventually(lambda: installation.shown("gone") is None, within_seconds=SOON_SECONDS, what="it is shown no more")
    assert 'webhook="gone"' not in installation.controllers[0].request("GET", "/metrics")[2].decode()


def test_a_file_is_followed_a_bad_one_is_not_and_a_mended_url_is_tried_at_once(installation: Installation) -> None:
    path = installation.sent_to("followed")
    installation.receiver.answers["/wrong?token=in-the-url"] = lambda _: (503, {"Retry-After": "3000"})
    installation.tell("followed", "waits")
    eventually(
        lambda: (one := installation.shown("followed")) is not None and one["problem"] == "the receiver answered 503",
        within_seconds=SOON_SECONDS,
        what="it fails",
    )
    installation.file.write_text(f"webhooks: [{{name: followed, url: 'http://a', secrets: [{SECRET}], kinds: [boom]}}]")
    problem = eventually(
        lambda: installation.controllers[0].json("GET", "/understudy/v1/webhooks")[1]["file_problem"],
        within_seconds=SOON_SECONDS,
        what="the file is refused",
    )
    assert "webhook followed.kinds.0: Input should be " in problem
    installation.change("followed", secrets=[OTHER])
    (received,) = installation.arrived(path, "waits")
    assert is_signed(received, OTHER)
    assert not is_signed(received, SECRET)
    logged = "".join(one.log() for one in installation.controllers)
    assert "in-the-url" not in logged
    assert SECRET not in logged


def test_a_test_says_what_the_receiver_answered(installation: Installation) -> None:
    path, switched = map(installation.sent_to, ("tried", "tried-switched"))
    eventually(
        lambda: all(installation.shown("tried-switched", of=one) for one in (0, 1)),
        within_seconds=SOON_SECONDS,
        what="both have read the file",
    )
    status, answer = installation.controllers[1].json("POST", "/understudy/v1/webhooks/tried/test")
    assert (status, answer["taken"], answer["status"]) == (200, True, 204)
    (one,) = installation.receiver.received[path]
    assert one.json["type"] == "io.understudy.webhook_test"
    assert is_signed(one, SECRET)
    installation.receiver.answers[switched] = lambda _: 401
    status, answer = installation.controllers[0].json("POST", "/understudy/v1/webhooks/tried-switched/test")
    assert (status, answer["taken"], answer["status"]) == (200, False, 401)
    assert "the receiver answered 401 after" in answer["message"]
    (other,) = installation.receiver.received[switched]
    assert other.json["detail"]["event"] == "InputSwitchEvent"
    status, answer = installation.controllers[0].json("POST", "/understudy/v1/webhooks/nobody/test")
    assert status == 404
    assert "there is no webhook nobody; those of UNDERSTUDY_WEBHOOKS_FILE: " in answer["message"]


def test_the_command_line_shows_and_tries_them(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.receiver.answers[installation.sent_to("shown")] = first(500)
    directory = DataDirectory(tmp_path / "stack")
    directory.path.mkdir()
    write_json(directory.stack_file, {"api_url": installation.controllers[0].url, "authentication": "none"})
    monkeypatch.setattr(DataDirectory, "require_running", lambda _: None)
    eventually(lambda: installation.shown("shown"), within_seconds=SOON_SECONDS, what="the file is read")

    def said(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["webhooks", *words, "--data-dir", str(directory.path)])
        return result.exit_code, result.stdout

    status, text = said()
    assert status == 0
    assert re.search(r"^shown +http://127\.0\.0\.1:\d+ +new +has taken no event yet$", text, re.MULTILINE)
    status, text = said("test", "shown")
    assert status == 1
    assert ": the receiver answered 500 after " in text
    status, text = said("test", "shown", "--json")
    assert status == 0
    assert json.loads(text)["taken"] is True
    status, text = said("test", "nobody", "--json")
    assert status == 1
    assert "there is no webhook nobody" in json.loads(text)["error"]["message"]


def test_a_sibling_goes_on_where_a_controller_is_killed_between_attempts_or_ends(installation: Installation) -> None:
    path = installation.sent_to("moving")
    killed = installation.holder("moving")
    (sibling,) = (one for one in installation.controllers if one is not killed)
    installation.receiver.answers[path] = first(500)
    installation.tell("moving", "a", "b")
    eventually(lambda: installation.receiver.received[path], within_seconds=SOON_SECONDS, what="the first attempt")
    killed.stop(kill=True)
    installation.arrived(path, "a", "a", "b")
    assert installation.holder("moving") is sibling
    killed.start()
    killed.wait_until_answering()
    sibling.stop()
    began = time.monotonic()
    installation.tell("moving", "c")
    received = installation.arrived(path, "a", "a", "b", "c")
    assert received[-1].at - began < 5, "given back, not run out"
    assert installation.holder("moving") is killed
