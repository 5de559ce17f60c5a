"""Judges every entry as it comes to stand, by the truth about its objects and by what stood before it.

It shares no code with the core beyond the record: what continues is measured in the register's timestamps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from support.simulation.encoder import Delivery
from support.simulation.endings import judge_end
from support.simulation.plan import EndpointPlan, Plan
from support.simulation.violation import require
from support.simulation.wishes import WishJudge
from support.synthetic import MODULUS
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.failover import MARGIN
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds

ROUNDING = 2
SLACK = from_seconds(0.15)
"""What a lag may be off, beyond the jitter of arrivals."""
CUT_ALIKE = from_seconds(0.05)
"""Renditions are cut within so much of each other: more than a frame of either."""
DEAD_AFTER_SEGMENTS = 3
COMMON_FOR_PROOF = 6
"""Of a rendition that joins: three segments until it has joined, and three that prove that it can be borrowed."""
MOVING = {Reason.FAILOVER, Reason.COMBINE, Reason.SWITCHOVER, Reason.FAILBACK}
"""Reasons for which the active input may change."""
WHOLE = {Reason.START, Reason.KEEP, Reason.FAILOVER, Reason.SWITCHOVER, Reason.FAILBACK}
"""Reasons of a slot that its active input has completed."""


class Oracle:
    """What stands of one endpoint's programme, and what may come next."""

    def __init__(self, plan: Plan, endpoint: EndpointPlan) -> None:
        self.plan = plan
        self.endpoint = endpoint
        self.entries: list[ProgramEntry] = []
        """The slots."""
        self.log: list[ProgramEntry] = []
        """The slots, and the ends of the programme."""
        self._shown: set[str] = set()
        self._ends: dict[str, tuple[Delivery, int]] = {}
        """By rendition: its last piece, and the programme time at which that ended."""
        self._wishes = WishJudge(
            plan.wishes[endpoint.guid],
            plan.register,
            lags={1: plan.lag(1), 2: plan.lag(2)},
            jitter=plan.jitter,
            regular=plan.joinable,
        )

    def pieces(self, rendition: EntryRendition) -> list[Delivery]:
        """The truth about a rendition's pieces."""
        found = []
        for piece in rendition.pieces:
            truth = self.plan.register.get(piece.object_key)
            require(truth is not None, "I4", f"{piece.object_key} was never stored")
            assert truth is not None
            found.append(truth)
        return found

    def judge(self, entry: ProgramEntry) -> None:
        """Take in the next entry of the log.

        Raises:
            Violation: it must not stand there.
        """
        self.log.append(entry)
        if entry.ended:
            judge_end(
                self.plan, self.plan.wishes[self.endpoint.guid], self.log[-2] if len(self.log) > 1 else None, entry
            )
            return
        before = self.entries[-1] if self.entries else None
        truths = {one.rendition: self.pieces(one) for one in entry.renditions}
        self._numbers(before, entry)
        self._objects(entry, truths)
        self._renditions_alike(truths)
        self._seams(before, entry, truths)
        self._inputs(before, entry, truths)
        self.entries.append(entry)

    def _numbers(self, before: ProgramEntry | None, entry: ProgramEntry) -> None:
        if before is None:
            begins = entry.media_sequence == self.endpoint.first_media_sequence and not entry.discontinuity
            require(begins, "I1", f"begins with {entry.media_sequence}")
            return
        seen = f"{before.media_sequence} is followed by {entry.media_sequence}"
        require(entry.media_sequence == before.media_sequence + 1, "I1 or I10", seen)
        expected = before.discontinuity_sequence + before.discontinuity
        require(entry.discontinuity_sequence == expected, "I3", f"discontinuity sequence at {entry.media_sequence}")
        require(entry.available_at >= before.available_at, "availability", f"runs back at {entry.media_sequence}")
        require(
            entry.program_date_time > before.program_date_time or entry.discontinuity or entry.is_gap,
            "program date time",
            f"does not advance at {entry.media_sequence}",
        )
        needed = max([entry.end - entry.start, *(rendition.duration for rendition in entry.renditions)])
        target = max(before.target_duration_seconds, (needed + from_seconds(0.5)) // from_seconds(1))
        same_target = entry.target_duration_seconds == target
        require(same_target, "target duration", f"changes at {entry.media_sequence}")
        half = self.plan.longest // 2
        require(entry.start >= before.end - half, "order", f"{entry.media_sequence} begins inside what was published")

    def _objects(self, entry: ProgramEntry, truths: dict[str, list[Delivery]]) -> None:
        for rendition in entry.renditions:
            for piece, truth in zip(rendition.pieces, truths[rendition.rendition], strict=True):
                require(truth.arrived_at <= entry.as_of.instant, "I4", f"{piece.object_key} had not arrived")
                require(not truth.filler, "filler", f"{piece.object_key} was marked as no programme")
                require(piece.object_key not in self._shown, "content", f"{piece.object_key} twice")
                require(piece.duration == truth.duration and piece.input_id == truth.input_id, "truth", piece)
                self._shown.add(piece.object_key)

    def _renditions_alike(self, truths: dict[str, list[Delivery]]) -> None:
        full = [pieces for pieces in truths.values() if pieces]
        for one, other in pairwise(full):
            histories = [[piece.input_id for piece in pieces] for pieces in (one, other)]
            require(histories[0] == histories[1], "I3", f"renditions come from different inputs: {histories}")
            frame = max(one[0].frame_duration, other[0].frame_duration)
            apart = max(abs(one[0].begin - other[0].begin), abs(one[-1].end - other[-1].end))
            require(apart <= frame, "I3", f"boundaries of renditions are {apart} ticks apart")

    def _seams(self, before: ProgramEntry | None, entry: ProgramEntry, truths: dict[str, list[Delivery]]) -> None:
        half = self.plan.longest // 2
        breaks, continues = False, True
        for rendition, pieces in truths.items():
            for one, other in pairwise(pieces):
                off = abs(_jump(one, other, pause=0))
                allowed = _frame(one, other) + (half if one.input_id == other.input_id else 0)
                joined = one.configuration == other.configuration and off <= allowed + ROUNDING
                joined = joined and (one.input_id == other.input_id or one.layout == other.layout)
                require(joined, "seam inside a segment", f"{rendition} of {entry.media_sequence}, {off} ticks off")
            known = self._ends.get(rendition)
            if known is not None and pieces:
                last, ended = known
                off = abs(_jump(last, pieces[0], pause=entry.start - ended if before and before.end != ended else 0))
                same = last.configuration == pieces[0].configuration
                breaks = breaks or not same or off > half + _frame(last, pieces[0])
                continues = continues and same and off <= _frame(last, pieces[0])
            if pieces:
                self._ends[rendition] = (pieces[-1], entry.end)
        if entry.discontinuity:
            # It stands in the playlist of a rendition that has a gap here, or none at all, as well: what follows there
            # need not continue what was before.
            self._ends = {one: ended for one, ended in self._ends.items() if truths.get(one)}
        if before is not None and breaks:
            require(
                entry.discontinuity, "discontinuity", f"{entry.media_sequence} does not continue and does not say so"
            )
        hole = before is not None and abs(entry.start - before.end) > ROUNDING
        if before is not None and continues and not hole and any(truths.values()):
            require(not entry.discontinuity, "discontinuity", f"{entry.media_sequence} continues and says it does not")

    def _inputs(self, before: ProgramEntry | None, entry: ProgramEntry, truths: dict[str, list[Delivery]]) -> None:
        inputs = {piece.input_id for pieces in truths.values() for piece in pieces}
        seen = f"{entry.media_sequence}: {entry.reason} to {entry.active_input} with pieces of {sorted(inputs)}"
        if before is None:
            require(entry.reason is Reason.START, "I5", seen)
        elif entry.active_input != before.active_input:
            require(entry.reason in MOVING, "I5", seen)
        else:
            require(entry.reason not in {Reason.FAILOVER, Reason.START}, "I5", seen)
        if before is not None:
            self._wishes.judge(before, entry)
        if entry.reason in WHOLE:
            require(inputs == {entry.active_input}, "I5", seen)
            empty = [rendition for rendition, pieces in truths.items() if not pieces]
            lacked = all(self.lacks(rendition, entry.active_input, entry) for rendition in empty)
            require(lacked, "complete", f"{seen}, {empty} is empty")
        if not self.plan.joinable or before is None:
            return
        if entry.reason in WHOLE:
            whole = abs(entry.end - entry.start - entry.slot_duration) <= self.plan.segment_duration // 2
            fills = (
                whole or before.reason in {Reason.PARTIAL, Reason.GAP} or before.slot_duration != entry.slot_duration
            )
            fills = fills or abs(before.end - entry.start) > ROUNDING or not self.plan.is_plain(self.endpoint)
            require(fills, "complete", f"{seen} is not all of its slot")
        if entry.reason is Reason.FAILOVER:
            self._failover(before.active_input, entry, truths)
        if entry.reason is Reason.REPAIR:
            borrowed = max(p.number for pieces in truths.values() for p in pieces if p.input_id != entry.active_input)
            later = self.arrived(entry.active_input, entry.as_of.instant)
            require(any(number > borrowed for _, number in later), "step 3", f"{seen}, input has not recovered")

    def lacks(self, rendition: str, input_id: int, entry: ProgramEntry) -> bool:
        """Whether an input had lost a rendition for good, when ``entry`` was decided: it had gone on without it."""
        if self.plan.encoders[input_id - 1].tells_less:
            return True  # what no playlist has listed is not known to be of this rendition
        playlist, now = f"{self.stem_of(rendition)}.m3u8", entry.as_of.instant
        delivered = [
            one
            for one in self.plan.register.values()
            if one.input_id == input_id and one.known_at <= now and not one.filler
        ]
        # Its next piece may stand behind in the log, and come in the very same moment.
        mine = [one for one in delivered if one.playlist == playlist and one.known_at < now]
        newest = max((one.begin for one in mine), default=-1)
        later = {one.begin for one in delivered if one.playlist != playlist and one.begin > newest + CUT_ALIKE}
        return len(later) >= min(pieces_until_lost(entry.slot_duration, self.plan.longest), 8)

    def stem_of(self, rendition: str) -> str:
        """The playlist of an encoder that carries a rendition."""
        audio = [stem for stem in self._stems if stem.startswith("audio")]
        videos = [stem for stem in self._stems if stem not in audio]
        return (videos if rendition.startswith("v") else audio)[int(rendition[1:]) - 1]

    def arrived(self, input_id: int, instant: int) -> set[tuple[str, int]]:
        """What an input had delivered by an instant, of a rendition that was known by then: (playlist, content)."""
        return {
            (one.playlist, one.number)
            for one in self.plan.register.values()
            if one.input_id == input_id and one.known_at <= instant and not one.filler
        }

    def _failover(self, left: int, entry: ProgramEntry, truths: dict[str, list[Delivery]]) -> None:
        """It was left for a reason, and not too early."""
        now, plan = entry.as_of.instant, self.plan
        wanted = {(piece.playlist, piece.number) for pieces in truths.values() for piece in pieces}
        named = {f"{self.stem_of(rendition)}.m3u8" for rendition in truths}
        lacking = {(name, number) for _, number in wanted for name in named} - self.arrived(left, now - 1)
        require(bool(lacking), "I5 or I6", f"left input {left} at {entry.media_sequence}, which had delivered")
        if not self.plan.is_plain(self.endpoint):
            return
        self._stays_if_it_can(left, entry, {number for _, number in lacking})
        end = max(piece.end for pieces in truths.values() for piece in pieces)
        slack = SLACK + plan.jitter
        tolerance = max(entry.slot_duration // 2, from_seconds(1))
        bought = end + min(plan.lag(1), plan.lag(2)) + self.endpoint.delay_seconds * from_seconds(1)
        require(now >= bought - MARGIN - slack, "step 2", f"left at {entry.media_sequence} before its delay was used")
        due = end + plan.lag(left)
        last = max(one.arrived_at for one in plan.register.values() if one.input_id == left and one.arrived_at <= now)
        if last + DEAD_AFTER_SEGMENTS * plan.segment_duration + tolerance >= due + slack:
            early = (due + tolerance - MARGIN - now) / from_seconds(1)
            require(
                now >= due + tolerance - MARGIN - slack, "step 2", f"left at {entry.media_sequence}, {early} s early"
            )

    def _stays_if_it_can(self, left: int, entry: ProgramEntry, lacking: set[int]) -> None:
        """Step 3 comes before step 4."""
        if not self.could_prove_joinable(entry.as_of.instant - 1):
            return
        delivered = self.arrived(left, entry.as_of.instant - 1)
        newest = [max((n for name, n in delivered if name == f"{stem}.m3u8"), default=-1) for stem in self._stems]
        recovered = min(newest) > max(lacking)
        require(not recovered, "step 3", f"left input {left} at {entry.media_sequence}, which had recovered")

    def could_prove_joinable(self, instant: int) -> bool:
        """Whether both inputs had delivered enough in common of every rendition; of one that just joined they have not.

        What is not proven joinable is not borrowed, and a slot of which each has a part falls into these parts.
        """
        common = self.arrived(1, instant) & self.arrived(2, instant)
        counts = [sum(name == f"{stem}.m3u8" for name, _ in common) for stem in self._stems]
        return min(counts) >= COMMON_FOR_PROOF

    @property
    def _stems(self) -> tuple[str, ...]:
        return self.plan.encoders[0].renditions


def pieces_until_lost(slot_duration: int, segment_duration: int) -> int:
    """3 S_in and the tolerance, in pieces; S_in may be off by a frame of audio."""
    tolerance = max(slot_duration // 2, from_seconds(1)) - from_seconds(0.02)
    return DEAD_AFTER_SEGMENTS - (-tolerance // segment_duration)


def _frame(one: Delivery, other: Delivery) -> int:
    return max(one.frame_duration, other.frame_duration)


def _jump(before: Delivery, after: Delivery, *, pause: int) -> int:
    """By how much media timestamps jump between two pieces with a pause between them, ticks."""
    difference = after.timestamp - before.timestamp - before.duration - pause
    return (difference + MODULUS // 2) % MODULUS - MODULUS // 2


def numbers_shown(pieces: Sequence[Sequence[Delivery]]) -> list[int]:
    """The contents of entries, in order."""
    return [piece.number for run in pieces for piece in run]
