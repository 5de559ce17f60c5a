"""How far a webhook has come, and what an answer of its receiver makes of that.

Events are sent one after the other, in the order of the log: an event that is not taken holds up those behind it. What
would hold them up for no good is dropped:

1. 2xx: taken.
2. 413, 415, 422: the receiver will never take this body; it is dropped at once.
3. 400: the same, or a signature that it cannot verify; the event is dropped after ``BAD_REQUESTS_MAX`` in a row.
4. Anything else, redirects and no answer at all among it: it is tried again, later and later, until ``TRIED_FOR`` after
   it was stored. While a webhook fails, events that are older are dropped unsent; one that comes to be old for another
   reason is sent once.
5. 410: the receiver wants nothing any more. It is asked once an hour, lest a mistake of its be for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from understudy_domain.codec import record
from understudy_domain.ticks import from_seconds, to_datetime

WAITS_SECONDS: Final = (1, 5, 15, 30, 60, 120, 300)
"""Before the second attempt, the third, and so on; the last one again and again."""
JITTER: Final = 0.2
"""By what part a wait is longer or shorter, so that many webhooks do not come back in step."""
RETRY_AFTER_SECONDS_MAX: Final = 3_600
"""What a receiver may ask for with ``Retry-After``; also how often one is asked that has answered 410."""
TRIED_FOR: Final = from_seconds(24 * 3_600)
BAD_REQUESTS_MAX: Final = 8
"""About nine minutes."""

_NEVER_TAKEN: Final = (413, 415, 422)
_BAD_REQUEST: Final = 400
_GONE: Final = 410
_DELAY: Final = re.compile(r"[0-9]{1,9}")
_DATE: Final = "%a, %d %b %Y %H:%M:%S GMT"


class Outcome(StrEnum):
    """What came of one attempt, or of an event that was not tried any more."""

    TAKEN = "taken"
    FAILED = "failed"
    """It is tried again."""
    REFUSED = "refused"
    """It is dropped: the receiver does not take it."""
    EXPIRED = "expired"
    """It is dropped: it has become too old."""


@record("webhook")
@dataclass(frozen=True, slots=True)
class WebhookProgress:
    """What is stored of a webhook, by its name. Nothing of it is secret."""

    after: int
    """Sequence in EVENTS up to which all is done."""
    holder: str | None = None
    """Which controller sends."""
    failures: int = 0
    """Attempts in a row that were not taken."""
    bad_requests: int = 0
    """How many of the last ones were answered 400."""
    failing_since: int | None = None
    """When the first of them was, ticks since the epoch."""
    try_at: int | None = None
    """When the next attempt is due."""
    waiting: int = 0
    """How many events there were in the log to send at the last failure, those that a filter keeps back among them."""
    problem: str = ""
    """Why the last attempt failed."""
    last_taken_at: int | None = None

    def is_too_old(self, *, stored_at: int, now: int) -> bool:
        """Whether an event (stored at an instant, ticks) is dropped without another attempt."""
        return self.failures > 0 and now - stored_at > TRIED_FOR

    def passed(self, sequence: int) -> WebhookProgress:
        """An event that is not sent is behind."""
        return replace(self, after=sequence, bad_requests=0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int | None
    """None: it said nothing; ``problem`` says why."""
    problem: str = ""
    retry_after: str | None = None
    """Its header of that name."""

    @property
    def is_taken(self) -> bool:
        """Whether the event arrived."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """For people: what it said, or why it said nothing."""
        return self.problem if self.status is None else f"the receiver answered {self.status}"


def attempted(
    progress: WebhookProgress, answer: Answer, *, sequence: int, stored_at: int, waiting: int, now: int, jitter: float
) -> tuple[WebhookProgress, Outcome]:
    """What an attempt makes of a webhook's progress.

    Args:
        progress: as it was before.
        answer: what came of the attempt.
        sequence: of the event, in EVENTS.
        stored_at: when EVENTS stored it, ticks since the epoch.
        waiting: how many events there are to send, this one included.
        now: ticks since the epoch.
        jitter: any number from -1 to 1.
    """
    if answer.is_taken:
        return WebhookProgress(sequence, progress.holder, last_taken_at=now), Outcome.TAKEN
    if answer.status in _NEVER_TAKEN or (
        answer.status == _BAD_REQUEST and progress.bad_requests + 1 >= BAD_REQUESTS_MAX
    ):
        dropped = WebhookProgress(sequence, progress.holder, last_taken_at=progress.last_taken_at)
        return replace(dropped, problem=answer.words), Outcome.REFUSED
    failed = replace(
        progress,
        failures=progress.failures + 1,
        bad_requests=progress.bad_requests + 1 if answer.status == _BAD_REQUEST else 0,
        failing_since=now if progress.failing_since is None else progress.failing_since,
        try_at=now + from_seconds(wait_seconds(progress.failures, answer, now=now, jitter=jitter)),
        waiting=waiting,
        problem=answer.words,
    )
    if failed.is_too_old(stored_at=stored_at, now=now):
        return failed.passed(sequence), Outcome.EXPIRED
    return failed, Outcome.FAILED


def wait_seconds(failures: int, answer: Answer, *, now: int, jitter: float) -> float:
    """How long to wait after an attempt that was not taken, with so many failures before it."""
    if answer.status == _GONE:
        return RETRY_AFTER_SECONDS_MAX
    usual = WAITS_SECONDS[min(failures, len(WAITS_SECONDS) - 1)] * (1 + JITTER * jitter)
    return max(usual, min(retry_after_seconds(answer.retry_after, now=now), RETRY_AFTER_SECONDS_MAX))


def retry_after_seconds(header: str | None, *, now: int) -> float:
    """What a ``Retry-After`` asks for, in seconds or as a date (RFC 9110); 0 where it asks for nothing sensible."""
    text = (header or "").strip()
    if _DELAY.fullmatch(text):
        return float(text)
    try:
        at = datetime.strptime(text, _DATE).replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    return max((at - to_datetime(now)).total_seconds(), 0.0)
