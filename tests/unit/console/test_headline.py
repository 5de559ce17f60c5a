"""What is said first of a channel: what viewers saw, who follows which input since when, and what to do."""

from __future__ import annotations

import pytest

from understudy_domain.board import FRESH
from understudy_domain.headline import Following, headline, is_told
from understudy_domain.reason import Reason
from understudy_domain.status import InputCondition
from understudy_domain.strip import Shown
from understudy_domain.ticks import TICKS_PER_SECOND

NOW = 1_800_000_000 * TICKS_PER_SECOND  # 08:00:00
SHORT, DELAYED = "5" * 32, "d" * 32
BOTH = {1: InputCondition.DELIVERING, 2: InputCondition.DELIVERING}
DEAD_1 = {**BOTH, 1: InputCondition.DEAD}


def slot(
    reason: Reason,
    *,
    ago: float = 60,
    endpoint: str = SHORT,
    moved: bool = False,
    active: int = 2,
    discontinuity: bool = False,
    shown_in: float = 0,
) -> Shown:
    """A slot of 2 s that was decided so long ago, and is shown so long after that."""
    decided = NOW - round(ago * TICKS_PER_SECOND)
    return Shown(
        origin_endpoint=endpoint,
        media_sequence=1,
        slot=1,
        start=decided - 2 * TICKS_PER_SECOND,
        end=decided,
        program_date_time=decided,
        runs=(),
        lost=(),
        active_input=active,
        moved=moved,
        reason=reason,
        step=3,
        discontinuity=discontinuity,
        decided_at=decided,
        deadline=None,
        available_at=decided + round(shown_in * TICKS_PER_SECOND),
        words="",
        headroom=None,
        usual_headroom=None,
        ended=False,
    )


def followers(*, short: int = 2, delayed: int = 2, holds: bool = False) -> list[Following]:
    return [Following("short", SHORT, short, holds), Following("delayed", DELAYED, delayed, False)]


FAILOVERS = [slot(Reason.FAILOVER, endpoint=one, moved=True) for one in (SHORT, DELAYED)]
NOTHING = "Viewers saw nothing of it."
STAY = "short and delayed follow input 2, as before."
CASES = {
    "well": (BOTH, followers(), [], "", ""),
    "what was long ago": (BOTH, followers(), [slot(Reason.GAP, ago=FRESH / TICKS_PER_SECOND)], "", ""),
    "dead and followed by nobody": (DEAD_1, followers(), [], NOTHING, STAY),
    "both moved": (DEAD_1, followers(), FAILOVERS, NOTHING, "short and delayed follow input 2 since 07:59:00."),
    "one moved": (
        DEAD_1,
        followers(delayed=1),
        FAILOVERS[:1],
        NOTHING,
        "short follows input 2 since 07:59:00. delayed follows input 1, as before.",
    ),
    "moved and back": (
        BOTH,
        followers(short=1, delayed=1),
        [FAILOVERS[0], slot(Reason.FAILBACK, ago=30, moved=True, active=1)],
        NOTHING,
        "short follows input 1 since 07:59:30. delayed follows input 1, as before.",
    ),
    "two gaps": (
        DEAD_1,
        followers(),
        [slot(Reason.GAP), slot(Reason.GAP, ago=58)],
        "Viewers missed 4 s of short at 07:59:02.",
        STAY,
    ),
    "in part": (BOTH, followers(), [slot(Reason.PARTIAL)], "Viewers missed up to 2 s of short at 07:59:00.", STAY),
    "a gap that is yet to be seen": (
        BOTH,
        followers(),
        [slot(Reason.GAP, endpoint=DELAYED, ago=10, shown_in=60)],
        "Viewers will miss 2 s of delayed at 08:00:50.",
        STAY,
    ),
    "a change that shows": (
        DEAD_1,
        followers(),
        [slot(Reason.FAILOVER, moved=True, discontinuity=True)],
        "There is a discontinuity in short at 07:59:00.",
        "short follows input 2 since 07:59:00. delayed follows input 2, as before.",
    ),
    "a hold": (BOTH, followers(holds=True), [], "Viewers of short wait for what comes next.", STAY),
    "of an endpoint that is no more": (BOTH, followers(), [slot(Reason.GAP, endpoint="0" * 32)], "", ""),
}


@pytest.mark.parametrize(("conditions", "following", "slots", "viewers", "endpoints"), CASES.values(), ids=CASES)
def test_what_viewers_saw_and_which_endpoints_moved_is_said(
    conditions: dict[int, InputCondition], following: list[Following], slots: list[Shown], viewers: str, endpoints: str
) -> None:
    found = headline(conditions, following, slots, now=NOW)
    assert (found.viewers, found.endpoints) == (viewers, endpoints)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (InputCondition.DEAD, ["Restart encoder 2, or mend its network"]),
        (InputCondition.NEVER_BEGAN, ["Start encoder 2"]),
        (InputCondition.ENDED, ["Encoder 2 has ended its playlists: start it again, if that was not meant"]),
        (InputCondition.DELIVERING, []),
    ],
)
def test_what_to_do_is_said_of_each_input(condition: InputCondition, words: list[str]) -> None:
    found = headline({**BOTH, 2: condition}, followers(short=1, delayed=1), [], now=NOW)
    assert [(one.input_id, one.words) for one in found.advice] == [(2, one) for one in words]


def test_before_anything_is_published_nothing_is_said() -> None:
    assert headline({1: InputCondition.NEVER_BEGAN, 2: InputCondition.NEVER_BEGAN}, [], [], now=NOW).advice == ()


def test_a_slot_as_all_others_is_not_kept_for_it() -> None:
    assert not is_told(slot(Reason.KEEP))
    assert not is_told(slot(Reason.REPAIR))
