"""``understudy explain``: why a slot came from where it came, on a running stack or from an export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint, configured
from understudy_domain.entry import ProgramEntry
from understudy_domain.explain import EVIDENCE_KEPT, Explanation
from understudy_domain.slot_replay import Programme, explain, moment_line
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import NoSuchResource
from understudy_local.export_file import read_export
from understudy_local.stack_log import StackLog, found, with_stack
from understudy_runtime import clock
from understudy_runtime.channel_log import logged_facts

_MILLISECOND: Final = ticks.from_seconds(0.001)


def explain_running(directory: DataDirectory, *, endpoint_id: str, sequence: int | None, at: int | None) -> Explanation:
    """Explain a slot of the stack that runs on ``directory``: by number, by programme time, or the newest.

    Raises:
        StackNotRunning: none does.
        NoSuchResource: there is no such origin endpoint or slot.
        LogsUnreadable: its NATS server gives no answer.
    """

    async def read(stack: StackLog) -> Explanation:
        endpoint = stack.origin_endpoint(endpoint_id)
        log = stack.log_of(endpoint.channel_guid)
        if at is not None:
            entries = await log.entries_around(endpoint.guid, at)
        else:
            last = await log.last_entry(endpoint.guid)
            newest = last.media_sequence if last is not None else 0
            entries = await log.entries_up_to(endpoint.guid, newest if sequence is None else sequence)
        entry = pick(entries, endpoint_id, sequence=sequence, at=at)
        arrivals = logged_facts(await log.arrivals_around(entry, entries))
        return explain(programme_of(endpoint, entries), entry, arrivals)

    return with_stack(directory, read)


def explain_file(path: Path, *, endpoint_id: str, sequence: int | None, at: int | None) -> Explanation:
    """Explain a slot from an export.

    Raises:
        ExportUnusable: the file is none.
        NoSuchResource: it holds no such origin endpoint or slot.
    """
    export = read_export(path)
    endpoint = found(list(export.origin_endpoints), "origin endpoint", endpoint_id)
    entries = export.entries(endpoint.guid)
    entry = pick(entries, endpoint_id, sequence=sequence, at=at)
    return explain(programme_of(endpoint, entries), entry, export.log())


def programme_of(endpoint: OriginEndpoint, entries: Sequence[ProgramEntry]) -> Programme:
    """What stands of an endpoint, with its present policy."""
    return Programme(endpoint.id, configured(endpoint, revision=0), entries)


def pick(entries: Sequence[ProgramEntry], endpoint_id: str, *, sequence: int | None, at: int | None) -> ProgramEntry:
    """The entry with this number, or the one that holds the programme of an instant, or the newest.

    Raises:
        NoSuchResource: there is none.
    """
    if sequence is not None:
        wanted = f"no slot of media sequence {sequence}"
        chosen = [one for one in entries if one.media_sequence == sequence]
    elif at is not None:
        wanted = f"no slot with the programme of {ticks.to_iso8601(at)}"
        # Times are shown to the millisecond: one that was copied from there means the slot it was shown for.
        chosen = [
            one
            for one in entries
            if one.program_date_time <= at + _MILLISECOND and at < one.program_date_time + one.end - one.start
        ]
    else:
        wanted = "no slot yet"
        chosen = list(entries)
    if not chosen:
        kept = "" if sequence is None and at is None else f": {EVIDENCE_KEPT}"
        raise NoSuchResource(f"the origin endpoint {endpoint_id} has {wanted}{kept}.")
    # The end of a programme repeats its last entry, which says more of the slot.
    return next(one for one in chosen if one.media_sequence == chosen[-1].media_sequence)


def instant_of(text: str) -> int:
    """``2026-11-23T12:00:07``, with a zone or without (UTC), or ``12:00:07`` of today; ticks.

    Raises:
        ValueError: it is none, or none of the years 1 to 9999 in UTC.
    """
    today = ticks.to_iso8601(clock.now_ticks())[:10]
    found_at = datetime.fromisoformat(text if "T" in text or " " in text else f"{today}T{text}")
    if found_at.tzinfo is None:
        found_at = found_at.replace(tzinfo=UTC)
    try:
        return ticks.from_datetime(found_at.astimezone(UTC))
    except OverflowError as err:
        raise ValueError(f"{text} is beyond the calendar in UTC") from err


def as_text(told: Explanation) -> str:
    """For people."""
    head = f"{told.origin_endpoint}, media sequence {told.media_sequence}, programme of {told.program_date_time}"
    lines = [head, "", *told.sentences, "", told.basis_is]
    if told.moments:
        lines += ["", *(moment_line(moment) for moment in told.moments)]
    return "\n".join(lines)
