"""The words of an explanation: a table from reason and evidence to sentences."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.program_entries import make_entry, make_piece, make_video, seconds
from understudy_domain import codec
from understudy_domain.entry import AsOf, Evidence, InputEvidence, ProgramEntry, WantedEvidence
from understudy_domain.explain import explained, sentences_of
from understudy_domain.reason import Reason
from understudy_domain.words import clock, counted, listed, relative
from understudy_domain.words import seconds as in_seconds

NOON = seconds(1_800_014_400)
"""12:00:00 of some day, UTC."""


def at(value: float) -> int:
    """So many seconds after noon."""
    return NOON + seconds(value)


def known(
    input_id: int,
    *,
    complete: float | None = None,
    missing: tuple[str, ...] = (),
    due: float = 4.5,
    lag: float = 0.3,
    dead: bool = False,
) -> InputEvidence:
    """What was known of an input; ``complete`` is when."""
    return InputEvidence(
        input_id=input_id,
        complete=complete is not None,
        missing=missing,
        due=at(due),
        lag=seconds(lag),
        dead=dead,
        completed_at=None if complete is None else at(complete),
    )


def entry(
    reason: Reason,
    *inputs: InputEvidence,
    step: int = 1,
    active: int = 1,
    deadline: float | None = 7.25,
    pieces: tuple[int, ...] = (1, 1, 1),
    **changes: object,
) -> ProgramEntry:
    """Slot 41 of 6 s, of pieces from these inputs."""
    made = [replace(make_piece(number, duration=seconds(2)), input_id=one) for number, one in enumerate(pieces)]
    return replace(
        make_entry(41, renditions=[make_video(*made)]),
        slot=41,
        reason=reason,
        step=step,
        active_input=active,
        evidence=Evidence(None if deadline is None else at(deadline), inputs),
        available_at=at(4.5),
        as_of=AsOf(at(7.25), 1234),
        **changes,  # type: ignore[arg-type]
    )


def wanting(made: ProgramEntry, wanted: WantedEvidence) -> ProgramEntry:
    """An entry of a slot for which another input was wanted."""
    return replace(made, evidence=replace(made.evidence, wanted=wanted))


ALONE = InputEvidence(2, complete=False, dead=True, left_out=True)
_END = entry(Reason.END, known(1), known(2), step=0)
ORDERED = replace(_END, evidence=replace(_END.evidence, end_ordered_at=at(-60)))
SWITCHED = entry(
    Reason.SWITCHOVER, known(1, complete=4.4), known(2, complete=5.1, due=5), step=0, active=2, pieces=(2, 2, 2)
)
FIRST = {
    "keep": (
        entry(Reason.KEEP, known(1, complete=4.4), known(2, complete=4.9, due=5)),
        "Slot 41 came from input 1: it was active and completed the slot.",
    ),
    "failover": (
        entry(Reason.FAILOVER, known(1, missing=("v1",)), known(2, complete=5.1, due=5), step=4, active=2),
        (
            "Slot 41 came from input 2, which is active from here on: input 1 had not delivered all of v1 by its "
            "deadline 12:00:07.250 (due 12:00:04.500 + tolerance 3 s - margin 0.25 s); "
            "input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "failover under a delay": (
        entry(
            Reason.FAILOVER,
            known(1, missing=("v1", "v2")),
            known(2, complete=5.1, due=5, lag=0.8),
            step=4,
            active=2,
            deadline=14.25,
        ),
        (
            "Slot 41 came from input 2, which is active from here on: input 1 had not delivered all of v1 and v2 by "
            "its deadline 12:00:14.250 (first due 12:00:04.500 + time delay 10 s - margin 0.25 s); "
            "input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "repair": (
        entry(Reason.REPAIR, known(1, missing=("v1",)), known(2, complete=5.1), step=3, pieces=(1, 2, 1)),
        (
            "Slot 41 came from input 1, which stays active, with 1 of 3 pieces from input 2: input 1 had not delivered "
            "all of v1, and it went on after that; input 2 had what was missing."
        ),
    ),
    "combine": (
        entry(Reason.COMBINE, known(1, missing=("v1",)), known(2, missing=("v1",)), step=5, pieces=(1, 2, 2)),
        (
            "Slot 41 came from both inputs, 2 of 3 pieces from input 2: neither had completed it by its deadline "
            "12:00:07.250 (due 12:00:04.500 + tolerance 3 s - margin 0.25 s), both together had; input 1 stays active."
        ),
    ),
    "combine with one that is complete": (
        entry(
            Reason.COMBINE, known(1, missing=("v1",)), known(2, complete=4.6), step=5, pieces=(1, 2, 2), deadline=None
        ),
        (
            "Slot 41 came from both inputs, 2 of 3 pieces from input 2: input 1 had not delivered all of v1, "
            "and input 2 had; input 1 stays active."
        ),
    ),
    "repair with all of it": (
        entry(Reason.REPAIR, known(1, missing=("v1",)), known(2, complete=5.1), step=3, pieces=(2, 2)),
        (
            "Slot 41 came from input 2, all of it, and input 1 stays active: input 1 had not delivered all of v1, "
            "and it went on after that; input 2 had what was missing."
        ),
    ),
    "partial": (
        entry(Reason.PARTIAL, known(1, missing=("v1",)), known(2, missing=("v1",)), step=7, pieces=(1,)),
        (
            "Slot 41 is published in part: the rest is lost to both inputs, and what there is came from input 1; "
            "input 1 stays active."
        ),
    ),
    "gap": (
        entry(Reason.GAP, known(1, missing=("v1",)), known(2, missing=("v1",)), step=7, pieces=()),
        "Slot 41 is a gap that keeps its place: neither input delivered anything of it.",
    ),
    "switchover": (
        wanting(SWITCHED, WantedEvidence(2, Reason.SWITCHOVER, forced=False, continues=True, since=at(1))),
        (
            "Slot 41 came from input 2, which is active from here on: an operator ordered it at 12:00:01.000; "
            "input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "switchover, forced": (
        wanting(SWITCHED, WantedEvidence(2, Reason.SWITCHOVER, forced=True, continues=False, since=at(1))),
        (
            "Slot 41 came from input 2, which is active from here on: an operator ordered it at 12:00:01.000, "
            "with force; input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "switchover by the policy": (
        wanting(SWITCHED, WantedEvidence(2, Reason.SWITCHOVER, forced=True, continues=True)),
        (
            "Slot 41 came from input 2, which is active from here on: the policy has the endpoint follow input 2 "
            "alone; input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "failback": (
        wanting(
            replace(SWITCHED, reason=Reason.FAILBACK),
            WantedEvidence(2, Reason.FAILBACK, forced=True, continues=True, since=at(-60.5), hold_down=seconds(60)),
        ),
        (
            "Slot 41 came from input 2, which is active from here on: the policy prefers input 2, which had been "
            "complete and on time since 11:58:59.500, longer than the hold-down of 60 s; input 2 had completed the "
            "slot at 12:00:05.100."
        ),
    ),
    "failback, without evidence": (
        replace(SWITCHED, reason=Reason.FAILBACK),
        (
            "Slot 41 came from input 2, which is active from here on: the policy prefers input 2, which had been well "
            "for the hold-down; input 2 had completed the slot at 12:00:05.100."
        ),
    ),
    "start, a tie": (
        entry(Reason.START, known(1, complete=4.4), known(2, complete=4.3), step=0, deadline=None),
        (
            "Slot 41 is the first of this origin endpoint, and came from input 1: both had completed a slot "
            "within 1 s, and of such two input 1 is taken."
        ),
    ),
    "start, a tie that the policy decides": (
        entry(Reason.START, known(1, complete=4.3), known(2, complete=4.4), step=0, active=2, deadline=None),
        (
            "Slot 41 is the first of this origin endpoint, and came from input 2: both had completed a slot "
            "within 1 s, and of such two the policy takes input 2."
        ),
    ),
    "start, the other one lacks a rendition": (
        entry(
            Reason.START,
            replace(known(1, complete=4.3), lacking=("v1",)),
            known(2, complete=4.4),
            step=0,
            active=2,
            deadline=None,
        ),
        (
            "Slot 41 is the first of this origin endpoint, and came from input 2: both had completed a slot, "
            "input 1 without v1."
        ),
    ),
    "start, long before the other": (
        entry(Reason.START, known(1, complete=6.3), known(2, complete=4.4), step=0, active=2, deadline=None),
        "Slot 41 is the first of this origin endpoint, and came from input 2: it was the first to complete a slot.",
    ),
    "start, alone": (
        entry(Reason.START, known(1, complete=4.3), ALONE, step=0, deadline=None),
        (
            "Slot 41 is the first of this origin endpoint, and came from input 1: redundancy is off, "
            "and no other input counts."
        ),
    ),
    "gap, alone": (
        entry(Reason.GAP, known(1, missing=("v1",)), ALONE, step=7, pieces=()),
        "Slot 41 is a gap that keeps its place: input 1, the only one that counts, never delivered anything of it.",
    ),
    "end, ordered": (
        replace(ORDERED, ended=True),
        "The programme ended with slot 41, which came from input 1, by an operator's order of 11:59:00.000.",
    ),
    "start": (
        entry(Reason.START, known(1, missing=("v1",)), known(2, complete=4.3), step=0, active=2, deadline=None),
        "Slot 41 is the first of this origin endpoint, and came from input 2: it was the first to complete a slot.",
    ),
}


@pytest.mark.parametrize("case", FIRST)
def test_the_first_sentence_says_where_a_slot_came_from_and_why(case: str) -> None:
    made, sentence = FIRST[case]
    assert sentences_of(made)[0] == sentence


KEPT = replace(entry(Reason.KEEP, known(1, complete=4.4), known(2, missing=("v1",))), as_of=AsOf(at(5.5), 1234))


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            wanting(KEPT, WantedEvidence(2, Reason.SWITCHOVER, forced=False, continues=False, since=at(1))),
            (
                "Input 2 was to be followed (an operator ordered it at 12:00:01.000); it had not completed the slot in "
                "time, and the slot waited 1.1 s for it."
            ),
        ),
        (
            wanting(FIRST["repair"][0], WantedEvidence(2, Reason.FAILBACK, forced=True, continues=False, since=at(1))),
            "Input 2 was to be followed (the policy prefers it); it had not completed the slot in time.",
        ),
        (
            wanting(FIRST["gap"][0], WantedEvidence(2, Reason.SWITCHOVER, forced=True, continues=False)),
            "Input 2 was to be followed (by the policy); it had not completed the slot in time.",
        ),
        (
            wanting(FIRST["keep"][0], WantedEvidence(2, Reason.SWITCHOVER, forced=False, continues=False, since=at(1))),
            (
                "Input 2 was to be followed (an operator ordered it at 12:00:01.000); it had completed the slot, but "
                "the change would not have been seamless."
            ),
        ),
    ],
)
def test_that_another_input_was_wanted_is_told_where_it_did_not_come_to_it(made: ProgramEntry, sentence: str) -> None:
    assert sentences_of(made)[1] == sentence


def test_that_a_preferred_input_is_poorer_is_told() -> None:
    poorer = replace(known(2, complete=4.3), lacking=("v2",))
    made = entry(Reason.KEEP, known(1, complete=4.4), poorer)
    wanted = WantedEvidence(2, Reason.FAILBACK, forced=True, continues=True, since=at(1), hold_down=seconds(60))
    assert sentences_of(wanting(made, wanted))[1] == (
        "Input 2 was to be followed (the policy prefers it); it lacks v2 for good, and would only be left again."
    )


def test_a_change_that_was_wanted_is_told_once() -> None:
    assert not any("was to be followed" in one for one in sentences_of(FIRST["switchover"][0]))


def test_a_replay_adds_how_many_pieces_were_missing() -> None:
    made = FIRST["failover"][0]
    told = sentences_of(made, lacked={"1 v1": "1 of 3 pieces"})
    assert "input 1 had not delivered 1 of 3 pieces in v1 by its deadline" in told[0]
    assert "Input 1 was due at 12:00:04.500 (its lag was 0.3 s) and lacked v1 (1 of 3 pieces)." in told


def test_a_negative_lag_says_what_it_means() -> None:
    told = sentences_of(entry(Reason.KEEP, replace(known(1, complete=4.4), lag=-seconds(0.172))))
    assert any("(its lag was -0.172 s: it comes before its own time)" in one for one in told)


def test_a_combined_slot_may_leave_a_dead_input() -> None:
    made = replace(FIRST["combine"][0], active_input=2)
    before = replace(made, active_input=1, media_sequence=40)
    told = sentences_of(made, before=before)
    assert told[0].endswith("input 1 was dead, and input 2 is active from here on.")


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            known(1, complete=4.4),
            (
                "Input 1 was due at 12:00:04.500 (its lag was 0.3 s) and had completed the slot at 12:00:04.400, "
                "0.1 s before it was due."
            ),
        ),
        (
            known(1, complete=6.0),
            (
                "Input 1 was due at 12:00:04.500 (its lag was 0.3 s) and had completed the slot at 12:00:06.000, "
                "1.5 s after it was due."
            ),
        ),
        (
            replace(known(1, complete=4.4), completed_at=None),
            "Input 1 was due at 12:00:04.500 (its lag was 0.3 s) and had completed the slot.",
        ),
        (
            known(1, missing=("v1", "a1"), dead=True),
            (
                "Input 1 was dead (nothing came for three segments and the tolerance, or it had ended, or never began) "
                "and lacked v1 and a1."
            ),
        ),
        (ALONE, "Input 2 did not count: redundancy is off."),
        (
            InputEvidence(1, complete=False, missing=("v1",)),
            "Input 1 had delivered too little to know when it would be due and lacked v1.",
        ),
    ],
)
def test_each_input_has_a_sentence(one: InputEvidence, sentence: str) -> None:
    assert sentence in sentences_of(entry(Reason.KEEP, one))


@pytest.mark.parametrize(
    ("jump", "words"),
    [(0, "what came before."), (1.5, "and the programme skips 1.5 s."), (-0.5, "and the programme repeats 0.5 s.")],
)
def test_a_discontinuity_says_by_how_much_the_programme_jumps(jump: float, words: str) -> None:
    before = entry(Reason.KEEP, known(1, complete=4.4))
    made = replace(before, start=before.end + seconds(jump), discontinuity=True)
    found = next(one for one in sentences_of(made, before=before) if "discontinuity" in one)
    assert found.startswith("It carries a discontinuity")
    assert found.endswith(words)


def test_the_last_sentences_say_when_it_was_decided_and_shown() -> None:
    told = sentences_of(FIRST["failover"][0])
    assert told[-2:] == (
        "Viewers may see it from 12:00:07.250, when it was decided: 2.75 s later than planned.",
        "It was decided at 12:00:07.250, from ARRIVALS up to sequence 1234, by step 4 of the rule.",
    )


def test_a_delay_hides_a_decision_that_took_its_time() -> None:
    made = replace(FIRST["failover"][0], available_at=at(14.5))
    assert "Viewers may see it from 12:00:14.500." in sentences_of(made)


def test_an_entry_of_an_older_release_is_explained_without_what_it_lacks() -> None:
    made = FIRST["failover"][0]
    plain = codec.encode(made).replace(f',"completed_at":{at(5.1)}'.encode(), b"")
    older = codec.decode_as(ProgramEntry, plain)
    assert older != made
    assert sentences_of(older)[0].endswith("input 2 had completed the slot.")


def test_an_explanation_names_what_it_is_about() -> None:
    told = explained(FIRST["failover"][0], name="news")
    assert (told.origin_endpoint, told.media_sequence, told.slot, told.active_input) == ("news", 41, 41, 2)
    assert (told.decided_at[11:], told.reason, told.step) == ("12:00:07.250Z", Reason.FAILOVER, 4)
    assert told.basis_is == "This is from the entry's own evidence."


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (in_seconds(seconds(3)), "3 s"),
        (in_seconds(seconds(0.25)), "0.25 s"),
        (in_seconds(-seconds(1.0004)), "-1 s"),
        (in_seconds(seconds(2.002)), "2.002 s"),
        (in_seconds(0), "0 s"),
        (clock(at(0.0401)), "12:00:00.040"),
        (relative(at(1), at(1), to="it was due"), "just when it was due"),
        (relative(at(1), at(3), to="it was due"), "2 s before it was due"),
        (listed(["v1"]), "v1"),
        (listed(["v1", "v2", "a1"]), "v1, v2 and a1"),
        (listed([]), ""),
        (counted(1, "piece"), "1 piece"),
        (counted(3, "piece"), "3 pieces"),
    ],
)
def test_numbers_become_words(made: str, expected: str) -> None:
    assert made == expected


def test_an_order_is_named_however_long_nothing_had_come() -> None:
    long_before = replace(known(1), ended_at=at(-600))
    made = replace(ORDERED, ended=True, evidence=replace(ORDERED.evidence, inputs=(long_before, known(2))))
    assert (
        sentences_of(made)[1] == "The programme ended with it at 12:00:07.250, by an operator's order of 11:59:00.000."
    )
    by_itself = replace(made, evidence=replace(made.evidence, end_ordered_at=None))
    assert "had ended (EXT-X-ENDLIST), and nothing came from either input" in sentences_of(by_itself)[1]
    alone = replace(by_itself, evidence=replace(by_itself.evidence, inputs=(long_before, ALONE)))
    assert "nothing came from input 1 for three target durations" in sentences_of(alone)[1]


def test_a_slot_is_named_by_its_media_sequence_too_where_the_two_differ() -> None:
    later = replace(SWITCHED, media_sequence=31)
    assert sentences_of(later)[0].startswith("Slot 41 (media sequence 31) came from input 2")
