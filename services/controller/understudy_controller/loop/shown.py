"""What the metrics are made of when Prometheus asks: the channels that this process decides for, by people's ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """An origin endpoint that is configured."""

    channel: str
    """The channel's id."""
    id: str
    guid: str
    last: ProgramEntry | None
    """Its last entry that stands in PROGRAM."""
    held_since: int | None
    """When its next slot was first held past its deadline, ticks since the epoch; None: nothing is held."""


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A channel that is configured, and that this process decides for."""

    id: str
    state: ChannelState
    endpoints: tuple[ShownEndpoint, ...]


ShownChannels = Callable[[], Iterator[ShownChannel]]
