"""A log that is replayed: from its beginning byte for byte, from its middle with the same decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.replayed import logged, programme, replayable
from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain.explain import Basis
from understudy_domain.facts import SwitchoverOrdered
from understudy_domain.reason import Reason
from understudy_domain.replay import Fidelity, fidelity
from understudy_domain.slot_replay import NOT_HELD, NOT_REPRODUCED, explain, moment_line
from understudy_domain.ticks import from_seconds

Faults = dict[str, object]
FAULTS: dict[str, tuple[Faults, Faults, Reason]] = {
    "failover": ({"lost": set(range(60, 90))}, {}, Reason.FAILOVER),
    "repair": ({"lost": {60}}, {}, Reason.REPAIR),
    "each loses another": ({"lost": {60}}, {"lost": {61}}, Reason.REPAIR),
    "gap": ({"lost": set(range(60, 66))}, {"lost": set(range(60, 66))}, Reason.GAP),
    "late": ({"late": {60: 1.0}}, {}, Reason.KEEP),
}


def broadcast(one: Faults, two: Faults, *, segments: int = 90, seconds: float = 6) -> Broadcast:
    """A joinable pair of which the second is a little behind, with faults."""
    messages = [configured("six", seconds=seconds)]
    messages += SyntheticEncoder(1, **one).messages(range(segments))  # type: ignore[arg-type]
    messages += SyntheticEncoder(2, lag_seconds=0.8, **two).messages(range(segments))  # type: ignore[arg-type]
    return Broadcast(messages).run(until_seconds=segments * 2 + 30)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_slot_is_reproduced_byte_for_byte_from_a_whole_log(fault: str) -> None:
    run = broadcast(FAULTS[fault][0], FAULTS[fault][1])
    shown, log = programme(run, "six"), logged(run)
    assert FAULTS[fault][2] in {entry.reason for entry in shown.entries}
    for entry in shown.entries[-15::3]:
        told = explain(shown, entry, log)
        assert told.basis is Basis.REPLAY
        assert "byte for byte" in told.basis_is or "same decision" in told.basis_is


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_decisions_come_out_of_a_log_whose_beginning_is_gone(fault: str) -> None:
    run = broadcast(FAULTS[fault][0], FAULTS[fault][1])
    shown = programme(run, "six")
    log = [message for message in logged(run) if message.instant >= run.of("six")[2].as_of.instant]
    notable = [entry for entry in shown.entries[15:] if entry.slot % 4 == 0 or entry.reason is not Reason.KEEP]
    for entry in notable:
        told = explain(shown, entry, log)
        assert told.basis is Basis.REPLAY, (entry.media_sequence, entry.reason)


def ordered_run() -> Broadcast:
    """An operator orders the other input at 100.5 s."""
    messages = [configured("six", seconds=6)]
    messages.append(Message(EPOCH + from_seconds(100.5), None, SwitchoverOrdered(endpoint_guid("six"), 2)))
    messages += SyntheticEncoder(1).messages(range(90)) + SyntheticEncoder(2, lag_seconds=0.8).messages(range(90))
    return Broadcast(messages).run(until_seconds=210)


@pytest.mark.parametrize("whole", [True, False])
def test_a_switchover_is_replayed_and_the_order_told(whole: bool) -> None:
    run = ordered_run()
    shown, log = programme(run, "six"), logged(run)
    if not whole:
        log = [message for message in log if message.instant >= run.of("six")[1].as_of.instant]
    entry = next(entry for entry in shown.entries if entry.reason is Reason.SWITCHOVER)
    told = explain(shown, entry, log)
    assert told.basis is Basis.REPLAY
    assert "an operator ordered it at 08:01:40.500" in told.sentences[0]
    assert ("2027-01-15T08:01:40.500Z", "An operator ordered input 2 to be followed.") in {
        (moment.at, moment.what) for moment in told.moments
    }


def test_what_the_log_no_longer_holds_is_told_from_the_evidence() -> None:
    run = broadcast({}, {})
    shown, log = programme(run, "six"), logged(run)
    entry = shown.entries[3]
    told = explain(shown, entry, [message for message in log if message.instant > entry.as_of.instant])
    assert (told.basis, told.basis_is, told.moments) == (Basis.EVIDENCE, NOT_HELD, ())


def test_a_log_that_gives_another_decision_is_not_believed() -> None:
    run = broadcast({}, {})
    shown, log = programme(run, "six"), logged(run)
    entry = replace(shown.entries[20], reason=Reason.FAILOVER, step=4, active_input=2)
    told = explain(shown, entry, log)
    assert (told.basis, told.basis_is) == (Basis.EVIDENCE, NOT_REPRODUCED)


def test_a_replay_tells_how_many_pieces_were_missing_and_what_came_too_late() -> None:
    run = broadcast({"lost": {60}, "late": dict.fromkeys(range(61, 70), 4.5)}, {})
    shown, log = programme(run, "six"), logged(run)
    entry = next(entry for entry in shown.entries if entry.reason is Reason.FAILOVER)
    told = explain(shown, entry, log)
    assert "in v1 by its deadline" in told.sentences[0]
    assert "of 3 pieces" in told.sentences[0]
    lines = [moment_line(moment) for moment in told.moments]
    assert any("too late for the decision; not published" in line for line in lines)
    assert any("Decided: failover, step 4." in line for line in lines)
    assert [moment.at for moment in told.moments] == sorted(moment.at for moment in told.moments)


def test_every_piece_of_a_long_slot_is_counted_however_soon_the_core_forgets_it() -> None:
    run = broadcast({"lost": {62}, "late": {60: 8.0}}, {"late": {60: 9.0}}, seconds=24)
    shown, log = programme(run, "six"), logged(run)
    entry = next(entry for entry in shown.entries if entry.media_sequence == 5)
    told = explain(shown, entry, log)
    pieces = {piece.object_key for piece in entry.renditions[0].pieces}
    assert len(pieces) == 12
    assert sum("; published." in moment.what for moment in told.moments) == len(pieces)
    assert "(1 of 12 pieces)" in next(one for one in told.sentences if one.startswith("Input 1"))


def test_an_entry_that_differs_in_a_number_alone_is_the_same_decision() -> None:
    entry = broadcast({}, {}, segments=20).of("six")[1]
    assert fidelity(entry, entry) is Fidelity.EXACT
    assert fidelity(replace(entry, available_at=entry.available_at + 1), entry) is Fidelity.SAME_DECISION
    assert fidelity(replace(entry, active_input=2), entry) is Fidelity.OTHER
    assert fidelity(None, entry) is Fidelity.OTHER


def test_a_replay_leaves_no_trace_in_what_it_reads() -> None:
    run = broadcast({"lost": {60}}, {})
    before, log = replayable(run), logged(run)
    explain(programme(run, "six"), run.of("six")[-3], log)
    assert replayable(run) == before
    assert log == logged(run)
