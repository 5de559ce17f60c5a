"""How the channel's line-up changes in mid-life: renditions that nobody delivers leave it, new ones join.

A rendition takes part in the slots that begin after ``since`` and before ``until``, so a change cuts no slot: what was
delivered of a rendition that leaves is still published, and one that joins is waited for from a slot on of which there
is all. It joins when every input that is alive carries it, so that adding it to one encoder first moves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from understudy_domain.channel_state import ChannelState
from understudy_domain.grid import Grid
from understudy_domain.lacking import lacking
from understudy_domain.lineup import DepartedRendition, Rendition, insert, letter_of, pair, renditions_of
from understudy_domain.piece import Piece
from understudy_domain.piece_length import NEWEST_KEPT
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState

PIECES_TO_JOIN = 3
"""Contiguous pieces on every input that is alive."""
DEPARTED_CARRIED = 180 * TICKS_PER_SECOND
"""The longest time delay, and two of the longest slots."""
DEPARTED_KEPT = 32
"""Renditions that have left and are remembered, so that they may come back under their numbers."""


def change_lineup(state: ChannelState, alive: Sequence[InputState], *, is_settled: bool = False) -> None:
    """Let renditions leave and join, as of what has just arrived; ``alive``: the inputs that are not dead.

    ``is_settled``: the inputs have no playlists but those of the line-up, so that nothing can join.
    """
    if state.grid is None or not state.lineup:
        return
    for one in alive if state.departed else ():
        _forget_carried(one, state)
    if alive:
        lineup = state.lineup
        _leave(state, alive, state.grid)
        if not is_settled or state.lineup is not lineup:
            _join(state, alive, state.grid)


def _forget_carried(one: InputState, state: ChannelState) -> None:
    """Which playlist carried a rendition is kept until no slot can name that any more."""
    gone = {
        departed.rendition.rendition
        for departed in state.departed
        if one.newest_end - (departed.rendition.until or 0) > DEPARTED_CARRIED
    }
    if gone & one.carries.keys():
        one.carries = {name: playlist for name, playlist in one.carries.items() if name not in gone}


def _leave(state: ChannelState, alive: Sequence[InputState], grid: Grid) -> None:
    """A rendition that every input which is alive lacks for good leaves; it is in no slot after its last piece."""
    names = gone = [one.rendition for one in state.lineup]
    patience = NEWEST_KEPT * grid.segment_duration
    for one in alive:
        lacks = lacking(one, names, segment_duration=grid.segment_duration, tolerance=patience)
        gone = [name for name in gone if name in lacks]
        if not gone:
            return
    for rendition in [one for one in state.lineup if one.rendition in gone]:
        newest = _newest(state, rendition.rendition)
        until = newest.end if newest is not None else rendition.since or grid.anchor
        dead = [one for one in state.inputs if all(one is not other for other in alive)]
        had_by = [one.input_id for one in dead if _has(one, rendition.rendition, grid)]
        configuration = newest.configuration if newest else ""
        departed = DepartedRendition(replace(rendition, until=until), configuration, tuple(had_by))
        state.lineup = tuple(one for one in state.lineup if one is not rendition)
        state.departed = [*state.departed, departed][-DEPARTED_KEPT:]
        state.interchange.renditions.pop(rendition.rendition, None)


def _has(one: InputState, rendition: str, grid: Grid) -> bool:
    """Whether an input delivered a rendition to the last."""
    pieces = one.rendition_pieces(rendition)
    return bool(pieces) and pieces[-1].end > one.newest_end - 2 * grid.segment_duration


def _newest(state: ChannelState, rendition: str) -> Piece | None:
    found = [pieces[-1] for one in state.inputs if (pieces := one.rendition_pieces(rendition))]
    return max(found, key=lambda piece: piece.end, default=None)


def _join(state: ChannelState, alive: Sequence[InputState], grid: Grid) -> None:
    offered = {one.input_id: _offered(one, state, grid) for one in alive}
    if not any(offered.values()):
        return
    for found in _common(list(offered.values())):
        carriers = dict(zip(offered, found, strict=True))
        _admit(state, carriers, _departed_as(state, carriers), offered)
    for departed in list(state.departed):
        for input_id in departed.had_by:
            for rendition in offered.get(input_id, ()):
                if _departed_as(state, {input_id: rendition}) is departed:
                    _admit(state, {input_id: rendition}, departed, offered)


def _common(offered: Sequence[Mapping[Rendition, int]]) -> list[tuple[Rendition, ...]]:
    """What every input offers: for each such rendition, as each of them has it."""
    if len(offered) == 1:
        return [(one,) for one in offered[0]]
    first, second = offered
    return list(pair(list(first), list(second)))


def _admit(
    state: ChannelState,
    carriers: Mapping[int, Rendition],
    known: DepartedRendition | None,
    offered: Mapping[int, Mapping[Rendition, int]],
) -> None:
    """A rendition joins, as what ``known`` was or under a new number; ``carriers``: as each input has it, by input."""
    mine = next(iter(carriers.values()))
    if known is not None:
        state.departed.remove(known)
    name = known.rendition.rendition if known is not None else _new_name(state, mine)
    since = max(offered[input_id][one] for input_id, one in carriers.items())
    state.lineup = insert(state.lineup, replace(mine, rendition=name, since=since, until=None))
    for input_id, rendition in carriers.items():
        one = state.input(input_id)
        others = {key: path for key, path in one.carries.items() if path != rendition.playlist}
        one.carries = {**others, name: rendition.playlist}
    # What was delivered before it joined is compared now: else nothing could be repaired for three segments more.
    first = state.input(next(iter(carriers)))
    first.fresh += [(mine.playlist, piece) for piece in first.newest_pieces(name)[-PIECES_TO_JOIN:]]


def _offered(one: InputState, state: ChannelState, grid: Grid) -> Mapping[Rendition, int]:
    """What an input delivers besides the line-up, and since when without a hole, programme time."""
    carried = [one.carries.get(known.rendition) for known in state.lineup]
    more = [path for path in one.firsts if path not in carried and path in one.pieces]
    if not more:
        return {}
    found = {}
    for rendition in renditions_of(one.firsts, one.sources.multivariant):
        run = _newest_run(one.pieces.get(rendition.playlist, ()), grid) if rendition.playlist in more else ()
        if len(run) >= PIECES_TO_JOIN and run[-1].end > one.newest_end - 2 * grid.segment_duration:
            found[rendition] = run[0].start
    return found


def _newest_run(pieces: Sequence[Piece], grid: Grid) -> Sequence[Piece]:
    """The last pieces without a hole between them."""
    for index in range(len(pieces) - 1, 0, -1):
        if pieces[index].start > pieces[index - 1].end + grid.segment_duration // 2:
            return pieces[index:]
    return pieces


def _departed_as(state: ChannelState, carriers: Mapping[int, Rendition]) -> DepartedRendition | None:
    """One that has left and is provably the same: of the same kind, codec, resolution and language, byte for byte.

    Players that still hold the address of its playlist go on with it; under any other they would be shown a new codec
    configuration with no discontinuity before it.
    """
    configurations = {
        state.input(input_id).pieces[one.playlist][-1].configuration for input_id, one in carriers.items()
    }
    mine = next(iter(carriers.values()))
    return next(
        (
            departed
            for departed in reversed(state.departed)
            if departed.rendition.is_like(mine) and configurations == {departed.configuration}
        ),
        None,
    )


def _new_name(state: ChannelState, rendition: Rendition) -> str:
    """A number that no rendition of the channel ever had: what was shown under an address never becomes another."""
    letter = letter_of(rendition)
    known = [*state.lineup, *(one.rendition for one in state.departed)]
    used = [int(one.rendition[1:]) for one in known if one.rendition.startswith(letter)]
    number = max([state.numbers_used.get(letter, 0), *used]) + 1
    state.numbers_used[letter] = number
    return f"{letter}{number}"
