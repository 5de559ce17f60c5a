"""Nothing that a viewer may still be shown or sent is ever removed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from support.program_entries import START, make_endpoint, make_entry
from support.program_entries import seconds as s
from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.program import ProgramWindow
from understudy_domain.retention import Programme, held_object_keys


@dataclass(frozen=True)
class Case:
    endpoint: OriginEndpoint
    entries: list[ProgramEntry]
    appended: int
    """How many stand when something is removed."""
    now: int
    run_duration: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Slots of any length up to the target duration, with halts, bursts and jumps in programme time."""
    target_seconds = draw(st.integers(1, 9))
    durations = draw(st.lists(st.integers(0, target_seconds * 4), min_size=1, max_size=120))
    time = available_at = 0
    entries = []
    for number, quarters in enumerate(durations):
        time += draw(st.sampled_from([0, 0, 0, 40]))
        available_at += draw(st.sampled_from([0, quarters, quarters, 400]))
        entries.append(
            replace(
                make_entry(number),
                start=s(time / 4),
                end=s((time + quarters) / 4),
                available_at=START + s(available_at / 4),
                target_duration_seconds=target_seconds,
            )
        )
        time += quarters
    endpoint = make_endpoint(window_seconds=draw(st.integers(1, 60)), delay_seconds=0)
    return Case(
        endpoint,
        entries,
        appended=draw(st.integers(1, len(entries))),
        now=START + s(draw(st.integers(0, available_at + 400)) / 4),
        run_duration=s(draw(st.sampled_from([0, 1, 10]))),
    )


@settings(deadline=None)
@given(cases())
def test_whatever_egress_lists_or_serves_from_now_on_stays(case: Case) -> None:
    programme = Programme()
    for entry in case.entries[: case.appended]:
        programme.add(entry, entry.media_sequence + 1, run_duration=case.run_duration)
    first_kept = programme.runs[programme.removable(case.endpoint, now=case.now, margin=0)].first_sequence - 1
    left = [entry for entry in case.entries if entry.media_sequence >= first_kept]
    for now in sorted({case.now, *(one.available_at for one in case.entries if one.available_at > case.now)}):
        # A process that starts then, on all that there ever was.
        appended = [one for one in case.entries if one.media_sequence < case.appended or one.available_at <= now]
        whole = ProgramWindow(case.endpoint, appended)
        whole.advance(now=now)
        if whole.live_edge is None:
            continue
        assert whole.entries[0].media_sequence >= first_kept
        fresh = ProgramWindow(case.endpoint, [one for one in left if one in appended])
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
