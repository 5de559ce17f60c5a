"""Events of every kind, with what each may have."""

from __future__ import annotations

from typing import Any

from understudy_domain import ticks
from understudy_domain.entry import Evidence, InputEvidence
from understudy_domain.event import Event, EventKind
from understudy_domain.interchange import Grade, Mismatch
from understudy_domain.reason import Reason
from understudy_domain.status import Seam
from understudy_domain.ticks import from_seconds

INSTANT = ticks.from_seconds(1_800_000_000)
CHANNEL, ENDPOINT = "a" * 32, "b" * 32
_OF_INPUTS: dict[str, Any] = {"origin_endpoint": None, "origin_endpoint_id": None, "media_sequence": None}


def event(kind: EventKind, **more: Any) -> Event:
    """One of an origin endpoint, with the fields that all of those may have."""
    fields: dict[str, Any] = {
        "instant": INSTANT,
        "words": f"It was {kind}.",
        "channel_id": "news",
        "origin_endpoint": ENDPOINT,
        "origin_endpoint_id": "news-hls",
        "slot": 20,
        "media_sequence": 41,
        "active_input": 2,
    }
    return Event(kind, CHANNEL, **{**fields, **more})


def every_kind() -> list[Event]:
    """One of each."""
    inputs = (
        InputEvidence(1, complete=False, missing=("v1",), due=INSTANT, dead=True, completed_at=None),
        InputEvidence(2, complete=True, missing=(), due=INSTANT, dead=False, completed_at=INSTANT),
    )
    evidence = Evidence(deadline=INSTANT, inputs=inputs)
    decided: dict[str, Any] = {
        "reason": Reason.FAILOVER,
        "step": 4,
        "evidence": evidence,
        "lateness": 90,
        "waited": 45_000,
        "seam": Seam.DISCONTINUITY,
        "jump": from_seconds(1.5),
        "renditions": ("v1",),
    }
    special: dict[EventKind, dict[str, Any]] = {
        EventKind.HOLD_ENDED: {"duration": from_seconds(3)},
        EventKind.INPUT_LOST: {**_OF_INPUTS, "input_id": 1, "duration": from_seconds(7), "ended": True},
        EventKind.INPUT_RECOVERED: {**_OF_INPUTS, "input_id": 1, "duration": from_seconds(22)},
        EventKind.INPUTS_MISMATCH: {**_OF_INPUTS, "grade": Grade.NONE, "mismatches": {"v1": Mismatch.TIMESTAMPS}},
        EventKind.INPUTS_MATCH: {**_OF_INPUTS, "grade": Grade.JOINABLE, "renditions": ("v1",)},
        EventKind.HARVEST_SUCCEEDED: {"harvest_job": "c" * 32, "harvest_job_id": "clip"},
        EventKind.HARVEST_FAILED: {"harvest_job": "d" * 32, "harvest_job_id": "clip-2"},
        EventKind.OPERATOR_ACTION: {**_OF_INPUTS, "author": "ann", "operation": "SwitchOver"},
    }
    return [event(kind, **special.get(kind, decided)) for kind in EventKind]
