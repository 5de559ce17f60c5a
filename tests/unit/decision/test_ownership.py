"""What a replica should do about the shards, case by case."""

from __future__ import annotations

import pytest

from understudy_domain.ownership import LEASE_RENEWAL, LEASE_TTL, Plan, Seen, View

NOW = 10 * LEASE_TTL
OLD = NOW - LEASE_TTL


def view(
    owned: dict[int, str],
    *,
    mine: set[int] | None = None,
    replicas: str = "abc",
    shards: int = 4,
    renewed_at: int = NOW,
) -> View:
    """What ``a`` sees: the bucket has ``owned`` by shard; it decides for ``mine``, by default what bears its name."""
    own = frozenset(shard for shard, name in owned.items() if name == "a") if mine is None else frozenset(mine)
    leases = {shard: Seen(name, renewed_at) for shard, name in owned.items()}
    return View("a", shards, own, leases, [Seen(name, renewed_at) for name in replicas], NOW)


def test_one_alone_takes_everything_at_once() -> None:
    assert sorted(view({}, replicas="").plan().acquire) == [0, 1, 2, 3]


def test_nobody_takes_more_than_a_share() -> None:
    assert len(view({}, replicas="ab").plan().acquire) == 2


@pytest.mark.parametrize(
    ("replicas", "shards", "share"), [("a", 16, 16), ("ab", 16, 8), ("abc", 16, 6), ("bcd", 16, 4)]
)
def test_shares_are_as_equal_as_can_be(replicas: str, shards: int, share: int) -> None:
    assert view({}, replicas=replicas, shards=shards).share == share


def test_some_go_without_where_there_are_more_replicas_than_shards() -> None:
    seen = View("z", 2, frozenset(), {}, [Seen(name, NOW) for name in "abz"], NOW)
    assert (seen.share, seen.plan()) == (0, Plan())
    assert seen.has_settled


def test_what_another_holds_is_not_taken() -> None:
    seen = view({0: "b", 1: "b"}, replicas="ab")
    assert sorted(seen.plan().acquire) == [2, 3]


def test_what_has_run_out_is_taken_together_with_the_share_of_its_owner() -> None:
    seen = view({2: "b", 3: "b"}, replicas="b", renewed_at=OLD)
    assert sorted(seen.plan().acquire) == [0, 1, 2, 3]


def test_a_lease_holds_until_its_last_moment() -> None:
    seen = view(dict.fromkeys(range(4), "b"), replicas="ab", renewed_at=OLD + 1)
    assert seen.plan() == Plan()


def test_what_is_over_the_share_is_given_back_for_a_new_replica() -> None:
    plan = view(dict.fromkeys(range(4), "a"), replicas="ab").plan()
    assert len(plan.release) == 2
    assert plan.acquire == ()


def test_a_lease_of_its_own_that_it_has_lost_and_nobody_took_may_be_taken_again() -> None:
    assert sorted(view(dict.fromkeys(range(4), "a"), mine=set(), replicas="").plan().acquire) == [0, 1, 2, 3]


def test_one_without_a_share_has_settled_once_every_shard_has_an_owner() -> None:
    assert not view({0: "b", 1: "b", 2: "b"}, replicas="ab").has_settled
    assert view(dict.fromkeys(range(4), "b"), replicas="ab").has_settled
    assert not view(dict.fromkeys(range(4), "b"), replicas="ab", renewed_at=OLD).has_settled


def test_three_renewals_may_fail_before_a_lease_is_lost() -> None:
    assert 3 * LEASE_RENEWAL < LEASE_TTL
