"""EVENTS: what a person would want to know of a channel, one record each; the kinds are a closed set.

An event is derived from the logs alone, so that it is the same whoever tells it: its id names what happened, not who
said so, and a successor that tells it again is recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from understudy_domain.codec import record
from understudy_domain.entry import Evidence
from understudy_domain.interchange import Grade, Mismatch
from understudy_domain.keys import EVENT_OF_CHANNEL, EVENT_OF_INPUTS
from understudy_domain.reason import Reason
from understudy_domain.status import Seam


class EventKind(StrEnum):
    """What happened."""

    PROGRAMME_STARTED = "programme_started"
    """An origin endpoint has its first slot, or goes on after its programme had ended."""
    PROGRAMME_ENDED = "programme_ended"
    """An origin endpoint's programme is over."""
    FAILOVER = "failover"
    """An origin endpoint follows the other input, because its own did not deliver."""
    SWITCHOVER = "switchover"
    """An origin endpoint follows the other input, because an operator asked for it."""
    FAILBACK = "failback"
    """An origin endpoint is back at the input that it prefers."""
    REPAIR = "repair"
    """Pieces that the active input lost came from the other one. Told when it begins."""
    COMBINE = "combine"
    """Pieces came from both inputs, or all of them from the one that is not followed. Told when it begins."""
    PARTIAL = "partial"
    """Part of a slot is lost to both inputs. Told when it begins, and when other renditions are concerned."""
    GAP = "gap"
    """All of a slot is lost to both inputs."""
    DISCONTINUITY = "discontinuity"
    """A slot does not continue the one before, and nothing else is told of it: content was skipped, or is another."""
    HOLD = "hold"
    """An origin endpoint has nothing to publish past a slot's deadline."""
    HOLD_ENDED = "hold_ended"
    """It is on time again."""
    INPUT_LOST = "input_lost"
    """An input that delivered does so no longer."""
    INPUT_RECOVERED = "input_recovered"
    """An input that was lost delivers again."""
    INPUTS_MISMATCH = "inputs_mismatch"
    """The inputs contradict what was proven of them: a change between them would be worse than before."""
    INPUTS_MATCH = "inputs_match"
    """The inputs are proven interchangeable, or more so than before."""
    HARVEST_SUCCEEDED = "harvest_succeeded"
    """A window of an origin endpoint stands as an asset in a bucket."""
    HARVEST_FAILED = "harvest_failed"
    """A harvest job came to nothing."""
    OPERATOR_ACTION = "operator_action"
    """Somebody changed or ordered something, over the API or in the console."""


@record("event")
@dataclass(frozen=True, slots=True)
class Event:
    """One event. Which of the fields below ``instant`` and ``words`` it has depends on its kind (docs/events.md)."""

    kind: EventKind
    channel: str
    """Guid."""
    instant: int
    """Log time, ticks since the epoch: when it happened, not when it was told."""
    words: str
    """One sentence for people."""
    channel_id: str = ""
    """What people called the channel when it was told."""
    origin_endpoint: str | None = None
    """Guid; None for an event of the inputs."""
    origin_endpoint_id: str | None = None
    input_id: int | None = None
    """INPUT_LOST, INPUT_RECOVERED: that input."""
    slot: int | None = None
    media_sequence: int | None = None
    """Of the entry that the event tells of; None where there is none."""
    reason: Reason | None = None
    """The entry's."""
    step: int | None = None
    """Of the failover rule, the entry's; for a hold the step that holds."""
    active_input: int | None = None
    """From here on."""
    evidence: Evidence | None = None
    """Deadline, and for each input what it lacked, when it was due, and whether it was dead."""
    lateness: int | None = None
    """How long after the slot was due from the input that was active it was decided, ticks; negative: before."""
    waited: int | None = None
    """How much later than planned viewers may see the slot, ticks."""
    seam: Seam | None = None
    """Between this slot and the one before; None where there is none."""
    jump: int | None = None
    """By how much the programme skips at a discontinuity, ticks; negative: by how much it repeats."""
    renditions: tuple[str, ...] = ()
    """PARTIAL, GAP: those in which there is nothing of the slot. INPUTS_MATCH: those that were compared."""
    duration: int | None = None
    """HOLD_ENDED: of the hold. INPUT_LOST, INPUT_RECOVERED: since the input's last segment before. Ticks."""
    ended: bool = False
    """INPUT_LOST: all playlists of the input carry EXT-X-ENDLIST; else it just fell silent."""
    grade: Grade | None = None
    """INPUTS_MISMATCH, INPUTS_MATCH: what is proven now, of all renditions together."""
    mismatches: Mapping[str, Mismatch] = field(default_factory=dict)
    """INPUTS_MISMATCH: by rendition, what the last common pieces lacked."""
    harvest_job: str | None = None
    """HARVEST_SUCCEEDED, HARVEST_FAILED: of that job, guid."""
    harvest_job_id: str | None = None
    author: str | None = None
    """OPERATOR_ACTION: who, by the name of their access key or as a trusted proxy has named them; empty where nobody
    has to say who they are."""
    operation: str | None = None
    """OPERATOR_ACTION: of the control API."""

    @property
    def about(self) -> str:
        """What it is about within its channel: an origin endpoint (guid), an input, both inputs, or all of it."""
        if self.origin_endpoint is not None:
            return self.origin_endpoint
        if self.kind is EventKind.OPERATOR_ACTION:
            return EVENT_OF_CHANNEL
        return str(self.input_id) if self.input_id is not None else EVENT_OF_INPUTS

    @property
    def id(self) -> str:
        """The same for the same event, whoever tells it: what repetitions are recognised by."""
        number = f"@{self.instant}" if self.media_sequence is None else str(self.media_sequence)
        number = self.harvest_job or number
        return f"{self.kind}.{self.channel}.{self.about}.{number}"

    @property
    def order(self) -> tuple[int, int]:
        """Rises from event to event of one kind about one thing."""
        return self.instant, -1 if self.media_sequence is None else self.media_sequence
