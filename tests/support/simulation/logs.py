"""The two logs, and where snapshots rest: bytes in, bytes out, as NATS keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.simulation.violation import require
from understudy_domain import codec
from understudy_domain.facts import Fact, Tick


@dataclass(frozen=True, slots=True)
class LoggedFact:
    """One message of ARRIVALS; its sequence is its place, from 1."""

    instant: int
    input_id: int | None
    fact: Fact
    """As read back from its bytes."""

    @property
    def is_tick(self) -> bool:
        """It tells nothing but the time."""
        return isinstance(self.fact, Tick)


class WrongLastSequence(Exception):
    """The subject's last message is another one than the writer believes."""


@dataclass(slots=True)
class ProgramLog:
    """PROGRAM: by endpoint, its entries. A sequence is a place in the endpoint's own list, from 1."""

    entries: dict[str, list[bytes]] = field(default_factory=dict)

    def append(self, origin_endpoint: str, payload: bytes, *, expected_last_sequence: int) -> int:
        """Append on top of what the writer knows; returns the sequence.

        Raises:
            WrongLastSequence: something else is on top.
        """
        entries = self.entries.setdefault(origin_endpoint, [])
        if self.is_fenced and len(entries) != expected_last_sequence:
            raise WrongLastSequence
        entries.append(payload)
        return len(entries)

    @property
    def is_fenced(self) -> bool:
        """Whether appends are refused that do not know what they stand on."""
        return True

    def last(self, origin_endpoint: str) -> tuple[int, bytes] | None:
        """An endpoint's newest entry and its sequence."""
        entries = self.entries.get(origin_endpoint)
        return (len(entries), entries[-1]) if entries else None


def logged(instant: int, input_id: int | None, fact: Fact) -> LoggedFact:
    """A fact as whoever reads the log gets it."""
    read = codec.decode(codec.encode(fact))
    require(isinstance(read, Fact) and read == fact, "records", f"{fact} is read back as {read}")
    assert isinstance(read, Fact)
    return LoggedFact(instant, input_id, read)


@dataclass(slots=True)
class Logs:
    """Everything that outlives a process."""

    arrivals: list[LoggedFact] = field(default_factory=list)
    program: ProgramLog = field(default_factory=ProgramLog)
    snapshot: bytes | None = None
    """The channel's newest snapshot, whoever wrote it last."""
