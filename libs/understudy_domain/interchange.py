"""Interchangeability: what a change between the two inputs would look like, proven while both deliver.

Two grades (failover rule, Words). *Seamless*: between slots, timestamps go on within a frame with the same codec
configuration. *Joinable*, besides: within one output segment, with the same tables, the same video timestamps to the
tick, a key frame first, and audio that overlaps by less than a frame. Each is proven on the last three or more common
pieces of every rendition, with none contradicting since; it is never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from understudy_domain.media import TrackKind
from understudy_domain.piece import Piece, PieceTrack, offset_difference

COMMON_PIECES_FOR_PROOF = 3
COMMON_PIECES_FOR_DOUBT = 2
"""So many in a row that contradict are told. The proof is gone with the first: nothing is decided on a doubt."""
ROUNDING = 2
"""Ticks by which two measured ends may differ without meaning it."""


class Grade(StrEnum):
    """How far two deliveries of the same programme can stand for one another."""

    NONE = "none"
    SEAMLESS = "seamless"
    JOINABLE = "joinable"


class Mismatch(StrEnum):
    """What keeps two pieces from the next better grade."""

    CONFIGURATION = "configuration"
    """Other codec configuration, byte for byte."""
    TIMESTAMPS = "timestamps"
    """Other media timestamps at the same programme time."""
    BOUNDARIES = "boundaries"
    """Cut at another place."""
    TABLES = "tables"
    """Other PIDs or tables."""
    KEY_FRAME = "key_frame"
    """One does not begin with a key frame."""
    AUDIO = "audio"
    """Audio begins or ends a frame or more apart."""


_RANK = {Grade.NONE: 0, Grade.SEAMLESS: 1, Grade.JOINABLE: 2}


def is_better(one: Grade, other: Grade) -> bool:
    """Whether one grade allows more than the other."""
    return _RANK[one] > _RANK[other]


def compare(one: Piece, other: Piece) -> tuple[Grade, Mismatch | None]:
    """The grade of two pieces that cover the same time of one rendition, and what keeps them from the next better."""
    frame = max(one.frame_duration, other.frame_duration)
    if one.configuration != other.configuration:
        return Grade.NONE, Mismatch.CONFIGURATION
    offset = offset_difference(one, other)
    if abs(offset) > frame:
        return Grade.NONE, Mismatch.TIMESTAMPS
    if abs(one.start - other.start) > frame or abs(one.end - other.end) > frame:
        return Grade.NONE, Mismatch.BOUNDARIES
    return _joinable(one, other, offset)


def _joinable(one: Piece, other: Piece, offset: int) -> tuple[Grade, Mismatch | None]:
    if not one.layout or one.layout != other.layout:
        return Grade.SEAMLESS, Mismatch.TABLES
    if not (one.key_frame_first and other.key_frame_first):
        return Grade.SEAMLESS, Mismatch.KEY_FRAME
    if offset != 0:
        return Grade.SEAMLESS, Mismatch.TIMESTAMPS
    if len(one.tracks) != len(other.tracks):
        return Grade.SEAMLESS, Mismatch.TABLES
    for mine, theirs in zip(one.tracks, other.tracks, strict=True):
        if mine.kind is TrackKind.VIDEO:
            if mine.start != theirs.start or abs(mine.end - theirs.end) > ROUNDING:
                return Grade.SEAMLESS, Mismatch.BOUNDARIES
        elif not _within_a_frame(mine, theirs):
            return Grade.SEAMLESS, Mismatch.AUDIO
    return Grade.JOINABLE, None


def _within_a_frame(mine: PieceTrack, theirs: PieceTrack) -> bool:
    frame = max(mine.frame_duration, theirs.frame_duration)
    return abs(mine.start - theirs.start) <= frame and abs(mine.end - theirs.end) <= frame


def joins(before: Piece, after: Piece) -> bool:
    """Whether ``after`` may follow ``before`` within one output segment: the seam against a real neighbour."""
    if before.configuration != after.configuration or before.layout != after.layout or not after.layout:
        return False
    if not after.key_frame_first or offset_difference(before, after) != 0:
        return False
    if len(before.tracks) != len(after.tracks):
        return False
    for mine, theirs in zip(before.tracks, after.tracks, strict=True):
        allowed = ROUNDING if mine.kind is TrackKind.VIDEO else max(mine.frame_duration, theirs.frame_duration)
        if abs(theirs.start - mine.end) > allowed:
            return False
    return True


@dataclass(slots=True)
class RenditionProof:
    """What common pieces of one rendition have shown, since the last that contradicted."""

    seamless: int = 0
    """Common pieces in a row that were at least seamless."""
    joinable: int = 0
    """Common pieces in a row that were joinable."""
    compared: int = 0
    """Common pieces in all."""
    contradicting: int = 0
    """Common pieces in a row that were not even seamless."""
    not_joinable: int = 0
    """Common pieces in a row that were not joinable."""
    mismatch: Mismatch | None = None
    """What the last common piece lacked of being joinable."""

    def contradicts(self, told: Grade) -> bool:
        """Whether it is to be told that the proof of a grade is gone: an encoder's first piece, or last, means nothing.

        Encoders that restart or stop cut these differently, even where they are locked to an epoch.
        """
        in_a_row = self.not_joinable if told is Grade.JOINABLE else self.contradicting
        return self.compared >= COMMON_PIECES_FOR_PROOF and in_a_row >= COMMON_PIECES_FOR_DOUBT

    @property
    def grade(self) -> Grade:
        """The grade that is proven."""
        if self.joinable >= COMMON_PIECES_FOR_PROOF:
            return Grade.JOINABLE
        return Grade.SEAMLESS if self.seamless >= COMMON_PIECES_FOR_PROOF else Grade.NONE


@dataclass(slots=True)
class Interchangeability:
    """The proof between the two inputs' present sessions."""

    sessions: list[int] = field(default_factory=list)
    """Ids of the sessions it is about, input 1's first: others begin a proof of their own."""
    renditions: dict[str, RenditionProof] = field(default_factory=dict)
    changes: int = 0
    """Rises with whatever may change a grade or what keeps it down: no need to look before it does."""

    def observe(self, rendition: str, one: Piece, other: Piece) -> None:
        """Take in a common piece; ``one`` is input 1's."""
        sessions = [one.session, other.session]
        if sessions != self.sessions:
            if self.sessions and sessions < self.sessions:
                return
            self.sessions = sessions
            self.renditions = {}
        proof = self.renditions.get(rendition)
        if proof is None:
            proof = self.renditions[rendition] = RenditionProof()
        grade_before, mismatch_before = proof.grade, proof.mismatch
        grade, proof.mismatch = compare(one, other)
        proof.compared += 1
        proof.seamless = proof.seamless + 1 if grade is not Grade.NONE else 0
        proof.joinable = proof.joinable + 1 if grade is Grade.JOINABLE else 0
        proof.contradicting = proof.contradicting + 1 if grade is Grade.NONE else 0
        proof.not_joinable = proof.not_joinable + 1 if grade is not Grade.JOINABLE else 0
        if (
            proof.grade is not grade_before
            or proof.mismatch is not mismatch_before
            or COMMON_PIECES_FOR_PROOF in (proof.contradicting, proof.compared)
            or COMMON_PIECES_FOR_DOUBT in (proof.contradicting, proof.not_joinable)
        ):
            self.changes += 1

    def grade(self, renditions: Iterable[str]) -> Grade:
        """The grade of all these renditions together: that of the weakest."""
        grades = [self.renditions[one].grade if one in self.renditions else Grade.NONE for one in renditions]
        return min(grades, key=lambda grade: _RANK[grade], default=Grade.NONE)
