"""The worked examples of docs/failover-rule.md, cell by cell, through the decision core in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason
from understudy_domain.ticks import to_seconds

PAGE = Path(__file__).parents[3] / "docs" / "failover-rule.md"
ENDPOINTS = {
    "2 s": configured("two", seconds=2),
    "6 s": configured("six", seconds=6),
    "12 s": configured("twelve", seconds=12),
    "2 s, 10 s delay": configured("two-delayed", seconds=2, delay_seconds=10),
}
NAMES = ("two", "six", "twelve", "two-delayed")
SEGMENTS = 48
FROM = 23
"""The first segment that is not as usual: the last one of a slot, in every column."""
THREE = ("v0.m3u8", "v1.m3u8", "v2.m3u8")

COUNTED = {
    Reason.REPAIR: "repaired",
    Reason.COMBINE: "combined",
    Reason.GAP: "gap",
    Reason.PARTIAL: "in part",
}

Encoders = Callable[[], list[SyntheticEncoder]]


def _from(number: int = FROM, *, count: int = SEGMENTS) -> set[int]:
    return set(range(number, min(number + count, SEGMENTS)))


def _late(seconds: float, *, owed: int) -> dict[int, float]:
    """Nothing for a while, then all that is owed at once."""
    return {FROM + number: seconds - 2.0 * number for number in range(owed)}


EXAMPLES: dict[str, Encoders] = {
    "Input 1 delivers one segment 0.6 s late": lambda: [SyntheticEncoder(1, late={FROM: 0.6}), SyntheticEncoder(2)],
    "Input 1 stops for 4 s, then delivers what it owes": lambda: [
        SyntheticEncoder(1, late=_late(4.0, owed=2)),
        SyntheticEncoder(2),
    ],
    "Input 1 loses one segment for good, then goes on": lambda: [
        SyntheticEncoder(1, lost=_from(count=1)),
        SyntheticEncoder(2),
    ],
    "Input 1 loses two segments for good, then goes on": lambda: [
        SyntheticEncoder(1, lost=_from(count=2)),
        SyntheticEncoder(2),
    ],
    "Input 1 stops for good": lambda: [SyntheticEncoder(1, lost=_from()), SyntheticEncoder(2)],
    "The same, and input 2 is 3 s behind": lambda: [
        SyntheticEncoder(1, lost=_from()),
        SyntheticEncoder(2, lag_seconds=3.3),
    ],
    "Both stop for 10 s, then deliver what they owe": lambda: [
        SyntheticEncoder(1, late=_late(10.0, owed=5)),
        SyntheticEncoder(2, late=_late(10.0, owed=5)),
    ],
    "Input 1 loses one rendition of three for good": lambda: [
        SyntheticEncoder(1, playlists=THREE, lost_of_playlist={"v1.m3u8": _from()}),
        SyntheticEncoder(2, playlists=THREE),
    ],
    "Input 1's clock is an hour off, its timestamps are as before": lambda: [
        SyntheticEncoder(1, date_offset_seconds=3600.0),
        SyntheticEncoder(2),
    ],
    "Input 1 loses a segment, input 2 the one before": lambda: [
        SyntheticEncoder(1, lost={FROM}),
        SyntheticEncoder(2, lost={FROM - 1}),
    ],
    "The same, and input 1 stops for good": lambda: [
        SyntheticEncoder(1, lost=_from()),
        SyntheticEncoder(2, lost={FROM - 1}),
    ],
    "Both lose the same segment": lambda: [SyntheticEncoder(1, lost={FROM}), SyntheticEncoder(2, lost={FROM})],
    "Both lose the same ten segments": lambda: [
        SyntheticEncoder(1, lost=_from(count=10)),
        SyntheticEncoder(2, lost=_from(count=10)),
    ],
    "Input 1 stops for good, input 2 is not epoch-locked": lambda: [
        SyntheticEncoder(1, lost=_from()),
        SyntheticEncoder(2, media_offset_seconds=500.0, phase_seconds=0.7, content="other"),
    ],
}


def outcome(entries: list[ProgramEntry]) -> str:
    """What became of a programme, in the words of the page."""
    found: list[str] = []
    for reason, group in groupby(entries, key=lambda entry: entry.reason):
        run = list(group)
        if reason is Reason.FAILOVER:
            found += [f"fails over at {_waited_seconds(entry):.2f} s" for entry in run]
        elif reason in COUNTED:
            found.append(COUNTED[reason] if len(run) == 1 else f"{len(run)} times {COUNTED[reason]}")
    discontinuities = sum(entry.discontinuity for entry in entries)
    if discontinuities:
        found.append("one discontinuity" if discontinuities == 1 else f"{discontinuities} discontinuities")
    return ", ".join(found) or "stays"


def _waited_seconds(entry: ProgramEntry) -> float:
    """How long after the slot was due from the input that was left."""
    due = entry.evidence.inputs[2 - entry.active_input].due
    assert due is not None
    return to_seconds(entry.as_of.instant - due)


def outcomes(encoders: list[SyntheticEncoder]) -> list[str]:
    """The outcome for each column of the page's table."""
    messages: list[Message] = list(ENDPOINTS.values())
    for encoder in encoders:
        messages += encoder.messages(range(SEGMENTS))
    run = Broadcast(messages).run(until_seconds=SEGMENTS * 2.0)
    return [outcome(run.of(name)) for name in NAMES]


def documented() -> dict[str, list[str]]:
    """The table of the page: outcomes by fault."""
    table = PAGE.read_text().partition("\n## Worked examples\n")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: [cell.strip() for cell in row[1:]] for row in rows[1:]}


@pytest.mark.parametrize("fault", EXAMPLES)
def test_a_worked_example_is_what_the_decision_core_does(fault: str) -> None:
    assert documented()[fault] == outcomes(EXAMPLES[fault]())


def test_every_worked_example_of_the_page_is_tried() -> None:
    assert list(documented()) == list(EXAMPLES)
