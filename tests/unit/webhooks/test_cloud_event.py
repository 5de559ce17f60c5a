"""An event as a CloudEvent: every kind, with what the specification asks of it."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from support.webhook_events import event, every_kind
from understudy_domain.event import Event, EventKind
from understudy_domain.event_view import event_view
from understudy_domain.keys import Arns
from understudy_domain.webhooks.cloud_event import CONTENT_TYPE, cloud_event, trial_cloud_event

ARNS = Arns("eu-west-1", "111122223333")


@pytest.mark.parametrize("one", every_kind(), ids=lambda one: one.kind)
def test_every_kind_has_what_a_cloud_event_has_and_what_the_api_answers(one: Event) -> None:
    message = cloud_event(one, arns=ARNS)
    body = json.loads(message.body)
    assert list(body) == ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"]
    assert body["specversion"] == "1.0"
    assert body["id"] == one.id == body["data"]["id"]
    assert body["type"] == f"io.understudy.{one.kind}"
    assert body["source"] == f"arn:aws:mediapackage:eu-west-1:111122223333:channels/{one.channel}"
    assert body["data"] == json.loads(json.dumps(asdict(event_view(one))))
    assert (message.content_type, body["datacontenttype"]) == (CONTENT_TYPE, "application/json")


def test_every_kind_is_among_them() -> None:
    assert {one.kind for one in every_kind()} == set(EventKind)


def test_the_subject_is_what_people_call_it() -> None:
    with_endpoint = event(EventKind.GAP)
    of_inputs = event(EventKind.INPUT_LOST, origin_endpoint=None, origin_endpoint_id=None, input_id=2)
    assert json.loads(cloud_event(with_endpoint, arns=ARNS).body)["subject"] == "news/news-hls"
    assert json.loads(cloud_event(of_inputs, arns=ARNS).body)["subject"] == "news"


def test_an_event_that_does_not_say_what_its_channel_was_called_has_no_subject() -> None:
    nameless = event(EventKind.INPUT_LOST, channel_id="", origin_endpoint=None, origin_endpoint_id=None, input_id=2)
    assert "subject" not in json.loads(cloud_event(nameless, arns=ARNS).body), "it must not be empty"


def test_the_time_is_when_it_happened() -> None:
    assert json.loads(cloud_event(event(EventKind.GAP), arns=ARNS).body)["time"] == "2027-01-15T08:00:00.000Z"


@pytest.mark.parametrize("one", every_kind(), ids=lambda one: one.kind)
def test_what_is_signed_as_its_id_has_no_dots_and_is_its_own(one: Event) -> None:
    found = cloud_event(one, arns=ARNS).id
    assert "." not in found
    assert found.isascii()
    others = {cloud_event(other, arns=ARNS).id for other in every_kind() if other != one}
    assert found not in others
    assert cloud_event(one, arns=ARNS) == cloud_event(one, arns=ARNS)


def test_words_stay_as_they_are() -> None:
    words = "Übung: “a” <b> \u2028"
    body = cloud_event(event(EventKind.GAP, words=words), arns=ARNS).body
    assert json.loads(body)["data"]["words"] == words


def test_a_test_is_no_event_and_each_is_another() -> None:
    first, second = (trial_cloud_event("pager", number=one, now=0, arns=ARNS) for one in ("1", "2"))
    assert json.loads(first.body)["type"] == "io.understudy.webhook_test"
    assert json.loads(first.body)["subject"] == "pager"
    assert first.id != second.id
    assert "webhook_test" not in set(EventKind)
