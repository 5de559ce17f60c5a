"""How a channel comes to its grid and its renditions, from the first pieces that an input delivers."""

from __future__ import annotations

from itertools import pairwise
from statistics import median_low

from understudy_domain.channel_state import ChannelState
from understudy_domain.grid import Grid
from understudy_domain.lineup import Rendition, expected_playlists, lineup_of, match, renditions_of
from understudy_domain.session import place
from understudy_domain.timeline import InputState

PIECES_FOR_MEDIAN = 5
PIECES_WITHOUT_MULTIVARIANT = 3
"""An encoder that has sent so many pieces and no multivariant playlist sends none."""


def place_sessions(state: ChannelState) -> None:
    """Give every session that can have it its place in programme time."""
    for one in state.inputs:
        if not one.unplaced:
            continue
        other = state.input(3 - one.input_id)
        for session in one.sessions:
            if session.offset is not None or not one.unplaced:
                continue
            theirs = list(reversed(other.sessions))
            own = [reference for reference in reversed(one.sessions) if reference is not session]
            segment_duration = state.grid.segment_duration if state.grid else session.all_recent[0].duration
            session.offset = place(session, theirs, own, segment_duration=segment_duration)
            if session.offset is not None:
                one.settle(session)


def settle_grid(state: ChannelState) -> None:
    """Fix S_in, the anchor and the channel's renditions, as soon as one input shows them; once.

    S_in is the median of the first five pieces, or what two pieces in a row agree on before that: an encoder's very
    first may be short. The anchor is where the first regular piece begins.
    """
    if state.grid is not None:
        return
    for one in state.inputs:
        grid, renditions = _grid_of(one), _renditions_if_known(one)
        if grid is not None and renditions:
            state.grid = grid
            state.lineup = lineup_of(renditions)
            return


def _grid_of(one: InputState) -> Grid | None:
    pieces = max(one.pieces.values(), key=len, default=[])
    durations = [piece.end - piece.start for piece in pieces]
    for number, (first, second) in enumerate(pairwise(pieces)):
        if (
            abs(durations[number] - durations[number + 1]) <= first.frame_duration
            and second.start <= first.end + first.frame_duration
        ):
            return Grid(anchor=first.start, segment_duration=durations[number])
    if len(pieces) >= PIECES_FOR_MEDIAN:
        return Grid(anchor=pieces[0].start, segment_duration=median_low(durations[:PIECES_FOR_MEDIAN]))
    return None


def _renditions_if_known(one: InputState) -> tuple[Rendition, ...]:
    """The input's renditions, once it is clear that these are all."""
    delivered = max((len(pieces) for pieces in one.pieces.values()), default=0)
    if delivered >= PIECES_WITHOUT_MULTIVARIANT or _has_all_declared(one):
        return renditions_of(one.firsts, one.sources.multivariant)
    return ()


def _has_all_declared(one: InputState) -> bool:
    multivariant = one.sources.multivariant
    return multivariant is not None and expected_playlists(multivariant) <= one.firsts.keys()


def _are_all_known(one: InputState) -> bool:
    """Whether every playlist that the present session has is likely to have delivered."""
    pieces = one.session.pieces if one.session is not None else 0
    return pieces >= PIECES_WITHOUT_MULTIVARIANT or _has_all_declared(one)


def compare_inputs(state: ChannelState) -> None:
    """Hold pieces that are new against those of the other input for the same time."""
    for one in state.inputs:
        if not one.fresh:
            continue
        other = state.input(3 - one.input_id)
        for rendition, piece in one.take_fresh():
            half = (piece.end - piece.start) // 2
            for common in reversed(other.newest_pieces(rendition)):
                if common.start >= piece.start + half:
                    continue
                if common.start > piece.start - half:
                    first, second = (piece, common) if one.input_id == 1 else (common, piece)
                    state.interchange.observe(rendition, first, second)
                break


def match_renditions(state: ChannelState) -> None:
    """Find out which of each input's playlists carries which rendition of the channel."""
    if not state.lineup:
        return
    for one in state.inputs:
        carried = {one.carries.get(rendition.rendition) for rendition in state.lineup}
        if not carried <= one.firsts.keys():
            offered = renditions_of(one.firsts, one.sources.multivariant)
            found = match(state.lineup, offered, are_all=_are_all_known(one))
            taken = set(found.values())
            kept = {rendition: playlist for rendition, playlist in one.carries.items() if playlist not in taken}
            one.carries = {**kept, **found}
