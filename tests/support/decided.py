"""``python -m support.decided SEED …``: where the core is from, then a digest of what it decides in each schedule."""

from __future__ import annotations

import hashlib
import sys

import understudy_domain.fold
from support.simulation.plan import plan_of
from support.simulation.world import World


def digest_of(seed: int) -> str:
    """Of every entry of a schedule, in order, byte for byte, and of the run's story."""
    world = World(plan_of(seed)).run()
    digest = hashlib.sha256()
    for guid, entries in sorted(world.logs.program.entries.items()):
        digest.update(f"{guid} {len(entries)}\n".encode())
        for entry in entries:
            digest.update(entry + b"\n")
    digest.update("\n".join(world.story).encode())
    return digest.hexdigest()


def main() -> None:
    """Run and print."""
    print(understudy_domain.fold.__file__)
    for seed in map(int, sys.argv[1:]):
        print(seed, digest_of(seed))


if __name__ == "__main__":
    main()
