"""``understudy export``: a channel of a running stack into a file that can be explained elsewhere."""

from __future__ import annotations

from pathlib import Path

from understudy_domain import keys
from understudy_domain.replay import WARM_UP_SECONDS
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_local.data_directory import DataDirectory
from understudy_local.export_file import Export, write_export
from understudy_local.stack_log import StackLog, with_stack
from understudy_runtime import clock
from understudy_runtime.messages import StoredMessage

_BEFORE = 5 * WARM_UP_SECONDS * TICKS_PER_SECOND
"""Entries from so much before the first arrival on: those that explain themselves, and what the others go on from."""


def export_running(directory: DataDirectory, *, channel_id: str, output: Path) -> Export:
    """Write all that ARRIVALS holds of a channel, and the entries of that time, into ``output``.

    Raises:
        StackNotRunning: no stack runs on ``directory``.
        NoSuchResource: it has no such channel.
        LogsUnreadable: its NATS server gives no answer.
        ExportUnusable: the file cannot be written.
    """

    async def read(stack: StackLog) -> Export:
        channel = stack.channel(channel_id)
        endpoints = stack.origin_endpoints_of(channel)
        log = stack.log_of(channel.guid)
        arrivals = await log.arrivals_messages()
        mine = [one for one in arrivals if keys.parse_arrivals_subject(one.subject).channel_guid is not None]
        program: list[StoredMessage] = []
        for endpoint in endpoints:
            begin = max(mine[0].instant - _BEFORE - endpoint.time_delay, 0) if mine else None
            program += await log.program_messages(endpoint.guid, begin=begin)
        return Export(clock.now_ticks(), channel, tuple(endpoints), tuple(arrivals), tuple(program))

    export = with_stack(directory, read)
    write_export(export, output)
    return export
