"""``python -m support.simulation``: run many schedules, or one and tell its story."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from support.simulation.campaign import Failure, campaign
from support.simulation.encoder import seconds_of
from support.simulation.plan import Plan, plan_of
from support.simulation.world import World


def main() -> int:
    """Parse arguments, run, print; 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000, help="how many to run")
    parser.add_argument("--first-seed", type=int, default=0, help="the seed of the first")
    parser.add_argument("--processes", type=int, default=None, help="all cores unless told")
    parser.add_argument("--seed", type=int, default=None, help="run this one alone and tell its story")
    parser.add_argument("--stop-after", type=int, default=20, help="failures to show in full")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return tell(arguments.seed)
    return run_many(arguments.first_seed, arguments.schedules, arguments.processes, arguments.stop_after)


def run_many(first: int, schedules: int, processes: int | None, shown: int) -> int:
    """Run schedules, show progress and failures."""
    began, failures = time.monotonic(), list[Failure]()
    for done, found in campaign(first, schedules, processes=processes):
        for failure in found:
            if len(failures) < shown:
                print(f"\nseed {failure.seed}: {failure.seen}")
            failures.append(failure)
        pace = done / (time.monotonic() - began)
        print(f"\r{done} of {schedules} schedules, {pace:.0f} a second, {len(failures)} failed", end="", flush=True)
    print()
    for promise, count in Counter(failure.promise for failure in failures).most_common():
        seeds = [failure.seed for failure in failures if failure.promise == promise]
        print(f"{count:6} of {promise}, seeds {seeds[:10]}")
    if failures:
        print("replay one with: make simulate SEED=…")
    return 1 if failures else 0


def tell(seed: int) -> int:
    """Run one schedule and print what happened."""
    plan = plan_of(seed)
    describe(plan)
    world = World(plan)
    try:
        world.run()
    except Exception as err:
        print("\n".join(world.story))
        print(f"\nseed {seed} fails at {seconds_of(world.now):.2f} s\n{err}")
        if not isinstance(err, AssertionError):
            raise
        return 1
    print("\n".join(world.story))
    print(f"\nseed {seed} holds")
    return 0


def describe(plan: Plan) -> None:
    """The schedule in words."""
    troubled = "troubled" if plan.troubled else "calm"
    print(f"seed {plan.seed}: {plan.kind}, {plan.segments} contents of {plan.segment_duration} ticks, {troubled}")
    for endpoint in plan.endpoints:
        print(f"  {endpoint}")
    for encoder in plan.encoders:
        print(f"  input {encoder.input_id}: lag {encoder.lag}, jitter {encoder.jitter}, {encoder.renditions}")
        for life in encoder.lives:
            print(f"    {life}")
    for note in plan.notes:
        print(f"  {note}")


if __name__ == "__main__":
    sys.exit(main())
