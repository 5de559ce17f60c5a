"""``understudy events``: what happened to the channels of a running stack, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import Final

from understudy_domain import ticks
from understudy_domain.event import Event, EventKind
from understudy_domain.event_view import event_view
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import NoSuchResource
from understudy_local.explain import instant_of
from understudy_local.stack_log import StackLog, with_stack
from understudy_runtime import clock
from understudy_runtime.event_log import SINCE_DEFAULT, EventsRead, Selection, following_events, newest_events

_AGO: Final = re.compile(r"(\d{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_KIND_WIDTH: Final = max(len(kind) for kind in EventKind)

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    channel_id: str | None
    since: int
    """Ticks since the epoch."""
    limit: int
    follow: bool
    as_json: bool


def show_running(directory: DataDirectory, wanted: Wanted, *, write: Write) -> None:
    """Write the newest events of the stack that runs on ``directory``, oldest first; then follow, if that is wanted.

    Raises:
        StackNotRunning: none does.
        NoSuchResource: there is no such channel, and nothing is known of it.
        LogsUnreadable: its NATS server gives no answer.
    """

    async def show(stack: StackLog) -> EventsRead:
        found = await newest_events(stack.bus, select(stack, wanted), since=wanted.since, limit=wanted.limit)
        if wanted.channel_id is not None and not found.events:
            stack.channel(wanted.channel_id)
        if found.left_out and not wanted.as_json:
            write(f"({found.left_out} older ones are left out: see --limit and --since)")
        for event in found.events:
            write(line_of(event, as_json=wanted.as_json))
        return found

    async def follow(stack: StackLog, after: int) -> None:
        async with aclosing(following_events(stack.bus, select(stack, wanted), after=after)) as events:
            async for event in events:
                write(line_of(event, as_json=wanted.as_json))

    shown = with_stack(directory, show)
    if wanted.follow:
        with_stack(directory, lambda stack: follow(stack, shown.last_sequence), patience_seconds=None)


def select(stack: StackLog, wanted: Wanted) -> Selection:
    """The channel as it is configured; one that is deleted by the name that its events have."""
    if wanted.channel_id is None:
        return Selection()
    try:
        return Selection(guid=stack.channel(wanted.channel_id).guid)
    except NoSuchResource:
        return Selection(channel_id=wanted.channel_id)


def since_of(text: str | None) -> int:
    """``90s``, ``15m``, ``2h``, ``1d`` ago, or a time as ``explain --at`` takes it; ticks since the epoch.

    None: as far back as is shown where nobody says it.

    Raises:
        ValueError: it is none.
    """
    if text is None:
        return clock.now_ticks() - SINCE_DEFAULT
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(clock.now_ticks() - int(ago[1]) * _SECONDS[ago[2]] * ticks.TICKS_PER_SECOND, 0)
    return instant_of(text)


def line_of(event: Event, *, as_json: bool) -> str:
    """One event on one line."""
    if as_json:
        return json.dumps(asdict(event_view(event)))
    at = ticks.to_iso8601(event.instant).replace("T", " ")
    name = event.channel_id if event.origin_endpoint_id is None else f"{event.channel_id}/{event.origin_endpoint_id}"
    return f"{at}  {name:<20}  {event.kind:<{_KIND_WIDTH}}  {event.words}"
