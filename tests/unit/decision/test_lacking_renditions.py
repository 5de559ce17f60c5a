"""An input that lacks a rendition for good is judged by those it has; what is missing is a gap in that one alone."""

from __future__ import annotations

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured, numbers_of
from understudy_domain.deciding import Waiting
from understudy_domain.endpoint_status import why_it_waits
from understudy_domain.failover import InputView, Publish, SlotView, Wait, decide
from understudy_domain.reason import Reason
from understudy_domain.slots import SlotDelivery
from understudy_domain.ticks import TICKS_PER_SECOND

THREE = ("high.m3u8", "low.m3u8", "mid.m3u8")
"""Alike but for their names, which rank them: v1, v2, v3."""
ENDPOINTS = [
    configured("two", seconds=2),
    configured("six", seconds=6),
    configured("delayed", seconds=2, delay_seconds=10),
]
NAMES = ["two", "six", "delayed"]
SEGMENTS = 40


def encoder(
    input_id: int, *, lost_from: int | None = None, back_at: int = SEGMENTS, **more: object
) -> SyntheticEncoder:
    """One with three renditions, of which ``mid`` is lost for a while."""
    lost = {} if lost_from is None else {"mid.m3u8": set(range(lost_from, back_at))}
    return SyntheticEncoder(input_id, playlists=THREE, lost_of_playlist=lost, **more)  # type: ignore[arg-type]


def broadcast(*encoders: SyntheticEncoder) -> Broadcast:
    """Run to the end."""
    messages: list[Message] = list(ENDPOINTS)
    for one in encoders:
        messages += one.messages(range(SEGMENTS))
    return Broadcast(messages).run(until_seconds=SEGMENTS * 2 + 30)


@pytest.mark.parametrize("name", NAMES)
def test_a_standby_that_lost_a_rendition_is_used_when_the_active_input_dies(name: str) -> None:
    run = broadcast(encoder(1, lost_from=12), encoder(2, lost=set(range(24, SEGMENTS))))
    shown = run.of(name)
    assert [entry.active_input for entry in shown if entry.reason is Reason.FAILOVER] == [2, 1]
    assert numbers_of(shown, "v1") == numbers_of(shown, "v2") == list(range(numbers_of(shown, "v1")[-1] + 1))
    assert numbers_of(shown, "v1")[-1] >= SEGMENTS - 3
    assert numbers_of(shown, "v3") == list(range(24))
    assert not any(entry.discontinuity or entry.is_gap for entry in shown)


@pytest.mark.parametrize("name", NAMES)
def test_what_both_inputs_lack_is_a_gap_in_that_rendition_and_all_else_goes_on(name: str) -> None:
    shown = broadcast(encoder(1, lost_from=12, back_at=30), encoder(2, lost_from=12, back_at=30)).of(name)
    assert numbers_of(shown, "v1") == list(range(numbers_of(shown, "v1")[-1] + 1))
    assert numbers_of(shown, "v1")[-1] >= SEGMENTS - 3
    lost = set(range(SEGMENTS)) - set(numbers_of(shown, "v3"))
    assert set(range(12, 30)) <= lost
    # It has left the line-up by then, and joins it again after three segments.
    assert {number for number in lost if number < numbers_of(shown, "v1")[-1]} <= set(range(12, 33))
    assert not any(entry.discontinuity or entry.is_gap for entry in shown)
    assert {entry.active_input for entry in shown} == {1}


def test_once_a_rendition_is_given_up_slots_come_as_soon_as_they_used_to() -> None:
    shown = broadcast(encoder(1, lost_from=12), encoder(2, lost_from=12)).of("two")
    waited = [(entry.as_of.instant - entry.end) / TICKS_PER_SECOND for entry in shown if entry.slot >= 18]
    assert waited
    assert max(waited) < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_lost_a_rendition_is_left_for_a_fuller_one_that_comes_back(name: str) -> None:
    run = broadcast(encoder(1, lost_from=12), encoder(2, lost=set(range(8, 26))))
    shown = run.of(name)
    failovers = [entry for entry in shown if entry.reason is Reason.FAILOVER]
    assert [entry.active_input for entry in failovers] == [2]
    assert failovers[0].evidence.inputs[0].lacking == ("v3",)
    assert numbers_of(shown, "v3") == [*range(12), *range(numbers_of(shown, "v3")[12], numbers_of(shown, "v3")[-1] + 1)]
    assert numbers_of(shown, "v3")[12] in range(26, 34)
    assert numbers_of(shown, "v1") == list(range(numbers_of(shown, "v1")[-1] + 1))


@pytest.mark.parametrize("name", NAMES)
def test_of_two_inputs_that_lack_as_much_none_is_left_for_the_other(name: str) -> None:
    one = SyntheticEncoder(1, playlists=THREE, lost_of_playlist={"mid.m3u8": set(range(12, SEGMENTS))})
    two = SyntheticEncoder(2, playlists=THREE, lost_of_playlist={"low.m3u8": set(range(6, SEGMENTS))})
    shown = broadcast(one, two).of(name)
    assert len([entry for entry in shown if entry.reason is Reason.FAILOVER]) <= 1
    assert numbers_of(shown, "v1")[-1] >= SEGMENTS - 3


@pytest.mark.parametrize("name", NAMES)
def test_an_endpoint_begins_although_both_inputs_lost_a_rendition_from_the_beginning(name: str) -> None:
    shown = broadcast(encoder(1, lost_from=1), encoder(2, lost_from=1)).of(name)
    assert numbers_of(shown, "v1")[-1] >= SEGMENTS - 3
    assert numbers_of(shown, "v3") in ([], [0])


def test_after_a_discontinuity_a_rendition_that_comes_back_needs_none_of_its_own() -> None:
    other = {"media_offset_seconds": 500.0, "content": "other"}
    run = broadcast(
        encoder(1, lost_from=10, lost=set(range(20, SEGMENTS))), encoder(2, lost_from=10, back_at=30, **other)
    )
    shown = run.of("two")
    assert sum(entry.discontinuity for entry in shown) == 1
    assert set(range(33, 37)) <= set(numbers_of(shown, "v3"))


def test_an_input_that_lacks_a_rendition_fills_in_for_a_fuller_one_and_does_not_replace_it() -> None:
    shown = broadcast(encoder(1, lost_from=10, back_at=24), encoder(2, lost={19}, lag_seconds=0.2)).of("six")
    assert not [entry for entry in shown if entry.reason is Reason.FAILOVER and entry.active_input == 1]
    assert set(numbers_of(shown, "v1")) >= set(range(36))
    assert set(range(36)) - set(numbers_of(shown, "v3")) == {19}
    assert not any(entry.discontinuity for entry in shown)


def view(*, lacking: tuple[int, int], complete: tuple[bool, bool] = (True, True), dead: bool = False) -> SlotView:
    """A slot that ends at 100 s, with lags of 1 s."""
    one, two = (
        InputView(
            input_id=number + 1,
            complete=complete[number],
            completed_at=101 * TICKS_PER_SECOND if complete[number] else None,
            first_piece_at=98 * TICKS_PER_SECOND,
            first_piece_renditions=1,
            lag=TICKS_PER_SECOND,
            dead_at=0 if dead and number else 200 * TICKS_PER_SECOND,
            has_ended=False,
            is_overdue=False,
            next_slot=None,
            lacking=lacking[number],
        )
        for number in (0, 1)
    )
    return SlotView(
        slot=5, end=100 * TICKS_PER_SECOND, slot_duration=2 * TICKS_PER_SECOND, time_delay=0, active=one, other=two
    )


BEFORE, AFTER, LONG_AFTER = 101 * TICKS_PER_SECOND, 102 * TICKS_PER_SECOND - 1, 103 * TICKS_PER_SECOND
KEEP, LEAVE = Publish(1, Reason.KEEP, 1), Publish(2, Reason.FAILOVER, 4)
DEADLINE = 102 * TICKS_PER_SECOND - TICKS_PER_SECOND // 4


@pytest.mark.parametrize(
    ("slot", "now", "verdict"),
    [
        pytest.param(view(lacking=(1, 0)), BEFORE, Wait(DEADLINE, 2), id="until the deadline it may still come"),
        pytest.param(view(lacking=(1, 0)), AFTER, LEAVE, id="then the fuller one"),
        pytest.param(view(lacking=(1, 1)), BEFORE, KEEP, id="both lack as much"),
        pytest.param(view(lacking=(1, 2)), BEFORE, KEEP, id="the other lacks more"),
        pytest.param(view(lacking=(1, 0), dead=True), BEFORE, KEEP, id="the other is dead"),
        pytest.param(
            view(lacking=(1, 0), complete=(True, False)), AFTER, Wait(102 * TICKS_PER_SECOND, 6), id="expected"
        ),
        pytest.param(view(lacking=(1, 0), complete=(True, False)), LONG_AFTER, KEEP, id="the other does not come"),
    ],
)
def test_an_active_input_that_lacks_more_is_kept_only_where_the_other_cannot_take_over(
    slot: SlotView, now: int, verdict: object
) -> None:
    assert decide(slot, now=now) == verdict


def test_while_a_fuller_input_is_waited_for_it_is_said_that_the_active_one_has_completed_the_slot() -> None:
    slot = view(lacking=(1, 0), complete=(True, False))
    deliveries = {
        1: SlotDelivery(1, True, (), {"v1": ()}, 101 * TICKS_PER_SECOND, lacking=("v3",)),
        2: SlotDelivery(2, False, ("v1", "v3"), {"v1": (), "v3": ()}, None),
    }
    told = {}
    for now in (BEFORE, AFTER):
        verdict = decide(slot, now=now)
        assert isinstance(verdict, Wait)
        told[verdict.step] = why_it_waits(Waiting(slot, deliveries, verdict, now), DEADLINE)
    has = "input 1, the active one, has completed it without v3, which it lacks for good"
    assert told == {
        2: f"Slot 5 waits: {has}, while input 2 delivers more and has until 00:01:41.750.",
        6: (
            f"Slot 5 is held past its deadline: {has}; "
            "input 2 delivers more, and has until 00:01:42.000 to complete it."
        ),
    }
