"""``understudy what-if``: what an origin endpoint would have done with the recent arrivals under other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.replay import LoggedFact
from understudy_domain.what_if import CannotReplay, Course, WhatIf, what_if
from understudy_domain.words import counted
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import NothingToReplay
from understudy_local.explain import programme_of
from understudy_local.export_file import read_export
from understudy_local.stack_log import StackLog, found, with_stack


def what_if_running(
    directory: DataDirectory, *, endpoint_id: str, segment_seconds: float | None, delay_seconds: float | None
) -> WhatIf:
    """Replay what ARRIVALS holds on the stack that runs on ``directory``; None leaves a number as it is.

    Raises:
        StackNotRunning: none does.
        NoSuchResource: there is no such origin endpoint.
        LogsUnreadable: its NATS server gives no answer.
        NothingToReplay: ARRIVALS holds too little.
    """

    async def read(stack: StackLog) -> tuple[OriginEndpoint, list[ProgramEntry], list[LoggedFact]]:
        endpoint = stack.origin_endpoint(endpoint_id)
        log = stack.log_of(endpoint.channel_guid)
        arrivals = await log.arrivals()
        begin = arrivals[0].instant if arrivals else None
        return endpoint, await log.entries(endpoint.guid, begin=begin), arrivals

    endpoint, entries, arrivals = with_stack(directory, read)
    return _what_if(endpoint, entries, arrivals, segment_seconds, delay_seconds)


def what_if_file(path: Path, *, endpoint_id: str, segment_seconds: float | None, delay_seconds: float | None) -> WhatIf:
    """The same from an export.

    Raises:
        ExportUnusable: the file is none.
        NoSuchResource: it holds no such origin endpoint.
        NothingToReplay: its arrivals are too few.
    """
    export = read_export(path)
    endpoint = found(list(export.origin_endpoints), "origin endpoint", endpoint_id)
    return _what_if(endpoint, export.entries(endpoint.guid), export.log(), segment_seconds, delay_seconds)


def _what_if(
    endpoint: OriginEndpoint,
    entries: Sequence[ProgramEntry],
    log: Sequence[LoggedFact],
    segment_seconds: float | None,
    delay_seconds: float | None,
) -> WhatIf:
    programme = programme_of(endpoint, entries)
    policy = programme.configured
    try:
        return what_if(
            programme,
            log,
            segment_duration=policy.segment_duration
            if segment_seconds is None
            else ticks.from_seconds(segment_seconds),
            time_delay=policy.time_delay if delay_seconds is None else ticks.from_seconds(delay_seconds),
        )
    except CannotReplay as err:
        raise NothingToReplay(str(err)) from err


def as_text(found_out: WhatIf) -> str:
    """For people."""
    return "\n".join(
        [
            f"{found_out.origin_endpoint}, arrivals from {found_out.begin} to {found_out.end}",
            found_out.begins_with,
            "",
            *_course("was", found_out.was),
            "",
            *_course("would have been", found_out.would_be),
        ]
    )


def _course(title: str, course: Course) -> list[str]:
    numbers = f"{course.segment_duration_seconds:g} s segments, {course.time_delay_seconds:g} s delay"
    counts = ", ".join(
        [
            counted(course.slots, "slot"),
            f"{course.switches} switches" if course.switches != 1 else "1 switch",
            counted(course.repairs, "repair"),
            f"{course.partial} in part",
            counted(course.gaps, "gap"),
            f"{course.discontinuities} discontinuities" if course.discontinuities != 1 else "1 discontinuity",
        ]
    )
    events = [f"  {event.decided_at[11:-1]}  {event.sentence}" for event in course.events]
    return [f"{title} ({numbers}): {counts}", *events]
