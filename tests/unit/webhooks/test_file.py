"""The file of webhooks: what is taken, and what is refused with the field and without a secret."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from support.metric_catalogue import ROOT
from support.webhook_events import event, every_kind
from understudy_controller.webhooks.errors import WebhooksUnusable
from understudy_controller.webhooks.file import WEBHOOKS_MAX, Webhook, parse_webhooks
from understudy_domain.event import EventKind

SECRET = "whsec_c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtYXQtbGVhc3Q="
ENTRY: dict[str, Any] = {"name": "pager", "url": "https://hooks.example.com/a?b=c", "secrets": [SECRET]}


def parsed(**more: Any) -> Webhook:
    content = yaml.safe_dump({"webhooks": [{**ENTRY, **more}]})
    return parse_webhooks(content.encode(), name="hooks.yaml")["pager"]


def refusal(content: object) -> str:
    text = content if isinstance(content, bytes) else yaml.safe_dump(content).encode()
    with pytest.raises(WebhooksUnusable) as refused:
        parse_webhooks(text, name="hooks.yaml")
    assert "Bearer" not in str(refused.value)
    assert SECRET.removeprefix("whsec_") not in str(refused.value)
    return str(refused.value)


def test_the_example_of_the_page_is_one() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    found = parse_webhooks(page.partition("```yaml\n")[2].partition("```")[0].encode(), name="page")
    assert list(found) == ["pager", "migrated"]
    assert found["migrated"].headers["Authorization"].get_secret_value() == "Bearer 0123456789"


def test_the_page_has_every_field() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    assert [name for name in Webhook.model_fields if f"\n| `{name}` | " not in page] == []


def test_what_is_left_out_has_its_default_and_nothing_secret_shows() -> None:
    webhook = parsed(headers={"Authorization": "Bearer 123"})
    assert (webhook.shape, webhook.timeout_seconds, webhook.receiver) == (
        "cloudevents",
        10,
        "https://hooks.example.com",
    )
    assert all(webhook.wants(one) for one in every_kind())
    assert not {"b=c", "Bearer", SECRET} & {word for word in ("b=c", "Bearer", SECRET) if word in repr(webhook)}


def test_none_is_a_file_too() -> None:
    assert parse_webhooks(b"webhooks: []", name="hooks.yaml") == {}


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"kinds": ["gap", "hold"]}, {EventKind.GAP, EventKind.HOLD}),
        ({"channels": ["news"]}, set(EventKind)),
        ({"channels": ["sport"]}, set()),
        ({"shape": "mediapackage"}, {EventKind.FAILOVER, EventKind.SWITCHOVER, EventKind.FAILBACK}),
        ({"shape": "mediapackage", "kinds": ["failover"]}, {EventKind.FAILOVER}),
    ],
)
def test_a_webhook_wants_what_its_entry_says(more: dict[str, Any], wanted: set[EventKind]) -> None:
    webhook = parsed(**more)
    assert {one.kind for one in every_kind() if webhook.wants(one)} == wanted


def test_a_webhook_goes_by_the_name_that_the_channel_had() -> None:
    assert not parsed(channels=["news"]).wants(event(EventKind.GAP, channel_id="sport"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff", "not UTF-8"),
        (b"webhooks: [", "hooks.yaml, line 1: neither YAML nor JSON"),
        (b"webhooks: []\nwebhooks: []", "hooks.yaml, line 2: neither YAML nor JSON: a key that stands twice"),
        (b"webhooks: [{url: 'http://a/', url: 'http://b/'}]", "a key that stands twice in the same place"),
        (b"webhooks: [&a {name: a}, *a, *a]", "webhook a.url: Field required"),
        (b"", "no list `webhooks` in it; to have none, write: webhooks: []"),
        ([ENTRY], "no list `webhooks` in it"),
        ({"webhooks": None}, "hooks.yaml: webhooks: Input should be a valid list"),
        ({"webhooks": [ENTRY], "more": 1}, "more: Extra inputs are not permitted"),
        ({"webhooks": [ENTRY, ENTRY]}, "the webhook pager is there more than once"),
        ({"webhooks": ["pager"]}, "webhooks.0: Input should be a valid dictionary"),
        ({"webhooks": [{**ENTRY, "name": "Two Words"}]}, "webhooks.0.name: should be 1 to 63 lower case letters"),
        ({"webhooks": [{**ENTRY, "name": None}]}, "webhooks.0.name: "),
        ({"webhooks": [{**ENTRY, "name": str(n)} for n in range(WEBHOOKS_MAX + 1)]}, "at most 32 items"),
    ],
)
def test_what_is_no_file_of_webhooks_is_refused(content: object, words: str) -> None:
    assert words in refusal(content)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"url": "ftp://a/b"}, "url: should be a URL that begins with https:// or http://"),
        ({"url": "https://"}, "url: should be a URL that begins"),
        ({"url": "https://a:99999/"}, "url: should be a URL that begins"),
        ({"url": "https://ä/"}, "url: should be a URL that begins"),
        ({"url": "https://a/ b"}, "url: should be a URL that begins"),
        ({"url": "https://a/\r\nx: y"}, "url: should be a URL that begins"),
        ({"url": "https://user:password@a/"}, "url: should have no user and password in it"),
        ({"url": "https://a/#b"}, "url: should have no # in it"),
        ({"secrets": []}, "secrets: List should have at least 1 item"),
        ({"secrets": [SECRET] * 3}, "secrets: List should have at most 2 items"),
        ({"secrets": ["hunter2"]}, "secrets: should be whsec_ and 24 to 64 bytes in base64"),
        ({"secrets": SECRET}, "secrets: Input should be a valid list"),
        ({"secret": SECRET}, "secret: Extra inputs are not permitted"),
        ({"shape": "xml"}, "shape: Input should be 'cloudevents' or 'mediapackage'"),
        ({"kinds": ["boom"]}, "kinds.0: Input should be 'programme_started', "),
        ({"kinds": []}, "kinds: List should have at least 1 item"),
        ({"channels": []}, "channels: List should have at least 1 item"),
        ({"channels": "news"}, "channels: Input should be a valid list"),
        ({"timeout_seconds": 0}, "timeout_seconds: Input should be greater than or equal to 1"),
        ({"timeout_seconds": 31}, "timeout_seconds: Input should be less than or equal to 30"),
        ({"timeout_seconds": "10"}, "timeout_seconds: Input should be a valid number"),
        ({"headers": {"Webhook-Id": "1"}}, "headers: Webhook-Id is written by the sender itself"),
        ({"headers": {"Host": "1"}}, "headers: Host is written by the sender itself"),
        ({"headers": {"Authorization: Bearer x": "1"}}, "headers: there is one whose name is no name of a header"),
        ({"headers": {"X-A": "Bearer 1\r\nX-B: 2"}}, "headers: X-A should be printable ASCII"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers: there is one twice"),
        ({"headers": {f"x-{n}": "1" for n in range(33)}}, "headers: Dictionary should have at most 32 items"),
        ({"channels": ["a"] * 1_001}, "channels: List should have at most 1000 items"),
        ({"headers": {"X-A": ""}}, "headers: X-A should be printable ASCII"),
        ({"headers": {"Authorization": 7}}, "headers: Input should be a valid string"),
        ({"ca": "no certificate"}, "ca: should be certificates in PEM"),
        ({"ca": ""}, "ca: should be certificates in PEM"),
        ({"shape": "mediapackage", "kinds": ["gap"]}, "kinds: the shape mediapackage has one event"),
    ],
)
def test_a_wrong_entry_is_refused_by_webhook_and_field(more: dict[str, Any], words: str) -> None:
    assert words in refusal({"webhooks": [{**ENTRY, **more}]})
    assert "webhook pager" in refusal({"webhooks": [{**ENTRY, **more}]})


def test_a_certificate_of_no_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *args, **kwargs: None)
    assert "ca: of no use with an http URL" in refusal({"webhooks": [{**ENTRY, "url": "http://a/", "ca": "any"}]})
