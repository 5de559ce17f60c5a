"""What an answer makes of a webhook's progress: docs/webhooks.md, as a table."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from support.metric_catalogue import ROOT
from understudy_domain import codec, ticks
from understudy_domain.ticks import from_seconds
from understudy_domain.webhooks.progress import (
    BAD_REQUESTS_MAX,
    TRIED_FOR,
    WAITS_SECONDS,
    Answer,
    Outcome,
    WebhookProgress,
    attempted,
    retry_after_seconds,
    wait_seconds,
)

NOW = ticks.from_seconds(1_800_000_000)
WELL = WebhookProgress(6, holder="one", last_taken_at=NOW - 90_000)
FAILING = replace(WELL, failures=3, failing_since=NOW - 1, try_at=NOW, waiting=2, problem="it was so")


def tried(
    progress: WebhookProgress, answer: Answer, *, stored_at: int = NOW, jitter: float = 0.0
) -> tuple[WebhookProgress, Outcome]:
    return attempted(progress, answer, sequence=7, stored_at=stored_at, waiting=4, now=NOW, jitter=jitter)


@pytest.mark.parametrize("before", [WELL, FAILING])
@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_what_is_taken_leaves_nothing_behind(before: WebhookProgress, status: int) -> None:
    assert tried(before, Answer(status)) == (WebhookProgress(7, holder="one", last_taken_at=NOW), Outcome.TAKEN)


@pytest.mark.parametrize("before", [WELL, FAILING])
@pytest.mark.parametrize("status", [413, 415, 422])
def test_what_will_never_be_taken_is_dropped_at_once(before: WebhookProgress, status: int) -> None:
    after, outcome = tried(before, Answer(status))
    assert outcome is Outcome.REFUSED
    assert (after.after, after.failures, after.failing_since, after.try_at) == (7, 0, None, None)
    assert after.problem == f"the receiver answered {status}"
    assert after.last_taken_at == WELL.last_taken_at


@pytest.mark.parametrize("answer", [Answer(None, "no answer"), *map(Answer, (301, 302, 304, 401, 403, 404, 408, 500))])
def test_all_else_is_tried_again(answer: Answer) -> None:
    after, outcome = tried(WELL, answer)
    assert outcome is Outcome.FAILED
    assert (after.after, after.failures, after.failing_since) == (6, 1, NOW)
    assert after.try_at == NOW + from_seconds(1)
    assert (after.waiting, after.problem) == (4, answer.words)
    again, _ = tried(after, answer)
    assert (again.failures, again.failing_since) == (2, NOW)


def test_a_bad_request_is_tried_so_often_in_a_row_and_then_dropped() -> None:
    progress, outcomes = WELL, list[Outcome]()
    for _ in range(BAD_REQUESTS_MAX):
        progress, outcome = tried(progress, Answer(400))
        outcomes.append(outcome)
    assert outcomes == [Outcome.FAILED] * (BAD_REQUESTS_MAX - 1) + [Outcome.REFUSED]
    progress, _ = tried(replace(WELL, bad_requests=BAD_REQUESTS_MAX - 1), Answer(500))
    assert tried(progress, Answer(400))[1] is Outcome.FAILED


@pytest.mark.parametrize(
    ("age", "outcome"), [(TRIED_FOR, Outcome.FAILED), (TRIED_FOR + 1, Outcome.EXPIRED), (0, Outcome.FAILED)]
)
def test_after_a_day_it_is_dropped(age: int, outcome: Outcome) -> None:
    after, found = tried(FAILING, Answer(503), stored_at=NOW - age)
    assert found is outcome
    assert after.after == (7 if outcome is Outcome.EXPIRED else 6)
    assert after.failures == FAILING.failures + 1


def test_what_is_older_is_sent_once_unless_the_webhook_fails() -> None:
    old = NOW - TRIED_FOR - 1
    assert not WELL.is_too_old(stored_at=old, now=NOW)
    assert FAILING.is_too_old(stored_at=old, now=NOW)
    assert not FAILING.is_too_old(stored_at=old + 1, now=NOW)
    assert FAILING.passed(9) == replace(FAILING, after=9)


def test_waits_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text()
    row = re.search(r"^\| comes after \| (.+) each \|$", page, re.MULTILINE)
    assert row is not None
    units = {"s": 1, "min": 60}
    shown = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (s|min)", row[1])]
    assert tuple(shown) == WAITS_SECONDS
    waits = [wait_seconds(failures, Answer(500), now=NOW, jitter=0) for failures in range(9)]
    assert waits == [*WAITS_SECONDS, 300, 300]


@pytest.mark.parametrize(("jitter", "expected"), [(-1, 240), (0, 300), (1, 360)])
def test_a_wait_is_a_fifth_longer_or_shorter(jitter: float, expected: float) -> None:
    assert wait_seconds(99, Answer(500), now=NOW, jitter=jitter) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(503, retry_after="120"), 120),
        (Answer(429, retry_after="0"), 1),
        (Answer(503, retry_after="999999"), 3_600),
        (Answer(410), 3_600),
    ],
)
def test_a_receiver_may_ask_for_more_time_but_not_for_any(answer: Answer, expected: float) -> None:
    assert wait_seconds(0, answer, now=NOW, jitter=0) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("9999999999999999999", 0),
        (" 30 ", 30),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
        ("Fri, 32 Jan 2027 08:01:00 GMT", 0),
    ],
)
def test_what_retry_after_asks_for(header: str | None, expected: float) -> None:
    assert retry_after_seconds(header, now=NOW) == expected


def test_it_is_stored_and_read() -> None:
    assert codec.decode_as(WebhookProgress, codec.encode(FAILING)) == FAILING
