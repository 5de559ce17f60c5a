"""Pieces of work that leave room for others."""

from __future__ import annotations

import asyncio

import pytest

from understudy_runtime.turns import Turns


async def test_no_two_pieces_are_done_in_one_turn_of_the_loop() -> None:
    turns, turn, done = Turns(), 0, list[int]()
    pieces = [asyncio.create_task(turns.take(lambda: done.append(turn))) for _ in range(20)]
    while not all(piece.done() for piece in pieces):
        turn += 1
        await asyncio.sleep(0)
    assert len(done) == len(set(done)) == 20


async def test_what_a_piece_raises_reaches_whoever_wants_it_and_nobody_else() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        await turns.take(lambda: 1 // 0)
    assert await turns.take(lambda: 1) == 1
