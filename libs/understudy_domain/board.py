"""How all channels are, in one line each, the worst first: what an operator who is woken looks at.

It is a fold over EVENTS of which the last of each kind about each thing is enough: a loss is over when a recovery was
told after it, a hold when its end was. So whoever begins to look reads few messages, however long the history is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from understudy_domain.entry import ActiveInput
from understudy_domain.event import Event, EventKind
from understudy_domain.interchange import Grade
from understudy_domain.keys import INPUTS
from understudy_domain.ticks import TICKS_PER_SECOND

FRESH = 600 * TICKS_PER_SECOND
"""For how long after it was published a gap, or a change of the input, keeps a channel from being called well."""

_MOVES = (EventKind.FAILOVER, EventKind.SWITCHOVER, EventKind.FAILBACK)
_REPAIRS = (EventKind.REPAIR, EventKind.COMBINE)


class Severity(IntEnum):
    """How a channel is; the highest comes first. The names are what the console says."""

    WELL = 0
    """Two inputs that can stand for one another."""
    IDLE = 1
    """Nothing has been published yet, or the programme is over."""
    MOVED = 2
    """It changed inputs within ten minutes, and is well."""
    REPAIRED = 3
    """An input lost something within ten minutes that came from the other one."""
    UNLIKE = 4
    """The inputs are not interchangeable: a change would be seen."""
    SINGLE = 5
    """One input is lost: the next failure is seen by viewers."""
    SEEN = 6
    """Viewers saw a gap or a part within ten minutes."""
    HOLDING = 7
    """An endpoint has nothing to publish now, or both inputs are lost."""


@dataclass(frozen=True, slots=True)
class InputLine:
    """One input of a channel."""

    input: int
    lost_since: int | None
    """Ticks since the epoch; None: it is not lost."""
    ended: bool
    """It was lost with EXT-X-ENDLIST."""


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """One origin endpoint of a channel."""

    id: str
    guid: str
    active_input: int | None
    """None before its first slot."""
    since: int | None
    held_since: int | None
    """Ticks since the epoch; None: nothing is held."""
    seen_at: int | None
    """When a gap or a part was last decided, within ten minutes."""
    moved_at: int | None
    """When it last went to another input, within ten minutes."""
    repaired_at: int | None
    """When pieces last came from the input that it does not follow, within ten minutes."""
    lacking: int | None
    """The input that lacked them; None where neither had everything."""
    over: bool
    """Its programme has ended."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A channel in one line."""

    id: str
    severity: Severity
    words: str
    """What is the matter, in one sentence."""
    since: int | None
    """Since when, or when it happened: ticks since the epoch; None where that says nothing."""
    inputs: tuple[InputLine, ...]
    endpoints: tuple[EndpointLine, ...]
    grade: Grade | None
    """Of what is proven of the inputs; None: nothing was ever told."""


@dataclass(slots=True)
class Board:
    """The last event of each kind about each thing, by channel guid."""

    last: dict[str, dict[tuple[EventKind, str], Event]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in an event; an older one than is known of its kind and thing is ignored."""
        of_channel = self.last.setdefault(event.channel, {})
        key = (event.kind, event.about)
        known = of_channel.get(key)
        if known is None or known.order <= event.order:
            of_channel[key] = event

    def forget(self, guid: str) -> None:
        """A channel is no more."""
        self.last.pop(guid, None)

    def line(
        self,
        guid: str,
        channel_id: str,
        endpoints: Iterable[tuple[str, str]],
        active: Mapping[str, ActiveInput],
        *,
        now: int,
    ) -> ChannelLine:
        """One channel.

        Args:
            guid: the channel's.
            channel_id: its id.
            endpoints: guid and id of each of its origin endpoints.
            active: ACTIVE_INPUT, by the endpoint's id.
            now: ticks since the epoch.
        """
        told = self.last.get(guid, {})
        inputs = tuple(_input(told, input_id) for input_id in INPUTS)
        lines = tuple(
            _endpoint(told, endpoint_guid, endpoint_id, active.get(endpoint_id), now)
            for endpoint_guid, endpoint_id in endpoints
        )
        match = _newest(told, (EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH), "inputs")
        grade = match.grade if match is not None else None
        severity, words, since = _verdict(inputs, lines, grade)
        return ChannelLine(channel_id, severity, words, since, inputs, lines, grade)


_Told = Mapping[tuple[EventKind, str], Event]


def _newest(told: _Told, kinds: Iterable[EventKind], about: str) -> Event | None:
    found = [event for kind in kinds if (event := told.get((kind, about))) is not None]
    return max(found, key=lambda event: event.order, default=None)


def _input(told: _Told, input_id: int) -> InputLine:
    newest = _newest(told, (EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED), str(input_id))
    if newest is None or newest.kind is EventKind.INPUT_RECOVERED:
        return InputLine(input_id, None, False)
    return InputLine(input_id, newest.instant - (newest.duration or 0), newest.ended)


def _endpoint(told: _Told, guid: str, endpoint_id: str, active: ActiveInput | None, now: int) -> EndpointLine:
    hold = _newest(told, (EventKind.HOLD, EventKind.HOLD_ENDED), guid)
    life = _newest(told, (EventKind.PROGRAMME_STARTED, EventKind.PROGRAMME_ENDED), guid)
    repair = _newest(told, _REPAIRS, guid)
    repaired_at = _fresh(repair, now)
    over = life is not None and life.kind is EventKind.PROGRAMME_ENDED
    held = hold is not None and hold.kind is EventKind.HOLD and not over
    return EndpointLine(
        id=endpoint_id,
        guid=guid,
        active_input=active.active_input if active is not None else None,
        since=active.since if active is not None else None,
        held_since=hold.instant if hold is not None and held else None,
        seen_at=_fresh(_newest(told, (EventKind.GAP, EventKind.PARTIAL), guid), now),
        moved_at=_fresh(_newest(told, _MOVES, guid), now),
        repaired_at=repaired_at,
        lacking=repair.active_input if repair is not None and repair.kind is EventKind.REPAIR else None,
        over=over,
    )


def _fresh(event: Event | None, now: int) -> int | None:
    return event.instant if event is not None and now - event.instant < FRESH else None


def _verdict(
    inputs: tuple[InputLine, ...], endpoints: tuple[EndpointLine, ...], grade: Grade | None
) -> tuple[Severity, str, int | None]:
    """The worst of what is so, a sentence about it, and since when."""
    lost = [one for one in inputs if one.lost_since is not None]
    running = [one for one in endpoints if one.active_input is not None and not one.over]
    if not running:
        over = any(one.over for one in endpoints)
        return Severity.IDLE, "The programme is over." if over else "Nothing has been published yet.", None
    held = [one.held_since for one in running if one.held_since is not None]
    if held:
        return Severity.HOLDING, "Nothing to publish: viewers see the last picture.", min(held)
    if len(lost) == len(inputs):
        return Severity.HOLDING, "Both inputs are lost.", max(one.lost_since or 0 for one in lost)
    seen = [one.seen_at for one in running if one.seen_at is not None]
    if seen:
        return Severity.SEEN, "Viewers missed something.", max(seen)
    if lost:
        said = "has ended" if lost[0].ended else "is lost"
        return Severity.SINGLE, f"Input {lost[0].input} {said}: nothing stands by.", lost[0].lost_since
    if grade is None:
        return Severity.SINGLE, "One input has delivered so far, or both too little to be compared.", None
    if grade is Grade.NONE:
        return Severity.UNLIKE, "The inputs differ: a change would be a discontinuity.", None
    repaired = [(one.repaired_at, one.lacking) for one in running if one.repaired_at is not None]
    if repaired:
        at, lacking = max(repaired, key=lambda one: one[0])
        said = "Neither input had everything" if lacking is None else f"Input {lacking} lost something"
        return Severity.REPAIRED, f"{said}: it came from the other one.", at
    moved = [one.moved_at for one in running if one.moved_at is not None]
    if moved:
        return Severity.MOVED, "It changed inputs; both deliver.", max(moved)
    return Severity.WELL, "Both inputs deliver.", None
