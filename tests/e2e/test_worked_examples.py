"""Every cell of the table in docs/failover-rule.md, in real time: real media, real uploads, real viewers.

All rows run side by side, a channel each. What the page says of a cell is what its entries have to say, and what its
viewers saw has to be what that means.
"""

from __future__ import annotations

from concurrent.futures import Future

import httpx
import pytest

from support.rehearsal import FIRST_FRAME, OFF_SECONDS, POLL_SECONDS, SEGMENT_FRAMES, Row
from support.stack import Stack
from support.worked_examples import COLUMNS, EXAMPLES, SEGMENT_SECONDS, agrees, documented, outcome
from understudy_domain.reason import Reason
from understudy_domain.ticks import to_seconds

pytestmark = pytest.mark.takes(seconds=110)

LATE_SECONDS = 1.0
"""What a machine that runs everything on two cores may be late with a decision, or with showing it."""
SHOWN_SEGMENTS = 22
"""So many at least have been shown everywhere when the run ends: the longest fault is over by the last of them."""
BOUNDED_JUMP_SECONDS = SEGMENT_SECONDS / 2 + OFF_SECONDS

NOT_LOCKED = "Input 1 stops for good, input 2 is not epoch-locked"

each_fault = pytest.mark.parametrize("fault", EXAMPLES)
each_column = pytest.mark.parametrize("column", COLUMNS)


@pytest.fixture(scope="module")
def rows(rehearsal: Future[dict[str, Row]]) -> dict[str, Row]:
    """All rows, played."""
    return rehearsal.result()


@each_fault
def test_a_fault_falls_where_the_table_puts_it(rows: dict[str, Row], fault: str) -> None:
    assert rows[fault].misplaced() == [], "this machine was late, twice: that says nothing about the rule"


@each_column
@each_fault
def test_a_cell_shows_in_real_time_what_the_table_says(rows: dict[str, Row], fault: str, column: str) -> None:
    told, shown = documented()[fault][column], outcome(rows[fault].cells[column].entries)
    print(f"{fault}, {column}: {shown} (the table: {told})")
    assert agrees(shown, told, within_seconds=OFF_SECONDS), f"{shown}; not {told}; stalls: {rows[fault].stalls()}"


@each_column
@each_fault
def test_viewers_see_all_that_either_input_delivered_once_and_in_order(
    rows: dict[str, Row], fault: str, column: str
) -> None:
    delivered = rows[fault].delivered_frames()
    for programme in rows[fault].cells[column].programmes():
        shown = programme.frames()
        assert shown[0] == FIRST_FRAME
        assert shown[-1] >= FIRST_FRAME + SHOWN_SEGMENTS * SEGMENT_FRAMES - 1
        if fault == NOT_LOCKED:
            (seam,) = programme.seams()
            assert abs(seam.jump_seconds) <= BOUNDED_JUMP_SECONDS, seam.describe()
        else:
            assert shown == delivered[: len(shown)]
            assert [seam.describe() for seam in programme.seams() if not seam.timestamps_agree] == []


@each_column
@each_fault
def test_playlists_say_where_the_programme_does_not_go_on_and_nowhere_else(
    rows: dict[str, Row], fault: str, column: str
) -> None:
    expected = documented()[fault][column]
    for programme in rows[fault].cells[column].programmes():
        listed = [segment.listed for segment in programme.watched]
        assert sum(one.is_discontinuous for one in listed) == count_of(expected, "discontinuity")
        assert sum(one.is_gap for one in listed) == count_of(expected, "gap")
        assert [seam.describe() for seam in programme.seams() if not seam.marked] == []
        if not programme.seams():
            assert programme.problems() == []


@each_column
@each_fault
def test_live_playlists_keep_their_rules_and_serve_what_they_list(
    rows: dict[str, Row], fault: str, column: str
) -> None:
    watcher = rows[fault].cells[column].watcher
    assert watcher.problems == [], watcher.describe()


@each_column
def test_all_renditions_change_over_at_the_same_segment(rows: dict[str, Row], column: str) -> None:
    cell = rows["Input 1 loses one rendition of three for good"].cells[column]
    first, *others = [
        [(one.listed.media_sequence, one.listed.duration_seconds, one.listed.is_discontinuous) for one in watched]
        for watched in cell.watcher.renditions()
    ]
    assert len(others) == 2
    for other in others:
        assert abs(len(other) - len(first)) <= 1  # the run may end between two of its playlists
        assert other[: len(first)] == first[: len(other)]
    for entry in cell.entries:
        assert len({tuple(piece.input_id for piece in rendition.pieces) for rendition in entry.renditions}) == 1


@each_column
@each_fault
def test_decisions_fall_and_show_on_time(rows: dict[str, Row], fault: str, column: str) -> None:
    cell = rows[fault].cells[column]
    decided = [to_seconds(entry.as_of.instant) for entry in cell.entries]
    late = [appended - instant for appended, instant in zip(cell.appended_at, decided, strict=True)]
    offered = {one.listed.media_sequence: one.offered_at for watched in cell.watcher.renditions() for one in watched}
    unseen = [
        offered[entry.media_sequence] - max(to_seconds(entry.available_at), appended)
        for entry, appended in zip(cell.entries, cell.appended_at, strict=True)
        if entry.media_sequence in offered
    ]
    print(f"appended up to {max(late):.3f} s after the decision fell, seen up to {max(unseen):.3f} s after it could be")
    assert max(late) <= LATE_SECONDS
    assert max(unseen) <= POLL_SECONDS + LATE_SECONDS


@each_fault
def test_the_api_explains_what_was_decided(rows: dict[str, Row], stack: Stack, fault: str) -> None:
    cell = rows[fault].cells["2 s"]
    entry = next(
        (one for one in cell.entries[1:] if one.reason is not Reason.KEEP or one.discontinuity), cell.entries[-1]
    )
    url = f"{stack.api_url}/understudy/v1/origin_endpoints/{cell.endpoint.id}/explain"
    said = httpx.get(url, params={"sequence": entry.media_sequence}, timeout=30).raise_for_status().json()
    print(*said["sentences"])
    assert said["reason"] == entry.reason
    assert said["basis"] == "replay"


def count_of(outcome_told: str, what: str) -> int:
    """How often something happened, by the words of the table."""
    for part in outcome_told.split(", "):
        if part in {what, f"one {what}"}:
            return 1
        if part.endswith(f" times {what}"):
            return int(part.partition(" ")[0])
    return 0
