"""What ``understudy webhooks`` says of what the API answers."""

from __future__ import annotations

from typing import Any

import pytest

from understudy_local.webhooks import as_text

WELL: dict[str, Any] = {
    "name": "pager",
    "receiver": "https://hooks.example.com",
    "condition": "well",
    "failing_since": None,
    "failures": 0,
    "problem": None,
    "try_at": None,
    "waiting": 0,
    "last_taken_at": "2027-01-15T08:00:00.000Z",
}
FAILING = {
    "condition": "failing",
    "failing_since": "2027-01-15T08:01:00.000Z",
    "failures": 3,
    "problem": "no answer within 10 s",
    "try_at": "2027-01-15T08:02:00.000Z",
    "waiting": 7,
}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "well     took the last event 2027-01-15T08:00:00.000Z"),
        ({"condition": "new", "last_taken_at": None}, "new      has taken no event yet"),
        ({"problem": "the receiver answered 422"}, "; what came last was dropped: the receiver answered 422"),
        (
            FAILING,
            (
                "failing  since 2027-01-15T08:01:00.000Z, 3 attempts: no answer within 10 s; 7 wait, the next attempt "
                "comes 2027-01-15T08:02:00.000Z; took the last event 2027-01-15T08:00:00.000Z"
            ),
        ),
    ],
)
def test_a_webhook_is_a_line(more: dict[str, Any], words: str) -> None:
    text = as_text({"webhooks": [{**WELL, **more}], "file_problem": None})
    assert text.startswith("pager             https://hooks.example.com")
    assert text.endswith(words)


def test_none_and_a_wrong_file_are_said() -> None:
    text = as_text({"webhooks": [], "file_problem": "webhook pager.url: should be a URL"})
    assert text.splitlines() == [
        "There is no webhook: UNDERSTUDY_WEBHOOKS_FILE names none.",
        "The file cannot be used as it is: webhook pager.url: should be a URL",
    ]
