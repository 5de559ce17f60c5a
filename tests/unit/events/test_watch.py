"""What is told of inputs, holds and the inputs' match, by synthetic broadcasts in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from support.synthetic import CHANNEL, EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain.event import Event, EventKind
from understudy_domain.facts import PlaylistArrived
from understudy_domain.interchange import Grade, Interchangeability, Mismatch, RenditionProof
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

SEGMENTS = 40


@dataclass
class Watched:
    """A broadcast, and what was told beside its entries."""

    run: Broadcast
    events: list[Event] = field(default_factory=list)

    def of(self, *kinds: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind in kinds]


def watched(messages: list[Message], *, until_seconds: float = SEGMENTS * 2 + 60) -> Watched:
    run = Broadcast([configured("e", seconds=2), *messages])
    found = Watched(run)
    run.run(interrupt=lambda run, _: found.events.extend(run.fold.take_events()))
    run.fold.pass_time(EPOCH + from_seconds(until_seconds))
    found.events += run.fold.take_events()
    return found


def at(event: Event) -> float:
    """Seconds after ``EPOCH``."""
    return round((event.instant - EPOCH) / TICKS_PER_SECOND, 3)


def both(one: SyntheticEncoder, two: SyntheticEncoder, segments: int = SEGMENTS) -> list[Message]:
    return one.messages(range(segments)) + two.messages(range(segments))


def test_an_input_that_falls_silent_is_lost_after_three_segments_and_a_second_and_recovers_with_its_next_segment() -> (
    None
):
    found = watched(both(SyntheticEncoder(1, lost=set(range(10, 20))), SyntheticEncoder(2)))
    lost, recovered = found.of(EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED)[:2]
    assert (lost.kind, lost.input_id, at(lost)) == (EventKind.INPUT_LOST, 1, 20.3 + 3 * 2 + 1)
    assert lost.words == "Input 1 is lost: nothing has come from it for 7 s."
    assert (lost.duration, lost.ended) == (from_seconds(7), False)
    assert (recovered.kind, recovered.input_id, at(recovered)) == (EventKind.INPUT_RECOVERED, 1, 42.3)
    assert recovered.words == "Input 1 delivers again, after 22 s."
    assert recovered.duration == from_seconds(22)


def test_an_input_is_told_to_be_lost_although_nothing_else_happens_in_the_channel() -> None:
    run = Broadcast([configured("e", seconds=2), *SyntheticEncoder(1).messages(range(10))]).run()
    assert [event.kind for event in run.fold.take_events()] == []
    while (wake_at := run.fold.wake_at) is not None:
        run.fold.pass_time(wake_at + 1)
    told = run.fold.take_events()
    assert [(event.kind, event.input_id) for event in told if event.input_id] == [(EventKind.INPUT_LOST, 1)]


def test_an_input_that_never_began_and_one_without_an_end_are_not_told_of() -> None:
    found = watched(SyntheticEncoder(2).messages(range(SEGMENTS)), until_seconds=SEGMENTS * 2)
    assert found.of(EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED) == []


def test_an_input_that_ends_is_lost_at_once_and_one_that_goes_on_after_that_recovers() -> None:
    one = SyntheticEncoder(1, ended_after=10, lost={11, 12})
    found = watched(both(one, SyntheticEncoder(2)), until_seconds=SEGMENTS * 2)
    lost, recovered = found.of(EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED)
    assert (at(lost), lost.ended) == (22.31, True)
    assert lost.words == "Input 1 has ended: its playlists carry EXT-X-ENDLIST."
    assert recovered.kind is EventKind.INPUT_RECOVERED
    assert 26.3 < at(recovered) <= 28.32


def test_inputs_are_proven_once_and_a_short_loss_contradicts_nothing() -> None:
    found = watched(both(SyntheticEncoder(1, lost={12}), SyntheticEncoder(2)))
    (match,) = found.of(EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)
    assert (match.kind, match.grade, match.renditions) == (EventKind.INPUTS_MATCH, Grade.JOINABLE, ("v1",))
    assert match.about == "inputs"


def test_an_input_that_changes_its_tables_is_a_mismatch_and_proven_again_between_slots_only() -> None:
    one = SyntheticEncoder(1).messages(range(20)) + SyntheticEncoder(1, layout="others").messages(range(20, SEGMENTS))
    found = watched(one + SyntheticEncoder(2).messages(range(SEGMENTS)))
    told = found.of(EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)
    assert [(event.kind, event.grade) for event in told] == [
        (EventKind.INPUTS_MATCH, Grade.JOINABLE),
        (EventKind.INPUTS_MISMATCH, Grade.SEAMLESS),
    ]
    assert told[1].mismatches == {"v1": Mismatch.TABLES}
    assert "v1 (tables)" in told[1].words


def test_an_encoder_that_restarts_as_it_was_is_no_mismatch() -> None:
    """Its session is another, and the proof begins anew."""
    one = SyntheticEncoder(1).messages(range(15))
    again = SyntheticEncoder(1, content="other life", media_offset_seconds=0).messages(range(13, SEGMENTS))
    late = [Message(message.instant + from_seconds(8), 1, message.fact) for message in again]
    found = watched(one + late + SyntheticEncoder(2).messages(range(SEGMENTS)))
    assert [event.kind for event in found.of(EventKind.INPUTS_MISMATCH)] == []


def test_the_first_pieces_of_an_encoder_that_restarts_are_no_mismatch_by_themselves() -> None:
    one = SyntheticEncoder(1).messages(range(15))
    again = SyntheticEncoder(1, content="other life", layout="first").messages(range(13, 15))
    again += SyntheticEncoder(1, content="other life").messages(range(15, SEGMENTS))
    late = [Message(message.instant + from_seconds(8), 1, message.fact) for message in again]
    found = watched(one + late + SyntheticEncoder(2).messages(range(SEGMENTS)))
    assert len(found.run.fold.state.input(1).sessions) > 1
    assert [event.kind for event in found.of(EventKind.INPUTS_MISMATCH)] == []


def test_a_single_piece_that_differs_is_no_mismatch_but_nothing_is_proven_from_it_on() -> None:
    """An encoder that is locked to an epoch goes on in its session when it restarts; its first piece is another."""
    one = SyntheticEncoder(1).messages(range(15)) + SyntheticEncoder(1, layout="first").messages([15])
    one += SyntheticEncoder(1).messages(range(16, SEGMENTS))
    found = watched(one + SyntheticEncoder(2).messages(range(SEGMENTS)))
    assert len(found.run.fold.state.input(1).sessions) == 1
    assert [event.kind for event in found.of(EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)] == [
        EventKind.INPUTS_MATCH
    ]
    proof = RenditionProof(seamless=9, joinable=9, compared=9)
    interchange = Interchangeability([1, 1], {"v1": proof})
    pieces = [found.run.fold.state.input(number).newest_pieces("v1")[-1] for number in (1, 2)]
    interchange.sessions = [piece.session for piece in pieces]
    interchange.observe("v1", replace(pieces[0], layout="first"), pieces[1])
    assert interchange.grade(["v1"]) is Grade.SEAMLESS
    assert not proof.contradicts(Grade.JOINABLE)
    interchange.observe("v1", replace(pieces[0], layout="first"), pieces[1])
    assert proof.contradicts(Grade.JOINABLE)
    assert not proof.contradicts(Grade.SEAMLESS)


def test_a_second_piece_in_a_row_that_differs_is_a_mismatch() -> None:
    one = SyntheticEncoder(1).messages(range(15)) + SyntheticEncoder(1, layout="first").messages([15, 16])
    one += SyntheticEncoder(1).messages(range(17, SEGMENTS))
    found = watched(one + SyntheticEncoder(2).messages(range(SEGMENTS)))
    told = found.of(EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)
    assert [event.kind for event in told] == [EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH, EventKind.INPUTS_MATCH]
    assert at(told[1]) == pytest.approx(34.3, abs=0.02)


def test_the_last_pieces_of_an_input_that_ends_are_no_mismatch() -> None:
    one = SyntheticEncoder(1, ended_after=16).messages(range(15))
    one += SyntheticEncoder(1, layout="last", ended_after=16).messages([15, 16])
    found = watched(one + SyntheticEncoder(2, lag_seconds=1.5).messages(range(SEGMENTS)))
    assert found.of(EventKind.INPUTS_MATCH)
    assert found.of(EventKind.INPUTS_MISMATCH) == []


def test_inputs_that_never_matched_are_told_once_pieces_in_a_row_differ() -> None:
    found = watched(both(SyntheticEncoder(1), SyntheticEncoder(2, configuration="other")))
    (mismatch,) = found.of(EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)
    assert (mismatch.kind, mismatch.grade) == (EventKind.INPUTS_MISMATCH, Grade.NONE)
    assert mismatch.mismatches == {"v1": Mismatch.CONFIGURATION}


def test_a_hold_is_told_when_it_begins_and_when_it_ends_with_its_duration() -> None:
    """Both stop for ten seconds, then deliver what they owe."""
    late = {number: 10.0 - 2 * (number - 15) for number in range(15, 20)}
    found = watched(both(SyntheticEncoder(1, late=late), SyntheticEncoder(2, late=late)), until_seconds=SEGMENTS * 2)
    begins, ends = found.of(EventKind.HOLD, EventKind.HOLD_ENDED)
    assert (begins.kind, begins.slot, begins.step, at(begins)) == (EventKind.HOLD, 15, 6, 32.3 + 1)
    assert begins.origin_endpoint == endpoint_guid("e")
    assert begins.evidence is not None
    assert begins.evidence.deadline == EPOCH + from_seconds(32.3 + 0.75)
    assert [one.missing for one in begins.evidence.inputs] == [("v1",), ("v1",)]
    assert begins.words == ("Slot 15 is held past its deadline 08:00:33.050: input 1 lacks v1 and input 2 lacks v1.")
    assert (ends.kind, ends.slot, at(ends)) == (EventKind.HOLD_ENDED, 15, 42.3)
    assert ends.duration == from_seconds(42.3 - 33.3)
    assert ends.words == "Nothing is held any more: slot 15 was the first to be late, 9 s ago."


def test_a_slot_that_comes_late_but_in_time_is_no_hold() -> None:
    found = watched(both(SyntheticEncoder(1, late={15: 0.6}), SyntheticEncoder(2)), until_seconds=SEGMENTS * 2)
    assert found.of(EventKind.HOLD, EventKind.HOLD_ENDED) == []


def test_when_both_inputs_have_ended_nothing_is_held() -> None:
    one, two = SyntheticEncoder(1, ended_after=SEGMENTS - 1), SyntheticEncoder(2, ended_after=SEGMENTS - 1)
    found = watched(both(one, two))
    assert found.of(EventKind.HOLD) == []


def test_the_hold_of_an_endpoint_that_is_removed_is_forgotten() -> None:
    from understudy_domain.facts import EndpointRemoved

    run = Broadcast([configured("e", seconds=2), *both(SyntheticEncoder(1), SyntheticEncoder(2), 10)]).run()
    run.fold.pass_time(EPOCH + from_seconds(30))
    assert run.fold.state.told.holds
    removed = EndpointRemoved(endpoint_guid("e"))
    run.fold.apply(removed, input_id=None, instant=EPOCH + from_seconds(30), sequence=1000)
    assert run.fold.state.told.holds == {}


@pytest.mark.parametrize("kind", [EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED])
def test_every_event_has_an_id_of_its_own_and_they_rise(kind: EventKind) -> None:
    lost = {number for number in range(5, 200) if number % 20 >= 10}
    segments = range(200)
    found = watched(
        SyntheticEncoder(1, lost=lost).messages(segments) + SyntheticEncoder(2).messages(segments), until_seconds=400
    )
    told = found.of(kind)
    assert len(told) >= 9
    assert len({event.id for event in told}) == len(told)
    assert all(earlier.order < later.order for earlier, later in pairwise(told))
    assert {event.channel for event in told} == {CHANNEL}


def test_a_playlist_alone_is_no_sign_of_life() -> None:
    messages = both(SyntheticEncoder(1, lost=set(range(10, SEGMENTS))), SyntheticEncoder(2))
    playlist = PlaylistArrived("channel_1.m3u8", from_seconds(2), 9, (), ended=False)
    messages += [Message(EPOCH + from_seconds(seconds), 1, playlist) for seconds in range(25, 70, 2)]
    found = watched(messages)
    assert [
        event.kind for event in found.of(EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED) if event.input_id == 1
    ] == [EventKind.INPUT_LOST]
