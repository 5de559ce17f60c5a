"""What the simulation is worth: defects that are put into the core on purpose, each of which it has to find.

A defect is found when some schedule out of a few hundred breaks a promise, of the kind that the defect endangers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from support.simulation.campaign import run_seed
from support.simulation.logs import ProgramLog
from understudy_domain import deciding, ending, failover, fold, publication, slots, timeline
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import ProgramEntry
from understudy_domain.failover import Publish, SlotView, Verdict, Wait
from understudy_domain.fold import ChannelFold
from understudy_domain.interchange import Grade, Interchangeability
from understudy_domain.piece import Piece, placed
from understudy_domain.program import ProgramWindow
from understudy_domain.reason import Reason
from understudy_domain.session import Session

SEEDS = range(400)
Patch = pytest.MonkeyPatch

_decide = failover.decide
_deliver = slots.slot_delivery
_place = placed
_adopt = ChannelFold._adopt
_entry_of = publication.entry_of
_continues = publication._continues


def fail_over_first(patch: Patch) -> None:
    """Steps in another order: 4 before 3 and before 2."""

    def decide(view: SlotView, *, now: int) -> Verdict:
        if not view.active.complete and view.other.complete and not view.partly_published:
            return Publish(view.other.input_id, Reason.FAILOVER, step=4)
        return _decide(view, now=now)

    patch.setattr(failover, "decide", decide)


def keep_what_is_not_complete(patch: Patch) -> None:
    """Step 1 without its condition: any rendition will do."""

    def deliver(*arguments: Any, **named: Any) -> slots.SlotDelivery:
        delivery = _deliver(*arguments, **named)
        any_at = [piece.arrived_at for pieces in delivery.pieces.values() for piece in pieces]
        if delivery.complete or not any_at:
            return delivery
        return replace(delivery, complete=True, missing=(), completed_at=max(any_at))

    patch.setattr(deciding, "slot_delivery", deliver)


def ignore_the_deadline(patch: Patch) -> None:
    """Step 2 gone: what is late is missing."""
    patch.setattr(SlotView, "deadline", lambda self, now: 0)


def never_repair(patch: Patch) -> None:
    """Steps 3 and 5 gone."""
    patch.setattr(deciding.Decider, "_together", lambda self, view, deliveries: None)


def one_lag_for_both_inputs(patch: Patch) -> None:
    """The slower input's lateness is measured by the quicker one's lag."""
    patch.setattr(SlotView, "due", lambda self, view: None if view.lag is None else self.end + self.smaller_lag(0))


def lost_because_later_media_came(patch: Patch) -> None:
    """Step 6 gone as soon as anything later exists."""
    hold = failover._hold

    def impatient(view: SlotView, now: int) -> Wait | None:
        if view.active.next_slot is not None or view.other.next_slot is not None:
            return None
        return hold(view, now)

    patch.setattr(failover, "_hold", impatient)


def fail_over_to_an_incomplete_input(patch: Patch) -> None:
    """Step 4 without its condition."""

    def decide(view: SlotView, *, now: int) -> Verdict:
        verdict = _decide(view, now=now)
        late = isinstance(verdict, Wait) and verdict.step == 6
        if late and view.other.first_piece_at is not None:
            return Publish(view.other.input_id, Reason.FAILOVER, step=4)
        return verdict

    patch.setattr(failover, "decide", decide)


def go_back_to_input_1(patch: Patch) -> None:
    """Sticky is not: back to the first input as soon as it is complete again."""

    def decide(view: SlotView, *, now: int) -> Verdict:
        if view.other.complete and view.other.input_id == 1 and not view.partly_published:
            return Publish(1, Reason.FAILOVER, step=4)
        return _decide(view, now=now)

    patch.setattr(failover, "decide", decide)


def append_without_fencing(patch: Patch) -> None:
    """Whoever believes to lead appends."""
    patch.setattr(ProgramLog, "is_fenced", property(lambda self: False))


def recompute_instead_of_adopting(patch: Patch) -> None:
    """A successor trusts its snapshot more than what stands."""

    def adopt(self: ChannelFold, endpoint: EndpointState) -> None:
        if endpoint.last is None:
            _adopt(self, endpoint)

    patch.setattr(ChannelFold, "_adopt", adopt)


def discontinuity_from_the_switch(patch: Patch) -> None:
    """Another input, hence a discontinuity: inferred, not measured."""

    def continues(last: ProgramEntry, pieces: Mapping[str, tuple[Piece, ...]], **named: Any) -> bool:
        inputs = {piece.input_id for run in pieces.values() for piece in run}
        return inputs == {last.active_input} and _continues(last, pieces, **named)

    patch.setattr(publication, "_continues", continues)


def never_a_discontinuity(patch: Patch) -> None:
    """Another session, other timestamps, and nobody is told."""
    patch.setattr(publication, "_continues", lambda last, pieces, **named: True)


def join_without_proof(patch: Patch) -> None:
    """Steps 3 and 5 for inputs that nothing shows to be joinable, with seams that nobody measured."""
    from understudy_domain import union

    patch.setattr(Interchangeability, "grade", lambda self, renditions: Grade.JOINABLE)
    patch.setattr(union, "joins", lambda before, after: True)


def availability_may_decrease(patch: Patch) -> None:
    """A shorter delay applies at once, also to what comes before slots already promised."""

    def entry_of(choice: publication.Choice, **named: Any) -> ProgramEntry:
        entry = _entry_of(choice, **named)
        return replace(entry, available_at=entry.end + choice.smaller_lag + named["endpoint"].time_delay)

    patch.setattr(deciding, "entry_of", entry_of)


def place_by_arrival(patch: Patch) -> None:
    """A piece belongs where it arrives, not where its timestamps say."""

    def piece(*arguments: Any) -> Piece:
        found = _place(*arguments)
        moved = found.arrived_at - found.end
        found.start, found.end = found.start + moved, found.end + moved
        return found

    patch.setattr(timeline, "placed", piece)


def decide_when_it_looks(patch: Patch) -> None:
    """A timer fires at whatever message is read next, not at its own instant."""
    patch.setattr(ChannelFold, "_fire_timers", lambda self, before: [])


def count_a_second_upload(patch: Patch) -> None:
    """What is uploaded again is another piece."""
    patch.setattr(Session, "is_duplicate", lambda self, **named: False)
    patch.setattr(slots, "_without_overlap", lambda pieces, overlap_max: tuple(pieces))


def show_marked_filler(patch: Patch) -> None:
    """EXT-X-GAP is not read."""
    from understudy_domain.sources import ListedSegment

    patch.setattr(ListedSegment, "gap", property(lambda self: False, lambda self, value: None))


def forget_discontinuities(patch: Patch) -> None:
    """EXT-X-DISCONTINUITY-SEQUENCE does not count what has left the playlist."""
    from understudy_domain import program
    from understudy_domain.hls.media_playlist import render_header as render

    def header(**named: Any) -> str:
        return render(**{**named, "discontinuity_sequence": 0})

    patch.setattr(program, "render_header", header)


def list_what_is_not_available(patch: Patch) -> None:
    """One rendition runs ahead of the others."""
    listed = ProgramWindow._listed_lines

    def ahead(self: ProgramWindow, rendition_id: str) -> bytes:
        lines = listed(self, rendition_id)
        return lines + b"#EXTINF:1.00000,\nahead.ts\n" if rendition_id == "v2" else lines

    patch.setattr(ProgramWindow, "_listed_lines", ahead)


def end_at_once(patch: Patch) -> None:
    """An encoder that has ended does not come back."""
    patch.setattr(ending, "SILENT_TARGET_DURATIONS", 0)


def never_end(patch: Patch) -> None:
    """Playlists stay live for ever."""
    patch.setattr(fold, "ends_at", lambda state, endpoint: None)


def show_an_end_for_good(patch: Patch) -> None:
    """A playlist that has ended once does not go on."""
    playlist = ProgramWindow.media_playlist

    def ended(self: ProgramWindow, rendition_id: str) -> bytes:
        text = playlist(self, rendition_id).removesuffix(b"#EXT-X-ENDLIST\n")
        return text + (b"#EXT-X-ENDLIST\n" if any(entry.ended for entry in self.entries) else b"")

    patch.setattr(ProgramWindow, "media_playlist", ended)


DEFECTS: dict[Callable[[Patch], None], set[str]] = {
    fail_over_first: {"step 2", "I7", "I5", "I5 or I6"},
    keep_what_is_not_complete: {"complete", "I8"},
    ignore_the_deadline: {"step 2"},
    never_repair: {"step 3", "step 5"},
    one_lag_for_both_inputs: {"step 2", "I8", "I11"},
    lost_because_later_media_came: {"I8"},
    fail_over_to_an_incomplete_input: {"complete", "I5 or I6", "I8"},
    go_back_to_input_1: {"I5 or I6"},
    append_without_fencing: {"I1 or I10"},
    recompute_instead_of_adopting: {"I1 or I10", "I9"},
    discontinuity_from_the_switch: {"discontinuity"},
    never_a_discontinuity: {"discontinuity"},
    join_without_proof: {"seam inside a segment"},
    availability_may_decrease: {"availability"},
    place_by_arrival: {"content", "I8", "discontinuity", "order", "seam inside a segment", "I3", "complete"},
    decide_when_it_looks: {"I9", "I11", "liveness", "I8"},
    count_a_second_upload: {"content", "seam inside a segment", "order", "I8", "discontinuity"},
    show_marked_filler: {"filler"},
    forget_discontinuities: {"I2", "I3"},
    list_what_is_not_available: {"I3", "I2"},
    end_at_once: {"end"},
    never_end: {"end"},
    show_an_end_for_good: {"end"},
}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_a_defect_is_found(defect: Callable[[Patch], None], monkeypatch: Patch) -> None:
    defect(monkeypatch)
    promises = set()
    for seed in SEEDS:
        failure = run_seed(seed)
        if failure is not None and failure.promise in DEFECTS[defect]:
            return
        if failure is not None:
            promises.add(failure.promise)
    pytest.fail(f"nothing in {len(SEEDS)} schedules shows it; they broke {promises or 'nothing'}")
