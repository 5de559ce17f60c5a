"""Replicas that come, die, are paused and go on share the shards: one owner in the bucket, soon fair and still."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from understudy_domain.ownership import LEASE_RENEWAL, LEASE_TTL, Seen, View

LOOK = LEASE_RENEWAL // 4
"""Replicas look this often; four looks are a renewal."""
SETTLED_AFTER = 2 * LEASE_TTL
NAMES = "abcde"


@dataclass
class Replica:
    name: str
    runs: bool = True
    owned: dict[int, int] = field(default_factory=dict)
    """By shard, until when it believes to own it."""


@dataclass
class World:
    """The bucket and the replicas, in steps of ``LOOK``. Whoever looks sees the bucket as it is."""

    shards: int
    now: int = 0
    leases: dict[int, Seen] = field(default_factory=dict)
    presence: dict[str, Seen] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)
    moves: int = 0

    def step(self) -> None:
        self.now += LOOK
        self.leases = {shard: one for shard, one in self.leases.items() if one.is_live(self.now)}
        for replica in self.replicas.values():
            if replica.runs:
                self._look(replica)

    def _look(self, replica: Replica) -> None:
        for shard, until in list(replica.owned.items()):
            if self.now >= until or self._holder(shard) != replica.name:
                del replica.owned[shard]
        if self.now // LOOK % 4 == NAMES.index(replica.name) % 4:
            self.presence[replica.name] = Seen(replica.name, self.now)
            for shard in replica.owned:
                self._lease(replica, shard)
        view = View(
            replica.name, self.shards, frozenset(replica.owned), self.leases, list(self.presence.values()), self.now
        )
        plan = view.plan()
        assert not plan.acquire or not plan.release
        for shard in plan.acquire:
            assert self._holder(shard) in (None, replica.name)
            self._lease(replica, shard)
            self.moves += 1
        for shard in plan.release:
            del self.leases[shard], replica.owned[shard]

    def _lease(self, replica: Replica, shard: int) -> None:
        self.leases[shard] = Seen(replica.name, self.now)
        replica.owned[shard] = self.now + LEASE_TTL

    def _holder(self, shard: int) -> str | None:
        lease = self.leases.get(shard)
        return lease.replica if lease is not None else None

    def pass_time(self, ticks: int) -> None:
        for _ in range(ticks // LOOK + 1):
            self.step()


happenings = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(("start", "kill", "pause")), st.integers(0, 20)), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(shards=st.integers(1, 32), happened=happenings)
def test_soon_after_all_is_quiet_every_shard_has_one_owner_and_nothing_moves(
    shards: int, happened: list[tuple[str, str, int]]
) -> None:
    world = World(shards, replicas={"a": Replica("a")})
    for name, what, looks in happened:
        replica = world.replicas.get(name)
        if what == "kill":
            world.replicas.pop(name, None)
        elif what == "pause" and replica is not None:
            replica.runs = False
        else:
            world.replicas.setdefault(name, Replica(name)).runs = True
        world.pass_time(looks * LOOK)
    world.replicas = {name: replica for name, replica in world.replicas.items() if replica.runs}
    world.replicas.setdefault("a", Replica("a"))
    world.pass_time(SETTLED_AFTER)
    owned = [sorted(replica.owned) for replica in world.replicas.values()]
    assert sorted(shard for each in owned for shard in each) == list(range(shards))
    assert max(map(len, owned)) - min(map(len, owned)) <= 1
    moves = world.moves
    world.pass_time(SETTLED_AFTER)
    assert world.moves == moves
    assert [sorted(replica.owned) for replica in world.replicas.values()] == owned


@given(st.integers(1, 64), st.sets(st.text("abcdef", min_size=1), min_size=1, max_size=12))
def test_shares_add_up_and_differ_by_one_at_most(shards: int, names: set[str]) -> None:
    present = [Seen(name, 0) for name in names]
    shares = [View(name, shards, frozenset(), {}, present, 0).share for name in names]
    assert sum(shares) == shards
    assert max(shares) - min(shares) <= 1
