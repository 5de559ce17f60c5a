"""The ends of programmes among the entries of an origin endpoint: each repeats the slot it follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason


def slots_of(entries: Sequence[ProgramEntry]) -> list[ProgramEntry]:
    """The entries that are slots, in order.

    Raises:
        AssertionError: an end differs from its slot in more than it may, or is told twice.
    """
    slots: list[ProgramEntry] = []
    before: ProgramEntry | None = None
    for entry in entries:
        if entry.ended:
            assert before is not None
            assert not before.ended, "told twice"
            same = replace(
                entry, ended=False, reason=before.reason, step=before.step, evidence=before.evidence, as_of=before.as_of
            )
            assert same == before
            assert (entry.reason, entry.step) == (Reason.END, 0)
            assert entry.as_of.instant >= before.as_of.instant
        else:
            slots.append(entry)
        before = entry
    return slots
