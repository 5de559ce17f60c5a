"""What is told of an entry: which kinds for which reason, with which numbers, in which words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.program_entries import make_entry
from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_domain import codec
from understudy_domain.entry import Evidence, InputEvidence, ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.event import Event, EventKind
from understudy_domain.event_view import event_view
from understudy_domain.reason import Reason
from understudy_domain.status import Seam
from understudy_domain.ticks import from_seconds

SEGMENTS = 40


def entry(number: int, reason: Reason = Reason.KEEP, *, active: int = 1, step: int = 1) -> ProgramEntry:
    return replace(make_entry(number), reason=reason, active_input=active, step=step)


def without(one: ProgramEntry, *renditions: str) -> ProgramEntry:
    """The same with nothing in these renditions."""
    return replace(
        one,
        renditions=tuple(
            replace(rendition, pieces=()) if rendition.rendition in renditions else rendition
            for rendition in one.renditions
        ),
    )


def of_two(one: ProgramEntry) -> ProgramEntry:
    """The same with a second rendition, v9."""
    return replace(one, renditions=(*one.renditions, replace(one.renditions[0], rendition="v9")))


def kinds(one: ProgramEntry, before: ProgramEntry | None) -> list[EventKind]:
    return [event.kind for event in entry_events(one, before=before)]


@pytest.mark.parametrize(
    ("reason", "step", "active", "expected"),
    [
        (Reason.KEEP, 1, 1, []),
        (Reason.REPAIR, 3, 1, [EventKind.REPAIR]),
        (Reason.FAILOVER, 4, 2, [EventKind.FAILOVER]),
        (Reason.COMBINE, 5, 1, [EventKind.COMBINE]),
        (Reason.COMBINE, 5, 2, [EventKind.COMBINE, EventKind.FAILOVER]),
        (Reason.PARTIAL, 7, 1, [EventKind.PARTIAL]),
    ],
)
def test_a_reason_has_its_kind_and_a_change_of_input_is_a_failover(
    reason: Reason, step: int, active: int, expected: list[EventKind]
) -> None:
    assert kinds(entry(5, reason, active=active, step=step), entry(4)) == expected


@pytest.mark.parametrize("name", ["switchover", "failback"])
def test_a_change_of_input_that_somebody_asked_for_is_no_failover(name: str) -> None:
    if name not in [reason.value for reason in Reason]:
        pytest.skip("no decision has this reason yet")
    assert kinds(entry(5, Reason(name), active=2), entry(4)) == [EventKind(name)]


def test_every_reason_but_keep_has_an_event() -> None:
    for reason in Reason:
        changed = entry(5, reason, active=2 if reason in ("failover", "switchover", "failback") else 1)
        before = None if reason is Reason.START else entry(4)
        assert bool(kinds(changed, before)) == (reason is not Reason.KEEP), reason


def test_the_first_entry_starts_the_programme() -> None:
    (event,) = entry_events(entry(0, Reason.START, step=0), before=None)
    assert (event.kind, event.seam, event.jump) == (EventKind.PROGRAMME_STARTED, None, None)
    assert event.words.startswith("Slot 0 is the first of this origin endpoint")


def test_what_is_lost_slot_after_slot_is_told_once() -> None:
    whole, partial = of_two(entry(3)), of_two(entry(4, Reason.PARTIAL, step=7))
    lacking = without(partial, "v1")
    assert kinds(lacking, whole) == [EventKind.PARTIAL]
    assert kinds(replace(lacking, media_sequence=5), lacking) == []
    assert kinds(replace(without(partial, "v9"), media_sequence=5), lacking) == [EventKind.PARTIAL]


def test_a_rendition_that_goes_missing_in_a_slot_that_counts_as_complete_is_told_once() -> None:
    whole = of_two(entry(3))
    lacking = without(of_two(entry(4)), "v9")
    (event,) = entry_events(lacking, before=whole)
    assert (event.kind, event.renditions, event.reason) == (EventKind.PARTIAL, ("v9",), Reason.KEEP)
    assert event.words.endswith("there is nothing of it in v9.")
    assert kinds(without(of_two(entry(5)), "v9"), lacking) == []


def test_each_gap_is_told_with_all_renditions() -> None:
    names = tuple(one.rendition for one in entry(4).renditions)
    gap = without(entry(4, Reason.GAP, step=7), *names)
    (event,) = entry_events(gap, before=entry(3))
    assert (event.kind, event.renditions, event.seam) == (EventKind.GAP, names, None)
    assert kinds(replace(gap, media_sequence=5), gap) == [EventKind.GAP]


def failover(*, two: SyntheticEncoder) -> Event:
    """Of an endpoint whose input 1 stops for good."""
    one = SyntheticEncoder(1, lost=set(range(20, SEGMENTS)))
    messages = [configured("e", seconds=2), *one.messages(range(SEGMENTS)), *two.messages(range(SEGMENTS))]
    run = Broadcast(messages).run()
    found = []
    for before, after in zip([None, *run.of("e")], run.of("e"), strict=False):
        found += [event for event in entry_events(after, before=before) if event.kind is EventKind.FAILOVER]
    (event,) = found
    return event


def test_a_failover_says_why_when_and_how_it_looks() -> None:
    event = failover(two=SyntheticEncoder(2))
    assert (event.reason, event.step, event.active_input) == (Reason.FAILOVER, 4, 2)
    assert event.lateness == from_seconds(0.75)
    assert event.waited == from_seconds(0.75)
    assert (event.seam, event.jump) == (Seam.SEAMLESS, None)
    assert event.evidence is not None
    assert event.evidence.deadline == event.instant
    assert [one.missing for one in event.evidence.inputs] == [("v1",), ()]
    assert event.words == (
        "Slot 20 came from input 2, which is active from here on: input 1 had not delivered all of v1 by its deadline "
        "08:00:43.050 (due 08:00:42.300 + tolerance 1 s - margin 0.25 s); input 2 had completed the slot at "
        "08:00:42.300; the programme goes on without a seam."
    )


def test_a_failover_between_inputs_that_do_not_match_says_how_far_the_programme_jumps() -> None:
    event = failover(two=SyntheticEncoder(2, media_offset_seconds=1000, phase_seconds=0.7, date_offset_seconds=None))
    assert event.seam is Seam.DISCONTINUITY
    assert event.jump is not None
    assert abs(event.jump) <= from_seconds(1)
    assert "discontinuity" in event.words


def test_an_event_is_read_back_as_it_was_and_shown_in_peoples_units() -> None:
    event = replace(failover(two=SyntheticEncoder(2)), channel_id="show", origin_endpoint_id="show-hls")
    assert codec.decode_as(Event, codec.encode(event)) == event
    view = event_view(event)
    assert (view.id, view.channel, view.origin_endpoint) == (event.id, "show", "show-hls")
    assert (view.at, view.deadline) == ("2027-01-15T08:00:43.050Z", "2027-01-15T08:00:43.050Z")
    assert (view.lateness_seconds, view.waited_seconds, view.seam) == (0.75, 0.75, "seamless")
    assert [(one.input, one.complete, one.missing) for one in view.inputs] == [(1, False, ("v1",)), (2, True, ())]


def test_an_entry_whose_active_input_had_no_lag_has_no_lateness() -> None:
    one = replace(entry(5, Reason.REPAIR, step=3), evidence=Evidence(None, (InputEvidence(1, complete=False),)))
    (event,) = entry_events(one, before=entry(4))
    assert event.lateness is None


def test_a_programme_ends_once_and_starts_again_with_what_comes_after_that() -> None:
    encoders = [SyntheticEncoder(input_id, ended_after=9, lost=set(range(10, 40))) for input_id in (1, 2)]
    messages = [configured("e", seconds=2)]
    for encoder in encoders:
        messages += encoder.messages(range(60))
    shown = Broadcast(messages).run().of("e")
    told = [
        event for before, one in zip([None, *shown], shown, strict=False) for event in entry_events(one, before=before)
    ]
    assert [event.kind for event in told] == [
        EventKind.PROGRAMME_STARTED,
        EventKind.PROGRAMME_ENDED,
        EventKind.PROGRAMME_STARTED,
    ]
    assert (told[1].seam, told[1].waited, told[1].media_sequence) == (None, None, 9)
    assert told[1].words.startswith("The programme ended with slot 9")
    assert told[2].words.endswith("the programme is live again.")
