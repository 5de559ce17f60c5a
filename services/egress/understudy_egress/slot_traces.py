"""Traces of slots at egress: taken in, shown in the playlists once they are available, and first asked for.

Only what comes while it is followed is traced: what an origin endpoint is loaded with when it is first asked for was
decided, and perhaps shown by others, long before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import TICKS_PER_SECOND, to_nanoseconds, to_seconds
from understudy_egress.programme import ROUTE_MEDIA, Programme
from understudy_runtime import clock
from understudy_runtime.messages import StoredMessage
from understudy_runtime.messaging_spans import PROGRAM_TEMPLATE, processed
from understudy_runtime.trace_context import TraceContext
from understudy_runtime.tracing import Kind, Span, Tracer

_SLOTS_MAX: Final = 1_024
"""Of one origin endpoint that wait for one thing: an hour's time delay of 4 s segments. Earlier ones are let go."""
_OLD: Final = 60 * TICKS_PER_SECOND
"""What stands for longer is read again, and not new."""
_ROUTE: Final = "/out/v1/{origin_endpoint}/{playlist}"
_NANOSECONDS_PER_SECOND: Final = 1_000_000_000


@dataclass(slots=True)
class _Slots:
    """One origin endpoint's, each with its span."""

    taken: deque[tuple[ProgramEntry, Span, int]] = field(default_factory=lambda: deque(maxlen=_SLOTS_MAX))
    """With when it was taken in, nanoseconds."""
    listed: deque[tuple[int, Span]] = field(default_factory=lambda: deque(maxlen=_SLOTS_MAX))
    """By media sequence; nobody has asked for a playlist since."""


class SlotTraces:
    """One per process."""

    def __init__(self, tracer: Tracer) -> None:
        self.is_on = tracer.is_on
        """Look before telling it of entries."""
        self._tracer = tracer
        self._slots: dict[str, _Slots] = {}

    def taken(self, programme: Programme, entry: ProgramEntry, message: StoredMessage, *, at: int) -> None:
        """An origin endpoint's next entry was taken from the log, at ``at`` (nanoseconds), and is not shown yet."""
        context = TraceContext.parse(message.headers)
        if context is None or not context.sampled or message.instant < clock.now_ticks() - _OLD:
            return
        endpoint = programme.endpoint
        span = self._tracer.begin(
            "list slot",
            kind=Kind.CONSUMER,
            start=to_nanoseconds(message.instant),
            parent=context,
            attributes={
                **processed(message.subject, template=PROGRAM_TEMPLATE, operation="list"),
                "understudy.channel": endpoint.channel_id,
                "understudy.origin_endpoint": endpoint.id,
                "understudy.media_sequence": entry.media_sequence,
                "understudy.time_delay_seconds": endpoint.time_delay_seconds,
                "understudy.available_in_seconds": round(to_seconds(entry.available_at - message.instant), 6),
            },
        )
        if span.is_kept:
            self._slots.setdefault(endpoint.guid, _Slots()).taken.append((entry, span, at))

    def shown(self, programme: Programme) -> None:
        """An origin endpoint's playlists are as of now: what has become available is in them."""
        slots = self._slots.get(programme.endpoint.guid)
        edge = programme.window.live_edge
        if slots is None or edge is None:
            return
        now = clock.now_nanoseconds()
        while slots.taken and slots.taken[0][0].media_sequence <= edge.media_sequence:
            entry, span, taken_at = slots.taken.popleft()
            _end(entry, span, taken_at=taken_at, now=now)
            slots.listed.append((entry.media_sequence, span))
        while len(slots.listed) > programme.listed_count:
            slots.listed.popleft()  # they have left the playlist, and nobody has seen them
        if slots.listed:

            def used(method: str, status: int, seconds: float) -> None:
                programme.board.on_use(ROUTE_MEDIA, None)
                _tell_use(slots, method, status, seconds)

            programme.board.on_use(ROUTE_MEDIA, used)

    def forget(self, guid: str) -> None:
        """The origin endpoint is gone."""
        self._slots.pop(guid, None)


def _end(entry: ProgramEntry, span: Span, *, taken_at: int, now: int) -> None:
    available_at = to_nanoseconds(entry.available_at)
    if available_at > taken_at:
        span.child("wait until available", start=taken_at).end(available_at)
    span.child("render playlists", start=max(available_at, taken_at)).end(now)
    span.end(now)


def _tell_use(slots: _Slots, method: str, status: int, seconds: float) -> None:
    """A media playlist was sent: it listed whatever has been shown up to now."""
    now = clock.now_nanoseconds()
    while slots.listed:
        media_sequence, span = slots.listed.popleft()
        span.child(
            f"{method} {_ROUTE}",
            kind=Kind.SERVER,
            start=now - int(seconds * _NANOSECONDS_PER_SECOND),
            attributes={
                "http.request.method": method,
                "http.route": _ROUTE,
                "http.response.status_code": status,
                "understudy.media_sequence": media_sequence,
            },
        ).end(now)
