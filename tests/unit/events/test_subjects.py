"""Where events go, and what of it can be read back."""

from __future__ import annotations

import pytest

from understudy_domain import keys
from understudy_domain.errors import MalformedKey
from understudy_domain.event import EventKind

CHANNEL = "c" * 32
ENDPOINT = "e" * 32


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize(
    ("about", "endpoint", "input_id"),
    [(ENDPOINT, ENDPOINT, None), ("1", None, 1), ("2", None, 2), ("inputs", None, None), ("channel", None, None)],
)
def test_a_subject_is_read_back(kind: EventKind, about: str, endpoint: str | None, input_id: int | None) -> None:
    subject = keys.event_subject(kind, CHANNEL, about)
    assert keys.parse_event_subject(subject) == keys.EventSubject(kind.value, CHANNEL, endpoint, input_id)


@pytest.mark.parametrize(
    "subject",
    [
        "events",
        f"events.failover.{CHANNEL}",
        f"events.failover.{CHANNEL}.3",
        f"events.failover.{CHANNEL}.{ENDPOINT}.x",
        f"events.Fail over.{CHANNEL}.1",
        f"events.failover.show.{ENDPOINT}",
        f"program.1.{ENDPOINT}",
    ],
)
def test_what_is_no_subject_of_an_event_is_refused(subject: str) -> None:
    with pytest.raises(MalformedKey):
        keys.parse_event_subject(subject)
