"""An event in people's units, for the API and the command line: instants in ISO 8601, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from understudy_domain import ticks
from understudy_domain.entry import InputEvidence
from understudy_domain.event import Event, EventKind
from understudy_domain.interchange import Grade, Mismatch
from understudy_domain.reason import Reason
from understudy_domain.status import Seam


@dataclass(frozen=True, slots=True)
class EventInput:
    """What an event's decision knew of one input."""

    input: int
    complete: bool
    missing: tuple[str, ...]
    """Renditions that lacked a piece of the slot."""
    due: str | None
    dead: bool
    completed_at: str | None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event. What does not belong to its kind is null or empty."""

    id: str
    """The same for the same event, however often it is read."""
    kind: EventKind
    at: str
    """When it happened, log time."""
    channel: str
    """Its id when it was told."""
    origin_endpoint: str | None
    """Its id when it was told."""
    input: int | None
    """The input that was lost or recovered."""
    words: str
    """A sentence."""
    slot: int | None
    media_sequence: int | None
    reason: Reason | None
    step: int | None
    """Of the failover rule."""
    active_input: int | None
    """From here on."""
    deadline: str | None
    lateness_seconds: float | None
    """How long after the slot was due from the input that was active it was decided."""
    waited_seconds: float | None
    """How much later than planned viewers may see the slot."""
    inputs: tuple[EventInput, ...]
    seam: Seam | None
    """Between this slot and the one before."""
    jump_seconds: float | None
    """What the programme skips at a discontinuity; negative: what it repeats."""
    renditions: tuple[str, ...]
    """In which nothing is left of the slot, or which were compared."""
    duration_seconds: float | None
    """Of a hold, or of an input's silence."""
    ended: bool
    """The lost input's playlists carry EXT-X-ENDLIST."""
    grade: Grade | None
    """What is proven of the inputs now."""
    mismatches: Mapping[str, Mismatch]
    """By rendition, in what the inputs differ."""
    harvest_job: str | None
    """The id of the harvest job that is done."""
    author: str | None
    """Who did what an operator did; empty where nobody has to say who they are."""
    operation: str | None
    """Of the control API."""


def event_view(event: Event) -> EventView:
    """The event as people read it."""
    evidence = event.evidence
    return EventView(
        id=event.id,
        kind=event.kind,
        at=ticks.to_iso8601(event.instant),
        channel=event.channel_id,
        origin_endpoint=event.origin_endpoint_id,
        input=event.input_id,
        words=event.words,
        slot=event.slot,
        media_sequence=event.media_sequence,
        reason=event.reason,
        step=event.step,
        active_input=event.active_input,
        deadline=_instant(evidence.deadline) if evidence is not None else None,
        lateness_seconds=_seconds(event.lateness),
        waited_seconds=_seconds(event.waited),
        inputs=tuple(_input(one) for one in evidence.inputs) if evidence is not None else (),
        seam=event.seam,
        jump_seconds=_seconds(event.jump),
        renditions=event.renditions,
        duration_seconds=_seconds(event.duration),
        ended=event.ended,
        grade=event.grade,
        mismatches=event.mismatches,
        harvest_job=event.harvest_job_id,
        author=event.author,
        operation=event.operation,
    )


def _input(one: InputEvidence) -> EventInput:
    return EventInput(one.input_id, one.complete, one.missing, _instant(one.due), one.dead, _instant(one.completed_at))


def _instant(instant: int | None) -> str | None:
    return None if instant is None else ticks.to_iso8601(instant)


def _seconds(duration: int | None) -> float | None:
    """Seconds to the millisecond."""
    return None if duration is None else round(ticks.to_seconds(duration), 3)
