"""Appending entries to PROGRAM, fenced: one in flight for each endpoint, each on top of the one before.

An append names the sequence that the endpoint's last entry must have. So two controllers that both believe they own a
channel cannot fork its programme, and an acknowledgement that got lost is recognised: the last entry is then our own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from understudy_domain import codec
from understudy_domain.entry import ProgramEntry
from understudy_domain.keys import PROGRAM_STREAM, program_subject
from understudy_runtime.errors import BusRefused, BusUnavailable, WrongLastSequence
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.messaging_spans import PROGRAM_TEMPLATE, PUBLISH_ENTRY, published
from understudy_runtime.tracing import NO_SPAN, Kind, Span

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.2

Appended = Callable[[ProgramEntry, int], None]
"""Called with an entry and its PROGRAM sequence once it stands."""
Superseded = Callable[[int], None]
"""Called with the shard of an endpoint where another's entry stands in the place of ours."""


@dataclass(slots=True)
class _Line:
    """What is to be appended for one endpoint."""

    shard: int
    subject: str
    last_sequence: int
    waiting: deque[tuple[ProgramEntry, Span]] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Appender:
    """Appends in order for each endpoint, endpoints independently of each other."""

    def __init__(self, bus: Bus, *, on_appended: Appended, on_superseded: Superseded) -> None:
        self._bus = bus
        self._on_appended = on_appended
        self._on_superseded = on_superseded
        self._lines: dict[str, _Line] = {}

    def open(self, origin_endpoint: str, *, shard: int, last_sequence: int) -> None:
        """Make an endpoint known; ``last_sequence``: of its last entry in PROGRAM, 0 if it has none."""
        self._lines.setdefault(origin_endpoint, _Line(shard, program_subject(shard, origin_endpoint), last_sequence))

    def forget(self, origin_endpoint: str) -> None:
        """An endpoint was deleted: what is still waiting is dropped."""
        line = self._lines.pop(origin_endpoint, None)
        if line is not None:
            line.waiting.clear()

    def forget_shards(self, shards: Collection[int]) -> None:
        """Another controller decides for these now: what is waiting is dropped, what is in flight is not pursued."""
        for origin_endpoint in [name for name, line in self._lines.items() if line.shard in shards]:
            task = self._lines[origin_endpoint].task
            self.forget(origin_endpoint)
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    def append(self, entry: ProgramEntry, *, span: Span = NO_SPAN) -> None:
        """Append after everything that waits for the same endpoint; returns at once.

        ``span``: the decision's, which ends when the entry stands.

        An endpoint that is not open is deleted already, and the log is yet to say so: its entries go nowhere.
        """
        line = self._lines.get(entry.origin_endpoint)
        if line is None:
            return
        line.waiting.append((entry, span))
        if line.task is None:
            line.task = asyncio.get_running_loop().create_task(self._work_off(line), name="append")

    def is_idle(self, origin_endpoint: str) -> bool:
        """Whether everything decided for the endpoint stands in PROGRAM."""
        line = self._lines.get(origin_endpoint)
        return line is None or not line.waiting

    def knows(self, origin_endpoint: str) -> bool:
        """Whether anything is appended for the endpoint here."""
        return origin_endpoint in self._lines

    @property
    def waiting(self) -> int:
        """Entries that are decided and do not stand yet."""
        return sum(len(line.waiting) for line in self._lines.values())

    async def drain(self, shards: Collection[int], *, seconds: float) -> None:
        """Wait for what is waiting for these shards, at most so long."""
        tasks = [line.task for line in self._lines.values() if line.task is not None and line.shard in shards]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=seconds)
            for task in pending:
                task.cancel()

    async def _work_off(self, line: _Line) -> None:
        try:
            while line.waiting:
                entry, span = line.waiting[0]
                span.name_in_logs()
                with span:
                    sequence = await self._store(line, entry, span)
                    if sequence is None or not line.waiting:
                        span.fail("superseded")
                        continue
                    line.waiting.popleft()
                    line.last_sequence = sequence
                    self._on_appended(entry, sequence)
        finally:
            line.task = None

    async def _store(self, line: _Line, entry: ProgramEntry, span: Span) -> int | None:
        """The sequence at which the entry stands, however long it takes; None if another stands in its place."""
        payload = codec.encode(entry)
        with span.child(PUBLISH_ENTRY, kind=Kind.PRODUCER) as publishing:
            if publishing.is_kept:
                publishing.set(published(line.subject, template=PROGRAM_TEMPLATE, size=len(payload)))
            return await self._publish(line, payload, publishing.headers())

    async def _publish(self, line: _Line, payload: bytes, headers: dict[str, str] | None) -> int | None:
        while True:
            try:
                # No message id: a duplicate id with the right sequence is acknowledged and not stored.
                return await self._bus.publish(
                    line.subject, payload, expected_last_subject_sequence=line.last_sequence, headers=headers
                )
            except WrongLastSequence:
                standing = await self._standing(line)
            except (BusUnavailable, BusRefused) as err:
                _log.warning("cannot append, trying again: %s", err, extra={"subject": line.subject})
                await asyncio.sleep(_RETRY_SECONDS)
                standing = await self._standing(line)
            if standing is not None and standing.payload == payload:
                return standing.sequence
            if standing is not None and standing.sequence != line.last_sequence:
                self._give_way(line, standing)
                return None
            if not line.waiting:
                return None  # the endpoint was deleted meanwhile, and with it what its programme ended with
            if standing is None:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _standing(self, line: _Line) -> StoredMessage | None:
        while True:
            try:
                return await self._bus.last_message(PROGRAM_STREAM, line.subject)
            except (BusUnavailable, BusRefused) as err:
                _log.warning("cannot read the last entry, trying again: %s", err, extra={"subject": line.subject})
                await asyncio.sleep(_RETRY_SECONDS)

    def _give_way(self, line: _Line, standing: StoredMessage) -> None:
        _log.error("another controller has appended, going on from its entry", extra={"subject": line.subject})
        line.last_sequence = standing.sequence
        line.waiting.clear()
        self._on_superseded(line.shard)
