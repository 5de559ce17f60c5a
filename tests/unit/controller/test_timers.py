"""When channels are to be woken: a timer that has not moved costs nothing, one that moved earlier is heard of."""

from __future__ import annotations

from understudy_controller.loop.ticker import Timers

SHARD = 3


class Folds(dict[str, int]):
    """When each channel wants to be woken."""

    def timers(self) -> Timers:
        return Timers(self.get)


def due(timers: Timers, *, before: int) -> list[str]:
    return list(timers.due(SHARD, before=before))


def test_a_channel_is_woken_once_its_time_has_passed_and_not_before() -> None:
    folds = Folds(one=10, other=20)
    timers = folds.timers()
    for guid in folds:
        timers.set(SHARD, guid)
    assert (timers.next_due(), due(timers, before=10), due(timers, before=11)) == ({SHARD: 10}, [], ["one"])
    assert timers.next_due() == {SHARD: 20}


def test_a_timer_that_has_not_moved_wakes_the_channel_once_however_often_it_is_set() -> None:
    timers = Folds(one=10).timers()
    for _ in range(100):
        timers.set(SHARD, "one")
    assert due(timers, before=11) == ["one"]


def test_a_channel_that_was_woken_may_want_the_same_time_again() -> None:
    timers = Folds(one=10).timers()
    for _ in range(2):
        timers.set(SHARD, "one")
        assert due(timers, before=11) == ["one"]


def test_the_newest_time_counts_even_if_it_is_one_from_before() -> None:
    folds = Folds(one=10)
    timers = folds.timers()
    for wake_at in (10, 20, 10):
        folds["one"] = wake_at
        timers.set(SHARD, "one")
    assert due(timers, before=11)[:1] == ["one"]


def test_a_timer_that_went_and_came_back_while_nobody_looked_is_kept() -> None:
    folds = Folds(one=10)
    timers = folds.timers()
    timers.set(SHARD, "one")
    del folds["one"]
    timers.set(SHARD, "one")
    assert timers.next_due() == {}
    folds["one"] = 10
    timers.set(SHARD, "one")
    assert timers.next_due() == {SHARD: 10}


def test_only_what_is_earlier_than_what_is_waited_for_is_told() -> None:
    folds = Folds(one=10, later=20, earlier=5)
    timers = folds.timers()
    timers.set(SHARD, "one")
    timers.wait_for(10)
    timers.set(SHARD, "later")
    assert not timers.changed.is_set()
    timers.set(SHARD, "earlier")
    assert timers.changed.is_set()


def test_whoever_waits_for_nothing_hears_of_the_first_timer() -> None:
    timers = Folds(one=10).timers()
    timers.wait_for(None)
    timers.set(SHARD, "one")
    assert timers.changed.is_set()
