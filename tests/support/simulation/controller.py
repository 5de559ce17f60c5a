"""A controller as a machine of small steps: it can be stopped, killed or overtaken between any two of them.

One step reads one message, appends one entry, or writes a snapshot. What it does in each is what the decision loop
around the core does; the core, the records and the fence are the real ones, or the same.
"""

from __future__ import annotations

from collections import deque

from support.simulation.logs import Logs, WrongLastSequence
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import Tick
from understudy_domain.fold import ChannelFold


class Controller:
    """One process that decides for the channel, or believes so."""

    def __init__(self, logs: Logs, channel: str, *, name: int) -> None:
        """Starts from what stands: the snapshot, and each endpoint's last entry."""
        self.name = name
        self._logs = logs
        self._waiting: dict[str, deque[ProgramEntry]] = {}
        self._last_sequence: dict[str, int] = {}
        standing: dict[str, ProgramEntry] = {}
        for guid in logs.program.entries:
            last = logs.program.last(guid)
            if last is not None:
                self._last_sequence[guid] = last[0]
                standing[guid] = codec.decode_as(ProgramEntry, last[1])
        state = codec.decode_as(ChannelState, logs.snapshot) if logs.snapshot is not None else None
        self.fold = ChannelFold(state or ChannelState(channel), standing=standing)
        self.position = self.fold.state.sequence
        if state is not None:
            self._take(self.fold.resume())

    @property
    def may_read(self) -> bool:
        """Something in ARRIVALS is new to it."""
        return self.position < len(self._logs.arrivals)

    @property
    def waiting(self) -> list[str]:
        """Endpoints with decided entries that do not stand yet."""
        return [guid for guid, line in self._waiting.items() if line]

    def read(self) -> None:
        """Read the next message. What it has seen before, it skips, as after a reconnection."""
        self.position += 1
        message = self._logs.arrivals[self.position - 1]
        if isinstance(message.fact, Tick):
            self._take(self.fold.pass_time(message.instant))
        elif self.position > self.fold.state.sequence:
            entries = self.fold.apply(
                message.fact, input_id=message.input_id, instant=message.instant, sequence=self.position
            )
            self._take(entries)

    def append(self, guid: str, *, acknowledged: bool = True) -> ProgramEntry | None:
        """Append the first waiting entry of an endpoint; the entry if it was this call that made it stand.

        Not ``acknowledged``: it stands, and the writer does not hear of it.
        """
        line = self._waiting[guid]
        entry, payload = line[0], codec.encode(line[0])
        try:
            sequence = self._logs.program.append(guid, payload, expected_last_sequence=self._last_sequence.get(guid, 0))
        except WrongLastSequence:
            last = self._logs.program.last(guid)
            assert last is not None
            self._last_sequence[guid] = last[0]
            self._give_way(line, codec.decode_as(ProgramEntry, last[1]))
            return None
        if acknowledged:
            line.popleft()
            self._last_sequence[guid] = sequence
        return entry

    def _give_way(self, line: deque[ProgramEntry], standing: ProgramEntry) -> None:
        """Somebody else has appended. What is decided here and stands already is done; another decision is adopted."""
        if standing in line:
            while line.popleft() != standing:
                pass
            return
        line.clear()
        self.fold.adopt(standing)
        self._take(self.fold.resume())

    def save(self) -> None:
        """Write a snapshot, if all that is decided stands."""
        if not self.waiting and self.fold.state.sequence:
            self._logs.snapshot = codec.encode(self.fold.state)

    def _take(self, entries: list[ProgramEntry]) -> None:
        for entry in entries:
            self._waiting.setdefault(entry.origin_endpoint, deque()).append(entry)
