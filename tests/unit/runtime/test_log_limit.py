"""How often the same is told."""

from __future__ import annotations

from understudy_runtime.log_limit import LogLimit


class Watch:
    """A clock that is set by hand."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_each_kind_is_told_every_ten_seconds_with_how_many_were_left_out() -> None:
    watch = Watch()
    limit = LogLimit(monotonic=watch)
    assert [limit.admit("a"), limit.admit("a"), limit.admit("b"), limit.admit("a")] == [0, None, 0, None]
    watch.seconds += 10
    assert [limit.admit("a"), limit.admit("b"), limit.admit("a")] == [2, 0, None]
    watch.seconds += 10
    assert limit.admit("a") == 1


def test_what_is_remembered_is_bounded() -> None:
    limit = LogLimit(monotonic=Watch())
    assert all(limit.admit(kind) == 0 for kind in range(1_024))
    assert limit.admit(0) is None
    assert limit.admit(1_024) == 0
    assert limit.admit(0) == 0, "all before it was forgotten"
