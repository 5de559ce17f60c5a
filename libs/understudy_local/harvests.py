"""``understudy harvests``: the harvest jobs of a running stack, and how far they have come."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from understudy_domain import ticks
from understudy_domain.harvest_job import HarvestJob
from understudy_local.data_directory import DataDirectory
from understudy_local.stack_log import StackLog, with_stack
from understudy_runtime.harvest_jobs import HarvestJobs

_BAR: Final = 20
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_THOUSAND: Final = 1_000

Write = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    channel_id: str | None
    watch: bool
    as_json: bool

    def line_of(self, job: HarvestJob) -> str:
        """One job on one line."""
        return json.dumps(plain(job)) if self.as_json else line_of(job)

    def holds(self, job: HarvestJob) -> bool:
        """Whether a job is wanted."""
        return self.channel_id in (None, job.origin_endpoint.channel_id)


def show_running(directory: DataDirectory, wanted: Wanted, *, write: Write) -> None:
    """Write the jobs of the stack that runs on ``directory``, oldest first; then follow those that are not done.

    Raises:
        StackNotRunning: none does.
        LogsUnreadable: its NATS server gives no answer.
    """

    async def show(stack: StackLog) -> set[str]:
        found = [job for job in await HarvestJobs(stack.bus).all() if wanted.holds(job)]
        for job in sorted(found, key=lambda job: job.created_at):
            write(wanted.line_of(job))
        if not found and not wanted.as_json:
            write("there are no harvest jobs")
        return {job.id for job in found if not job.is_done}

    async def follow(stack: StackLog, waiting: set[str]) -> None:
        shown: dict[str, str] = {}
        async with aclosing(HarvestJobs(stack.bus).follow()) as stored_jobs:
            async for job, _ in stored_jobs:
                line = wanted.line_of(job)
                if job.id in waiting and shown.get(job.id) != line:
                    shown[job.id] = line
                    write(line)
                if job.is_done:
                    waiting.discard(job.id)
                if not waiting:
                    return

    waiting = with_stack(directory, show)
    if wanted.watch and waiting:
        with_stack(directory, lambda stack: follow(stack, waiting), patience_seconds=None)


def plain(job: HarvestJob) -> dict[str, Any]:
    """A job for programs: fields as the control API's, in snake case."""
    plan, progress = job.plan, job.progress
    return {
        "id": job.id,
        "channel": job.origin_endpoint.channel_id,
        "origin_endpoint": job.origin_endpoint.id,
        "start": ticks.to_iso8601(job.start),
        "end": ticks.to_iso8601(job.end),
        "bucket": job.destination.bucket_name,
        "manifest_key": job.destination.manifest_key,
        "status": job.status.value,
        "segments_stored": progress.segments if progress is not None else 0,
        "segments_total": plan.segments if plan is not None else None,
        "bytes_stored": progress.bytes if progress is not None else 0,
        "bytes_total": plan.bytes if plan is not None else None,
        "message": job.message,
        "ended_at": None if job.ended_at is None else ticks.to_iso8601(job.ended_at),
    }


def line_of(job: HarvestJob) -> str:
    """A job for people: what it is, how far it is, and what it says of itself."""
    state = job.status.value.lower().replace("_", " ")
    window = f"{ticks.to_iso8601(job.start)[:-5]}Z to {ticks.to_iso8601(job.end)[11:-5]}Z of {job.origin_endpoint.id}"
    where = f"{job.destination.bucket_name}/{job.destination.manifest_key}"
    said = f"  ({job.message})" if job.message else ""
    return f"{job.id:<20}  {state:<11}  {_bar(job)}  {window}  {where}{said}"


def _bar(job: HarvestJob) -> str:
    total = job.plan.segments if job.plan is not None else 0
    done = job.progress.segments if job.progress is not None else 0
    filled = _BAR * done // total if total else 0
    size = _size(job.progress.bytes if job.progress is not None else 0)
    count = f"{done}/{total or '?'} segments"
    return f"[{'#' * filled:<{_BAR}}] {count:<20} {size:>8}"


def _size(size: float) -> str:
    unit = 0
    while size >= _THOUSAND and unit < len(_UNITS) - 1:
        size /= _THOUSAND
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
