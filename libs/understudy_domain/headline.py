"""What an operator wants to know first of a channel: what viewers saw, who follows which input, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from understudy_domain import ticks
from understudy_domain.board import FRESH
from understudy_domain.reason import Reason
from understudy_domain.status import InputCondition
from understudy_domain.strip import Shown
from understudy_domain.words import listed

_MISSING = (Reason.GAP, Reason.PARTIAL)


@dataclass(frozen=True, slots=True)
class Following:
    """An origin endpoint whose programme runs."""

    id: str
    guid: str
    active_input: int
    holds: bool
    """It has nothing to publish though its deadline has passed."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about one input."""

    input_id: int
    words: str


@dataclass(frozen=True, slots=True)
class Headline:
    """Short sentences; none of them where there is nothing to say."""

    viewers: str
    endpoints: str
    advice: tuple[Advice, ...]


def is_told(slot: Shown) -> bool:
    """Whether a slot is one that a headline speaks of, for as long as it is fresh."""
    return slot.moved or slot.reason in _MISSING


def headline(
    conditions: Mapping[int, InputCondition], following: Sequence[Following], slots: Iterable[Shown], *, now: int
) -> Headline:
    """What is to be said of a channel.

    Args:
        conditions: what each input does.
        following: its endpoints whose programme runs.
        slots: theirs, as decided, in order; those that ``is_told`` are enough.
        now: ticks since the epoch.
    """
    guids = {one.guid for one in following}
    fresh = [one for one in slots if one.origin_endpoint in guids and now - one.decided_at < FRESH and is_told(one)]
    unwell = {number: one for number, one in conditions.items() if one is not InputCondition.DELIVERING}
    if not following or (not unwell and not fresh and not any(one.holds for one in following)):
        return Headline("", "", ())
    advice = tuple(Advice(number, _advice(number, one)) for number, one in sorted(unwell.items()))
    return Headline(_viewers(following, fresh, now), _endpoints(following, fresh), advice)


def _viewers(following: Sequence[Following], fresh: Sequence[Shown], now: int) -> str:
    missed: list[str] = []
    will_miss: list[str] = []
    jumped: list[str] = []
    for one in following:
        mine = [slot for slot in fresh if slot.origin_endpoint == one.guid]
        for slots, found in (
            ([slot for slot in mine if slot.reason in _MISSING and slot.seen_at <= now], missed),
            ([slot for slot in mine if slot.reason in _MISSING and slot.seen_at > now], will_miss),
        ):
            if slots:
                found.append(f"{_duration(slots)} of {one.id} at {_clock(slots[-1].seen_at)}")
        jumps = [slot for slot in mine if slot.moved and slot.discontinuity]
        if jumps:
            jumped.append(f"in {one.id} at {_clock(jumps[-1].seen_at)}")
    waiting = [one.id for one in following if one.holds]
    sentences = [
        f"Viewers of {listed(waiting)} wait for what comes next." if waiting else "",
        f"Viewers missed {listed(missed)}." if missed else "",
        f"Viewers will miss {listed(will_miss)}." if will_miss else "",
        f"There is a discontinuity {listed(jumped)}." if jumped else "",
    ]
    return " ".join(one for one in sentences if one) or "Viewers saw nothing of it."


def _duration(slots: Sequence[Shown]) -> str:
    """Of a slot in part it is not known here how much of it viewers had."""
    seconds = round(ticks.to_seconds(sum(one.end - one.start for one in slots)), 1)
    return f"{'up to ' if any(one.reason is Reason.PARTIAL for one in slots) else ''}{seconds:g} s"


def _endpoints(following: Sequence[Following], fresh: Sequence[Shown]) -> str:
    """Those that follow one input since the same second together."""
    groups: dict[tuple[int, str], list[str]] = {}
    for one in following:
        moves = [slot for slot in fresh if slot.origin_endpoint == one.guid and slot.moved]
        since = _clock(moves[-1].decided_at) if moves and moves[-1].active_input == one.active_input else ""
        groups.setdefault((one.active_input, since), []).append(one.id)
    return " ".join(_followed(names, number, since) for (number, since), names in groups.items())


def _followed(names: Sequence[str], number: int, since: str) -> str:
    follow = "follows" if len(names) == 1 else "follow"
    return f"{listed(names)} {follow} input {number}{f' since {since}' if since else ', as before'}."


def _advice(number: int, condition: InputCondition) -> str:
    if condition is InputCondition.NEVER_BEGAN:
        return f"Start encoder {number}"
    if condition is InputCondition.ENDED:
        return f"Encoder {number} has ended its playlists: start it again, if that was not meant"
    return f"Restart encoder {number}, or mend its network"


def _clock(instant: int) -> str:
    """UTC, to the second."""
    return ticks.to_iso8601(instant)[11:19]
