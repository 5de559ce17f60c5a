"""Nothing that a viewer may still be shown or sent is ever removed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from support.program_entries import START, make_endpoint, make_entry
from support.program_entries import seconds as s
from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_domain.retention import Programme, held_object_keys


@dataclass(frozen=True)
class Case:
    endpoint: OriginEndpoint
    entries: list[ProgramEntry]
    appended: int
    """How many stand when something is removed."""
    now: int
    run_duration: int


def case_of(seed: int) -> Case:
    """Slots of any length up to the target duration, with halts, bursts, jumps in programme time, and ends.

    Long enough that most of it has left every window.
    """
    rng = random.Random(seed)
    target_seconds = rng.randint(1, 9)
    usual = rng.choice([target_seconds * 4, target_seconds * 3, 1])
    time = available_at = 0
    entries = []
    for number in range(rng.randint(40, 120)):
        quarters = usual if rng.random() < 0.8 else rng.randint(0, target_seconds * 4)
        time += rng.choice([0, 0, 0, 40])
        available_at += rng.choice([0, quarters, quarters, quarters, rng.choice([quarters, 400])])
        entry = replace(
            make_entry(number),
            start=s(time / 4),
            end=s((time + quarters) / 4),
            available_at=START + s(available_at / 4),
            target_duration_seconds=target_seconds,
        )
        time += quarters
        # The programme may end with any entry, and go on.
        entries += [entry, replace(entry, ended=True)] if rng.random() < 0.1 else [entry]
    return Case(
        make_endpoint(window_seconds=rng.choice([1, 10, rng.randint(1, 60)])),
        entries,
        appended=rng.randint(len(entries) // 2, len(entries)),
        now=START + s(rng.randint(available_at // 2, available_at + 40) / 4),
        run_duration=s(rng.choice([0, 0, 1, 10])),
    )


def test_most_of_these_cases_have_something_to_remove() -> None:
    assert sum(left_from(case_of(seed)) > 0 for seed in range(200)) > 120


def left_from(case: Case) -> int:
    """The position of the first entry that stays."""
    programme = Programme()
    for position, entry in enumerate(case.entries[: case.appended]):
        programme.add(entry, position, run_duration=case.run_duration)
    return programme.runs[programme.removable(case.endpoint, now=case.now, margin=0)].first_sequence


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32).map(case_of))
def test_whatever_egress_lists_or_serves_from_now_on_stays(case: Case) -> None:
    first = left_from(case)
    for now in sorted({case.now, *(one.available_at for one in case.entries if one.available_at > case.now)}):
        # A process that starts then, on all that there ever was.
        later = sum(one.available_at <= now for one in case.entries[case.appended :])
        appended = case.entries[: case.appended + later]
        whole = ProgramWindow(case.endpoint, contiguous_tail(appended))
        whole.advance(now=now)
        if whole.live_edge is None:
            continue
        assert whole.entries[0].media_sequence >= case.entries[first].media_sequence
        fresh = ProgramWindow(case.endpoint, contiguous_tail(appended[first:]))
        fresh.advance(now=now)
        assert fresh.media_playlist("v1") == whole.media_playlist("v1")


@settings(deadline=None)
@given(
    lost=st.tuples(st.sets(st.integers(0, 24), max_size=8), st.sets(st.integers(0, 24), max_size=8)),
    late=st.dictionaries(st.integers(0, 24), st.sampled_from([0.5, 3.0, 9.0, 40.0]), max_size=4),
    lag=st.sampled_from([0.3, 2.0, 7.0]),
    slots=st.tuples(st.sampled_from([2, 6]), st.sampled_from([2, 6, 12])),
    aligned=st.booleans(),
)
def test_an_entry_names_nothing_but_what_the_core_held_before_or_has_just_been_told_of(
    lost: tuple[set[int], set[int]], late: dict[int, float], lag: float, slots: tuple[int, int], aligned: bool
) -> None:
    one = SyntheticEncoder(1, lost=lost[0], late=late)
    two = SyntheticEncoder(2, lost=lost[1], lag_seconds=lag, media_offset_seconds=0 if aligned else 100)
    endpoints = [configured("a", seconds=slots[0]), configured("b", seconds=slots[1], delay_seconds=6, at_seconds=11)]
    broadcast = Broadcast([*endpoints, *one.messages(range(25)), *two.messages(range(25))])
    held: set[str] = set()
    told = dict.fromkeys(("a", "b"), 0)

    def check(made: Broadcast, _: int) -> None:
        nonlocal held
        for name, count in told.items():
            for entry in made.of(name)[count:]:
                named = {piece.object_key for rendition in entry.renditions for piece in rendition.pieces}
                assert named <= held | just_told(made)
            told[name] = len(made.of(name))
        held = held_object_keys(made.fold.state)

    def just_told(made: Broadcast) -> set[str]:
        return {
            fact.object_key
            for message in made.messages
            if message.instant == made.fold.state.now and hasattr(fact := message.fact, "object_key")
        }

    broadcast.run(interrupt=check)
