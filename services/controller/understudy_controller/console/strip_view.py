"""A strip as a page draws it: plain data, times in seconds since the epoch, on the axis of programme time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from understudy_domain.channel import OriginEndpoint
from understudy_domain.strip import Delivered, Shown
from understudy_domain.ticks import TICKS_PER_SECOND


def seconds(time: int) -> float:
    """Ticks in seconds, to the millisecond."""
    return round(time / TICKS_PER_SECOND, 3)


def delivered_view(one: Delivered) -> dict[str, Any]:
    """What an input has delivered for one segment's time."""
    return {
        "key": f"{one.input_id}/{seconds(one.place)}",
        "input": one.input_id,
        "start": seconds(one.start),
        "end": seconds(one.end),
        "arrived": seconds(one.arrived_at),
        "late": None if one.lateness is None else seconds(one.lateness),
        "renditions": one.renditions,
        "missing": one.missing,
        "filler": one.filler,
        "session": one.session,
        "last": one.last,
    }


def shown_view(one: Shown) -> dict[str, Any]:
    """One slot of one endpoint."""
    return {
        "key": f"{one.origin_endpoint}/{one.media_sequence}",
        "endpoint": one.origin_endpoint,
        "sequence": one.media_sequence,
        "slot": one.slot,
        "start": seconds(one.start),
        "end": seconds(one.end),
        "date": seconds(one.program_date_time),
        "runs": [{"input": run.input_id, "duration": seconds(run.duration)} for run in one.runs],
        "lost": one.lost,
        "active": one.active_input,
        "moved": one.moved,
        "reason": one.reason.value,
        "step": one.step,
        "discontinuity": one.discontinuity,
        "decided": seconds(one.decided_at),
        "deadline": None if one.deadline is None else seconds(one.deadline),
        "available": seconds(one.seen_at),
        "words": one.words,
        "headroom": None if one.headroom is None else seconds(one.headroom),
        "usual": None if one.usual_headroom is None else seconds(one.usual_headroom),
        "ended": one.ended,
    }


def still_last(view: dict[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What an input delivered, told anew: where it had ended once, nothing is missing behind it, though it goes on."""
    return {**view, "last": True} if before is not None and before["last"] else view


def endpoint_view(one: OriginEndpoint) -> dict[str, Any]:
    """What a page says of an endpoint before anything of it is known."""
    return {
        "guid": one.guid,
        "id": one.id,
        "delay": one.time_delay_seconds,
        "segment": one.hls_package.segment_duration_seconds,
        "window": one.startover_window_seconds,
    }
