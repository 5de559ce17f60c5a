"""The overview's lines: the worst of what is so, from the last event of each kind about each thing."""

from __future__ import annotations

import itertools

import pytest

from understudy_domain.board import FRESH, Board, ChannelLine, Severity
from understudy_domain.entry import ActiveInput
from understudy_domain.event import Event, EventKind
from understudy_domain.interchange import Grade
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

CHANNEL, ENDPOINT = "c" * 32, "e" * 32
NOW = 1_800_000_000 * TICKS_PER_SECOND
ACTIVE = {"short": ActiveInput("short", "news", 1, NOW, Reason.START, 0, 1)}


def told(kind: EventKind, ago_seconds: float, **fields: object) -> Event:
    """An event so long ago."""
    return Event(kind, CHANNEL, NOW - round(ago_seconds * TICKS_PER_SECOND), "words", **fields)  # type: ignore[arg-type]


STARTED = told(EventKind.PROGRAMME_STARTED, 900, origin_endpoint=ENDPOINT, media_sequence=0)
MATCH = told(EventKind.INPUTS_MATCH, 890, grade=Grade.JOINABLE)


def line(*events: Event, active: bool = True) -> ChannelLine:
    """The channel after these events."""
    board = Board()
    for event in events:
        board.apply(event)
    return board.line(CHANNEL, "news", [(ENDPOINT, "short")], ACTIVE if active else {}, now=NOW)


def lost(ago: float, input_id: int = 1, *, ended: bool = False) -> Event:
    return told(EventKind.INPUT_LOST, ago, input_id=input_id, duration=7 * TICKS_PER_SECOND, ended=ended)


def of_endpoint(kind: EventKind, ago: float, number: int | None = 5) -> Event:
    return told(kind, ago, origin_endpoint=ENDPOINT, media_sequence=number)


CASES = {
    "nothing yet": ([], False, Severity.IDLE),
    "well": ([STARTED, MATCH], True, Severity.WELL),
    "never compared": ([STARTED], True, Severity.SINGLE),
    "one input lost": ([STARTED, MATCH, lost(60)], True, Severity.SINGLE),
    "one input ended": ([STARTED, MATCH, lost(60, ended=True)], True, Severity.SINGLE),
    "it came back": ([STARTED, MATCH, lost(60), told(EventKind.INPUT_RECOVERED, 30, input_id=1)], True, Severity.WELL),
    "both lost": ([STARTED, MATCH, lost(60), lost(50, 2)], True, Severity.HOLDING),
    "holding": ([STARTED, MATCH, of_endpoint(EventKind.HOLD, 5, None)], True, Severity.HOLDING),
    "held once": (
        [STARTED, MATCH, of_endpoint(EventKind.HOLD, 9, None), of_endpoint(EventKind.HOLD_ENDED, 5, None)],
        True,
        Severity.WELL,
    ),
    "a gap a minute ago": ([STARTED, MATCH, of_endpoint(EventKind.GAP, 60)], True, Severity.SEEN),
    "a part a minute ago": ([STARTED, MATCH, of_endpoint(EventKind.PARTIAL, 60)], True, Severity.SEEN),
    "a gap long ago": ([STARTED, MATCH, of_endpoint(EventKind.GAP, FRESH / TICKS_PER_SECOND)], True, Severity.WELL),
    "they differ": ([STARTED, told(EventKind.INPUTS_MISMATCH, 60, grade=Grade.NONE)], True, Severity.UNLIKE),
    "failed over": ([STARTED, MATCH, of_endpoint(EventKind.FAILOVER, 60)], True, Severity.MOVED),
    "repaired": ([STARTED, MATCH, of_endpoint(EventKind.REPAIR, 60)], True, Severity.REPAIRED),
    "combined": ([STARTED, MATCH, of_endpoint(EventKind.COMBINE, 60)], True, Severity.REPAIRED),
    "repaired long ago": (
        [STARTED, MATCH, of_endpoint(EventKind.REPAIR, FRESH / TICKS_PER_SECOND)],
        True,
        Severity.WELL,
    ),
    "repaired, then one lost": ([STARTED, MATCH, of_endpoint(EventKind.REPAIR, 90), lost(60)], True, Severity.SINGLE),
    "over": ([STARTED, MATCH, of_endpoint(EventKind.PROGRAMME_ENDED, 60), lost(60), lost(60, 2)], True, Severity.IDLE),
    "on again": (
        [STARTED, MATCH, of_endpoint(EventKind.PROGRAMME_ENDED, 60), of_endpoint(EventKind.PROGRAMME_STARTED, 30, 6)],
        True,
        Severity.WELL,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_channel_is_called_what_is_worst_about_it(case: str) -> None:
    events, active, severity = CASES[case]
    assert line(*events, active=active).severity is severity


@pytest.mark.parametrize("case", CASES)
def test_the_order_in_which_events_are_read_does_not_matter(case: str) -> None:
    events, active, _ = CASES[case]
    assert len({line(*order, active=active) for order in itertools.permutations(events)}) == 1


def test_a_loss_counts_from_the_last_segment() -> None:
    found = line(STARTED, MATCH, lost(60))
    assert found.since == NOW - 67 * TICKS_PER_SECOND
    assert found.inputs[0].lost_since == found.since
    assert found.inputs[1].lost_since is None


def test_a_repair_says_which_input_lacked_something() -> None:
    repair = told(EventKind.REPAIR, 60, origin_endpoint=ENDPOINT, media_sequence=5, active_input=2)
    assert line(STARTED, MATCH, repair).words.startswith("Input 2 lost something")
    combine = told(EventKind.COMBINE, 50, origin_endpoint=ENDPOINT, media_sequence=6, active_input=2)
    assert line(STARTED, MATCH, repair, combine).words.startswith("Neither input had everything")


def test_a_channel_that_is_gone_is_forgotten() -> None:
    board = Board()
    board.apply(STARTED)
    board.forget(CHANNEL)
    board.forget(CHANNEL)
    assert board.last == {}
