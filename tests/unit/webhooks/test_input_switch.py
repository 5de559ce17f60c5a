"""MediaPackage's shape: EventBridge's envelope, and one message for an origin endpoint within five minutes."""

from __future__ import annotations

import json
import re

import pytest

from support.webhook_events import ENDPOINT, INSTANT, event
from understudy_domain.event import Event, EventKind
from understudy_domain.keys import Arns
from understudy_domain.ticks import from_seconds
from understudy_domain.webhooks.input_switch import KINDS, StormControl, input_switch, trial_input_switch

ARNS = Arns("eu-west-1", "111122223333")
INGEST = ("c" * 32, "d" * 32)
DOCUMENTED = {"id", "detail-type", "source", "account", "time", "region", "resources", "detail"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("active_input", "before", "after"), [(1, INGEST[1], INGEST[0]), (2, *INGEST)])
def test_a_change_of_input_has_the_documented_shape(
    kind: EventKind, active_input: int, before: str, after: str
) -> None:
    message = input_switch(event(kind, active_input=active_input), arns=ARNS, ingest_endpoints=INGEST)
    body = json.loads(message.body)
    assert body.keys() == {*DOCUMENTED, "version"}
    assert body["detail-type"] == "MediaPackage Input Notification"
    assert body["source"] == "aws.mediapackage"
    assert (body["account"], body["region"], body["time"]) == ("111122223333", "eu-west-1", "2027-01-15T08:00:00Z")
    assert body["resources"] == [f"arn:aws:mediapackage:eu-west-1:111122223333:origin_endpoints/{ENDPOINT}"]
    assert body["detail"] == {
        "event": "InputSwitchEvent",
        "message": "Origin endpoint experienced an Input Switch Event",
        "EventDetails": {"Channel": "news", "PreviousIngestEndpoint": before, "CurrentIngestEndpoint": after},
    }
    assert message.id == body["id"]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", message.id)
    assert message.content_type.startswith("application/json")


def test_of_a_channel_that_is_deleted_the_ingest_endpoints_are_left_out() -> None:
    body = json.loads(input_switch(event(EventKind.FAILOVER), arns=ARNS, ingest_endpoints=None).body)
    assert body["detail"]["EventDetails"] == {"Channel": "news"}


def test_the_id_is_the_same_for_the_same_event_and_another_for_another() -> None:
    one, again, other = (
        input_switch(event(EventKind.FAILOVER, media_sequence=number), arns=ARNS, ingest_endpoints=None).id
        for number in (1, 1, 2)
    )
    assert one == again != other


def test_a_test_has_the_same_shape_and_says_that_it_is_one() -> None:
    body = json.loads(trial_input_switch("pager", number="1", now=INSTANT, arns=ARNS).body)
    assert body.keys() == {*DOCUMENTED, "version"}
    assert body["resources"] == [f"arn:aws:mediapackage:eu-west-1:111122223333:origin_endpoints/{'0' * 32}"]
    assert "this is a test of the webhook pager" in body["detail"]["message"]


def at(seconds: float, *, endpoint: str = ENDPOINT) -> Event:
    return event(EventKind.FAILOVER, instant=INSTANT + from_seconds(seconds), origin_endpoint=endpoint)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([0], [0]),
        ([0, 1, 299.9], [0]),
        ([0, 299.9, 300], [0, 300]),
        ([0, 200, 400, 600, 700, 701], [0, 400, 700]),
    ],
)
def test_one_is_told_in_five_minutes_the_first(seconds: list[float], told: list[float]) -> None:
    storms, found = StormControl(), []
    for one in seconds:
        if storms.admits(at(one)):
            storms.tell(at(one))
            found.append(one)
    assert found == told


def test_origin_endpoints_are_counted_apart_and_what_is_over_is_forgotten() -> None:
    storms = StormControl([at(0), at(1, endpoint="e" * 32)])
    assert not storms.admits(at(2))
    assert not storms.admits(at(2, endpoint="e" * 32))
    assert storms.admits(at(2, endpoint="f" * 32))
    storms.tell(at(1_000))
    assert list(storms._told) == [ENDPOINT]


def test_a_successor_that_reads_what_happened_goes_on_in_step() -> None:
    happened = [at(seconds) for seconds in range(0, 3_000, 70)]
    storms = StormControl()
    told = []
    for one in happened:
        if storms.admits(one):
            storms.tell(one)
            told.append(one)
    for cut in range(len(happened)):
        successor = StormControl(happened[:cut])
        assert [one for one in happened[cut:] if successor.admits(one)][:1] == [
            one for one in told if one in happened[cut:]
        ][:1]


def test_what_was_admitted_and_never_taken_keeps_nothing_back() -> None:
    storms = StormControl()
    assert storms.admits(at(0))
    assert storms.admits(at(1))
