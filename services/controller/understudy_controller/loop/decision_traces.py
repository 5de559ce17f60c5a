"""Traces of decisions: each is the child of the upload that its slot waited for last, and linked to the others.

Which upload a piece came with is told by its object key. What is remembered of uploads is bounded, as decisions come
soon after; facts that a successor reads again make no spans, only the decisions do that follow from them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from understudy_domain.entry import EntryPiece, EntryRendition, InputEvidence, ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.headroom import headroom
from understudy_domain.ticks import to_nanoseconds, to_seconds
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.messages import StoredMessage
from understudy_runtime.messaging_spans import ARRIVALS_TEMPLATE, processed
from understudy_runtime.trace_context import TraceContext
from understudy_runtime.tracing import NO_SPAN, Kind, Link, Span, Tracer, Value

_UPLOADS_MAX: Final = 65_536
"""Sampled uploads that are remembered, about 40 MB: two minutes of a hundred channels that are all traced."""


@dataclass(frozen=True, slots=True)
class _Upload:
    context: TraceContext
    subject: str
    sequence: int
    instant: int
    """When its fact was stored, ticks."""


class DecisionTraces:
    """One per process."""

    def __init__(self, tracer: Tracer, store: ConfigStore) -> None:
        self.is_on = tracer.is_on
        """Look before telling it of facts, of which there are many."""
        self._tracer = tracer
        self._store = store
        self._uploads: OrderedDict[str, _Upload] = OrderedDict()

    @property
    def remembered(self) -> int:
        """Uploads, at present."""
        return len(self._uploads)

    def arrived(self, fact: SegmentArrived, message: StoredMessage) -> None:
        """A segment's fact was read; its message says which trace it belongs to, if that is sampled."""
        context = TraceContext.parse(message.headers)
        if context is None or not context.sampled:
            return
        self._uploads[fact.object_key] = _Upload(context, message.subject, message.sequence, message.instant)
        if len(self._uploads) > _UPLOADS_MAX:
            self._uploads.popitem(last=False)  # a plain dict would look for its first one past all that have gone

    def decided(self, entry: ProgramEntry) -> Span:
        """A span that lasts from when the slot's last upload was reported until its entry stands."""
        if not self.is_on or entry.ended:
            return NO_SPAN
        found = [
            (self._uploads[piece.object_key], rendition, piece)
            for rendition, piece in _pieces(entry)
            if piece.object_key in self._uploads
        ]
        last = max((upload for upload, _, _ in found), key=lambda one: one.sequence, default=None)
        if last is None and not entry.is_gap:
            return NO_SPAN  # none of them is sampled
        start = to_nanoseconds(entry.as_of.instant if last is None else last.instant)
        span = self._tracer.begin(
            "decide slot",
            kind=Kind.CONSUMER,
            start=start,
            parent=None if last is None else last.context,
            together=entry.channel,
            links=[
                Link(upload.context, {"understudy.rendition": rendition.rendition, "understudy.input": piece.input_id})
                for upload, rendition, piece in found
                if upload is not last
            ],
            attributes=self._attributes(entry, last),
        )
        if span.is_kept:
            _tell_inputs(span, entry)
            if to_nanoseconds(entry.as_of.instant) > start:
                waiting = span.child("wait to decide", start=start)
                waiting.end(to_nanoseconds(entry.as_of.instant))
        return span

    def _attributes(self, entry: ProgramEntry, last: _Upload | None) -> dict[str, Value]:
        channel = self._store.channel_by_guid(entry.channel)
        endpoint = self._store.origin_endpoint_by_guid(entry.origin_endpoint)
        found: dict[str, Value] = {
            "understudy.channel": entry.channel if channel is None else channel.value.id,
            "understudy.origin_endpoint": entry.origin_endpoint if endpoint is None else endpoint.value.id,
            "understudy.slot": entry.slot,
            "understudy.media_sequence": entry.media_sequence,
            "understudy.active_input": entry.active_input,
            "understudy.inputs": sorted({piece.input_id for _, piece in _pieces(entry)}),
            "understudy.pieces": sum(1 for _ in _pieces(entry)),
            "understudy.reason": entry.reason.value,
            "understudy.step": entry.step,
            "understudy.discontinuity": entry.discontinuity,
            "understudy.gap": entry.is_gap,
        }
        left = headroom(entry)
        if left is not None:
            found["understudy.headroom_seconds"] = round(to_seconds(left), 6)
        if last is not None:
            found.update(processed(last.subject, template=ARRIVALS_TEMPLATE, operation="decide"))
        return found


def _pieces(entry: ProgramEntry) -> Iterator[tuple[EntryRendition, EntryPiece]]:
    return ((rendition, piece) for rendition in entry.renditions for piece in rendition.pieces)


def _tell_inputs(span: Span, entry: ProgramEntry) -> None:
    for one in entry.evidence.inputs:
        if one.completed_at is not None:
            span.event("input complete", _of_input(one, one.completed_at), at=to_nanoseconds(one.completed_at))
        elif one.missing:
            attributes: dict[str, Value] = {"understudy.input": one.input_id, "understudy.missing": list(one.missing)}
            span.event("input incomplete", attributes, at=to_nanoseconds(entry.as_of.instant))


def _of_input(one: InputEvidence, completed_at: int) -> dict[str, Value]:
    found: dict[str, Value] = {"understudy.input": one.input_id}
    if one.due is not None:
        found["understudy.lateness_seconds"] = round(to_seconds(completed_at - one.due), 6)
    return found
