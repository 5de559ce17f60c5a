"""What there is to tell of a channel beside its entries: inputs that go and come, held slots, whether the inputs match.

The watch looks at the state that the fold has folded, and changes nothing in it but what has been told. What it tells
follows from the log, with instants of the log: whoever reads the same log tells the same. It looks where something may
have changed and nowhere else, for it is asked at every fact.
"""

from __future__ import annotations

from understudy_domain.channel_state import ChannelState
from understudy_domain.deciding import Waiting, evidence_of
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.event import Event, EventKind
from understudy_domain.holding import held_at, held_for
from understudy_domain.interchange import COMMON_PIECES_FOR_PROOF, Grade, Mismatch, is_better
from understudy_domain.timeline import InputState
from understudy_domain.told import Absence, Hold
from understudy_domain.words import clock, listed, seconds

_WAITS_FOR_DEADLINE = 2
"""A slot that waits at a later step of the rule is past its deadline."""

_MATCH_IN_WORDS = {
    Grade.JOINABLE: "proven joinable: each can stand in for the other without a seam, for a piece or for good",
    Grade.SEAMLESS: "proven seamless between slots: a change between them shows no seam; they cannot share a slot",
}
_MISMATCH_IN_WORDS = {
    Grade.SEAMLESS: "a change between slots shows no seam, but they cannot share a slot any more",
    Grade.NONE: "a change between them has to be expected to show a discontinuity",
}


class Watch:
    """Tells what has changed. ``wake_at``: when it has to look although nothing arrives, ticks; None: never."""

    def __init__(self, state: ChannelState) -> None:
        self._state = state
        self._events: list[Event] = []
        self._looked_at: dict[int, int] = {}
        """By input: its changes, when it was looked at last."""
        self._segment_duration = 0
        """S_in, by which the inputs' deaths were reckoned last."""
        self._changes = -1
        """Of the proofs, when they were looked at last."""
        self._dead_at: dict[int, int] = {}
        self.wake_at: int | None = None
        self._look_at_times()

    def take_events(self) -> list[Event]:
        """What there is to tell since this was last called."""
        events, self._events = self._events, []
        return events

    # --- inputs -------------------------------------------------------------------------------------------------------

    def took_in(self, input_id: int | None) -> None:
        """A fact was taken in, of this input if it was of one."""
        state = self._state
        if state.grid is None:
            return
        if state.grid.segment_duration != self._segment_duration:
            self._look_at_times()
        elif input_id is not None:
            self._look_at_input(state.input(input_id))
        self.catch_up()
        if state.interchange.changes != self._changes:
            self._look_at_match()

    def catch_up(self) -> None:
        """No timer is left that is due already."""
        if self.wake_at is not None and self.wake_at <= self._state.now:
            self.pass_time(self._state.now)

    def pass_time(self, instant: int) -> None:
        """It is ``wake_at``: an input has been silent for too long."""
        for input_id, dead_at in sorted(self._dead_at.items()):
            if dead_at <= instant:
                one = self._state.input(input_id)
                self._lose(one, max(dead_at, one.last_arrived_at or 0))
        self._set_timer()

    def _look_at_times(self) -> None:
        """S_in has become known, or another, and with it when inputs are dead."""
        if self._state.grid is None:
            return
        self._segment_duration = self._state.grid.segment_duration
        self._looked_at.clear()
        for one in self._state.inputs:
            if one.last_arrived_at is not None and self._absence(one.input_id) is None:
                self._dead_at[one.input_id] = self._state.dies_at(one)
        self._set_timer()

    def _look_at_input(self, one: InputState) -> None:
        if one.last_arrived_at is None or one.changes == self._looked_at.get(one.input_id):
            return
        self._looked_at[one.input_id] = one.changes
        now, dead_at, absence = self._state.now, self._state.dies_at(one), self._absence(one.input_id)
        if absence is not None:
            if now >= dead_at:
                return
            self._recover(one, absence)
        elif one.has_ended:
            self._lose(one, now)
            self._set_timer()
            return
        self._dead_at[one.input_id] = dead_at
        self._set_timer()

    def _set_timer(self) -> None:
        self.wake_at = min(self._dead_at.values(), default=None)

    def _absence(self, input_id: int) -> Absence | None:
        for absence in self._state.told.absences:
            if absence.input_id == input_id:
                return absence
        return None

    def _lose(self, one: InputState, instant: int) -> None:
        since = one.last_arrived_at
        assert since is not None
        self._dead_at.pop(one.input_id, None)
        self._state.told.absences.append(Absence(one.input_id, since))
        if one.has_ended:
            words = f"Input {one.input_id} has ended: its playlists carry EXT-X-ENDLIST."
        else:
            words = f"Input {one.input_id} is lost: nothing has come from it for {seconds(instant - since)}."
        self._events.append(
            Event(
                EventKind.INPUT_LOST,
                self._state.channel,
                instant,
                words,
                input_id=one.input_id,
                duration=instant - since,
                ended=one.has_ended,
            )
        )

    def _recover(self, one: InputState, absence: Absence) -> None:
        self._state.told.absences.remove(absence)
        duration = max(self._state.now - absence.since, 0)
        words = f"Input {one.input_id} delivers again, after {seconds(duration)}."
        self._events.append(
            Event(
                EventKind.INPUT_RECOVERED,
                self._state.channel,
                self._state.now,
                words,
                input_id=one.input_id,
                duration=duration,
            )
        )

    # --- whether the inputs match -------------------------------------------------------------------------------------

    def _look_at_match(self) -> None:
        """A proof that has only begun anew, as with an encoder's restart, is no mismatch: something has to contradict.

        An encoder's very first piece often does, and its last, which are not believed alone; nor are the pieces of an
        input that has ended. At a channel's beginning, when nothing is proven that could be contradicted, pieces in a
        row have to.
        """
        interchange, told = self._state.interchange, self._state.told
        if any(one.has_ended for one in self._state.inputs):
            return
        self._changes = interchange.changes
        renditions = [one.rendition for one in self._state.lineup]
        grade = interchange.grade(renditions)
        if is_better(grade, told.grade or Grade.NONE):
            self._tell_match(grade, renditions)
        elif told.grade is None:
            proofs = interchange.renditions.items()
            differing = {
                name: proof.mismatch
                for name, proof in proofs
                if proof.contradicting >= COMMON_PIECES_FOR_PROOF and proof.mismatch is not None
            }
            if differing:
                self._tell_mismatch(grade, differing)
        elif is_better(told.grade, grade):
            differing = {
                name: proof.mismatch
                for name, proof in interchange.renditions.items()
                if proof.contradicts(told.grade) and proof.mismatch is not None and is_better(told.grade, proof.grade)
            }
            if differing:
                self._tell_mismatch(grade, differing)

    def _tell_match(self, grade: Grade, renditions: list[str]) -> None:
        self._state.told.grade = grade
        words = f"The inputs are {_MATCH_IN_WORDS[grade]}."
        self._events.append(
            Event(
                EventKind.INPUTS_MATCH,
                self._state.channel,
                self._state.now,
                words,
                grade=grade,
                renditions=tuple(renditions),
            )
        )

    def _tell_mismatch(self, grade: Grade, differing: dict[str, Mismatch]) -> None:
        self._state.told.grade = grade
        named = listed(f"{rendition} ({mismatch})" for rendition, mismatch in differing.items())
        words = f"The inputs differ in {named}: {_MISMATCH_IN_WORDS[grade]}."
        self._events.append(
            Event(
                EventKind.INPUTS_MISMATCH,
                self._state.channel,
                self._state.now,
                words,
                grade=grade,
                mismatches=differing,
            )
        )

    # --- holds --------------------------------------------------------------------------------------------------------

    def decided(self, endpoint: EndpointState, waiting: Waiting | None, *, appended: bool) -> int | None:
        """An endpoint was asked: what its next slot waits for, if it does, and whether there are new entries.

        A hold lasts from the first look past a deadline at which a living input is late as well until the endpoint
        waits for none that is past its deadline: what was held often comes in one go, slot by slot.

        Returns:
            When the endpoint has to be asked again although nothing arrives, ticks: what waits by then is held.
        """
        holds, last = self._state.told.holds, endpoint.last
        hold = holds.get(endpoint.origin_endpoint)
        is_held = waiting is not None and waiting.verdict.step > _WAITS_FOR_DEADLINE and _is_owed(waiting)
        if last is not None and last.ended:
            is_held = False
        if hold is None:
            if is_held and waiting is not None and last is not None:
                begins_at = held_at(waiting.view, self._state.now)
                if self._state.now < begins_at:
                    return begins_at
                holds[endpoint.origin_endpoint] = Hold(last.media_sequence + 1, waiting.view.slot, self._state.now)
                self._tell_hold(endpoint, waiting)
        elif not is_held:
            del holds[endpoint.origin_endpoint]
            self._tell_end(endpoint, hold, appended=appended)
        elif last is not None and last.media_sequence >= hold.media_sequence:
            hold.media_sequence = last.media_sequence + 1
        return None

    def forget_endpoint(self, origin_endpoint: str) -> None:
        """An endpoint was removed."""
        self._state.told.holds.pop(origin_endpoint, None)

    def _tell_hold(self, endpoint: EndpointState, waiting: Waiting) -> None:
        view, now = waiting.view, self._state.now
        evidence = evidence_of(view, waiting.deliveries, now)
        past = "" if evidence.deadline is None else f" {clock(evidence.deadline)}"
        self._events.append(
            Event(
                EventKind.HOLD,
                self._state.channel,
                now,
                f"Slot {view.slot} is held past its deadline{past}: {held_for(view, evidence)}.",
                origin_endpoint=endpoint.origin_endpoint,
                slot=view.slot,
                step=waiting.verdict.step,
                active_input=view.active.input_id,
                evidence=evidence,
            )
        )

    def _tell_end(self, endpoint: EndpointState, hold: Hold, *, appended: bool) -> None:
        """Where a predecessor has appended several entries since, it has told of the end of the hold as well."""
        last, instant = endpoint.last, self._state.now
        if not appended and last is not None and last.media_sequence >= hold.media_sequence:
            if last.media_sequence > hold.media_sequence:
                return
            instant = last.as_of.instant
        duration = max(instant - hold.since, 0)
        self._events.append(
            Event(
                EventKind.HOLD_ENDED,
                self._state.channel,
                instant,
                f"Nothing is held any more: slot {hold.slot} was the first to be late, {seconds(duration)} ago.",
                origin_endpoint=endpoint.origin_endpoint,
                slot=hold.slot,
                active_input=last.active_input if last is not None else None,
                duration=duration,
            )
        )


def _is_owed(waiting: Waiting) -> bool:
    """Something is expected of an input: both have not ended."""
    return bool(waiting.view.active.dead_at or waiting.view.other.dead_at)
