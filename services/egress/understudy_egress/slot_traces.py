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

_SLOTS_MAX: Final = 65_536
"""Of all origin endpoints that wait until they are available, about 30 MB. Further ones are not traced meanwhile."""
_SLOTS_OF_ENDPOINT_MAX: Final = 1_024
"""Of one origin endpoint, so that a time delay of a day leaves the others some: half an hour of 2 s segments."""
_UNASKED_MAX: Final = 64
"""Of one origin endpoint that are listed and nobody has asked for: the request that does makes a span for each."""
_OLD: Final = 60 * TICKS_PER_SECOND
"""What stands for longer is read again, and not new."""
_ROUTE: Final = "/out/v1/{origin_endpoint}/{playlist}"
_NANOSECONDS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Taken:
    """A slot that waits. Its span is made when it is over: an open one would take eight times as much memory."""

    parent: TraceContext
    subject: str
    media_sequence: int
    stored: int
    """When its entry stood in the log, ticks."""
    available_at: int
    """Ticks."""
    at: int
    """When it was taken in, nanoseconds."""


@dataclass(slots=True)
class _Slots:
    """One origin endpoint's."""

    taken: deque[_Taken] = field(default_factory=deque)
    listed: deque[tuple[int, TraceContext]] = field(default_factory=deque)
    """By media sequence, with the span that told so; nobody has asked for a playlist since."""


class SlotTraces:
    """One per process."""

    def __init__(self, tracer: Tracer) -> None:
        self.is_on = tracer.is_on
        """Look before telling it of entries."""
        self.waiting = 0
        """Slots that were taken in and are not available yet."""
        self._tracer = tracer
        self._slots: dict[str, _Slots] = {}

    def taken(self, programme: Programme, entry: ProgramEntry, message: StoredMessage, *, at: int) -> None:
        """An origin endpoint's next entry was taken from the log, at ``at`` (nanoseconds), and is not shown yet."""
        context = TraceContext.parse(message.headers)
        if context is None or not context.sampled or message.instant < clock.now_ticks() - _OLD:
            return
        slots = self._slots.setdefault(programme.endpoint.guid, _Slots())
        if self.waiting >= _SLOTS_MAX or len(slots.taken) >= _SLOTS_OF_ENDPOINT_MAX:
            return
        self.waiting += 1
        slots.taken.append(
            _Taken(context, message.subject, entry.media_sequence, message.instant, entry.available_at, at)
        )

    def shown(self, programme: Programme) -> None:
        """An origin endpoint's playlists are as of now: what has become available is in them."""
        slots = self._slots.get(programme.endpoint.guid)
        edge = programme.window.live_edge
        if slots is None or edge is None:
            return
        now = clock.now_nanoseconds()
        while slots.taken and slots.taken[0].media_sequence <= edge.media_sequence:
            slot = slots.taken.popleft()
            self.waiting -= 1
            context = self._tell(programme, slot, now=now).context
            if context is not None:
                slots.listed.append((slot.media_sequence, context))
        while len(slots.listed) > min(programme.listed_count, _UNASKED_MAX):
            slots.listed.popleft()  # they have left the playlist, or almost, and nobody has seen them
        if slots.listed:

            def used(method: str, status: int, seconds: float) -> None:
                if method == "GET":  # who asks for the head alone has not read what is listed
                    programme.board.on_use(ROUTE_MEDIA, None)
                    self._tell_use(slots, status, seconds)

            programme.board.on_use(ROUTE_MEDIA, used)

    def _tell(self, programme: Programme, slot: _Taken, *, now: int) -> Span:
        """That it is listed now."""
        endpoint = programme.endpoint
        span = self._tracer.begin(
            "list slot",
            kind=Kind.CONSUMER,
            start=to_nanoseconds(slot.stored),
            parent=slot.parent,
            attributes={
                **processed(slot.subject, template=PROGRAM_TEMPLATE, operation="list"),
                "understudy.channel": endpoint.channel_id,
                "understudy.origin_endpoint": endpoint.id,
                "understudy.media_sequence": slot.media_sequence,
                "understudy.time_delay_seconds": endpoint.time_delay_seconds,
                "understudy.available_in_seconds": round(to_seconds(slot.available_at - slot.stored), 6),
            },
        )
        available_at = to_nanoseconds(slot.available_at)
        if available_at > slot.at:
            span.child("wait until available", start=slot.at).end(available_at)
        span.child("render playlists", start=max(available_at, slot.at)).end(now)
        span.end(now)
        return span

    def _tell_use(self, slots: _Slots, status: int, seconds: float) -> None:
        """A media playlist was sent: it listed whatever has been shown up to now."""
        now = clock.now_nanoseconds()
        while slots.listed:
            media_sequence, context = slots.listed.popleft()
            self._tracer.begin(
                f"GET {_ROUTE}",
                kind=Kind.SERVER,
                start=now - int(seconds * _NANOSECONDS_PER_SECOND),
                parent=context,
                attributes={
                    "http.request.method": "GET",
                    "http.route": _ROUTE,
                    "http.response.status_code": status,
                    "understudy.media_sequence": media_sequence,
                },
            ).end(now)

    def forget(self, guid: str) -> None:
        """The origin endpoint is gone."""
        slots = self._slots.pop(guid, None)
        if slots is not None:
            self.waiting -= len(slots.taken)
