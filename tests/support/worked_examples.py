"""The worked examples of docs/failover-rule.md: the faults, row by row, and the words that outcomes are told in.

Whoever tries them takes the faults from here and the outcomes from the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from support.synthetic import SyntheticEncoder
from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason
from understudy_domain.ticks import to_seconds

PAGE = Path(__file__).parents[2] / "docs" / "failover-rule.md"
SEGMENT_SECONDS = 2
COLUMNS = {"2 s": (2, 0), "6 s": (6, 0), "12 s": (12, 0), "2 s, 10 s delay": (2, 10)}
"""Configured segment duration and time delay, seconds, by the head of the column."""
SLOT_SEGMENTS = 6
"""Every so many segments a slot ends in every column."""
THREE = ("v0.m3u8", "v1.m3u8", "v2.m3u8")
UNTIL_THE_END = 1000
"""More segments than anyone delivers."""

COUNTED = {
    Reason.REPAIR: "repaired",
    Reason.COMBINE: "combined",
    Reason.GAP: "gap",
    Reason.PARTIAL: "in part",
}

_NUMBER = re.compile(r"-?\d+\.\d\d")

Encoders = Callable[[int], list[SyntheticEncoder]]
"""Both encoders, from the number of the first segment that is not as usual."""


def _from(number: int, *, count: int = UNTIL_THE_END) -> set[int]:
    return set(range(number, number + count))


def _late(number: int, seconds: float, *, owed: int) -> dict[int, float]:
    """Nothing for a while, then all that is owed at once."""
    return {number + further: seconds - SEGMENT_SECONDS * further for further in range(owed)}


EXAMPLES: dict[str, Encoders] = {
    "Input 1 delivers one segment 0.6 s late": lambda at: [SyntheticEncoder(1, late={at: 0.6}), SyntheticEncoder(2)],
    "Input 1 stops for 4 s, then delivers what it owes": lambda at: [
        SyntheticEncoder(1, late=_late(at, 4.0, owed=2)),
        SyntheticEncoder(2),
    ],
    "Input 1 loses one segment for good, then goes on": lambda at: [
        SyntheticEncoder(1, lost=_from(at, count=1)),
        SyntheticEncoder(2),
    ],
    "Input 1 loses two segments for good, then goes on": lambda at: [
        SyntheticEncoder(1, lost=_from(at, count=2)),
        SyntheticEncoder(2),
    ],
    "Input 1 stops for good": lambda at: [SyntheticEncoder(1, lost=_from(at)), SyntheticEncoder(2)],
    "The same, and input 2 is 3 s behind": lambda at: [
        SyntheticEncoder(1, lost=_from(at)),
        SyntheticEncoder(2, lag_seconds=3.3),
    ],
    "Both stop for 10 s, then deliver what they owe": lambda at: [
        SyntheticEncoder(1, late=_late(at, 10.0, owed=5)),
        SyntheticEncoder(2, late=_late(at, 10.0, owed=5)),
    ],
    "Input 1 loses one rendition of three for good": lambda at: [
        SyntheticEncoder(1, playlists=THREE, lost_of_playlist={"v1.m3u8": _from(at)}),
        SyntheticEncoder(2, playlists=THREE),
    ],
    "Input 1's clock is an hour off, its timestamps are as before": lambda at: [
        SyntheticEncoder(1, date_offset_seconds=3600.0),
        SyntheticEncoder(2),
    ],
    "Input 1 loses a segment, input 2 the one before": lambda at: [
        SyntheticEncoder(1, lost={at}),
        SyntheticEncoder(2, lost={at - 1}),
    ],
    "The same, and input 1 stops for good": lambda at: [
        SyntheticEncoder(1, lost=_from(at)),
        SyntheticEncoder(2, lost={at - 1}),
    ],
    "Both lose the same segment": lambda at: [SyntheticEncoder(1, lost={at}), SyntheticEncoder(2, lost={at})],
    "Both lose the same ten segments": lambda at: [
        SyntheticEncoder(1, lost=_from(at, count=10)),
        # Either may be the first to come back, and is followed then: here it is input 1, by more than a moment.
        SyntheticEncoder(2, lost=_from(at, count=10), late={at + 10: 0.3}),
    ],
    "Input 1 stops for good, input 2 is not epoch-locked": lambda at: [
        SyntheticEncoder(1, lost=_from(at)),
        SyntheticEncoder(2, media_offset_seconds=500.0, phase_seconds=0.72, content="other"),
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


def agrees(shown: str, told: str, *, within_seconds: float) -> bool:
    """Whether an outcome is the one of the page, its instants within so much."""
    if _NUMBER.sub("", shown) != _NUMBER.sub("", told):
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(told), strict=True)
    return all(abs(float(one) - float(other)) <= within_seconds for one, other in pairs)


def _waited_seconds(entry: ProgramEntry) -> float:
    """How long after the slot was due from the input that was left."""
    due = entry.evidence.inputs[2 - entry.active_input].due
    assert due is not None
    return to_seconds(entry.as_of.instant - due)


def documented() -> dict[str, dict[str, str]]:
    """The table of the page: outcomes by fault and column."""
    table = PAGE.read_text().partition("\n## Worked examples\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:2] == "| "]
    head, *faults = rows
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in faults}
