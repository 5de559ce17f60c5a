"""Interchangeability is proven piece by piece, in two grades, and lost with one contradiction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from understudy_domain.interchange import Grade, Interchangeability, Mismatch, compare, joins
from understudy_domain.media import TrackKind
from understudy_domain.piece import Piece, PieceTrack

FRAME = 3600
AUDIO_FRAME = 1920
LONGER_AUDIO = PieceTrack(TrackKind.AUDIO, 0, 180_000 + AUDIO_FRAME + 1, AUDIO_FRAME)


def piece(number: int = 0, *, input_id: int = 1, audio: int = 0, **changes: Any) -> Piece:
    """Two seconds of video with audio that is cut ``audio`` ticks off."""
    start = number * 180_000
    tracks = (
        PieceTrack(TrackKind.VIDEO, start, start + 180_000, FRAME),
        PieceTrack(TrackKind.AUDIO, start + audio, start + 180_000 + audio, AUDIO_FRAME),
    )
    made = Piece(
        input_id=input_id,
        path=f"{number}.ts",
        object_key=f"{input_id}/{number}",
        size=1000,
        start=start,
        end=start + 180_000,
        timestamp=start + 900_000,
        frame_duration=FRAME,
        configuration="sps",
        codecs=("avc1", "mp4a"),
        arrived_at=start,
        session=input_id,
        modulus=2**33,
        tracks=tracks,
        layout="tables",
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("other", "grade", "mismatch"),
    [
        (piece(), Grade.JOINABLE, None),
        (piece(audio=AUDIO_FRAME), Grade.JOINABLE, None),
        (piece(audio=AUDIO_FRAME + 1), Grade.SEAMLESS, Mismatch.AUDIO),
        (piece(tracks=(piece().tracks[0], LONGER_AUDIO)), Grade.SEAMLESS, Mismatch.AUDIO),
        (piece(layout="other"), Grade.SEAMLESS, Mismatch.TABLES),
        (piece(layout=""), Grade.SEAMLESS, Mismatch.TABLES),
        (piece(tracks=piece().tracks[:1]), Grade.SEAMLESS, Mismatch.TABLES),
        (piece(key_frame_first=False), Grade.SEAMLESS, Mismatch.KEY_FRAME),
        (piece(timestamp=900_001), Grade.SEAMLESS, Mismatch.TIMESTAMPS),
        (piece(timestamp=900_000 + 2**33), Grade.JOINABLE, None),
        (piece(timestamp=900_000 + FRAME + 1), Grade.NONE, Mismatch.TIMESTAMPS),
        (piece(start=FRAME + 1, timestamp=900_001 + FRAME), Grade.NONE, Mismatch.BOUNDARIES),
        (piece(end=180_000 - FRAME - 1), Grade.NONE, Mismatch.BOUNDARIES),
        (piece(configuration="pps"), Grade.NONE, Mismatch.CONFIGURATION),
    ],
)
def test_two_pieces_are_compared_by_what_a_decoder_and_a_player_see(
    other: Piece, grade: Grade, mismatch: Mismatch | None
) -> None:
    assert compare(piece(), other) == (grade, mismatch)
    assert compare(other, piece()) == (grade, mismatch)


def test_three_common_pieces_prove_and_one_contradiction_ends_it() -> None:
    proof = Interchangeability()
    grades = []
    for number, layout in enumerate(["tables", "tables", "tables", "other", "tables", "tables", "tables"]):
        proof.observe("v1", piece(number), piece(number, input_id=2, layout=layout))
        grades.append(proof.grade(["v1"]))
    joinable, seamless, none = Grade.JOINABLE, Grade.SEAMLESS, Grade.NONE
    assert grades == [none, none, joinable, seamless, seamless, seamless, joinable]


def test_it_says_whenever_there_is_something_new_to_look_at() -> None:
    """What a piece lacks, three pieces compared, three in a row that contradict."""
    proof, changes = Interchangeability(), []
    for number, configuration in enumerate(["sps", "pps", "pps", "pps", "pps"]):
        proof.observe("v1", piece(number), piece(number, input_id=2, configuration=configuration))
        changes.append(proof.changes)
    assert changes == [0, 1, 2, 3, 3]


def test_all_renditions_together_are_as_good_as_the_weakest() -> None:
    proof = Interchangeability()
    for number in range(3):
        proof.observe("v1", piece(number), piece(number, input_id=2))
        proof.observe("a1", piece(number), piece(number, input_id=2, layout="other"))
    assert proof.grade(["v1"]) is Grade.JOINABLE
    assert proof.grade(["v1", "a1"]) is Grade.SEAMLESS
    assert proof.grade(["v1", "a1", "v2"]) is Grade.NONE
    assert proof.grade([]) is Grade.NONE


def test_a_new_session_begins_a_proof_of_its_own_and_a_late_piece_of_the_old_one_does_not_end_it() -> None:
    proof = Interchangeability()
    for number in range(3):
        proof.observe("v1", piece(number), piece(number, input_id=2))
    proof.observe("v1", piece(3, session=7), piece(3, input_id=2))
    assert proof.grade(["v1"]) is Grade.NONE
    for number in range(4, 6):
        proof.observe("v1", piece(number, session=7), piece(number, input_id=2))
    assert proof.grade(["v1"]) is Grade.JOINABLE
    proof.observe("v1", piece(2, layout="other"), piece(2, input_id=2))
    assert proof.grade(["v1"]) is Grade.JOINABLE


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (piece(1, input_id=2), True),
        (piece(2, input_id=2), False),
        (piece(1, input_id=2, audio=AUDIO_FRAME), True),
        (piece(1, input_id=2, audio=-AUDIO_FRAME - 1), False),
        (piece(1, input_id=2, key_frame_first=False), False),
        (piece(1, input_id=2, layout="other"), False),
        (piece(1, input_id=2, timestamp=1), False),
    ],
)
def test_a_seam_joins_only_where_the_next_piece_goes_on(after: Piece, expected: bool) -> None:
    assert joins(piece(0), after) is expected
