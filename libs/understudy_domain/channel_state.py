"""All that the decision core knows of one channel: plain data, so that it can rest in a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy_domain.codec import record
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.failover import dead_at
from understudy_domain.grid import Grid
from understudy_domain.interchange import Interchangeability
from understudy_domain.lineup import DepartedRendition, Rendition, insert
from understudy_domain.timeline import InputState
from understudy_domain.told import Told


@record("snapshot.position")
@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far a shard's part of ARRIVALS is contained in its channels' snapshots: idle channels need no newer one."""

    sequence: int


@record("snapshot.channel", version=2)
@dataclass(slots=True)
class ChannelState:
    """The fold of a channel's log up to ``sequence``."""

    channel: str
    """Guid."""
    now: int = 0
    """Log time: instant of the last message or timer that was decided at, ticks since the epoch."""
    sequence: int = 0
    """ARRIVALS sequence of the last message applied, ticks of the clock not counted."""
    grid: Grid | None = None
    """None until S_in is settled."""
    lineup: tuple[Rendition, ...] = ()
    departed: list[DepartedRendition] = field(default_factory=list)
    """Renditions that have left the line-up, the last one last."""
    numbers_used: dict[str, int] = field(default_factory=dict)
    """By kind's letter: the highest number of a rendition that has joined since the start."""
    inputs: list[InputState] = field(default_factory=lambda: [InputState(1), InputState(2)])
    interchange: Interchangeability = field(default_factory=Interchangeability)
    endpoints: list[EndpointState] = field(default_factory=list)
    end_ordered_at: int | None = None
    """When an operator last ordered the programme to end while no input delivered, ticks since the epoch."""
    told: Told = field(default_factory=Told)

    @property
    def names(self) -> list[str]:
        """The ids of all renditions that a slot may name."""
        return [one.rendition for one in self.lineup] + [one.rendition.rendition for one in self.departed]

    def lineup_at(self, begin: int) -> tuple[Rendition, ...]:
        """The renditions that count in a slot which begins at ``begin``, programme time; needs the grid."""
        joined = [one for one in self.lineup if one.since is not None]
        if self.grid is None or not (joined or self.departed):
            return self.lineup
        half = self.grid.segment_duration // 2
        found = [one for one in self.lineup if one.takes_part(begin, off_max=half)]
        for departed in self.departed:
            if departed.rendition.takes_part(begin, off_max=half):
                found = list(insert(found, departed.rendition))
        return tuple(found) or self.lineup

    def dies_at(self, one: InputState) -> int:
        """From when on one of the inputs is dead unless something arrives, by the patience of a slot of one segment.

        The shortest of slots: what holds for a whole channel is asked by it. An endpoint's slots may be longer.
        """
        length = self.grid.segment_duration if self.grid is not None else 0
        return dead_at(one.last_arrived_at, one.has_ended, length, length)

    def alive(self) -> list[InputState]:
        """The inputs that are not dead by the patience of a slot of one segment; none without a grid."""
        return [one for one in self.inputs if self.now < self.dies_at(one)] if self.grid is not None else []

    def input(self, input_id: int) -> InputState:
        """Input 1 or 2."""
        return self.inputs[input_id - 1]

    def endpoint(self, origin_endpoint: str) -> EndpointState | None:
        """An endpoint by guid."""
        return next((one for one in self.endpoints if one.origin_endpoint == origin_endpoint), None)
